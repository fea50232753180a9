"""A sum of money that may be taken in parts, such as what a day's lots may cost.

It is kept by `allowance.lua`, whose header is the contract.
"""

from struct import Struct as Layout
from typing import Final

from ratelimit.core.call import Call

KEPT_S: Final = 2 * 86_400
MOST: Final = 2**52  # minor units: a script's numbers hold two of them exactly

_CALL: Final = Layout("<IQQ")


def taking(key: str, all_: int, part: int) -> Call:
    """The call that takes a part if it fits; the answer is 1 if it did."""
    return Call("allowance", key, _CALL.pack(KEPT_S, min(all_, MOST), min(part, MOST)))
