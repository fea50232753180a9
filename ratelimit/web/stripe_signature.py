"""Whether an event is Stripe's: its signature over the raw bytes, by the `stripe` package, and its time, which that checks one way only.

Several secrets hold while one is exchanged for another; the header may carry several signatures for the same reason.
"""

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, Final

TOLERANCE_S: Final = 300  # between the time in the signature and ours, both ways
_MOST_DIGITS: Final = 12


class SignatureError(Exception):
    """The event is not to be believed; says why."""


Verify = Callable[[bytes, str | None, float], None]  # body, header, now in seconds since the epoch; raises SignatureError


def verifier(secrets: Iterable[str]) -> Verify:
    """The check for these secrets. The package is loaded here, since it takes a tenth of the time that a start has, and few need it."""
    stripe: Any = import_module("stripe")
    known = tuple(secrets)

    def matches(body: bytes, header: str, secret: str) -> bool:
        try:
            return bool(stripe.WebhookSignature.verify_header(body, header, secret))
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            return False

    def verify(body: bytes, header: str | None, now_s: float) -> None:
        if not header:
            raise SignatureError("Stripe-Signature is missing; Stripe sends it with every event")
        if abs(now_s - _time(header)) > TOLERANCE_S:
            raise SignatureError(f"the time of Stripe-Signature is over {TOLERANCE_S} s from ours; see that this machine's clock is right")
        if not any(matches(body, header, secret) for secret in known):
            raise SignatureError(
                "Stripe-Signature is of none of RATELIMIT_STRIPE_SECRETS; expected the signing secret of this very endpoint, "
                "and a body that nothing on the way has changed"
            )

    return verify


def _time(header: str) -> int:
    """The one time that it has: of two, or of one that is written in an odd way, the package might read another than we."""
    times = [value for name, _, value in (part.partition("=") for part in header.split(",")) if name.strip() == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= _MOST_DIGITS):
        raise SignatureError("Stripe-Signature has no time, or several; expected t=SECONDS,v1=SIGNATURE")
    return int(times[0])
