"""The simulation of fleets: the same seed finds the same, nothing is over-admitted, a sample says what all keys say, and nodes add up."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench.fleet.case import Case, Outcome, run_case, run_trace, size
from bench.fleet.fairness import fairness, jain
from bench.fleet.ideal import Size, ideal, overdraft
from bench.fleet.nodes import Speeds, cluster_nodes, full_nodes, pipelines_per_s
from bench.fleet.population import Zipf, draw
from bench.fleet.trace import Trace, in_turn, joining, spread, sticky, weighted
from bench.scale import main

SEED = 5
ROUND_TRIP_US = 300
TEN = size(10, "10/s")


def run(bucket: Size, rate: float, sidecars: int, seconds: float = 2.0, seed: int = SEED) -> Outcome:
    return run_case(Case("test", bucket, np.array([rate]), spread(sidecars), seconds, 0.0), seed, ROUND_TRIP_US)


@pytest.mark.parametrize(("capacity", "refill", "rate"), [(10, "10/s", 80), (100, "100/s", 300), (1_000, "1000/s", 4_000)])
def test_nothing_is_over_admitted(capacity: int, refill: str, rate: float) -> None:
    """Promise 1 holds at the instants at which the store charged or a slot was spent, and the limit is reached."""
    outcome = run(size(capacity, refill), rate, 16, 3.0)
    assert -capacity / 10 < outcome.overdraft <= 0
    assert outcome.shortfall < 0.1


def test_a_smaller_limit_would_be_found_broken() -> None:
    """The check of admissions can fail: what keeps a limit of 10 breaks one of 9, and what keeps 100/s breaks 90/s."""
    outcome = run(size(100, "100/s"), 300, 4, 3.0)
    instants, keys = outcome.history.counts_at[outcome.history.admitted], outcome.trace.key[outcome.history.admitted]
    assert overdraft(instants, keys, size(99, "100/s"), 1) > 0.5
    assert overdraft(instants, keys, size(100, "90/s"), 1) > 10


@pytest.mark.parametrize(
    ("instants", "over"),
    [
        ([0] * 10, 0.0),  # the whole capacity at once
        ([0] * 11, 1.0),
        ([0] * 10 + [100_000], 0.0),  # a token refills in 100 ms
        ([0] * 10 + [99_999], 0.00001),
        ([0] * 5 + [10_000_000] * 11, 1.0),  # a pause fills no more than the capacity
    ],
)
def test_overdraft(instants: list[int], over: float) -> None:
    """The most by which any window passes capacity + refill * its length."""
    at = np.array(instants)
    assert overdraft(at, np.zeros_like(at), TEN, 1) == pytest.approx(over)


def test_ideal_buckets() -> None:
    """An ideal bucket admits its capacity and then what refills; of two limits, what one refuses costs the other nothing."""
    at = np.array([0] * 12 + [100_000, 199_999, 200_000])
    nobody = np.zeros_like(at)
    assert ideal(at, [nobody], [TEN], 1).tolist() == [True] * 10 + [False] * 2 + [True, False, True]
    narrow = size(1, "1/h")
    assert ideal(at, [nobody, nobody], [TEN, narrow], 1).sum() == 1
    assert ideal(at, [nobody, np.arange(len(at))], [TEN, narrow], 1).sum() == 12


def test_the_same_seed_finds_the_same() -> None:
    """Two runs of a seed agree request by request; another seed is another world."""
    first, again, other = (run(size(100, "100/s"), 300, 8, seed=seed) for seed in (SEED, SEED, SEED + 1))
    for ours, theirs in zip(first.history, again.history, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert len(other.trace) != len(first.trace)


def test_keys_alone_are_as_keys_together() -> None:
    """Key by key, the same requests are admitted and asked for whether the other keys are there or not."""
    case = Case("keys", size(50, "50/s"), Zipf(24, 1_500.0).rates(np.arange(1, 25)), spread(4), 4.0, 1.0)
    together = run_case(case, SEED, ROUND_TRIP_US)
    trace = together.trace
    alone = np.zeros_like(together.keys)
    for key in range(24):
        own = trace.key == key
        part = Trace(trace.at[own], trace.sidecar[own], trace.key[own], trace.end_us)
        alone += run_trace(case, part, SEED, ROUND_TRIP_US).keys
    np.testing.assert_array_equal(alone[:, [0, 2]], together.keys[:, [0, 2]])  # offered, and what is just
    assert alone[:, 1].sum() == pytest.approx(together.keys[:, 1].sum(), rel=0.01)
    assert alone[:, 3].sum() == pytest.approx(together.keys[:, 3].sum(), rel=0.03)


def test_a_sample_adds_up_to_all() -> None:
    """Weights make the sample's keys and requests those of the population, and a small population is taken whole."""
    population = Zipf(1_000_000, 50_000.0)
    sample = draw(population, 500, 200)
    assert sample.weights.sum() == pytest.approx(1_000_000)
    assert float(sample.weights @ sample.rates) == pytest.approx(50_000, rel=0.02)
    assert len(sample.ranks) < 5_000
    assert draw(Zipf(100, 10.0), 500, 200).ranks.tolist() == list(range(1, 101))


def test_the_sum_of_very_many_keys() -> None:
    """Beyond a million ranks the sum of Zipf's weights is an integral, and the rates still add up."""
    for exponent in (0.9, 1.0, 1.2):
        rates = Zipf(3_000_000, 1_000.0, exponent).rates(np.arange(1, 3_000_001))
        assert rates.sum() == pytest.approx(1_000, rel=1e-6)


def test_a_sidecar_without_admissions_is_seen() -> None:
    """Jain's index, the parts and the drought tell a sidecar that is starved from one that is not."""
    at = np.arange(0, 2_000_000, 1_000)
    trace = Trace(at, at // 1_000 % 2, np.zeros_like(at), 2_000_000)
    even, starved = fairness(trace, np.ones(len(at), bool), 0), fairness(trace, trace.sidecar == 0, 0)
    assert (even.jain_1s, even.least_part, even.drought_s) == (1.0, 1.0, 0.0)
    assert (starved.jain_1s, starved.least_part, starved.greatest_part) == (0.5, 0.0, 2.0)
    assert starved.drought_s == pytest.approx(1.998)
    assert jain(np.array([1.0, 0.0, 0.0, 0.0])) == 0.25


def test_routing() -> None:
    """Each way of balancing gives requests to the sidecars that it says."""
    chance = np.random.default_rng(SEED)
    at, key = np.arange(4_000), np.arange(4_000) % 10
    assert in_turn(4)(at, key, chance).tolist() == [0, 1, 2, 3] * 1_000
    assert set(spread(4)(at, key, chance).tolist()) == {0, 1, 2, 3}
    ends = sticky(100, 10, 2)(at, key, chance)
    assert all(len(set(ends[key == one].tolist())) <= 2 for one in range(10))
    assert 0.45 < (weighted(np.array([2.0, 1.0, 1.0]))(at, key, chance) == 0).mean() < 0.55
    late = joining(4, 2_000)(at, key, chance)
    assert 3 not in late[:2_000]
    assert 3 in late[2_000:]


def test_nodes() -> None:
    """Nodes are the time that calls and pipelines take, over the part of a core that may be used."""
    speeds = Speeds(buckets=100_000, calls=50_000, pipelines=25_000, busy=0.5)
    assert full_nodes(1_000_000, speeds) == 20
    assert full_nodes(1, speeds) == 1
    alone = cluster_nodes(1_000_000, 1_000_000, 0.0003, speeds)  # nobody shares a pipeline: 40 us each
    assert alone == 80
    assert cluster_nodes(1_000_000, 2, 0.0003, speeds) < alone * 0.75


@pytest.mark.parametrize(("buckets", "pipelines"), [(10, 10), (1e6, 1 / 0.0003)])
def test_pipelines(buckets: float, pipelines: float) -> None:
    """Who asks rarely asks alone; who always asks has one pipeline after another."""
    assert pipelines_per_s(buckets, 0.0003) == pytest.approx(pipelines, rel=0.01)


def test_pipelines_are_as_the_lane_makes_them() -> None:
    """The formula agrees with a real lane that is asked 4,000 times a second at random."""
    rates = np.full(4_000, 1.0)
    outcome = run_case(Case("lane", size(40, "10/s"), rates, spread(1), 2.0, 0.0), SEED, ROUND_TRIP_US)
    asked = len(outcome.history.asked_at) / 2.0
    assert outcome.history.pipelines / 2.0 == pytest.approx(pipelines_per_s(asked, ROUND_TRIP_US / 1e6), rel=0.05)


def test_command(tmp_path: Path) -> None:
    """A quick run writes the same findings twice, its plots as SVG and PNG, and says that nothing was over-admitted."""
    reports = []
    for name in ("first", "again"):
        command = ["--quick", "--only", "flash", "--json", str(tmp_path / f"{name}.json"), "--plots", str(tmp_path / name)]
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        reports.append(json.loads((tmp_path / f"{name}.json").read_bytes())["findings"])
    assert reports[0] == reports[1]
    assert [found["scenario"] for found in reports[0]] == ["flash"]
    assert reports[0][0]["overdraft"] <= 0
    assert {path.name for path in (tmp_path / "first").iterdir()} == {"scale-flash.svg", "scale-flash.png"}


def test_command_refuses_speeds_that_cannot_be() -> None:
    """A core that does more pipelines than calls is a mistake of who asks, and told so."""
    done = CliRunner().invoke(main, ["--pipelines-per-core", "70000"])
    assert done.exit_code == 2
    assert "--pipelines-per-core <= --calls-per-core" in done.output
