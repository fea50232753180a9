"""`overlay.lua` holds one document, which is only replaced by whoever knows what it replaces, on every kind of store."""

from typing import Any
from uuid import uuid4

import pytest

from ratelimit.core.call import Call
from ratelimit.core.overlay import read_of, reading, revision_of, writing
from ratelimit.stores.link import SCRIPTS

ONE, TWO = b'{"rules":[]}', b'{"rules":[],"pins":[]}'


class Document:
    """The calls, on a store and under a name of its own."""

    def __init__(self, client: Any) -> None:
        self._client, self.name = client, f"rl1:{{rules{uuid4()}}}"
        client.script_load(SCRIPTS["overlay"].source)

    def ask(self, call: Call) -> Any:
        (answer,) = self._client.evalsha(SCRIPTS["overlay"].sha, 1, self.name, call.argument)
        return answer


@pytest.fixture
def document(client: Any) -> Document:
    return Document(client)


def test_nothing(document: Document) -> None:
    """An empty store has the revision of nothing, and no document."""
    assert read_of(document.ask(reading(""))) == ("", None)
    assert read_of(document.ask(reading("gone"))) == ("", b"")


def test_written_and_read(document: Document) -> None:
    """What was written is read by whoever does not know it; who does is told its revision alone."""
    assert document.ask(writing("", ONE)) == [1, revision_of(ONE).encode()]
    assert read_of(document.ask(reading(""))) == (revision_of(ONE), ONE)
    assert read_of(document.ask(reading(revision_of(ONE)))) == (revision_of(ONE), None)
    assert document._client.ttl(document.name) == -1


def test_compare_and_set(document: Document) -> None:
    """Who is late changes nothing, and is told what is there."""
    document.ask(writing("", ONE))
    assert document.ask(writing("", TWO)) == [0, revision_of(ONE).encode()]
    assert document.ask(writing(revision_of(ONE), TWO)) == [1, revision_of(TWO).encode()]
    assert read_of(document.ask(reading(""))) == (revision_of(TWO), TWO)
