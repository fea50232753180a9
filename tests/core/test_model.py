"""The bucket against the reference model that specifies it, on random traces; skipped where the model is not there, being no part of us."""

import importlib.util
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from ratelimit.core.bucket import Acquire, Bucket, Terms

MODEL = Path(__file__).resolve().parents[3] / "shared" / "reference" / "lease_model.py"
MS = 1_000
START = 1_760_000_000_000_000
REFILLS = [0.5, 1, 5, 20, 100, 1_000, 5_000]


@pytest.fixture(scope="module")
def model() -> ModuleType:
    if not MODEL.exists():
        pytest.skip(f"the reference model is not there ({MODEL})")
    spec = importlib.util.spec_from_file_location("lease_model", MODEL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", range(60))
def test_bucket_follows_the_model(model: ModuleType, seed: int) -> None:
    """One need at a time, every call leaves the same state and gives the same answer."""
    chance = Random(seed)
    capacity = chance.choice([1, 2, 5, 10, 50, 200, 1_000])
    num, per = model.ratio(chance.choice(REFILLS))
    ours, theirs, now, ids = Bucket(), model.Bucket(num, per), START, [0]
    for _ in range(80):
        now += chance.choice([0, 1, 100, 5 * MS, 50 * MS, 200 * MS, 1_000 * MS, -100, -600 * MS, -3_000 * MS])
        if chance.random() < 0.03:
            num, per = model.ratio(chance.choice(REFILLS))
        terms = Terms(capacity, num, per, chance.choice([50, 200]) * MS, chance.choice([0, 50, 100]) * MS)
        need, extra = chance.choice([1, 1, 2, 5]), chance.choice([0, 0, 3, 10, 100])
        settle = chance.choice([0, chance.randint(0, 20)])
        refund = chance.choice([0, 0, 1, 3])
        call = Acquire(
            (need,), extra, settle, chance.choice(ids), chance.randint(0, settle), refund, now - chance.choice([0, 100, 10 * MS, -5])
        )
        granted, leased, first, retry, lease_id, at = theirs.acquire(
            now, capacity, num, per, terms.life, need, need + extra, terms.horizon, *call[2:]
        )
        grant = ours.acquire(now, terms, call)
        assert (grant.leased, grant.id, grant.at) == (leased, lease_id, at)
        assert granted - leased == (0 if grant.retries[0] else need)
        if granted:
            assert grant.first == first
        else:
            assert grant.retries[0] == max(1, retry)
        assert ours.full_in() == theirs.full_in()
        names = ("num", "per", "at", "debt", "out", "old", "end", "old_id", "lapse")
        assert {name: getattr(ours, name) for name in names} == {name: getattr(theirs, name) for name in names}
        ids.append(grant.id)
