"""Whatever a person changes on the operator lane leaves a line in the audit, or stands here with the reason why not.

A route that is not listed fails the test: whoever adds one decides. What each entry says is tested where its work is.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from ratelimit import console, web
from ratelimit.console import plain
from ratelimit.web.route import Route

AUDITED: Final[dict[str, str]] = {
    "/v1/appeals": "appeal.made",
    "/v1/appeals/{id}/decide": "appeal.decided",
    "/v1/bulk": "acted",
    "/v1/bulk/{bulk}/undo": "undone",
    "/v1/cases/take-next": "case.taken",
    "/v1/cases/{case}/take": "case.taken",
    "/v1/cases/{case}/assign": "case.assigned",
    "/v1/cases/{case}/snooze": "case.snoozed",
    "/v1/cases/{case}/wake": "case.woken",
    "/v1/cases/{case}/escalate": "case.escalated",
    "/v1/cases/{case}/return": "case.returned",
    "/v1/cases/{case}/notes": "case.noted",
    "/v1/cases/{case}/close": "acted",
    "/v1/cases/{case}/actions": "acted",
    "/v1/actions": "acted",
    "/v1/actions/{id}/undo": "undone",
    "/v1/actions/{id}/redo": "acted",
    "/v1/actions/{id}/approve": "approved",
    "/v1/actions/{id}/refuse": "refused",
    "/v1/holds/{purchase}/release": "hold.ended",
    "/v1/holds/{purchase}/revoke": "hold.ended",
    "/v1/models/{section}/promote": "model.promoted",
    "/v1/models/{section}/back": "model.unpinned",
    "/v1/overrides": "override_made",
    "PUT /v1/overrides/{id}": "override_edited",
    "DELETE /v1/overrides/{id}": "override_ended",
    "PUT /v1/me/password": "password.changed",
    "DELETE /v1/me/sessions": "session.ended",
    "DELETE /v1/me/sessions/{id}": "session.ended",
    "/v1/people": "person.invited",
    "PATCH /v1/people/{id}": "person.changed",
    "/v1/people/{id}/link": "password.link",
    "DELETE /v1/people/{id}/sessions": "session.ended",
    "/v1/tokens": "token.made",
    "DELETE /v1/tokens/{id}": "token.revoked",
    "/v1/privacy/requests": "privacy_asked",
    "/v1/privacy/requests/{id}/approve": "privacy_approved",
    "/v1/privacy/requests/{id}/done": "privacy_done",
    "/v1/privacy/requests/{id}/refuse": "privacy_refused",
    "/v1/privacy/requests/{id}/withdraw": "privacy_withdrawn",
    "/v1/rules": "rule.drafted",
    "DELETE /v1/rules/{name}/versions/{version}": "rule.dropped",
    "/v1/rules/{name}/versions/{version}/backtest": "rule.backtested",
    "/v1/rules/{name}/versions/{version}/promote": "rule.promoted",
    "/v1/rules/{name}/versions/{version}/share": "rule.share",
    "/v1/rules/{name}/versions/{version}/pause": "rule.paused",
    "/v1/rules/{name}/versions/{version}/restore": "rule.rolled_back",
    "/v1/webhooks/stripe/dead/{id}/retry": "stripe_fact.retried",
    "DELETE /v1/webhooks/stripe/dead/{id}": "stripe_fact.dropped",
    "/v1/webhooks/dead/{id}/retry": "webhook.retried",
    # pages
    "/account/password": "password.changed",
    "/account/sessions": "session.ended",
    "/account/sessions/{id}": "session.ended",
    "/appeals/new": "appeal.made",
    "/cases/{case}/appeal": "appeal.decided",
    "/actions/{id}/undo": "undone",
    "/actions/{id}/approve": "approved",
    "/actions/{id}/refuse": "refused",
    "/subjects/{subject}/open": "case.opened",
    "/subjects/{subject}/act": "acted",
    "/cases/{number}/act": "acted",
    "/cases/{number}/take-over": "case.taken",
    "/lists": "override_made",
    "/lists/{id}": "override_edited",
    "/lists/{id}/end": "override_ended",
    "/login": "login",
    "/logout": "logout",
    "/welcome": "password.set",
    "/models/{section}/promote": "model.promoted",
    "/models/{section}/back": "model.unpinned",
    "/privacy": "privacy_asked",
    "/privacy/{id}/approve": "privacy_approved",
    "/privacy/{id}/done": "privacy_done",
    "/privacy/{id}/refuse": "privacy_refused",
    "/privacy/{id}/withdraw": "privacy_withdrawn",
    "/queue/next": "case.taken",
    "/queue/act": "acted",
    "/queue/undo": "undone",
    "/queue/snooze": "case.snoozed",
    "/queue/wake": "case.woken",
    "/queue/escalate": "case.escalated",
    "/queue/return": "case.returned",
    "/queue/note": "case.noted",
    "/rules/{name}/{version}/promote": "rule.promoted",
    "/rules/{name}/{version}/share": "rule.share",
    "/rules/{name}/{version}/pause": "rule.paused",
    "/rules/{name}/{version}/restore": "rule.rolled_back",
    "/rules/{name}/{version}/drop": "rule.dropped",
    "/rules/{name}/{version}/backtest": "rule.backtested",
    "/rules/new": "rule.drafted",
    "/rules/{name}/edit": "rule.drafted",
    "/users": "person.invited",
    "/users/tokens": "token.made",
    "/users/{id}": "person.changed",
    "/users/{id}/sessions": "session.ended",
    "/users/{id}/link": "password.link",
    "/users/tokens/{id}/revoke": "token.revoked",
}  # POST where no method is named

_LOOKS: Final = "it looks, and changes nothing"
_OWN: Final = "it changes how the pages look to oneself, and nothing of anybody else's"
_LOCK: Final = "it lengthens or gives back what the line of taking the case has"
WHY_NOT: Final[dict[str, str]] = {
    "/v1/bulk/preview": _LOOKS,
    "/v1/cases/{case}/preview": _LOOKS,
    "/v1/actions/preview": _LOOKS,
    "/v1/rules/check": _LOOKS,
    "/rules/check": _LOOKS,
    "/lists/check": _LOOKS,
    "/audit/verify": _LOOKS,
    "/v1/cases/{case}/beat": _LOCK,
    "/v1/cases/{case}/release": _LOCK,
    "/cases/{number}/heartbeat": _LOCK,
    "/cases/{number}/release": _LOCK,
    "/preferences": _OWN,
    "/account/keys": _OWN,
    "/queue/views": _OWN,
    "/queue/views/{id:[0-9]{1,15}}/drop": _OWN,
    "DELETE /v1/rules/{name}/versions/{version}/backtest": "a run that is given up has found nothing",
    "/rules/{name}/{version}/backtest/leave": "a run that is given up has found nothing",
    "/v1/webhooks/stripe": "no person: it is Stripe's signed word, and kept as the purchase's history",
}

ROOMS: Final = Path(web.__path__[0]).parent
WRITTEN: Final = "".join(path.read_text(encoding="utf-8") for room in ("review", "ledger") for path in (ROOMS / room).glob("*.py"))


def routes() -> Iterator[Route]:
    """Every route that there is; what makes them asks for nothing of what they work with."""
    yield from plain.routes()
    for package in (web, console):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for _, one in inspect.getmembers(module, inspect.isclass):
                if one.__module__ == module.__name__ and hasattr(one, "routes"):
                    made: Any = object.__new__(one)
                    yield from made.routes()


def named(route: Route) -> str:
    return route.path if route.method == "POST" else f"{route.method} {route.path}"


def test_every_change_is_audited_or_says_why_not() -> None:
    """And nothing is listed that is not there."""
    changing = {named(route) for route in routes() if route.method != "GET"}
    assert changing == AUDITED.keys() | WHY_NOT.keys()
    assert not AUDITED.keys() & WHY_NOT.keys()
    assert len(changing) > 90


@pytest.mark.parametrize("kind", sorted({*AUDITED.values()}))
def test_a_kind_is_one_that_is_written(kind: str) -> None:
    """It stands in the rooms that write."""
    assert f'"{kind}"' in WRITTEN


def test_what_is_asked_for_by_get_is_no_change() -> None:
    """Nothing that a link does: the methods are these."""
    assert {route.method for route in routes()} == {"GET", "POST", "PUT", "PATCH", "DELETE"}
