"""Messages to the site: the same event has the same id, signatures are those of the specification, and tries come to an end."""

import time
from base64 import b64encode
from hashlib import sha256
from hmac import new as hmac_of

import msgspec
import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook

from ratelimit.core.webhook import KEPT_S, LONGEST_RETRY_S, MOST_ERROR, Message, decode, encode, failed, headers_of, message_of, next_try

OLD, NEW = "whsec_" + b64encode(bytes(24)).decode(), "whsec_" + b64encode(bytes(range(32))).decode()
AT = 1_795_545_600.25


def message(**said: object) -> Message:
    return message_of("hold.changed", AT, {"purchase": "p1", **said}, "p1", "held")


def test_id_says_what_it_is_about() -> None:
    """The same event has the same id whenever and however it is told; another one has another."""
    again = message_of("hold.changed", AT + 9, {"purchase": "p1", "state": "held"}, "p1", "held")
    assert message().id == again.id != message_of("hold.changed", AT, {}, "p1", "released").id
    assert len({message_of("hold.changed", AT, {}, *parts).id for parts in (("a", "bc"), ("ab", "c"), ("abc",))}) == 3


def test_body() -> None:
    """The body says what it is, when, and what was changed."""
    said = {"type": "hold.changed", "timestamp": "2026-11-24T18:40:00.250Z", "data": {"purchase": "p1", "state": "held"}}
    assert msgspec.json.decode(message(state="held").body) == said


def test_signature_is_that_of_the_specification() -> None:
    """HMAC-SHA256 over id, time and body, in base64 behind its version; one for each secret."""
    headers = headers_of(message(), [NEW, OLD], AT)
    signed = f"{message().id}.1795545600.{message().body}".encode()
    by_hand = [b64encode(hmac_of(secret, signed, sha256).digest()).decode() for secret in (bytes(range(32)), bytes(24))]
    assert headers["webhook-signature"] == f"v1,{by_hand[0]} v1,{by_hand[1]}"
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (message().id, "1795545600")


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_rotation(secret: str) -> None:
    """While two secrets are in force, a receiver that knows either believes us."""
    headers = headers_of(message(), [NEW, OLD], time.time())
    assert Webhook(secret).verify(message().body, headers)["data"] == {"purchase": "p1"}


def test_tries_come_ever_more_seldom_and_end_after_a_day() -> None:
    """Waits grow to hours, none of them by more than the jitter either way; what is a day old is not tried again."""
    tried, now, waits = failed(message(), "x" * 999), AT, []
    assert len(tried.error) == MOST_ERROR
    while (due := next_try(tried, now, 0.5)) is not None:
        waits.append(due - now)
        tried, now = failed(tried, "still away"), due
    assert waits[:4] == [5, 15, 45, 135]
    assert waits == sorted(waits)
    assert max(waits) <= LONGEST_RETRY_S
    assert AT + KEPT_S - LONGEST_RETRY_S <= now <= AT + KEPT_S
    once = replace(message(), tries=2)
    assert [next_try(once, AT, chance) for chance in (0, 1)] == [AT + 15 * 0.75, AT + 15 * 1.25]


def test_round_trip() -> None:
    """A message comes out of the queue as it went in."""
    tried = failed(message(state="held"), "answered 500")
    assert decode(encode(tried)) == tried
