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
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from ratelimit.__main__ import main
from tests.e2e.serving import PATIENCE_S, POLICY, Serving, popen, serving, until

METRICS = Path(__file__).parents[2] / "docs" / "metrics.md"

Serve = Callable[..., AbstractContextManager[Serving]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Start `ratelimit serve` in an empty folder, with settings."""
    return partial(serving, tmp_path)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One for those tests that only ask."""
    folder = tmp_path_factory.mktemp("serve")
    (folder / "ratelimit.yaml").write_text(POLICY)
    with serving(folder) as found:
        yield found


def test_the_printed_curl_line_works(running: Serving) -> None:
    """What `serve` prints can be pasted into a shell, and the answer is a decision."""
    line = running.lines[-1].strip()
    answer = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert json.loads(answer.stdout)["decision"] == "allow"
    assert "ratelimit-data" in "".join(running.lines)


def test_a_limit_is_kept_and_the_refusal_can_be_looked_up(running: Serving) -> None:
    """After the capacity comes a refusal, whose id finds its record on the operator lane; nothing shows the key or the query."""
    assert [running.check()["decision"] for _ in range(4)] == ["allow"] * 3 + ["throttle"]
    refused = running.check()
    status, text = running.operate(f"/v1/records/{refused['id']}")
    record = json.loads(text)
    assert (status, record["reason"], record["path"], record["limit"]) == (200, "rate_exceeded", "/v1/images", "key")
    assert "secret-of-the-caller" not in text + json.dumps(refused)
    assert "4242" not in text
    assert len(json.loads(running.operate("/v1/records")[1])["records"]) == 2
    assert running.operate("/v1/records/nobody-1")[0] == 404


def test_every_metric_is_documented(running: Serving) -> None:
    """Each metric that is exposed has a row in docs/metrics.md."""
    running.check(api_key="of-the-metrics")
    families = re.findall(r"^# TYPE (ratelimit_\w+)", running.operate("/metrics")[1], re.MULTILINE)
    assert len(families) > 15
    rows = METRICS.read_text(encoding="utf-8")
    assert [name for name in families if f"`{name}`" not in rows and f"`{name}_count`" not in rows] == []


def test_a_changed_policy_comes_into_force_and_a_broken_one_does_not(serve: Serve, tmp_path: Path) -> None:
    """The file is read again while we serve; what cannot be used, also a bad tag, leaves the last good one in force and is reported."""
    policy = tmp_path / "ratelimit.yaml"
    policy.write_text(POLICY)
    with serve() as running:
        assert running.check(cost=4)["reason"] == "cost_exceeds_capacity"
        policy.write_text(POLICY.replace("capacity: 3", "capacity: 30"))
        until(lambda: running.check(cost=4)["reason"] == "ok")
        policy.write_text(f"mode: !!bool foo\n{POLICY}")
        until(lambda: bool(json.loads(running.operate("/v1/policy")[1])["problems"]))
        policy.write_text(POLICY.replace("capacity: 3", "capacity: 30"))
        until(lambda: not json.loads(running.operate("/v1/policy")[1])["problems"])
        policy.write_text(POLICY.replace("capacity: 3", "capacity: 0"))
        until(lambda: bool(json.loads(running.operate("/v1/policy")[1])["problems"]))
        shown = json.loads(running.operate("/v1/policy")[1])
        assert "$.limits[0].bucket.capacity: 0 is not allowed" in shown["problems"][0]
        assert shown["limits"][0]["bucket"]["capacity"] == 30
        assert running.check(cost=4)["reason"] == "ok"


def test_a_broken_policy_starts_nothing(tmp_path: Path) -> None:
    """A new process with a policy that cannot be used ends with every problem, and leaves nothing behind."""
    (tmp_path / "ratelimit.yaml").write_text("version: 1\nlimits: [{name: key, per: [api_key], bucket: {capacity: 0, refill: ten}}]\n")
    process = popen(tmp_path)
    _, errors = process.communicate(timeout=PATIENCE_S)
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
        ({"IP_LISTS": "nowhere"}, "nowhere: cannot be read (No such file or directory); expected a folder with the lists datacenter"),
        ({"COUNTRIES": "nowhere.mmdb"}, "nowhere.mmdb: cannot be read (No such file or directory); expected a MaxMind database"),
    ],
)
def test_bad_settings_are_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: dict[str, str], says: str
) -> None:
    """A mistake in the environment is told by name, with exit code 2; asked in this process, since nothing starts."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("RATELIMIT_")]:
        monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(f"RATELIMIT_{name}", value)
    monkeypatch.setattr(sys, "argv", ["ratelimit", "serve"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_a_second_serve_on_the_same_data_is_refused(serve: Serve, tmp_path: Path) -> None:
    """One process owns a data folder; another is told whose it is."""
    with serve() as running:
        second = popen(tmp_path)
        _, errors = second.communicate(timeout=PATIENCE_S)
        assert second.returncode == 2
        assert str(running.process.pid) in errors


def test_the_store_ends_with_us_and_keeps_what_it_knows(serve: Serve, tmp_path: Path) -> None:
    """However we end, the embedded store ends too, and the next `serve` finds what was spent."""
    (tmp_path / "ratelimit.yaml").write_text(POLICY)
    for past, how in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGKILL)):
        with serve() as running:
            assert [running.check(api_key=f"key{number}")["decision"] for number in range(past)] == ["throttle"] * past
            assert running.check(cost=3, api_key=f"key{past}")["decision"] == "allow"
            time.sleep(1.1)  # the append-only file is written every second
            running.process.send_signal(how)
            assert running.process.wait(timeout=PATIENCE_S) == (0 if how != signal.SIGKILL else -how)
    with serve() as running:
        assert [running.check(api_key=f"key{number}")["decision"] for number in range(3)] == ["throttle"] * 3


def test_a_store_that_is_away_at_the_start_is_bridged(serve: Serve) -> None:
    """Without its store `serve` starts, is ready, says that the store is away, and each limit answers as its policy says."""
    with serve(REDIS_URL="redis://127.0.0.1:1/0", STORE_KEY="ab" * 32) as running:
        assert running.check()["decision"] == "allow"
        status, text = running.operate("/readyz")
        assert (status, json.loads(text)["store"]) == (200, "away")


def test_unix_socket(serve: Serve, tmp_path: Path) -> None:
    """The gateway lane can be a Unix socket, and the printed line says how to ask it."""
    with serve(GATEWAY=f"unix:{tmp_path}/g.sock") as running:
        answer = subprocess.run(shlex.split(running.lines[-1].strip()), capture_output=True, text=True, check=True, timeout=PATIENCE_S)
        assert json.loads(answer.stdout)["decision"] == "allow"
