"""How what is asked becomes script calls."""

import pytest
from redis.exceptions import ResponseError

from ratelimit.core.bucket import Acquire, Grant
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant
from ratelimit.stores.acquire import packed as packed_bucket
from ratelimit.stores.frame import KEYS_PER_CALL, Entry, code, command, frames_of, read
from ratelimit.stores.link import ACQUIRE, QUOTA
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
