"""The operator lane: metrics, the policy in force, documentation and health. For people and machines that run this, not for the gateway."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec.structs import replace

from ratelimit.core.masked import whom_of
from ratelimit.core.policy_file import written
from ratelimit.core.principal import Role
from ratelimit.core.record import Record
from ratelimit.core.rule import Rule
from ratelimit.web.counts import Counts
from ratelimit.web.door import Door
from ratelimit.web.guard import Trouble, guard, no_page
from ratelimit.web.merge import merged
from ratelimit.web.metrics import exposed, process_figures, shared_figures
from ratelimit.web.openapi import openapi
from ratelimit.web.page import ASSETS, CSP, PAGES
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import JSON, Reply, json_reply, lines
from ratelimit.web.route import PRINCIPAL, Route
from ratelimit.web.server import LaneServer
from ratelimit.web.signal_metrics import INSIDE
from ratelimit.web.watched import Watched

_MOST_RECORDS: Final = 200  # in one answer

_SAFE: Final = {"Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class Operator:
    """What the operator lane answers."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._openapi = json.dumps(openapi(), indent=1).encode()

    async def metrics(self, request: web.Request) -> Reply:
        """For Prometheus."""
        watched = self._watched
        figures = [*await watched.sidecars.figures(), *shared_figures(watched), *watched.desk(), *process_figures()]
        found = exposed([one for one in merged(figures) if one.name not in INSIDE], request.headers.get("Accept", ""))
        return Reply(200, f"Content-Type: {found.content_type}\r\n", found.body)

    async def policy(self, _request: web.Request) -> Reply:
        """The policy in force, and how its file stands to it."""
        return json_reply(200, policy_view(self._watched))

    async def records(self, request: web.Request) -> Reply:
        """The latest refusals, latest first."""
        found = await self._watched.sidecars.records(_MOST_RECORDS)
        return json_reply(200, {"records": [_as_seen(record, request[PRINCIPAL].role) for record in found]})

    async def record(self, request: web.Request) -> Reply:
        """The refusal with the id that a caller was told."""
        record = await self._watched.sidecars.find(request.match_info["id"])
        if record is None:
            raise ClientError(404, "no refusal of that id is remembered here; it may be another sidecar's, or too long ago")
        return json_reply(200, _as_seen(record, request[PRINCIPAL].role))

    async def openapi(self, _request: web.Request) -> Reply:
        """The description of both lanes."""
        return Reply(200, JSON, self._openapi)

    async def file(self, request: web.Request) -> Reply:
        """A page, or a file that a page needs. All are known by name; nothing is looked up in a folder."""
        name = request.path
        if name in PAGES:
            kind, content = PAGES[name]
            return Reply(200, lines({"Content-Type": kind, **_SAFE}), content)
        kind = ASSETS[name]
        return Reply(200, lines({"Content-Type": kind, "Cache-Control": "max-age=86400", **_SAFE}), _swagger_ui(name.rpartition("/")[2]))


@cache
def _swagger_ui(name: str) -> bytes:
    (version,) = files("swagger_ui_bundle").joinpath("vendor").iterdir()  # the wheel carries one
    return version.joinpath(name).read_bytes()


def _as_seen(record: Record, role: Role) -> Record:
    """To a viewer, whom it is about in part."""
    return replace(record, subject=whom_of(record.subject, role), risk_subject=whom_of(record.risk_subject, role))


def policy_view(watched: Watched) -> dict[str, Any]:
    """The policy in force as plain data, in the way the file writes it."""
    policy, state = watched.sidecars.policy, watched.reload
    return {
        "digest": policy.digest,
        "source": policy.source,
        "loaded_at": datetime.fromtimestamp(state.loaded_at_s, UTC).isoformat(timespec="seconds"),
        "reloads": state.reloads,
        "failed_reloads": state.failed,
        "problems": state.problems,
        "warnings": policy.warnings,
        "mode": policy.mode,
        "identity": msgspec.to_builtins(policy.identity),
        "limits": [written(limit) for limit in policy.limits],
        "risk": msgspec.to_builtins(policy.file.risk),
        "purchases": msgspec.to_builtins(policy.file.purchases),
        "cases": msgspec.to_builtins(policy.file.cases),
        "rules": [_rule_view(rule) for rule in policy.file.rules],
        "lists": [
            {"name": it.rule.name, "says": it.rule.then or f"signal {it.rule.signal}", "items": it.entries} for it in policy.lists.all
        ],
    }


def _rule_view(rule: Rule) -> dict[str, Any]:
    return {"name": rule.name, "on": rule.on, "then": rule.then, "when": rule.when, "mode": rule.mode, "reason": rule.reason}


def operator_application(watched: Watched, door: Door, more: Iterable[Route] = (), trouble: Trouble = no_page) -> web.Application:
    """The routes of the operator lane; `more` are those of parts that know by themselves what they answer. `trouble` makes pages of what
    is wrong.
    """
    operator, health = Operator(watched), watched.health
    own = [
        Route("GET", "/livez", health.livez, free=True),  # probes carry no token
        Route("GET", "/readyz", health.readyz, free=True),
        Route("GET", "/metrics", operator.metrics),
        Route("GET", "/openapi.json", operator.openapi),
        *(Route("GET", path, operator.file) for path in (*PAGES, *ASSETS)),
        Route("GET", "/v1/policy", operator.policy, role="viewer", scope="rules:read", early=True),
        Route("GET", "/v1/records", operator.records, role="viewer", scope="records:read", early=True),
        Route("GET", "/v1/records/{id}", operator.record, role="viewer", scope="records:read", early=True),
    ]
    routes = {(route.method, route.path): route for route in (*own, *more)}.values()  # what is told later takes a place
    known: dict[tuple[str, str], Route] = {}
    application = web.Application(middlewares=[guard(watched.operator, door, known, trouble)])
    for route in routes:
        add = application.router.add_get if route.method == "GET" else partial(application.router.add_route, route.method)
        resource = add(route.path, route.handle).resource
        known[route.method, resource.canonical if resource is not None else route.path] = route
    return application


class OperatorRunner(web.AppRunner):
    """Runs the application on connections whose every answer is ours. After `setup`, `lane` is what listens."""

    def __init__(self, application: web.Application, counts: Counts) -> None:
        super().__init__(application, access_log=None)
        self._counts = counts

    @property
    def lane(self) -> LaneServer:
        """The server to listen with."""
        assert isinstance(self.server, LaneServer), "setup() comes first"  # noqa: S101
        return self.server

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return LaneServer(made.request_handler, self._counts, made.request_factory)
