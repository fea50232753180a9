"""A message to the site: what is in it, when it is tried again, and how it is signed (Standard Webhooks, standardwebhooks.com).

The receiver checks the signature over `id.timestamp.body`, refuses what is older than it wants to believe, and does nothing for an id that
it has seen: a message comes at least once. `now` and `at` are seconds since the epoch.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from standardwebhooks import Webhook

from ratelimit.core.call import Call

QUEUE: Final = "rl1:{webhook}"  # the name of the queue in the store; the tag keeps its keys on one node

KEPT_S: Final = 86_400.0  # how long it is tried
FIRST_RETRY_S: Final = 5.0
RETRY_GROWS: Final = 3.0
LONGEST_RETRY_S: Final = 6 * 3_600.0
JITTER: Final = 0.25  # of the wait, more or less
KNOWN_S: Final = 120 * 86_400.0  # how long an id is known; holds do not last as long
MOST_DEAD: Final = 1_000  # messages nobody took that are kept
MOST_ERROR: Final = 200  # characters


class Message(Struct, frozen=True, array_like=True):
    """One message. `body` is JSON; `tries` failed so far, the last one by `error`."""

    id: str
    type: str
    at: float
    body: str
    tries: int = 0
    error: str = ""


def message_of(type_: str, at: float, said: Mapping[str, Any], *distinct: str | float) -> Message:
    """A message with an id of its own: the same one for what is told again, of which `distinct` tells what it is."""
    digest = blake2b(msgspec.msgpack.encode((type_, *distinct)), digest_size=16, person=b"rl webhook").hexdigest()
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Message(f"msg_{digest}", type_, at, _json({"type": type_, "timestamp": when, "data": said}))


def headers_of(message: Message, secrets: Sequence[str], now: float) -> dict[str, str]:
    """What is sent along; a signature by each secret, so that the receiver may go from one to the next."""
    when = datetime.fromtimestamp(int(now), UTC)
    signatures = [Webhook(secret).sign(message.id, when, message.body) for secret in secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": " ".join(signatures),
    }


def failed(message: Message, error: str) -> Message:
    """The message after one more try."""
    return replace(message, tries=message.tries + 1, error=error[:MOST_ERROR])


def next_try(message: Message, now: float, chance: float) -> float | None:
    """When to try a message that failed again, `chance` is 0..1; None: not any more."""
    wait = min(LONGEST_RETRY_S, FIRST_RETRY_S * RETRY_GROWS ** max(0, message.tries - 1))
    due = now + wait * (1 + JITTER * (2 * chance - 1))
    return due if due <= message.at + KEPT_S else None


def _json(said: Any) -> str:
    return msgspec.json.encode(said).decode()


def call(what: str, *arguments: str | float) -> Call:
    """The call of `webhook.lua` that does so."""
    return Call("webhook", QUEUE, msgspec.msgpack.encode((what, *arguments)))


def encode(message: Message) -> str:
    """As the queue keeps it."""
    return _json(message)


decode: Final = msgspec.json.Decoder(Message).decode
