"""How a call on quotas is written for `quota.lua`, and how its reply and its state read. The script's header is the contract."""

from struct import Struct, unpack
from typing import Final

from ratelimit.core.quota_counter import Operation, QuotaCall, QuotaCounter, QuotaGrant

_NUMBERS: Final = 5  # of one remembered operation


def packed(call: QuotaCall) -> bytes:
    """One counter's call as the doubles that the script unpacks."""
    count = len(call.needs)
    return Struct(f"<{11 + count}d").pack(
        call.amount, *call.bounds, call.extra, call.give_back, call.give_back_start, call.op, call.cancel, count, *call.needs
    )


def grant(reply: list[int]) -> QuotaGrant:
    """One counter's part of the reply."""
    return QuotaGrant(reply[0], reply[1], reply[2], reply[3], bool(reply[4]), reply[5:])


def counter(state: bytes | None) -> QuotaCounter:
    """What the store keeps for a quota, as the core's own; for tests and inspection."""
    if state is None:
        return QuotaCounter()
    start, used, *rest = map(int, unpack(f"<{len(state) // 8}d", state))
    groups = zip(*[iter(rest)] * _NUMBERS, strict=True)
    return QuotaCounter(start, used, [Operation(*group) for group in groups])
