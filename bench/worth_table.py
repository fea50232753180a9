"""What `worth` found, as rows and as a table for people."""

from collections.abc import Sequence

from msgspec import Struct

Part = tuple[int, int]


class Row(Struct, frozen=True, kw_only=True):
    """Found, of those that there were: by what serves, by labels, by labels without this kind. Of the honest: flagged days, of all days."""

    where: str
    kind: str
    abuse: str
    evasive: bool
    served: Part
    median_s: float | None = None
    taught: Part | None = None
    unseen: Part | None = None
    reasons: tuple[str, ...] = ()


def markdown(rows: Sequence[Row]) -> str:
    """One table for each place."""
    lines: list[str] = []
    for where in dict.fromkeys(row.where for row in rows):
        lines += [
            f"## {where}",
            "",
            "| subjects | abuse | found | median time | by labels | by labels, kind unseen |",
            "|---|---|---|---|---|---|",
        ]
        for row in (row for row in rows if row.where == where):
            name = f"{row.abuse}, evasive" if row.evasive else row.abuse
            wait = "" if row.median_s is None else f"{row.median_s:,.0f} s"
            cells = [
                row.kind,
                f"**{name}**" if row.abuse == "honest" else name,
                _part(row.served),
                wait,
                _part(row.taught),
                _part(row.unseen),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        lines += ["", *(f"- {reason}" for row in rows if row.where == where for reason in row.reasons), ""]
    return "\n".join(lines)


def _part(found: Part | None) -> str:
    return "" if found is None else f"{found[0]:,} of {found[1]:,}"
