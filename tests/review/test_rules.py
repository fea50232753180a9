"""Rules taken up the ladder by people, with a real ledger and a real store."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from ratelimit.core.principal import OPERATOR, Principal
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.rules import Step, change_version
from ratelimit.review import audit
from ratelimit.review.ladder import shares_of
from ratelimit.review.rule_error import NoRuleError, NotAllowedError, NotNowError, NotSoundError, RuleError
from ratelimit.review.rule_overlay import RuleOverlay
from ratelimit.review.rules import Promotion
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from tests.review.rule_ledger import CARDS, DAY_S
from tests.review.rule_site import ANA, MIRA, TEXT, TOM, WHY, Site
from tests.stores.asker import clock
from tests.stores.conftest import Node


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A Valkey for these tests."""
    with contextlib.closing(Node(find_server())) as made:
        yield made


@pytest.fixture
async def site(ledger: Ledger, node: Node) -> AsyncIterator[Site]:
    """All parts on an empty store."""
    node.client.flushall()
    store = RedisStore(Options(node.url, clock, 5.0, "check"))
    await store.open()
    yield await Site.open(ledger, store)
    await store.close()


async def test_up_the_ladder(site: Site) -> None:
    """A rule is in force nowhere as a draft, is tried in shadow and for a share, and then is live; the audit has each step."""
    version = await site.at("live")
    assert version.step == "live"
    assert version.steps.keys() == {"draft", "backtest", "shadow", "canary", "live"}
    laid = await site.laid()
    assert [(it.place, it.rule) for it in laid.rules] == [("live", CARDS)]
    async with site.ledger.read() as connection:
        told = await audit.entries(connection, audit.AuditFilter(), 10)
    assert [(it.kind, (it.content or {}).get("to")) for it in reversed(told)] == [
        ("rule.drafted", None),
        ("rule.promoted", "shadow"),
        ("rule.promoted", "canary"),
        ("rule.promoted", "live"),
    ]


async def test_candidates(site: Site) -> None:
    """In shadow and in canary a version lies beside what is live."""
    await site.at("shadow")
    assert (await site.laid()).rules[0].rule == {**CARDS, "mode": "shadow"}
    version = (await site.rules.get("cards")).candidate
    assert version is not None
    await site.rules.promote(MIRA, "cards", 1, Promotion(step="shadow", to="canary", share=0.1))
    assert (await site.laid()).rules[0].rule == {**CARDS, "canary": 0.1}
    await site.rules.share(MIRA, "cards", 1, 0.5)
    assert (await site.laid()).rules[0].rule == {**CARDS, "canary": 0.5}


@pytest.mark.parametrize(
    ("who", "step", "to", "share", "error"),
    [
        (TOM, "draft", "backtest", None, RuleError),  # which a backtest alone does
        (TOM, "backtest", "canary", None, NotNowError),
        (TOM, "shadow", "shadow", None, NotNowError),
        (MIRA, "shadow", "canary", None, RuleError),
        (MIRA, "shadow", "canary", 0.3, RuleError),
        (MIRA, "shadow", "canary", 1.0, RuleError),  # a block for all is live, for which there are two
        (MIRA, "shadow", "live", None, NotNowError),
        (OPERATOR, "canary", "live", None, NotAllowedError),
    ],
)
async def test_no_way_there(site: Site, who: Principal, step: Step, to: Step, share: float | None, error: type[Exception]) -> None:
    """A step is taken from where the version is, to the next one, with what it needs."""
    version = await site.at(step) if step != "draft" else await site.drafts.draft(TOM, "cards", TEXT)
    seen: Step = "backtest" if (step, to) == ("shadow", "shadow") else step
    with pytest.raises(error):
        await site.rules.promote(who, "cards", version.version, Promotion(step=seen, to=to, share=share, why=WHY))
    assert (await site.rules.get("cards")).version(1).step == step


async def test_conditions(site: Site) -> None:
    """What is not met is passed over by an admin who says why, and by nobody else."""
    version = await site.drafts.draft(TOM, "cards", TEXT)
    await site.tested(version, fraud=10, good=9)
    await site.rules.promote(TOM, "cards", 1, Promotion(step="backtest", to="shadow"))
    asked = Promotion(step="shadow", to="canary", share=0.1)
    with pytest.raises(RuleError, match=r"Fraud among reviewed, at least 85 %: 52.6 %.*Say why"):
        await site.rules.promote(MIRA, "cards", 1, asked)
    waiting = await site.rules.promote(TOM, "cards", 1, msgspec.structs.replace(asked, why=WHY))
    assert waiting.waits
    assert (waiting.version.step, waiting.version.wants, waiting.version.wanted_by) == ("shadow", "canary", TOM.id)
    done = await site.rules.promote(MIRA, "cards", 1, msgspec.structs.replace(asked, why=WHY))
    assert (done.version.step, done.version.wants, done.version.why, done.told) == ("canary", None, WHY, True)


async def test_text_changes_after_its_test(site: Site) -> None:
    """A backtest of another text is none."""
    version = await site.drafts.draft(TOM, "cards", TEXT)
    await site.tested(version)
    await site.drafts.draft(TOM, "cards", TEXT.replace("3", "4"))
    assert await site.steps() == [(1, "draft")]
    async with site.ledger.write() as connection:
        await change_version(connection, version.id, step="backtest")
    with pytest.raises(RuleError, match="backtest of this text is needed"):
        await site.rules.promote(TOM, "cards", 1, Promotion(step="backtest", to="shadow"))


async def test_two_people_for_a_block(site: Site) -> None:
    """Whoever wrote a block does not bring it live; another admin does."""
    await site.at("canary")
    asked = Promotion(step="canary", to="live")
    assert (await site.rules.promote(MIRA, "cards", 1, asked)).waits
    with pytest.raises(NotAllowedError, match="you asked for it"):
        await site.rules.promote(MIRA, "cards", 1, asked)
    assert await site.steps() == [(1, "canary")]
    done = await site.rules.promote(ANA, "cards", 1, asked)
    assert (done.waits, done.version.step) == (False, "live")


@pytest.mark.parametrize(("ratio", "waits"), [("0.25", False), ("0.24", True)])
async def test_two_people_for_what_leaves_hardly_anything(site: Site, ratio: str, *, waits: bool) -> None:
    """A throttle to less than a quarter is a block by another name: never a canary for all, and live by two."""
    throttle = "then: throttle\nbucket: {capacity: 5, refill_ratio: RATIO, below_a_quarter: allowed}\nreason: too much"
    version = await site.at("canary", text=f"on: request\nwhen: request.kind == 'api_key'\n{throttle}".replace("RATIO", ratio))
    assert (1.0 in shares_of(version)) is not waits
    assert (await site.rules.promote(MIRA, "cards", 1, Promotion(step="canary", to="live"))).waits is waits


async def test_block_that_a_token_wrote(site: Site) -> None:
    """What nobody wrote needs two people as well."""
    await site.at("canary", OPERATOR)
    asked = Promotion(step="canary", to="live")
    assert (await site.rules.promote(MIRA, "cards", 1, asked)).waits
    with pytest.raises(NotAllowedError):
        await site.rules.promote(MIRA, "cards", 1, asked)
    assert not (await site.rules.promote(ANA, "cards", 1, asked)).waits


async def test_block_for_all_by_one(site: Site) -> None:
    """A canary of a block is never for all."""
    await site.at("canary")
    with pytest.raises(RuleError, match="share"):
        await site.rules.share(MIRA, "cards", 1, 1.0)


async def test_hold_needs_one_admin(site: Site) -> None:
    """What does not block is an admin's own to bring live."""
    await site.at("canary", then="throttle")
    await site.rules.share(MIRA, "cards", 1, 1.0)
    assert not (await site.rules.promote(MIRA, "cards", 1, Promotion(step="canary", to="live"))).waits


async def test_next_version_and_back(site: Site) -> None:
    """A newer version takes the place of what is live, and an earlier one is put back."""
    await site.at("live")
    second = await site.drafts.draft(ANA, "cards", TEXT.replace("3", "5"))
    await site.tested(second)
    await site.rules.promote(ANA, "cards", 2, Promotion(step="backtest", to="shadow"))
    assert await site.places() == [("cards", 1, "live"), ("cards", 2, "candidate")]
    site.now += 8 * DAY_S
    await site.rules.promote(ANA, "cards", 2, Promotion(step="shadow", to="canary", share=0.01))
    site.now += 2 * DAY_S
    await site.rules.promote(MIRA, "cards", 2, Promotion(step="canary", to="live"))
    assert await site.steps() == [(2, "live"), (1, "replaced")]
    assert await site.places() == [("cards", 2, "live")]
    await site.rules.restore(MIRA, "cards", 1, WHY)
    assert await site.steps() == [(2, "replaced"), (1, "live")]
    assert await site.places() == [("cards", 1, "live")]
    with pytest.raises(NotAllowedError):
        await site.rules.restore(TOM, "cards", 2, WHY)
    with pytest.raises(RuleError, match="say why"):
        await site.rules.restore(MIRA, "cards", 2, "so")


async def test_pause_and_resume(site: Site) -> None:
    """An analyst takes back what is tried, an admin pauses what is live; it is resumed as it was."""
    await site.at("shadow")
    await site.rules.pause(TOM, "cards", 1, WHY)
    assert (await site.steps(), await site.places()) == ([(1, "backtest")], [])
    await site.at("live")
    with pytest.raises(NotAllowedError):
        await site.rules.pause(TOM, "cards", 1, WHY)
    await site.rules.pause(MIRA, "cards", 1, WHY)
    assert await site.places() == [("cards", 1, "paused")]
    with pytest.raises(NotNowError):
        await site.rules.pause(MIRA, "cards", 1, WHY)
    await site.rules.restore(MIRA, "cards", 1, WHY)
    assert await site.places() == [("cards", 1, "live")]


async def test_canary_goes_back(site: Site) -> None:
    """A canary that hit the wrong people is in shadow again, once."""
    await site.at("canary")
    await site.rules.back("cards", 1, "3 trusted customers in 1 h")
    await site.rules.back("cards", 1, "3 trusted customers in 1 h")
    version = (await site.rules.get("cards")).version(1)
    assert (version.step, version.why) == ("shadow", "3 trusted customers in 1 h")
    assert (await site.laid()).rules[0].rule == {**CARDS, "mode": "shadow"}


async def test_drafts(site: Site) -> None:
    """An author edits their own draft in its place; another's text is a new version; a draft can be dropped."""
    await site.drafts.draft(TOM, "cards", TEXT)
    await site.drafts.draft(TOM, "cards", TEXT.replace("3", "4"))
    assert await site.steps() == [(1, "draft")]
    await site.drafts.draft(ANA, "cards", TEXT)
    assert await site.steps() == [(2, "draft"), (1, "draft")]
    with pytest.raises(NotAllowedError):
        await site.drafts.drop(TOM, "cards", 2)
    await site.drafts.drop(ANA, "cards", 2)
    await site.drafts.drop(MIRA, "cards", 1)
    with pytest.raises(NoRuleError):
        await site.rules.get("cards")
    await site.at("shadow")
    with pytest.raises(NotNowError):
        await site.drafts.drop(MIRA, "cards", 1)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("cards", "on: purchase", "when: is missing"),
        ("cards", TEXT + "\nmode: shadow", "mode: is said by the rule's step"),
        ("cards", TEXT + "\ncanary: 0.5", "canary: is said by the rule's step"),
        ("Cards!", TEXT, "name: 'Cards!' is not allowed"),
        ("c" * 49, TEXT, "name: has 49 characters"),
    ],
)
async def test_unsound(site: Site, name: str, text: str, problem: str) -> None:
    """What the policy's file would refuse, or the ladder says, is no version."""
    with pytest.raises(NotSoundError, match=": ") as caught:
        await site.drafts.draft(TOM, name, text)
    assert any(problem in it.text for it in caught.value.problems), caught.value.problems


async def test_another_kind(site: Site) -> None:
    """A rule stays on what it is on."""
    await site.drafts.draft(TOM, "cards", TEXT)
    with pytest.raises(RuleError, match="another name"):
        await site.drafts.draft(ANA, "cards", "on: request\nwhen: request.kind == 'ip'\nthen: review\nreason: x")


async def test_rules_of_the_file(site: Site) -> None:
    """The file's rules are versions; a changed one is a new version, one that is gone is replaced, and they need no overlay."""
    site.policy = site.file(CARDS, {**CARDS, "name": "other", "mode": "shadow"})
    await site.overlay.look()
    assert await site.steps() == [(1, "live")]
    assert await site.steps("other") == [(1, "shadow")]
    site.policy = site.file({**CARDS, "then": "review"})
    await site.overlay.look()
    await site.overlay.look()
    assert await site.steps() == [(2, "live"), (1, "replaced")]
    assert await site.steps("other") == [(1, "replaced")]
    assert await site.places() == []
    with pytest.raises(NotNowError):
        await site.rules.promote(MIRA, "other", 1, Promotion(step="replaced", to="live"))


async def test_over_the_file(site: Site) -> None:
    """A version of people's takes the place of the file's until it is rolled back, whatever the file says meanwhile."""
    site.policy = site.file(CARDS)
    await site.overlay.look()
    await site.at("live", then="throttle")
    assert await site.steps() == [(2, "live"), (1, "replaced")]
    again = RuleOverlay(site.ledger, site.store, lambda: site.policy, lambda: site.now)
    await again.look()  # another desk, or this one after a start
    assert await site.steps() == [(2, "live"), (1, "replaced")]
    site.policy = site.file({**CARDS, "reason": "another"})
    await site.overlay.look()
    assert await site.steps() == [(3, "replaced"), (2, "live"), (1, "replaced")]
    await site.rules.restore(MIRA, "cards", 3, WHY)
    assert await site.places() == []
    await site.rules.restore(MIRA, "cards", 1, WHY)
    assert await site.places() == [("cards", 1, "live")]
    await again.look()
    assert await site.steps() == [(3, "replaced"), (2, "replaced"), (1, "live")]


async def test_paused_rule_of_the_file(site: Site) -> None:
    """One that is paused stays so when the file changes."""
    site.policy = site.file(CARDS)
    await site.overlay.look()
    await site.rules.pause(MIRA, "cards", 1, WHY)
    assert await site.places() == [("cards", 1, "paused")]
    site.policy = site.file({**CARDS, "reason": "another"})
    await site.overlay.look()
    assert await site.steps() == [(2, "replaced"), (1, "paused")]
    assert await site.places() == [("cards", 1, "paused")]


async def test_store_is_emptied(site: Site, node: Node) -> None:
    """A store that lost everything is written again."""
    await site.at("live")
    node.client.flushall()
    assert await site.places() == []
    await site.overlay.look()
    assert await site.places() == [("cards", 1, "live")]


async def test_ledger_that_does_not_fit(site: Site) -> None:
    """What could not be in force is not written to the store."""
    version = await site.at("live")
    async with site.ledger.write() as connection:
        await change_version(connection, version.id, rule={**CARDS, "when": "purchase.vpm"})
    assert not await site.overlay.publish()
    assert "purchase.vpm" in site.overlay.problems[0]
    assert (await site.laid()).rules[0].rule == CARDS


async def test_in_force(site: Site) -> None:
    """What is in force with the file's policy is told once it is known; of another file that file alone."""
    assert site.overlay.in_force(site.policy) is site.policy
    await site.at("live")
    await site.overlay.look()
    assert [compiled.rule.name for compiled in site.overlay.in_force(site.policy).rules] == ["cards"]
    another = site.file()
    assert site.overlay.in_force(another) is another
