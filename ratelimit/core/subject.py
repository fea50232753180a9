"""Subjects: which of a caller's properties a limit counts by, and how a subject is written for people.

A value is a text (the digest of an API key, an account) or a packed address; a limit `per` several kinds counts by the tuple of their
values, in the order of `per`. A caller that lacks one of them is no subject of that limit.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import assert_never

from ratelimit.core.address import format_address, mask
from ratelimit.core.identity import Caller
from ratelimit.core.limit import Limit, SubjectKind, SubnetRule

Single = str | bytes
Value = Single | tuple[Single, ...]
SubjectOf = Callable[[Caller], Value | None]


def subject_of(limit: Limit) -> SubjectOf:
    """A function, made once per limit, that gives the value a caller is counted by; None if the caller lacks it."""
    singles = tuple(_single(kind, limit.subnet) for kind in limit.per)
    if len(singles) == 1:
        return singles[0]

    def composite(caller: Caller) -> tuple[Single, ...] | None:
        values = []
        for single in singles:
            value = single(caller)
            if value is None:
                return None
            values.append(value)
        return tuple(values)

    return composite


def _single(kind: SubjectKind, subnet: SubnetRule) -> Callable[[Caller], Single | None]:
    if kind != "subnet":
        return attrgetter(kind)

    def neighbourhood(caller: Caller) -> bytes | None:
        return None if caller.ip is None else subnet_of(caller.ip, subnet)

    return neighbourhood


def subnet_of(packed: bytes, rule: SubnetRule) -> bytes:
    """The first address of the neighbourhood that `packed` lies in."""
    return mask(packed, rule.v4 if len(packed) == 4 else rule.v6)


def lacking(limit: Limit, caller: Caller) -> SubjectKind | None:
    """The first kind of `limit.per` that `caller` has no value for, if any."""
    return next((kind for kind in limit.per if getattr(caller, "ip" if kind == "subnet" else kind) is None), None)


def describe(limit: Limit, value: Value, ipv6_prefix: int) -> str:
    """A subject of `limit` for people: `ip:203.0.113.7`, `ip:2001:db8::/64`, `subnet:203.0.113.0/24`, `account:42`; composites with `+`."""
    values = value if isinstance(value, tuple) else (value,)
    return "+".join(_written(kind, single, limit.subnet, ipv6_prefix) for kind, single in zip(limit.per, values, strict=True))


def _written(kind: SubjectKind, value: Single, subnet: SubnetRule, ipv6_prefix: int) -> str:
    if isinstance(value, str):
        return f"{kind}:{value}"
    match kind:
        case "ip":
            return f"ip:{format_address(value, None if len(value) == 4 else ipv6_prefix)}"
        case "subnet":
            return f"subnet:{format_address(value, subnet.v4 if len(value) == 4 else subnet.v6)}"
        case "api_key" | "account":
            raise TypeError(f"an address is no {kind}")
        case _:
            assert_never(kind)
