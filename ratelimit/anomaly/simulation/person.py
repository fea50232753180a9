"""A person, or a program that one person runs, with a key, a home and habits: what most populations are made of."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.member import Caller, Member, Span, attribute
from ratelimit.anomaly.simulation.purchase import buyer
from ratelimit.anomaly.simulation.rhythm import Rhythm, lengths, visits
from ratelimit.anomaly.simulation.route import API, ROUTES, STATUS, WEB, Mix, asked, items
from ratelimit.anomaly.simulation.row import DAY_MS, FREE, LOGIN, LOGIN_FAILED, REQUEST, ROW, Numbers, Rows, in_order, joined
from ratelimit.anomaly.simulation.site import Day, answer

_NOBODY: Final = np.zeros(0, ROW)
_ASSETS: Final = 5  # most things that a page brings with it
_EVENT_AFTER_MS: Final = 3  # after the request that made it
_WRONG_PASSWORDS: Final = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 5])  # before a login that succeeds
_TYPING_MS: Final = 9_000
_AGE_DAYS: Final = 200  # mean age of an account when the simulation begins
_BURST_MS: Final = 900  # within which a program starts what it does at once


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody's habits. Addresses and agents: one for each visit; the address of the day first, the others on the way."""

    caller: Caller
    addresses: Rows
    agents: Numbers  # of programs
    browsers: Numbers
    rhythm: Rhythm
    active: float = 0.3  # share of working days
    visits: float = 1.5  # mean of a day
    length: float = 8  # median of a visit, in requests
    spread: float = 1.0  # sigma of its logarithm
    gap_s: float = 12  # median within a visit
    gap_sigma: float = 1.3
    web: float = 0.25  # share of visits by browser
    logs_in: float = 0.3  # share of those that begin with a login
    parallel: int = 1  # requests that a program starts at once
    clumsy: float = 0.03  # share of requests that are wrong
    wanders: float = 0.0  # share of visits from another address than the day's
    lease_days: int = 7  # how long the day's address stays the same
    mix: Mix = API
    from_ms: int = 0
    until_ms: int = 1 << 62
    away_ms: tuple[int, int] = (0, 0)

    def __call__(self, day: Day, rng: Generator) -> Rows:
        """What this person asks for on a day."""
        if not self._here(day) or rng.random() >= self.active * self.rhythm.factor(day.weekday):
            return _NOBODY
        count = 1 + int(rng.poisson(max(0.0, self.visits - 1)))
        # who comes in the middle of a day has their visits after that, not none because it is evening
        starts = self.rhythm.starts(rng, max(day.start_ms, self.from_ms), count)
        starts = starts[starts < day.start_ms + DAY_MS]
        if not len(starts):
            return _NOBODY
        by_web = rng.random(len(starts)) < self.web
        times, visit = visits(rng, starts, lengths(rng, self.length, self.spread, len(starts)), self.gap_s, self.gap_sigma)
        addresses = self._addresses(rng, day, len(starts))
        parts = [self._program(rng, day, times[~by_web[visit]], visit[~by_web[visit]], addresses)]
        parts += [self._browser(rng, day, times[visit == number], addresses[number]) for number in np.flatnonzero(by_web)]
        return in_order(joined([part for part in parts if len(part)]))

    def _here(self, day: Day) -> bool:
        away = self.away_ms[0] <= day.start_ms < self.away_ms[1]
        return not away and self.from_ms < day.start_ms + DAY_MS and day.start_ms < self.until_ms

    def _addresses(self, rng: Generator, day: Day, count: int) -> Rows:
        today = np.full(count, day.number // self.lease_days % len(self.addresses))
        elsewhere = rng.random(count) < self.wanders
        today[elsewhere] = rng.integers(len(self.addresses), size=int(elsewhere.sum()))
        chosen: Rows = self.addresses[today]
        return chosen

    def _program(self, rng: Generator, day: Day, times: Numbers, visit: Numbers, addresses: Rows) -> Rows:
        if self.parallel > 1:
            copies = rng.integers(1, self.parallel + 1, len(times))
            times, visit = np.repeat(times, copies), np.repeat(visit, copies)
            times = times + rng.integers(0, _BURST_MS, len(times))
        rows = attribute(asked(rng, times, self.mix), self.caller)
        rows["address"] = addresses[visit]
        rows["agent"] = self.agents[(visit + day.number) % len(self.agents)]
        return answer(rng, rows, day, self.clumsy)

    def _browser(self, rng: Generator, day: Day, times: Numbers, address: np.void) -> Rows:
        pages = browse(rng, times)
        known = rng.random() < self.logs_in
        events = self._login(rng, pages) if known and len(pages) else _NOBODY
        pages["account"], pages["plan"] = (self.caller.account, self.caller.plan) if known else (0, 0)
        rows = joined([events, answer(rng, pages, day, self.clumsy / 2)])
        rows["address"] = address
        rows["agent"] = self.browsers[rng.integers(len(self.browsers))]
        return rows

    def _login(self, rng: Generator, pages: Rows) -> Rows:
        """A login before the visit's second page, perhaps not at the first try."""
        wrong = int(_WRONG_PASSWORDS[rng.integers(len(_WRONG_PASSWORDS))])
        return login(pages["time_ms"][0] - _TYPING_MS * np.arange(wrong, -1, -1), np.arange(wrong + 1) == wrong, self.caller.account)


def paying(rng: Generator, person: Person, span: Span) -> Member:
    """The same person, who buys tokens too if their plan is not free."""
    if person.caller.plan == FREE:
        return Member(person)
    created_ms = max(person.from_ms, span.first_ms - int(rng.exponential(_AGE_DAYS) * DAY_MS))
    return Member(person, buyer(rng, person.caller.account, person.addresses, int(person.browsers[0]), person.rhythm.zone_h, created_ms))


def browse(rng: Generator, times: Numbers, pages: Mix = WEB) -> Rows:
    """Pages seen at these times, with what each brings with it: scripts and pictures, within a second."""
    copies = 1 + rng.integers(0, _ASSETS, len(times))
    rows = asked(rng, np.repeat(times, copies), pages)
    extra = np.ones(len(rows), bool)
    extra[np.cumsum(copies) - copies] = False
    rows["time_ms"][extra] += rng.integers(40, 1_200, int(extra.sum()))
    rows["route"][extra] = ROUTES["asset"]
    rows["item"][extra] = items(rng, rows["route"][extra])
    rows["cost"] = 1
    return rows


def login(times: Numbers, succeeds: np.ndarray[tuple[int], np.dtype[np.bool_]], accounts: Numbers | int) -> Rows:
    """Attempts to log in: for each a request, which tells no account, and the event in the account's life."""
    tries = np.zeros((len(times), 2), ROW)
    tries["time_ms"] = times[:, None] + np.array([0, _EVENT_AFTER_MS])
    tries["kind"] = np.stack([np.full(len(times), REQUEST), np.where(succeeds, LOGIN, LOGIN_FAILED)], axis=1)
    tries["route"] = ROUTES["login"]
    tries["status"] = np.where(succeeds, STATUS[ROUTES["login"]], 401)[:, None]
    tries["bytes"], tries["latency_ms"], tries["cost"] = 300, 240, 1
    tries["account"][:, 1] = accounts
    return tries.reshape(-1)
