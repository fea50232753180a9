"""Which model gives risks, decided by people over the policy's file."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratelimit.anomaly.purchase_model import PurchaseModel
from ratelimit.core.overlay import Overlay, decode_overlay, overlaid, read_of, reading
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.purchase_signals import NAMES
from ratelimit.core.signals import NAMES as REQUEST_NAMES
from ratelimit.core.spread import Spread
from ratelimit.ledger.ledger import Ledger
from ratelimit.review import audit
from ratelimit.review.model_drift import Drifted, Sample, purchase_drift, request_drift
from ratelimit.review.models import Agreement, SectionFound
from ratelimit.review.rule_error import NotAllowedError, NotNowError, RuleError
from ratelimit.service.ask import ask
from ratelimit.stores.client import Options, RedisStore
from ratelimit.stores.server import find_server
from tests.review.model_site import LIMIT, ModelSite
from tests.review.rule_site import MIRA, TOM, WHY
from tests.stores.asker import clock
from tests.stores.conftest import Node


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with contextlib.closing(Node(find_server())) as made:
        yield made


@pytest.fixture
async def store(node: Node) -> AsyncIterator[RedisStore]:
    node.client.flushall()
    made = RedisStore(Options(node.url, clock, 5.0, "check"))
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def site(tmp_path: Path, ledger: Ledger, store: RedisStore) -> ModelSite:
    return ModelSite(tmp_path, ledger, store)


async def purchases(site: ModelSite) -> SectionFound:
    (it,) = (it for it in (await site.models.look()).sections if it.section == "purchases")
    return it


async def in_force(store: RedisStore, site: ModelSite) -> tuple[str, str | None]:
    (answer,) = await ask(store, [reading("")])
    _, document = read_of(answer)
    risk = overlaid(site.policy, decode_overlay(document) if document else Overlay()).file.risk
    assert risk is not None
    assert risk.purchases is not None
    return risk.purchases.model, risk.purchases.challenger


async def test_shown(site: ModelSite) -> None:
    """What each folder says of itself, what both have scored, and how days have moved."""
    found = await site.models.look()
    requests, of_purchases = found.sections
    assert (requests.section, requests.champion) == ("requests", None)
    assert (of_purchases.mode, of_purchases.above) == ("shadow", (0.99, 0.999))
    champion, challenger = of_purchases.champion, of_purchases.challenger
    assert champion is not None
    assert challenger is not None
    assert (champion.folder, challenger.folder) == ("models/one", "models/two")
    assert (champion.problem, champion.version, champion.calibrated) == ("", challenger.version, False)
    assert champion.trained[0] < champion.trained[1]
    assert {it.by for it in champion.judged} == {"unusual", "labels"}
    assert of_purchases.agreement == Agreement(90, 2, 5, 3)


async def test_drift_of_requests(tmp_path: Path, ledger: Ledger, store: RedisStore) -> None:
    """Drift of requests is what sidecars count; too little seen is no drift."""
    site = ModelSite(tmp_path, ledger, store)
    risk = {"requests": {"model": "models/one", "throttle": {"above": 0.99, "bucket": {"capacity": 1}}}}
    site.policy = Policy(parse_policy({"version": 1, "limits": [LIMIT], "risk": risk}, "test"), str(tmp_path / "ratelimit.yaml"))
    requests = (await site.models.look()).sections[0]
    assert requests.drift == (Drifted("ip", 900, {"paths": 0.31, "agents": 0.02}, 0.08), Drifted("account", 12, {}, None))
    assert requests.champion is not None
    assert "model of 'purchases'" in requests.champion.problem


async def test_promoted_and_taken_back(site: ModelSite, ledger: Ledger, store: RedisStore) -> None:
    """The challenger gives risks and the champion is watched; then it is as the file says again. The audit has both."""
    assert await site.models.promote(MIRA, "purchases", "models/two", WHY)
    assert await in_force(store, site) == ("models/two", "models/one")
    found = await purchases(site)
    assert found.champion is not None
    assert (found.champion.folder, found.named, found.lapsed) == ("models/two", "models/one", False)
    with pytest.raises(NotNowError, match="challenger is models/one by now"):
        await site.models.promote(MIRA, "purchases", "models/two", WHY)
    assert await site.models.promote(MIRA, "purchases", "models/one", WHY)  # which is as the file has it
    assert await in_force(store, site) == ("models/one", "models/two")
    with pytest.raises(NotNowError, match="are those of the policy's file"):
        await site.models.unpin(MIRA, "purchases", WHY)
    await site.models.promote(MIRA, "purchases", "models/two", WHY)
    assert await site.models.unpin(MIRA, "purchases", WHY)
    assert await in_force(store, site) == ("models/one", "models/two")
    async with ledger.read() as connection:
        kinds = [it.kind for it in await audit.entries(connection, audit.AuditFilter(), 10)]
    assert kinds == ["model.unpinned", "model.promoted", "model.promoted", "model.promoted"]


async def test_file_has_the_last_word(site: ModelSite, store: RedisStore) -> None:
    """Once the file names another model what people put has lapsed."""
    await site.models.promote(MIRA, "purchases", "models/two", WHY)
    site.policy = site.file(model="models/three", challenger="models/one")
    await site.overlay.look()
    assert await in_force(store, site) == ("models/three", "models/one")
    found = await purchases(site)
    assert found.lapsed
    assert found.champion is not None
    assert found.champion.folder == "models/three"
    assert "models/three" in found.champion.problem


async def test_not_allowed(site: ModelSite) -> None:
    """An admin promotes, with a reason, what is watched; nothing else is looked for on the disk."""
    with pytest.raises(NotAllowedError):
        await site.models.promote(TOM, "purchases", "models/two", WHY)
    with pytest.raises(RuleError, match="say why"):
        await site.models.promote(MIRA, "purchases", "models/two", "so")
    with pytest.raises(NotNowError, match="challenger is models/two by now"):
        await site.models.promote(MIRA, "purchases", "../../etc", WHY)
    with pytest.raises(NotNowError, match="names no challenger"):
        await site.models.promote(MIRA, "requests", "models/two", WHY)
    (site.folder / "models" / "two" / "manifest.json").write_text("{}")
    with pytest.raises(RuleError, match="format None"):
        await site.models.promote(MIRA, "purchases", "models/two", WHY)


async def test_enforced_needs_calibration(site: ModelSite) -> None:
    """Where risks are enforced a model that gives none is not promoted."""
    site.policy = site.file(model="models/one", challenger="models/two", mode="enforce")
    with pytest.raises(RuleError, match="is not calibrated"):
        await site.models.promote(MIRA, "purchases", "models/two", WHY)


async def test_policies(site: ModelSite) -> None:
    """Each policy that was in force is written down once, by the digest that records name."""
    await site.overlay.look()
    await site.overlay.look()
    first = site.policy.digest
    await site.models.promote(MIRA, "purchases", "models/two", WHY)
    await site.overlay.look()
    policies = (await site.models.look()).policies
    assert [it.digest.partition("+")[0] for it in policies] == [first, first]
    assert policies[0].detail["overlay"] in policies[0].digest
    assert policies[1].digest == first
    assert '"models/two"' in (policies[0].text or "")


def test_spread_of_requests() -> None:
    """Bins that several processes count are summed, and told beside what was usual; without that nothing is told."""
    usual = Spread(
        np.tile(np.arange(1, 10, dtype=np.float32), (len(REQUEST_NAMES) + 1, 1)), np.tile([0.1] * 10 + [0.0], (len(REQUEST_NAMES) + 1, 1))
    )
    samples: list[Sample] = [
        ("ratelimit_drift_rows", {"kind": "ip"}, 8.0),
        ("ratelimit_signal_drift", {"kind": "ip", "signal": "paths"}, 0.4),
        *(
            ("ratelimit_drift_bins", {"kind": "ip", "signal": "paths", "bin": number}, count)
            for number, count in (("0", 2.0), ("9", 4.0), ("9", 2.0))
        ),
    ]
    (drifted,) = request_drift(samples, {"ip": usual})
    (paths,) = drifted.spreads
    assert (paths.signal, paths.seen, paths.usual) == ("paths", [0.25, *[0.0] * 8, 0.75, 0.0], [0.1] * 10 + [0.0])
    assert request_drift(samples, {})[0].spreads == ()


def test_drift_of_purchases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of purchases what has moved stands out, what is as it was does not, and a few say nothing."""
    chance = np.random.default_rng(1)
    usual = chance.random((2_000, len(NAMES)))
    cuts = np.quantile(np.column_stack([usual, usual[:, 0]]), np.arange(1, 10) / 10, axis=0).T.astype(np.float32)

    class Ranked:
        def spread(self) -> Spread:
            return Spread.of(cuts, np.column_stack([usual, usual[:, 0]]))

        def score(self, rows: Any) -> Any:
            return rows[:, 0]

    monkeypatch.setattr(PurchaseModel, "read", lambda _: Ranked())
    now = chance.random((600, len(NAMES)))
    now[:, 5] += 0.5
    blobs = [row.astype("<f8").tobytes() for row in now]
    (drifted,) = purchase_drift(tmp_path, [*blobs, b"another version's"])
    assert drifted.rows == 600
    assert max(drifted.signals, key=drifted.signals.__getitem__) == NAMES[5]
    assert drifted.signals[NAMES[5]] > 1
    assert drifted.risk is not None
    assert drifted.risk < 0.1
    risk, farthest, *_ = drifted.spreads
    assert (risk.signal, farthest.signal, len(drifted.spreads)) == ("risk", NAMES[5], 13)
    assert farthest.seen[0] == 0
    assert sum(farthest.seen) == pytest.approx(1)
    (few,) = purchase_drift(tmp_path, blobs[:100])
    assert (few.rows, few.signals, few.risk) == (100, {}, None)
