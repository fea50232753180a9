"""The same events by live HTTP and from a log give the same profiles, to the bit, and the same risks: there is one serving path."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from redis import Redis

from ratelimit.anomaly.manifest import Manifest
from ratelimit.anomaly.model import Model
from ratelimit.core.access_log import parser
from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import Entry
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.signals import Kind
from ratelimit.history import open_history
from ratelimit.service.history import History
from ratelimit.service.replay import Replay
from ratelimit.service.usage import Usage
from tests.anomaly.conftest import manifest  # noqa: F401  (a fixture)
from tests.anomaly.models import parts, write
from tests.web.conftest import SECRET
from tests.web.signals_site import Site

Start = Callable[..., Awaitable[Any]]
Line = dict[str, Any]
Profiles = dict[bytes, bytes]

KINDS: tuple[Kind, ...] = ("api_key", "ip", "account")
SECONDS = 90
# refills nothing while the test runs, so live and replay refuse the same requests whatever time either takes
LIMITS = [
    {"name": "key", "per": ["api_key"], "bucket": {"capacity": 60, "refill": "1/d"}},
    {"name": "ip", "per": ["ip"], "bucket": {"capacity": 10_000, "refill": "1/d"}},
]
AGENTS = ["curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", None]


def log(start: int) -> list[list[Line]]:
    """What happens in each second: requests of callers of several kinds, and events in their lives."""
    chance = Random(11)
    seconds: list[list[Line]] = []
    for second in range(SECONDS):
        lines = []
        for _ in range(chance.choice([0, 1, 2, 9])):
            who = min(chance.randrange(6), chance.randrange(6))
            line: Line = {"time": start + second, "method": "GET", "path": f"/v1/files/{chance.randrange(40)}", "status": 200}
            line |= {"status": chance.choice([200, 200, 404, 401, 503]), "bytes": chance.randrange(5_000), "cost": chance.choice([1, 1, 2])}
            line |= {"ip": f"198.51.{who}.{chance.randrange(3)}", "user_agent": chance.choice(AGENTS)}
            line |= {"api_key": f"key-{who}", "account": f"account-{who // 2}", "plan": "pro"} if who else {}
            lines.append({name: value for name, value in line.items() if value is not None})
        if chance.random() < 0.2:
            lines.append({"time": start + second, "type": "login_failed", "account": "account-1", "ip": "198.51.2.1"})
        seconds.append(lines)
    return seconds


async def settled(usage: Usage) -> None:
    for _ in range(16):
        usage.flush()
    while usage.outbox.under_way or len(usage.scoring):
        usage.score()
        await asyncio.sleep(0.001)


async def live(site: Site, seconds: list[list[Line]], start: int) -> None:
    """Ask by HTTP in each second, and tell in the next how what passed was answered."""
    usage, answers = site.usage, list[Line]()
    for number in range(SECONDS + 25):
        for _ in usage.turn(start + number):
            pass
        lines = seconds[number] if number < SECONDS else []
        if answers:
            assert (await site.tell(*answers)).json["refused"] == 0
        await settled(usage)
        answers = []
        for line in lines:
            if "type" in line:
                assert (await site.tell({"api_key": None, **line})).json["accepted"] == 1
                continue
            asked = {name: value for name, value in line.items() if name not in {"time", "status", "bytes"}}
            if (await site.gateway.check(**asked)).json["decision"] == "allow":
                answers.append({"api_key": None, **{name: value for name, value in line.items() if name not in {"cost", "plan"}}})


def profiles(url: str) -> Profiles:
    """All that a store remembers of anybody; the risk and its model are the last scored and not yet told everywhere."""
    client: Any = Redis.from_url(url)
    found = {key: client.get(key) for key in client.keys("rl1:p:*")}
    client.close()
    return found


def risks(usage: Usage) -> dict[Any, Any]:
    return {
        (kind, value): (watch.risk, watch.scored, watch.signals) for kind in KINDS for value, watch in usage._watches[kind]._live.items()
    }


async def test_live_and_replay_agree(start: Start, manifest: Manifest, tmp_path: Path) -> None:  # noqa: F811
    """Profiles, signals and risks are equal, and there is something in them."""
    write(tmp_path / "model", manifest, {kind: parts(kind) for kind in KINDS})
    model = Model.read(tmp_path / "model")
    began = int(time.time()) - SECONDS
    seconds = log(began)

    gateway = await start(LIMITS)
    site = Site(gateway)
    site.usage.scoring.scorer = model
    await live(site, seconds, began)
    of_live, live_risks = profiles(gateway.store._options.url), risks(site.usage)

    parse = parser("ndjson")
    entries = [parse(msgspec.json.encode(line)) for lines in seconds for line in lines]
    async with open_history(SECRET, exact=True) as history:
        history.usage.scoring.scorer = model
        of_replay, replay_risks = await replayed(history, gateway.limiter.policy, entries)

    assert of_live == of_replay
    assert live_risks == replay_risks
    assert len(of_live) >= 8
    assert sum(risk is not None for risk, _, _ in live_risks.values()) >= 8


async def replayed(history: History, policy: Policy, entries: list[Entry]) -> tuple[Profiles, dict[Any, Any]]:
    replay = Replay(policy, ApiKeys(SECRET), observer=history)
    await history.run(replay, entries)
    assert replay.report([], 0).requests.refused > 0, "else nothing shows that both refuse the same"
    return profiles(history.usage.outbox._store._options.url), risks(history.usage)  # type: ignore[attr-defined]


async def test_order_of_work_changes_nothing() -> None:
    """However many merges are under way while a log is read on, what is remembered in the end is the same."""
    entries = [parser("ndjson")(msgspec.json.encode(line)) for lines in log(1_790_000_000) for line in lines]
    policy = Policy(parse_policy({"version": 1, "limits": LIMITS}, "p"))
    async with open_history(SECRET, exact=True) as one, open_history(SECRET) as other:
        assert await replayed(one, policy, entries) == await replayed(other, policy, entries)
