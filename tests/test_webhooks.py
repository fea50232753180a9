"""The page about webhooks names every type that is sent, and no other."""

import re
from pathlib import Path

from ratelimit.review.announcement import OPENED
from ratelimit.review.effect import DECIDED
from ratelimit.review.plan import TYPES
from ratelimit.service.hold_sweep import CHANGED
from ratelimit.service.overrides import OVERRIDE_SET

PAGE = Path(__file__).parents[1] / "docs" / "webhooks.md"


def test_types() -> None:
    """Types in the table are those of the code."""
    named = set(re.findall(r"^\| `([a-z]+\.[a-z_]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert named == {OPENED, DECIDED, OVERRIDE_SET, CHANGED, *TYPES.values(), "account.erased"}
