"""What a login may be: what people type, and words and the audit name them by. Pure."""

import re
from typing import Final

LONGEST: Final = 64
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]*", re.ASCII)
RULE: Final = f"letters a to z, digits and . _ @ + -, up to {LONGEST} characters, such as mira or mira@example.com"


def login_of(text: str) -> str | None:
    """The login that somebody typed, in small letters; None if it can be none.

    It is ASCII, so that no two look the same and what shows them need not fear them.
    """
    text = text.strip()
    if len(text) > LONGEST or not text.isascii():
        return None
    text = text.lower()
    return text if _LOGIN.fullmatch(text) else None
