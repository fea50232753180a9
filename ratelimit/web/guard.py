"""What every request of the operator lane passes: other sites' pages are refused, who asks is found, what is wrong becomes a problem."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from ratelimit.ledger.ledger import LedgerAwayError, NoTextError
from ratelimit.service.ask import StoreAwayError
from ratelimit.web.counts import Counts
from ratelimit.web.cross_site import refuse_cross_site
from ratelimit.web.door import Door
from ratelimit.web.fault import bug_reply
from ratelimit.web.local_path import HOME, local_path
from ratelimit.web.problems import ClientError
from ratelimit.web.reply import Reply, error_reply, lines
from ratelimit.web.route import PRINCIPAL, STILL, Handle, Route, Still

LOGIN: Final = "/login"
_CAREFUL: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}  # what is here is for who asks, and for now
_METRICS: Final = "/metrics"  # asked for under names that a cluster gives

Trouble = Callable[[web.Request, ClientError], Awaitable[web.StreamResponse]]  # a page that says what is wrong
Routes = Mapping[tuple[str, str], Route]  # by method and path


async def no_page(_request: web.Request, error: ClientError) -> web.StreamResponse:
    """For a lane that has no pages: the problem."""
    return error_reply(error)


def guard(counts: Counts, door: Door, routes: Routes, trouble: Trouble = no_page) -> Any:
    """The middleware. What is no route asks for whatever any call asks for, so that nobody learns what there is."""
    elsewhere = Route("GET", "", _nothing, role="viewer", early=True)

    async def answered(request: web.Request, handler: Handle) -> web.StreamResponse:
        route = _route(request, routes) or elsewhere._replace(page=_is_browser(request) and trouble is not no_page)
        try:
            return await _pass(door, route, request, handler)
        except ClientError as error:
            problem = error
        except web.HTTPException as error:
            problem = _problem(error)
        except StoreAwayError:
            problem = ClientError(503, "the store is away; ask again", headers={"Retry-After": "1"})
        except LedgerAwayError:
            problem = ClientError(
                503, "the ledger is away, and nothing was changed as far as is known; ask again", headers={"Retry-After": "2"}
            )
        except NoTextError as error:
            problem = ClientError(422, str(error))
        except Exception as error:
            if not route.page:
                raise
            counts.bugs += 1
            bug_reply(error, envoy=False)  # which logs it
            return await trouble(request, ClientError(500, "this is a bug of ours; the log has more"))
        counts.problems[problem.problem.status] += 1
        return await trouble(request, problem) if route.page else error_reply(problem)

    @web.middleware
    async def middleware(request: web.Request, handler: Handle) -> web.StreamResponse:
        answer = await answered(request, handler)
        if isinstance(answer, Reply):
            answer.also(_CAREFUL)
        return answer

    return middleware


async def _pass(door: Door, route: Route, request: web.Request, handler: Handle) -> web.StreamResponse:
    by_token = "Authorization" in request.headers
    refuse_cross_site(request.method, request.headers, cookie=not by_token and door.cookie(request) is not None)
    if not (route.free or route.path == _METRICS or by_token):
        door.origin.refuse_foreign_host(request)
    principal = await door.admit(request, route)
    if principal is None and route.page and not route.free:
        return _to_login(request)
    if principal is not None:
        request[PRINCIPAL] = principal
        request[STILL] = Still(partial(door.still, principal))
    return await handler(request)


def _route(request: web.Request, routes: Routes) -> Route | None:
    resource = request.match_info.route.resource
    method = "GET" if request.method == "HEAD" else request.method
    return routes.get((method, resource.canonical)) if resource is not None else None


def _to_login(request: web.Request) -> Reply:
    """Log in, and come back to where one was, if that can be asked for again."""
    back = request.headers.get("HX-Current-URL", "") if "HX-Request" in request.headers else request.path_qs
    rest = back.partition("://")[2] if "://" in back.partition("?")[0] else back
    path = local_path(rest[rest.find("/") :] if "/" in rest else HOME)
    asked = f"?next={quote(path, safe='/')}" if request.method == "GET" and path != HOME else ""
    where = "HX-Redirect" if "HX-Request" in request.headers else "Location"
    return Reply(200 if where == "HX-Redirect" else 303, lines({where: f"{LOGIN}{asked}", "Cache-Control": "no-store"}))


def _is_browser(request: web.Request) -> bool:
    return "text/html" in request.headers.get("Accept", "")


async def _nothing(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


def _problem(error: web.HTTPException) -> ClientError:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return ClientError(405, f"this is not answered here; use {allowed}", headers={"Allow": allowed})
    if error.status == 404:
        return ClientError(404, "nothing is here; the console begins at /, and /docs lists the calls")
    return ClientError(error.status, error.reason)
