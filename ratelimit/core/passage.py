"""What words that stand and lists come to for one request, before its limits are asked. What beats what is core/decision's.

A blocked request ends here. An allow frees of lists, rules and risk, and of every throttle; limits stand. An exemption is from limits
alone: throttles by a person or a rule, and holds, still count.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from ratelimit.core.decision import Reason, Row, ShadowFinding, Source, Verdict, decide
from ratelimit.core.listing import PolicyList
from ratelimit.core.standing import Standing
from ratelimit.core.standing_index import Found, Words

_NOTHING: Final = Found()
_EXEMPT: Final = decide([("override", "allow")])
_LISTED: Final[Mapping[str, Reason]] = {"allow": "allow_listed", "block": "deny_listed"}


class Passage(Struct, frozen=True, gc=False):
    """`row` says what is answered if no limit refuses; `by` and `subject` who decided that, and about whom.

    `free`: of risk and of throttles. `exempt`: of the policy's limits. `buckets` are what limits have instead of their own.
    """

    row: Row
    by: str | None = None
    subject: str | None = None
    free: bool = False
    exempt: bool = False
    throttles: Words = ()
    buckets: Words = ()
    held: bool = False
    shadow: tuple[ShadowFinding, ...] = ()

    @property
    def blocked(self) -> bool:
        """Whether the request ends here."""
        return self.row.verdict == "block"


def passage(found: Found | None, lists: Iterable[PolicyList]) -> Passage:
    """Of what stands for a request, and the lists that it is on."""
    found, on = found or _NOTHING, list(lists)
    enforced = [it for it in on if it.mode == "enforce"]
    said: dict[tuple[Source, Verdict], Standing | PolicyList | None] = {
        ("override", "block"): found.override_block,
        ("override", "allow"): found.override_allow,
        ("rule", "block"): found.rule_block,
        ("list", "block"): next((it for it in enforced if it.rule.then == "block"), None),
        ("list", "allow"): next((it for it in enforced if it.rule.then == "allow"), None),
    }
    row = decide(key for key, it in said.items() if it is not None)
    decisive = said.get((row.source, row.verdict))
    free = decisive is not None
    return Passage(
        row=row if free or found.exempt is None else _EXEMPT,
        by=None if decisive is None else name_of(decisive),
        subject=str(decisive.target) if isinstance(decisive, Standing) else None,
        free=free,
        exempt=found.exempt is not None,
        throttles=() if free else found.throttles,
        buckets=found.buckets,
        held=bool(found.holds),
        shadow=tuple(ShadowFinding(f"list:{it.rule.name}", _LISTED[it.rule.then]) for it in on if it.mode == "shadow" and it.rule.then),
    )


def name_of(it: Standing | PolicyList) -> str:
    """As decisions name it in the place of a limit, whose own name holds no colon: `override:<id>`, `rule:<name>` or `list:<name>`."""
    if isinstance(it, PolicyList):
        return f"list:{it.rule.name}"
    return f"rule:{it.author}" if it.source == "rule" else f"{it.source}:{it.id}"
