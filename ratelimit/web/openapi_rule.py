"""Rules and models as openapi describes them."""

from typing import Final

from ratelimit.review.backtest_found import BacktestFound
from ratelimit.review.rules import Promotion
from ratelimit.web.models import BACK as MODEL_BACK
from ratelimit.web.models import MODELS, ModelAsked, ModelBack, ModelsView, ModelTold
from ratelimit.web.models import PROMOTE as MODEL_PROMOTE
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, json_of, parameter, problem, ref
from ratelimit.web.rules import (
    BACKTEST,
    CHECK,
    PAUSE,
    PROMOTE,
    RESTORE,
    RULE,
    RULES,
    SHARE,
    VERSION,
    BacktestAsked,
    BacktestView,
    PromotedView,
    RuleChecked,
    RuleDraft,
    RuleShare,
    RulesView,
    RuleText,
    RuleView,
    RuleWhy,
    VersionView,
)

RULE_SHAPES: Final = (
    BacktestAsked, BacktestFound, BacktestView, ModelAsked, ModelBack, ModelTold, ModelsView, PromotedView, Promotion, RuleChecked,
    RuleDraft, RuleShare, RuleText, RuleView, RuleWhy, RulesView, VersionView,
)  # fmt: skip

_TOKEN: Final = {"401": problem("the token is missing or wrong"), "403": problem("whoever asks may not, or not alone")}
_AWAY: Final = {"503": problem("the ledger's database is away")}
_GONE: Final = {"404": problem("there is no such rule, or no such version of it")}
_LATE: Final = {"409": problem("it is not at that step, or somebody was faster")}
_NAME: Final = parameter("path", "name", "the rule's name")
_NUMBER: Final = parameter("path", "version", "the number of the version")


def rule_paths() -> Node:
    """The calls of the operator lane."""
    done = {"200": json_of("done, or asked for", "PromotedView")}
    stands = {"200": json_of("as it stands", "BacktestView")}
    test = _asked("Try it on the last 30 or 90 days", "BacktestAsked", {"202": json_of("begun", "BacktestView"), **_LATE})
    return {
        RULES: {
            "servers": OPERATOR,
            "get": _call("Every rule with its versions", {"200": json_of("by name", "RulesView")}),
            "post": _asked("Write a version", "RuleDraft", {"201": json_of("written", "VersionView")}, gone=False),
        },
        CHECK: {
            "servers": OPERATOR,
            "post": _asked("What is wrong with a rule's text", "RuleText", {"200": json_of("every problem", "RuleChecked")}, gone=False),
        },
        RULE: {"servers": OPERATOR, "parameters": [_NAME], "get": _call("One rule", {"200": json_of("as it stands", "RuleView"), **_GONE})},
        VERSION: {**_of_version(), "delete": _call("Take a draft away", {"204": {"description": "gone"}, **_GONE, **_LATE})},
        BACKTEST: {
            **_of_version(),
            "get": _call("How the latest backtest of a version stands", {**stands, **_GONE}),
            "post": test,
            "delete": _call("Leave the backtest of the rule that is under way", {"204": {"description": "left"}, **_GONE}),
        },
        PROMOTE: {**_of_version(), "post": _asked("Take it to the next step, or ask for it", "Promotion", {**done, **_LATE})},
        SHARE: {**_of_version(), "post": _asked("Have a canary in force for another share", "RuleShare", {**done, **_LATE})},
        PAUSE: {**_of_version(), "post": _asked("Take it out of force", "RuleWhy", {**done, **_LATE})},
        RESTORE: {**_of_version(), "post": _asked("Put it in force again", "RuleWhy", {**done, **_LATE})},
    }


def model_paths() -> Node:
    """The same of models."""
    told = {"200": json_of("done", "ModelTold"), **_LATE}
    section = [parameter("path", "section", "requests or purchases")]
    return {
        MODELS: {
            "servers": OPERATOR,
            "get": _call("Models, drift, and policies that were in force", {"200": json_of("as they are", "ModelsView")}),
        },
        MODEL_PROMOTE: {"servers": OPERATOR, "parameters": section, "post": _asked("Have the challenger give risks", "ModelAsked", told)},
        MODEL_BACK: {
            "servers": OPERATOR,
            "parameters": section,
            "post": _asked("Have the file's models in force again", "ModelBack", told),
        },
    }


def _of_version() -> Node:
    return {"servers": OPERATOR, "parameters": [_NAME, _NUMBER]}


def _asked(summary: str, shape: str, answers: Node, *, gone: bool = True) -> Node:
    body = {"required": True, "content": {"application/json": {"schema": ref(shape)}}}
    return {**_call(summary, {**answers, **BODY_PROBLEMS, **(_GONE if gone else {})}), "requestBody": body}


def _call(summary: str, answers: Node) -> Node:
    return {"tags": ["operator"], "summary": summary, "security": [{"operator": []}], "responses": {**answers, **_TOKEN, **_AWAY}}
