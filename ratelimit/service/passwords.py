"""Hashes and verifies passwords with argon2id, in threads of its own: each takes some 50 ms and 64 MiB, so only a few run at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from ratelimit.core.password import normal

AT_ONCE: Final = 2
MOST_WAITING: Final = 20  # beyond which nobody is let in: it would take seconds


class BusyError(Exception):
    """Too many passwords wait to be verified; ask again."""


class Passwords:
    """Hashes as argon2's own strings, which name their parameters; those that are weaker than today's are made anew at the next login."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._nobody: str | None = None
        self._waiting = 0

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The hash of a password, to be kept."""
        return str(await self._run(self._hash, password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password; None, for who does not exist or has none, takes as long and is never right."""
        return bool(await self._run(self._verify, hashed, password))

    def outdated(self, hashed: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    async def _run(self, work: object, *arguments: object) -> object:
        if self._waiting >= MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)  # type: ignore[arg-type]
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(normal(password))

    def _verify(self, hashed: str | None, password: str) -> bool:
        if self._nobody is None:
            self._nobody = self._hasher.hash("nobody has this password")
        try:
            self._hasher.verify(hashed or self._nobody, normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None
