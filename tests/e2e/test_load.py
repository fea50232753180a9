"""`make load` as CI runs it, but shorter: real callers on a real sidecar; how it ends when all is well, when not, and when it cannot."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import pytest

from bench.load_test import TOKEN
from bench.plan import Plan, clean_environment
from bench.process import free_port, running, wait_until
from bench.traffic.service import DEADLINE_MS

BENCH = Path(__file__).parents[2] / "bench"
SAFE = """
objectives:
  - {measure: over_admission, at_most: 0}
  - {measure: limit_used, at_least: 0.5}
  - {measure: error_share, at_most: 0}
  - {measure: refused_share, of: flood, at_least: 0.01}
  - {measure: requests_per_s, at_least: 1}
"""
SECONDS = 6  # long enough for a flood to use up its burst
LONGER = 40  # on a machine that is busy with other things


class Sidecar(NamedTuple):
    """Where a running one listens."""

    gateway: str
    operator: str


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[Sidecar]:
    """One that serves the policy of the load test, with full buckets, to who has the token."""
    lanes = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    settings = {"GATEWAY": lanes[0], "OPERATOR": lanes[1], "DATA": str(tmp_path / "data"), "POLICY": str(BENCH / "load-policy.yaml")}
    environment = {f"RATELIMIT_{name}": value for name, value in settings.items()}
    environment |= {"RATELIMIT_DEADLINE_MS": str(DEADLINE_MS), TOKEN: "let-me-in-please"}
    plan = Plan(tmp_path, False, None, print)
    with running(plan, "serve", [sys.executable, "-m", "ratelimit", "serve"], environment) as served:
        wait_until(served, lambda: answers(f"http://{lanes[0]}/livez"))
        yield Sidecar(*(f"http://{lane}" for lane in lanes))


def answers(url: str) -> bool:
    with suppress(OSError), urlopen(url, timeout=30) as answer:  # noqa: S310  our own server
        return bool(answer.status == 200)
    return False


def begin(folder: Path, objectives: str, *more: str) -> "subprocess.Popen[str]":
    """Start it, with all its files in a folder."""
    (folder / "objectives.yaml").write_text(objectives, encoding="utf-8")
    (folder / "tmp").mkdir(exist_ok=True)
    words = [sys.executable, str(BENCH / "load_test.py"), "--objectives", f"{folder}/objectives.yaml", "--results", str(folder), *more]
    environment = clean_environment({"COLUMNS": "150", "TMPDIR": str(folder / "tmp"), TOKEN: "let-me-in-please"})
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder)


def load_test(folder: Path, objectives: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    with begin(folder, objectives, *more) as process:
        out, errors = process.communicate(timeout=100)
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def flooded(folder: Path, objectives: str, *more: str) -> "subprocess.CompletedProcess[str]":
    """Run it until the flood was refused something."""
    done = load_test(folder, objectives, "--duration", str(SECONDS), *more)
    judged = json.loads((folder / "load.json").read_text(encoding="utf-8"))["objectives"]
    if next(it["met"] for it in judged if it["measure"] == "refused_share"):
        return done
    return load_test(folder, objectives, "--duration", str(LONGER), *more)


def left_over(folder: Path) -> list[str]:
    """Processes that were started in a folder's temporary one or speak of it, and what still lies in it."""
    found = [str(path) for path in (folder / "tmp").iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # somebody else's, or it ended meanwhile
            words, environment = ((process / name).read_text(errors="replace") for name in ("cmdline", "environ"))
            if str(folder / "tmp") in words + environment:
                found.append(words.replace("\0", " "))
    return found


def until(true: Callable[[], bool], otherwise: str) -> None:
    """Wait for what must come, for no longer than it can take."""
    for _ in range(1_000):
        if true():
            return
        time.sleep(0.05)
    pytest.fail(otherwise)


def test_a_sound_sidecar_meets_its_objectives(tmp_path: Path) -> None:
    """A sidecar of its own is started, loaded and judged; the reports say the same as the exit code, and nothing is left running."""
    done = flooded(tmp_path, SAFE, "--summary", str(tmp_path / "summary.md"))
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "load.json").read_text(encoding="utf-8"))
    assert report["met"] is True
    assert [it["met"] for it in report["objectives"]] == [True] * 5
    asked = {it["kind"]: it["requests"] for it in report["callers"] if it["page"] is None}
    assert asked["all"] > asked["honest"] > 0
    assert {it["limit"] for it in report["limits"]} == {"key", "images", "address", "neighbourhood"}
    assert "all 5 objectives met" in done.stdout
    assert "| met | over_admission" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    page = (tmp_path / "load.html").read_text(encoding="utf-8")
    assert "all 5 objectives met" in page
    assert "flood search" in page  # locust's own part
    assert left_over(tmp_path) == []


def test_a_sidecar_that_admits_too_much_is_found(tmp_path: Path, sidecar: Sidecar) -> None:
    """Judged by a policy that allows a little less than what is served, the same sidecar over-admits; and none answers within 1 µs."""
    smaller = tmp_path / "smaller.yaml"
    smaller.write_text((BENCH / "load-policy.yaml").read_text(encoding="utf-8").replace("capacity: 150", "capacity: 120"), encoding="utf-8")
    objectives = f"{SAFE}  - {{measure: p99_ms, at_most: 0.001}}\n"
    done = flooded(tmp_path, objectives, "--host", sidecar.gateway, "--policy", str(smaller))
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads((tmp_path / "load.json").read_text(encoding="utf-8"))
    assert {it["measure"] for it in report["objectives"] if not it["met"]} == {"over_admission", "p99_ms"}
    (over,) = (it["measured"] for it in report["objectives"] if it["measure"] == "over_admission")
    assert 20 < over <= 30
    assert "2 of 6 objectives missed" in done.stdout


def test_answers_that_are_no_decisions_are_errors(tmp_path: Path, sidecar: Sidecar) -> None:
    """Pointed at the operator lane, which decides nothing, every request is an error, and the report says what came."""
    done = load_test(tmp_path, SAFE, "--host", sidecar.operator, "--duration", "5", "--users", "4")
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads((tmp_path / "load.json").read_text(encoding="utf-8"))
    measured = {it["measure"]: it["measured"] for it in report["objectives"]}
    assert (measured["error_share"], measured["over_admission"]) == (1, None)
    assert report["flaws"][0]["flaw"].startswith("status 404")


@pytest.mark.parametrize(
    ("objectives", "more", "code", "says"),
    [
        (SAFE, ["--host", "http://127.0.0.1:1"], 3, "nothing answers at http://127.0.0.1:1/livez"),
        (SAFE, ["--users", "none"], 2, "--users"),
        (SAFE, ["--policy", "objectives.yaml"], 2, "$.version: is missing"),
        ("objectives: [{measure: speed, at_least: 1}]", [], 2, "$.objectives[0].measure: 'speed' is not allowed"),
    ],
)
def test_what_cannot_run_says_why(tmp_path: Path, objectives: str, more: list[str], code: int, says: str) -> None:
    """A mistake is told before anything is started, by exit code 2, or 3 where something is not there; never by a traceback."""
    done = load_test(tmp_path, objectives, *more)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "load.json").exists()


def test_an_end_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    """Ended while callers ask, it ends them, the sidecar and its store, and takes its files away."""
    with begin(tmp_path, SAFE, "--duration", "60") as process:
        assert process.stderr is not None
        assert "users on http://" in process.stderr.readline()
        try:
            until(lambda: {"locust", "serve", "valkey"} <= named(left_over(tmp_path)), "it did not start all that it needs")
        finally:
            process.terminate()
            process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    until(lambda: not left_over(tmp_path), "something is left")


def named(lines: list[str]) -> set[str]:
    """Which of the programs that belong to a test are among these."""
    return {name for name in ("locust", "serve", "valkey") if any(name in line for line in lines)}


def test_locust_alone(tmp_path: Path, sidecar: Sidecar) -> None:
    """The locustfile runs by itself, names its requests by who asks and what for, and fails none of a sound sidecar's answers."""
    command = [sys.executable, "-m", "locust", "-f", f"{BENCH}/locustfile.py", "--headless", "--users", "10", "--run-time", "4s"]
    command += ["--host", sidecar.gateway]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=clean_environment({TOKEN: "let-me-in-please"}), timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "person search" in done.stdout + done.stderr
