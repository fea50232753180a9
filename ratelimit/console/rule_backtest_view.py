"""What a backtest found, as the page of its rule shows it. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ratelimit.anomaly.evaluation_report import Share
from ratelimit.console import wording
from ratelimit.console.wording import Clock
from ratelimit.review.backtest_found import BacktestFound, Bucket, Outcome, added
from ratelimit.review.rule_dossier import RuleDossier

_WIDTH: Final = 960.0
_GAP: Final = 2.0
_WORDS: Final[Mapping[Outcome, str]] = {
    "disputed": "Disputed or warned",
    "refunded": "Refunded",
    "refused": "Blocked or failed",
    "succeeded": "Succeeded",
    "blocked": "Blocked",
    "throttled": "Throttled",
    "allowed": "Allowed",
}
_PATTERNS: Final[Mapping[Outcome, str]] = {
    "disputed": "solid",
    "refunded": "hatched",
    "refused": "dotted",
    "succeeded": "open",
    "blocked": "solid",
    "throttled": "hatched",
    "allowed": "open",
}


class OutcomeLine(Struct, frozen=True, kw_only=True):
    """One outcome: its matches, of all such, and what is known of them. `left` and `width` are its part of the bar."""

    pattern: str
    words: str
    matches: str
    share: str
    under_live: str
    amount: str
    all: str
    caught: float
    fraud: int
    good: int
    unknown: str
    left: float
    width: float
    shown: bool


class Tested(Struct, frozen=True, kw_only=True):
    """The whole panel; `live` is the version in force that stands beside it. `big` are pairs (figure, words, small words)."""

    about: str
    by: str
    at: float
    big: tuple[tuple[str, str, str], ...]
    lines: tuple[OutcomeLine, ...]
    total: OutcomeLine
    live: int | None
    of_purchases: bool
    unreadable: str
    label: str


def tested_view(dossier: RuleDossier, clock: Clock, now: float) -> Tested | None:
    """The panel; None where nothing was tested."""
    found, row = dossier.found, dossier.tested
    if found is None or row is None:
        return None
    things = "purchases" if found.on == "purchase" else "requests"
    live = dossier.state.live
    beside = live.version if live is not None and found.buckets[0].under_live is not None else None
    lines = tuple(_lines(found))
    span = f"{clock.day(row.since, now)} – {clock.day(row.until, now)}"
    unreadable = f"{wording.count(found.unreadable)} {things} had no signals of this version and count as not met."
    return Tested(
        about=f"{span}, {wording.count(found.looked_at)} {things}, each judged as it stood then",
        by=dossier.names.get(row.by_login, row.by_login),
        at=row.at,
        big=tuple(_big(found)),
        lines=lines,
        total=_total(found),
        live=beside,
        of_purchases=found.on == "purchase",
        unreadable=unreadable if found.unreadable else "",
        label="Matches by what became of them: " + ", ".join(f"{line.words.lower()} {line.matches}" for line in lines),
    )


def _big(found: BacktestFound) -> list[tuple[str, str, str]]:
    reviewed = found.fraud + found.good
    share = Share.of(found.fraud, reviewed)
    part = f"{found.matches / found.looked_at * 100:.2f}\u00a0%" if found.looked_at else "0\u00a0%"
    big = [(wording.count(found.matches), f"matches, {part}", "")]
    if reviewed:
        interval = f"{share.low * 100:.1f}–{share.high * 100:.1f}, n = {reviewed:,}"
        big.append((wording.tenths(found.fraud / reviewed), "of reviewed were fraud", interval))
    else:
        big.append(("–", "nobody has reviewed any", "so nothing is known of how right it is"))
    if found.on == "purchase":
        disputed = found.buckets[0]
        caught = wording.percent(disputed.matches / disputed.all) if disputed.all else "–"
        big.append(
            (caught, "of disputed or warned purchases caught", f"{wording.count(disputed.matches)} of {wording.count(disputed.all)}")
        )
    big.append((f"{found.good_a_day:.2g}", "good customers hit a day", f"{found.good_accounts:,} in {found.days:g} days"))
    return big


def _lines(found: BacktestFound) -> list[OutcomeLine]:
    present = [bucket for bucket in found.buckets if bucket.matches]
    room = _WIDTH - _GAP * max(0, len(present) - 1)
    lines, left = [], 0.0
    for bucket in found.buckets:
        width = max(2.0, room * bucket.matches / found.matches) if bucket.matches else 0.0
        lines.append(_line(bucket, _WORDS[bucket.outcome], _PATTERNS[bucket.outcome], found.matches, round(left, 1), round(width, 1)))
        left += width + _GAP if bucket.matches else 0.0
    return lines


def _line(bucket: Bucket, words: str, pattern: str, matches: float, left: float, width: float) -> OutcomeLine:
    return OutcomeLine(
        pattern=pattern,
        words=words,
        matches=wording.count(bucket.matches),
        share=wording.percent(bucket.matches / matches) if matches else "",
        under_live=wording.count(bucket.under_live) if bucket.under_live is not None else "",
        amount=amount_of(bucket.amounts),
        all=wording.count(bucket.all),
        caught=bucket.matches / bucket.all if bucket.all else 0.0,
        fraud=bucket.fraud,
        good=bucket.good,
        unknown=wording.count(bucket.not_reviewed),
        left=left,
        width=width,
        shown=bucket.matches > 0,
    )


def _total(found: BacktestFound) -> OutcomeLine:
    under = [bucket.under_live for bucket in found.buckets]
    whole = Bucket(
        "succeeded",
        matches=found.matches,
        under_live=None if None in under else sum(it or 0 for it in under),
        all=found.looked_at,
        fraud=found.fraud,
        good=found.good,
        amounts=added(bucket.amounts for bucket in found.buckets),
    )
    return _line(whole, "All matches", "", found.matches, 0, 0)


def amount_of(amounts: Mapping[str, int]) -> str:
    """Sums in their currencies; of several the largest, and how many more there are."""
    sums = sorted(((minor, currency) for currency, minor in amounts.items() if minor and currency), reverse=True)
    if not sums:
        return "–"
    minor, currency = sums[0]
    more = f" + {len(sums) - 1}" if len(sums) > 1 else ""
    return wording.money_short(minor, currency) + more
