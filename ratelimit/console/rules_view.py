"""The list of rules, and the page on which one is edited, as their templates see them. Pure."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ratelimit.anomaly.evaluation_report import Share
from ratelimit.console import wording
from ratelimit.console.rule_view import Badge, person_of
from ratelimit.console.rule_words import ON, TextLine, decision_of, does, lines_of
from ratelimit.core.principal import Principal
from ratelimit.core.rule_names import NAMES
from ratelimit.ledger.rules import RuleVersion
from ratelimit.review.rule_dossier import RuleRow
from ratelimit.review.rule_state import RuleState
from ratelimit.service.rule_source import TextProblem

EXAMPLE: Final = """on: purchase
of: [account, card]
when: purchase.cards_1h >= 3
  && purchase.declines_1h >= 2
then: block
for: 1h
reason: several cards tried, several declined
"""


class RuleLine(Struct, frozen=True, kw_only=True):
    """A rule of the list. `share` is fraud among those reviewed; `tried` is what its candidate met."""

    name: str
    on: str
    mark: str
    does: str
    reason: str
    badges: tuple[Badge, ...]
    met: int
    tried: int | None
    share: str
    interval: str
    good_a_day: str
    by: str
    at: float
    waits: str


class RulesView(Struct, frozen=True, kw_only=True):
    """The list. `live`, `tried` and `waiting` are how many there are."""

    lines: tuple[RuleLine, ...]
    live: int
    tried: int
    waiting: int
    may_write: bool


def rules_view(rows: Sequence[RuleRow], names: dict[str, str], who: Principal) -> RulesView:
    """All rules; those that wait for somebody first, then by name."""
    lines = sorted((_line(row, names) for row in rows), key=lambda line: (not line.waits, line.name))
    return RulesView(
        lines=tuple(lines),
        live=sum(row.state.live is not None and row.state.live.step == "live" for row in rows),
        tried=sum(_tried(row) for row in rows),
        waiting=sum(bool(line.waits) for line in lines),
        may_write=who.may("analyst"),
    )


def _tried(row: RuleRow) -> bool:
    live = row.state.live
    return row.state.candidate is not None or (live is not None and live.step != "live")


def _line(row: RuleRow, names: dict[str, str]) -> RuleLine:
    state = row.state
    main = state.live or state.main
    reviewed = row.found.fraud + row.found.good if row.found is not None else 0
    share = Share.of(row.found.fraud, reviewed) if row.found is not None and reviewed else None
    wanting = next((it for it in state.versions if it.wants is not None), None)
    return RuleLine(
        name=state.name,
        on=ON[main.rule.get("on", "purchase")],
        mark=decision_of(main.rule),
        does=does(main.rule),
        reason=str(main.rule.get("reason", "")),
        badges=tuple(_badges(state)),
        met=row.met,
        tried=row.tried if _tried(row) else None,
        share=wording.tenths(share.part / share.whole) if share is not None else "",
        interval=f"{share.low * 100:.0f}–{share.high * 100:.0f}, n = {reviewed:,}" if share is not None else "",
        good_a_day=f"{row.found.good_a_day:.2g}" if row.found is not None else "",
        by=person_of(state.versions[0].by_login, names),
        at=state.versions[0].at,
        waits=f"v{wanting.version} waits to go to {wanting.wants}" if wanting is not None else "",
    )


def _badges(state: RuleState) -> list[Badge]:
    found = []
    if (live := state.live) is not None:
        found.append(Badge(f"v{live.version} {live.step}", "filled" if live.step == "live" else "shadow"))
    if (candidate := state.candidate) is not None:
        found.append(Badge(f"v{candidate.version} {candidate.step}", "shadow"))
    if (paused := state.paused) is not None:
        found.append(Badge(f"v{paused.version} paused", "strong"))
    if state.versions[0].open:
        found.append(Badge(f"v{state.versions[0].version} {state.versions[0].step}"))
    return found or [Badge("not in force")]


class Named(Struct, frozen=True):
    """A name that conditions can use."""

    name: str
    unit: str
    meaning: str


class Checked(Struct, frozen=True, kw_only=True):
    """What a text comes to: its problems. `empty`: there is none yet."""

    problems: tuple[TextProblem, ...]
    empty: bool = False


class EditView(Struct, frozen=True, kw_only=True):
    """The page of a text. `name` "" asks for one. `number` is the version that is edited, or will be new."""

    name: str
    text: str
    given_name: str
    checked: Checked
    names: tuple[tuple[str, tuple[Named, ...]], ...]
    next_number: int
    in_place: bool


def edit_view(
    name: str, given_name: str, text: str, problems: tuple[TextProblem, ...], state: RuleState | None, who: Principal
) -> EditView:
    """The page for that text; `state` None: it is a new rule."""
    latest = state.versions[0] if state is not None else None
    in_place = latest is not None and latest.open and latest.by_login == who.login
    number = 1 if latest is None else latest.version if in_place else latest.version + 1
    on = "request" if latest is not None and latest.rule.get("on") == "request" else "purchase" if latest is not None else None
    return EditView(
        name=name,
        text=text,
        given_name=given_name,
        checked=Checked(problems=problems, empty=not text.strip()),
        names=tuple(
            (f"{variable}.", tuple(Named(f"{variable}.{it}", about.unit, about.meaning) for it, about in of_variable.items()))
            for one, variables in NAMES.items()
            if on in {None, one}
            for variable, of_variable in variables.items()
        ),
        next_number=number,
        in_place=in_place,
    )


class CompareView(Struct, frozen=True, kw_only=True):
    """Two versions side by side."""

    name: str
    first: int
    second: int
    lines: tuple[TextLine, ...]
    versions: tuple[tuple[str, str], ...]


def compare_view(state: RuleState, first: RuleVersion, second: RuleVersion) -> CompareView:
    """What the second changes against the first."""
    return CompareView(
        name=state.name,
        first=first.version,
        second=second.version,
        lines=lines_of(second.rule, first.rule),
        versions=tuple((str(it.version), f"v{it.version}, {it.step}, {it.by_login}") for it in state.versions),
    )
