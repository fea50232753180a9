"""Who came, remembered within a bound."""

from random import Random

import pytest

from ratelimit.service.replay_tally import REFUSED, SEEN, Visits
from ratelimit.service.roll import Roll, number_of


def roll(most: int) -> Roll[str, Visits]:
    return Roll(Visits, Visits.weight, {SEEN: lambda _: True, REFUSED: lambda visits: visits.refused > 0}, most)


def test_few_are_all_remembered() -> None:
    """Up to its bound a roll forgets nobody, and its numbers are exact."""
    one = roll(10)
    for number in range(10):
        one.of(f"s{number}").seen += 1
    one.of("s3").refused += 1
    assert (len(one.kept), number_of([one], SEEN), number_of([one], REFUSED), one.approx) == (10, 10, 1, False)


def test_those_who_matter_stay() -> None:
    """However many pass by, memory has its bound, and who was refused or came often is remembered with all its counts."""
    one = roll(10_000)
    for number in range(200_000):
        one.of(f"passes by {number}").seen += 1
        if number % 100 == 0:
            one.of("refused").seen += 1
            one.of("refused").refused += 1
            one.of("comes often").seen += 1
        assert len(one.kept) <= 10_000
    assert one.approx
    assert (one.of("refused").refused, one.of("comes often").seen) == (2_000, 2_000)
    assert number_of([one], SEEN) == pytest.approx(200_002, rel=0.032)
    assert number_of([one], REFUSED) == 1


def test_who_is_in_several_rolls_counts_once() -> None:
    """The number over several rolls is of different subjects, exact or estimated, also where one of them forgot nobody."""
    chance = Random(1)
    rolls = [roll(5_000), roll(5_000), roll(20_000)]
    came = set()
    for subjects, approx in ((3_000, [False, False, False]), (30_000, [True, True, False])):
        for _ in range(40_000):
            subject = f"s{chance.randrange(subjects)}"
            chance.choice(rolls).of(subject).seen += 1
            came.add(subject)
        assert [one.approx for one in rolls] == approx
        assert number_of(rolls, SEEN) == pytest.approx(len(came), rel=0.032 if any(approx) else 0)
