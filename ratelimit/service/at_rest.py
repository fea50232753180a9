"""When a thing that others write counts as new: once two looks in a row find the same, so that what is half written is never taken."""


class AtRest:
    """Remembers what was seen and what was judged; any values that can be compared. `judged` is what was taken before the first look."""

    def __init__(self, judged: object = None) -> None:
        self._seen: object = None
        self._judged = judged

    def is_new(self, seen: object) -> bool:
        """Whether `seen` is what the look before saw too, and is yet to be judged: which it is from now on."""
        at_rest, self._seen = seen == self._seen, seen
        if not at_rest or seen == self._judged:
            return False
        self._judged = seen
        return True
