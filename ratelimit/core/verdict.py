"""Decides once more from a record: what the same policy and the same model say of what was known then.

What only the moment knew is taken from the record: how long the limit made wait, or that the store was away. All else is found again: that
the policy has that limit and the request meets it, what it ever holds, how risky the subject was by its signals, and what beats what.
"""

from math import isnan
from typing import Final

import numpy as np
from msgspec import Struct

from ratelimit.core.decision import Reason, Source, Verdict, decide
from ratelimit.core.limit import Limit
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import Scorer
from ratelimit.core.record import VERSION as VERSION_OF_RECORDS
from ratelimit.core.record import Record
from ratelimit.core.risk_rule import TWIN, Twin
from ratelimit.core.signals import KINDS, SIGNALS
from ratelimit.core.signals import VERSION as VERSION_OF_SIGNALS

SAME_RISK: Final = 1e-6  # records hold signals as float32


class Again(Struct, frozen=True):
    """What is decided now; `risk` None: not known, or not asked of a model."""

    decision: Verdict
    reason: Reason
    risk: float | None


def mismatches(record: Record, policy: Policy, scorer: Scorer | None) -> list[str]:
    """Why the record cannot be judged by these: each says what it was made with, and what was given."""
    if record.purchase is not None:
        return ["it is of a purchase, and only those of requests are decided again"]
    found = []
    if record.version != VERSION_OF_RECORDS:
        found.append(f"version {record.version} of records is not understood; expected {VERSION_OF_RECORDS}")
    if record.policy != policy.digest:
        found.append(f"it was decided under the policy {record.policy}, and {policy.source} is {policy.digest}; give the one of then")
    if record.signals is None:
        return found
    if record.signal_version != VERSION_OF_SIGNALS or len(record.signals) != len(SIGNALS):
        then = f"version {record.signal_version} with {len(record.signals)} values"
        found.append(f"its signals are of {then}; expected version {VERSION_OF_SIGNALS} with {len(SIGNALS)}")
    if record.model is not None and scorer is None:
        found.append(f"its risk is by the model {record.model}; give that model's folder")
    if record.model is not None and scorer is not None and record.model != scorer.version:
        found.append(f"its risk is by the model {record.model}, and the one given is {scorer.version}; give the one of then")
    return found


def again(record: Record, policy: Policy, scorer: Scorer | None) -> Again:
    """The decision, of a record that has no `mismatches`."""
    risk = record.risk if record.model is None or scorer is None else _risk(record, scorer)
    limit = _met(record, policy)
    refusal = _refusal(record, limit) if limit is not None else None
    findings: list[tuple[Source, Verdict]] = []
    if refusal == "risk_throttled" and policy.risk is not None and risk is not None and risk > policy.risk.throttle.above:
        findings.append(("risk", "throttle"))
    elif refusal is not None and refusal != "risk_throttled":
        findings.append(("limit", "throttle"))
    row = decide(findings)
    return Again(row.verdict, refusal if findings and refusal is not None else row.reason, risk)


def same(record: Record, now: Again) -> bool:
    """Whether verdict, reason and risk are those of then; a risk that was not known then is not held against it."""
    if (record.decision, record.reason) != (now.decision, now.reason):
        return False
    return record.risk is None or (now.risk is not None and abs(record.risk - now.risk) <= SAME_RISK)


def _risk(record: Record, scorer: Scorer) -> float | None:
    kind = next((kind for kind in KINDS if (record.risk_subject or "").startswith(f"{kind}:")), None)
    if kind is None or record.signals is None:
        return None
    row = np.array([[np.nan if value is None else value for value in record.signals]])
    risk = float(scorer.score(kind, row, [record.plan])[0])
    return None if isnan(risk) else risk


def _met(record: Record, policy: Policy) -> Limit | None:
    """The limit that refused, if the request meets it; that of a twin is met where the one beside it is."""
    name = record.limit or ""
    met = next((limit for limit in policy.match(record.method, record.path, record.plan) if limit.name == name.removeprefix(TWIN)), None)
    return met if met is None or not name.startswith(TWIN) else next((twin for twin in policy.twins if twin.name == name), None)


def _refusal(record: Record, limit: Limit) -> Reason | None:
    """Why the limit refuses; None where it does not."""
    if limit.mode == "shadow":
        return None
    if record.subject is None:
        return "cost_exceeds_capacity" if limit.missing == "deny" else None
    if record.reason == "store_unavailable":
        return "store_unavailable" if limit.on_store_failure == "deny" else None
    most = limit.bucket.capacity if limit.bucket is not None else limit.quota.amount if limit.quota is not None else 0
    if record.cost > most and not isinstance(limit, Twin):
        return "cost_exceeds_capacity"
    if not record.retry_after:
        return None
    if isinstance(limit, Twin):
        return "risk_throttled"
    return "rate_exceeded" if limit.quota is None else "quota_exhausted"
