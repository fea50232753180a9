"""The page of a rule as its template sees it. Pure: made of a dossier for one who looks, at one instant. Shares are 0..1."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ratelimit.anomaly.evaluation_report import Share
from ratelimit.console import wording
from ratelimit.console.rule_backtest_view import Tested, tested_view
from ratelimit.console.rule_chart import Intervals, intervals
from ratelimit.console.rule_next_view import Next, next_view
from ratelimit.console.rule_shadow_view import Met, met_view
from ratelimit.console.rule_words import ON, STEPS, TextLine, decision_of, does, lines_of, sentence
from ratelimit.console.wording import Clock
from ratelimit.core.errors import ConfigError
from ratelimit.core.policy_file import parse_rule
from ratelimit.core.principal import Principal
from ratelimit.core.rule_program import CompiledRule, compiled_rule
from ratelimit.ledger.rules import LADDER, POLICY_FILE, RuleVersion, Step
from ratelimit.review.backtest_found import BacktestFound
from ratelimit.review.backtests import Running
from ratelimit.review.ladder import locks_out
from ratelimit.review.rule_dossier import RuleDossier

_DAY_S: Final = 86_400.0
LEAST_SHOWN: Final = 5  # reviewed purchases under which an interval says nothing


class Badge(Struct, frozen=True):
    """Its words, and its style: filled, shadow or none."""

    words: str
    style: str = ""


class LadderStep(Struct, frozen=True):
    """A step with its date, and where it stands: done, now or later."""

    name: str
    text: str
    state: str


class VersionLine(Struct, frozen=True, kw_only=True):
    """A version in the list."""

    number: int
    badge: Badge | None
    words: str
    by: str
    at: float
    here: bool
    can_restore: bool


class Hits(Struct, frozen=True, kw_only=True):
    """Whom its matches are."""

    days: int
    accounts: int
    settled: int
    shared: float
    shared_share: str
    all_share: str
    appeals: str


class RuleView(Struct, frozen=True, kw_only=True):
    """All of it."""

    name: str
    number: int
    place: int
    all: int
    before: str | None
    after: str | None
    badges: tuple[Badge, ...]
    sentence: str
    edited: str
    edited_at: float
    steps: tuple[LadderStep, ...]
    lines: tuple[TextLine, ...]
    against: int | None
    valid: str
    problem: str
    notes: tuple[str, ...]
    tested: Tested | None
    running: Running | None
    met: Met | None
    next: Next | None
    precision: Intervals | None
    versions: tuple[VersionLine, ...]
    hits: Hits | None
    step: Step
    from_file: bool
    why: str
    may_edit: bool
    may_pause: bool
    may_drop: bool
    decision: str
    failing: str


def rule_view(dossier: RuleDossier, running: Running | None, who: Principal, now: float, clock: Clock, failing: str = "") -> RuleView:
    """The page of one version of a rule, for one who looks; `failing` says what was not done, and why."""
    state, version = dossier.state, dossier.version
    valid, problem = _valid(version)
    names = dossier.names
    candidate = state.candidate is not None and state.candidate.id == version.id
    live = state.live is not None and state.live.id == version.id
    return RuleView(
        name=state.name,
        number=version.version,
        place=dossier.place,
        all=dossier.all,
        before=dossier.before,
        after=dossier.after,
        badges=tuple(_badges(dossier)),
        sentence=sentence(version, dossier.against),
        edited=person_of(version.by_login, names),
        edited_at=version.at,
        steps=() if version.from_file else tuple(_steps(dossier, now, clock)),
        lines=lines_of(version.rule, dossier.against.rule if dossier.against is not None else None),
        against=dossier.against.version if dossier.against is not None else None,
        valid=valid,
        problem=problem,
        notes=tuple(_notes(version, dossier.found)),
        tested=tested_view(dossier, clock, now) if dossier.found is not None else None,
        running=running if running is not None and running.version == version.version and running.state != "done" else None,
        met=met_view(dossier, now, clock, who) if candidate or live else None,
        next=next_view(dossier, who, now),
        precision=_precision(dossier),
        versions=tuple(_version_line(it, dossier, who) for it in state.versions),
        hits=_hits(dossier),
        step=version.step,
        from_file=version.from_file,
        why=version.why or "",
        may_edit=who.may("analyst"),
        may_pause=(candidate and who.may("analyst")) or (live and who.may("admin")),
        may_drop=version.open and not version.from_file and (version.by_login == who.login or who.may("admin")) and who.may("analyst"),
        decision=decision_of(version.rule),
        failing=failing,
    )


def person_of(login: str, names: Mapping[str, str]) -> str:
    """A person by name; the policy's file and tokens as they are."""
    return "the policy's file" if login == POLICY_FILE else names.get(login, login)


def _badges(dossier: RuleDossier) -> list[Badge]:
    state = dossier.state
    found = [Badge(ON[state.versions[0].rule.get("on", "purchase")])]
    if (candidate := state.candidate) is not None:
        share = f" for {candidate.canary * 100:g}\u00a0%" if candidate.step == "canary" and candidate.canary is not None else ""
        found.append(Badge(f"v{candidate.version} in {candidate.step}{share}", "shadow"))
    if (live := state.live) is not None:
        found.append(Badge(f"v{live.version} {live.step}", "filled" if live.step == "live" else "shadow"))
    if (paused := state.paused) is not None:
        found.append(Badge(f"v{paused.version} paused", "strong"))
    return found


def _valid(version: RuleVersion) -> tuple[str, str]:
    try:
        compiled = compiled_rule(parse_rule(version.rule, "rule"))
    except ConfigError as error:
        return "", error.problems[0]
    count = len(_signals(compiled))
    return f"Valid, {wording.several(count, 'signal')}, none misspelt", ""


def _signals(compiled: CompiledRule) -> set[str]:
    conditions = [compiled.condition, *([compiled.guard] if compiled.guard is not None else [])]
    return {f"{use.variable}.{use.name}" for condition in conditions for use in condition.uses}


def _notes(version: RuleVersion, found: BacktestFound | None) -> list[str]:
    notes = []
    if "!" in str(version.rule.get("when", "")).replace("!=", ""):
        notes.append("A missing value makes its comparison false, and so its negation.")
    if found is not None and found.missing:
        notes.append(f"Nothing that was tried has a value for {' and '.join(found.missing)}: there, comparisons with it were false.")
    return notes


def _steps(dossier: RuleDossier, now: float, clock: Clock) -> list[LadderStep]:
    version = dossier.version
    at = version.step if version.step in LADDER else "live" if "live" in version.steps else "backtest"
    here = LADDER.index(at)
    texts = {
        "draft": f"{clock.day(version.steps.get('draft', version.at), now)}, {person_of(version.by_login, dossier.names)}",
        "backtest": _tested_words(dossier),
        "shadow": _lasted(version, "shadow", now, clock, 7),
        "canary": f"{version.canary * 100:g}\u00a0% of accounts, by hash" if version.canary is not None else "a share of accounts, by hash",
        "live": _live_words(version, now, clock),
    }
    return [
        LadderStep(STEPS[step], texts[step], "now" if place == here and version.step in LADDER else "done" if place <= here else "later")
        for place, step in enumerate(LADDER)
    ]


def _tested_words(dossier: RuleDossier) -> str:
    if dossier.found is None:
        return "of this text, not run yet"
    return f"{dossier.found.days:g} days, {wording.several(round(dossier.found.matches), 'match', 'matches')}"


def _lasted(version: RuleVersion, step: Step, now: float, clock: Clock, wanted: int) -> str:
    since = version.steps.get(step)
    if since is None:
        return "decided and recorded, not enforced"
    if version.step == step:
        day = int((now - since) / _DAY_S) + 1
        return f"day {day} of {wanted}" if day <= wanted else f"since {clock.day(since, now)}"
    return f"from {clock.day(since, now)}"


def _live_words(version: RuleVersion, now: float, clock: Clock) -> str:
    if "live" in version.steps:
        since = f"since {clock.day(version.step_at, now)}"
        return since if version.step == "live" else f"{version.step} {since}"
    return f"{does(version.rule)}; second person needed" if locks_out(version) else does(version.rule)


def _precision(dossier: RuleDossier) -> Intervals | None:
    if dossier.found is None:
        return None
    shares = []
    for it in sorted(dossier.found.versions, key=lambda it: -it.version):
        if it.fraud + it.good >= LEAST_SHOWN:
            share = Share.of(it.fraud, it.fraud + it.good)
            shares.append((it.version, share.part / share.whole, share.low, share.high))
    return intervals(shares, dossier.version.version) if shares else None


def _version_line(it: RuleVersion, dossier: RuleDossier, who: Principal) -> VersionLine:
    badge = None
    if it.step == "live":
        badge = Badge("live", "filled")
    elif it.step in {"shadow", "canary"}:
        badge = Badge(it.step, "shadow")
    elif it.step == "paused":
        badge = Badge("paused", "strong")
    words = does(it.rule) if it.step == "live" else "" if badge is not None else _former(it, dossier)
    live_once = "live" in it.steps or it.from_file
    return VersionLine(
        number=it.version,
        badge=badge,
        words=words,
        by=person_of(it.by_login, dossier.names),
        at=it.at,
        here=it.id == dossier.version.id,
        can_restore=who.may("admin") and it.step in {"replaced", "paused"} and live_once,
    )


def _former(it: RuleVersion, dossier: RuleDossier) -> str:
    found = {one.version: one for one in dossier.found.versions}.get(it.version) if dossier.found is not None else None
    share = ""
    if found is not None and found.fraud + found.good >= LEAST_SHOWN:
        share = f", {wording.tenths(found.fraud / (found.fraud + found.good))}"
    return f"{STEPS[it.step]}{share}"


def _hits(dossier: RuleDossier) -> Hits | None:
    found = dossier.found
    if found is None:
        return None
    of_appeals = dossier.appeals
    return Hits(
        days=round(found.days),
        accounts=found.accounts,
        settled=found.settled,
        shared=found.shared,
        shared_share=wording.percent(found.shared / found.matches) if found.matches else "",
        all_share=wording.percent(found.shared_all / found.looked_at) if found.looked_at else "",
        appeals=f"{of_appeals.overturned} of {of_appeals.decided}" if of_appeals.decided else "no appeals",
    )
