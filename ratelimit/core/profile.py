"""What is remembered of a subject's behaviour, and how a sidecar tells the store what it saw: the layout that Python, NumPy and Lua share.

A *profile* holds counters that decay exponentially, with half-lives of 10 s, 10 min, 1 day and 14 days, and distinct counts of this hour
and the one before. Time goes in *ticks*, whole seconds since the epoch. What one sidecar saw of one subject in one tick is a *part*: plain
counts. Decay is from tick to tick and happens in one place, `profile.lua`; so parts can be merged in any order, by any sidecar, and a log
that is replayed gives the profiles that live traffic gave.

Distinct counts are linear counting: each value sets one bit of m, and of n values about m·exp(-n/m) bits stay unset, so n ≈ -m·ln(unset/m)
(Whang, Vander-Zanden and Taylor 1990). With 256 bits the error is 5 % at 100 and 11 % at 1,000; where all bits are set it is `saturated`.
Which bit is a keyed hash's choice: who does not know the key cannot choose paths that share one.

Nothing here identifies anybody: a profile says how much, not what.
"""

from typing import Final, NamedTuple

import numpy as np

from ratelimit.core.store_key import PROFILE

HALF_LIVES_S: Final = (10, 600, 86_400, 1_209_600)
TICKS_PER_HOUR: Final = 3_600
TICKS_PER_DAY: Final = 86_400
LONGEST_GAP_S: Final = 3_600  # between two active ticks; a longer one is a pause, and says nothing of a rhythm
BITS: Final = 256  # of paths, peers and networks
FEW_BITS: Final = 64  # of agents and countries
SATURATED: Final = 1_400  # values; what 256 bits count to

SHORTEST_LIFE_S: Final = TICKS_PER_DAY  # a profile lives for a day, and a second longer for each that it is old, up to the longest
LONGEST_LIFE_S: Final = 14 * TICKS_PER_DAY

# What a part counts, in the order in which it is packed. All but the first nine decay with one half-life only.
COUNTS: Final = (
    "attempts",  # asked for, whatever the answer
    "requests",  # passed; all below but the last ten are of these
    "answered",  # with a status that we were told
    "errors",  # 4xx; the owner's own 5xx are nobody's fault
    "denied",  # 401 and 403
    "cost",  # tokens
    "bytes",
    "failed_logins",
    "logins",  # failed or not
    "browser",  # attempts by the class of their user agent, see core/agent
    "library",
    "crawler",
    "impostor",
    "no_agent",
    "hosting",  # attempts from such networks
    "vpn",
    "placed",  # attempts with an address of which it is known what network it is in
    "signups",
)
PART_COUNTS: Final = len(COUNTS)
_SHORT: Final = COUNTS[:2]
_BOTH: Final = COUNTS[:9]
GAPS: Final = ("gaps", "gap_sum", "gap_squares")  # between active ticks: how many, Σx, Σx²; a day's half-life

COUNTERS: Final = (
    *(f"{name}_10s" for name in _SHORT),
    *(f"{name}_10m" for name in _BOTH),
    *(f"{name}_1d" for name in COUNTS),
    *(f"{name}_1d" for name in GAPS),
    *(f"{name}_14d" for name in _SHORT),
)
DISTINCT: Final = (("paths", BITS), ("peers", BITS), ("networks", BITS), ("agents", FEW_BITS), ("countries", FEW_BITS))

# The state as `profile.lua` packs it, and behind it, in its reply only, the tick before the merge (-1: there was no profile).
STATE: Final = np.dtype(
    [
        ("at", "<f8"),  # the latest tick that was merged; counters are as of it
        ("first", "<f8"),
        ("last", "<f8"),  # latest active tick
        ("hour", "<f8"),  # which the distinct counts are of
        ("hours", "<f8"),  # 24 bits: active hours, by hour of the epoch modulo 24
        ("risk", "<f4"),  # as scored last by any sidecar; NaN: not known
        ("model", "<u4"),  # by which model: the first 4 bytes of its digest
        ("hour_requests", "<f4"),
        ("before_requests", "<f4"),  # the hour before
        *((name, "<f4") for name in COUNTERS),
        *((name, "<u8", (bits // 64,)) for name, bits in DISTINCT),
        *((f"{name}_before", "<u8", (bits // 64,)) for name, bits in DISTINCT),
        ("was_at", "<f8"),
    ]
)
STATE_BYTES: Final = STATE.itemsize - 8  # in the store, without was_at


class Merge(NamedTuple):
    """What a sidecar tells the store of one subject: packed parts, packed distinct bits, and the risk that it scored last."""

    parts: bytes  # doubles: tick and COUNTS, for each part, in the order of time
    bits: bytes  # of DISTINCT, of the last part's hour
    risk: float  # NaN: not known
    model: int
    only_known: bool  # merge nothing where there is no profile yet


class Census(NamedTuple):
    """A call to count profiles by a sample: who of it was told, and when each lapses."""

    now_s: int
    ends: tuple[tuple[str, int], ...]


SAMPLE_ONE_IN: Final = 64  # letters that a name's digest is written in


def in_sample(name: str) -> bool:
    """Whether a profile of that name is one of the sample."""
    return name.startswith(f"{PROFILE}A")


def life_s(age_s: float) -> float:
    """How long a profile of that age is kept after its latest tick."""
    return min(SHORTEST_LIFE_S + age_s, LONGEST_LIFE_S)
