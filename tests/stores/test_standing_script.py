"""`standing.lua` writes a word only if it is as it was read, and tells of each change once, on every kind of store."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ratelimit.core.call import Call
from ratelimit.core.standing import Standing, Target
from ratelimit.core.standing_change import NO_REVISION, NOTHING, Known, Written, change, changed, known, revision, written
from ratelimit.stores.link import SCRIPTS


def word(reason: str = "so") -> Standing:
    return Standing(
        id="w", target=Target("account", "a"), then="block", source="override", reason=reason, author="eve", made_at=1.0, until=2.5e9
    )


class Words:
    """The calls, on a store and under a name of its own."""

    def __init__(self, client: Any) -> None:
        self._client, self.name = client, f"rl1:{{standing{uuid4()}}}"
        client.script_load(SCRIPTS["standing"].source)

    def change(self, id: str, before: bytes, after: Standing | None, most: int | None = None) -> Written:
        call: Call = change(id, before, after)
        argument = call.argument if most is None else most.to_bytes(4) + call.argument[4:]
        (reply,) = self._client.evalsha(SCRIPTS["standing"].sha, 1, self.name, argument)
        return written(after, reply)

    def all(self) -> dict[bytes, Known]:
        return {id: known(state) for id, state in self._client.hgetall(self.name).items()}

    def told(self) -> list[Any]:
        found = self._client.xrange(f"{self.name}:changes")
        return [changed(entry, [part for pair in fields.items() for part in pair]) for entry, fields in found]


@pytest.fixture
def words(client: Any) -> Words:
    return Words(client)


def test_life_of_a_word(words: Words) -> None:
    """It is made, changed and taken away, each as of the revision before; the stream tells the same in that order."""
    made = words.change("w", NO_REVISION, word("one"))
    assert made.done
    assert words.all() == {b"w": Known(made.now.revision, word("one"))}
    second = words.change("w", made.now.revision, word("two"))
    assert second.now.revision > made.now.revision
    gone = words.change("w", second.now.revision, None)
    assert (gone.done, gone.now.standing, words.all()) == (True, None, {})
    told = words.told()
    assert [(it.number, it.id, bool(it.word)) for it in told] == [(1, "w", True), (2, "w", True), (3, "w", False)]
    assert [it.revision for it in told] == [made.now.revision, second.now.revision, gone.now.revision]


def test_somebody_was_faster(words: Words) -> None:
    """Whoever read another revision writes nothing, and is told what is there."""
    first = words.change("w", NO_REVISION, word("first"))
    assert words.change("w", NO_REVISION, word("second")) == Written(done=False, now=Known(first.now.revision, word("first")))
    assert words.change("x", first.now.revision, word()) == Written(done=False, now=NOTHING)
    assert words.change("x", NO_REVISION, None) == Written(done=False, now=NOTHING)
    assert len(words.told()) == 1


def test_made_anew_is_not_what_it_was(words: Words) -> None:
    """Who read a word that was taken away and made anew since is not mistaken for one who knows it."""
    first = words.change("w", NO_REVISION, word())
    words.change("w", first.now.revision, None)
    again = words.change("w", NO_REVISION, word())
    assert again.now.revision != first.now.revision
    assert not words.change("w", first.now.revision, None).done
    assert list(words.all()) == [b"w"]


def test_so_many_stand_at_most(words: Words) -> None:
    """When so many stand no new one is made; those that are there can be changed and taken away."""
    found = [words.change(str(number), NO_REVISION, word(), most=3) for number in range(4)]
    assert [it.full for it in found] == [False, False, False, True]
    assert words.change("0", found[0].now.revision, word("other"), most=3).done
    assert words.change("1", found[1].now.revision, None, most=3).done
    assert words.change("4", NO_REVISION, word(), most=3).done


def test_the_stream_is_bounded(words: Words) -> None:
    """Old changes are forgotten; how many there were is not."""
    at = NO_REVISION
    for number in range(10_400):
        at = words.change("w", at, word(str(number))).now.revision
    told = words.told()
    assert 10_000 <= len(told) < 10_300
    assert told[-1].number == 10_400


def test_revisions_grow() -> None:
    """A revision sorts as the stream's entries do, not as their texts."""
    entries = [b"999-5", b"1732471234567-0", b"1732471234567-9", b"1732471234567-10", b"1732471234568-0"]
    assert sorted(map(revision, entries)) == list(map(revision, entries))


def test_words_are_read_as_they_were_written() -> None:
    """Whatever a word holds comes back, and one of a later version may have fields that are not known here."""
    packed = msgspec.msgpack.encode({**msgspec.to_builtins(word()), "later": 1})
    assert known(bytes(12) + packed).standing == word()
