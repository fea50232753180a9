"""What one person may not say alone: an account is blocked for longer than 72 h by two, however it is said and whatever it is called."""

from collections.abc import Callable, Sequence
from typing import Final

from ratelimit.core.standing import Standing
from ratelimit.review.deed import ALONE_S

TOO_LONG: Final = (
    "one person blocks an account, or leaves it less than a quarter of the smallest plan, for 72 h at most; "
    "expected that, or the action of its case, which another one approves"
)


def alone_too_long(word: Standing, locks_out: Callable[[Standing], bool], beside: Sequence[Standing] = ()) -> bool:
    """Whether a second person is needed for it. `beside` is what stands about its target, itself before an edit included: blocks in a
    row are one, and what ends no later than a block that stands, and locks out of no more, is nothing new. `locks_out` says what is one.
    """
    if word.target.kind != "account" or not locks_out(word):
        return False
    blocks = [one for one in beside if locks_out(one)]
    if any(_ends(word) <= _ends(one) and _covers(one, word) for one in blocks):
        return False
    return _ends(word) > min((one.made_at for one in blocks), default=word.made_at) + ALONE_S


def _covers(there: Standing, word: Standing) -> bool:
    """Whether whoever `word` is about is locked out of as much already: a bucket of one limit is not all requests, nor are purchases."""
    scoped = there.scope in {"both", word.scope}
    return scoped and (there.then == "block" or (word.then != "block" and there.limit in {None, word.limit}))


def _ends(word: Standing) -> float:
    return float("inf") if word.until is None else word.until
