"""The policy of the demonstration: the built-in one with some of its rules in force and others asking for a person.

The risk of requests is in shadow, that of purchases holds tokens, once their models are calibrated.
"""

import json
from collections.abc import Collection
from importlib.resources import files
from typing import Any, Final

import yaml

MODELS: Final = "models"
_IN_FORCE: Final = frozenset({"card-testing", "free-credit-farm", "known-fraud", "prepaid-newcomer"})
_SHADOW: Final = frozenset({"spending-spree", "scraper"})
_VERDICT: Final = ("for", "of", "action", "hold", "lapse", "bucket", "scope", "canary")  # what a rule that asks for a person has none of
_CASES_A_DAY: Final = 160  # an eighth of them in the first hours, which are all that a demonstration has
_ABOVE: Final = 0.96  # a small site has few days: one subject in twenty-five


def demo_policy(models: Collection[str]) -> str:
    """Its file; `models` are those of requests and purchases that are calibrated, in the folder MODELS beside it."""
    policy: dict[str, Any] = yaml.safe_load(files("ratelimit").joinpath("default-policy.yaml").read_text(encoding="utf-8"))
    rules: list[dict[str, Any]] = []
    for rule in policy["rules"]:
        rule["on"] = rule.pop(True)  # as YAML 1.1 reads the word
        rules.append(rule)
        if rule["name"] in _IN_FORCE:
            del rule["mode"]
            rules.append({**_asking(rule), "name": f"{rule['name']}-seen"})
        elif rule["name"] not in _SHADOW and "site." not in rule["when"]:
            rules[-1] = _asking(rule)
    policy["rules"] = sorted(rules, key=lambda rule: rule["then"] != "review")  # an allow or a block ends the reading for nobody here
    policy["cases"] = {"per_day": _CASES_A_DAY}
    policy["retention"] = {"keep": ["card"]}  # nobody is behind these cards
    risk: dict[str, Any] = {}
    if "requests" in models:
        throttle = {"above": _ABOVE, "bucket": {"capacity": 5, "refill_ratio": 0.25}}
        risk["requests"] = {"model": f"{MODELS}/requests", "throttle": throttle, "mode": "shadow"}
    if "purchases" in models:
        risk["purchases"] = {"model": f"{MODELS}/purchases", "throttle": [{"above": 0.99, "hold": 0.5, "lapse": "24h"}], "mode": "enforce"}
    if risk:
        policy["risk"] = risk
    return json.dumps(policy, indent=1)  # which is YAML, in which every word is quoted


def _asking(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule, when it asks for a person and decides nothing."""
    return {name: value for name, value in rule.items() if name not in _VERDICT} | {"then": "review", "mode": "enforce"}
