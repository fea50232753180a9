"""How numbers are written for people: at most three figures that count, thousands with a comma, the unit after a space."""

from math import floor, isfinite, log10
from typing import Final, Literal

Unit = Literal["count", "number", "share", "times", "doublings", "ratio", "seconds", "bytes", "money"]

DASH: Final = "\N{EN DASH}"
_FIGURES: Final = 3
_MOST_DOUBLINGS: Final = 60.0
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3_600, 86_400, 31_557_600
_MOST_DAYS: Final = 730  # what is longer is told in years
_BYTES: Final = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
_SIGNS: Final = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def quantity(value: float, unit: Unit, currency: str | None = None) -> str:
    """A finite number in its unit, such as `2,140`, `96 %`, `4 times`, `3 h 04`, `€180.00`; `doublings` are powers of two."""
    match unit:
        case "share" | "ratio":
            return f"{figures(100 * value)} %"
        case "times":
            return f"{figures(value)} times"
        case "doublings":
            return f"{figures(2.0 ** min(value, _MOST_DOUBLINGS))} times"
        case "seconds":
            return duration(value)
        case "bytes":
            return _bytes(value)
        case "money":
            return money(value, currency)
        case "count":  # estimates of counts, and counts that decay, are whole for people
            return figures(round(value) if value >= 1 else round(value, 1))
        case "number":
            return figures(value)


def span(low: float | None, high: float | None, unit: Unit, currency: str | None = None) -> str:
    """A range, with a dash between its ends and the unit once; "" where neither end is known."""
    ends = [quantity(end, unit, currency) if end is not None and isfinite(end) else None for end in (low, high)]
    match ends:
        case None, None:
            return ""
        case None, str(most):
            return f"at most {most}"
        case str(least), None:
            return f"{least} or more"
        case least, most if least == most:
            return str(most)
        case str(least), str(most):
            (number, _, first), (_, _, second) = least.partition(" "), most.partition(" ")
            if first == second and unit != "money":
                return f"{number}{DASH}{most}"
            return f"{least} {DASH} {most}" if first or second or unit == "money" else f"{least}{DASH}{most}"
    return ""


def figures(value: float) -> str:
    """A number with three figures that count where it is small, whole where it is large."""
    if value == 0 or not isfinite(value):
        return "0" if value == 0 else str(value)
    decimals = max(0, _FIGURES - 1 - floor(log10(abs(value)))) if abs(value) < 100 else 0  # from there it is whole
    text = f"{value:,.{min(decimals, 2)}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "under 0.01" if text in {"0", "-0"} else text


def duration(seconds: float) -> str:
    """A span of time, such as `26 s`, `12 min`, `3 h 04`, `2 days`, `4 years`."""
    seconds = max(0.0, seconds)
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < _DAY:
        hours, rest = divmod(round(seconds / _MINUTE), 60)
        return f"{hours} h {rest:02d}" if rest else f"{hours} h"
    days = round(seconds / _DAY)
    if days <= _MOST_DAYS:
        return f"{days:,} days" if days != 1 else "1 day"
    return f"{figures(round(seconds / _YEAR, 1))} years"


def money(major: float, currency: str | None) -> str:
    """An amount in major units."""
    sign = _SIGNS.get(currency or "")
    return f"{sign}{major:,.2f}" if sign is not None else f"{major:,.2f} {currency}" if currency else f"{major:,.2f}"


def rarity(tail_share: float) -> str:
    """How many of its peers are as far out: `1 in 8,300`; "usual" for what a third of them reach."""
    if tail_share >= 1 / 3:
        return "usual"
    return f"1 in {_rounded(1 / tail_share):,}" if tail_share > 0 else "1 in more than a million"


def _rounded(value: float) -> int:
    """Two figures that count."""
    size: int = 10 ** max(0, floor(log10(value)) - 1)
    return round(value / size) * size


def _bytes(value: float) -> str:
    for name, size in _BYTES:
        if value >= size:
            return f"{figures(value / size)} {name}"
    return f"{figures(value)} B"
