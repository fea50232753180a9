"""Which ids were met lately, in bounded memory: of two generations the older is forgotten when the younger is full."""

from typing import Final

GENERATION: Final = 32_768  # ids; so many at least are remembered, and at most twice as many: some 10 MB


class LatestIds:
    """Remembers the latest ids."""

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._young: set[str] = set()
        self._old: set[str] = set()

    def meets(self, one: str) -> bool:
        """Whether it is met for the first time, as far as is remembered."""
        if one in self._young or one in self._old:
            return False
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, set()
        self._young.add(one)
        return True
