"""How subjects are named on pages: short where the value is a digest, masked where whoever looks may not see it whole."""

from typing import Final

from ratelimit.core import masked
from ratelimit.core.principal import Role
from ratelimit.ledger.cases import SubjectRef

ERASED: Final = masked.ERASED
KINDS: Final = {
    "api_key": "key",
    "ip": "address",
    "account": "account",
    "network": "network",
    "card": "card",
    "device": "device",
    "email": "email",
    "email_domain": "email domain",
    "agent": "user agent",
}


def name_of(kind: str, shown: str | None, role: Role = "viewer") -> str:
    """The name for somebody of that role. It is hostile text still: nothing is escaped here."""
    return masked.name_of(kind, shown, role)


def named(subject: SubjectRef, role: Role = "viewer") -> str:
    """The name of a subject."""
    return name_of(subject.kind, subject.shown, role)
