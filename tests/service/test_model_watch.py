"""Models in force follow their folders: what is sound is swapped in, what is not leaves the last good one, and says why."""

from pathlib import Path
from typing import Any

import pytest

from ratelimit.anomaly.artifact import ARRAYS
from ratelimit.anomaly.manifest import Manifest, Trained
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import PurchaseModel
from ratelimit.core.errors import ConfigError
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.core.protocols import RiskModel
from ratelimit.core.signals import NAMES, VERSION
from ratelimit.service.model_section import PURCHASES
from ratelimit.service.model_watch import Models, check_models
from tests.anomaly.models import parts, write
from tests.anomaly.purchases import MANIFEST as PURCHASE_MANIFEST
from tests.anomaly.purchases import parts as purchase_parts
from tests.service.conftest import bucket

MANIFEST = Manifest(signal_version=VERSION, signals=NAMES, trained=Trained("2026-03-01", "2026-03-14", {}, {}), libraries={})
CALIBRATED, PLAIN = parts("ip", trees=5), parts("ip", trees=5, calibrated=False)
OTHER = parts("ip", trees=6)


def policy(folder: Path, *, mode: str = "shadow", whole: str = "enforce", model: str = "models/a", **more: Any) -> Policy:
    """A policy whose file lies in `folder`."""
    requests = {"model": model, "throttle": {"above": 0.999, "bucket": {"capacity": 5}}, "mode": mode, **more}
    file = {"version": 1, "limits": [bucket("ip", 5, per="ip")], "mode": whole, "risk": {"requests": requests}}
    return Policy(parse_policy(file, "test"), str(folder / "ratelimit.yaml"))


class Watched:
    """Models of a folder, and what was put in force."""

    def __init__(self) -> None:
        self.put: list[str | None] = []
        self.challengers: list[RiskModel | None] = []
        self.models = Models(Model.read, self._put, self.challengers.append)

    def _put(self, model: RiskModel | None) -> None:
        self.put.append(model.version if model is not None else None)

    async def look_twice(self) -> None:
        await self.models.look()
        await self.models.look()


async def test_swap(tmp_path: Path) -> None:
    """What lies there at the start is in force at once; another model in the folder follows when it has come to rest."""
    first = write(tmp_path / "models/a", MANIFEST, {"ip": CALIBRATED})
    watched = Watched()
    watched.models.adopt(policy(tmp_path))
    await watched.models.look(settled=True)
    assert watched.put == [first]
    second = write(tmp_path / "models/a", MANIFEST, {"ip": OTHER})
    await watched.models.look()
    assert watched.put == [first]
    await watched.models.look()
    await watched.look_twice()
    assert watched.put == [first, second]
    assert watched.models.champion.model is not None
    assert watched.models.champion.model.version == second


@pytest.mark.parametrize("broken", ["arrays", "missing"])
async def test_a_broken_one_leaves_the_last_good(tmp_path: Path, broken: str) -> None:
    """An altered or vanished model leaves what was in force, with the problem said and counted once; mended, it is sound again."""
    first = write(tmp_path / "models/a", MANIFEST, {"ip": CALIBRATED})
    watched = Watched()
    watched.models.adopt(policy(tmp_path))
    await watched.models.look(settled=True)
    if broken == "arrays":
        write(tmp_path / "models/a", MANIFEST, {"ip": OTHER})
        (tmp_path / "models/a" / ARRAYS).write_bytes(b"PK")
    else:
        (tmp_path / "models/a" / "manifest.json").unlink()
    for _ in range(3):
        await watched.models.look()
    champion = watched.models.champion
    assert watched.put == [first]
    assert champion.failed == 1
    assert ("has the digest" if broken == "arrays" else "is missing") in champion.problems[0]
    assert write(tmp_path / "models/a", MANIFEST, {"ip": CALIBRATED}) == first
    await watched.look_twice()
    assert champion.problems == []
    assert watched.put == [first]


async def test_challenger_beside_champion(tmp_path: Path) -> None:
    """Both are read; only the champion is put in force. A policy without a risk ends both."""
    first = write(tmp_path / "models/a", MANIFEST, {"ip": CALIBRATED})
    second = write(tmp_path / "b", MANIFEST, {"ip": PLAIN})
    watched = Watched()
    watched.models.adopt(policy(tmp_path, mode="enforce", challenger="b"))
    await watched.models.look(settled=True)
    assert watched.put == [first]
    assert watched.models.challenger.model is not None
    assert watched.models.challenger.model.version == second
    watched.models.adopt(Policy(parse_policy({"version": 1, "limits": [bucket("ip", 5, per="ip")]}, "test")))
    await watched.models.look()
    assert watched.put == [first, None]
    assert watched.models.challenger.model is None


async def test_enforcing_needs_calibration(tmp_path: Path) -> None:
    """A model that is not calibrated does not take the place of one that is enforced."""
    first = write(tmp_path / "models/a", MANIFEST, {"ip": CALIBRATED})
    watched = Watched()
    watched.models.adopt(policy(tmp_path, mode="enforce"))
    await watched.models.look(settled=True)
    write(tmp_path / "models/a", MANIFEST, {"ip": PLAIN})
    await watched.look_twice()
    assert watched.put == [first]
    assert "enforce needs a calibrated model" in watched.models.champion.problems[0]


def test_what_a_policy_may_ask(tmp_path: Path) -> None:
    """Shadow may have any model; enforcing one that is not calibrated is a problem of the policy, unless all of it is in shadow."""
    write(tmp_path / "models/a", MANIFEST, {"ip": PLAIN})
    write(tmp_path / "models/b", MANIFEST, {"ip": CALIBRATED})
    for fine in (policy(tmp_path), policy(tmp_path, mode="enforce", whole="shadow"), policy(tmp_path, mode="enforce", model="models/b")):
        check_models(fine, Model.read, PurchaseModel.read)
    check_models(policy(tmp_path, mode="enforce", model="models/b", challenger="models/a"), Model.read, PurchaseModel.read)
    with pytest.raises(ConfigError) as refused:
        check_models(policy(tmp_path, mode="enforce", challenger="nowhere"), Model.read, PurchaseModel.read)
    mode, challenger = refused.value.problems
    assert mode.startswith(f"{tmp_path}/ratelimit.yaml: $.risk.requests.mode: enforce needs a calibrated model; models/a (")
    assert "run `ratelimit calibrate`" in mode
    assert challenger.startswith(f"{tmp_path}/nowhere/manifest.json: is missing")


def purchase_policy(folder: Path, *, mode: str = "shadow") -> Policy:
    """A policy that names a model of purchases."""
    purchases = {"model": "models/p", "throttle": [{"above": 0.99}], "mode": mode}
    file = {"version": 1, "limits": [bucket("ip", 5, per="ip")], "risk": {"purchases": purchases}}
    return Policy(parse_policy(file, "test"), str(folder / "ratelimit.yaml"))


def test_what_a_policy_may_ask_of_purchases(tmp_path: Path) -> None:
    """A model that is missing, of requests, or not calibrated where it is to be enforced is a problem; in shadow it is none."""
    with pytest.raises(ConfigError, match=r"models/p/manifest\.json: is missing"):
        check_models(purchase_policy(tmp_path), Model.read, PurchaseModel.read)
    write(tmp_path / "models/p", MANIFEST, {"ip": PLAIN})
    with pytest.raises(ConfigError, match="is a model of 'requests'; expected one of 'purchases'"):
        check_models(purchase_policy(tmp_path), Model.read, PurchaseModel.read)
    write(tmp_path / "models/p", PURCHASE_MANIFEST, {"purchase": purchase_parts(calibrated=False)})
    check_models(purchase_policy(tmp_path), Model.read, PurchaseModel.read)
    with pytest.raises(ConfigError, match=r"risk\.purchases\.mode: enforce needs a calibrated model.*the site's own purchases"):
        check_models(purchase_policy(tmp_path, mode="enforce"), Model.read, PurchaseModel.read)
    write(tmp_path / "models/p", PURCHASE_MANIFEST, {"purchase": purchase_parts()})
    check_models(purchase_policy(tmp_path, mode="enforce"), Model.read, PurchaseModel.read)


async def test_models_of_purchases_are_swapped_in(tmp_path: Path) -> None:
    """As those of requests are, under roles of their own."""
    version = write(tmp_path / "models/p", PURCHASE_MANIFEST, {"purchase": purchase_parts()})
    put: list[PurchaseModel | None] = []
    models = Models(PurchaseModel.read, put.append, put.append, PURCHASES)
    models.adopt(purchase_policy(tmp_path))
    await models.look(settled=True)
    assert [model.version for model in put if model is not None] == [version]
    assert (models.champion.role, models.challenger.role) == ("purchase champion", "purchase challenger")
    models.adopt(policy(tmp_path))
    await models.look(settled=True)
    assert put[-1] is None
