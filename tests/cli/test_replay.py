"""`ratelimit replay`, as a person and as a script see it."""

import gzip
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner, Result

from ratelimit.cli.replay import replay
from ratelimit.core.errors import ConfigError

DATA = Path(os.environ.get("RATELIMIT_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data") / "logs"
POLICY = """
version: 1
limits:
  - {name: address, per: [ip], bucket: {capacity: 2, refill: 1/min}}
  - {name: login, per: [ip], match: {method: [POST], path: [/login]}, bucket: {capacity: 1, refill: 1/h}}
"""


def line(second: int, ip: str = "203.0.113.7", request: str = "GET / HTTP/1.1") -> str:
    return f'{ip} - - [22/Dec/2022:10:{second // 60:02}:{second % 60:02} +0000] "{request}" 200 1 "-" "Mozilla/5.0"\n'


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "ratelimit.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text(line(0) * 5 + "api_key=sk_live_1 broken\n" + line(1, "198.51.100.9"))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(replay, [str(argument) for argument in arguments])


def found(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_shows_a_person_who_is_refused(log: Path, policy: Path) -> None:
    """Requests, subjects and the most refused are on the terminal, with the broken line's number but not its text."""
    result = run(log, "--policy", policy)
    assert result.exit_code == 0
    assert "6 requests: 3 admitted, 3 refused (50.0 %)" in result.stdout
    assert "1 of 2 subjects by ip refused" in result.stdout
    assert "3 rate_exceeded" in result.stdout
    assert "ip:203.0.113.7" in result.stdout
    assert "line 6: it has no address" in result.stdout
    assert "sk_live_1" not in result.output


def test_shows_a_script_the_same(log: Path, policy: Path) -> None:
    """JSON holds the report under its stable names, and nothing else is on standard output."""
    report = found(log, "--policy", policy)
    assert report["requests"] == {"seen": 6, "admitted": 3, "refused": 3, "unlimited": 0, "no_request": 0, "outside": 0, "life_events": 0}
    assert report["limits"][0]["top"] == [{"subject": "ip:203.0.113.7", "seen": 5, "refused": 3}]
    assert [(file["lines"], file["read"], file["broken"], file["format"]) for file in report["files"]] == [(7, 6, 1, "combined")]


@pytest.fixture
def wider(tmp_path: Path) -> Path:
    path = tmp_path / "wider.yaml"
    path.write_text(POLICY.replace("capacity: 2", "capacity: 4"))
    return path


def test_shows_what_another_policy_changes(log: Path, policy: Path, wider: Path) -> None:
    """With --against, a person and a script are told who changes sides, and by which rule somebody looks honest."""
    shown = " ".join(run(log, "--policy", wider, "--against", policy).stdout.split())
    assert "requests: 2 newly refused (33.3 %), 0 newly admitted (0.0 %), 1 refused by both" in shown
    assert "callers: 0 of 2 newly refused, 0 newly admitted, 1 refused by both" in shown
    assert "callers that look honest: 0 of 0 newly refused, 0 newly admitted looks honest: never answered 401 or 403, at most 120" in shown
    comparison = found(log, "--policy", wider, "--against", policy)["comparison"]
    assert comparison["requests"] == {"both_admitted": 3, "newly_refused": 2, "newly_admitted": 0, "both_refused": 1}
    assert comparison["against"]["policy"] == str(policy)
    assert found(log, "--policy", wider)["comparison"] is None


def test_writes_a_page(log: Path, policy: Path, wider: Path, tmp_path: Path) -> None:
    """--html writes the same finding as a page, beside what goes to the terminal."""
    result = run(log, "--policy", policy, "--against", wider, "--html", tmp_path / "report.html")
    assert "6 requests: 3 admitted, 3 refused" in result.stdout
    text = (tmp_path / "report.html").read_text()
    assert "<h1>3 of 6 requests refused</h1>" in text
    assert "sk_live_1" not in text


def test_a_page_that_cannot_be_written_is_told_first(log: Path, policy: Path, tmp_path: Path) -> None:
    """Before the log is read: the file is named, and what would do."""
    for path in (tmp_path / "none" / "report.html", tmp_path):
        error = run(log, tmp_path / "no.log", "--policy", policy, "--html", path).exception
        assert isinstance(error, ConfigError)
        assert f"{path}: " in str(error)
        assert "expected a file for the report that can be written" in str(error)


def test_an_account_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """What a client calls itself is shown with its control characters written out."""
    (tmp_path / "policy").write_text("{version: 1, limits: [{name: one, per: [account], bucket: {capacity: 1, refill: 1/h}}]}")
    (tmp_path / "log").write_text(json.dumps({"time": 1, "method": "GET", "path": "/", "account": "\x1b[2J[bold]"}) + "\n")
    shown = run(tmp_path / "log", tmp_path / "log", "--policy", tmp_path / "policy", "--against", tmp_path / "policy").stdout
    assert "account:\\x1b[2J[bold]" in shown
    assert "\x1b" not in shown


def test_top_bounds_who_is_named(log: Path, policy: Path) -> None:
    """With --top 0 nobody is named, and the counts stay."""
    report = found(log, "--policy", policy, "--top", "0")
    assert (report["limits"][0]["top"], report["limits"][0]["subjects_refused"]) == ([], 1)


def test_several_logs_are_merged_by_time(tmp_path: Path, policy: Path) -> None:
    """Rotated, packed and in another format, given in any order: one run in the order of time."""
    (tmp_path / "access.log").write_text(line(120) + line(121))
    (tmp_path / "access.log.1").write_bytes(gzip.compress((line(0) + line(1)).encode()))
    row = {"time": "2022-12-22T10:01:00Z", "method": "GET", "path": "/", "ip": "203.0.113.7"}
    (tmp_path / "other.zst").write_bytes(zstandard.compress(json.dumps(row).encode()))
    report = found(tmp_path / "access.log", tmp_path / "access.log.1", tmp_path / "other.zst", "--policy", policy)
    assert (report["order"]["late"], report["requests"]["admitted"], report["requests"]["refused"]) == (0, 4, 1)
    assert [file["format"] for file in report["files"]] == ["combined", "combined", "ndjson"]


def test_sort_puts_a_shuffled_log_in_order(tmp_path: Path, policy: Path) -> None:
    """Out of order it says so; sorted, nothing is late."""
    log = tmp_path / "log"
    log.write_text("".join(line(second) for second in (600, 300, 0, 900)))
    assert "The log is out of order: 2 requests" in run(log, "--policy", policy).stdout
    report = found(log, "--policy", policy, "--sort")
    assert (report["order"]["late"], report["requests"]["refused"]) == (0, 0)


def test_a_span_leaves_out_the_rest(tmp_path: Path, policy: Path) -> None:
    """--from and --until bound what is asked."""
    log = tmp_path / "log"
    log.write_text("".join(line(second) for second in range(10)))
    report = found(log, "--policy", policy, "--from", "2022-12-22T10:00:02Z", "--until", "2022-12-22T10:00:05Z")
    assert (report["requests"]["seen"], report["requests"]["outside"]) == (3, 7)


def test_a_json_log_may_name_its_fields(tmp_path: Path) -> None:
    """--map says where a field stands."""
    (tmp_path / "policy").write_text("{version: 1, limits: [{name: key, per: [api_key], bucket: {capacity: 1, refill: 1/h}}]}")
    (tmp_path / "log").write_text('{"time": 1, "method": "GET", "path": "/", "token": "t"}\n' * 2)
    assert found(tmp_path / "log", "--policy", tmp_path / "policy")["limits"][0]["skipped"] == {"api_key": 2}
    assert found(tmp_path / "log", "--policy", tmp_path / "policy", "--map", "api_key=token")["limits"][0]["refused"] == 1


def test_reads_standard_input(policy: Path) -> None:
    """- is standard input, packed or not, and there is no progress bar where there is no terminal."""
    command = [sys.executable, "-c", "from ratelimit.cli.replay import replay; replay()", "-", "--policy", str(policy), "--json"]
    packed = gzip.compress(line(0).encode() * 3)
    done = subprocess.run(command, input=packed, capture_output=True, check=True)
    assert json.loads(done.stdout)["requests"]["refused"] == 1
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "none of 0 lines could be read (it is empty)"),
        (b"not a log\n", "none of 1 lines could be read (line 1: it has no address"),
        (gzip.compress(line(0).encode(), mtime=0)[:-12], "none of 0 lines could be read (Compressed file ended"),
    ],
)
def test_a_log_without_a_readable_line_is_a_mistake(content: bytes, problem: str, tmp_path: Path, policy: Path) -> None:
    """Nothing read is no finding: the message says why, and the exit code is that of a wrong use."""
    (tmp_path / "log").write_bytes(content)
    error = run(tmp_path / "log", "--policy", policy).exception
    assert isinstance(error, ConfigError)
    assert error.exit_code == 2
    assert problem in str(error)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "yesterday"], "'yesterday' is not an instant; expected RFC 3339"),
        (["--map", "colour=x"], "'colour=x' names no field; expected FIELD=NAME with FIELD one of time, method"),
        (["--format", "xml"], "'xml' is not one of 'auto', 'combined', 'ndjson'"),
        (["-", "-"], "standard input can be read only once"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], message: str, log: Path) -> None:
    """What was wrong and what would do, with exit code 2."""
    result = run(log, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", "").split())


def test_a_missing_log_or_policy_is_told(tmp_path: Path, log: Path, policy: Path) -> None:
    """The file that could not be read is named."""
    for arguments in ((log, "--policy", tmp_path / "none.yaml"), (tmp_path / "none.log", "--policy", policy)):
        error = run(*arguments).exception
        assert isinstance(error, ConfigError)
        assert "none." in str(error)


def admitted_by_hand(lines: list[str], capacity: int, per_s: float) -> int:
    """An independent bucket in plain floats, the addresses and times cut out by splitting."""
    buckets: dict[str, tuple[float, float]] = {}  # tokens, and when
    now, admitted = 0.0, 0
    for text in lines:
        ip = text.split()[0]
        now = max(now, datetime.strptime(text.split("[")[1].split("]")[0], "%d/%b/%Y:%H:%M:%S %z").timestamp())
        tokens, since = buckets.get(ip, (float(capacity), now))
        tokens = min(capacity, tokens + (now - since) * per_s)
        passes = tokens >= 1 - 1e-6
        admitted += passes
        buckets[ip] = tokens - passes, now
    return admitted


@pytest.mark.parametrize("name", ["web-2015.log.gz", "web-2021-10-22.log.gz", "web-2022-12-22.log.gz"])
@pytest.mark.parametrize(("capacity", "refill", "per_s"), [(60, "1/s", 1.0), (5, "6/min", 0.1)])
def test_real_logs_are_admitted_as_counted_by_hand(name: str, capacity: int, refill: str, per_s: float, tmp_path: Path) -> None:
    """On real access logs the count agrees with a few lines of independent arithmetic."""
    if not (DATA / name).exists():
        pytest.skip(f"the public log {name} is not at {DATA}; replay on real logs is not tested")
    (tmp_path / "policy").write_text(
        f"{{version: 1, limits: [{{name: a, per: [ip], bucket: {{capacity: {capacity}, refill: {refill}}}}}]}}"
    )
    report = found(DATA / name, "--policy", tmp_path / "policy")
    lines = gzip.decompress((DATA / name).read_bytes()).decode("utf-8", "replace").splitlines()
    assert report["requests"]["seen"] == len(lines)
    assert report["requests"]["admitted"] == admitted_by_hand(lines, capacity, per_s)
    assert report["order"]["unordered"] is (name == "web-2015.log.gz")
