"""What is allowed in a policy and yet is probably not what its author means: warnings, a sentence each, with the path of the field."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from msgspec.structs import replace

from ratelimit.core.bucket import LIFE_US
from ratelimit.core.limit import Limit
from ratelimit.core.path import unescape
from ratelimit.core.policy_file import PolicyFile
from ratelimit.core.risk_rule import kind_of, twin_of
from ratelimit.core.rule import OF_REQUESTS
from ratelimit.core.signals import KINDS

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_NEVER: Final = re.compile(r"//|/\.{1,2}(/|$)|[;#\\]")  # what the plainest form of a path never holds
_SHARED: Final = frozenset({"ip", "network", "email_domain"})
_QUERY: Final = re.compile(r"\?[\w.*-]+=")


def policy_warnings(file: PolicyFile) -> tuple[str, ...]:
    """Everything in a sound policy that its author should look at again."""
    return (*_proxies(file), *_keys(file.limits), *_limits(file.limits), *_risk(file), *_rules(file))


def _proxies(file: PolicyFile) -> Iterator[str]:
    for index, cidr in enumerate(file.identity.trusted_proxies):
        if ip_network(cidr).prefixlen == 0:
            yield f"$.identity.trusted_proxies[{index}]: {cidr} is everyone, so callers choose their own address in X-Forwarded-For"


def _keys(limits: tuple[Limit, ...]) -> Iterator[str]:
    """Keys that nobody has verified are fresh buckets for whoever invents them, unless a limit by address stands beside."""
    for index, limit in enumerate(limits):
        if "api_key" in limit.per and not any(_stands_beside(other, limit) for other in limits):
            yield (
                f"$.limits[{index}]: {limit.name} is per api_key and no limit per ip or per subnet meets the same requests, "
                "so whoever invents keys gets a fresh bucket with each"
            )


def _stands_beside(backstop: Limit, limit: Limit) -> bool:
    by_address = bool(backstop.per) and set(backstop.per) <= {"ip", "subnet"}
    in_force = backstop.mode == "enforce" or limit.mode == "shadow"
    theirs, ours = backstop.match, limit.match
    pairs = ((theirs.method, ours.method), (theirs.path, ours.path), (theirs.plan, ours.plan))
    return by_address and in_force and all(not wide or (narrow and set(narrow) <= set(wide)) for wide, narrow in pairs)


def _limits(limits: tuple[Limit, ...]) -> Iterator[str]:
    seen: dict[Limit, str] = {}
    for index, limit in enumerate(limits):
        at = f"$.limits[{index}]"
        first = seen.setdefault(replace(limit, name="x"), limit.name)
        if first != limit.name:
            yield f"{at}: {limit.name} is the same as {first} but for its name, so it refuses nothing that {first} would not"
        if limit.bucket and limit.bucket.capacity * limit.bucket.refill.per < limit.bucket.refill.num * LIFE_US:
            yield (
                f"{at}.bucket.capacity: {limit.bucket.capacity} refills in less than {LIFE_US // 1000} ms, so little of it can be leased: "
                "it is exact, but costs more store calls"
            )
        yield from _match(at, limit)


def _match(at: str, limit: Limit) -> Iterator[str]:
    for index, method in enumerate(limit.match.method):
        if method.upper() not in _METHODS:
            yield f"{at}.match.method[{index}]: {method} is no common method, so {limit.name} may never apply"
    for index, glob in enumerate(limit.match.path):
        if _QUERY.search(glob):
            yield f"{at}.match.path[{index}]: {glob!r} looks for a query, but paths are compared without theirs; ? is any one character"
        elif _NEVER.search(unescape(glob)):
            yield f"{at}.match.path[{index}]: {glob!r} never matches, since paths are compared without //, /./, /../, ; # and \\"


def _risk(file: PolicyFile) -> Iterator[str]:
    """A risk slows nobody down whose kind no bucket counts by alone."""
    risk = file.risk.requests if file.risk is not None else None
    if risk is None:
        return
    for kind in KINDS:
        if not any(limit.bucket and kind_of(limit) == kind for limit in file.limits):
            yield f"$.risk.requests: no bucket limit is per {kind} alone, so the risk of an {kind} slows nobody down"
    for index, limit in enumerate(file.limits):
        if (twin := twin_of(limit, risk)) and twin.bucket and limit.bucket and twin.bucket.capacity > limit.bucket.capacity:
            yield (
                f"$.risk.requests.throttle.bucket.capacity: {twin.bucket.capacity} is more than limits[{index}] {limit.name} holds itself, "
                "so only its refill is slower"
            )


def _rules(file: PolicyFile) -> Iterator[str]:
    for index, rule in enumerate(file.rules):
        at = f"$.rules[{index}]"
        shared = [kind for kind in rule.of if kind in _SHARED]
        if rule.then == "block" and shared:
            yield f"{at}.of: {rule.name} blocks by {' and '.join(shared)}, which many honest people share; consider a throttle or a review"
        if rule.canary < 1 and rule.mode == "shadow":
            yield f"{at}.canary: {rule.name} is in shadow, so it is in force for nobody, whatever the share"
        if rule.on == "request" and rule.then == "throttle":
            kinds = rule.of or OF_REQUESTS
            if not any(limit.bucket and kind_of(limit) in kinds for limit in file.limits):
                yield f"{at}: no bucket limit is per {' or per '.join(kinds)} alone, so {rule.name} slows nobody down"
