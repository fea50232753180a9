"""Writes batches of messages: all of some batches in one transaction, each batch once however often it comes.

Messages are given to handlers by their type, in the handlers' order. A message that a handler cannot write is set aside and spoils no
other: what fails together is done again one by one.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.message import Broken, Message, packed_one
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.tables.record import BATCH
from ratelimit.ledger.upsert import inserting

Handler = Callable[[AsyncConnection, Sequence[Any], float], Awaitable[None]]

_TURN: Final = 0x69_6E_74_61_6B_65  # of PostgreSQL's advisory locks, ours by convention


class Batch(Struct, frozen=True):
    """Some messages that were sent together."""

    id: str
    messages: Sequence[Message]


class Written(Struct, frozen=True):
    """How many messages were written, how many had been before, and those that cannot be."""

    new: int = 0
    known: int = 0
    broken: tuple[Broken, ...] = ()


class Intake:
    """Each of `handlers` is given the messages of its type; for one type there may be several."""

    def __init__(self, ledger: Ledger, handlers: Iterable[tuple[type, Handler]]) -> None:
        self._ledger, self._handlers = ledger, list(handlers)

    def add(self, of: type, handler: Handler) -> None:
        """One more, after those that are there."""
        self._handlers.append((of, handler))

    async def reach(self) -> None:
        """See whether the ledger can be reached; raises LedgerAwayError."""
        async with self._ledger.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def write(self, batches: Sequence[Batch], now: float) -> Written:
        """Write those that are not there yet; raises LedgerAwayError, and then all of them may be tried again."""
        try:
            return await self._together(batches, now)
        except LedgerAwayError:
            raise
        except Exception:  # whatever is wrong with one message; which one is found out below
            return await self.write_apart(batches, now)

    async def write_apart(self, batches: Sequence[Batch], now: float) -> Written:
        """The same, one message after the other: slow, and what cannot be written is found."""
        broken: list[Broken] = []
        async with self._ledger.write() as connection:
            new = await self._new(connection, batches, now)
            for message in (message for batch in new for message in batch.messages):
                if (why := await self._one(connection, message, now)) is not None:
                    broken.append(Broken(packed_one(message), why))
        return _written(batches, new, broken)

    async def _together(self, batches: Sequence[Batch], now: float) -> Written:
        async with self._ledger.write() as connection:
            new = await self._new(connection, batches, now)
            await self._handle(connection, [message for batch in new for message in batch.messages], now)
        return _written(batches, new, ())

    async def _new(self, connection: AsyncConnection, batches: Sequence[Batch], now: float) -> list[Batch]:
        await take_turn(connection)
        rows = [{"id": batch.id, "at": now} for batch in batches]
        statement = inserting(connection, BATCH).values(rows).on_conflict_do_nothing().returning(BATCH.c.id)
        fresh = set((await connection.execute(statement)).scalars()) if rows else set()
        return [batch for batch in {batch.id: batch for batch in batches}.values() if batch.id in fresh]

    async def _one(self, connection: AsyncConnection, message: Message, now: float) -> str | None:
        """Write it; why it cannot be, None: it was."""
        try:
            async with connection.begin_nested():
                await self._handle(connection, [message], now)
        except (OperationalError, InterfaceError) as error:
            if error.connection_invalidated:
                raise
            return _why(error)
        except Exception as error:
            return _why(error)
        return None

    async def _handle(self, connection: AsyncConnection, messages: Sequence[Message], now: float) -> None:
        of_type: Mapping[type, list[Message]] = {}
        for message in messages:
            of_type.setdefault(type(message), []).append(message)  # type: ignore[attr-defined]
        for of, handler in self._handlers:
            if mine := of_type.get(of):
                await handler(connection, mine, now)


async def take_turn(connection: AsyncConnection) -> None:
    """Let no two transactions count at once who shares what: SQLite has one writer anyway, PostgreSQL has it by a lock."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})


def _written(batches: Sequence[Batch], new: Sequence[Batch], broken: Sequence[Broken]) -> Written:
    fresh, total = (sum(len(batch.messages) for batch in some) for some in (new, batches))
    return Written(fresh - len(broken), total - fresh, tuple(broken))


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
