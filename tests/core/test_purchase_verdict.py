"""What is answered to a purchase, from all that was said of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ratelimit.core.decision import PRECEDENCE, Row, ShadowFinding
from ratelimit.core.purchase_verdict import Said, judged, without_store
from tests.core.purchases import NOW, purchase

BLOCK = Said("rule", "block", "cards")
HALF = Said("rule", "throttle", "half", hold=0.5, lapse_s=3_600.0)
MORE = Said("risk", "throttle", "risk", hold=0.8, lapse_s=60.0)
CHALLENGE = Said("rule", "throttle", "guard", challenge=True)


def test_nothing_said() -> None:
    """Whoever has nothing against them is accepted, all of it."""
    found = judged("x-1", purchase(), [], NOW)
    assert (found.id, found.purchase, found.attempt) == ("x-1", "p1", 1)
    assert (found.decision, found.action, found.reason, found.rule) == ("allow", "accept", "ok", None)
    assert (found.held, found.hold_ratio, found.lapses_at, found.shadow) == (0, 0.0, None, ())


@pytest.mark.parametrize("row", [row for row in PRECEDENCE if row.source != "limit"], ids=lambda row: f"{row.source}-{row.verdict}")
def test_precedence(row: Row) -> None:
    """Each row of the table decides over all that stand below it, and names who said so."""
    below = PRECEDENCE[PRECEDENCE.index(row) :]
    said = [Said(one.source, one.verdict, f"by-{one.source}", hold=0.5, lapse_s=1.0) for one in below if one.source != "limit"]
    found = judged("x", purchase(), said, NOW)
    action = {"allow": "accept", "throttle": "hold", "block": "refuse"}[row.verdict]
    assert (found.decision, found.action, found.reason, found.rule) == (row.verdict, action, row.reason, f"by-{row.source}")
    assert bool(found.held) == (row.verdict == "throttle")


@pytest.mark.parametrize(
    ("said", "action", "held", "lapse_s", "rule"),
    [
        ([HALF], "hold", 500, 3_600, "half"),
        ([MORE], "hold", 800, 60, "risk"),
        ([HALF, MORE], "hold", 800, 60, "half"),
        ([MORE, replace(MORE, lapse_s=90.0)], "hold", 800, 90, "risk"),
        ([CHALLENGE], "challenge", 0, None, "guard"),
        ([CHALLENGE, MORE], "challenge", 800, 60, "guard"),
        ([replace(MORE, hold=1.0)], "hold", 1_000, 60, "risk"),
        ([replace(MORE, hold=0.29)], "hold", 290, 60, "risk"),
    ],
)
def test_holds(said: list[Said], action: str, held: int, lapse_s: float | None, rule: str) -> None:
    """The largest share that any throttle holds, until that one lapses, whoever decides; a challenge lifts no hold."""
    found = judged("x", purchase(), said, NOW)
    assert (found.decision, found.action, found.held, found.rule) == ("throttle", action, held, rule)
    assert found.lapses_at == (NOW + lapse_s if lapse_s is not None else None)


@pytest.mark.parametrize("tokens", [0, 1])
def test_nothing_to_hold(tokens: int) -> None:
    """Where no whole token would be held the buyer is challenged."""
    found = judged("x", purchase(tokens=tokens), [HALF], NOW)
    assert (found.action, found.held, found.hold_ratio, found.lapses_at) == ("challenge", 0, 0.0, None)


@given(st.integers(0, 10**9), st.floats(0.001, 1))
def test_held_is_a_share(tokens: int, ratio: float) -> None:
    """Never more than all, and less than a token from the share."""
    held = judged("x", purchase(tokens=tokens), [replace(HALF, hold=ratio)], NOW).held
    assert 0 <= held <= tokens
    assert tokens * ratio - 1 < held <= tokens * ratio + 1e-5


def test_shadow() -> None:
    """What is in shadow decides nothing and says what it would have answered, whatever else is enforced."""
    found = judged("x", purchase(), [replace(BLOCK, enforced=False), HALF, replace(MORE, enforced=False)], NOW)
    assert (found.action, found.held) == ("hold", 500)
    assert found.shadow == (ShadowFinding("cards", "rule_matched"), ShadowFinding("risk", "risk_throttled"))


@pytest.mark.parametrize(
    ("said", "setting", "action", "reason"),
    [
        ([], "accept", "accept", "store_unavailable"),
        ([], "challenge", "challenge", "store_unavailable"),
        ([], "refuse", "refuse", "store_unavailable"),
        ([BLOCK], "accept", "refuse", "rule_matched"),
        ([BLOCK], "refuse", "refuse", "store_unavailable"),
        ([HALF], "accept", "challenge", "rule_throttled"),
        ([HALF], "refuse", "refuse", "store_unavailable"),
        ([Said("override", "allow", "o1")], "refuse", "accept", "override_allow"),
        ([Said("list", "allow", "office")], "refuse", "accept", "allow_listed"),
    ],
)
def test_without_store(said: list[Said], setting: str, action: str, reason: str) -> None:
    """The stricter of what is known and what the policy says; nothing is held; who is allowed by a person or a list is accepted."""
    found = without_store(judged("x", purchase(), said, NOW), setting)  # type: ignore[arg-type]  # a table's column
    assert (found.action, found.reason, found.held, found.lapses_at) == (action, reason, 0, None)
    assert found.decision == {"accept": "allow", "challenge": "throttle", "refuse": "block"}[action]
