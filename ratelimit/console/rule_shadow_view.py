"""What a rule met in the last days in sidecars, in force or in shadow, as its page shows it. Pure."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from msgspec import Struct

from ratelimit.console import wording
from ratelimit.console.rule_backtest_view import amount_of
from ratelimit.console.rule_chart import Days, days
from ratelimit.console.rule_words import decision_of, does
from ratelimit.console.subject_name import name_of
from ratelimit.console.wording import Clock
from ratelimit.core.errors import ConfigError
from ratelimit.core.principal import Principal
from ratelimit.core.purchase_signal_words import PURCHASE_WORDS
from ratelimit.core.purchase_signals import VERSION
from ratelimit.core.quantity import quantity
from ratelimit.ledger.rule_hits import MOST, Hit
from ratelimit.review.rule_dossier import SHADOW_DAYS, RuleDossier
from ratelimit.review.trial import Trial, reasons

_LATEST: Final = 8
_REASONS: Final = 3


class Instead(Struct, frozen=True):
    """What was decided of those that it would have stopped: mark, words, how many, for how much."""

    mark: str
    words: str
    count: int
    amount: str


class MetLine(Struct, frozen=True, kw_only=True):
    """One of the latest. `account` is hostile text."""

    at: float
    record: str
    account: str
    why: str
    amount: str
    mark: str
    decided: str
    since: str
    strong: bool


class Met(Struct, frozen=True, kw_only=True):
    """The whole panel. `shadow`: it is not in force; `mark` is that of what it says."""

    title: str
    about: str
    shadow: bool
    mark: str
    would: str
    good: str
    days: Days
    label: str
    instead: tuple[Instead, ...]
    total: Instead
    lines: tuple[MetLine, ...]
    of_requests: bool
    in_all: int


def met_view(dossier: RuleDossier, now: float, clock: Clock, who: Principal) -> Met:
    """The panel of a version that is asked in sidecars."""
    version, hits = dossier.version, dossier.hits
    shadow = version.step == "shadow"
    good = len({hit.account for hit in hits if hit.label == "good"})
    of_requests = version.rule.get("on") == "request"
    counted = tuple(_request_days(dossier, now) if of_requests else _days(hits, now, clock))
    chart = days(counted)
    amount = amount_of(_sums(hits))
    how = "decided and recorded, not enforced" if shadow else "as it was decided"
    infinitive = does(version.rule).partition(" ")[0].removesuffix("s")
    doing = {"open": "have opened a case", "allow": "have allowed"}.get(infinitive, f"have {_participle(infinitive)}")
    return Met(
        title="Shadow" if shadow else "Canary" if version.step == "canary" else "In force",
        about=f"{clock.day(dossier.hits_since, now)} – {clock.day(now, now)}, {how}",
        shadow=shadow,
        mark=decision_of(version.rule),
        would=f"would {doing}" if shadow else doing.removeprefix("have "),
        good=f"{wording.several(good, 'good customer')} in {SHADOW_DAYS} days, budget {SHADOW_DAYS}",
        days=chart,
        label="Matches by day: " + ", ".join(f"{day} {count}" for day, count, _ in counted),
        instead=tuple(_instead(hits)),
        total=Instead("", "All" if len(hits) < MOST else f"The latest {MOST:,}", len(hits), amount),
        lines=tuple(_line(hit, dossier, who) for hit in hits[:_LATEST]),
        of_requests=of_requests,
        in_all=sum(count for _, count, _ in counted),
    )


def _participle(verb: str) -> str:
    return {"hold": "held tokens", "slow": "slowed down"}.get(verb, f"{verb}d" if verb.endswith("e") else f"{verb}ed")


def _days(hits: tuple[Hit, ...], now: float, clock: Clock) -> list[tuple[str, int, int]]:
    today = clock.at(now).date()
    counts, good = Counter[object](), Counter[object]()
    for hit in hits:
        day = clock.at(hit.at).date()
        counts[day] += 1
        good[day] += hit.label == "good"
    span = [today - timedelta(days=back) for back in range(SHADOW_DAYS - 1, -1, -1)]
    return [("today" if day == today else f"{day:%a} {day.day}", counts[day], good[day]) for day in span]


def _request_days(dossier: RuleDossier, now: float) -> list[tuple[str, int, int]]:
    today = datetime.fromtimestamp(now, UTC).date()
    span = [today - timedelta(days=back) for back in range(SHADOW_DAYS - 1, -1, -1)]
    return [("today" if day == today else f"{day:%a} {day.day}", sum(dossier.days.get(day.isoformat(), (0, 0))), 0) for day in span]


def _sums(hits: tuple[Hit, ...] | list[Hit]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for hit in hits:
        if hit.currency:
            sums[hit.currency] = sums.get(hit.currency, 0) + hit.amount_minor
    return sums


def _instead(hits: tuple[Hit, ...]) -> list[Instead]:
    groups: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        groups.setdefault(_decided(hit, instead=True), []).append(hit)
    return [Instead(mark, words, len(some), amount_of(_sums(some))) for (mark, words), some in sorted(groups.items(), key=_size)]


def _size(group: tuple[tuple[str, str], list[Hit]]) -> int:
    return -len(group[1])


def _decided(hit: Hit, *, instead: bool = False) -> tuple[str, str]:
    """Mark and words of what was decided."""
    after = "" if hit.enforced or not instead else " instead"
    if hit.action == "refuse" or hit.decision == "block":
        by = "by it" if hit.enforced else "by another rule" if hit.reason == "rule_matched" else "otherwise"
        return "block", f"Blocked {by}" if instead else "Blocked"
    if hit.action == "challenge":
        return "throttle", f"Challenged{after}"
    if hit.action == "hold":
        share = "" if instead else f" {hit.hold_ratio * 100:.0f}\u00a0%"
        return "hold", f"Held{share}{after}"
    return "allow", f"Allowed{after}"


def _line(hit: Hit, dossier: RuleDossier, who: Principal) -> MetLine:
    mark, decided = _decided(hit)
    since, strong = _since(hit)
    return MetLine(
        at=hit.at,
        record=hit.record,
        account=name_of("account", hit.shown, who.role),
        why=_why(hit, dossier),
        amount=wording.money(hit.amount_minor, hit.currency) if hit.currency else "–",
        mark=mark,
        decided=decided if hit.rule is None or hit.enforced else f"{decided} by {hit.rule}",
        since=since,
        strong=strong,
    )


def _since(hit: Hit) -> tuple[str, bool]:
    if hit.warned:
        return "Warned by issuer", True
    if hit.disputed:
        return "Disputed", True
    if hit.label == "fraud":
        return "Confirmed as fraud", True
    if hit.label == "good":
        return "Good, said a person", True
    if hit.refunded:
        return "Refunded", False
    return ("Payment failed", False) if hit.outcome == "failed" else ("nothing yet", False)


def _why(hit: Hit, dossier: RuleDossier) -> str:
    """What the condition looked at, in words."""
    if hit.signals is None or hit.signal_version != VERSION:
        return "signals are not kept"
    try:
        trial = Trial(dossier.state.name, dossier.version.version, dossier.version.rule)
    except ConfigError:
        return ""
    row = np.frombuffer(hit.signals, "<f8").tolist()
    said = []
    for name, value in reasons(trial, row):
        words = PURCHASE_WORDS.get(name)
        if words is None:
            continue
        if words.yes is not None and words.no is not None:
            said.append(" ".join(words.yes if value else words.no))
        else:
            said.append(f"{quantity(value, words.unit, hit.currency)} {words.words}")
    return ", ".join(said[:_REASONS])
