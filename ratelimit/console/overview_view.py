"""The overview as it is shown: each figure with what it is held against, how sure it is, and where the list behind it is. Pure."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ratelimit.console.wording import count, duration, money_short, percent, several
from ratelimit.core.network_program import ECM, HECM, VAMP_EXCESSIVE, Threshold, is_near, reached
from ratelimit.review.overview import DAYS, Overview, Ratio

_AGES: Final = ("under 1 day", "1–3 days", "3–7 days", "over 7 days")
_WEEK: Final = 7


class Measure(Struct, frozen=True, kw_only=True):
    """A figure. `alarm`: somebody should act; `empty`: there is nothing to say yet, and `note` says when there will be."""

    name: str
    value: str
    unit: str = ""
    sure: str = ""
    against: str = ""
    note: str = ""
    href: str = ""
    link: str = ""
    spark: tuple[float | None, ...] = ()
    alarm: bool = False
    empty: bool = False


class Age(Struct, frozen=True):
    """Money held for so long, and what share of all that is."""

    words: str
    money: str
    share: float


class Day(Struct, frozen=True):
    """Opened and closed on a day; heights are CSS pixels."""

    opened: int
    closed: int
    up: float
    down: float


class OverviewView(Struct, frozen=True, kw_only=True):
    """The page."""

    at: float
    since: float
    days: int
    networks: tuple[Measure, ...]
    money: tuple[Measure, ...]
    work: tuple[Measure, ...]
    ages: tuple[Age, ...]
    held: str
    held_note: str
    backlog: tuple[Day, ...]
    backlog_words: str
    backlog_top: int
    empty: bool


def overview_view(it: Overview) -> OverviewView:
    """The page of these figures."""
    held, currency = sum(it.held.minor), it.held.currency or next((one.currency for one in it.loss), "") or "EUR"
    return OverviewView(
        at=it.at,
        since=it.since,
        days=DAYS,
        networks=(
            _program("Disputes and warnings", it.vamp, (VAMP_EXCESSIVE,), "of payments of the same 30 days"),
            _program("Disputes", it.ecm, (ECM, HECM), "of payments of the 30 days before"),
        ),
        money=(_loss(it), _approved(it), _stopped(it)),
        work=(_minutes(it), _share("Appeals overturned", it.overturned, "/queue?tab=appeals", "Appeals", "No appeal was decided yet."),
              _share("Second reviews that agree", it.agreed, "/queue?tab=quality", "Second reviews", "No case was reviewed twice yet.")),
        ages=tuple(
            Age(words, money_short(minor, currency), minor / held if held else 0.0)
            for words, minor in zip(_AGES, it.held.minor, strict=True)
        ),
        held=money_short(held, currency),
        held_note=_held_note(it),
        backlog=_backlog(it.opened, it.closed),
        backlog_words=_backlog_words(it),
        backlog_top=max(1, *it.opened, *it.closed),
        empty=not (it.approved.whole or any(it.opened)),
    )  # fmt: skip


def _program(name: str, it: Ratio, thresholds: Sequence[Threshold], of: str) -> Measure:
    if it.share is None:
        return Measure(name=name, value="–", note="No payment has succeeded in these days.", empty=True)
    over = [one for one in thresholds if reached(one, it.part, it.whole)]
    near = [one for one in thresholds if is_near(one, it.part, it.whole)]
    limits = ", ".join(f"{one.name} from {percent(one.ratio)} and {one.least:,} on" for one in thresholds)
    return Measure(
        name=name,
        value=_bare(it.share),
        unit="%",
        sure=_sure(it),
        against=f"{over[-1].name} is reached" if over else limits,
        note=f"{count(it.part)} {of}",
        href="/queue?opened_by=early_fraud_warning",
        link="Warnings that wait",
        spark=tuple(it.by_day),
        alarm=bool(over or near),
    )


def _loss(it: Overview) -> Measure:
    paid = [one for one in it.loss if one.paid_minor]
    if not paid:
        return Measure(name="Loss", value="–", note="No payment has succeeded in these days.", empty=True)
    main = paid[0]
    others = f", and {several(len(paid) - 1, 'other currency', 'other currencies')}" if len(paid) > 1 else ""
    lost, all_paid = (money_short(minor, main.currency or "EUR") for minor in (main.lost_minor, main.paid_minor))
    return Measure(
        name="Loss",
        value=f"{main.lost_minor / main.paid_minor * 10_000:.1f}",
        unit="basis points",
        against=f"{lost} disputed of {all_paid}{others}",
        note="what was disputed and not won back",
        spark=tuple(it.loss_by_day),
    )  # fmt: skip


def _approved(it: Overview) -> Measure:
    found = _share("Approval rate", it.approved, "/rules", "Rules that refuse", "Nobody has asked about a purchase yet.")
    return found if found.empty else _with(found, note="of attempts, refused ones included")


def _stopped(it: Overview) -> Measure:
    total = sum(it.stopped_good)
    lately = it.stopped_good[-_WEEK:]
    return Measure(
        name="Honest customers stopped",
        value=f"{sum(lately) / _WEEK:.1f}".removesuffix(".0"),
        unit="a day",
        against=f"in the last {_WEEK} days; {count(total)} in {DAYS} days",
        note="refused, held or slowed down, and later found good or undone",
        href="/audit?kind=undone",
        link="What was undone",
        spark=tuple(map(float, it.stopped_good)),
    )


def _minutes(it: Overview) -> Measure:
    if it.work_s is None:
        return Measure(name="Time per case", value="–", note="No case was closed in these days.", empty=True)
    median, tenth = it.work_s
    return Measure(
        name="Time per case",
        value=duration(median),
        against=f"one in ten takes {duration(tenth)} or more",
        sure=f"median of {count(it.worked)} cases",
        href="/queue?tab=mine",
        link="My cases",
    )


def _share(name: str, it: Ratio, href: str, link: str, nothing: str) -> Measure:
    if it.share is None:
        return Measure(name=name, value="–", note=nothing, empty=True)
    return Measure(name=name, value=_bare(it.share), unit="%", sure=_sure(it), href=href, link=link, spark=tuple(it.by_day))


def _with(it: Measure, note: str) -> Measure:
    return Measure(name=it.name, value=it.value, unit=it.unit, sure=it.sure, note=note, href=it.href, link=it.link, spark=it.spark)


def _sure(it: Ratio) -> str:
    return f"{it.low * 100:.1f}–{it.high * 100:.1f}\u00a0% in 95 of 100, n = {it.whole:,}"


def _bare(share: float) -> str:
    return percent(share).partition("\u00a0")[0]


def _held_note(it: Overview) -> str:
    others = f", and money in {several(it.held.others, 'other currency', 'other currencies')}" if it.held.others else ""
    return f"{it.held.purchases:,} purchases{others}"


def _backlog(opened: Sequence[int], closed: Sequence[int], height: float = 44.0) -> tuple[Day, ...]:
    top = max(1, *opened, *closed)
    return tuple(Day(up, down, round(up / top * height, 1), round(down / top * height, 1)) for up, down in zip(opened, closed, strict=True))


def _backlog_words(it: Overview) -> str:
    closed = sum(it.closed[-_WEEK:]) / _WEEK
    opened = sum(it.opened[-_WEEK:]) / _WEEK
    if not it.open:
        return "Nothing waits."
    if closed <= opened:
        return f"{opened:.1f} are opened and {closed:.1f} closed a day: {it.open:,} wait, and it becomes more."
    return f"{it.open:,} wait: at {closed:.1f} closed and {opened:.1f} opened a day, for {duration(it.open / (closed - opened) * 86_400)}."
