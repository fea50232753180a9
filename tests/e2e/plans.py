"""What the processes of test_promises.py are told to do. Every limit denies while the store is away, so that no fallback admits any.

Every second process asks by the shortcut of its lane.
"""

from pathlib import Path

from bench.traffic.ledger import Rate
from ratelimit.service.policy_source import make_policy
from tests.e2e.conftest import HOST, Server
from tests.e2e.sidecar import Load, Plan

FAULTS = """
version: 1
limits:
  - {name: hot, per: [api_key], match: {path: [/]}, bucket: {capacity: 200, refill: 300/s}, on_store_failure: deny}
  - {name: bursty, per: [api_key], match: {path: [/bursty]}, bucket: {capacity: 100, refill: 500/s}, on_store_failure: deny}
  - {name: shared, per: [account], bucket: {capacity: 60, refill: 60/s}, on_store_failure: deny}
  - {name: tiny, per: [api_key, account], bucket: {capacity: 3, refill: 50/s}, on_store_failure: deny}
  - {name: loose, per: [ip], bucket: {capacity: 100000, refill: 1/h}, on_store_failure: deny}
"""
STEADY = """
version: 1
limits:
  - {name: tight, per: [api_key], bucket: {capacity: 400, refill: 400/s}, on_store_failure: deny}
  - {name: loose, per: [ip], bucket: {capacity: 100000, refill: 1/h}, on_store_failure: deny}
"""
ALONE = "{version: 1, limits: [{name: key, per: [api_key], bucket: {capacity: 1000, refill: 1000/s}, on_store_failure: deny}]}"

DEAR = 300  # of a capacity of 400: never there again while cheap requests come
LEASE = 100  # tokens: more than one process leases of a `loose` bucket at once, at the rates below
ALONE_REQUESTS = 15_000
_ACCOUNTS = tuple(f"account{n}" for n in range(6))


def rates(policy: str) -> dict[str, Rate]:
    """What each limit may admit."""
    limits = make_policy(policy.encode(), "plan").limits
    return {limit.name: Rate(limit.bucket.capacity, *limit.bucket.refill) for limit in limits if limit.bucket}


def under_faults(server: Server, folder: Path, i: int, detour: dict[int, int]) -> Plan:
    """One hot bucket, several shared ones, a tiny one, a loose one that this process has for itself, and one that gets full between bursts.

    In a bucket that is never full a lease that outlives its life does no harm: its tokens are in the debt. So all ask at once after a pause
    in which it fills, once while leases of the small burst before are out, and once when a stopped process wakes up with an old one.
    """
    ip = bytes([10, 0, 0, i])
    loads = (
        Load("hot", 150, costs=(1, 1, 1, 2, 3), api_key="one", ip=ip),
        Load("shared", 150, costs=(1, 1, 2, 5, 20), accounts=_ACCOUNTS),
        Load("bursty", 1_500, path="/bursty", bursts=((0, 40_000), (400_000, 404_000)), api_key="one"),
        Load("all", 50, costs=(1, 2), api_key="one", accounts=_ACCOUNTS, ip=ip),
    )
    port = detour.get(server.ports[0], server.ports[0])
    url, diary = f"redis://{HOST}:{port}", str(folder / f"sidecar{i}")
    return Plan(url, FAULTS, diary, loads, seconds=4.5, seed=i, detour=detour, by_shortcut=i % 2 == 1)


def steady(server: Server, folder: Path, i: int) -> Plan:
    """Overload of two buckets: cost 1 only, with a loose limit beside it; and cheap requests beside dear ones."""
    loads = (
        Load("hot", 400, api_key="one", ip=b"\x0a\0\0\0"),
        Load("cheap", 80, api_key="two"),
        Load("dear", 20, costs=(DEAR,), api_key="two"),
    )
    return Plan(server.url, STEADY, str(folder / f"sidecar{i}"), loads, seconds=3.0, seed=i, deadline_s=0.25, by_shortcut=i % 2 == 1)


def alone(server: Server, folder: Path) -> Plan:
    """One sidecar, five times what its bucket refills."""
    load = Load("hot", ALONE_REQUESTS / 3.0, api_key="one")
    return Plan(server.url, ALONE, str(folder / "sidecar"), (load,), seconds=3.0, deadline_s=0.25)
