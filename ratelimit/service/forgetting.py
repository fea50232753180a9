"""The store forgets an account: its words, its profiles, its logs, what the book knows of its purchases, and what is told of it.

Buckets and quotas stay: they name nobody, hold a number of tokens, and end by themselves; without them an erasure would be a fresh start.
What is on its way to the ledger is erased there. Idempotent: what was forgotten is not there the second time. All of it raises
StoreAwayError.
"""

from collections.abc import Callable, Iterable, Sequence
from secrets import randbits
from typing import Any, Final
from zlib import crc32

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.call import Call
from ratelimit.core.forgetting import packed_needles, unheard, unlinked, unrefused, unsaid, unsent, without, written_needles
from ratelimit.core.protocols import Store
from ratelimit.core.purchase_entry import read, reading
from ratelimit.core.standing import Standing, Target
from ratelimit.core.store_key import BOOK, RECORDS, STANDING, STRIPE, VELOCITY, StoreKeys
from ratelimit.core.webhook import QUEUE
from ratelimit.service.ask import ask
from ratelimit.service.holds import word_id
from ratelimit.service.standings import Standings

_TAG_BITS: Final = 32  # of an account in logs


class Forgotten(Struct, frozen=True, kw_only=True):
    """How much of each there was."""

    words: int = 0
    keys: int = 0
    links: int = 0
    entries: int = 0
    messages: int = 0


class Forgetting:
    """Goes through the store for one account at a time."""

    def __init__(self, store: Store, keys: StoreKeys, standings: Standings) -> None:
        self._store, self._standings = store, standings
        self._profiles = {kind: keys.profile_namer(kind) for kind in ("account", "api_key")}
        self._log, self._book = keys.namer_of(VELOCITY, "account"), keys.namer_of(BOOK)

    async def forget(self, account: str, api_keys: Sequence[str], purchases: Iterable[str]) -> Forgotten:
        """The account, the digests of the keys that are its own, and those of its purchases that are known."""
        targets = [Target("account", account), *(Target("api_key", key) for key in api_keys)]
        bought = list(purchases)
        words = await self._take_words(targets)
        links, keys = await self._unlink(account, bought)
        keys += sum(await ask(self._store, [without(self._profiles[it.kind](it.value)) for it in targets]))
        packed = packed_needles(targets)
        ids = [*(f"{it}" for it in targets), word_id(account)]  # of words that are named after whom they are about
        told = [*packed, *(id.encode() for id in ids)]  # whoever has not heard of their end yet sees that something is missing
        entries = await self._go_through(f"{STANDING}:changes", told)
        written = written_needles([account, *api_keys, *(str(it) for it in targets)])
        about = written_needles(bought) or [b"\0"]
        messages = sum(await ask(self._store, [unsent(QUEUE, written), unheard(STRIPE, about), unrefused(f"{RECORDS}:refused", packed)]))
        return Forgotten(words=words, keys=keys, links=links, entries=entries, messages=messages)

    async def strike(self, struck: Callable[[str], str]) -> int:
        """Words about others stand on with the reason that `struck` makes of theirs; of how many it changed."""
        named = [word for word in self._standings.all() if struck(word.reason) != word.reason]
        for word in named:
            await self._standings.change(
                word.id, lambda before: replace(before, reason=struck(before.reason)) if before is not None else None
            )
        if named:
            await self._go_through(f"{STANDING}:changes", [msgspec.msgpack.encode(word.reason) for word in named])
        return len(named)

    async def _take_words(self, targets: Sequence[Target]) -> int:
        about = set(targets)
        words = [word for word in self._standings.all() if _is_about(word, about)]
        for word in words:
            await self._standings.change(word.id, lambda _: None)
        return len(words)

    async def _unlink(self, account: str, purchases: Sequence[str]) -> tuple[int, int]:
        """Take the account out of what its purchases share with others, then away what is its own; how many of both."""
        own, shared, gone = self._log(account), set[str](), 0
        for id in purchases:
            name = self._book(id)
            ((_, state),) = await ask(self._store, [reading(name)])
            shared.update(log for attempt in read(id, state).attempts for log in attempt.entities.values())
            gone += sum(await self._call(without(name)))
        shared.discard(own)
        tag, other = crc32(own.encode()), randbits(_TAG_BITS)
        links = sum([sum(await self._call(unlinked(log, tag, other))) for log in sorted(shared)])
        return links, gone + sum(await self._call(without(own)))

    async def _go_through(self, stream: str, needles: Sequence[bytes]) -> int:
        gone, after = 0, "-"
        while after:
            ((some, last),) = await self._call(unsaid(stream, after, needles))
            gone, after = gone + some, last.decode()
        return gone

    async def _call(self, call: Call) -> list[Any]:
        return await ask(self._store, [call])


def _is_about(word: Standing, targets: set[Target]) -> bool:
    return word.target in targets or (word.held is not None and Target("account", word.held.account) in targets)
