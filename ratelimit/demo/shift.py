"""The people of the demonstration at work: they take cases, look at them for some minutes, and decide, as the console would have them do.

What they find out is what the simulation knows; now and then they are wrong. They do it by the real deeds, at the time that it is then.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random
from secrets import token_hex
from typing import Final

from ratelimit.core.deed import LabelVerdict
from ratelimit.core.principal import Principal
from ratelimit.ledger import people
from ratelimit.ledger.cases import CaseView, QueueFilter
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.actions import Actions
from ratelimit.review.appeal import AppealAsked, Appeals, AppealWord, Outcome
from ratelimit.review.case_error import CaseError
from ratelimit.review.cases import Cases
from ratelimit.review.deed import Deed
from ratelimit.review.lock import MOST_BEAT_S
from ratelimit.review.quality import Quality

LEFT_S: Final = 11 * 3_600.0  # what has come since then, and is not urgent, is still to be looked at
LOGINS: Final = ("tomas", "ines", "ana")
_URGENT_LEFT_S: Final = 5_400.0
_AN_HOUR: Final = 6  # cases that they get done together
_WRONG: Final = 0.06
_UNSURE: Final = 0.05
_LOOK_S: Final = (50.0, 420.0)
_APPEALS: Final = 14
_BLOCKED: Final = 2
_COMPLAIN_S: Final = (600.0, 5 * 3_600.0)
_COMPLAINTS: Final = (
    "I only tried another card because my bank refused the first one. Please let me buy.",
    "We are three people in one office, and each of us has an account of their own.",
    "This is my own card. I have bought here since last year.",
    "Why was I blocked? I did nothing wrong!!",
)
_GOOD: Final = ("Known for months, pays by the same card", "The card's holder confirmed it", "An announced load test", "Moved abroad")
_BAD: Final[Mapping[LabelVerdict, Sequence[str]]] = {
    "fraud": ("The issuer says that the card was stolen", "Tries one card after the other", "One device, many new accounts"),
    "abuse": ("Reads page after page, day and night", "Tries passwords on accounts that are not theirs", "A key that many share"),
}


class Clock:
    """What time it is where they are; seconds since the epoch."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


class Shift:
    """`wrong` says who does wrong, by the names that logs give them. `actions`, `cases`, ... are those of `clock`."""

    def __init__(self, ledger: Ledger, actions: Actions, clock: Clock, wrong: Mapping[str, LabelVerdict], now_s: float, seed: int) -> None:
        self._clock, self._wrong, self._now_s, self._ledger = clock, wrong, now_s, ledger
        self._actions, self._appeals, self._cases = actions, Appeals(actions), Cases(ledger, clock)
        self._chance = Random(seed)  # noqa: S311  a lot, no secret
        self._quality = Quality(ledger, clock, self._chance.random)
        self._free_at = self._since = 0.0
        self._people: list[Principal] = []
        self._complaints: list[tuple[float, str]] = []

    async def hire(self) -> None:
        """Find out who they are."""
        async with self._ledger.read() as connection:
            found = [await people.by_login(connection, login) for login in LOGINS]
        self._people = [Principal(id=one.id, login=one.login, name=one.name, role=one.role, via="session") for one in found if one]

    async def work(self, until: float) -> None:
        """Go on until then."""
        self._free_at, self._since = max(self._free_at, self._since), until
        while self._people and self._free_at < until:
            self._clock.now_s = self._free_at
            if self._free_at >= self._now_s - LEFT_S and not await self._is_urgent():
                break
            one = self._chance.choice(self._people)
            view = await self._cases.take_next(one)
            if view is None:
                break
            took_s = await self._look_at(one, view)
            await self._decide(one, view)
            self._free_at += max(took_s, 3_600.0 / _AN_HOUR)
        await self._complain(until)
        self._clock.now_s = until
        await self._quality.look()

    def expect(self, refused: Sequence[tuple[float, str]]) -> None:
        """Of those who were refused, each with its time and reference, some will say that it was a mistake."""
        chosen = sorted(self._chance.sample(list(refused), min(len(refused), _APPEALS)))
        self._complaints = [(at + self._chance.uniform(*_COMPLAIN_S), reference) for at, reference in chosen]

    async def _is_urgent(self) -> bool:
        """Whether something of the first priority waits, which is looked at nearly until now."""
        page = await self._cases.queue(QueueFilter(priority=1, most=1), self._people[0])
        return bool(page.rows) and self._free_at < self._now_s - _URGENT_LEFT_S

    async def block(self) -> None:
        """Just now, stop some of those who go on: what is in force is seen to hold."""
        self._clock.now_s = self._now_s
        one = self._people[0]
        page = await self._cases.queue(QueueFilter(), one)
        found = [row for row in page.rows if (row.anchor.shown or "") in self._wrong and row.anchor.kind in {"api_key", "ip"}]
        async with self._ledger.write() as connection:
            for place, person in enumerate(self._people):
                await people.change(connection, person.id, seen_at=self._now_s - place * 1_900.0)
        for row in found[:_BLOCKED]:
            deed = Deed(then="block", key=token_hex(8), for_="24h", pick="scraping", reason="Goes on since yesterday")
            with suppress(CaseError):
                await self._actions.act(one, row.number, deed)

    async def _complain(self, until: float) -> None:
        for at, reference in [one for one in self._complaints if one[0] <= until]:
            self._complaints.remove((at, reference))
            self._clock.now_s = at
            with suppress(CaseError):  # what is not remembered
                await self._appeals.make(self._people[0], AppealAsked(reference, self._chance.choice(_COMPLAINTS)))

    async def _look_at(self, one: Principal, view: CaseView) -> float:
        took_s = left_s = min(self._chance.lognormvariate(5.0, 0.7), _LOOK_S[1]) + _LOOK_S[0]
        while left_s > 0:
            self._clock.now_s += min(left_s, MOST_BEAT_S)
            left_s -= MOST_BEAT_S
            await self._cases.beat(view.row.number, one)
        return took_s

    async def _decide(self, one: Principal, view: CaseView) -> None:
        verdict = self._verdict(view)
        why = self._chance.choice(_BAD.get(verdict, _GOOD))
        appeal = await self._appeals.of_case(view.row.number)
        try:
            if appeal is not None:
                outcome: Outcome = "overturned" if verdict == "good" else "upheld"
                await self._appeals.decide(one, appeal.id, AppealWord(outcome, why))
            else:
                deed = Deed(then="label", key=token_hex(8), verdict=verdict, reason=why, close=True)
                await self._actions.act(one, view.row.number, deed)
        except CaseError:  # it is about a decision of theirs
            await self._cases.release(view.row.number, one)

    def _verdict(self, view: CaseView) -> LabelVerdict:
        row = view.row
        names = [one.shown or "" for one in (row.anchor, row.beside) if one is not None]
        warned = any(opening.kind == "early_fraud_warning" for opening in view.openings)
        truth: LabelVerdict = next((self._wrong[name] for name in names if name in self._wrong), "fraud" if warned else "good")
        lot = self._chance.random()
        if lot < _UNSURE:
            return "unclear"
        return truth if lot > _UNSURE + _WRONG else "abuse" if truth == "good" else "good"
