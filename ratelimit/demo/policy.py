"""The policy of the demonstration: the built-in one with some of its rules in force and others asking for a person, and risk in shadow."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

_IN_FORCE: Final = frozenset({"card-testing", "free-credit-farm", "known-fraud", "prepaid-newcomer"})
_REVIEWED: Final = frozenset({"cashing-out", "spending-spree", "taken-over", "password-guessing", "scraper", "key-shared-widely"})
_ABOVE: Final = 0.995  # a day is short: of some 400 honest callers two


def demo_policy(models: Mapping[str, Path]) -> str:
    """Its file; `models` are the calibrated folders of requests and purchases that are there already."""
    policy: dict[str, Any] = yaml.safe_load(files("ratelimit").joinpath("default-policy.yaml").read_text(encoding="utf-8"))
    for rule in policy["rules"]:
        rule["on"] = rule.pop(True)  # as YAML 1.1 reads the word
        if rule["name"] in _IN_FORCE:
            del rule["mode"]
        elif rule["name"] in _REVIEWED:
            rule["then"], rule["mode"] = "review", "enforce"
            for name in ("for", "of", "action", "hold", "lapse", "bucket", "scope"):
                rule.pop(name, None)
    risk: dict[str, Any] = {}
    if (requests := models.get("requests")) is not None:
        throttle = {"above": _ABOVE, "bucket": {"capacity": 5, "refill_ratio": 0.25}}
        risk["requests"] = {"model": str(requests), "throttle": throttle, "mode": "shadow"}
    if (purchases := models.get("purchases")) is not None:
        risk["purchases"] = {"model": str(purchases), "throttle": [{"above": 0.99, "hold": 0.5, "lapse": "24h"}], "mode": "shadow"}
    if risk:
        policy["risk"] = risk
    return json.dumps(policy, indent=1)  # which is YAML, in which every word is quoted
