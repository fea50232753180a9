"""What a supervisor and its workers tell one another. Every question has one answer, and answers come in the order of the questions.

There is no word for the end: a worker drains when the channel ends, be it that we close it or that we are gone.
"""

from typing import Final, Self

from msgspec import Struct
from msgspec.msgpack import Decoder
from prometheus_client.core import Metric

from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import PolicyFile
from ratelimit.core.record import Record
from ratelimit.sidecar import Terms


class Told(Struct, frozen=True):
    """A policy, already judged."""

    file: PolicyFile
    source: str
    warnings: tuple[str, ...]
    listed: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """To be sent."""
        return cls(policy.file, policy.source, policy.warnings, dict(policy.listed))

    def policy(self) -> Policy:
        """As it was sent. Where it has long lists that takes a while, so ask for it in a thread."""
        return Policy(self.file, self.source, self.warnings, self.listed)


class Start(Struct, frozen=True, tag=True):
    """The first question: serve. `sockets` are inherited descriptors; the answer is Done or Failed."""

    number: int
    terms: Terms
    policy: Told
    sockets: list[int]
    log_level: str
    log_format: str


class Adopt(Struct, frozen=True, tag=True):
    """Put this policy in force; the answer is Done."""

    policy: Told


class Look(Struct, frozen=True, tag=True):
    """How do you do? The answer is Seen."""


class Latest(Struct, frozen=True, tag=True):
    """So many of the latest refusals; the answer is Found."""

    most: int


class Find(Struct, frozen=True, tag=True):
    """The refusal with this id; the answer is Found, with one or none."""

    reference: str


class Done(Struct, frozen=True, tag=True):
    """As you say."""


class Failed(Struct, frozen=True, tag=True):
    """It cannot be; `message` is for the person who started us."""

    message: str
    exit_code: int


class Family(Struct, frozen=True, array_like=True):
    """A metric family as plain data."""

    name: str
    meaning: str
    type: str
    samples: list[tuple[str, dict[str, str], float]]

    @classmethod
    def of(cls, metric: Metric) -> Self:
        """To be sent."""
        return cls(
            metric.name, metric.documentation, metric.type, [(name, labels, float(value)) for name, labels, value, *_ in metric.samples]
        )

    def metric(self) -> Metric:
        """As it was sent."""
        metric = Metric(self.name, self.meaning, self.type)
        for name, labels, value in self.samples:
            metric.add_sample(name, labels, value)
        return metric


class Seen(Struct, frozen=True, tag=True):
    """What a worker counted, and how it is."""

    families: list[Family]
    store_away: bool
    problem: str | None


class Found(Struct, frozen=True, tag=True):
    """Refusals, latest first."""

    records: list[Record]


Question = Start | Adopt | Look | Latest | Find
Answer = Done | Failed | Seen | Found
QUESTIONS: Final[Decoder[Question]] = Decoder(Question)
ANSWERS: Final[Decoder[Answer]] = Decoder(Answer)
