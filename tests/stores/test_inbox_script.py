"""`inbox.lua` stores each fact once and hands it out until it is settled, on every kind of store."""

import re
from importlib.resources import files
from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core import stripe_inbox as inbox
from ratelimit.core.call import Call
from ratelimit.core.purchase_entry import Fact
from ratelimit.core.stripe_event import Heard
from ratelimit.stores.link import SCRIPTS

NOW = 1_790_000_000.0
NEVER_MS = 3_600_000


class Inbox:
    """The calls, on a store and under a name of its own."""

    def __init__(self, client: Any) -> None:
        self._client, self._name = client, f"rl1:{{stripe{uuid4()}}}"
        client.script_load(SCRIPTS["inbox"].source)

    def ask(self, call: Call) -> Any:
        (answer,) = self._client.evalsha(SCRIPTS["inbox"].sha, 1, self._name, call.argument)
        return answer

    def put(self, number: int, twin: str = "", **said: str) -> Any:
        return self.ask(inbox.putting(heard(number, twin, **said), NOW + number))

    def take(self, consumer: str = "a", idle_ms: int = NEVER_MS, count: int = 64) -> list[inbox.Taken]:
        return inbox.taken(self.ask(inbox.taking(consumer, idle_ms, count)))

    def state(self) -> inbox.State:
        return inbox.state(self.ask(inbox.asking_state(NOW)))


def heard(number: int, twin: str = "", **said: str) -> Heard:
    fact = Fact(int(NOW), f"evt_{number}", "charge.failed", f"ch_{number}", 0, {"charge": f"ch_{number}", **said}, NOW + number)
    return Heard(fact, twin or f"charge.failed:ch_{number}")


@pytest.fixture
def box(client: Any) -> Inbox:
    return Inbox(client)


def test_each_event_is_stored_once(box: Inbox) -> None:
    """The same event is not stored again, nor is another that tells of the same change; also not after it was worked on."""
    assert box.put(1) == inbox.STORED
    assert box.put(1) == inbox.REPEATED
    assert box.put(2, "charge.failed:ch_1") == inbox.TWIN
    (one,) = box.take()
    assert inbox.fact_of(one.packed) == heard(1).fact
    box.ask(inbox.settling(one.entry, "p", heard(1).fact))
    assert (box.put(1), box.take(), box.state()[0]) == (inbox.REPEATED, [], 0)


def test_a_full_inbox_stores_nothing(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit is refused and not taken for seen, so it can be told again."""
    monkeypatch.setattr(inbox, "MOST_IN", 1)
    assert [box.put(1), box.put(2)] == [inbox.STORED, inbox.FULL]
    (one,) = box.take()
    box.ask(inbox.settling(one.entry, "p", heard(1).fact))
    assert box.put(2) == inbox.STORED


def test_what_was_taken_and_not_settled_comes_again(box: Inbox) -> None:
    """A fact is one consumer's until it lies idle; then another gets it, and is told that it was taken before."""
    box.put(1)
    assert [one.times for one in box.take("a")] == [1]
    assert box.take("b") == []
    (again,) = box.take("b", idle_ms=0)
    assert (again.times, again.event) == (2, "evt_1")
    box.ask(inbox.settling(again.entry, "p", heard(1).fact))
    assert box.take("a", idle_ms=0) == []


def test_what_waits_comes_in_with_its_link(box: Inbox) -> None:
    """A fact that is parked comes in again as soon as one of its ids is known to be of a purchase."""
    box.put(1)
    (one,) = box.take()
    fact = heard(1).fact
    assert box.ask(inbox.parking(one, fact, inbox.links_of(fact), NOW)) == 1
    assert box.state()[2] == 1
    (record,) = box.ask(inbox.listing("parked"))
    assert inbox.fact_of(inbox.kept(record).fact) == fact
    box.put(2)
    (other,) = box.take()
    box.ask(inbox.settling(other.entry, "p", fact))
    assert box.ask(inbox.linking(["ch_1", "ch_9"])) == [b"p", b""]
    (came,) = box.take()
    assert (came.event, came.looks, box.state()[2]) == ("evt_1", 1, 0)
    assert box.ask(inbox.parking(came, fact, inbox.links_of(fact), NOW)) == 0  # its purchase is known
    (again,) = box.take()
    assert (again.event, again.looks, again.times, box.state()[0]) == ("evt_1", 2, 1, 1)


def test_what_waits_is_looked_at_again(box: Inbox) -> None:
    """A parked fact comes in when its time has come, later each time, and is dropped after thirty days."""
    box.put(1)
    fact = heard(1).fact
    later = NOW
    for looks in range(3):
        (one,) = box.take()
        assert one.looks == looks
        box.ask(inbox.parking(one, fact, inbox.links_of(fact), later))
        assert box.ask(inbox.looking(later + 10 * 2**looks - 1)) == [0, 0]
        later += 10 * 2**looks
        assert box.ask(inbox.looking(later)) == [1, 0]
    (one,) = box.take()
    box.ask(inbox.parking(one, fact, inbox.links_of(fact), NOW))
    assert box.ask(inbox.looking(NOW + inbox.PARKED_S + 1)) == [0, 1]
    assert box.state()[:1] + box.state()[2:] == (0, 0, 0)


def test_as_many_wait_as_there_is_room_for(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many that wait, the one that would be looked at last makes room."""
    monkeypatch.setattr(inbox, "MOST_PARKED", 2)
    for number in range(3):
        box.put(number)
        (one,) = box.take()
        box.ask(inbox.parking(one, heard(number).fact, [], NOW - number))
    assert {inbox.kept(record).event for record in box.ask(inbox.listing("parked"))} == {"evt_1", "evt_2"}


def test_dead_letters_are_kept_and_can_be_tried_again(box: Inbox) -> None:
    """A dead fact leaves the inbox, is listed with what was wrong, and comes in again when asked for; or is given up."""
    for number in (1, 2):
        box.put(number)
    for one in box.take():
        box.ask(inbox.burying(one, "KeyError", NOW))
    records = [inbox.kept(record) for record in box.ask(inbox.listing("dead"))]
    assert [(record.event, record.why) for record in records] == [("evt_2", "KeyError"), ("evt_1", "KeyError")]
    assert [box.ask(inbox.retrying("evt_1", NOW)), box.ask(inbox.retrying("evt_1", NOW))] == [1, 0]
    assert [box.ask(inbox.dropping("evt_2")), box.ask(inbox.dropping("evt_2"))] == [1, 0]
    (one,) = box.take()
    assert (one.event, one.times, box.state()[3]) == ("evt_1", 1, 0)


def test_state_counts(box: Inbox) -> None:
    """How many are in the inbox, and since when the oldest is."""
    assert box.state() == (0, NOW, 0, 0)
    box.put(1)
    box.put(2)
    assert box.state() == (2, NOW + 1, 0, 0)


def test_header_names_every_call() -> None:
    """The script's header says what each call takes."""
    source = files("ratelimit.stores").joinpath("inbox.lua").read_text()
    header = source[: source.index("\nlocal")]
    calls = re.findall(r"^function calls\.(\w+)\(name(?:, )?(.*)\)", source, re.MULTILINE)
    for name, parameters in calls:
        (told,) = re.findall(rf"^--   {name} +(.*?) *->", header, re.MULTILINE)
        assert len(told.split(", ")) == len(parameters.split(", ")), name
    assert len(calls) == 11
