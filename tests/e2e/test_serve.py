"""`ratelimit serve` as a person meets it: a real process, its first lines, its answers, its end."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

README = Path(__file__).parents[2] / "README.md"
CHECK = {"api_key": "secret-of-the-caller", "ip": "203.0.113.7", "method": "GET", "path": "/v1/images?card=4242"}
POLICY = "version: 1\nlimits:\n  - {name: key, per: [api_key], bucket: {capacity: 3, refill: 1/h}}\n"


class Serving:
    """A running `serve`, and what it printed at its start."""

    def __init__(self, process: subprocess.Popen[str], lines: list[str]) -> None:
        self.process, self.lines = process, lines
        found = re.search(r"gateway lane +(\S+).*operator lane +(\S+)", "".join(lines), re.DOTALL)
        assert found is not None
        self.gateway, self.operator = f"http://{found[1]}", f"http://{found[2]}"

    def check(self, **asked: object) -> dict[str, Any]:
        """Ask for a decision."""
        request = Request(f"{self.gateway}/v1/check", json.dumps({**CHECK, **asked}).encode())  # noqa: S310  our own server
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            decision: dict[str, Any] = json.loads(answer.read())
            return decision

    def operate(self, path: str) -> tuple[int, str]:
        """Ask the operator lane."""
        try:
            with urlopen(f"{self.operator}{path}", timeout=10) as answer:  # noqa: S310  our own server
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()


Serve = Callable[..., Any]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start `ratelimit serve` in an empty folder, with settings; it is stopped at the end."""

    @contextmanager
    def start(**settings: str) -> Iterator[Serving]:
        process = popen(tmp_path, **settings)
        lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.strip().startswith("curl"):
                break
        try:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            yield Serving(process, lines)
        finally:
            process.terminate()
            process.communicate(timeout=20)

    return start


def popen(folder: Path, **settings: str) -> "subprocess.Popen[str]":
    """A `serve` of its own environment, on free ports."""
    ours = {"GATEWAY": "127.0.0.1:0", "OPERATOR": "127.0.0.1:0", **settings}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RATELIMIT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "ratelimit", "serve"],
        cwd=folder,
        env=environment | {f"RATELIMIT_{name}": value for name, value in ours.items()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(condition: Callable[[], bool]) -> None:
    """Wait for what must come, for no longer than it can take."""
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it did not come to be")


def test_the_printed_curl_line_works(serve: Serve) -> None:
    """What `serve` prints can be pasted into a shell, and the answer is a decision."""
    with serve() as serving:
        line = serving.lines[-1].strip()
        answer = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True, timeout=20)
        assert json.loads(answer.stdout)["decision"] == "allow"
        assert "ratelimit-data" in "".join(serving.lines)


def test_a_limit_is_kept_and_the_refusal_can_be_looked_up(serve: Serve, tmp_path: Path) -> None:
    """After the capacity comes a refusal, whose id finds its record on the operator lane; nothing shows the key or the query."""
    (tmp_path / "ratelimit.yaml").write_text(POLICY)
    with serve() as serving:
        assert [serving.check()["decision"] for _ in range(4)] == ["allow"] * 3 + ["throttle"]
        refused = serving.check()
        status, text = serving.operate(f"/v1/records/{refused['id']}")
        record = json.loads(text)
        assert (status, record["reason"], record["path"], record["limit"]) == (200, "rate_exceeded", "/v1/images", "key")
        assert "secret-of-the-caller" not in text + json.dumps(refused)
        assert "4242" not in text
        assert len(json.loads(serving.operate("/v1/records")[1])["records"]) == 2
        assert serving.operate("/v1/records/nobody-1")[0] == 404


def test_every_metric_stands_in_the_readme(serve: Serve) -> None:
    """Each metric that is exposed has a row in the README."""
    with serve() as serving:
        serving.check()
        families = re.findall(r"^# TYPE (ratelimit_\w+)", serving.operate("/metrics")[1], re.MULTILINE)
        assert len(families) > 15
        readme = README.read_text(encoding="utf-8")
        assert [name for name in families if f"`{name}`" not in readme] == []


def test_a_changed_policy_comes_into_force_and_a_broken_one_does_not(serve: Serve, tmp_path: Path) -> None:
    """The file is read again while we serve; what cannot be used, also a bad tag, leaves the last good one in force and is reported."""
    policy = tmp_path / "ratelimit.yaml"
    policy.write_text(POLICY)
    with serve() as serving:
        assert serving.check(cost=4)["reason"] == "cost_exceeds_capacity"
        policy.write_text(POLICY.replace("capacity: 3", "capacity: 30"))
        until(lambda: serving.check(cost=4)["reason"] == "ok")
        policy.write_text(f"mode: !!bool foo\n{POLICY}")
        until(lambda: bool(json.loads(serving.operate("/v1/policy")[1])["problems"]))
        policy.write_text(POLICY.replace("capacity: 3", "capacity: 30"))
        until(lambda: not json.loads(serving.operate("/v1/policy")[1])["problems"])
        policy.write_text(POLICY.replace("capacity: 3", "capacity: 0"))
        until(lambda: bool(json.loads(serving.operate("/v1/policy")[1])["problems"]))
        shown = json.loads(serving.operate("/v1/policy")[1])
        assert "$.limits[0].bucket.capacity: 0 is not allowed" in shown["problems"][0]
        assert shown["limits"][0]["bucket"]["capacity"] == 30
        assert serving.check(cost=4)["reason"] == "ok"


def test_a_broken_policy_starts_nothing(tmp_path: Path) -> None:
    """A new process with a policy that cannot be used ends with every problem, and leaves nothing behind."""
    (tmp_path / "ratelimit.yaml").write_text("version: 1\nlimits: [{name: key, per: [api_key], bucket: {capacity: 0, refill: ten}}]\n")
    process = popen(tmp_path)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "capacity: 0 is not allowed" in errors
    assert "'ten'" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "ratelimit-data").exists()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"REDIS": "redis://127.0.0.1"}, "RATELIMIT_REDIS: is not a setting"),
        ({"GATEWAY": "everywhere"}, "RATELIMIT_GATEWAY"),
        ({"POLICY": "nowhere.yaml"}, "nowhere.yaml"),
    ],
)
def test_bad_settings_are_messages(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    """A mistake in the environment is told by name, with exit code 2 and no traceback."""
    process = popen(tmp_path, **settings)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert says in errors
    assert "Traceback" not in errors


def test_a_second_serve_on_the_same_data_is_refused(serve: Serve, tmp_path: Path) -> None:
    """One process owns a data folder; another is told whose it is."""
    with serve() as serving:
        second = popen(tmp_path)
        _, errors = second.communicate(timeout=30)
        assert second.returncode == 2
        assert str(serving.process.pid) in errors


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_store_ends_with_us_and_keeps_what_it_knows(serve: Serve, tmp_path: Path, how: signal.Signals) -> None:
    """However we end, the embedded store ends too, and the next `serve` finds what was spent."""
    (tmp_path / "ratelimit.yaml").write_text(POLICY)
    with serve() as serving:
        assert serving.check(cost=3)["decision"] == "allow"
        time.sleep(1.1)  # the append-only file is written every second
        serving.process.send_signal(how)
        assert serving.process.wait(timeout=20) == (0 if how != signal.SIGKILL else -how)
    with serve() as serving:
        assert serving.check()["decision"] == "throttle"


def test_a_store_that_is_away_at_the_start_is_bridged(serve: Serve) -> None:
    """Without its store `serve` starts, is ready, says that the store is away, and each limit answers as its policy says."""
    with serve(REDIS_URL="redis://127.0.0.1:1/0", STORE_KEY="ab" * 32) as serving:
        assert serving.check()["decision"] == "allow"
        status, text = serving.operate("/readyz")
        assert (status, json.loads(text)["store"]) == (200, "away")


def test_unix_socket(serve: Serve, tmp_path: Path) -> None:
    """The gateway lane can be a Unix socket, and the printed line says how to ask it."""
    with serve(GATEWAY=f"unix:{tmp_path}/g.sock") as serving:
        answer = subprocess.run(shlex.split(serving.lines[-1].strip()), capture_output=True, text=True, check=True, timeout=20)
        assert json.loads(answer.stdout)["decision"] == "allow"
