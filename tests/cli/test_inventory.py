"""`ratelimit privacy inventory`."""

import json
from pathlib import Path

import pytest

from tests.cli.command import run

LIMITS = "limits: [{name: k, per: [api_key], bucket: {capacity: 5, refill: 1/s}}]"


@pytest.fixture(autouse=True)
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that keeps cards and not devices."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ratelimit.yaml").write_text(f"version: 1\n{LIMITS}\nretention: {{purchases: 200d, keep: [card]}}\n")


def test_table() -> None:
    """All that is kept is told with its terms, and the sentences that would allow what is off and have to be there for what is on."""
    shown = run("privacy", "inventory").output
    assert "rl1:v:" in shown
    assert "nothing: off, see below" in shown
    assert "your amendment, see below" in shown
    assert "card is on. The site's published policy has to say" in shown
    assert "device is off: accounts are not linked by device" in shown
    assert "for 200 days" in shown


def test_json() -> None:
    """The same for programs."""
    found = json.loads(run("privacy", "inventory", "--json").output)
    assert (found["keep"], [it["name"] for it in found["on"]]) == (["card"], ["card"])
    assert {tuple(it["needs"]) for it in found["inventory"] if it["off"]} == {("device",), ("card_country", "brand", "funding")}
