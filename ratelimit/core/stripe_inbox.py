"""The calls of the inbox, which `inbox.lua` answers: facts that were told and are not worked on yet, those that wait, and dead ones. Pure.

Times are seconds since the epoch.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from ratelimit.core.call import Call
from ratelimit.core.purchase_entry import KEPT_S, Fact
from ratelimit.core.store_key import STRIPE
from ratelimit.core.stripe_event import Heard

PARKED_S: Final = 30 * 86_400  # longest that a fact waits for its purchase
MOST_IN: Final = 200_000  # beyond that an event is refused, and Stripe tells it again later
MOST_SEEN: Final = 1_000_000  # events and twins, some 120 bytes each; one that was let go and comes again changes nothing
MOST_PARKED: Final = 50_000
MOST_DEAD: Final = 10_000
MOST_LISTED: Final = 200
_LOOK_S: Final = (10.0, 6 * 3_600.0)  # first and longest time after which what is parked is looked at again

STORED, REPEATED, TWIN, FULL = 1, 0, 2, -1


class Taken(NamedTuple):
    """A fact to work on. `times` it was taken, this one included; `looks`: how often its purchase was looked for in vain."""

    entry: bytes
    event: str
    packed: bytes
    times: int
    looks: int


class Kept(Struct, frozen=True, array_like=True):
    """A record of what is parked or dead."""

    event: str
    fact: str
    why: int | str  # how often it was looked at, or what went wrong
    at: float
    links: list[str] | dict[str, str]  # an empty table of Lua is either


class State(NamedTuple):
    """How many facts are where, and since when the oldest of the inbox is there."""

    inbox: int
    since: float
    parked: int
    dead: int


def links_of(fact: Fact) -> list[str]:
    """The ids of Stripe's by which other facts know the same purchase."""
    return sorted({str(fact.said[name]) for name in ("intent", "charge") if name in fact.said})


def putting(heard: Heard, now_s: float) -> Call:
    """The call that stores a fact, unless it is here; the answer is STORED, REPEATED, TWIN or FULL."""
    fact = heard.fact
    return _call("put", now_s, fact.event, heard.twin, packed(fact), PARKED_S, MOST_SEEN, MOST_IN)


def taking(consumer: str, idle_ms: int, count: int) -> Call:
    """The call that takes facts to work on; the answer is for `taken`."""
    return _call("take", consumer, idle_ms, count)


def taken(answer: Sequence[Any]) -> list[Taken]:
    """What was taken."""
    return [Taken(entry, event.decode(), fact, int(times), int(looks)) for entry, event, fact, times, looks in answer]


def settling(entry: bytes, purchase: str, fact: Fact) -> Call:
    """The call that ends with a fact, whose ids are from now on known to be of this purchase."""
    return _call("done", entry, purchase, KEPT_S, *links_of(fact))


def linking(links: Sequence[str]) -> Call:
    """The call that asks which purchase each of these ids is of; the answers are bytes, empty where it is not known."""
    return _call("links", *links)


def parking(one: Taken, fact: Fact, links: Sequence[str], now_s: float) -> Call:
    """The call that lets a fact wait for one of these ids to be linked to a purchase; the answer is 0 if one of them was just now."""
    first, longest = _LOOK_S
    look_at = now_s + min(longest, first * 2.0 ** min(one.looks, 20))
    return _call("park", one.entry, one.event, one.packed, one.looks + 1, fact.known_at, look_at, MOST_PARKED, *links)


def looking(now_s: float) -> Call:
    """The call that takes up what has waited long enough; the answer is how many came in, and how many were dropped."""
    return _call("look", now_s, PARKED_S, MOST_LISTED)


def burying(one: Taken, why: str, now_s: float) -> Call:
    """The call that puts a fact aside with which something is wrong."""
    return _call("dead", one.entry, one.event, one.packed, why, now_s, MOST_DEAD)


def retrying(event: str, now_s: float) -> Call:
    """The call that puts a dead fact into the inbox again; the answer is 0 if there is none of that event."""
    return _call("retry", event, now_s)


def dropping(event: str) -> Call:
    """The call that gives a dead fact up; the answer is 0 if there is none of that event."""
    return _call("drop", event)


def listing(shelf: str) -> Call:
    """The call that lists what is `parked` or `dead`; the answers are for `kept`."""
    return _call("list", shelf, MOST_LISTED)


def kept(record: bytes) -> Kept:
    """A record of such a list."""
    found: Kept = _decode_kept(record)
    return found


def asking_state(now_s: float) -> Call:
    """The call that counts; the answer is for `state`."""
    return _call("state", now_s)


def state(answer: Sequence[Any]) -> State:
    """How many are where."""
    in_it, since, parked, dead = answer
    return State(in_it, float(since), parked, dead)


def packed(fact: Fact) -> bytes:
    """A fact as the inbox has it, in JSON."""
    return msgspec.json.encode(fact)


def fact_of(packed: bytes | str) -> Fact:
    """A fact as it was packed; raises msgspec.DecodeError."""
    found: Fact = _decode_fact(packed)
    return found


def _call(*parts: object) -> Call:
    texts = [part.decode() if isinstance(part, bytes) else part for part in parts]  # Lua's packer knows no bytes
    return Call("inbox", STRIPE, msgspec.msgpack.encode(texts))


_decode_fact: Any = msgspec.json.Decoder(Fact).decode
_decode_kept: Any = msgspec.msgpack.Decoder(Kept).decode
