"""Verdicts of rules that stand, on a real store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from ratelimit.core.rule import Rule
from ratelimit.core.signals import COLUMN, KINDS, Kind
from ratelimit.core.standing import Standing, Target, TargetKind
from ratelimit.core.store_key import StoreKeys
from ratelimit.core.units import Duration
from ratelimit.service.flags import Flags
from ratelimit.service.request_rules import RequestRules
from ratelimit.service.rule_words import RuleWords
from ratelimit.service.rulebook import Rulebook
from ratelimit.service.standings import Standings
from ratelimit.service.watch import Watch
from ratelimit.stores.client import RedisStore
from tests.service.test_rulebook import KEYS, policy, rule
from tests.stores.asker import until
from tests.stores.conftest import Node

T0 = 1_800_000_000.0
TARGETS: dict[TargetKind, Target] = {"account": Target("account", "a1"), "card": Target("card", "pseudonym")}
IPV4, IPV6 = bytes([203, 0, 113, 7]), bytes([32, 1, 13, 184]) + bytes(12)


class Wall:
    now = T0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def standings(store: RedisStore, wall: Wall) -> Standings:
    """The words of one sidecar."""
    return Standings(store, wall)


def block(**more: Any) -> Rule:
    fields = {"then": "block", "for_": Duration.parse("1h"), "of": ("account", "card"), **more}
    return Rule(name="cards", on="purchase", when="true", reason="cards", **fields)


async def test_word_about_each(standings: Standings) -> None:
    """A verdict stands for each of those that the rule is about and the purchase has, for as long as it says, in its scope."""
    await RuleWords(standings).of_purchase([block(of=("account", "card", "device"), scope="both")], TARGETS, T0)
    words = sorted(standings.all(), key=lambda word: word.id)
    assert [word.id for word in words] == ["rule:cards:account:a1", "rule:cards:card:pseudonym"]
    assert {(word.then, word.source, word.author, word.until, word.scope) for word in words} == {
        ("block", "rule", "cards", T0 + 3_600, "both")
    }


@pytest.mark.parametrize("what", [{"for_": None, "of": ()}, {"of": ()}, {"then": "review"}, {"then": "allow"}])
async def test_what_does_not_stand(standings: Standings, what: dict[str, Any]) -> None:
    """A verdict on one purchase, a guard's, an allow and a review leave no word."""
    found = block()
    await RuleWords(standings).of_purchase(
        [Rule(**{name: what.get(name, getattr(found, name)) for name in found.__struct_fields__})], TARGETS, T0
    )
    assert not standings.all()


async def test_prolonged_at_half_time(standings: Standings, wall: Wall) -> None:
    """A verdict that comes again is written once more when half of its time is over, and never ends sooner for it."""
    words = RuleWords(standings)
    for at, put in ((0.0, 1), (60.0, 1), (1_799.0, 1), (1_801.0, 2), (1_802.0, 2)):
        wall.now = T0 + at
        await words.of_purchase([block(of=("account",))], TARGETS, wall.now)
        assert words.put == put
    word = standings.get("rule:cards:account:a1")
    assert word is not None
    assert (word.made_at, word.until, word.version) == (T0, T0 + 1_801 + 3_600, 2)


async def test_never_ends_sooner(store: RedisStore, wall: Wall) -> None:
    """A sidecar whose verdict is older, and that has not heard of the later one yet, does not shorten it."""
    late, early = Standings(store, wall), Standings(store, wall)
    await RuleWords(late).of_purchase([block(of=("card",))], TARGETS, T0 + 100)
    await RuleWords(early).of_purchase([block(of=("card",))], TARGETS, T0)
    word = await late.change("rule:cards:card:pseudonym", lambda word: word and replace(word, reason="as the store has it"))
    assert word is not None
    assert word.until == T0 + 3_700


async def test_store_away(standings: Standings, own_node: Node) -> None:
    """While the store is away verdicts do not stand, and nobody fails for it."""
    own_node.kill()
    words = RuleWords(standings)
    await words.of_purchase([block()], TARGETS, T0)
    assert (words.put, words.failed) == (0, 2)


def rows(count: int, **signals: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = np.full((count, len(COLUMN)), np.nan)
    for name, value in signals.items():
        values[:, COLUMN[name]] = value
    return values


Scored = Callable[[Kind, str | bytes], Awaitable[list[Standing]]]


@pytest.fixture
async def scored(standings: Standings, wall: Wall) -> AsyncIterator[Callable[[Rulebook], Scored]]:
    """Scores one subject that guesses passwords, and says what stands then."""
    async with AsyncExitStack() as stack:

        def on(rulebook: Rulebook) -> Scored:
            words = RuleWords(standings)
            rules = RequestRules(rulebook, words, wall)
            stack.callback(asyncio.create_task(rules.run()).cancel)

            async def score(kind: Kind, value: str | bytes) -> list[Standing]:
                rules(kind, [Watch(kind, value, "k"), Watch(kind, value, "k")], rows(2, failed_logins_10m=9.0))
                await until(lambda: rules.told == rules.found)
                return standings.all()

            return score

        yield on


GUESSES = rule("guesses", "request.failed_logins_10m > 5", "block", on="request", of=list(KINDS))


@pytest.mark.parametrize(
    ("kind", "value", "about"),
    [("api_key", "digest", "digest"), ("account", "a1", "a1"), ("ip", IPV4, "203.0.113.7"), ("ip", IPV6, "2001:db8::/64")],
)
async def test_subject_of_requests(scored: Callable[[Rulebook], Scored], kind: Kind, value: str | bytes, about: str) -> None:
    """Whom a rule on requests holds for when it is scored, about that one a word stands for ten minutes."""
    (word,) = await scored(Rulebook(policy(GUESSES), KEYS))(kind, value)
    assert word.target == Target(kind, about)
    assert (word.then, word.scope, word.until) == ("block", "request", T0 + 600)


@pytest.mark.parametrize("how", [{"mode": "shadow"}, {"canary": 1e-9}, {"then": "review"}])
async def test_subject_that_is_let_be(scored: Callable[[Rulebook], Scored], how: dict[str, Any]) -> None:
    """In shadow, for whom the lot did not fall, and for a review nothing stands."""
    assert not await scored(Rulebook(policy({**GUESSES, **how}), KEYS))("account", "a1")


def test_no_rules_no_work() -> None:
    """Without a rule on requests nothing is looked at."""
    assert not Rulebook(policy(rule("r", "purchase.vpn")), StoreKeys(bytes(32))).of_requests


async def test_review_asks_for_a_case_once_a_day(standings: Standings, wall: Wall) -> None:
    """A review about a subject asks once, however often it holds on that day, and lets nothing stand."""
    rules = RequestRules(Rulebook(policy({**GUESSES, "then": "review"}), KEYS), RuleWords(standings), wall)
    told: list[Any] = []
    rules.flags = Flags(told.append, KEYS)
    running = asyncio.create_task(rules.run())
    for at in (0.0, 1.0, 90_000.0):
        wall.now = T0 + at
        rules("account", [Watch("account", "a1", "k")], rows(1, failed_logins_10m=9.0))
        await until(lambda: rules.told == rules.found)
    running.cancel()
    assert [(flag.kind, flag.anchor.target, flag.reasons) for flag in told] == [
        ("rule", Target("account", "a1"), ("guesses: because",))
    ] * 2
    assert len({flag.id for flag in told}) == len({flag.source for flag in told}) == 2
    assert not standings.all()


async def test_lifted(standings: Standings) -> None:
    """The words of a rule are taken away together, and those of others stay."""
    words = RuleWords(standings)
    await words.of_purchase([block(), replace(block(), name="other"), replace(block(), name="cards@2")], TARGETS, T0)
    assert len(standings.all()) == 6
    assert await words.lift({"cards"}) == 2
    assert {word.author for word in standings.all()} == {"other", "cards@2"}
    assert await words.lift({"cards"}) == 0
