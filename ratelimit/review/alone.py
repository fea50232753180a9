"""What one person may not say alone: an account is blocked for longer than 72 h by two, whichever way it is said."""

from typing import Final

from ratelimit.core.standing import Standing
from ratelimit.review.deed import ALONE_S

TOO_LONG: Final = "one person blocks an account for 72 h at most; expected that, or the action of its case, which another one approves"


def alone_too_long(word: Standing) -> bool:
    """Whether a second person is needed for it."""
    lasts = word.until is None or word.until > word.made_at + ALONE_S
    return word.then == "block" and word.target.kind == "account" and lasts
