"""What of a deed cannot be, said with the place in the body and what would do. Pure."""

from collections.abc import Mapping
from typing import Final

from ratelimit.core.deed import DeedThen
from ratelimit.core.expectation import meant, shown
from ratelimit.core.principal import Principal
from ratelimit.core.standing import TargetKind
from ratelimit.review.case_error import CaseError, ForbiddenError
from ratelimit.review.deed import ALONE_S, HURTING, OF_PURCHASE, PICKS, Deed
from ratelimit.review.label import OF_SUBJECTS

MOST_REASON: Final = 500  # characters of pick and text together
SCOPE: Final = "actions:write"  # what a token must have
# kinds of subjects that a deed can be about; others: all that a word can be about
_KINDS: Final[Mapping[DeedThen, frozenset[str]]] = {
    "hold": frozenset({"account"}),
    "release": frozenset({"account"}),
    "revoke": frozenset({"account"}),
    "refund": frozenset({"account"}),
    "report_fraud": frozenset({"account"}),
    "rotate_key": frozenset({"api_key"}),
    "label": OF_SUBJECTS,
}


class DeedError(CaseError):
    """What of a deed cannot be; `path` is where it stands in the body."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path


def check_role(principal: Principal) -> None:
    """Raises ForbiddenError for who may look only."""
    if not principal.may("analyst", SCOPE):
        raise ForbiddenError(f"nothing was done: {principal.login} may look and not act; expected an analyst, or a token with {SCOPE}")


def check_deed(deed: Deed, case: int | None) -> None:
    """Raises DeedError."""
    picks = PICKS[deed.then]
    if deed.pick is not None and deed.pick not in picks:
        raise DeedError(
            "$.pick", f"{shown(deed.pick)} is no reason to {deed.then}{meant(deed.pick, picks)}; expected one of {', '.join(picks)}"
        )
    if deed.then in HURTING and not deed.why:
        raise DeedError("$.reason", "is missing; expected a pick or some words, since this hurts somebody")
    if len(deed.why) > MOST_REASON:
        raise DeedError("$.reason", f"has {len(deed.why)} characters with its pick; expected at most {MOST_REASON}")
    if deed.then in OF_PURCHASE and deed.purchase is None:
        raise DeedError("$.purchase", f"is missing; expected the id of the purchase to {deed.then.replace('_', ' ')}")
    if deed.bucket is not None and deed.then != "throttle":
        raise DeedError("$.bucket", f"means nothing to {deed.then}; expected it beside throttle")
    if deed.then == "label" and deed.verdict is None:
        raise DeedError("$.verdict", "is missing; expected what it turned out to be")
    if deed.then == "known_normal" and case is None:
        raise DeedError("$.then", "known_normal is said of the reasons of a case; expected it on a case")
    _check_close(deed, case)


def check_kind(deed: Deed, kind: TargetKind) -> None:
    """Whether the deed can be about a subject of that kind; raises DeedError."""
    kinds = _KINDS.get(deed.then)
    if kinds is not None and kind not in kinds and not (deed.then == "label" and (deed.purchase is not None or deed.close)):
        raise DeedError("$.target", f"{deed.then} is not for an {kind}; expected {' or '.join(sorted(kinds))}")


def needs_second(kind: TargetKind, blocked_since: float | None, now: float, until: float, *, blocks: bool) -> bool:
    """Whether a second person must approve: an account is blocked for longer than one may alone, what stood before it included."""
    if not blocks or kind != "account":
        return False
    return until - (now if blocked_since is None else blocked_since) > ALONE_S


def _check_close(deed: Deed, case: int | None) -> None:
    if not deed.close:
        return
    if case is None:
        raise DeedError("$.close", "there is no case to be closed; expected close on a case")
    if deed.verdict is None:
        raise DeedError("$.verdict", "is missing; expected what it turned out to be, since a case closes with a label")
