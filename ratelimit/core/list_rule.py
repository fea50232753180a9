"""A list of the policy: subjects and entities that are always allowed, always blocked, or for which a signal is true."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from ratelimit.core.limit import LimitName, Mode
from ratelimit.core.standing import Scope


class ListRule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Inline or from a `file` of one item a line, from the policy's own folder. Exactly one of `then` and `signal` is set.

    An item is an address, a network, or a kind and a value such as `account:42`, `card:fp_1`, `email_domain:example.com`.
    """

    name: LimitName
    reason: Annotated[str, Meta(max_length=200)] = ""
    subjects: tuple[str, ...] = ()
    file: Annotated[str, Meta(min_length=1)] | None = None
    then: Literal["allow", "block"] | None = None
    signal: Literal["hosting", "vpn"] | None = None
    until: str | None = None  # a date or a time, RFC 3339
    scope: Scope = "both"
    mode: Mode = "enforce"
