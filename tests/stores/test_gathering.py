"""What is not urgent waits a few milliseconds for others, since a lone bucket costs several times what it costs among others."""

import asyncio

import pytest

from ratelimit.stores import lane as lane_module
from tests.stores.asker import Asker
from tests.stores.conftest import Node, Open


async def test_what_is_not_urgent_goes_with_others(valkey: Node, connect: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is not in a hurry waits for whoever is, and goes with them."""
    monkeypatch.setattr(lane_module, "_GATHER_S", 60.0)
    lane, patient, hurried = await connect(valkey.url), Asker(), Asker()
    assert lane.want(patient, urgent=False)
    await asyncio.sleep(0)
    assert (patient.composed, lane.counts.pipelines) == (0, 0)
    assert lane.want(hurried)
    await hurried.until("answered")
    await patient.until("answered")
    assert (lane.counts.pipelines, lane.counts.calls) == (1, 1)


async def test_what_is_not_urgent_goes_alone_after_a_while(valkey: Node, connect: Open) -> None:
    """If nobody else comes it goes all the same, together with others of its kind."""
    lane, askers = await connect(valkey.url), [Asker() for _ in range(5)]
    assert all(lane.want(asker, urgent=False) for asker in askers)
    for asker in askers:
        await asker.until("answered")
    assert (lane.counts.pipelines, lane.counts.calls) == (1, 1)


async def test_closing_sends_what_is_not_urgent(valkey: Node, connect: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for others is sent before the connection is dropped."""
    monkeypatch.setattr(lane_module, "_GATHER_S", 60.0)
    lane, asker = await connect(valkey.url), Asker()
    assert lane.want(asker, urgent=False)
    await lane.close()
    assert asker.told == ["answered"]
