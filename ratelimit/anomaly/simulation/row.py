"""A line of the simulated log as numbers: one fixed-size row, so that a subject's whole day is made, merged and sorted by NumPy.

Texts (addresses, keys, paths, agents) are numbers here too and become texts when a line is written. 0 stands for: no key, no account.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

# the two halves of an IPv6 address; an IPv4 address is `low` alone
ADDRESS: Final = np.dtype([("high", "<u8"), ("low", "<u8")])
ROW: Final = np.dtype(
    [
        ("time_ms", "<i8"),  # since the epoch
        ("kind", "i1"),  # index into KINDS
        ("route", "i1"),  # index into route.ROUTES
        ("item", "<i8"),  # which picture, file or query of that route
        ("status", "<i2"),
        ("bytes", "<i8"),  # of the answer
        ("latency_ms", "<f4"),
        ("cost", "<i2"),  # tokens
        ("address", ADDRESS),
        ("agent", "<i2"),  # index into agent.AGENTS
        ("key", "<u8"),
        ("account", "<u8"),
        ("plan", "i1"),  # index into PLANS
    ]
)
KINDS: Final = ("request", "signup", "login", "login_failed", "key_created", "trial_granted")
REQUEST, SIGNUP, LOGIN, LOGIN_FAILED, KEY_CREATED, TRIAL_GRANTED = range(len(KINDS))
PLANS: Final = ("free", "starter", "pro", "business")
FREE, STARTER, PRO, BUSINESS = range(len(PLANS))
DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000

Rows = NDArray[np.void]
Numbers = NDArray[np.int64]


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one after another; none of none."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, ROW)


def in_order(rows: Rows) -> Rows:
    """The same rows by time; those of one instant keep their order."""
    ordered: Rows = rows[np.argsort(rows["time_ms"], kind="stable")]
    return ordered
