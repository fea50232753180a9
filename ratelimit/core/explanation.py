"""Why a request meets the limits that it meets, and why it does not meet the others; and which lists its caller is on."""

from typing import NamedTuple

from ratelimit.core.identity import Caller
from ratelimit.core.limit import Limit
from ratelimit.core.listing import PolicyList
from ratelimit.core.path import normal_path
from ratelimit.core.policy import Matcher, Policy
from ratelimit.core.subject import describe, lacking, subject_of


class Explanation(NamedTuple):
    """Of one limit: whether the request meets it, as which subject, and why or why not."""

    limit: str
    applies: bool
    subject: str | None
    why: str


class OnList(NamedTuple):
    """A list that the caller is on: what it says or the signal that it feeds, by what of the caller, and whether that counts."""

    list: str
    says: str
    by: str
    why: str


class Question(NamedTuple):
    """A request, as far as limits look at it."""

    method: str
    path: str
    caller: Caller


def explain(policy: Policy, question: Question) -> list[Explanation]:
    """One explanation for each limit of `policy`, in its order."""
    return [_explain(policy, limit, question) for limit in policy.limits]


def explain_lists(policy: Policy, caller: Caller, now_s: float) -> list[OnList]:
    """The lists that `caller` is on, by account and address: keys are on lists by digests, which only the store's key makes."""
    found = []
    for it in policy.lists.all:
        by = it.names({} if caller.account is None else {"account": caller.account}, caller.ip)
        if by is not None:
            found.append(OnList(it.rule.name, it.rule.then or f"signal {it.rule.signal}", by, _counts(it, now_s)))
    return found


def _counts(it: PolicyList, now_s: float) -> str:
    if not it.lasts(now_s):
        return f"ended at {it.rule.until}"
    if it.rule.then is not None and it.rule.scope == "purchase":
        return "purchases alone"
    return "shadow: found and recorded, not enforced" if it.mode == "shadow" else "enforced"


def _explain(policy: Policy, limit: Limit, question: Question) -> Explanation:
    method, caller = question.method.upper(), question.caller
    path = normal_path(question.path)
    missed = Matcher(limit.match).miss(method, path, caller.plan)
    if missed is not None:
        found = {"method": method, "path": path, "plan": caller.plan or "none given"}[missed]
        wanted = ", ".join(getattr(limit.match, missed))
        return Explanation(limit.name, False, None, f"{missed} {found} is not among {wanted}")
    value = subject_of(limit)(caller)
    if value is None:
        lacks = f"the request has no {_lacked(limit, caller)}"
        if limit.missing == "deny":
            return Explanation(limit.name, True, None, f"{lacks}, and missing is deny: refused")
        return Explanation(limit.name, False, None, f"{lacks}, so it is skipped")
    subject = describe(limit, value, policy.identity.ipv6_prefix)
    return Explanation(limit.name, True, subject, "shadow: decided and recorded, not enforced" if limit.mode == "shadow" else "enforced")


def _lacked(limit: Limit, caller: Caller) -> str:
    kind = lacking(limit, caller)
    return "ip" if kind == "subnet" else str(kind)
