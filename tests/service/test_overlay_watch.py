"""What lies on the policy's rules, followed on a real store."""

from typing import Any

from ratelimit.core.overlay import Overlay, Placed, encode_overlay, revision_of, writing
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import MAX_RULES, parse_policy
from ratelimit.core.reach import of_rules
from ratelimit.service.ask import ask
from ratelimit.service.overlay_watch import OverlayWatch
from ratelimit.stores.client import RedisStore

LIMIT = {"name": "a", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/s"}}


def rule(name: str, when: str = "purchase.vpn", **more: Any) -> dict[str, Any]:
    return {"name": name, "on": "purchase", "when": when, "then": "block", "reason": "so", **more}


def policy(*rules: dict[str, Any]) -> Policy:
    return Policy(parse_policy({"version": 1, "limits": [LIMIT], "rules": list(rules)}, "test"))


def live(name: str, **more: Any) -> Overlay:
    return Overlay((Placed(name=name, version=2, place="live", rule=rule(name, **more)),))


class Site:
    """One that follows, and who writes."""

    def __init__(self, store: RedisStore, *rules: dict[str, Any]) -> None:
        self.put: list[Policy] = []
        self.watch = OverlayWatch(store, policy(*rules), self.put.append)
        self._store = store

    async def write(self, document: bytes, expected: str = "") -> None:
        ((done, _),) = await ask(self._store, [writing(expected, document)])
        assert done

    @property
    def names(self) -> list[str]:
        return [compiled.rule.name for compiled in self.watch.policy.rules]


async def test_followed(store: RedisStore) -> None:
    """What is written comes into force with the next look, once; nothing there changes nothing."""
    site = Site(store, rule("one"))
    await site.watch.look()
    assert site.put == []
    document = encode_overlay(live("two"))
    await site.write(document)
    await site.watch.look()
    await site.watch.look()
    assert site.put == [site.watch.policy]
    assert site.names == ["one", "two"]
    assert site.watch.revision == site.watch.policy.overlay == revision_of(document)
    assert (site.watch.heard, site.watch.moved.is_set()) == (of_rules(revision_of(document)), True)


async def test_another_file_below(store: RedisStore) -> None:
    """When the policy's file changes, the overlay lies on the new one at once."""
    site = Site(store, rule("one"))
    await site.write(encode_overlay(live("two")))
    await site.watch.look()
    site.watch.adopt(policy(rule("three")))
    assert site.names == ["three", "two"]
    assert site.put[-1] is site.watch.policy


async def test_broken(store: RedisStore) -> None:
    """A broken overlay never takes effect: the last good one stays, and its problems are counted once."""
    site = Site(store, rule("one"))
    good, broken = encode_overlay(live("two")), encode_overlay(live("two", when="purchase.vpm"))
    await site.write(good)
    await site.watch.look()
    await site.write(broken, revision_of(good))
    await site.watch.look()
    assert site.watch.heard == of_rules(revision_of(good)), "what is not in force is not heard of"
    await site.watch.look()
    assert site.names == ["one", "two"]
    assert site.watch.failed == 1
    assert "purchase.vpm" in site.watch.problems[0]
    await site.write(b"{}", revision_of(broken))
    await site.watch.look()
    assert site.names == ["one"]
    assert site.watch.problems == []


async def test_no_overlay_fits_a_file(store: RedisStore) -> None:
    """A file on which the overlay cannot lie is in force without it."""
    site = Site(store, rule("one"))
    await site.write(encode_overlay(live("two")))
    await site.watch.look()
    site.watch.adopt(policy(*(rule(f"r{number}") for number in range(MAX_RULES))))
    assert len(site.names) == MAX_RULES
    assert site.watch.failed == 1


async def test_store_is_emptied(store: RedisStore, own_node: Any) -> None:
    """A store that lost everything changes nothing; what is written there again is followed."""
    site = Site(store, rule("one"))
    document = encode_overlay(live("two"))
    await site.write(document)
    await site.watch.look()
    own_node.client.flushall()
    await site.watch.look()
    assert site.names == ["one", "two"]
    assert (site.watch.failed, site.watch.problems) == (0, [])
    await site.write(encode_overlay(live("three")))
    await site.watch.look()
    assert site.names == ["one", "three"]
