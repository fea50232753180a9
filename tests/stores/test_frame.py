"""How what is asked becomes script calls."""

from itertools import cycle
from typing import get_args

import pytest
from redis.exceptions import ResponseError

from ratelimit.core.bucket import Acquire, Grant
from ratelimit.core.call import Call, ScriptName
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant
from ratelimit.stores.acquire import packed as packed_bucket
from ratelimit.stores.frame import KEYS_PER_CALL, Entry, code, command, frames_of, read
from ratelimit.stores.link import ACQUIRE, QUOTA, SCRIPTS
from ratelimit.stores.quota import packed as packed_quota
from tests.stores.asker import TERMS, Asker, QuotaAsker

CALL = Acquire((1,))
QUOTA_CALL = QuotaCall(10, (0, 1, 2, 3), 7, (1,))


def buckets(count: int) -> list[Entry]:
    return [Entry(Asker(key=f"b{i}"), CALL) for i in range(count)]


def quotas(count: int) -> list[Entry]:
    return [Entry(QuotaAsker(key=f"q{i}"), QUOTA_CALL) for i in range(count)]


@pytest.mark.parametrize(
    ("entries", "keys", "sizes"),
    [
        ([], 64, []),
        (buckets(1), 64, [1]),
        (buckets(64), KEYS_PER_CALL, [64]),
        (buckets(130), 64, [64, 64, 2]),
        (buckets(3) + quotas(2), 64, [3, 2]),
        (quotas(1) + buckets(2), 1, [1, 1, 1]),
    ],
)
def test_frames(entries: list[Entry], keys: int, sizes: list[int]) -> None:
    """Calls hold so many keys at most, buckets and quotas apart, each in its order."""
    frames = frames_of(entries, keys)
    assert [len(frame) for frame in frames] == sizes
    kinds = [{type(entry.call) for entry in frame} for frame in frames]
    assert all(len(kind) == 1 for kind in kinds)
    in_order = [entry for frame in frames for entry in frame]
    assert in_order == [e for kind in (Acquire, QuotaCall) for e in entries if type(e.call) is kind]


def test_command_of_buckets() -> None:
    """Keys, then the store's own clock, then a packed call for each."""
    call = packed_bucket(TERMS, CALL)
    assert command(buckets(2)) == ("EVALSHA", ACQUIRE.sha, 2, "b0", "b1", 0, call, call)


def test_command_of_quotas() -> None:
    """Quotas have a script of their own."""
    assert command(quotas(1)) == ("EVALSHA", QUOTA.sha, 1, "q0", 0, packed_quota(QUOTA_CALL))


def test_calls_go_by_their_script() -> None:
    """Those of one script go together, in their order and few at once, since each reads and writes kilobytes; on a cluster one by one."""
    entries = [
        Entry(Asker(key=f"k{i}"), Call(name, f"k{i}", b"%d" % i)) for i, name in zip(range(40), cycle(get_args(ScriptName)), strict=False)
    ]
    frames = frames_of([*buckets(1), *entries], KEYS_PER_CALL)
    assert [type(entry.call) for entry in frames[0]] == [Acquire]
    for frame in frames[1:]:
        (name,) = {entry.call.script for entry in frame}
        keys, arguments = [entry.call.key for entry in frame], [entry.call.argument for entry in frame]
        assert command(frame) == ("EVALSHA", SCRIPTS[name].sha, len(frame), *keys, *arguments)
        assert len(frame) <= 16
    assert sorted(entry.call.key for frame in frames[1:] for entry in frame) == sorted(entry.call.key for entry in entries)
    for name in get_args(ScriptName):
        in_order = [entry for frame in frames[1:] for entry in frame if entry.call.script == name]
        assert in_order == [entry for entry in entries if entry.call.script == name]
    assert {len(frame) for frame in frames_of(entries, 1)} == {1}


def test_a_calls_answer_is_left_as_it_is() -> None:
    """It is a matter between whoever calls and the script."""
    assert read(Entry(Asker(), Call("book", "k", b"")), [1, b"state"]) == [1, b"state"]


def test_answers_are_read_by_kind() -> None:
    """A bucket's part of a reply is a grant, a quota's one of its own."""
    assert read(buckets(1)[0], [1, 2, 3, 4, 5, 0]) == Grant(1, 2, 3, 4, 5, [0])
    assert read(quotas(1)[0], [1, 2, 3, 4, 1, 0]) == QuotaGrant(1, 2, 3, 4, True, [0])


@pytest.mark.parametrize(
    ("reply", "word"),
    [([1], None), (b"OK", None), (ResponseError("LOADING the dataset"), "LOADING"), (ResponseError("ERR no"), "ERR")],
)
def test_code(reply: object, word: str | None) -> None:
    """An error is known by its first word; an answer has none."""
    assert code(reply) == word
