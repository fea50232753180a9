"""Reload: a sound new file is swapped in once it has come to rest, a broken one leaves the last good one in force."""

import asyncio
from pathlib import Path

import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.core.policy import Policy
from ratelimit.service.policy_source import built_in_policy, read_policy
from ratelimit.service.reload import Reload


def write(path: Path, capacity: object, tail: str = "") -> None:
    path.write_text(f"version: 1\nlimits:\n  - {{name: a, per: [ip], bucket: {{capacity: {capacity}, refill: 1/s}}}}\n{tail}")


class Watched:
    """A policy file, what watches it, and what was swapped in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        write(path, 1)
        self.swapped: list[Policy] = []
        self.unapproved: ConfigError | None = None
        self.reload = Reload(path, read_policy(path), self.swapped.append, self.approve)

    def approve(self, _policy: Policy) -> None:
        if self.unapproved is not None:
            raise self.unapproved

    async def look_twice(self) -> None:
        await self.reload.look()
        await self.reload.look()

    def capacities(self) -> list[int]:
        return [limit.bucket.capacity for policy in self.swapped for limit in policy.limits if limit.bucket]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "ratelimit.yaml")


async def test_unchanged_file_is_left_alone(watched: Watched) -> None:
    """Nothing is swapped while the content is the same, nor for a new comment."""
    await watched.look_twice()
    write(watched.path, 1, "# a comment\n")
    await watched.look_twice()
    assert watched.swapped == []
    assert watched.reload.state.reloads == 0


async def test_new_content_is_swapped_in(watched: Watched) -> None:
    """A new content is taken once, when a second look finds it unchanged."""
    write(watched.path, 2)
    await watched.reload.look()
    assert watched.capacities() == []
    await watched.look_twice()
    assert watched.capacities() == [2]
    assert watched.reload.state.digest == watched.swapped[0].digest
    assert watched.reload.state.reloads == 1


async def test_half_written_file_is_not_taken(watched: Watched) -> None:
    """A content that is still changing between two looks is waited for."""
    for capacity in (2, 3, 4):
        write(watched.path, capacity)
        await watched.reload.look()
    await watched.reload.look()
    assert watched.capacities() == [4]


async def test_broken_file_keeps_the_last_good_policy(watched: Watched) -> None:
    """A broken content is counted once and reported, and a good one after it is taken."""
    digest = watched.reload.state.digest
    write(watched.path, 0)
    await watched.look_twice()
    await watched.look_twice()
    state = watched.reload.state
    assert (watched.swapped, state.failed, state.digest) == ([], 1, digest)
    assert state.problems == [f"{watched.path}: $.limits[0].bucket.capacity: 0 is not allowed; expected an integer >= 1"]
    write(watched.path, 5)
    await watched.look_twice()
    assert (watched.capacities(), state.problems, state.failed) == ([5], [], 1)


async def test_problems_end_when_the_file_is_as_before(watched: Watched) -> None:
    """Going back to what is in force clears the problems and swaps nothing."""
    write(watched.path, 0)
    await watched.look_twice()
    write(watched.path, 1)
    await watched.look_twice()
    assert (watched.swapped, watched.reload.state.problems) == ([], [])


async def test_vanished_file_keeps_the_last_good_policy(watched: Watched) -> None:
    """A file that is gone is a problem, counted once, until it is back."""
    watched.path.unlink()
    await watched.look_twice()
    await watched.look_twice()
    state = watched.reload.state
    assert state.failed == 1
    assert "cannot be read" in state.problems[0]
    write(watched.path, 7)
    await watched.look_twice()
    assert (watched.capacities(), state.problems) == ([7], [])


async def test_swapped_symlink_is_seen(watched: Watched) -> None:
    """A file that is replaced through its symlink, as a mounted ConfigMap is, counts as changed."""
    new = watched.path.with_name("new.yaml")
    write(new, 9)
    watched.path.unlink()
    watched.path.symlink_to(new)
    await watched.look_twice()
    assert watched.capacities() == [9]


async def test_run_looks_until_cancelled(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task keeps looking by itself and ends when it is cancelled."""
    monkeypatch.setattr("ratelimit.service.reload.LOOK_EVERY_S", 0)
    write(watched.path, 3)
    swapped = asyncio.Event()
    reload = Reload(watched.path, built_in_policy(), lambda _policy: swapped.set(), watched.approve)
    task = asyncio.create_task(reload.run())
    await swapped.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reload.state.digest == read_policy(watched.path).digest


async def test_unapproved_policy_is_refused(watched: Watched) -> None:
    """A policy that is sound in itself and asks for what cannot be had here is refused like a broken one."""
    watched.unapproved = ConfigError(["its model is missing"])
    write(watched.path, 2)
    await watched.look_twice()
    assert watched.swapped == []
    assert watched.reload.state.problems == ["its model is missing"]
