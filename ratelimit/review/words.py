"""Overrides as people make them in the console: judged, tried on the last day, said, and each written into the audit.

Whom they are about stands in the audit as a subject of the ledger, so that an erasure takes it along. Times are seconds since the epoch.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

from msgspec import Meta, Struct, field
from msgspec.structs import asdict

from ratelimit.core.estimate import Drawn
from ratelimit.core.message import Entity
from ratelimit.core.override import BucketAsked, OverrideAsked, OverrideError, OverrideThen
from ratelimit.core.principal import Principal
from ratelimit.core.standing import Scope, Standing, Target
from ratelimit.ledger import impact
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.record_intake import key_shown
from ratelimit.ledger.subjects import Subject, Subjects, named
from ratelimit.review import audit
from ratelimit.review.alone import TOO_LONG, alone_too_long
from ratelimit.review.audit import AuditEntry, AuditFilter
from ratelimit.review.witness import Witness
from ratelimit.service.overrides import Overrides

DAY_S: Final = 86_400.0
MADE, EDITED, ENDED = "override_made", "override_edited", "override_ended"


class WordAsked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An override as a form has it; see core/override.OverrideAsked. Who says it is whoever is logged in."""

    target: Annotated[str, Meta(min_length=3, max_length=600)]
    then: OverrideThen
    reason: Annotated[str, Meta(min_length=3, max_length=500)]
    for_: str | None = field(default=None, name="for")
    until: str | None = None
    scope: Scope = "both"
    bucket: BucketAsked | None = None
    limit: str | None = None
    wide: bool = False

    def by(self, login: str) -> OverrideAsked:
        """As that person asks for it."""
        return OverrideAsked(author=login, **asdict(self))


class Tried(Struct, frozen=True):
    """What a word would be, and what its target did in the last day: estimated requests and refusals, good accounts that share it."""

    word: Standing
    known: bool
    requests: float
    refused: float
    purchases: int
    good: int


class Said(Struct, frozen=True):
    """An entry of the audit about an override, and whom it is about, as far as that is still known."""

    entry: AuditEntry
    subject: Subject | None


class Words:
    """Makes, changes and ends them; raises what service/overrides does. `wall` gives the time, `witness` sees to the audit."""

    def __init__(self, overrides: Overrides, ledger: Ledger, subjects: Subjects, witness: Witness, wall: Callable[[], float]) -> None:
        self._overrides, self._ledger, self._subjects, self._witness, self._wall = overrides, ledger, subjects, witness, wall

    async def try_(self, asked: WordAsked, by: Principal) -> Tried:
        """Judge it and look at the last day; nothing is said."""
        word = self._judged(asked, by)
        kind, value = word.target.kind, word.target.value
        async with self._ledger.read() as connection:
            subject = await self._subjects.find(connection, kind, value)
            if subject is None:
                return Tried(word, known=False, requests=0.0, refused=0.0, purchases=0, good=0)
            since = self._wall() - DAY_S
            groups = await impact.groups(connection, kind, subject, since)
            purchases = await impact.attempts(connection, kind, subject, since)
            row = (await named(connection, [subject])).get(subject)
        all_, refused = (sum(map(_size, (one.drawn for one in groups if one.decision not in without))) for without in ((), ("allow",)))
        return Tried(word, known=True, requests=all_, refused=refused, purchases=purchases, good=row.good if row is not None else 0)

    async def add(self, asked: WordAsked, by: Principal) -> Standing:
        """Say it."""
        self._judged(asked, by)
        word = await self._overrides.add(asked.by(by.login))
        await self.note(MADE, word, by, word.reason)
        return word

    async def edit(self, id: str, asked: WordAsked, by: Principal) -> Standing:
        """Say something else in its place."""
        self._judged(asked, by)
        word = await self._overrides.edit(id, asked.by(by.login))
        await self.note(EDITED, word, by, word.reason)
        return word

    async def end(self, id: str, by: Principal, reason: str) -> Standing:
        """Take it away before its time."""
        word = await self._overrides.drop(id, by.login, reason)
        await self.note(ENDED, word, by, reason)
        return word

    async def history(self, most: int) -> list[Said]:
        """What was said, changed and ended, the latest first."""
        async with self._ledger.read() as connection:
            found = [it for kind in (MADE, EDITED, ENDED) for it in await audit.entries(connection, AuditFilter(kind=kind), most)]
            found = sorted(found, key=lambda it: it.seq, reverse=True)[:most]
            names = await named(connection, {int(it.content["subject"]) for it in found if it.content and "subject" in it.content})
        return [Said(it, names.get(int(it.content["subject"])) if it.content else None) for it in found]

    async def note(self, kind: str, word: Standing, by: Principal, reason: str) -> None:
        """Write into the audit what was done with a word."""
        await self._witness.surely(partial(self._write, kind, word, by, reason, self._wall()), kind, word.id)

    async def _write(self, kind: str, word: Standing, by: Principal, reason: str, now: float) -> None:
        target = word.target
        async with self._ledger.write() as connection:
            entity = Entity(target.kind, target.value, _shown(target))
            subject = (await self._subjects.ids(connection, [entity], now))[target.kind, target.value]
            said = {"override": word.id, "then": word.then, "reason": reason, "until": word.until, "subject": subject}
            await audit.append(connection, by.login, kind, said, at=now, subject=subject)

    def _judged(self, asked: WordAsked, by: Principal) -> Standing:
        word = self._overrides.word(asked.by(by.login))
        if alone_too_long(word, self._overrides.locks_out, self._overrides.about(word.target)):
            raise OverrideError("$.for", TOO_LONG)
        return word


def _size(drawn: Drawn) -> float:
    return drawn.whole + drawn.weights


def _shown(target: Target) -> str | None:
    if target.kind == "api_key":
        return key_shown(target.value)
    return f"{target.value[:8]}…" if target.kind in {"card", "device", "email", "email_domain"} else None
