"""Something milder than a deed that would do nearly as much. Pure; the first row that applies is proposed.

| deed | where | milder |
|---|---|---|
| block a key | some of its requests come from usual addresses | a new key for the customer, and this one blocked |
| block an account | nearly all of its requests use one of several keys | block only that key |
| block an address | others of good standing use it | throttle it |
| block | some of its requests come from usual addresses | throttle it |
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ratelimit.core.deed import DeedThen
from ratelimit.core.estimate import Estimate
from ratelimit.review.deed import Softer

_NEARLY_ALL: Final = 0.9


class Impact(Struct, frozen=True, kw_only=True):
    """What a deed on a subject of some kind would have done. `usual` of the refused came from addresses it used before."""

    then: DeedThen
    kind: str
    all: Estimate
    refused: Estimate
    already: int
    usual: Estimate
    by_key: Mapping[int, float]
    good: int


def softer(found: Impact) -> Softer | None:
    """The milder choice; None: there is none."""
    if found.then != "block":
        return None
    keeps = found.usual.value
    if found.kind == "api_key" and keeps:
        text = f"a new key for the customer and this one blocked keeps their {keeps:,.0f} requests"
        return Softer(then="rotate_key", target=None, keeps=keeps, text=text)
    if found.kind == "account" and len(found.by_key) > 1:
        key = max(found.by_key, key=lambda one: found.by_key[one])
        rest = sum(found.by_key.values()) - found.by_key[key]
        if rest <= (1 - _NEARLY_ALL) * sum(found.by_key.values()):
            text = f"only the key that nearly all came by; the others keep {rest:,.0f} requests"
            return Softer(then="block", target=str(key), keeps=rest, text=text)
    if found.kind == "ip" and found.good:
        others = "another account" if found.good == 1 else f"{found.good} other accounts"
        return Softer(then="throttle", target=None, keeps=keeps, text=f"slow it down; {others} of good standing use it")
    if keeps:
        text = f"slow it down; {keeps:,.0f} requests came from addresses that it had used before"
        return Softer(then="throttle", target=None, keeps=keeps, text=text)
    return None
