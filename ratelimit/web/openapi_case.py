"""Cases as openapi describes them."""

from typing import Final

from ratelimit.core.case import CaseReason
from ratelimit.ledger.cases import CampaignRow, CaseView, QueueFilter, QueuePage
from ratelimit.review.deed import Done
from ratelimit.review.quality import Figures
from ratelimit.web.campaigns import CAMPAIGN, CAMPAIGNS, Campaigns, CampaignsAsked, CampaignView
from ratelimit.web.cases import (
    CASE,
    CASES,
    TAKE_NEXT,
    AssignAsked,
    Beaten,
    ChangeAsked,
    Changed,
    CloseAsked,
    History,
    NextAsked,
    NoteAsked,
    Noted,
    Notes,
    SnoozeAsked,
    TakeAsked,
    Taken,
)
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, json_of, parameter, problem, ref
from ratelimit.web.quality import QUALITY

CASE_SHAPES: Final = (
    CaseReason, CaseView, QueuePage, Taken, Beaten, Changed, Noted, Notes, History, NextAsked, TakeAsked, AssignAsked, SnoozeAsked,
    ChangeAsked, NoteAsked, CloseAsked, Done, Figures, CampaignRow, Campaigns, CampaignView,
)  # fmt: skip

_WHO: Final = {
    "401": problem("who asks is not known"),
    "403": problem("who asks may not"),
    "503": problem("the ledger is away"),
}
_NO_CASE: Final = {"404": problem("there is no such case")}
_CHANGES: Final = (
    ("take", "Lock a case, so that nobody else works on it unknowingly", "TakeAsked", "Taken"),
    ("beat", "Say that it is still open", None, "Beaten"),
    ("release", "Give it back", None, "CaseView"),
    ("assign", "Make it somebody's, or nobody's", "AssignAsked", "Changed"),
    ("snooze", "Put it off", "SnoozeAsked", "Changed"),
    ("wake", "Bring it back", "ChangeAsked", "Changed"),
    ("escalate", "Pass it on to an admin", "ChangeAsked", "Changed"),
    ("return", "Pass it back to everybody", "ChangeAsked", "Changed"),
    ("close", "Close it with a verdict, which labels the anchor and the purchases behind it", "CloseAsked", "Done"),
)


def case_paths() -> Node:
    """The calls of the operator lane."""
    filters = [parameter("query", name, f"see {name} of the queue", required=False) for name in QueueFilter.__struct_fields__]
    queue = {
        **_call("A page of the queue", {"200": json_of("in its order", "QueuePage"), "422": BODY_PROBLEMS["422"]}),
        "parameters": filters,
    }
    notes = {
        "get": _call("The notes of a case", {"200": json_of("latest first", "Notes"), **_NO_CASE}),
        "post": _asked("Write a note", "NoteAsked", {"201": json_of("written", "Noted"), **_NO_CASE}),
    }
    return {
        CASES: {"servers": OPERATOR, "get": queue},
        TAKE_NEXT: {
            "servers": OPERATOR,
            "post": _asked("Lock the most urgent case that nobody has open", "NextAsked", {"200": json_of("it, or null", "Taken")}),
        },
        CASE: {**_of_case(), "get": _call("One case", {"200": json_of("as it is", "CaseView"), **_NO_CASE})},
        f"{CASE}/notes": {**_of_case(), **notes},
        f"{CASE}/history": {
            **_of_case(),
            "get": _call("What happened to a case", {"200": json_of("latest first", "History"), **_NO_CASE}),
        },
        QUALITY: {"servers": OPERATOR, "get": _quality()},
        CAMPAIGNS: {"servers": OPERATOR, "get": _campaigns()},
        CAMPAIGN: {
            "servers": OPERATOR,
            "parameters": [parameter("path", "campaign", "its number, such as K-17")],
            "get": _call("One campaign", {"200": json_of("as it is", "CampaignView"), "404": problem("there is no such campaign")}),
        },
        **{f"{CASE}/{name}": {**_of_case(), "post": _change(summary, body, answer)} for name, summary, body, answer in _CHANGES},
    }


def _quality() -> Node:
    days = parameter("query", "days", "of how many days up to now; 30 if nothing is said", required=False)
    answers = {"200": json_of("second reviews, decisions per rule, and what nothing flags", "Figures"), "422": BODY_PROBLEMS["422"]}
    return {**_call("How good decisions are", answers), "parameters": [days]}


def _campaigns() -> Node:
    asked = [parameter("query", name, f"see {name} of CampaignsAsked", required=False) for name in CampaignsAsked.__struct_fields__]
    answers = {"200": json_of("the latest first", "Campaigns"), "422": BODY_PROBLEMS["422"]}
    return {**_call("Campaigns with open cases", answers), "parameters": asked}


def _change(summary: str, body: str | None, answer: str) -> Node:
    answers = {"200": json_of("done", answer), **_NO_CASE, "409": problem("somebody has it open, or was faster")}
    return _asked(summary, body, answers) if body is not None else _call(summary, answers)


def _asked(summary: str, shape: str, answers: Node) -> Node:
    body = {"required": False, "content": {"application/json": {"schema": ref(shape)}}}
    return {**_call(summary, {**BODY_PROBLEMS, **answers}), "requestBody": body}


def _of_case() -> Node:
    return {"servers": OPERATOR, "parameters": [parameter("path", "case", "its number, such as C-1042, or a reference that was told")]}


def _call(summary: str, answers: Node) -> Node:
    return {"tags": ["cases"], "summary": summary, "security": [{}, {"operator": []}], "responses": {**answers, **_WHO}}
