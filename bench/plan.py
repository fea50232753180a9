"""How one run measures: where it puts its files, which core serves and which asks, and whether it is a short one.

Everything that serves, with its store, runs on one core; whoever asks runs on the other. With one core nothing is pinned, and the report
says so. Seconds are `_s`.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class CannotMeasure(Exception):  # noqa: N818  read as a sentence
    """Something needed for a measurement is not there or failed; says what, and what would do."""


class Cores(NamedTuple):
    """Which core serves and which asks."""

    server: int
    client: int


class Plan(NamedTuple):
    """What all rows of a run share. `folder` is a temporary one; `say` tells a person how far it is."""

    folder: Path
    quick: bool
    cores: Cores | None
    say: Callable[[str], None]

    def pick(self, full: T, quick: T) -> T:
        """What a full run takes, or a quick one."""
        return quick if self.quick else full

    def inner(self, name: str) -> "Plan":
        """The same with a folder of its own, so that what has run once may run again from nothing."""
        folder = self.folder / name
        folder.mkdir()
        return self._replace(folder=folder)

    def on_server_core(self, command: list[str]) -> list[str]:
        """The command, so that it and its children run on the core that serves."""
        return _pinned(command, self.cores.server if self.cores else None)

    def on_client_core(self, command: list[str]) -> list[str]:
        """The command, so that it runs on the core that asks."""
        return _pinned(command, self.cores.client if self.cores else None)


def choose_cores() -> Cores | None:
    """Two different cores that we may use, or None."""
    if shutil.which("taskset") is None or not hasattr(os, "sched_getaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[0], allowed[1]) if len(allowed) > 1 else None


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without the settings of a sidecar that may be in it, and with `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RATELIMIT_")} | dict(more or {})


def _pinned(command: list[str], core: int | None) -> list[str]:
    return command if core is None else ["taskset", "-c", str(core), *command]
