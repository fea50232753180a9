"""What leads a version of a rule to its next step, for one who looks. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ratelimit.core.principal import Principal
from ratelimit.ledger.rules import Step
from ratelimit.review.backtest_found import BacktestFound
from ratelimit.review.ladder import TRUSTED_HIT, Condition, conditions, locks_out, next_step, ready_at, shares_of, unmet
from ratelimit.review.rule_dossier import RuleDossier
from ratelimit.review.rule_state import measured


class Next(Struct, frozen=True, kw_only=True):
    """What leads to the next step. `may`: whoever looks may take it, `asks`: or may ask for it; `open`: all conditions are met.

    `needs_why`: a reason passes over what is not met. `verb` is the button's. `blocked` says why there is no button.
    """

    to: Step
    verb: str
    conditions: tuple[Condition, ...]
    shares: tuple[tuple[str, str], ...]
    share: str
    a_day: str
    trusted: int
    open: bool
    needs_why: bool
    may: bool
    asks: bool
    wanted_by: str
    opens_at: float | None
    blocked: str


_VERBS: Final[Mapping[Step, str]] = {"shadow": "Start shadow", "canary": "Start canary", "live": "Put live"}


def next_view(dossier: RuleDossier, who: Principal, now: float) -> Next | None:
    """The panel; None where nothing comes next."""
    version = dossier.version
    to = next_step(version.step)
    if to is None or version.from_file:
        return None
    known = measured(version, dossier.state.tested.get(version.version))
    found = conditions(version, known, now)
    left = unmet(found)
    hard = [it for it in left if it.hard]
    admin, analyst = who.may("admin"), who.may("analyst")
    author = to == "live" and locks_out(version) and version.by == who.id and who.via == "session"
    asked = version.wants == to
    may = (admin and not author) if to in {"canary", "live"} else analyst
    blocked = ""
    if hard:
        blocked = "Run a backtest of this text first."
    elif asked and version.wanted_by == who.id:
        blocked = "You asked for it; another admin confirms it."
    opens = ready_at(version)
    return Next(
        to=to,
        verb=_VERBS.get(to, f"Go to {to}"),
        conditions=found,
        shares=tuple((f"{share:g}", f"{share * 100:g}\u00a0%") for share in shares_of(version)) if to == "canary" else (),
        share=f"{version.canary:g}" if to == "canary" and version.canary is not None else "0.1",
        a_day=_a_day(dossier.found),
        trusted=TRUSTED_HIT,
        open=not left,
        needs_why=bool(left) and not hard,
        may=may and not blocked,
        asks=analyst and not may and not blocked,
        wanted_by=dossier.people.get(version.wanted_by or 0, "A token") if version.wants is not None else "",
        opens_at=opens if opens is not None and opens > now else None,
        blocked=blocked,
    )


def _a_day(found: BacktestFound | None) -> str:
    if found is None or not found.days:
        return ""
    return f"{found.matches / found.days:.2g}"
