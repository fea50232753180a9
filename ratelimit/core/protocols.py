"""Where the folders meet that do not know one another: the store and those who ask it."""

from collections.abc import Callable
from typing import Protocol

from ratelimit.core.bucket import Acquire, Grant, Terms
from ratelimit.core.profile import Merge
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant


class BucketAsking(Protocol):
    """One who wants a bucket to be asked. The store pulls: the call is composed at the last moment before the bytes are written."""

    key: str
    terms: Terms

    def compose(self, now_us: int) -> Acquire | None:
        """The call to send, or None if nothing is to be asked any more."""

    def answered(self, call: Acquire, grant: Grant, sent_us: int, now_us: int) -> None:
        """The answer to `call`, however late."""

    def overdue(self) -> None:
        """The call is under way for too long to be waited for; its answer may still come."""

    def unanswered(self, call: Acquire | None, now_us: int) -> None:
        """No answer: `call` may have been executed; None: nothing was sent."""


class QuotaAsking(Protocol):
    """The same for a quota."""

    key: str
    terms: None

    def compose(self, now_us: int) -> QuotaCall | None:
        """The call to send, or None if nothing is to be asked any more."""

    def answered(self, call: QuotaCall, grant: QuotaGrant, sent_us: int, now_us: int) -> None:
        """The answer to `call`, however late."""

    def overdue(self) -> None:
        """The call is under way for too long to be waited for; its answer may still come."""

    def unanswered(self, call: QuotaCall | None, now_us: int) -> None:
        """No answer: `call` may have been executed; None: nothing was sent."""


class ProfileAsking(Protocol):
    """The same for a profile; what comes back is its packed state, empty where there is none."""

    key: str

    def compose(self, now_us: int) -> Merge | None:
        """The merge to send, or None if nothing is to be told any more."""

    def answered(self, call: Merge, state: bytes, sent_us: int, now_us: int) -> None:
        """The profile after `call`, however late."""

    def overdue(self) -> None:
        """The call is under way for too long to be waited for; its answer may still come."""

    def unanswered(self, call: Merge | None, now_us: int) -> None:
        """No answer: `call` may have been executed; None: nothing was sent."""


Asking = BucketAsking | QuotaAsking | ProfileAsking


class Store(Protocol):
    """The one place that counts for all sidecars."""

    def want(self, asking: Asking, *, urgent: bool = True) -> bool:
        """Ask with the next pipeline; wanting twice is once. False: the store is known to be away, and nothing will be sent.

        What is not `urgent` may wait some milliseconds for others to go with.
        """


Clock = Callable[[], int]  # microseconds, never going back while the machine runs
