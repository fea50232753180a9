"""How many workers `auto` means."""

import os
from pathlib import Path

import pytest

from ratelimit.cores import usable_cores


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("max 100000\n", None), ("100000 100000\n", 1), ("10000 100000\n", 1), ("900000000 100000\n", None), ("", None), (None, None)],
)
def test_quota(tmp_path: Path, quota: str | None, cores: int | None) -> None:
    """A container's quota bounds the cores, a part of one counts as one; without a quota it is the cores that we may run on."""
    file = tmp_path / "cpu.max"
    if quota is not None:
        file.write_text(quota)
    assert usable_cores(file) == (cores or len(os.sched_getaffinity(0)))


def test_quota_is_rounded_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One and a half cores keep two workers busy."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert usable_cores(tmp_path / "cpu.max") == 2
