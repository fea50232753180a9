"""`cases.lua` keeps one open case for each anchor, on every kind of store."""

from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core import stored_case as cases
from ratelimit.core.call import Call
from ratelimit.core.standing import Target
from ratelimit.core.stored_case import MOST_REASONS, Case, CaseKind, CaseReason, Closing
from ratelimit.stores.link import SCRIPTS

NOW = 1_790_000_000.5
ANCHOR, OTHER = Target("account", "a:b"), Target("account", "c")
WORD = Closing(by="mara", verdict="fraud", reason="the holder called")


class Desk:
    """The calls, on a store and under a name of its own."""

    def __init__(self, client: Any) -> None:
        self._client, self._name = client, f"rl1:{{cases{uuid4()}}}"
        client.script_load(SCRIPTS["cases"].source)

    def ask(self, call: Call) -> Any:
        (answer,) = self._client.evalsha(SCRIPTS["cases"].sha, 1, self._name, call.argument)
        return answer

    def open(
        self, source: str, anchor: Target = ANCHOR, at: float = NOW, due_at: float | None = None, kind: CaseKind = "early_fraud_warning"
    ) -> str:
        reason = CaseReason(source=source, kind=kind, text="stolen card", at=at, purchase="p", attempt=2)
        return str(self.ask(cases.opening(anchor, reason, due_at)).decode())

    def read(self, name: str) -> Case:
        found = cases.case_of(self.ask(cases.reading(name)))
        assert found is not None
        return found

    def listed(self, state: Any) -> list[str]:
        return [found.id for answer in self.ask(cases.listing(state)) if (found := cases.case_of(answer)) is not None]


@pytest.fixture
def desk(client: Any) -> Desk:
    return Desk(client)


def test_an_anchor_has_one_open_case(desk: Desk) -> None:
    """Later reasons of the same anchor go to it, which is then due when the first of them is."""
    first = desk.open("efw:1", due_at=NOW + 90)
    assert desk.open("efw:2", at=NOW - 5, due_at=NOW + 50) == first
    assert desk.open("efw:3", at=NOW + 5) == first
    assert desk.open("efw:1", OTHER) != first
    found = desk.read(first)
    assert (found.anchor, found.state, found.opened_at, found.due_at) == (ANCHOR, "open", NOW - 5, NOW + 50)
    assert [reason.source for reason in found.reasons] == ["efw:1", "efw:2", "efw:3"]
    assert found.reasons[0] == CaseReason(source="efw:1", kind="early_fraud_warning", text="stolen card", at=NOW, purchase="p", attempt=2)


def test_a_reason_counts_once(desk: Desk) -> None:
    """The same reason told again changes nothing, also when its case was closed; a new one then opens another case."""
    first = desk.open("efw:1")
    before = desk.read(first)
    assert (desk.open("efw:1", at=NOW + 9, due_at=NOW), desk.read(first)) == (first, before)
    desk.ask(cases.closing(first, WORD, NOW + 10))
    assert desk.open("efw:1") == first
    assert desk.listed("open") == []
    assert desk.open("efw:2") != first


def test_a_case_does_not_grow_without_end(desk: Desk) -> None:
    """Of very many reasons those that come later are counted, each once; a warning is listed all the same."""
    first = desk.open("r:0", kind="rule")
    for number in [*range(MOST_REASONS + 5), MOST_REASONS + 4]:
        assert desk.open(f"r:{number}", kind="rule") == first
    desk.open("efw:1")
    found = desk.read(first)
    assert (len(found.reasons), found.more, found.reasons[-1].source) == (MOST_REASONS + 1, 5, "efw:1")


def test_closing_keeps_who_and_why(desk: Desk) -> None:
    """A closed case holds the word that closed it, and is not closed a second time."""
    first = desk.open("efw:1")
    done, state = desk.ask(cases.closing(first, WORD, NOW + 10))
    found = cases.case_of(state)
    assert found is not None
    assert (done, found.state, found.by, found.verdict, found.why) == (1, "closed", "mara", "fraud", "the holder called")
    assert found.closed_at == NOW + 10
    assert desk.ask(cases.closing(first, WORD, NOW + 11)) == [0, state]
    assert desk.ask(cases.closing("case-9", WORD, NOW)) == [0, b""]


def test_lists(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due first comes first; of the closed ones the latest are kept."""
    monkeypatch.setattr(cases, "MOST_CLOSED", 1)
    late, soon = desk.open("1", due_at=NOW + 90), desk.open("1", OTHER, due_at=NOW + 50)
    assert desk.listed("open") == [soon, late]
    for number, name in enumerate((late, soon)):
        desk.ask(cases.closing(name, WORD, NOW + number))
    assert (desk.listed("open"), desk.listed("closed")) == ([], [soon])
    assert cases.case_of(desk.ask(cases.reading(late))) is None
