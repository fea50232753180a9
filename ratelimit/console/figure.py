"""Geometry of small server-made figures: sparklines and bars. Lengths are CSS pixels; what comes out goes into attributes of SVG."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

_PAD: Final = 1.5  # half of the line's width, and a little


def sparkline(values: Sequence[float | None], width: float = 82, height: float = 22) -> tuple[str, ...]:
    """The paths of a line over `values`, from zero up; what is missing is a gap, so there may be several."""
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    step = (width - 2 * _PAD) / max(1, len(values) - 1)
    paths: list[str] = []
    points: list[str] = []
    for position, value in enumerate((*values, None)):
        if value is not None:
            points.append(f"{_PAD + position * step:.1f} {height - _PAD - value / top * (height - 2 * _PAD):.1f}")
        elif points:
            paths.append("M" + "L".join(points) + ("h.1" if len(points) == 1 else ""))
            points = []
    return tuple(paths)


class Bar(Struct, frozen=True):
    """One part of a share bar."""

    kind: str
    left: float
    width: float


def bars(parts: Sequence[tuple[str, float]], width: float, gap: float = 2.0) -> tuple[Bar, ...]:
    """Parts of a whole side by side in `width`, each (its class, its amount); what is nothing is left out, what is little is still seen."""
    present = [(kind, amount) for kind, amount in parts if amount > 0]
    whole = sum(amount for _, amount in present)
    room = width - gap * max(0, len(present) - 1)
    widths = [max(1.0, room * amount / whole) for _, amount in present]
    scale = room / sum(widths) if widths else 1.0
    found: list[Bar] = []
    left = 0.0
    for (kind, _), size in zip(present, widths, strict=True):
        found.append(Bar(kind, round(left, 1), round(size * scale, 1)))
        left += size * scale + gap
    return tuple(found)
