"""The policy file: its shape, and the reading of its decoded content with all problems at once.

Decoding YAML is the edge's business. What is not built yet is refused by name, so that nobody believes it in force.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct, inspect

from ratelimit.core.case_rule import CaseRules
from ratelimit.core.errors import ConfigError
from ratelimit.core.identity import Identity
from ratelimit.core.limit import Limit, Mode
from ratelimit.core.list_rule import ListRule
from ratelimit.core.policy_check import checks_with
from ratelimit.core.policy_shape import Reading
from ratelimit.core.purchase import PurchaseRules
from ratelimit.core.retention import Retention
from ratelimit.core.risk_rule import RiskRules
from ratelimit.core.rule import Rule

MAX_LIMITS: Final = 500
MAX_RULES: Final = 200
MAX_LISTS: Final = 100


class PolicyFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole policy as written. With `mode: shadow` no limit of it is enforced."""

    version: Literal[1]
    limits: Annotated[tuple[Limit, ...], Meta(min_length=1, max_length=MAX_LIMITS)]
    mode: Mode = "enforce"
    identity: Identity = Identity()
    risk: RiskRules | None = None
    purchases: PurchaseRules = PurchaseRules()
    rules: Annotated[tuple[Rule, ...], Meta(max_length=MAX_RULES)] = ()
    lists: Annotated[tuple[ListRule, ...], Meta(max_length=MAX_LISTS)] = ()
    cases: CaseRules = CaseRules()
    retention: Retention = Retention()


_SHAPE: Final = inspect.type_info(PolicyFile)
_RULE: Final = inspect.type_info(Rule)
_CHECKS: Final = checks_with(PolicyFile)
_NOT_BUILT: Final[Mapping[type[Struct], Mapping[str, str]]] = {
    Limit: {"concurrency": "a bucket or a quota is"},
}


def parse_policy(data: object, source: str) -> PolicyFile:
    """The policy in `data`, which is decoded YAML; `source` is the file's name in messages. Raises ConfigError with every problem."""
    reading = Reading(source, _CHECKS, _NOT_BUILT)
    policy: PolicyFile = reading.read(_SHAPE, data)
    if reading.problems:
        raise ConfigError(reading.problems)
    return policy


def parse_rule(data: object, source: str) -> Rule:
    """One rule, judged as one of a file is. Raises ConfigError with every problem."""
    reading = Reading(source, _CHECKS, _NOT_BUILT)
    rule: Rule = reading.read(_RULE, data)
    if reading.problems:
        raise ConfigError(reading.problems)
    return rule


def written(limit: Limit) -> dict[str, Any]:
    """A limit as plain data in the way the file writes it, defaults included; for JSON."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(limit))
    if limit.bucket is not None:
        plain["bucket"]["refill"] = str(limit.bucket.refill)
    if "subnet" not in limit.per:
        del plain["subnet"]  # which would mean nothing, and be refused
    return plain


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file, for editors."""
    schema = msgspec.json.schema(PolicyFile)
    schema["$defs"]["Rule"]["properties"]["when"] |= {
        "description": "A condition in CEL; `ratelimit policy names` lists what it can name.",
        "examples": ["purchase.cards_1h >= 3 && purchase.declines_1h >= 2", "request.failed_logins_10m >= 10"],
    }
    schema["$defs"]["Refill"] = {
        "title": "Refill",
        "description": "Tokens per time.",
        "type": "string",
        "pattern": r"^\s*\d{1,15}(\.\d{1,6})?\s*/\s*(ms|s|sec|second|m|min|minute|h|hour|d|day)\s*$",
        "examples": ["10/s", "100/min", "0.5/h"],
    }
    schema["$defs"]["Duration"] = {
        "title": "Duration",
        "description": "A span of time.",
        "type": "string",
        "pattern": r"^\s*\d{1,15}(\.\d{1,6})?\s*(ms|s|sec|second|m|min|minute|h|hour|d|day)\s*$",
        "examples": ["120s", "5min", "24h"],
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ratelimit.yaml", **schema}
