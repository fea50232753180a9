"""The headers that tell a client how it stands: RateLimit-Policy and RateLimit of the IETF draft, Retry-After, and ours.

Rendered as lines of text for `Reply`. What depends on the route alone is made once per set of limits; the policy gives the same tuple for
the same set, so it is found by identity. Seconds are whole and rounded up, so that no client comes too early. Names of limits are safe by
their pattern, and so are reasons and ids.
"""

from typing import Final, NamedTuple

from ratelimit.core.decision import Decision
from ratelimit.core.limit import Every, Limit
from ratelimit.core.units import US_PER_S, ceil_div

DRAFT: Final = "draft-ietf-httpapi-ratelimit-headers-10"  # of 2025-09; the renderer changes with it

_MOST_ROUTES: Final = 4_096  # sets of limits remembered
_DAY_S: Final = 86_400
_PERIOD_S: Final[dict[Every, int]] = {"day": _DAY_S, "week": 7 * _DAY_S, "month": 30 * _DAY_S, "year": 365 * _DAY_S}  # about


class _Item(NamedTuple):
    """What of a limit's RateLimit item stands fast; `tail` is None where it depends on the decision."""

    head: str
    tail: str | None


class _Route(NamedTuple):
    limits: tuple[Limit, ...]  # held, so that their id stays theirs
    policy: str
    items: dict[str, _Item]


class RateLimitHeaders:
    """Renders the headers of a decision."""

    def __init__(self) -> None:
        self._routes: dict[int, _Route] = {}

    def lines(self, limits: tuple[Limit, ...], decision: Decision) -> str:
        """Every header of `decision`, which was taken on `limits`; each line ends in CRLF."""
        route = self._routes.get(id(limits)) or self._remember(limits)
        item = route.items.get(decision.limit) if decision.limit is not None else None
        standing = "" if item is None or decision.remaining is None else _standing(item, decision)
        retry = ""
        if decision.decision != "allow" and decision.retry_after is not None:
            retry = f"Retry-After: {whole_seconds(decision.retry_after)}\r\n"
        return (
            f"{route.policy}{standing}{retry}X-RateLimit-Decision: {decision.decision}\r\n"
            f"X-RateLimit-Reason: {decision.reason}\r\nX-RateLimit-Id: {decision.id}\r\n"
        )

    def _remember(self, limits: tuple[Limit, ...]) -> _Route:
        if len(self._routes) >= _MOST_ROUTES:
            self._routes.clear()
        enforced = [limit for limit in limits if limit.mode == "enforce"]
        policy = ", ".join(f'"{limit.name}";q={_quota(limit)};w={_window_s(limit)}' for limit in enforced)
        items = {limit.name: _Item(f'RateLimit: "{limit.name}";r=', _tail(limit)) for limit in enforced}
        route = _Route(limits, f"RateLimit-Policy: {policy}\r\n" if policy else "", items)
        self._routes[id(limits)] = route
        return route


def whole_seconds(seconds: float) -> int:
    """Rounded up, at least 1; exact for what was a number of microseconds."""
    return max(1, ceil_div(round(seconds * US_PER_S), US_PER_S))


def _standing(item: _Item, decision: Decision) -> str:
    if decision.decision != "allow" and decision.retry_after is not None:
        return f"{item.head}{decision.remaining};t={whole_seconds(decision.retry_after)}\r\n"
    if item.tail is not None:
        return f"{item.head}{decision.remaining}{item.tail}"
    if decision.reset_after is None:
        return f"{item.head}{decision.remaining}\r\n"
    return f"{item.head}{decision.remaining};t={whole_seconds(decision.reset_after)}\r\n"


def _quota(limit: Limit) -> int:
    if limit.bucket is not None:
        return limit.bucket.capacity
    return limit.quota.amount if limit.quota is not None else 0


def _window_s(limit: Limit) -> int:
    """How long a bucket takes to fill, how long a quota's period is."""
    if limit.bucket is not None:
        num, per = limit.bucket.refill
        return ceil_div(limit.bucket.capacity * per, num * US_PER_S)
    return _PERIOD_S[limit.quota.every] if limit.quota is not None else 1


def _tail(limit: Limit) -> str | None:
    """Of a bucket: the time to its next token. A quota's next ones come with its next period."""
    if limit.bucket is None:
        return None
    num, per = limit.bucket.refill
    return f";t={ceil_div(per, num * US_PER_S)}\r\n"
