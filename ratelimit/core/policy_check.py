"""What fields of a policy must be together, beyond the shape of each: the checks that `policy_shape` runs on every struct.

A check sees the fields that could be read, and all as they were written, so one wrong field does not hide what is wrong with another. It
yields the path below its struct and the problem.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv6Network, ip_network
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct

from ratelimit.core.bucket import HORIZON_US
from ratelimit.core.expectation import meant, shown
from ratelimit.core.hold_share import NAME as HOLD
from ratelimit.core.identity import Identity, Place
from ratelimit.core.limit import BucketRule, Limit, Match, QuotaRule
from ratelimit.core.list_check import list_problems
from ratelimit.core.list_rule import ListRule
from ratelimit.core.policy_shape import Check, Data, Given
from ratelimit.core.retention import Retention
from ratelimit.core.retention import problems as retention_problems
from ratelimit.core.risk_rule import (
    LEAST_RATIO,
    LONGEST_LAPSE,
    MOST_HOLD,
    PurchaseThrottle,
    RiskBucket,
    RiskRules,
    twin_of,
)
from ratelimit.core.rule import Rule
from ratelimit.core.rule_field import rule_problems

DEADLINE_US: Final = 10_000  # of a decision; a debt may grow by what refills in it
EXACT: Final = 2**52  # a debt must stay below, to be exact in Lua's doubles with room for sums

Problems = Iterator[tuple[str, str]]

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")  # of HTTP: methods, header names
_STARTS: Final = {"day": 1, "week": 7, "month": 31, "year": 1}  # the last day that a period may start on


def exact_capacity(rule: BucketRule) -> int:
    """The most tokens that a bucket with this refill can hold and still be counted exactly."""
    num, per = rule.refill
    return (EXACT - 1 - num * (HORIZON_US + DEADLINE_US)) // per


def _bucket(given: Given, _data: Data) -> Problems:
    if len(given) == 2:
        rule = BucketRule(**given)
        most = exact_capacity(rule)
        if rule.capacity > most:
            advice = f"a capacity <= {most}" if most > 0 else "fewer tokens per time, or a rounder number"
            yield "", f"capacity {rule.capacity} at a refill of {rule.refill} is too much to be counted exactly; expected {advice}"


def _quota(given: Given, _data: Data) -> Problems:
    if (name := given.get("timezone")) is not None and not _is_timezone(name):
        near = meant(name, available_timezones())
        yield ".timezone", f"{shown(name)} is not a time zone; expected a name such as 'Europe/Berlin' or 'UTC'{near}"
    every, start = given.get("every"), given.get("starts_on", 1)
    if every and start > _STARTS[every]:
        last = _STARTS[every]
        advice = f"an integer from 1 to {last}" if last > 1 else "none, or 1"
        yield ".starts_on", f"{start} is not allowed where every is {every}; expected {advice}"


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # unknown; a path; a folder of zones such as 'Europe'
        return False
    return True


def _match(given: Given, _data: Data) -> Problems:
    for index, method in enumerate(given.get("method", ())):
        if not _TOKEN.fullmatch(method):
            yield f".method[{index}]", f"{shown(method)} is not an HTTP method; expected a name such as GET or POST"
    for index, glob in enumerate(given.get("path", ())):
        if not glob.startswith(("/", "*")):
            yield f".path[{index}]", f"{shown(glob)} can match no path; expected a glob that begins with / or *, such as '/v1/generate*'"
    for index, plan in enumerate(given.get("plan", ())):
        if not plan:
            yield f".plan[{index}]", "'' is not allowed; expected the name of a plan"


def _limit(given: Given, data: Data) -> Problems:
    amounts = {name for name in ("bucket", "quota", "concurrency") if data.get(name) is not None}
    if given.get("name") == HOLD:
        yield ".name", f"'{HOLD}' is what refusals of accounts with holds name; expected another name"
    if not amounts:
        yield "", "has neither bucket nor quota; expected one of them"
    if {"bucket", "quota"} <= amounts:
        yield "", "has both bucket and quota; expected one of them, and a limit of its own for the other"
    per = given.get("per", ())
    for index, kind in enumerate(per):
        if kind in per[:index]:
            yield f".per[{index}]", f"{kind} is there twice; expected each kind once"
    if per and "subnet" in data and "subnet" not in per:
        yield ".subnet", f"means nothing to a limit per {', '.join(per)}; expected subnet in per, or no subnet here"


def _place(given: Given, data: Data) -> Problems:
    header = given.get("header")
    if header is not None and not _TOKEN.fullmatch(header):
        yield ".header", f"{shown(header)} is not the name of a header; expected one such as X-Api-Key"
    if "header" in data and given.get("bearer"):
        yield "", "has both header and bearer; expected one of them, and an item of its own for the other"
    if data.get("header") is None and not data.get("bearer"):
        yield "", "names no place; expected {header: NAME} or {bearer: true}"


def _identity(given: Given, _data: Data) -> Problems:
    for index, cidr in enumerate(given.get("trusted_proxies", ())):
        if problem := _network_problem(cidr):
            yield f".trusted_proxies[{index}]", f"{shown(cidr)} {problem}"


def _network_problem(cidr: str) -> str | None:
    try:
        network = ip_network(cidr, strict=False)
    except ValueError:
        return "is not a network; expected a CIDR such as 10.0.0.0/8 or fd00::/8"
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        return "is IPv4 written as IPv6, which is taken for IPv4; expected a CIDR such as 10.0.0.0/8"
    try:
        ip_network(cidr)
    except ValueError:
        return f"has bits behind its prefix; expected {network}"
    return None


def _risk_bucket(given: Given, _data: Data) -> Problems:
    ratio = given.get("refill_ratio", LEAST_RATIO)
    if ratio < LEAST_RATIO and given.get("below_a_quarter") is None:
        yield (
            ".refill_ratio",
            (
                f"{ratio:g} leaves less than a quarter of a limit's refill; expected a number >= {LEAST_RATIO:g}, "
                "or `below_a_quarter: allowed` beside it"
            ),
        )


def _purchase_throttle(given: Given, _data: Data) -> Problems:
    if given.get("beyond") is not None:
        return
    hold, lapse = given.get("hold", MOST_HOLD), given.get("lapse", LONGEST_LAPSE)
    advice = "or `beyond: allowed` beside it"
    if hold > MOST_HOLD:
        yield ".hold", f"{hold:g} is more than the model alone may hold of a purchase; expected a number <= {MOST_HOLD:g}, {advice}"
    if lapse > LONGEST_LAPSE:
        hours = LONGEST_LAPSE.seconds / 3_600
        yield ".lapse", f"{lapse.seconds / 3_600:g}h is longer than the model alone may hold tokens; expected at most {hours:g}h, {advice}"


def _twins(given: Given) -> Problems:
    risk: RiskRules | None = given.get("risk")
    if risk is None or risk.requests is None:
        return
    for limit in given.get("limits", ()):
        twin = twin_of(limit, risk.requests)
        if twin is not None and twin.bucket is not None and twin.bucket.capacity > (most := exact_capacity(twin.bucket)):
            advice = f"a capacity <= {most}" if most > 0 else "a rounder refill_ratio"
            yield (
                ".risk.requests.throttle.bucket",
                f"capacity {twin.bucket.capacity} beside {limit.name}, refilled {twin.bucket.refill}, is too much to be counted exactly; "
                f"expected {advice}",
            )


def _policy(given: Given, data: Data) -> Problems:
    yield from _twins(given)
    for part in ("limits", "rules", "lists"):
        yield from _names(part, data.get(part))


def _names(part: str, items: object) -> Problems:
    # from the names as written, so that an item with another problem counts as well
    seen: dict[str, int] = {}
    for index, item in enumerate(items if isinstance(items, list) else []):
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str) and (first := seen.setdefault(name, index)) != index:
            yield f".{part}[{index}].name", f"{shown(name)} is also the name of {part}[{first}]; expected each name once"


def checks_with(policy_file: type[Struct]) -> Mapping[type[Struct], Check]:
    """Every check by the struct that it is about."""
    return {
        policy_file: _policy,
        Identity: _identity,
        Retention: retention_problems,
        Place: _place,
        Limit: _limit,
        BucketRule: _bucket,
        QuotaRule: _quota,
        Match: _match,
        RiskBucket: _risk_bucket,
        PurchaseThrottle: _purchase_throttle,
        Rule: rule_problems,
        ListRule: list_problems,
    }
