"""The site: what can be asked of it, what it costs, and how large and slow its answers are.

It sells prepaid tokens for making images: an API (`/v1/...`), a search over pictures, downloads, and the pages around them.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator

from ratelimit.anomaly.simulation.row import REQUEST, ROW, Numbers, Rows


class Route(NamedTuple):
    """One thing that can be asked. `item` says what `%` in the path stands for: nothing, an own thing, one that many like, or words."""

    name: str
    method: str
    path: str
    item: str = "none"  # none | own | popular | words
    status: int = 200
    fault: int = 404  # the status when the caller got it wrong
    bytes: float = 2_000  # median of the answer
    spread: float = 0.5  # sigma of its logarithm
    latency_ms: float = 20  # median
    cost: tuple[int, ...] = (1,)  # tokens, by size


_ROUTES: Final = (
    Route("generate", "POST", "/v1/generate", status=202, fault=422, bytes=420, spread=0.1, latency_ms=180, cost=(1, 1, 1, 1, 2, 2, 4)),
    Route("batch", "POST", "/v1/generate/batch", status=202, fault=422, bytes=1_900, latency_ms=420, cost=(8, 8, 16, 32)),
    Route("poll", "GET", "/v1/generate/%x", "own", bytes=510, spread=0.2, latency_ms=12),
    Route("search", "GET", "/v1/search?q=%s", "words", fault=400, bytes=14_000, latency_ms=65),
    Route("file", "GET", "/v1/files/%x", "own", bytes=900_000, spread=0.9, latency_ms=90),
    Route("models", "GET", "/v1/models", bytes=3_100, spread=0.02, latency_ms=9),
    Route("balance", "GET", "/v1/account", fault=401, bytes=340, spread=0.1, latency_ms=11),
    Route("home", "GET", "/", bytes=22_000, spread=0.05),
    Route("pricing", "GET", "/pricing", bytes=17_000, spread=0.02),
    Route("gallery", "GET", "/gallery?page=%d", "popular", bytes=41_000, spread=0.2, latency_ms=45),
    Route("picture", "GET", "/gallery/%d", "popular", bytes=160_000, spread=0.8, latency_ms=30),
    Route("guide", "GET", "/docs/%d", "popular", bytes=26_000, spread=0.4),
    Route("asset", "GET", "/static/%x.js", "popular", bytes=48_000, spread=1.1, latency_ms=6),
    Route("login_page", "GET", "/login", bytes=6_000, spread=0.02),
    Route("login", "POST", "/login", status=303, fault=401, bytes=300, spread=0.2, latency_ms=240),
    Route("signup", "POST", "/signup", status=303, fault=422, bytes=300, spread=0.2, latency_ms=310),
    Route("dashboard", "GET", "/dashboard", fault=401, bytes=19_000, spread=0.2, latency_ms=60),
    Route("checkout", "POST", "/checkout", fault=402, bytes=900, spread=0.2, latency_ms=900),
    Route("robots", "GET", "/robots.txt", bytes=210, spread=0.01, latency_ms=4),
)
ROUTES: Final = {route.name: number for number, route in enumerate(_ROUTES)}
LOGIN: Final = ROUTES["login"]
STATUS: Final = np.array([route.status for route in _ROUTES], np.int16)
FAULT: Final = np.array([route.fault for route in _ROUTES], np.int16)
LOG_BYTES: Final = np.log([route.bytes for route in _ROUTES])
SPREAD: Final = np.array([route.spread for route in _ROUTES])
LATENCY_MS: Final = np.array([route.latency_ms for route in _ROUTES])
_OWN: Final = np.array([route.item == "own" for route in _ROUTES])
_SHARED: Final = np.array([route.item in {"popular", "words"} for route in _ROUTES])
_CHOICES: Final = max(len(route.cost) for route in _ROUTES)
_COSTS: Final = np.array([[route.cost[n % len(route.cost)] for n in range(_CHOICES)] for route in _ROUTES], np.int16)
_PER_JOB: Final = 3  # requests about one picture of one's own: asked for, polled, fetched
_WORDS: Final = (
    "red blue night city portrait fox robot forest neon paper glass sea mountain cat logo vintage winter street hero map".split()
)


class Mix(NamedTuple):
    """What somebody asks for, and how often: routes and the running sum of their shares."""

    routes: Numbers
    until: np.ndarray[tuple[int], np.dtype[np.float64]]


def mix(**shares: float) -> Mix:
    """A mix of routes by name, in proportion."""
    until = np.cumsum(list(shares.values()))
    return Mix(np.array([ROUTES[name] for name in shares]), until / until[-1])


API: Final = mix(generate=30, poll=34, file=24, search=6, models=1, balance=5)
WEB: Final = mix(home=12, pricing=4, gallery=18, picture=38, guide=14, dashboard=10, search=4)


def asked(rng: Generator, times_ms: Numbers, wanted: Mix) -> Rows:
    """A request at each of these times, by this mix; who asks and what is answered are still to be said."""
    count = len(times_ms)
    rows = np.zeros(count, ROW)
    rows["kind"] = REQUEST
    rows["time_ms"] = times_ms
    rows["route"] = wanted.routes[np.searchsorted(wanted.until, rng.random(count), side="right")]
    rows["item"] = items(rng, rows["route"])
    rows["cost"] = _COSTS[rows["route"], rng.integers(0, _CHOICES, count)]
    return rows


def items(rng: Generator, routes: Numbers) -> Numbers:
    """Which thing each request is about: some of one's own, new each day, or one that many like (Zipf)."""
    count = len(routes)
    own = rng.integers(1 << 40) + rng.integers(0, 1 + count // _PER_JOB, count)
    popular = np.minimum(rng.zipf(1.4, count), 50_000)
    return np.where(_OWN[routes], own, np.where(_SHARED[routes], popular, 0))


def path(route: int, item: int) -> str:
    """The path as it stands in a log."""
    pattern, law = _ROUTES[route].path, _ROUTES[route].item
    if law == "none":
        return pattern
    if law == "words":
        return pattern % f"{_WORDS[item % len(_WORDS)]}+{_WORDS[item * 7 // 3 % len(_WORDS)]}"
    return pattern % item


def method(route: int) -> str:
    """Its method."""
    return _ROUTES[route].method
