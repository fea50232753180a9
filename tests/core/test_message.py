"""Messages of the ledger's stream."""

import msgspec
import pytest

from ratelimit.core.decision import ShadowFinding
from ratelimit.core.message import (
    Bought,
    Concluded,
    Counted,
    Decided,
    Entity,
    Flagged,
    Happened,
    Lived,
    Message,
    Replied,
    Tally,
    packed,
    packed_one,
    unpacked,
)

ANNA = Entity("account", "anna")
DECIDED = Decided(
    "1-2", 5.0, "throttle", "rate_exceeded", "key", "api_key:K", "K", "anna", "192.0.2.7", "GET", "/x", None, None, "free", 1, 1.0, 0, 0.5,
    "p", signals=b"\0\0\x80\x3f", shadow=(ShadowFinding("month", "quota_exhausted"),),
)  # fmt: skip
MESSAGES: list[Message] = [
    DECIDED,
    Bought("r", 5.0, "pi_1", 2, "purchase", (ANNA,), 500, "eur", 10, "allow", "accept", "ok", None, 0.0, 0, None, "p"),
    Concluded("pi_1", 2, "anna", (Happened("evt_1", "succeeded", 6.0, 7.0),)),
    Counted(10.0, "s1", (Tally("allow", "ok", 3),), 9.0),
    Flagged("c", ANNA, "rule", "rule:pi_1", ("many cards",), 5.0),
    Lived("e1", 5.0, "login", "anna"),
    Replied((("1-2", 200), ("1-3", 503))),
]


def test_round() -> None:
    """What was packed is read as it was."""
    assert unpacked(packed([packed_one(message) for message in MESSAGES])) == (MESSAGES, [])


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_later_fields(message: Message) -> None:
    """A message of a newer version, with more at its end, is read as far as it is known."""
    longer = msgspec.msgpack.encode([[*msgspec.msgpack.decode(msgspec.msgpack.encode(message)), "new"]])
    assert unpacked(longer) == ([message], [])


def test_broken() -> None:
    """What cannot be read is set aside and spoils no other."""
    good, broken = unpacked(msgspec.msgpack.encode([["sung", 1], MESSAGES[5], ["lived", "x"], 7]))
    assert good == [MESSAGES[5]]
    assert [one.why for one in broken[:2]] == ["Invalid value 'sung' - at `$[0]`", "Expected `array` of at least length 4, got 2"]
    assert len(broken) == 3
    assert unpacked(b"\xc1")[1][0].packed == b"\xc1"
