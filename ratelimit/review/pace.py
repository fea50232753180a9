"""How many rows go into one transaction, so that it takes about as long as it may: by what the last one took. Pure; seconds.

After one that took too long, be it by chance, the next is a quarter of it at least; from then on it may double each time. What is aimed at
is half of what is allowed, since rows differ.
"""

from typing import Final

FIRST: Final = 20
_PIECES: Final = (5, 5_000)  # rows, at least and at most
_CHANGES: Final = (0.25, 2.0)


class Pace:
    """For one kind of work. `rows` go into the next transaction, none of which is to take longer than `longest_s`."""

    def __init__(self, longest_s: float) -> None:
        self.rows = FIRST
        self._aim_s = longest_s / 2

    def took(self, rows: int, seconds: float) -> None:
        """A transaction with so many took so long."""
        if rows < self.rows and seconds < self._aim_s:  # there were no more: it says nothing of a full one
            return
        least, most = _CHANGES
        change = min(most, max(least, self._aim_s / max(seconds, 1e-6)))
        self.rows = min(_PIECES[1], max(_PIECES[0], int(rows * change)))
