"""What a login may be, by which words and the audit name people, and a name, by which people do. Pure."""

import re
import unicodedata
from typing import Final

LONGEST: Final = 64
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]*", re.ASCII)
# by which the audit, labels and appeals name what is no person
RESERVED: Final = frozenset({"canary", "console", "demonstration", "links", "model", "operator", "ratelimit", "retention", "system"})
RULE: Final = f"letters a to z, digits and . _ @ + -, up to {LONGEST} characters, such as mira or mira@example.com"


def name_of(text: str) -> str | None:
    """The name that somebody gave, as it is shown wherever they did something; None if characters in it change what stands around them."""
    text = " ".join(unicodedata.normalize("NFC", text).split(" "))
    return text.strip() if text.strip() and text.isprintable() else None


def login_of(text: str) -> str | None:
    """The login that somebody typed, in small letters; None if it can be none.

    It is ASCII, so that no two look the same and what shows them need not fear them.
    """
    text = text.strip()
    if len(text) > LONGEST or not text.isascii():
        return None
    text = text.lower()
    return text if _LOGIN.fullmatch(text) else None
