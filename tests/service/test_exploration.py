"""Who is let through: about that share of all, the same on every sidecar for a day, others on the next, and nobody can foretell who."""

import pytest

from ratelimit.core.risk import Risk
from ratelimit.core.signals import Kind
from ratelimit.service.exploration import Exploration

NOON = 1_795_521_600.0  # of a day (UTC)
DAY_S = 86_400
SUBJECTS = [Risk("api_key", f"k{number}", 1.0) for number in range(20_000)]


def drawn(secret: bytes = b"s" * 32, at: float = NOON, share: float = 0.02) -> set[int]:
    explores = Exploration(secret, lambda: at)
    return {number for number, subject in enumerate(SUBJECTS) if explores(subject, share)}


@pytest.mark.parametrize("share", [0.02, 0.2])
def test_the_share_holds(share: float) -> None:
    """Of many subjects about so many are drawn."""
    assert len(drawn(share=share)) / len(SUBJECTS) == pytest.approx(share, rel=0.2)


def test_nobody_and_more() -> None:
    """A share of 0 draws nobody; a larger one draws all that a smaller one does."""
    assert drawn(share=0) == set()
    assert drawn(share=0.01) < drawn(share=0.02)


def test_it_stays_for_a_day() -> None:
    """From midnight to midnight the same are drawn, by whoever has the key; on the next day others."""
    assert drawn() == drawn(at=NOON - DAY_S // 2) == drawn(at=NOON + DAY_S // 2 - 1)
    tomorrow = drawn(at=NOON + DAY_S // 2)
    assert len(tomorrow & drawn()) < len(tomorrow) / 4


def test_it_cannot_be_foretold() -> None:
    """With another key others are drawn."""
    assert len(drawn(b"t" * 32) & drawn()) < len(drawn()) / 4


@pytest.mark.parametrize(("kind", "subject"), [("api_key", "x"), ("account", "x"), ("ip", b"x"), ("account", "\udcff")])
def test_kinds_of_subjects(kind: Kind, subject: str | bytes) -> None:
    """Texts, bytes and texts that are none can be drawn, and a lot of one subject is none of another."""
    whole = [Exploration(bytes([secret]) * 32, lambda: NOON)(Risk(kind, subject, 1.0), 0.5) for secret in range(64)]
    others = [Exploration(bytes([secret]) * 32, lambda: NOON)(Risk("api_key", "y", 1.0), 0.5) for secret in range(64)]
    assert set(whole) == {True, False}
    assert whole != others
