"""The preview panel as templates see it."""

from typing import Any

import pytest

from ratelimit.console.case_preview import MANY, VERBS, Asked, PreviewView, preview_view
from ratelimit.core.deed import DeedThen
from ratelimit.core.estimate import Estimate
from ratelimit.review.deed import HURTING, Hit, Preview, Softer
from tests.console.case_sample import PURCHASES

ALL = Estimate(4_812.0, 4_700.0, 4_900.0)


def preview(then: DeedThen = "block", **more: Any) -> Preview:
    fields: dict[str, Any] = {
        "span_s": 86_400.0,
        "until": None,
        "requests": ALL,
        "of_requests": ALL,
        "already_throttled": 1_208,
        "from_usual": Estimate(61.0, 61.0, 61.0),
        "other_accounts": (),
        "shared": (),
        "good": 0,
        "tokens_left": 41_300,
        "left_minor": 21_240,
        "currency": "EUR",
        "softer": None,
        "needs_second": False,
        "replaces": (),
        "told": "override_block",
    }
    return Preview(then=then, **{**fields, **more})


def panel(it: Preview | None, then: DeedThen = "block", kind: str = "api_key") -> PreviewView:
    return preview_view(
        it, Asked(then=then, span="24h", key="k" * 12), base="/cases/1", version=3, kind=kind, role="analyst", purchases=PURCHASES
    )


def test_figures() -> None:
    """An estimate has its interval, a count has none; what is the customer's own stands out."""
    found = [(one.words, one.value, one.beside, one.strong) for one in panel(preview()).figures]
    assert found == [
        ("All its requests", "about 4,812 (4,700–4,900)", "", False),
        ("of them, refused already", "1,208", "", False),
        ("from the customer's usual addresses", "61", "", True),
        ("Other accounts hit", "0", "", False),
        ("Tokens left", "41,300", "€212.40", False),
    ]


def test_of_many() -> None:
    """What many cases add up to is theirs."""
    found = [one.words for one in panel(preview(good=2), kind=MANY).figures]
    assert found[:3] == ["All their requests", "of them, refused already", "from the customers' usual addresses"]
    assert found[4] == "Good accounts that share them"


def test_a_part_of_them() -> None:
    """Where some would have passed it is told of how many."""
    found = panel(preview("throttle", requests=Estimate(3_000.0, 3_000.0, 3_000.0)), "throttle").figures[0]
    assert (found.words, found.value, found.beside) == ("Requests it would have met", "3,000", "of about 4,812 (4,700–4,900)")


def test_none_of_them() -> None:
    """Where no request was recorded it is not told of a number out of none, but how many a sample may have missed."""
    none = Estimate(0.0, 0.0, 0.0)
    found = panel(preview(requests=Estimate(0.0, 0.0, 3_668.0), of_requests=none)).figures[0]
    assert (found.words, found.value, found.beside) == ("Its requests", "none recorded", "at most 3,668")


def test_bar() -> None:
    """The bar is the whole: what is newly met, of it the customer's own, and what was refused already."""
    found = panel(preview())
    assert found.bar == (("block", 3_543.0), ("ink", 61.0), ("band", 1_208.0))
    assert found.bar_words == ("3,604 newly met", "1,208 refused already")


def test_others() -> None:
    """Whoever else is hit is named, with what they share."""
    hit = Hit(subject="9", kind="account", shown="acc_9", requests=12.0, good=1, fraud=0)
    entity = Hit(subject="8", kind="network", shown="203.0.113.0/24", requests=0.0, good=212, fraud=9)
    found = panel(preview(other_accounts=(hit,), shared=(entity,), good=212))
    assert [(one.name, one.words) for one in found.hit] == [("acc_9", "12 requests"), ("203.0.113.0/24", "212 good accounts share it")]
    assert ("Other accounts hit", "1", True) in [(one.words, one.value, one.strong) for one in found.figures]


def test_softer() -> None:
    """Something milder is offered as an action of its own."""
    found = panel(preview(softer=Softer(then="rotate_key", target="7", keeps=61.0, text="a new key keeps their 61 requests")))
    assert (found.softer_then, found.softer_target) == ("rotate_key", "7")


@pytest.mark.parametrize("then", list(VERBS))
def test_every_action(then: DeedThen) -> None:
    """Each has a title and a verb with its extent, reasons to pick by nine keys, and asks for one where it hurts."""
    found = panel(None, then)
    assert found.title
    assert found.verb.startswith(VERBS[then])
    assert len(found.picks) <= 9
    assert found.needs_reason == (then in HURTING)
    assert (found.spans != ()) == (then in {"block", "throttle", "allow"})
    assert found.figures == ()
