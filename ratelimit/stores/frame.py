"""How composed calls become script calls: many buckets in one, since that costs a node a fraction of one call each."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from redis.exceptions import ResponseError

from ratelimit.core.protocols import Asking
from ratelimit.stores import acquire, quota
from ratelimit.stores.link import ACQUIRE, QUOTA, Command

KEYS_PER_CALL: Final = 64  # some 0.5 ms of the node's time, which it gives to nobody else meanwhile
_STORE_TIME: Final = 0  # the script's clock argument in production


class Entry(NamedTuple):
    """A call that was composed, and whose it is. A quota has no terms."""

    asking: Asking
    call: Any
    hops: int = 0  # nodes that sent it on


Frame = Sequence[Entry]  # what one script call carries


def frames_of(entries: Sequence[Entry], keys_per_call: int) -> list[Frame]:
    """Cut what is to be asked into script calls; buckets and quotas have scripts of their own."""
    frames: list[Frame] = []
    for is_quota in (False, True):
        same = [entry for entry in entries if (entry.asking.terms is None) is is_quota]
        frames.extend(same[i : i + keys_per_call] for i in range(0, len(same), keys_per_call))
    return frames


def command(frame: Frame) -> Command:
    """The EVALSHA of a frame."""
    script, calls = ACQUIRE, []
    for asking, call, _ in frame:
        if asking.terms is None:
            script = QUOTA
            calls.append(quota.packed(call))
        else:
            calls.append(acquire.packed(asking.terms, call))
    return ("EVALSHA", script.sha, len(frame), *[entry.asking.key for entry in frame], _STORE_TIME, *calls)


def read(entry: Entry, answer: list[int]) -> Any:
    """One bucket's or quota's part of a reply."""
    return quota.grant(answer) if entry.asking.terms is None else acquire.grant(answer)


def code(reply: Any) -> str | None:
    """The first word of an error reply, such as MOVED; None for an answer."""
    if not isinstance(reply, ResponseError):
        return None
    return reply.status_code or _NAMED.get(type(reply).__name__) or str(reply).partition(" ")[0]


# where redis-py takes the word off and keeps it as a class alone
_NAMED: Final = {
    "NoScriptError": "NOSCRIPT",
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "NoPermissionError": "NOPERM",
    "MovedError": "MOVED",
    "AskError": "ASK",
    "TryAgainError": "TRYAGAIN",
    "ClusterDownError": "CLUSTERDOWN",
    "MasterDownError": "MASTERDOWN",
}
