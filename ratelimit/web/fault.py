"""The answers where no handler gave one: a request that is no HTTP, and a bug of ours. Neither repeats or logs what a request said."""

from secrets import token_hex
from traceback import extract_tb
from typing import Final

import structlog
from aiohttp.http_exceptions import LineTooLong

from ratelimit.web.problems import REDUCED_CAPACITY, Problem, mistake
from ratelimit.web.reply import Reply, problem_reply

_FRAMES: Final = 8  # innermost ones of a traceback that are logged
_ADVICE: Final = "send one as RFC 9112 has it"

_log = structlog.get_logger()


def unparsable_reply(error: BaseException | None, *, nginx: bool) -> Reply:
    """For what aiohttp's parser refuses; the connection ends, since nobody knows where the next request begins."""
    if isinstance(error, LineTooLong):
        status, detail = 431, "a line of the request, or all its headers, are too long; send fewer and shorter headers"
    else:
        status, detail = 400, f"this is not an HTTP request that can be understood; {_ADVICE}"
    if nginx:
        return problem_reply(mistake(403, detail), f"X-RateLimit-Status: {status}\r\n", close=True)
    return problem_reply(mistake(status, detail), close=True)


def bug_reply(error: BaseException | None, *, envoy: bool) -> Reply:
    """For an exception that nobody expected. The message of an exception may hold anything, so only its type and its place are logged."""
    reference = token_hex(8)
    _log.error("a request failed, which is our bug", id=reference, error=type(error).__name__, at=_places(error))
    if envoy:  # which may let a request pass for a 5xx
        problem = Problem(
            type=REDUCED_CAPACITY, title="Too Many Requests", status=429, detail="the request could not be decided", id=reference
        )
        return problem_reply(problem, "Retry-After: 1\r\n", close=True)
    problem = Problem(
        title="Internal Server Error", status=500, detail="this is a bug of the rate limiter; its log has the id", id=reference
    )
    return problem_reply(problem, close=True)


def _places(error: BaseException | None) -> list[str]:
    if error is None:
        return []
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__)[-_FRAMES:]]
