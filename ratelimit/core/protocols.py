"""Where the folders meet that do not know one another: the store and those who ask it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ratelimit.core.address_facts import AddressFacts
from ratelimit.core.agent import AgentClass
from ratelimit.core.bucket import Acquire, Grant, Terms
from ratelimit.core.call import Call
from ratelimit.core.identity import Caller
from ratelimit.core.profile import Census, Merge
from ratelimit.core.quota_counter import QuotaCall, QuotaGrant
from ratelimit.core.risk import Risk
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signals import Kind, Rows
from ratelimit.core.spread import Spread
from ratelimit.core.standing_change import Change


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


class CensusAsking(Protocol):
    """The same for the number of profiles in the sample."""

    key: str

    def compose(self, now_us: int) -> Census | None:
        """The call to send, or None if nothing is to be told or asked."""

    def answered(self, call: Census, count: int, sent_us: int, now_us: int) -> None:
        """The number after `call`, however late."""

    def overdue(self) -> None:
        """The call is under way for too long to be waited for; its answer may still come."""

    def unanswered(self, call: Census | None, now_us: int) -> None:
        """No answer: `call` may have been executed; None: nothing was sent."""


class CallAsking(Protocol):
    """The same for a call that somebody waits for."""

    key: str

    def compose(self, now_us: int) -> Call | None:
        """The call to send, or None if nobody waits any more."""

    def answered(self, call: Call, answer: Any, sent_us: int, now_us: int) -> None:
        """What the script replied for this key, however late."""

    def overdue(self) -> None:
        """The call is under way for too long to be waited for; its answer may still come."""

    def unanswered(self, call: Call | None, now_us: int) -> None:
        """No answer: `call` may have been executed; None: nothing was sent."""


Asking = BucketAsking | QuotaAsking | ProfileAsking | CensusAsking | CallAsking


class Store(Protocol):
    """The one place that counts for all sidecars."""

    def want(self, asking: Asking, *, urgent: bool = True) -> bool:
        """Ask with the next pipeline; wanting twice is once. False: the store is known to be away, and nothing will be sent.

        What is not `urgent` may wait some milliseconds for others to go with.
        """


class Words(Protocol):
    """Whoever keeps the words that stand, as a feed tells of them: what is read of all comes between `begun` and `finish`."""

    def begin(self) -> None:
        """All are about to be read."""

    def begun(self, position: bytes) -> None:
        """The stream of changes has come to this revision; now they are read."""

    def read(self, words: Mapping[bytes, bytes]) -> None:
        """Some of all, by id, as the hash has them after what was `changed` last."""

    def changed(self, changes: Iterable[Change]) -> None:
        """What the stream tells, in its order."""

    def finish(self) -> Iterator[None]:
        """That were all. Done piece by piece: between two the loop may turn."""

    def expire(self) -> None:
        """Time has gone on."""


class AddressBook(Protocol):
    """What is known of addresses, and of what clients say they are."""

    def facts(self, packed: bytes) -> AddressFacts:
        """The facts of an address."""

    def agent_class(self, user_agent: str | None, facts: AddressFacts | None) -> AgentClass:
        """What a client is taken for, at an address of which these are the facts."""


class Scorer(Protocol):
    """A model of how unusual a subject is. `version` is the first 12 hex digits of its artifact's digest."""

    @property
    def version(self) -> str:
        """As files and metrics name it."""

    def score(self, kind: Kind, rows: Rows, plans: Sequence[str | None]) -> NDArray[np.float64]:
        """The risk of each row of signals, 0..1; NaN where there is none: the model is not calibrated, or too much is missing."""

    def reasons(self, kind: Kind, row: NDArray[np.float64]) -> tuple[SignalReason, ...]:
        """The three signals that are farthest in their tails."""

    def spread(self, kind: Kind) -> Spread | None:
        """How signals, and behind them risks, were spread on the days that it was ranked on; the same object each time."""


class RiskModel(Scorer, Protocol):
    """A model as it comes from its folder, for those who decide whether it may serve, or watch it."""

    @property
    def calibrated(self) -> bool:
        """Whether scores were ranked on the site's own days; without that there is no risk, and nothing to enforce."""

    def raw(self, kind: Kind, rows: Rows) -> NDArray[np.float64]:
        """The score of each row, 0..1, the higher the more unusual: a share of nothing, but there before calibration."""

    def p_fraud(self, kind: Kind, rows: Rows) -> NDArray[np.float64]:
        """The probability of fraud of each row; NaN where no labels taught it."""


class PurchaseScorer(Protocol):
    """A model of purchases. `version` is the first 12 hex digits of its artifact's digest."""

    @property
    def version(self) -> str:
        """As files and metrics name it."""

    @property
    def calibrated(self) -> bool:
        """Whether scores were ranked on the site's own purchases; without that there is no risk, and nothing to enforce."""

    def score(self, rows: Rows) -> NDArray[np.float64]:
        """The risk of each row of core/purchase_signals, 0..1; NaN where there is none."""

    def p_fraud(self, rows: Rows) -> NDArray[np.float64]:
        """The probability of fraud of each row; NaN where no labels taught it."""

    def reasons(self, row: NDArray[np.float64]) -> tuple[SignalReason, ...]:
        """The three signals that are farthest in their tails."""


class Risks(Protocol):
    """What is known of callers' risks at this moment."""

    def risk_of(self, caller: Caller) -> Risk | None:
        """The risk that a request carries: the larger of its key's and its account's, or its address's where it has neither."""


Clock = Callable[[], int]  # microseconds, never going back while the machine runs
