"""Which subjects the model would have a person look at."""

from collections import Counter
from typing import Any

import numpy as np

from ratelimit.core.message import Flagged
from ratelimit.core.policy import Policy
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signals import Kind
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.candidates import Candidates
from ratelimit.service.flags import Flags
from ratelimit.service.watch import Watch
from tests.service.purchase_site import policy

T0 = 1_790_000_000.0 // 86_400 * 86_400
RISK = {"requests": {"model": "m", "throttle": {"above": 0.9, "bucket": {"capacity": 1}}}}


class Site:
    def __init__(self, found: Policy | None = None) -> None:
        self.now = T0
        self.told: list[Any] = []
        reason = (SignalReason("addresses", 9.0, 1.0, 2.0, 0.01),)
        flags = Flags(self.told.append, StoreKeys(bytes(32)))
        self.candidates = Candidates(flags, lambda _kind, _signals: reason, found or policy(risk=RISK), lambda: self.now)

    def score(self, risks: dict[str | bytes, float | None], kind: Kind = "account", after: float = 1.0) -> list[Flagged]:
        self.now += after
        watches = [Watch(kind, value, str(value)) for value in risks]
        for watch, risk in zip(watches, risks.values(), strict=True):
            watch.risk, watch.signals = risk, b"\0" * 8
        self.candidates(kind, watches, np.zeros((len(watches), 1)))
        told = list(self.told)
        self.told.clear()
        return told


def test_above_the_bound_once_a_day() -> None:
    """With what is unusual and its risk, whatever else is scored with it."""
    site = Site()
    (flag,) = site.score({"a": 0.95, "b": 0.9, "c": None})
    assert (flag.kind, str(flag.anchor.target), flag.risk, flag.signals[0].signal) == ("model", "account:a", 0.95, "addresses")
    assert site.score({"a": 0.99}) == []
    flags = [one for one in site.score({"a": 0.99}, after=86_400.0) if one.kind == "model"]
    assert len(flags) == 1
    assert flags[0].source != flag.source


def test_an_address() -> None:
    """It is named as words about it name it."""
    (flag,) = Site().score({bytes([203, 0, 113, 7]): 0.95}, "ip")
    assert str(flag.anchor.target) == "ip:203.0.113.7"


def test_without_a_model() -> None:
    """Nothing is told where the policy has no bound."""
    assert Site(policy()).score({"a": 0.99, "b": 0.1}) == []


def test_one_by_lot_each_hour() -> None:
    """Each that is not flagged is as likely, however often it is scored; accounts come before addresses."""
    found = Counter[str]()
    for _ in range(300):
        site = Site()
        site.score({b"\x01\x02\x03\x04": 0.1}, "ip")
        for _ in range(9):
            site.score({"busy": 0.1, "risky": 0.95})
        site.score({"busy": 0.1, "quiet": 0.2})
        (flag,) = [one for one in site.score({"later": 0.1}, after=3_600.0) if one.kind == "audit"]
        found[flag.anchor.value] += 1
        assert 0 <= flag.chance < 1
    assert found.keys() == {"busy", "quiet"}
    assert abs(found["busy"] - 150) < 45  # five standard deviations
