"""What each bucket of a policy admitted in a load test, next to what it may: the outside view of "never more than the limit"."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from bench.traffic.ledger import Admitted, Rate, overdraft
from bench.traffic.logbook import Entry
from ratelimit.core.address import caller_prefix, parse_address
from ratelimit.core.identity import Caller
from ratelimit.core.policy import Policy
from ratelimit.core.subject import Value, describe, subject_of

CLOCKS_US = 3  # how well the sidecar's clock and ours can be compared on one machine; a window is longer by so much


class Bucket(NamedTuple):
    """One subject of one limit, in tokens: admitted in all, what it might have had meanwhile, and how far the worst window went over."""

    limit: str
    subject: str
    admitted: int
    might: float
    over: float


def buckets(entries: Iterable[Entry], policy: Policy, clock_moved_us: int = 0) -> list[Bucket]:
    """Every bucket that admitted something, as `policy` describes it. Quotas and limits in shadow are not judged.

    `clock_moved_us`: by how much the machine's wall clock, by which a store counts, was set during the test.
    """
    limits = {limit.name: (limit, subject_of(limit)) for limit in policy.limits if limit.bucket and limit.mode == "enforce"}
    found: dict[tuple[str, Value], list[Admitted]] = defaultdict(list)
    for entry in entries:
        if entry.decision != "allow":
            continue
        caller = _caller(entry, policy.identity.ipv6_prefix)
        admitted = Admitted(entry.sent, entry.received + CLOCKS_US + abs(clock_moved_us), entry.cost)
        for limit in policy.match(entry.method, entry.path, None):
            if limit.name in limits and (value := limits[limit.name][1](caller)) is not None:
                found[limit.name, value].append(admitted)
    judged = []
    for (name, value), lines in found.items():
        limit, _ = limits[name]
        rule = limit.bucket
        assert rule is not None
        rate = Rate(rule.capacity, *rule.refill)
        length_us = max(line.received for line in lines) - min(line.sent for line in lines)
        subject = describe(limit, value, policy.identity.ipv6_prefix)
        judged.append(Bucket(name, subject, sum(line.cost for line in lines), rate.over(length_us), overdraft(lines, rate)))
    return judged


def _caller(entry: Entry, ipv6_prefix: int) -> Caller:
    """The caller as the sidecar sees it, but for the digest in place of the key."""
    packed = parse_address(entry.ip)
    assert packed is not None, f"{entry.ip} is no address"
    return Caller(entry.api_key, caller_prefix(packed, ipv6_prefix))
