"""What people ask about their data, from the request to its end: what is done at once, what waits for a second person, and until when.

Whoever asks must have been recognized: `verified_by` says how. A restriction or an objection is in force in every sidecar within a second.
An erasure is approved by an admin who did not enter it. Times are seconds since the epoch.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog

from ratelimit.core.message import Entity
from ratelimit.core.principal import Principal
from ratelimit.core.privacy import NO_MODEL, OPEN, RequestState, month_after
from ratelimit.core.retention import Retention
from ratelimit.core.standing import Target
from ratelimit.core.webhook import message_of
from ratelimit.ledger import erasure, privacy
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.privacy import RequestRow, RetentionRun
from ratelimit.ledger.subjects import Subjects, named
from ratelimit.review import audit
from ratelimit.review.erasing import Erasing, report
from ratelimit.review.exporting import Document, Exporting
from ratelimit.review.privacy_request import NotYoursError, PrivacyAsked, PrivacyError, PrivacyView, none_of, views
from ratelimit.review.second import why_not_second
from ratelimit.service.ask import StoreAwayError
from ratelimit.service.spared import Spared
from ratelimit.service.webhook_queue import WebhookQueue

AGAIN_S: Final = 60.0
_MOST: Final = 200

_log = structlog.get_logger()


class Privacy:
    """The requests. `told` gives the queue of webhooks, None where nobody is told."""

    def __init__(  # noqa: PLR0913  what it goes through, by name
        self,
        ledger: Ledger,
        subjects: Subjects,
        *,
        erasing: Erasing,
        exporting: Exporting,
        spared: Spared,
        told: Callable[[], WebhookQueue | None],
        wall: Callable[[], float],
        retained: Callable[[], Retention] = Retention,
    ) -> None:
        self._ledger, self._subjects, self._wall, self._retained = ledger, subjects, wall, retained
        self._erasing, self._exporting, self._spared, self._told = erasing, exporting, spared, told

    async def ask(self, asked: PrivacyAsked, by: Principal) -> PrivacyView:
        """Enter a request; what needs nobody else is done at once. Raises PrivacyError, LedgerAwayError and StoreAwayError."""
        now = self._wall()
        async with self._ledger.write() as connection:
            entity = Entity("account", asked.account)
            subject = (await self._subjects.ids(connection, [entity], now))["account", asked.account]
            before = [it for it in await privacy.of_subject(connection, subject) if it.kind == asked.kind and it.state in OPEN]
            if before:
                raise PrivacyError(f"this account has asked for the same before: request {before[0].id} is open")
            id = await privacy.add(
                connection,
                subject=subject,
                kind=asked.kind,
                state="asked",
                asked_at=now,
                due_at=month_after(now),
                verified_by=asked.verified_by,
                by=by.id,
                by_login=by.login,
                detail={"text": asked.text},
            )
            if asked.kind in NO_MODEL:
                await privacy.restrict(connection, subject, asked.kind, now)
            said = {"request": id, "kind": asked.kind, "verified_by": asked.verified_by}
            await audit.append(connection, by.login, "privacy_asked", said, at=now, subject=subject)
        if asked.kind in NO_MODEL:
            await self._spared.spare(await self._targets(subject), by.login)
            await self._done(id, {"text": "no model looks at it"}, by)
        return await self.get(id)

    async def get(self, id: int) -> PrivacyView:
        """One request; raises NoRequestError."""
        async with self._ledger.read() as connection:
            row = await privacy.get(connection, id)
            if row is None:
                raise none_of(id)
            return (await views(connection, [row], self._retained()))[0]

    async def requests(self, *, closed: bool = False, most: int = _MOST) -> list[PrivacyView]:
        """Those that are open, what is due first; or those that are not any more, the latest first."""
        async with self._ledger.read() as connection:
            rows = await privacy.latest(connection, most, ("done", "refused", "withdrawn") if closed else OPEN)
            return await views(connection, rows, self._retained())

    async def waiting(self) -> int:
        """How many are open."""
        async with self._ledger.read() as connection:
            return await privacy.waiting(connection)

    async def runs(self, most: int) -> list[RetentionRun]:
        """The latest runs of the retention job."""
        async with self._ledger.read() as connection:
            return await privacy.retention_runs(connection, most)

    async def export(self, id: int, by: Principal) -> Document:
        """The document of a request for an export, which that answers; that it was given out is written down."""
        row = await self._row(id)
        if row.kind != "export" or row.subject is None:
            raise PrivacyError(f"request {id} is not for an export")
        found = await self._exporting.document(row.subject, self._wall())
        if found is None:
            raise PrivacyError("nothing is kept of this account any more")
        now = self._wall()
        async with self._ledger.write() as connection:
            await audit.append(connection, by.login, "privacy_exported", {"request": id}, at=now, subject=row.subject)
            await privacy.move(connection, id, OPEN, state="done", done_at=now, report={"text": "given out"})
        return found

    async def approve(self, id: int, by: Principal) -> PrivacyView:
        """The second person agrees to an erasure, which is done before this ends. Raises NotYoursError."""
        row = await self._row(id)
        if row.kind != "erase":
            raise PrivacyError(f"request {id} needs no second person; it is for a person to {row.kind}")
        if not by.may("admin"):
            raise NotYoursError("an erasure is approved by an admin")
        async with self._ledger.read() as connection:
            why_not = await why_not_second(connection, by, row.by, self._wall())
        if why_not:
            raise NotYoursError(f"an erasure is approved by another admin, in person: {why_not}")
        await self._move(id, ("asked",), by, "privacy_approved", state="approved", second_by=by.id)
        return await self._erase(await self._row(id), by.login)

    async def close(self, id: int, by: Principal, text: str) -> PrivacyView:
        """A correction was made, as the text says."""
        row = await self._row(id)
        if row.kind != "correct":
            raise PrivacyError(f"request {id} is to {row.kind}; only a correction is closed by hand")
        await self._done(id, {"text": text}, by)
        return await self.get(id)

    async def refuse(self, id: int, by: Principal, text: str) -> PrivacyView:
        """It is not done, for the reason that the text gives and the person is to be told."""
        await self._move(id, OPEN, by, "privacy_refused", state="refused", done_at=self._wall(), report={"text": text})
        return await self.get(id)

    async def withdraw(self, id: int, by: Principal) -> PrivacyView:
        """The person takes it back; a restriction or an objection ends with that."""
        row = await self._row(id)
        ends = row.kind in NO_MODEL and row.state == "done"
        await self._move(id, (*OPEN, "done") if ends else OPEN, by, "privacy_withdrawn", state="withdrawn", done_at=self._wall())
        if row.kind in NO_MODEL and row.subject is not None:
            async with self._ledger.write() as connection:
                last = await privacy.unrestrict(connection, row.subject, row.kind)
            if last:
                await self._spared.end(await self._targets(row.subject))
        return await self.get(id)

    async def run(self) -> None:
        """Carry on what was approved and not finished, and erase again what came back, for ever."""
        while True:
            with suppress(LedgerAwayError, StoreAwayError):
                await self.carry_on()
            await asyncio.sleep(AGAIN_S)

    async def carry_on(self) -> None:
        """Do so once; raises LedgerAwayError and StoreAwayError."""
        async with self._ledger.read() as connection:
            approved = await privacy.latest(connection, _MOST, ("approved",))
            restricted = await privacy.restricted(connection)
        for row in approved:
            await self._erase(row, "ratelimit")
        again = await self._erasing.replay()
        if again:
            _log.warning("what was erased had come back, and was erased again", accounts=again)
        for subject in restricted:
            await self._spared.spare(await self._targets(subject), "ratelimit")

    async def _erase(self, row: RequestRow, login: str) -> PrivacyView:
        account = await self._account(row.subject)
        erased = report(await self._erasing.erase(row.subject)) if row.subject is not None else {}
        now = self._wall()
        queue = self._told()
        if account is not None and queue is not None:
            await queue.add(message_of("account.erased", now, {"account": account}, row.id))
            erased["told"] = "the receiver of webhooks"
        async with self._ledger.write() as connection:
            await privacy.move(connection, row.id, ("approved",), state="done", done_at=now, report=erased)
            await audit.append(connection, login, "privacy_erased", {"request": row.id, **erased}, at=now)
        return await self.get(row.id)

    async def _done(self, id: int, said: dict[str, Any], by: Principal) -> None:
        await self._move(id, OPEN, by, "privacy_done", state="done", done_at=self._wall(), report=said)

    async def _move(self, id: int, before: Sequence[RequestState], by: Principal, kind: str, **values: Any) -> None:
        async with self._ledger.write() as connection:
            row = await privacy.get(connection, id)
            if row is None:
                raise none_of(id)
            if not await privacy.move(connection, id, before, **values):
                raise PrivacyError(f"request {id} is {row.state} already")
            said = {"request": id, **(values.get("report") or {})}
            await audit.append(connection, by.login, kind, said, at=self._wall(), subject=row.subject)

    async def _row(self, id: int) -> RequestRow:
        async with self._ledger.read() as connection:
            row = await privacy.get(connection, id)
        if row is None:
            raise none_of(id)
        return row

    async def _account(self, subject: int | None) -> str | None:
        if subject is None:
            return None
        async with self._ledger.read() as connection:
            it = (await named(connection, [subject])).get(subject)
        return it.value if it is not None else None

    async def _targets(self, subject: int) -> list[Target]:
        async with self._ledger.read() as connection:
            it = (await named(connection, [subject])).get(subject)
            keys = await erasure.own_keys(connection, subject)
        found = [] if it is None or it.value is None else [Target("account", it.value)]
        return [*found, *(Target("api_key", key) for key in keys.values() if key)]
