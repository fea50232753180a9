"""Has the decisions of a sidecar recorded: refusals, a sample of what is allowed, purchases, and how many there were of each kind."""

import time
from functools import partial
from random import random

from ratelimit.core.message import Decided
from ratelimit.core.protocols import AddressBook
from ratelimit.service.allow_sample import AllowSample
from ratelimit.service.bought import bought_of
from ratelimit.service.decided import decided_of
from ratelimit.service.limiter import Limiter
from ratelimit.service.purchases import Purchases
from ratelimit.service.recent import Row
from ratelimit.service.recorder import Recorder
from ratelimit.service.stopwatch import Stopwatch
from ratelimit.service.traffic_count import TrafficCount


def record(recorder: Recorder, limiter: Limiter, purchases: Purchases, book: AddressBook, allow_share: float) -> TrafficCount:
    """From now on all of it goes to `recorder`; who runs what is given back has the counts recorded as well."""
    limiter.answers.recent.tell = partial(recorder.later, decided_of)
    limiter.sample = AllowSample(allow_share, lambda row, weight: recorder.later(_sampled, (row, weight)), random)
    purchases.tell = partial(recorder.later, partial(bought_of, book=book))
    limiter.stopwatch = stopwatch = Stopwatch()
    return TrafficCount(lambda: limiter.answers.decided, stopwatch.p99_us, recorder.put, time.time)


def _sampled(what: tuple[Row, float]) -> Decided:
    return decided_of(*what)
