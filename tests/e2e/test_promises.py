"""Promises 1 to 3 on real stores, with real sidecar processes: never more than the limit, a refusal costs nothing, few calls.

No time is asserted: windows are judged by the instants that admissions carry, and where the machine was too busy to offer the load, the run
is done once more.
"""

import math
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from bench.traffic.ledger import Rate
from ratelimit.stores import acquire
from tests.e2e import plans
from tests.e2e.conftest import Server
from tests.e2e.diary import Admission, Request
from tests.e2e.fleet import Fleet, Member, fleet, proxied, wait_until
from tests.e2e.ledger import Books, books, central, mints
from tests.e2e.sidecar import PERIOD_US, Plan

pytestmark = pytest.mark.timeout(400)  # a guard against a hang: eight processes start, and on a busy machine once more
SIDECARS = 8
FAULTY = {4, 5, 6, 7}  # behind the proxy
KILLED = (3, 6, 7)
STOPPED = 2  # and continued, as by a host that gives no time to it for a while
TRIES = 2


class Run(NamedTuple):
    """What is left of processes that ran together."""

    members: list[Member]
    admissions: list[Admission]
    requests: list[Request]
    charged: dict[str, int]  # tokens that each bucket of the limit `loose`, which hardly refills, is short of
    buckets_executed: int
    scripts_executed: int

    def books(self, policy: str) -> dict[str, dict[str, Books]]:
        return books(self.admissions, plans.rates(policy))

    @property
    def lapsed(self) -> int:
        """The most tokens that lapsed in leases because the machine gave a process no turn: none, if it is not busy."""
        return plans.LEASE * sum(member.report.stalls for member in self.members if member.report)


@pytest.fixture(params=["valkey", "redis", "cluster"], scope="module")
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def drive(server: Server, told: Sequence[Plan], during: Callable[[Fleet, int], None] | None = None) -> Run:
    """Run processes from full buckets and statistics of 0, `during` the run do something, and gather what is left."""
    with fleet(told) as running:
        server.on_each("FLUSHALL")
        server.on_each("CONFIG", "RESETSTAT")
        start = running.start()
        if during:
            during(running, start)
        running.wait()
        executed = server.executed("get"), server.executed("evalsha")  # the script reads each bucket once
        assert not any(report.ordinary for report in running.reports), "what was to take the shortcut did not"
        admissions = running.admissions()
        moved = max(report.clock_moved_us for report in running.reports)
        assert moved <= 1, f"the machine's clock was set by {moved} us during the run, so its windows say nothing"
        charged = {bucket: short_of(server, bucket) for bucket in {line.bucket for line in admissions if line.limit == "loose"}}
        return Run(running.members, admissions, running.requests(), charged, *executed)


def short_of(server: Server, bucket: str) -> int:
    state = acquire.bucket(server.get(bucket))
    return -(-state.debt // state.per)


def hurt(running: Fleet, start: int, server: Server) -> None:
    """Stop one in a burst and wake it up in the next, kill others, and let the nodes forget the scripts, while all are busy."""
    for i in KILLED:
        start += PERIOD_US
        wait_until(start + 20_000)
        running.members[STOPPED].signal(signal.SIGSTOP)
        start += PERIOD_US
        wait_until(start + 10_000)
        running.members[STOPPED].signal(signal.SIGCONT)
        running.members[i].signal(signal.SIGKILL)
        server.on_each("SCRIPT", "FLUSH")


@pytest.fixture(scope="module")
def hurt_run(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Eight sidecars, half of them behind a network that misbehaves, some stopped or killed."""
    for _ in range(TRIES):
        folder = tmp_path_factory.mktemp("faults")
        with proxied(server.ports, seed=1) as detour:
            told = [plans.under_faults(server, folder, i, detour if i in FAULTY else {}) for i in range(SIDECARS)]
            run = drive(server, told, lambda running, start: hurt(running, start, server))
        if all(fullest(run, limit) > -plans.rates(plans.FAULTS)[limit].capacity / 2 for limit in ("hot", "bursty", "shared")):
            return run
    pytest.fail(f"this machine is too busy: {SIDECARS} processes could not ask for more than the buckets refill, in {TRIES} runs")


def fullest(run: Run, limit: str) -> float:
    """How near the worst window of a limit came to all that it may hold; 0 is there."""
    return max((book.over for book in run.books(plans.FAULTS)[limit].values()), default=-math.inf)


def ideal(run: Run, rate: Rate) -> float:
    """The most that a bucket may admit while the run lasts."""
    return rate.capacity + rate.num * (run.requests[-1].at - run.requests[0].at) / rate.per


def possible(run: Run, load: str, rate: Rate) -> int:
    """What a central bucket would have admitted of the requests as they came."""
    return central(((line.at, line.cost) for line in run.requests if line.load == load), rate)


def offered(run: Run, load: str, rate: Rate) -> bool:
    """Whether so much was asked so steadily that a central bucket would have admitted half of all it may: a busy machine asks less."""
    return possible(run, load, rate) >= 0.5 * ideal(run, rate)


@pytest.fixture(scope="module")
def steady_run(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Eight sidecars under steady overload, without a fault."""
    for _ in range(TRIES):
        folder = tmp_path_factory.mktemp("steady")
        run = drive(server, [plans.steady(server, folder, i) for i in range(SIDECARS)])
        rate = plans.rates(plans.STEADY)["tight"]
        if offered(run, "hot", rate) and offered(run, "cheap", rate):
            return run
    pytest.fail(f"this machine is too busy: {SIDECARS} processes could not ask for more than the buckets refill, in {TRIES} runs")


class TestFaults:
    """Lost and late replies, processes that are stopped and killed, scripts that are forgotten."""

    def test_no_window_holds_more_than_the_limit(self, hurt_run: Run) -> None:
        """Promise 1: over every window w, all sidecars together admit at most capacity + refill * w, in every bucket."""
        found = hurt_run.books(plans.FAULTS)
        most = {"hot": 1, "bursty": 1, "shared": 6, "tiny": 6, "loose": SIDECARS}
        counts = {limit: len(buckets) for limit, buckets in found.items()}
        assert counts | {"loose": SIDECARS} == most
        assert counts["loose"] >= SIDECARS - len(KILLED)  # who is killed early admitted nothing
        over = {(limit, name): book.over for limit, buckets in found.items() for name, book in buckets.items() if book.over > 0}
        assert over == {}

    def test_the_limit_was_reached(self, hurt_run: Run) -> None:
        """The run is a test of promise 1 only if the buckets ran empty, from leases and from the store, also behind the proxy."""
        for limit in ("hot", "bursty", "shared"):
            assert fullest(hurt_run, limit) > -plans.rates(plans.FAULTS)[limit].capacity / 2
        assert {line.by for line in hurt_run.admissions} == {"lease", "store"}
        for i in FAULTY:
            assert hurt_run.members[i].pages.admissions or i in KILLED

    def test_each_call_is_executed_at_most_once(self, hurt_run: Run) -> None:
        """Replies are lost and none is asked for again: the store executed no more than the sidecars composed, and hardly less."""
        lost = sum(member.report.lost for member in hurt_run.members if member.report)
        composed = sum(len(member.pages.calls) for member in hurt_run.members)
        assert lost > 0
        assert composed - 20 * len(KILLED) <= hurt_run.buckets_executed <= composed

    def test_no_sidecar_mints(self, hurt_run: Run) -> None:
        """Whatever is lost or late: no lease is settled twice, and no more is spent, given back and refunded than an answer granted."""
        assert [mint for member in hurt_run.members for mint in mints(member.pages)] == []

    def test_a_lost_reply_or_a_crash_costs_at_most_its_lease(self, hurt_run: Run) -> None:
        """Promise 2 with faults: what a sidecar's own loose bucket is short of was admitted, or was in a lease that met a fault."""
        for i, member in enumerate(hurt_run.members):
            lines = [line for line in member.pages.admissions if line.limit == "loose"]
            if not lines:  # killed early
                continue
            surplus = hurt_run.charged[lines[0].bucket] - sum(line.cost for line in lines)
            assert surplus >= 0, f"sidecar {i} admitted what it was not charged for"
            report = member.report
            if report is not None:
                faults = report.lost + report.overdue + report.failures + report.stalls
                assert surplus <= faults * plans.LEASE + 2, f"sidecar {i} met {faults} faults"
            elif i not in FAULTY:
                assert surplus <= 2 * plans.LEASE, f"sidecar {i} was killed with a lease in hand, and one to follow it"


class TestSteadyOverload:
    """Eight sidecars that ask for much more than there is, on a store that answers."""

    def test_no_window_holds_more_than_the_limit(self, steady_run: Run) -> None:
        """Promise 1 without a fault."""
        found = steady_run.books(plans.STEADY)
        assert [book.over for buckets in found.values() for book in buckets.values() if book.over > 0] == []

    def test_shortfall(self, steady_run: Run) -> None:
        """What is admitted falls short of an ideal central bucket by at most 2 %."""
        most = possible(steady_run, "hot", plans.rates(plans.STEADY)["tight"])
        assert admitted(steady_run, "loose") + steady_run.lapsed >= 0.98 * most

    def test_cheap_requests_are_not_starved(self, steady_run: Run) -> None:
        """A dear request that is refused again and again does not keep the cheap ones of the same caller from what refills."""
        costs = Counter(line.cost for line in steady_run.admissions if line.limit == "tight")
        cheap = costs[1] - admitted(steady_run, "loose")
        assert costs[plans.DEAR] <= 1
        most = possible(steady_run, "cheap", plans.rates(plans.STEADY)["tight"])
        assert cheap + steady_run.lapsed >= 0.95 * (most - costs[plans.DEAR] * plans.DEAR)

    def test_a_refused_request_costs_nothing(self, steady_run: Run) -> None:
        """Promise 2: what the loose limit is short of is what passed the tight one, though several times as much was asked of both."""
        surplus = sum(steady_run.charged.values()) - admitted(steady_run, "loose")
        assert 0 <= surplus <= 2 + steady_run.lapsed

    def test_each_call_is_executed_once(self, steady_run: Run) -> None:
        """Where nothing is lost, the store executed exactly what was composed."""
        assert steady_run.buckets_executed == sum(len(member.pages.calls) for member in steady_run.members)


def admitted(run: Run, limit: str) -> int:
    """Tokens admitted by a limit."""
    return sum(line.cost for line in run.admissions if line.limit == limit)


def test_store_calls_do_not_grow_with_requests(server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Promise 3: one sidecar at five times the refill of its bucket asks the store for at most one decision in a hundred."""
    for _ in range(TRIES):
        run = drive(server, [plans.alone(server, tmp_path_factory.mktemp("alone"))])
        if len(run.requests) >= plans.ALONE_REQUESTS / 2:
            break
    else:
        pytest.fail(f"this machine is too busy: one process could not even ask half of {plans.ALONE_REQUESTS} times, in {TRIES} runs")
    (report,) = (member.report for member in run.members)
    assert report is not None
    assert report.decisions == len(run.requests)
    assert run.scripts_executed <= 0.01 * report.decisions
    assert run.buckets_executed == report.buckets == run.scripts_executed
    assert admitted(run, "key") + run.lapsed >= 0.98 * possible(run, "hot", plans.rates(plans.ALONE)["key"])
    assert [book.over for book in run.books(plans.ALONE)["key"].values() if book.over > 0] == []
