"""Ids that were met are known for a while, in bounded memory."""

from ratelimit.service.latest_ids import LatestIds


def test_the_same_id_is_met_once() -> None:
    """The first time it is new, then it is not."""
    ids = LatestIds()
    assert [ids.meets(one) for one in ("a", "b", "a", "b", "c")] == [True, True, False, False, True]


def test_memory_is_bounded() -> None:
    """The latest generation is always remembered, what is two generations ago never."""
    ids = LatestIds(10)
    assert all(ids.meets(str(number)) for number in range(100))
    assert not any(ids.meets(str(number)) for number in range(90, 100))
    assert len(ids._young) + len(ids._old) <= 20
    assert ids.meets("0")
