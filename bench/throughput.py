"""How many checks a core carries: ours against a constant handler, throttled-py and rate-limiter-flexible, under the same load.

Rounds are interleaved (A B C D A B C D ...), each with a warm-up, and ratios are taken within a round. A server and its store share one
core. CPU per decision is read from the kernel's accounts of the same rounds. Rates are requests per second.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Final, NamedTuple

from bench.counters import Counters
from bench.load import HOT, ONCE, drive, warm_up
from bench.peer import PEERS, constant
from bench.plan import Plan
from bench.process import cpu_us
from bench.row import Budget, Row, at_least, ratios
from bench.server import NEVER_REFUSES, Server, product
from bench.store import cpu_s

US: Final = "ratelimit"
CONSTANT: Final = "constant"
THROTTLED: Final = "throttled-py"
FLEXIBLE: Final = "rate-limiter-flexible"
CALLERS: Final = 64  # of hot.lua
GROUP: Final = "throughput"
_REFUSED_PART: Final = 0.9


class Round(NamedTuple):
    """What one server did in one round."""

    rate: float
    cpu_us: float  # of the server, per request
    store_cpu_us: float  # of its store, per request

    @property
    def all_cpu_us(self) -> float:
        """Of both, which share the core."""
        return self.cpu_us + self.store_cpu_us


Rounds = dict[str, list[Round]]


def throughput(plan: Plan) -> Iterator[Row]:
    """Hot callers, callers that come once, and callers of whom nine in ten requests are refused."""
    with ExitStack() as stack:
        ours = stack.enter_context(product(plan, US, NEVER_REFUSES))
        servers = [stack.enter_context(constant(plan, len(ours.answer()))), ours]
        missing = _add_peers(plan, stack, servers)
        before = Counters.of(ours)
        hot = _rounds(plan, servers, HOT, *plan.pick((5, 4), (2, 1)))
        between = Counters.of(ours)
        yield from _hot_rows(hot, missing, between.local_note(before))
        once = _rounds(plan, servers, ONCE, *plan.pick((3, 3), (1, 1)))
        yield from _ratio_rows(once, "every caller once", {CONSTANT: at_least(0.4)}, {})
        yield _rate_row(once, US, "every caller once", Counters.of(ours).local_note(between))
    refill = max(1, round(median(_rates(hot, US)) / CALLERS * (1 - _REFUSED_PART)))
    yield from _refused(plan, refill)


def _add_peers(plan: Plan, stack: ExitStack, servers: list[Server]) -> dict[str, str]:
    """Start the libraries that are there; what is not, and why."""
    missing = {}
    for peer in PEERS:
        if peer.name not in (THROTTLED, FLEXIBLE):
            continue
        reason = peer.install(plan.say)
        if reason is None:
            servers.append(stack.enter_context(peer.serve(plan)))
        else:
            missing[peer.name] = reason
    return missing


def _rounds(plan: Plan, servers: Sequence[Server], script: str, rounds: int, seconds: int) -> Rounds:
    done: Rounds = defaultdict(list)
    for number in range(rounds):
        for server in servers:
            plan.say(f"{script.removesuffix('.lua')}, round {number + 1} of {rounds}: {server.name}")
            warm_up(plan, server, script)
            done[server.name].append(_round(plan, server, script, seconds))
    return done


def _round(plan: Plan, server: Server, script: str, seconds: int) -> Round:
    before, store_before = cpu_us(server.pid), cpu_s(server.store) if server.store else 0.0
    load = drive(plan, server, script, seconds)
    store = (cpu_s(server.store) - store_before) * 1e6 if server.store else 0.0
    return Round(load.rate, (cpu_us(server.pid) - before) / load.requests, store / load.requests)


def _hot_rows(hot: Rounds, missing: dict[str, str], note: str) -> Iterator[Row]:
    budgets = {CONSTANT: at_least(0.85), THROTTLED: at_least(6), FLEXIBLE: at_least(1.5)}
    yield from _ratio_rows(hot, "hot", budgets, missing)
    for name in hot:
        yield _rate_row(hot, name, "hot", note if name == US else "")
    for name in (US, CONSTANT):
        yield Row(group=GROUP, name=f"CPU per request, hot: {name}", unit="µs", values=tuple(one.cpu_us for one in hot[name]))
    store = tuple(one.store_cpu_us for one in hot[US])
    yield Row(group=GROUP, name=f"CPU of the store per request, hot: {US}", unit="µs", values=store)


def _ratio_rows(rounds: Rounds, load: str, budgets: dict[str, Budget], missing: dict[str, str]) -> Iterator[Row]:
    for name in rounds:
        if name != US:
            yield _ratio_row(rounds, load, name, budgets.get(name))
    for name, reason in missing.items():
        yield Row(group=GROUP, name=f"{load}: {US} / {name}", unit="x", budget=budgets.get(name), note=f"missing: {reason}")


def _ratio_row(rounds: Rounds, load: str, name: str, budget: Budget | None, note: str = "") -> Row:
    """Ours over another; the note has the same by CPU time of server and store, which a busy machine distorts less."""
    by_cpu = median(ratios([one.all_cpu_us for one in rounds[name]], [one.all_cpu_us for one in rounds[US]]))
    values = ratios(_rates(rounds, US), _rates(rounds, name))
    return Row(group=GROUP, name=f"{load}: {US} / {name}", unit="x", values=values, budget=budget, note=f"by CPU time {by_cpu:.2f} x{note}")


def _rate_row(rounds: Rounds, name: str, load: str, note: str = "") -> Row:
    return Row(group=GROUP, name=f"{load}: {name}", unit="requests/s", values=_rates(rounds, name), note=note)


def _rates(rounds: Rounds, name: str) -> tuple[float, ...]:
    return tuple(one.rate for one in rounds[name])


def _refused(plan: Plan, refill: int) -> Iterator[Row]:
    """Each of the hot callers asks for some ten times what its key's bucket refills."""
    policy = NEVER_REFUSES.replace("capacity: 1000000, refill: 1000000/s", f"capacity: {2 * refill}, refill: {refill}/s", 1)
    with ExitStack() as stack:
        ours = stack.enter_context(product(plan, US, policy))
        yardstick = stack.enter_context(constant(plan, len(ours.answer())))
        warm_up(plan, ours, HOT)
        before = Counters.of(ours)
        rounds = _rounds(plan, [yardstick, ours], HOT, *plan.pick((3, 3), (1, 1)))
        after = Counters.of(ours)
    refused = (after.refused - before.refused) / (after.decided - before.decided)
    yield _ratio_row(rounds, "refused", CONSTANT, None, f"; {refused:.0%} were refused, each of {CALLERS} keys has {refill}/s")
    yield _rate_row(rounds, US, "refused", after.local_note(before))
