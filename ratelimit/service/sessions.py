"""Who is logged in. The store knows sessions by the digest of their secret, which only the browser has. Times are seconds since the epoch.

A session ends by itself when it was not seen for IDLE_S, and after LONGEST_S in any case.
"""

import secrets
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct

from ratelimit.core.call import Call
from ratelimit.core.protocols import Store
from ratelimit.core.store_key import SESSIONS
from ratelimit.service.ask import ask

IDLE_S: Final = 12 * 3_600.0
LONGEST_S: Final = 7 * 86_400.0
MOST: Final = 20  # of one person
_SECRET_BYTES: Final = 32
_SECRET_LENGTH: Final = 43  # of so many bytes in base64 for URLs


class SessionFacts(Struct, frozen=True, kw_only=True):
    """What a person sees of a session, to know it again: its network, and the family of the browser."""

    made_at: float
    network: str
    browser: str


class Session(Struct, frozen=True, kw_only=True):
    """One that lasts. `id` is the digest of its secret, and no secret itself."""

    id: str
    person: int
    seen_at: float
    facts: SessionFacts


class Sessions:
    """The sessions in a store; `wall` is seconds since the epoch. Every call raises StoreAwayError."""

    def __init__(self, store: Store, wall: Callable[[], float]) -> None:
        self._store, self._wall = store, wall

    async def open(self, person: int, network: str, browser: str) -> tuple[str, Session]:
        """A new session, and its secret, which is never shown again."""
        secret, now = secrets.token_urlsafe(_SECRET_BYTES), self._wall()
        facts = SessionFacts(made_at=now, network=network, browser=browser)
        made = Session(id=_digest(secret), person=person, seen_at=now, facts=facts)
        await self._ask("open", made.id, str(person), msgspec.json.encode(facts).decode(), now, IDLE_S, now + LONGEST_S, MOST)
        return secret, made

    async def find(self, secret: str, *, seen: bool = True) -> Session | None:
        """The session of this secret; it is `seen` by that, or not, where a page asks by itself."""
        if len(secret) != _SECRET_LENGTH or not secret.isascii():
            return None
        id, now = _digest(secret), self._wall()
        found = await self._ask("touch", id, now, IDLE_S if seen else 0)
        return Session(id=id, person=int(found[1]), seen_at=now if seen else float(found[2]), facts=_facts(found[0])) if found else None

    async def lasts(self, id: str) -> bool:
        """Whether a session is still there; it is not seen by that."""
        return bool(await self._ask("lasts", id))

    async def of(self, person: int) -> list[Session]:
        """A person's sessions, seen last comes first."""
        found = await self._ask("of", str(person))
        return [Session(id=id.decode(), person=person, seen_at=float(seen), facts=_facts(facts)) for id, facts, seen in found]

    async def end(self, person: int, id: str) -> bool:
        """End one of a person's; False if it is none of theirs."""
        return bool(await self._ask("end", str(person), id))

    async def end_all(self, person: int, keep: str | None = None) -> int:
        """End a person's sessions but one, and say how many they were."""
        return int(await self._ask("keep", str(person), keep or ""))

    async def _ask(self, *parts: object) -> Any:
        (answer,) = await ask(self._store, [Call("session", SESSIONS, msgspec.msgpack.encode(parts))])
        return answer


def _digest(secret: str) -> str:
    return blake2b(secret.encode(), digest_size=32, person=b"console session").hexdigest()


_facts: Final = msgspec.json.Decoder(SessionFacts).decode
