"""Hashes of passwords."""

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from ratelimit.service.passwords import MOST_WAITING, BusyError, Passwords

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(QUICK)
    yield made
    made.close()


async def test_verify(passwords: Passwords) -> None:
    """Only the password itself is right, however it was composed; two hashes of it differ."""
    hashed = await passwords.hash("über dem Kettle")
    assert await passwords.verify(hashed, "u\N{COMBINING DIAERESIS}ber dem Kettle")
    assert not await passwords.verify(hashed, "uber dem Kettle")
    assert hashed != await passwords.hash("über dem Kettle")
    assert "$argon2id$" in hashed


async def test_nobody(passwords: Passwords) -> None:
    """Who does not exist has no password, not even the one that is hashed in their place; a broken hash is nobody's."""
    assert not await passwords.verify(None, "anything")
    assert not await passwords.verify(None, "nobody has this password")
    assert not await passwords.verify("$argon2id$broken", "anything")


async def test_outdated(passwords: Passwords) -> None:
    """A hash that was made with other parameters is known by them."""
    today = Passwords()
    assert today.outdated(await passwords.hash("a password"))
    hashed = await today.hash("a password")
    assert not today.outdated(hashed)
    assert "m=65536,t=3,p=4" in hashed
    today.close()


async def test_busy(passwords: Passwords) -> None:
    """A crowd is turned away before it takes all memory and time, and those before it are served."""
    told = await asyncio.gather(*(passwords.hash("x") for _ in range(3 * MOST_WAITING)), return_exceptions=True)
    assert sum(isinstance(one, BusyError) for one in told) == 2 * MOST_WAITING
    assert await passwords.hash("x")
