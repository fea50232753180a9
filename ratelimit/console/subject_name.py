"""How subjects are named on pages: short where the value is a digest, masked where whoever looks may not see it whole."""

from typing import Final

from ratelimit.console.wording import masked_email
from ratelimit.core.principal import Role
from ratelimit.ledger.cases import SubjectRef

ERASED: Final = "erased"
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
_SHORT: Final = 6  # characters of a digest by which people tell keys apart
_SEEN: Final = 5  # of an account's name, by a viewer
_HIDDEN: Final = "•••"


def name_of(kind: str, shown: str | None, role: Role = "viewer") -> str:
    """The name for somebody of that role. It is hostile text still: nothing is escaped here."""
    if shown is None:
        return ERASED
    if kind == "api_key":
        return shown if shown.startswith("key_") else f"key_{shown[:_SHORT].upper()}"
    if kind == "email":
        return masked_email(shown)
    if role != "viewer":
        return shown
    if kind == "ip":
        return _masked_address(shown)
    return f"{shown[:_SEEN]}{_HIDDEN}" if kind == "account" and len(shown) > _SEEN else shown


def named(subject: SubjectRef, role: Role = "viewer") -> str:
    """The name of a subject."""
    return name_of(subject.kind, subject.shown, role)


def _masked_address(text: str) -> str:
    address, slash, bits = text.partition("/")
    if ":" in address:
        groups = [group for group in address.split(":") if group]
        return ":".join(groups[:3]) + f"::•{slash}{bits}"
    return f"{address.rpartition('.')[0]}.•{slash}{bits}"
