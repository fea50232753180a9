"""Accounts and the audit as openapi describes them."""

from typing import Final

from ratelimit.review.account import Change, Invited, LinkMade, NewPassword, PersonView, TokenAsked, TokenMade, TokenView
from ratelimit.web.audit import AUDIT, VERIFY, AuditView, VerifiedView
from ratelimit.web.openapi_part import BODY_PROBLEMS, OPERATOR, Node, json_of, parameter, problem, ref
from ratelimit.web.people import ME, PEOPLE, PERSON, TOKENS, EndedView, MeView, PeopleView, SessionsView, TokensView

ACCOUNT_SHAPES: Final = (
    AuditView, Change, EndedView, Invited, LinkMade, MeView, NewPassword, PeopleView, PersonView, SessionsView, TokenAsked, TokenMade,
    TokenView, TokensView, VerifiedView,
)  # fmt: skip

_SECURITY: Final[list[Node]] = [{"operator": []}]
_ANYWAY: Final = {
    "401": problem("nobody is logged in, and there is no token that works"),
    "403": problem("the role is too small, the token has not the scope, or a page of another site asks"),
    "503": problem("the ledger or the store is away"),
}
_NOBODY: Final = {"404": problem("there is no such person, session or token")}
_CONFLICT: Final = {"409": problem("the login is taken, or this is the last admin")}
_LOCKED: Final = {"429": problem("too many tries in vain; Retry-After says how long to wait")}
_FILTERS: Final = {
    "kind": "what happened, such as login",
    "actor": "by whom",
    "case": "a case's number",
    "since": "seconds since the epoch",
    "until": "seconds since the epoch; not included",
    "before": "entries with a smaller number; see following",
    "most": "how many, 1 to 200",
}


def account_paths() -> Node:
    """The calls of the operator lane."""
    person = [parameter("path", "id", "the id of the person")]
    session = [parameter("path", "id", "the id of the session")]
    token = [parameter("path", "id", "the id of the token")]
    return {
        ME: _path(get=_call("Who asks", "MeView")),
        f"{ME}/password": _path(put=_call("Another password for oneself; all other sessions end", "MeView", "NewPassword", _LOCKED)),
        f"{ME}/sessions": _path(get=_call("Where one is logged in", "SessionsView"), delete=_call("Log out everywhere else", "EndedView")),
        f"{ME}/sessions/{{id}}": _path(session, delete=_call("End one of one's own sessions", "EndedView", more=_NOBODY)),
        PEOPLE: _path(
            get=_call("Everybody", "PeopleView"),
            post=_call("Let somebody in, by a link that works once", "LinkMade", "Invited", _CONFLICT, "201"),
        ),
        PERSON: _path(person, patch=_call("Another role or name, in or out", "PersonView", "Change", {**_NOBODY, **_CONFLICT})),
        f"{PERSON}/link": _path(
            person, post=_call("A link by which somebody sets another password", "LinkMade", more={**_NOBODY, **_CONFLICT}, status="201")
        ),
        f"{PERSON}/sessions": _path(
            person,
            get=_call("Where somebody is logged in", "SessionsView", more=_NOBODY),
            delete=_call("Log somebody out everywhere", "EndedView", more=_NOBODY),
        ),
        TOKENS: _path(
            get=_call("All tokens, without their secrets", "TokensView"),
            post=_call("A new token, which is shown in this answer alone", "TokenMade", "TokenAsked", status="201"),
        ),
        f"{TOKENS}/{{id}}": _path(token, delete=_call("Let a token not work any more", "TokenView", more=_NOBODY)),
        AUDIT: _path(
            [parameter("query", name, what, required=False) for name, what in _FILTERS.items()],
            get=_call("Who did what, latest first", "AuditView", more={"422": problem("the query is not understood")}),
        ),
        VERIFY: _path(get=_call("Whether the audit's chain is whole", "VerifiedView")),
    }


def _path(parameters: list[Node] | None = None, **calls: Node) -> Node:
    return {"servers": OPERATOR, **({"parameters": parameters} if parameters else {}), **calls}


def _call(summary: str, answered: str, asked: str | None = None, more: Node | None = None, status: str = "200") -> Node:
    answers = {status: json_of(summary, answered), **(BODY_PROBLEMS if asked else {}), **(more or {}), **_ANYWAY}
    call: Node = {"tags": ["operator"], "summary": summary, "security": _SECURITY, "responses": answers}
    if asked:
        call["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(asked)}}}
    return call
