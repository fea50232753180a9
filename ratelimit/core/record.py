"""One decision as a flat, versioned row: what logs, console and training read. Later fields are added, none is renamed or taken away.

A record never holds an API key, a query or a referrer's path; an address is there as the subject it was decided by, or whose signals they
are. What a client sent in bytes that are no UTF-8 stands there escaped: a record can be written, whatever it is about.
"""

from typing import Final, NamedTuple

import numpy as np
from msgspec import UNSET, Struct
from msgspec.structs import replace

from ratelimit.core.address import format_address
from ratelimit.core.decision import Decision, Reason, ShadowFinding, Verdict
from ratelimit.core.purchase import Action, PurchaseKind
from ratelimit.core.signals import VERSION as VERSION_OF_SIGNALS
from ratelimit.core.signals import Kind

VERSION: Final = 1


class Evidence(NamedTuple):
    """What was known of a subject at that moment; `signals` are float32 in the order of core.signals; `model` made the risk of them."""

    kind: Kind
    value: str | bytes
    risk: float | None
    model: str | None
    signals: bytes


class Record(Struct, frozen=True):
    """`time` in seconds since the epoch, when it was decided; `policy` is the digest of the policy that was in force.

    `risk_subject` is whose `risk` and `signals` these are: the key or the account, whichever has the larger risk, else the address. They
    are null where nobody had asked often enough; `signals` are in the order of `signal_version`, a null among them is a missing value.
    `propensity` is the chance that the model's refusal had, where a few are let through by lot.

    What follows it is of a purchase, and null in a request's record. There `limit` is the rule, the list or the override that decided,
    `cost` the tokens, and `signals` are those of purchases (core.purchase_signals).
    """

    id: str
    time: float
    decision: Verdict
    reason: Reason
    limit: str | None
    subject: str | None
    method: str
    path: str
    cost: int
    remaining: int | None
    retry_after: float | None
    policy: str
    version: int = VERSION
    plan: str | None = None
    risk: float | None = None
    risk_subject: str | None = None
    model: str | None = None
    signal_version: int | None = None
    signals: tuple[float | None, ...] | None = None
    propensity: float | None = None
    purchase: str | None = None
    attempt: int | None = None
    kind: PurchaseKind | None = None
    amount: int | None = None
    currency: str | None = None
    action: Action | None = None
    hold_ratio: float | None = None
    held: int | None = None
    p_fraud: float | None = None
    case: str | None = None
    shadow: tuple[ShadowFinding, ...] = ()


def record_of(  # noqa: PLR0913  a row's fields, all by name
    decision: Decision,
    *,
    time: float,
    method: str,
    path: str,
    cost: int,
    policy: str,
    plan: str | None = None,
    evidence: Evidence | None = None,
    ipv6_prefix: int = 64,
) -> Record:
    """The row of `decision`; addresses are written with the prefix that makes one caller."""
    record = Record(
        decision.id,
        time,
        decision.decision,
        decision.reason,
        decision.limit,
        writable(decision.subject) if decision.subject is not None else None,
        writable(method),
        writable(path.partition("?")[0]),
        cost,
        decision.remaining,
        decision.retry_after,
        policy,
        plan=writable(plan) if plan is not None else None,
        risk=decision.risk,
        propensity=None if decision.propensity is UNSET else decision.propensity,
    )
    if evidence is None:
        return record
    return replace(
        record,
        risk=evidence.risk if decision.risk is None else decision.risk,
        risk_subject=_written(evidence, ipv6_prefix),
        model=evidence.model,
        signal_version=VERSION_OF_SIGNALS,
        signals=tuple(None if np.isnan(value) else float(str(value)) for value in np.frombuffer(evidence.signals, "<f4")),
    )


def _written(evidence: Evidence, ipv6_prefix: int) -> str:
    value = evidence.value
    if isinstance(value, str):
        return f"{evidence.kind}:{writable(value)}"
    return f"{evidence.kind}:{format_address(value, None if len(value) == 4 else ipv6_prefix)}"


def writable(text: str) -> str:
    """Text that can be written as UTF-8: bytes of a client that are none stand there escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
