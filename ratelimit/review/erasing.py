"""Erases an account wherever it is: the store first, then the ledger, whose last step takes the name away; so it can be carried on.

A journal of keyed digests is kept in the ledger and in the store, each for the other: where one of them is restored from a backup that is
older than an erasure, the other still knows of it, and `replay` erases again. It is called at each start and every minute, so that what
was under way at the time of an erasure is met as well. A restored ledger without its journal gets it from the store, and the store from
the ledger. Times are seconds since the epoch.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict

from ratelimit.core.forgetting import noted, noting
from ratelimit.core.privacy import JOURNAL_S, LATE_S
from ratelimit.core.retention import Retention, cut
from ratelimit.core.standing import Standing, Target
from ratelimit.ledger import bans, erasure, mention, privacy
from ratelimit.ledger.erasure import Owned
from ratelimit.review import audit
from ratelimit.review.place import Place
from ratelimit.service.ask import ask
from ratelimit.service.forgetting import Forgetting, Forgotten

AUTHOR: Final = "ratelimit"


class Erased(Struct, frozen=True, kw_only=True):
    """How much went: rows of requests and logins, names, contents of the audit, and in the store. `struck` are texts about others
    in which it was named, `bans` are digests that stay.
    """

    rows: int = 0
    names: int = 0
    audit: int = 0
    struck: int = 0
    bans: int = 0
    store: Forgotten = Forgotten()


Forget = Callable[[str, Collection[str]], None]  # what is remembered of an account and its keys in this process


def _nothing(_account: str, _api_keys: Collection[str]) -> None:
    """Nothing is remembered here."""


class Erasing:
    """Erases, and erases again what comes back. `forget` is for what this process shows of the latest decisions.

    `retained` says how long digests of confirmed fraud stay.
    """

    def __init__(
        self, place: Place, wall: Callable[[], float], forget: Forget = _nothing, retained: Callable[[], Retention] = Retention
    ) -> None:
        self._ledger, self._subjects, self._store, self._standings, keys = place
        self._forgetting = Forgetting(self._store, keys, self._standings)
        self._wall, self._forget, self._retained = wall, forget, retained

    async def erase(self, subject: int, *, again: bool = False) -> Erased:
        """Erase the account with that id; raises LedgerAwayError and StoreAwayError, and may be called again then.

        `again`: the journal knows of it.
        """
        async with self._ledger.read() as connection:
            it = await erasure.owned(connection, subject)
        if it is None:
            return Erased()
        if not again:
            await self._note(it)
        forgotten = await self._forgetting.forget(it.value, it.keys, it.purchases)
        self._forget(it.value, it.keys)
        rows = 0
        while gone := await self._delete_piece(it):
            rows += gone
        async with self._ledger.read() as connection:  # the whole audit is looked through, for which nobody should have to wait
            words = await mention.words_of(connection, it)
            about = await mention.told(connection, words)
        struck = await self._forgetting.strike(partial(mention.struck, words))
        async with self._ledger.write() as connection:
            at = self._wall()
            kept = await bans.note(connection, self._subjects, subject, cut(self._retained().bans, at))
            names = await erasure.erase(connection, it)
            struck += await mention.strike(connection, words)
            seqs = [*await erasure.told_in(connection, it.cases), *about]
            contents = await audit.forget(connection, AUTHOR, at=at, subject=subject, seqs=seqs)
            for key in it.key_ids:
                contents += await audit.forget(connection, AUTHOR, at=at, subject=key)
        await self._checkpoint()
        return Erased(rows=rows, names=names, audit=contents, struck=struck, bans=kept, store=forgotten)

    async def replay(self) -> int:
        """Erase again what is there although the journal says that it was erased; how many there were."""
        await self._share_journal()
        async with self._ledger.read() as connection:
            again = await privacy.come_again(connection)
        for subject in again:
            await self.erase(subject, again=True)
        words = await self._words_again()
        return len(again) + words

    async def _note(self, it: Owned) -> None:
        digests = {it.digest, self._subjects.digest("account", it.value)}
        at = self._wall()
        async with self._ledger.write() as connection:
            await privacy.journal(connection, [("account", digest) for digest in digests], at)
        await ask(self._store, [noting([digest.hex() for digest in digests], at)])

    async def _share_journal(self) -> None:
        """Each of the two journals learns what the other has."""
        oldest = self._wall() - JOURNAL_S
        (there,) = await ask(self._store, [noted(oldest)])
        of_store = {bytes.fromhex(name.decode()): float(at) for name, at in zip(there[::2], there[1::2], strict=True)}
        async with self._ledger.read() as connection:
            of_ledger = {digest: at for _, digest, at in await privacy.journalled(connection)}
        missing = {digest: at for digest, at in of_store.items() if digest not in of_ledger}
        stale = any(at < oldest for at in of_ledger.values())
        if missing or stale:
            async with self._ledger.write() as connection:
                for digest, at in missing.items():
                    await privacy.journal(connection, [("account", digest)], at)
                await privacy.close_journal(connection, oldest)
        for digest, at in of_ledger.items():
            if digest not in of_store and at >= oldest:
                await ask(self._store, [noting([digest.hex()], at)])

    async def _words_again(self) -> int:
        """Words about erased accounts that a restored store has brought back."""
        async with self._ledger.read() as connection:
            journal = {digest: at for _, digest, at in await privacy.journalled(connection)}
        if not journal:
            return 0
        names = {name for word in self._standings.all() if (name := _account(word)) is not None and self._is_erased(name, word, journal)}
        for name in names:
            await self._forgetting.forget(name, (), ())
        return len(names)

    def _is_erased(self, account: str, word: Standing, journal: dict[bytes, float]) -> bool:
        at = journal.get(self._subjects.digest("account", account))
        return at is not None and word.made_at <= at + LATE_S

    async def _delete_piece(self, it: Owned) -> int:
        async with self._ledger.write() as connection:
            return await erasure.delete_piece(connection, it.ids)

    async def _checkpoint(self) -> None:
        """SQLite's log of changes still has what was overwritten; from here on the file alone counts."""
        if self._ledger.dialect == "sqlite":
            async with self._ledger.engine.connect() as connection:
                raw = await connection.get_raw_connection()
                await (await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")).close()  # type: ignore[union-attr]


def report(erased: Erased) -> dict[str, object]:
    """What was erased, for the request's report; counts alone."""
    return {**asdict(erased), "store": asdict(erased.store)}


def _account(word: Standing) -> str | None:
    target: Target = word.target
    return target.value if target.kind == "account" else None
