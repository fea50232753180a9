"""The call that takes a part of a sum."""

import struct

from ratelimit.core.allowance import KEPT_S, MOST, taking


def test_call() -> None:
    """It says how long the sum is kept, what it is in all, and the part; neither more than a script's numbers hold."""
    call = taking("k", 10_000, 2**60)
    assert (call.script, call.key) == ("allowance", "k")
    assert struct.unpack("<IQQ", call.argument) == (KEPT_S, 10_000, MOST)
