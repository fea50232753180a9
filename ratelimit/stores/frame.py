"""How composed calls become script calls: many buckets in one, since that costs a node a fraction of one call each."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

from redis.exceptions import ResponseError

from ratelimit.core.bucket import Acquire, Terms
from ratelimit.core.call import Call
from ratelimit.core.profile import Census, Merge
from ratelimit.core.protocols import Asking, BucketAsking
from ratelimit.core.quota_counter import QuotaCall
from ratelimit.stores import acquire, census, profile, quota
from ratelimit.stores.link import ACQUIRE, CENSUS, PROFILE, QUOTA, SCRIPTS, Command

KEYS_PER_CALL: Final = 64  # some 0.5 ms of the node's time, which it gives to nobody else meanwhile
_PROFILES_PER_CALL: Final = 16  # each takes several times as long as a bucket
_CALLS_AT_ONCE: Final = 16  # as many: they read and write kilobytes
# keys in a script call, by the type of the calls or the name of their script, in the order in which they go out
_MOST: Final[dict[Any, int]] = {
    Acquire: KEYS_PER_CALL,
    QuotaCall: KEYS_PER_CALL,
    Merge: _PROFILES_PER_CALL,
    Census: 1,
    **dict.fromkeys(SCRIPTS, _CALLS_AT_ONCE),
}
_AS_IT_IS: Final = frozenset({Merge, Census, Call})  # their answers need no reading here
_STORE_TIME: Final = 0  # the scripts' clock argument in production


class Entry(NamedTuple):
    """A call that was composed, and whose it is; its type says which script it is for."""

    asking: Asking
    call: Any
    hops: int = 0  # nodes that sent it on


Frame = Sequence[Entry]  # what one script call carries


def frames_of(entries: Sequence[Entry], keys_per_call: int) -> list[Frame]:
    """Cut what is to be asked into script calls; buckets, quotas, profiles and their number have scripts of their own."""
    by_script: dict[Any, list[Entry]] = {}
    for entry in entries:
        kind = type(entry.call)
        by_script.setdefault(entry.call.script if kind is Call else kind, []).append(entry)
    frames: list[Frame] = []
    for script, at_most in _MOST.items():
        if same := by_script.get(script):
            most = min(keys_per_call, at_most)
            frames.extend(same[i : i + most] for i in range(0, len(same), most))
    return frames


def command(frame: Frame) -> Command:
    """The EVALSHA of a frame."""
    keys = [entry.asking.key for entry in frame]
    kind = type(frame[0].call)
    if kind is Call:
        return ("EVALSHA", SCRIPTS[frame[0].call.script].sha, len(frame), *keys, *[entry.call.argument for entry in frame])
    if kind is Merge:
        return ("EVALSHA", PROFILE.sha, len(frame), *keys, *[profile.packed(entry.call) for entry in frame])
    if kind is Census:
        return ("EVALSHA", CENSUS.sha, 1, *keys, *census.arguments(frame[0].call))
    if kind is QuotaCall:
        return ("EVALSHA", QUOTA.sha, len(frame), *keys, _STORE_TIME, *[quota.packed(entry.call) for entry in frame])
    return ("EVALSHA", ACQUIRE.sha, len(frame), *keys, _STORE_TIME, *[acquire.packed(_terms(entry), entry.call) for entry in frame])


def _terms(entry: Entry) -> Terms:
    return cast(BucketAsking, entry.asking).terms


def read(entry: Entry, answer: Any) -> Any:
    """One bucket's, quota's or profile's part of a reply, or the number of profiles."""
    kind = type(entry.call)
    if kind in _AS_IT_IS:
        return answer
    return quota.grant(answer) if kind is QuotaCall else acquire.grant(answer)


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
