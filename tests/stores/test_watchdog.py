"""The program between us and the server, run as such, with real children."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratelimit.stores import watchdog

TELL_AND_SLEEP = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + TELL_AND_SLEEP
# starts the watchdog on a child, passes on what the child says, and stays
PARENT = """
import os, subprocess, sys
program, how, code = sys.argv[1:]
tie = [sys.executable, program, *how.split(), str(os.getpid()), "--", sys.executable, "-c", code]
child = subprocess.Popen(tie, stdin=subprocess.PIPE)
child.wait()
"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="PDEATHSIG is Linux's")


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    ours, held = os.pipe()  # we live on while it runs
    try:
        return subprocess.run([sys.executable, watchdog.__file__, *arguments], stdin=ours, capture_output=True, text=True, check=False)
    finally:
        os.close(ours)
        os.close(held)


def python(code: str) -> list[str]:
    return ["--watch", str(os.getpid()), "--", sys.executable, "-c", code]


@pytest.fixture
def watched() -> Iterator[subprocess.Popen[str]]:
    """A watchdog whose child has told its number and sleeps."""
    command = [sys.executable, watchdog.__file__, *python(TELL_AND_SLEEP)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        yield process
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def told(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    return int(process.stdout.readline())


def wait_until_all_closed(process: subprocess.Popen[str]) -> None:
    """Returns when every process that writes to this one's stdout has ended."""
    assert process.stdout
    assert process.stdout.read() == ""


def test_end_of_the_pipe_ends_the_child(watched: subprocess.Popen[str]) -> None:
    """When whoever holds its stdin is gone, the child gets SIGTERM."""
    told(watched)
    assert watched.stdin
    watched.stdin.close()
    wait_until_all_closed(watched)
    assert watched.wait() == 128 + signal.SIGTERM


def test_sigterm_is_passed_on(watched: subprocess.Popen[str]) -> None:
    """SIGTERM to the watchdog ends the child."""
    told(watched)
    watched.terminate()
    wait_until_all_closed(watched)
    assert watched.wait() == 128 + signal.SIGTERM


def test_child_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that does not end at SIGTERM gets SIGKILL after the grace."""
    code = f"from ratelimit.stores import watchdog; watchdog.GRACE_S = 0.05; raise SystemExit(watchdog.main({python(DEAF)!r}))"
    monkeypatch.setenv("PYTHONPATH", str(Path(watchdog.__file__).parents[2]))
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        told(process)
        assert process.stdin
        process.stdin.close()
        wait_until_all_closed(process)
        assert process.wait() == 128 + signal.SIGKILL


@pytest.mark.parametrize("how", ["--watch", pytest.param("", marks=on_linux)])
def test_kill_9_of_the_parent_ends_the_child(how: str) -> None:
    """A parent killed with no chance to clean up takes the child along, by the pipe and by the kernel."""
    command = [sys.executable, "-c", PARENT, watchdog.__file__, how, TELL_AND_SLEEP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        told(parent)
        parent.kill()
        wait_until_all_closed(parent)


@on_linux
def test_becomes_the_command() -> None:
    """Where the kernel does the work, the watchdog is replaced by the command: same process, nothing between."""
    command = [sys.executable, watchdog.__file__, str(os.getpid()), "--", sys.executable, "-c", "import os; print(os.getpid())"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert told(process) == process.pid
        assert process.wait() == 0


@on_linux
def test_parent_gone_before_it_asked() -> None:
    """If its parent is not the one that was named, that one has died already, and nothing is started."""
    done = run([str(os.getpid() + 1), "--", sys.executable, "-c", "print('started')"])
    assert (done.returncode, done.stdout) == (watchdog.CANNOT_RUN, "")
    assert f"process {os.getpid() + 1}" in done.stderr


@pytest.mark.parametrize(("code", "expected"), [("raise SystemExit(7)", 7), ("import os; os.abort()", 128 + signal.SIGABRT)])
def test_exit_code_is_the_childs(code: str, expected: int) -> None:
    """The child's exit code comes through, a signal as a shell would say it."""
    assert run(python(code)).returncode == expected


def test_files_are_for_our_user_alone(tmp_path: Path) -> None:
    """What the child creates, nobody else can read."""
    run(python(f"open({str(tmp_path / 'made')!r}, 'w')"))
    assert (tmp_path / "made").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("how", [[], ["--watch"]])
def test_command_that_cannot_be_run(how: list[str]) -> None:
    """A command that is not there is one line on stderr, no traceback."""
    done = run([*how, str(os.getpid()), "--", "/nowhere/valkey-server"])
    assert done.returncode == watchdog.CANNOT_RUN
    assert done.stderr == "cannot run /nowhere/valkey-server: No such file or directory\n"


@pytest.mark.parametrize("arguments", [[], ["1"], ["1", "--"], ["x", "--", "true"], ["1", "true"], ["--watch", "--", "true"]])
def test_usage(arguments: list[str]) -> None:
    """Anything but the stated form is refused with the usage."""
    done = run(arguments)
    assert (done.returncode, done.stderr) == (watchdog.CANNOT_RUN, watchdog.USAGE + "\n")
