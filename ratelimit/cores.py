"""How many cores this process may use: what its affinity allows, and no more than a container's CPU quota pays for."""

import os
from math import ceil
from pathlib import Path
from typing import Final

_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")  # cgroup v2, as a container sees its own: "200000 100000" or "max 100000", microseconds


def usable_cores(quota: Path = _QUOTA) -> int:
    """At least one."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return min(cores, _paid_for(quota) or cores)


def _paid_for(quota: Path) -> int | None:
    try:
        most, period = quota.read_text().split()
        return max(1, ceil(int(most) / int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        return None
