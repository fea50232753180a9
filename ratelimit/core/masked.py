"""What of a subject somebody may see who may not see all of it: emails are masked for everybody, addresses and accounts for viewers."""

import re
from typing import Final

from ratelimit.core.principal import Role

ERASED: Final = "erased"
_SHORT: Final = 6  # characters of a digest by which people tell keys apart
_SEEN: Final = 5  # of an account's name, by a viewer
HIDDEN: Final = "•••"
_EMAIL: Final = re.compile(r"[^\s@<>()\"',;:]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_IPV6: Final = r"(?<![\w:])(?:(?:[0-9a-f]{1,4}:){1,7}(?::[0-9a-f]{1,4}){1,6}|(?:[0-9a-f]{1,4}:){3,7}[0-9a-f:]{1,4})"
_ADDRESS: Final = re.compile(rf"\b(?:\d{{1,3}}\.){{3}}\d{{1,3}}\b|{_IPV6}", re.IGNORECASE)
_NEXT: Final = re.compile(r"\+(?=[a-z_]+:)")  # between the parts of who a limit of several kinds is about


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
    return f"{shown[:_SEEN]}{HIDDEN}" if kind == "account" and len(shown) > _SEEN else shown


def whom_of(text: str | None, role: Role = "viewer") -> str | None:
    """Whom a decision or a word names, such as `ip:192.0.2.7+account:42`, for somebody of that role."""
    if text is None or role != "viewer":
        return text
    parts = (part.partition(":") for part in _NEXT.split(text))
    return "+".join(f"{kind}{colon}{name_of(kind, value)}" for kind, colon, value in parts)


def text_of(text: str, role: Role = "viewer") -> str:
    """What people wrote, for somebody of that role: emails and addresses in it are masked for a viewer. It is hostile text still."""
    if role != "viewer":
        return text
    masked = _EMAIL.sub(lambda found: masked_email(found[0]), text)
    return _ADDRESS.sub(lambda found: _masked_address(found[0]), masked)


def masked_email(email: str) -> str:
    """An email address as it is shown: first letter and domain."""
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}{HIDDEN}@{domain}" if at else HIDDEN


def _masked_address(text: str) -> str:
    address, slash, bits = text.partition("/")
    if ":" in address:
        groups = [group for group in address.split(":") if group]
        return ":".join(groups[:3]) + f"::•{slash}{bits}"
    return f"{address.rpartition('.')[0]}.•{slash}{bits}"
