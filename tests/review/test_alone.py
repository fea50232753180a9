"""What one person may not say alone."""

import pytest
from msgspec.structs import replace

from ratelimit.core.standing import Scope, Standing, Target, TargetKind, Then
from ratelimit.review.alone import alone_too_long

HOUR = 3_600.0


def locks(word: Standing) -> bool:
    return word.then in {"block", "bucket"}


@pytest.mark.parametrize(
    ("then", "kind", "hours", "too_long"),
    [
        ("block", "account", 72, False),
        ("block", "account", 72.1, True),
        ("block", "account", None, True),
        ("throttle", "account", None, False),
        ("bucket", "account", None, True),  # as small as the test says that a block is
        ("bucket", "account", 72, False),
        ("allow", "account", None, False),
        ("block", "api_key", None, False),
        ("block", "card", None, False),
    ],
)
def test_alone(then: Then, kind: TargetKind, hours: float | None, *, too_long: bool) -> None:
    """Only a block of an account, and only beyond 72 h."""
    until = None if hours is None else hours * HOUR
    word = Standing(id="w", target=Target(kind, "a"), then=then, source="override", reason="r", author="mia", made_at=0.0, until=until)
    assert alone_too_long(word, locks) is too_long


def block(made: float, hours: float | None) -> Standing:
    until = None if hours is None else hours * HOUR
    return Standing(
        id="w", target=Target("account", "a"), then="block", source="override", reason="r", author="mia", made_at=made * HOUR, until=until
    )


@pytest.mark.parametrize(
    ("until", "beside", "too_long"),
    [
        (72 + 71, (0, 72), True),  # said again, or edited, before it ends
        (72, (0, 72), False),
        (200, (0, 400), False),  # shorter than what two have said
        (400, (0, 400), False),
        (None, (0, 400), True),
        (400, (0, None), False),
    ],
)
def test_blocks_in_a_row(until: float | None, beside: tuple[float, float | None], *, too_long: bool) -> None:
    """They are one block, from when the first of them was said; what stands already may be made shorter."""
    assert alone_too_long(block(71, until), locks, [block(*beside)]) is too_long


@pytest.mark.parametrize(
    ("there", "scope", "limit", "too_long"),
    [
        ("block", "both", None, False),
        ("block", "request", None, False),
        ("block", "purchase", None, True),  # of purchases alone, and the word is of requests as well
        ("bucket", "both", "login", True),  # of one limit alone
        ("bucket", "both", None, True),
    ],
)
def test_a_block_of_more(there: Then, scope: Scope, limit: str | None, *, too_long: bool) -> None:
    """What two have said of purchases, or of one limit, lets nobody alone block all requests for as long."""
    beside = replace(block(0, 400), then=there, scope=scope, limit=limit)
    assert alone_too_long(replace(block(71, 400), scope="request"), locks, [beside]) is too_long
