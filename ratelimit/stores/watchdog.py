"""Ties the life of the embedded server to ours: however we die, `kill -9` included, the server is told to end.

Run as a program of the standard library alone, between us and the server:  watchdog.py [--watch] PARENT_PID -- COMMAND ...

On Linux it asks the kernel for SIGTERM at our death and then *becomes* the server, so that nothing stands between. It does so in a program
of its own, not in a `preexec_fn`: Python code between fork and exec may deadlock once we have threads. The kernel means the death of the
*thread* that started it, so whoever starts it from any other than the main thread must say --watch.

Elsewhere, or with --watch, it stays the server's parent and reads stdin, a pipe that we hold: at its end (we are gone), or at SIGTERM, the
server gets SIGTERM and, GRACE_S seconds later, SIGKILL. Descriptors that we made inheritable (the data folder's lock) go on to the server.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType
from typing import Final, NoReturn

GRACE_S: Final = 5.0  # the server needs a moment to write and sync its append-only file
CANNOT_RUN: Final = 127  # exit code, as a shell's
USAGE: Final = "usage: watchdog.py [--watch] PARENT_PID -- COMMAND ..."
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def main(argv: list[str]) -> int:
    """Run the command as told by `argv`; the exit code is the command's."""
    watching = argv[:1] == ["--watch"]
    head, command = argv[watching : watching + 2], argv[watching + 2 :]
    if len(head) != 2 or not head[0].isdigit() or head[1] != "--" or not command:
        return _refuse(USAGE)
    os.umask(0o077)  # what the server writes is for our user alone
    try:
        return _watch(command) if watching or not _die_with_parent(int(head[0])) else _become(command)
    except OSError as error:
        return _refuse(f"cannot run {command[0]}: {error.strerror}")


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)  # noqa: T201 - stderr is the server's log
    return CANNOT_RUN


def _die_with_parent(parent: int) -> bool:
    """Have the kernel end us, and what we become, with our parent; False where the kernel cannot."""
    if sys.platform != "linux" or ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        return False
    if os.getppid() != parent:  # it died before we had asked, so no signal will ever come
        sys.exit(_refuse(f"process {parent} that started this is gone"))
    return True


def _become(command: list[str]) -> NoReturn:
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


def _watch(command: list[str]) -> int:
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)  # noqa: S603 - our own command line

    def end(_signal: int = 0, _frame: FrameType | None = None) -> None:
        server.terminate()
        killer = threading.Timer(GRACE_S, server.kill)
        killer.daemon = True
        killer.start()

    def end_with_parent() -> None:
        while os.read(0, 512):
            pass
        end()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=end_with_parent, daemon=True).start()
    code = server.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
