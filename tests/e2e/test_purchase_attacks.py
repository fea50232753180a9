"""Scripted attacks on the checkout against a real `ratelimit serve` with the rules of the default policy enforced, shown as a table."""

import re
from collections.abc import Iterator
from importlib.resources import files

import pytest

from tests.e2e.purchases.checkout import Checkout
from tests.e2e.purchases.scene import SCENES, Scene
from tests.e2e.serving import serving

SECRET = "whsec_0f7He7e575OfPurcha5e5"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A service whose rules are those of the default policy and in force; no two scenes have an address, a card or an account in common."""
    folder = tmp_path_factory.mktemp("checkout")
    policy = files("ratelimit").joinpath("default-policy.yaml").read_text(encoding="utf-8")
    enforced, rules = re.subn(r"mode: shadow", "mode: enforce", policy[policy.index("\nrules:") :])
    assert rules >= 10
    (folder / "ratelimit.yaml").write_text(policy[: policy.index("\nrules:")] + enforced)
    with serving(folder, STRIPE_SECRETS=SECRET) as running:
        yield Checkout(running.gateway, running.operator, SECRET)


@pytest.mark.parametrize("scene", SCENES, ids=lambda it: it.name)
def test_scene(scene: Scene, checkout: Checkout) -> None:
    """An attack is met by its fifth attempt at the latest, and honest people are not."""
    rows: list[str] = []
    met: list[tuple[int, str | None]] = []
    attack = 0
    for attempt in scene.play():
        answer = checkout.ask(attempt.body)
        attack += attempt.of_attack
        rows.append(f"{len(rows) + 1:4} {attempt.body['account']:18} {attempt.outcome:10} {answer['action']:10} {answer.get('rule') or ''}")
        if answer["action"] != "accept":
            met.append((attack if attempt.of_attack else 0, answer["rule"]))
        if answer["action"] not in {"refuse", "challenge"} and attempt.body.get("kind") != "grant":
            checkout.tell(attempt.body, attempt.outcome)
    print(f"\n{scene.name}\n" + "\n".join(rows))  # noqa: T201  the table
    assert [one for one in met if one[0] == 0] == []
    if scene.caught_by is None:
        assert met == []
    else:
        assert met[0][0] <= scene.caught_by
