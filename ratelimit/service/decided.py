"""Makes the ledger's messages of decisions on requests; it is done when they are sent, which is after the caller has the answer."""

from typing import Final
from urllib.parse import urlsplit

from msgspec import UNSET

from ratelimit.core.address import format_address
from ratelimit.core.message import Decided
from ratelimit.core.record import record_of, writable
from ratelimit.core.signals import VERSION as VERSION_OF_SIGNALS
from ratelimit.service.recent import Row, evidence_of

_LONGEST_HOST: Final = 255


def decided_of(row: Row, weight: float = 1.0) -> Decided:
    """The message of a row, which stands for `weight` decisions."""
    ns, method, path, cost, caller, agent, referrer, policy, known, ipv6_prefix, decision = row
    evidence = evidence_of(*known) if known is not None else None
    address = caller.ip
    record = record_of(
        decision, time=ns / 1e9, method=method, path=path, cost=cost, policy=policy, plan=caller.plan, ipv6_prefix=ipv6_prefix
    )
    return Decided(
        record.id,
        record.time,
        record.decision,
        record.reason,
        record.limit,
        record.subject,
        caller.api_key,
        writable(caller.account) if caller.account is not None else None,
        format_address(address, None if len(address) == 4 else ipv6_prefix) if address is not None else None,
        record.method,
        record.path,
        writable(agent) if agent is not None else None,
        host_of(referrer),
        record.plan,
        cost,
        weight,
        record.remaining,
        record.retry_after,
        policy,
        decision.risk if evidence is None or decision.risk is not None else evidence.risk,
        None if evidence is None else f"{evidence.kind}:{_value(evidence.value, ipv6_prefix)}",
        None if evidence is None else evidence.model,
        None if evidence is None else VERSION_OF_SIGNALS,
        None if evidence is None else evidence.signals,
        None if decision.propensity is UNSET else decision.propensity,
        decision.shadow,
    )


def host_of(referrer: str | None) -> str | None:
    """All that is kept of a referrer; None where it has no host."""
    try:
        host = urlsplit(referrer or "").hostname
    except ValueError:  # a bracket that is not closed
        return None
    return writable(host[:_LONGEST_HOST]) if host else None


def _value(value: str | bytes, ipv6_prefix: int) -> str:
    return writable(value) if isinstance(value, str) else format_address(value, None if len(value) == 4 else ipv6_prefix)
