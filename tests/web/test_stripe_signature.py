"""Whom we take for Stripe: the right secret, the raw bytes, and a time that is ours."""

import pytest
from stripe import WebhookSignature

from ratelimit.web.stripe_signature import SignatureError, verifier

OLD, NEW = "whsec_that-was-until-today", "whsec_that-is-from-today"
BODY, NOW = b'{"id": "evt_1", "name": "\xc3\xa9"}', 1_790_000_000
VERIFY = verifier([NEW, OLD])


def signed(secret: str = NEW, at: int = NOW, body: bytes = BODY) -> str:
    return str(WebhookSignature.generate_signature_header(body.decode(), secret, at))


def value(secret: str = NEW, at: int = NOW) -> str:
    """The signature alone."""
    return signed(secret, at).partition("v1=")[2]


@pytest.mark.parametrize(
    "header",
    [
        signed(),
        signed(OLD),
        signed(at=NOW - 300),
        signed(at=NOW + 300),
        f"t={NOW},v1={'0' * 64},v1={value()}",
        f"t={NOW},v0={'0' * 64},v1={value()}",
        f"v1={value()},t={NOW}",
    ],
)
def test_believed(header: str) -> None:
    """Either secret, one of several signatures, and five minutes both ways."""
    VERIFY(BODY, header, float(NOW))


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (None, "missing"),
        ("", "missing"),
        ("v1=00", "no time"),
        (f"t={NOW}", "none of RATELIMIT_STRIPE_SECRETS"),
        (f"t={NOW},v1=", "none of"),
        (f"t={NOW},v0={value()}", "none of"),
        (signed("whsec_of-somebody-else"), "none of"),
        (signed(body=b"{}"), "none of"),
        (signed(at=NOW - 301), "over 300 s from ours"),
        (signed(at=NOW + 301), "over 300 s from ours"),
        (f"t={NOW},v1={value(at=NOW - 1)}", "none of"),
        (f"t={NOW - 9_999},t={NOW},v1={value(at=NOW - 9_999)}", "or several"),
        (f"t={str(NOW - 9_999)[0]}_{str(NOW - 9_999)[1:]},t={NOW},v1={value(at=NOW - 9_999)}", "or several"),
        (f"t= {NOW},v1={value()}", "no time"),
        (f"t={NOW}=1,v1={value()}", "no time"),
        ("t=,v1=00", "no time"),
        ("t=\u0661,v1=00", "no time"),
        ("é" * 9_000, "no time"),
    ],
)
def test_not_believed(header: str | None, says: str) -> None:
    """Everything else, above all an old event that is sent again under another time."""
    with pytest.raises(SignatureError, match=says):
        VERIFY(BODY, header, float(NOW))


def test_bytes_that_are_no_text() -> None:
    """A body that is not UTF-8 is not Stripe's."""
    with pytest.raises(SignatureError):
        VERIFY(b"\xff", signed(), float(NOW))
