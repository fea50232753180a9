"""What goes wrong when people work on cases, in words for them."""


class CaseError(Exception):
    """It was not done; the text says what did not happen, why, and what now."""


class NotFoundError(CaseError):
    """There is no such case."""


class ConflictError(CaseError):
    """Somebody was faster: the case is not as whoever asks has seen it."""


class LockedError(CaseError):
    """Somebody else has it open: `by` by name, `until` seconds since the epoch."""

    def __init__(self, text: str, by: str, until: float) -> None:
        super().__init__(text)
        self.by, self.until = by, until


class ForbiddenError(CaseError):
    """Whoever asks may not, such as a second review of one's own case."""
