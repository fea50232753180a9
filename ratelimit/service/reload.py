"""Keeps the policy in force in step with its file, and with those of its lists: looks once a second, swaps in what is sound, keeps the last
good one when it is not.

It reads the whole file each time rather than trust its modification time: a policy is a few KB, and a mounted ConfigMap changes by a
swapped symlink. Lists may be long: of these it looks at size, time and place. A new content counts when two looks in a row find the same,
so a file that is half written is not taken for a short one.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final

import structlog

from ratelimit.core.errors import ConfigError
from ratelimit.core.policy import Policy
from ratelimit.service.at_rest import AtRest
from ratelimit.service.plain_file import file_state
from ratelimit.service.policy_source import list_paths, make_policy, read_bytes

LOOK_EVERY_S: Final = 1.0
_MOST_SAID: Final = 5  # problems in the log; /v1/policy has them all

_log = structlog.get_logger()

Swap = Callable[[Policy], None]
Approve = Callable[[Policy], None]  # raises ConfigError for a policy that is sound in itself and cannot be had here


@dataclass(slots=True)
class ReloadState:
    """What is in force and how the file stands to it; for readiness, metrics and `/v1/policy`."""

    digest: str
    warnings: tuple[str, ...]
    loaded_at_s: float  # epoch seconds, when what is in force was read
    reloads: int = 0
    failed: int = 0  # contents that could not be used, each counted once
    problems: list[str] = field(default_factory=list)  # of the file as it is now; empty when it is in force


class Reload:
    """Watches one policy file. `look` is one look at it, `run` looks until it is cancelled."""

    def __init__(self, path: Path, policy: Policy, swap: Swap, approve: Approve) -> None:
        self.state = ReloadState(policy.digest, policy.warnings, time.time())
        self._path = path
        self._swap, self._approve = swap, approve
        self._at_rest = AtRest()  # so that a content is swapped in or refused once
        self._named: tuple[bytes, tuple[Path, ...]] = b"", ()  # the files of the lists that a content of that digest names

    async def run(self) -> None:
        """Look once a second, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look at the file once, and act on it if it has changed and has come to rest."""
        try:
            content = await asyncio.to_thread(read_bytes, self._path)
        except ConfigError as error:
            if self._at_rest.is_new(str(error)):
                self._refuse(error)
            return
        digest = blake2b(content).digest()
        if digest != self._named[0]:
            self._named = digest, await asyncio.to_thread(list_paths, content, str(self._path))
        if self._at_rest.is_new((digest, *map(file_state, self._named[1]))):
            await self._judge(content)

    async def _judge(self, content: bytes) -> None:
        try:
            policy = await asyncio.to_thread(make_policy, content, str(self._path))
            if policy.digest != self.state.digest:
                await asyncio.to_thread(self._approve, policy)
        except ConfigError as error:
            self._refuse(error)
            return
        state = self.state
        state.problems = []
        if policy.digest == state.digest:  # comments, or back to what is in force
            return
        self._swap(policy)
        _log.info("the policy was read again and is in force", digest=policy.digest, warnings=list(policy.warnings))
        state.digest, state.warnings, state.loaded_at_s = policy.digest, policy.warnings, time.time()
        state.reloads += 1

    def _refuse(self, error: ConfigError) -> None:
        self.state.problems = error.problems
        self.state.failed += 1
        _log.error("the policy file cannot be used; what was in force stays so", problems=error.problems[:_MOST_SAID])
