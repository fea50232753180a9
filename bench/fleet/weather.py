"""Load that changes, and requests that meet two limits: a flash crowd, a day, and keys with addresses."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from bench.fleet.case import Case, Outcome, chance_of, policy_of, run_case, size
from bench.fleet.contention import finding
from bench.fleet.finding import Finding, Plan
from bench.fleet.ideal import ideal, overdraft
from bench.fleet.population import Zipf
from bench.fleet.trace import Floats, Ints, crowd, day, make_trace, spread, steady
from bench.fleet.world import Setup, World
from ratelimit.core.identity import Caller
from ratelimit.core.units import ceil_div
from ratelimit.service.policy_source import make_policy

_FLEET: Final = 64
_FEW: Final = 8
_FLASH_AT_S, _FLASH_RAMP_S, _FLASH_FACTOR = 2.0, 0.1, 100.0
_BIN_US: Final = 50_000


def flash(plan: Plan) -> Iterator[Finding]:
    """One key at a fifth of its limit grows a hundredfold within 100 ms."""
    plan.say("flash crowd")
    bucket, seconds = size(1_000, "1000/s"), plan.seconds(6, 3)
    shape = crowd(_FLASH_AT_S, _FLASH_RAMP_S, _FLASH_FACTOR)
    case = Case("1000/s, from 0.2 x to 20 x", bucket, np.array([bucket.per_s / 5]), spread(_FLEET), seconds, _FLASH_AT_S, shape)
    outcome = run_case(case, plan.seed, plan.round_trip_us)
    series = _series(outcome, _BIN_US)
    peak = f"at most {max(series['asked']):,.0f} buckets/s in {_BIN_US // 1000} ms"
    yield _with(finding("flash", outcome, _FLEET, peak), series)


def diurnal(plan: Plan) -> Iterator[Finding]:
    """A day in seconds: 2,000 keys by Zipf on eight sidecars, at night a tenth of what comes at noon."""
    plan.say("a day")
    seconds = plan.seconds(24, 4)
    rates = Zipf(2_000, 16_000.0).rates(np.arange(1, 2_001))
    case = Case("2,000 keys, 1000/s each", size(1_000, "1000/s"), rates, spread(_FEW), seconds, 0.0, day(seconds, 0.1))
    outcome = run_case(case, plan.seed, plan.round_trip_us)
    series = _series(outcome, ceil_div(int(seconds * 1e6), 48))
    ratio = np.array(series["asked"]) / np.array(series["offered"])
    note = f"buckets per decision {np.mean(ratio[:6]):.2f} at night, {np.mean(ratio[21:27]):.2f} at noon"
    yield _with(finding("diurnal", outcome, _FEW, note), series)


def pair(plan: Plan) -> Iterator[Finding]:
    """Every request meets a limit of its key and one of its address, and must pass both."""
    plan.say("two limits")
    seconds, warm_s, keys, addresses = plan.seconds(8, 3), 1.0, 500, 150
    key_size, address_size = size(40, "20/s"), size(100, "50/s")
    name = "500 keys at 20/s and 150 addresses at 50/s"
    chance = chance_of(plan.seed, name)
    callers = [Caller(api_key=f"key-{i % keys}", ip=int(chance.integers(addresses)).to_bytes(4)) for i in range(4 * keys)]
    rates = np.tile(Zipf(keys, 8_000.0).rates(np.arange(1, keys + 1)) / 4, 4)
    trace = make_trace(rates, seconds, steady, spread(_FLEET), chance)
    policy = make_policy(policy_of(("key", "api_key", key_size), ("address", "ip", address_size)), name)
    history = World(Setup(policy, callers, 1, plan.round_trip_us, plan.seed), trace).run()
    by_key = trace.key % keys
    by_address = np.array([int.from_bytes(caller.ip or b"") for caller in callers])[trace.key]
    just = ideal(trace.at, [by_key, by_address], [key_size, address_size], 1)
    after, got = trace.at >= int(warm_s * 1e6), history.admitted
    late_us = int((history.decided_at - trace.at)[got].max())
    worst = max(
        overdraft(history.decided_at[got], whose[got], bucket, 1, late_us)
        for whose, bucket in ((by_key, key_size), (by_address, address_size))
    )
    asked = int(((history.asked_at >= int(warm_s * 1e6)) & (history.asked_at < trace.end_us)).sum())
    yield Finding(
        scenario="pair",
        case=name,
        sidecars=_FLEET,
        requests=len(trace),
        per_decision=asked / int(after.sum()),
        shortfall=1 - float(got[after].sum() / just[after].sum()),
        overdraft=worst,
        note=f"{1 - got[after].mean():.0%} refused; bound at the instants of answers, up to {late_us / 1e3:.1f} ms late",
    )


def _with(found: Finding, series: dict[str, list[float]]) -> Finding:
    return Finding(**{name: getattr(found, name) for name in found.__struct_fields__ if name != "series"}, series=series)


def _series(outcome: Outcome, bin_us: int) -> dict[str, list[float]]:
    """Per second, in bins over the whole trace: offered, admitted, what was just, and buckets asked."""
    trace, history = outcome.trace, outcome.history
    bins = ceil_div(trace.end_us, bin_us)

    def rate(instants: Ints) -> Floats:
        return np.bincount(instants[instants < trace.end_us] // bin_us, minlength=bins).astype(np.float64) * (1e6 / bin_us)

    columns = {
        "at_s": np.arange(bins) * bin_us / 1e6,
        "offered": rate(trace.at),
        "admitted": rate(trace.at[history.admitted]),
        "just": rate(trace.at[outcome.ideal]),
        "asked": rate(history.asked_at),
    }
    return {name: column.tolist() for name, column in columns.items()}
