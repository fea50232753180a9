"""A call on one key of the store that somebody waits for, such as one of a purchase.

What stands in the argument and in the reply is a matter between whoever calls and the script, whose header is the contract.
"""

from typing import Literal, NamedTuple

ScriptName = Literal[
    "allowance", "attempt", "book", "forget", "inbox", "overlay", "reach", "records", "session", "standing", "tally", "velocity", "webhook",
]  # fmt: skip


class Call(NamedTuple):
    """Runs `script` on `key` with one argument."""

    script: ScriptName
    key: str
    argument: bytes
