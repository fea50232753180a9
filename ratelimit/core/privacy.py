"""What people may ask about their data, what may become of such a request, and until when it must be answered. Pure; times are seconds.

Articles are those of the GDPR: 15 and 20 (export), 16 (correct), 18 (restrict), 21 (object), 17 (erase), 12(3) (one month).
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from ratelimit.core.decision import Reason

RequestKind = Literal["export", "correct", "restrict", "object", "erase"]
RequestState = Literal["asked", "approved", "done", "refused", "withdrawn"]

KINDS: Final[tuple[RequestKind, ...]] = get_args(RequestKind)
OPEN: Final[tuple[RequestState, ...]] = ("asked", "approved")
NO_MODEL: Final[tuple[RequestKind, ...]] = ("restrict", "object")  # of those who asked for these no model looks at them
JOURNAL_S: Final = 70 * 86_400.0  # twice as long as backups are kept: an erasure is done again where an older one was restored
LATE_S: Final = 600.0  # after an erasure something may come in that was under way

LOGIC: Final = (
    "Each request is counted against limits: so many tokens per time for a key, an account or an address. A request beyond a limit is "
    "refused for as long as `retry_after` says, whoever sends it.",
    "People of the operator can block, slow down or allow an account, a key or an address for a time, with a reason that is written down. "
    "Lists and written rules of the operator can do the same; each names itself in the decision.",
    "Where a risk is given, a statistical model compared how the account, key or address was used of late (numbers of requests, "
    "addresses, paths, countries, regularity) with how others are used. The risk is a ranking, from 0 to 1: the share of others that were "
    "less unusual. A high one slows requests down; it never blocks for good by itself.",
    "Purchases are compared in the same way with earlier ones that share the card, device, email or address. A high risk holds some of "
    "the tokens back for a time; a person looks at what is in doubt.",
    "Every refusal carries an id. Whoever thinks that it is wrong can tell the operator this id; a person who did not decide it before "
    "then looks at it.",
)

RIGHTS: Final = (
    "What is wrong is corrected, and what is missing is added, if you say so (GDPR, article 16).",
    "You can ask that no model looks at your account any more, or object to it; that is in force within a second (articles 18, 21, 22).",
    "You can have your data erased; what books and legal claims need stays for its time, without your name (article 17).",
    "A person looks at any decision that you think is wrong: tell the operator the id that stands at it.",
    "You can complain to the supervisory authority of the country where you live or work (article 77).",
)
RECIPIENTS: Final = (
    "What is kept stays with the operator of this service. The site that it protects is told of holds, blocks, cases and erasures of its "
    "own accounts. Nobody else is told."
)

MEANING: Final[Mapping[Reason, str]] = {
    "ok": "nothing spoke against it",
    "rate_exceeded": "more tokens were asked for than the limit gives in that time",
    "quota_exhausted": "the allowance of the period was used up",
    "concurrency_exceeded": "too many requests were under way at once",
    "cost_exceeds_capacity": "the request costs more than the limit can ever hold",
    "risk_throttled": "the model found the use less usual than almost all others', so smaller limits were in force",
    "risk_blocked": "the model found the use less usual than almost all others'",
    "rule_matched": "a written rule of the operator held",
    "rule_throttled": "a written rule of the operator slowed it down",
    "deny_listed": "it is on a list of the operator that blocks",
    "allow_listed": "it is on a list of the operator that allows",
    "override_block": "a person of the operator had blocked it",
    "override_throttle": "a person of the operator had slowed it down",
    "override_allow": "a person of the operator had allowed it",
    "store_unavailable": "limits could not be asked, and the policy says what happens then",
}


def month_after(at: float) -> float:
    """The same day and time of the next month, the last day where there is none: the term of article 12(3)."""
    then = datetime.fromtimestamp(at, UTC)
    year, month = (then.year + 1, 1) if then.month == 12 else (then.year, then.month + 1)
    return then.replace(year=year, month=month, day=min(then.day, monthrange(year, month)[1])).timestamp()
