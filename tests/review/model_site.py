"""Two models of purchases beside a policy, for tests: the shipped one, as champion and as challenger."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import parse_policy
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.model_drift import Sample
from ratelimit.review.models import Models
from ratelimit.review.rule_overlay import RuleOverlay
from ratelimit.stores.client import RedisStore
from tests.review.rule_ledger import NOW

SHIPPED = Path(__file__).parents[2] / "models" / "purchases"
LIMIT = {"name": "a", "per": ["ip"], "bucket": {"capacity": 1, "refill": "1/s"}}
SAMPLES: list[Sample] = [
    ("ratelimit_purchase_challenger_agreement_total", {"above": "neither"}, 90.0),
    ("ratelimit_purchase_challenger_agreement_total", {"above": "champion"}, 2.0),
    ("ratelimit_purchase_challenger_agreement_total", {"above": "challenger"}, 5.0),
    ("ratelimit_purchase_challenger_agreement_total", {"above": "both"}, 3.0),
    ("ratelimit_drift_rows", {"kind": "ip"}, 900.0),
    ("ratelimit_signal_drift", {"kind": "ip", "signal": "paths"}, 0.31),
    ("ratelimit_signal_drift", {"kind": "ip", "signal": "agents"}, 0.02),
    ("ratelimit_risk_drift", {"kind": "ip"}, 0.08),
    ("ratelimit_drift_rows", {"kind": "account"}, 12.0),
]


class ModelSite:
    """A policy in `folder` that names two models, with a ledger and a store."""

    def __init__(self, folder: Path, ledger: Ledger, store: RedisStore, **more: Any) -> None:
        for name in ("one", "two"):
            shutil.copytree(SHIPPED, folder / "models" / name, dirs_exist_ok=True)
        self.folder = folder
        self.policy = self.file(model="models/one", challenger="models/two", **more)
        self.overlay = RuleOverlay(ledger, store, lambda: self.policy, lambda: NOW)
        self.models = Models(ledger, self.overlay, lambda: self.policy, self.figures, lambda: NOW)

    def file(self, **risk: Any) -> Policy:
        purchases = {"throttle": [{"above": 0.99}, {"above": 0.999, "hold": 0.5}], **risk}
        data: Mapping[str, Any] = {"version": 1, "limits": [LIMIT], "risk": {"purchases": purchases}}
        return Policy(parse_policy(data, "test"), str(self.folder / "ratelimit.yaml"))

    async def figures(self) -> list[Sample]:
        return SAMPLES
