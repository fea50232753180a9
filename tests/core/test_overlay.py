"""What lies on the policy's rules."""

from typing import Any

import pytest

from ratelimit.core.errors import ConfigError
from ratelimit.core.overlay import Overlay, Pin, Place, Placed, decode_overlay, encode_overlay, overlaid, revision_of, rule_of
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import MAX_RULES, parse_policy

LIMIT = {"name": "a", "per": ["api_key"], "bucket": {"capacity": 1, "refill": "1/s"}}
RISK = {
    "purchases": {"model": "models/one", "challenger": "models/two", "throttle": [{"above": 0.9}]},
    "requests": {"model": "models/r", "throttle": {"above": 0.9, "bucket": {"capacity": 1}}},
}


def rule(name: str, then: str = "block", **more: Any) -> dict[str, Any]:
    return {"name": name, "on": "purchase", "when": "purchase.vpn", "then": then, "reason": "so", **more}


def policy(*rules: dict[str, Any], **more: Any) -> Policy:
    return Policy(parse_policy({"version": 1, "limits": [LIMIT], "rules": list(rules), **more}, "test"))


def placed(name: str, place: Place, version: int = 2, then: str = "block", **more: Any) -> Placed:
    return Placed(name=name, version=version, place=place, rule=None if place == "paused" else rule(name, then, **more))


def names(it: Policy) -> list[tuple[str, str]]:
    return [(compiled.rule.name, compiled.rule.then) for compiled in it.rules]


BASE = policy(rule("one"), rule("two", "allow"), rule("three"))


@pytest.mark.parametrize(
    ("laid", "expected"),
    [
        ((), [("one", "block"), ("two", "allow"), ("three", "block")]),
        ((placed("two", "live", then="review"),), [("one", "block"), ("two", "review"), ("three", "block")]),
        ((placed("two", "paused"),), [("one", "block"), ("three", "block")]),
        ((placed("new", "live"),), [("one", "block"), ("two", "allow"), ("three", "block"), ("new", "block")]),
        ((placed("one", "candidate", 7, "review"),), [("one@7", "review"), ("one", "block"), ("two", "allow"), ("three", "block")]),
        (
            (placed("one", "candidate", 7), placed("one", "live", 6, "allow")),
            [("one@7", "block"), ("one", "allow"), ("two", "allow"), ("three", "block")],
        ),
        ((placed("one", "candidate", 7), placed("one", "paused")), [("one@7", "block"), ("two", "allow"), ("three", "block")]),
        ((placed("gone", "paused"),), [("one", "block"), ("two", "allow"), ("three", "block")]),
    ],
)
def test_places(laid: tuple[Placed, ...], expected: list[tuple[str, str]]) -> None:
    """Live takes the file's place or comes last, paused is not there, a candidate comes before what it may replace."""
    assert names(overlaid(BASE, Overlay(laid))) == expected


def test_digest() -> None:
    """Records tell the overlay's revision behind the file's digest; nothing laid on it changes nothing."""
    overlay = Overlay((placed("one", "paused"),))
    made = overlaid(BASE, overlay)
    assert made.digest == f"{BASE.digest}+{revision_of(encode_overlay(overlay))}"
    assert made.overlay == revision_of(encode_overlay(overlay))
    assert overlaid(BASE, Overlay()) is BASE
    assert BASE.overlay is None


def test_shadow_stays_shadow() -> None:
    """Where the whole policy is in shadow a live rule of the overlay is, too."""
    made = overlaid(policy(rule("one"), mode="shadow"), Overlay((placed("one", "live"), placed("two", "live"))))
    assert [compiled.rule.mode for compiled in made.rules] == ["shadow", "shadow"]


def test_what_is_not_changed_is_shared() -> None:
    """Rules that stay are not compiled again, and lists not made again."""
    made = overlaid(BASE, Overlay((placed("two", "paused"),)))
    assert made.rules[0] is BASE.rules[0]
    assert made.lists is BASE.lists


@pytest.mark.parametrize(
    ("laid", "problem"),
    [
        (Placed(name="x", version=3, place="live", rule=rule("x") | {"when": "purchase.vpm"}), "rule x, version 3: $.when: "),
        (Placed(name="x", version=3, place="live", rule={"name": "x"}), "rule x, version 3: $.on: is missing"),
        (Placed(name="x", version=3, place="live", rule=rule("y")), "rule x, version 3: $.name: is y; expected x"),
        (Placed(name="x", version=3, place="candidate"), "rule x, version 3: $: "),
        (Placed(name="x@y", version=3, place="live", rule=rule("x@y")), "rule x@y, version 3: $.name: 'x@y' is not allowed"),
    ],
)
def test_broken(laid: Placed, problem: str) -> None:
    """A rule is judged as one of the file is, and one broken rule keeps all of it out."""
    with pytest.raises(ConfigError) as caught:
        overlaid(BASE, Overlay((placed("one", "live"), laid)))
    assert any(line.startswith(problem) for line in caught.value.problems), caught.value.problems


def test_too_many() -> None:
    """File and overlay together have no more rules than a file may."""
    full = policy(*(rule(f"r{number}") for number in range(MAX_RULES)))
    with pytest.raises(ConfigError, match="expected at most"):
        overlaid(full, Overlay((placed("more", "live"),)))


@pytest.mark.parametrize("document", [b"", b"[]", b'{"rules":[{"name":"a"}]}', b'{"other":1}', b"\xff"])
def test_no_overlay(document: bytes) -> None:
    """What is no overlay is said to be none."""
    with pytest.raises(ConfigError, match="the overlay of rules"):
        decode_overlay(document)


def test_round_trip() -> None:
    """What is written is read."""
    overlay = Overlay((placed("one", "candidate", mode="shadow"),), (Pin(section="purchases", model="a", challenger=None, over="b"),))
    assert decode_overlay(encode_overlay(overlay)) == overlay


def test_pins() -> None:
    """A pin names another model and challenger, as long as the file names the model that it was for."""
    base = policy(risk=RISK)
    pin = Pin(section="purchases", model="models/two", challenger="models/one", over="models/one")
    risk = overlaid(base, Overlay((), (pin,))).file.risk
    assert risk is not None
    assert risk.purchases is not None
    assert (risk.purchases.model, risk.purchases.challenger) == ("models/two", "models/one")
    assert risk.requests == (base.file.risk and base.file.risk.requests)
    other = Pin(section="purchases", model="models/two", challenger=None, over="models/zero")
    assert overlaid(base, Overlay((), (other,))).file.risk == base.file.risk
    assert overlaid(BASE, Overlay((), (pin,))).file.risk is None


def test_pinned_model_of_requests() -> None:
    """The same of requests, where the policy has it compiled."""
    made = overlaid(policy(risk=RISK), Overlay((), (Pin(section="requests", model="models/n", challenger=None, over="models/r"),)))
    assert made.risk is not None
    assert made.risk.model == "models/n"


def test_names() -> None:
    """A candidate's name says whose it is."""
    assert (rule_of("one@7"), rule_of("one")) == ("one", "one")
