"""The shortcut against the ordinary path: in every conversation a client receives the same bytes, and the limits are left the same.

Each is held twice, with lanes that are equal in everything else, on a connection whose time stands still; test_shortcut_sockets.py has real
ones. What is compared is all that is sent and when, when the connection ends, what is counted and logged, and the state of every share.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from aiohttp import web_protocol
from aiohttp.http_parser import HttpRequestParserPy
from hypothesis import given, settings
from hypothesis import strategies as st

from ratelimit.web.shortcut import ShortcutServer
from tests.web.conversations import COLD, CONVERSATIONS, EXPECTED, HASTY, LAST, LIVEZ, LOST, QUIET, TIGHT, WRONG, each
from tests.web.hostile import post
from tests.web.strange import BODY, HIDDEN, HOT, STRANGE, TAKEN
from tests.web.twins import Course, Do, Step, Twin, equal_surroundings, hold

TOKEN = "a-token-that-is-long-enough"
GIVEN = b"X-RateLimit-Token: " + TOKEN.encode()
SHORT = [name for name, data in STRANGE.items() if len(data) < 400]


@pytest.fixture(autouse=True, scope="module")
def _surroundings() -> Iterator[None]:
    with equal_surroundings():
        yield


def same(steps: Sequence[Step], **options: Any) -> Course:
    """How the conversation went with the shortcut, once it has gone the same way without."""
    with_it = hold(steps, shortcut=True, **options)
    assert with_it.outcome == hold(steps, shortcut=False, **options).outcome
    return with_it


def patient(steps: Sequence[Step]) -> list[Step]:
    """The same from a client that waits after each piece."""
    return [both for step in steps for both in ((step, QUIET) if isinstance(step, bytes) else (step,))]


def alike(steps: Sequence[Step]) -> None:
    """That the shortcut is as the ordinary path, or as that is to a client that waits: it may matter to it how much it has done already."""
    found = hold(steps, shortcut=True).outcome
    assert found == hold(steps, shortcut=False).outcome or found == hold(patient(steps), shortcut=False).outcome


def with_header(request: bytes, *lines: bytes) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    return b"\r\n".join([head, *lines, b"", body])


@pytest.mark.parametrize("name", STRANGE)
def test_strange(name: str) -> None:
    """Alone, among others, behind them, cut and in line, each is answered as by the ordinary path; by the shortcut where it is to be."""
    data = STRANGE[name]
    assert same([data]).taken == (name in TAKEN)
    same([HOT + data + HOT])
    same([HOT, QUIET, data, QUIET, HOT, QUIET, HOT])
    same([HOT + data[:-1], QUIET, data[-1:] + HOT])
    alike([COLD, data + HOT, QUIET, HOT])


@pytest.mark.parametrize("name", STRANGE)
def test_strange_without_extensions(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is with the parser that aiohttp has where its compiled one is not to be had."""
    monkeypatch.setattr(web_protocol, "HttpRequestParser", HttpRequestParserPy)
    same([HOT, QUIET, STRANGE[name], QUIET, HOT, QUIET, HOT + STRANGE[name] + HOT])


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(name: str) -> None:
    """A conversation goes the same way, byte for byte and instant for instant; the shortcut answers what it is to answer, and no more."""
    taken, steps = CONVERSATIONS[name]
    assert taken in {same(steps).taken, -1}


@pytest.mark.parametrize("name", HASTY)
def test_hasty(name: str) -> None:
    """A client that does not wait finds the shortcut as it would find the ordinary path by waiting."""
    assert hold(HASTY[name], shortcut=True).outcome == hold(patient(HASTY[name]), shortcut=False).outcome


@pytest.mark.parametrize("name", LOST)
def test_lost(name: str) -> None:
    """A client that is gone before its answer was sent the same until then, and for what it asked last nothing is charged."""
    found, ordinary = hold(LOST[name], shortcut=True), hold(LOST[name], shortcut=False)
    assert (found.sent, found.closed, found.logs) == (ordinary.sent, ordinary.closed, [])
    assert found.seen.decided == hold(LOST[name][:2], shortcut=False).seen.decided


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 4, QUIET])
@pytest.mark.parametrize("name", ["ordinary", "one chunk and trailers", "expected and sent at once", "cold"])
def test_split_at_every_byte(name: str, turns: Step) -> None:
    """However the network cuts a request, and however late the rest comes, it is the same request."""
    data = STRANGE[name]
    steps: list[Step] = []
    for at in range(1, len(data)):
        steps += [data[:at], turns, data[at:] + HOT, QUIET]
    found = same(steps)
    assert found.seen.counts["problems"] == {}


@pytest.mark.parametrize("turns", [0, QUIET])
@pytest.mark.parametrize(
    "name", ["request behind the last chunk", "request in a body", "length and chunks", "trailer that says a length", "websocket", "close"]
)
def test_hostile_split_at_every_byte(name: str, turns: Step) -> None:
    """Nor does it matter where a request is cut that hides another, breaks off or ends the connection."""
    data = STRANGE[name]
    for at in range(1, len(data) + 1, 2):
        same([HOT + data[:at], turns, data[at:] + HOT, QUIET, HOT])


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ([GIVEN], 4),
        ([GIVEN.lower().replace(TOKEN.lower().encode(), TOKEN.encode())], 4),
        ([GIVEN + b" \t"], 4),
        ([GIVEN, GIVEN], 4),
        ([GIVEN, b"X-RateLimit-Token: wrong"], 4),
        ([b"X-RateLimit-Token: wrong", GIVEN], 0),
        ([b"X-RateLimit-Token: wrong"], 0),
        ([b"X-RateLimit-Token: \xff"], 0),
        ([b"X-RateLimit-Token:"], 0),
        ([GIVEN + b"x"], 0),
        ([b"Authorization: Bearer " + TOKEN.encode()], 0),
        ([], 0),
    ],
)
def test_token(headers: list[bytes], taken: int) -> None:
    """With a shared token the shortcut is for those who have it; of two the first counts, as ever."""
    request = with_header(HOT, *headers)
    found = same([request, QUIET, request, request, QUIET, LIVEZ, QUIET, request], token=TOKEN)
    assert found.taken == taken
    assert found.seen.counts["problems"] == ({} if taken else {401: 4})


def test_every_check_is_taken() -> None:
    """The shortcut is taken: by all of a thousand checks that each come in a piece of their own, hot and cold, and of any head."""
    heads: list[list[bytes]] = [[], [b"User-Agent: x"], [b"X-Trace: 1"]]
    found = same(each([with_header(HOT if number % 10 else COLD, *heads[number % 3]) for number in range(1_000)]))
    assert found.taken == 1_000


def test_heads_that_are_remembered() -> None:
    """Of heads only short ones are kept, with nothing that is a caller's own, of checks with the right token, and not without end."""
    heads: list[dict[bytes, int]] = []

    def keep(twin: Twin) -> None:
        assert isinstance(twin.server, ShortcutServer)
        heads.append(twin.server.heads)

    plain = with_header(HOT, GIVEN)
    others = [
        with_header(plain, line) for line in (b"X-Trace: 1", b"Authorization: Bearer k", b"Cookie: k", b"User-Agent: " + b"x" * 2_000)
    ]
    hold(each([HOT, LIVEZ, *others, post(b"{}"), plain]), shortcut=True, token=TOKEN, change=keep)
    assert heads.pop() == {plain[: -len(BODY)]: len(BODY)}
    hold(each([with_header(HOT, b"User-Agent: %d" % number) for number in range(1_000)]), shortcut=True, change=keep)
    assert 0 < len(heads.pop()) <= 256


@pytest.mark.parametrize(
    ("steps", "closed"),
    [
        ([HOT], 75.0),
        ([HOT, 74.0, HOT], 149.0),
        ([LIVEZ, 74.0, HOT, 74.0, LIVEZ], 223.0),
        ([HOT, 74.0, HOT[:20]], 75.0),
    ],
)
def test_idle_connection_is_closed(steps: list[Step], closed: float) -> None:
    """A connection is closed when it was asked nothing for as long as it may be idle, and not while it is asked, by whichever path."""
    assert same(steps).closed == closed


def _bug(*_: Any) -> None:
    raise ValueError("a bug")


def _broken_limiter(twin: Twin) -> None:
    setattr(twin.limiter, "check", _bug)  # noqa: B010  a plain assignment is a type error, rightly


def _broken_while_it_waits(twin: Twin) -> None:
    setattr(twin.limiter, "_settle", _bug)  # noqa: B010  as above


def _broken_shortcut(twin: Twin) -> None:
    setattr(twin.lane, "answer", _bug)  # noqa: B010  as above


def _away(twin: Twin) -> None:
    twin.store.away = True


@pytest.mark.parametrize(
    ("change", "bugs", "answers"), [(_broken_limiter, 1, 0), (_broken_while_it_waits, 1, 3), (_broken_shortcut, 0, 7), (_away, 0, 7)]
)
def test_something_is_broken(change: Callable[[Twin], None], bugs: int, answers: int) -> None:
    """A bug is told with an id and ends the connection; one of the shortcut alone, and a store that is away, cost no answer."""
    found = same([HOT, HOT, HOT, QUIET, COLD, HOT, QUIET, HOT, QUIET, TIGHT], change=change)
    assert found.seen.counts["bugs"] == bugs
    assert found.closed == (0.0 if bugs else 75.0)
    sent = found.sent[0.0]
    assert (sent.count(b"HTTP/1.1 500 "), sent.count(b"HTTP/1.1 200 ")) == (bugs, answers)


_pieces = st.one_of(
    st.sampled_from([HOT, HOT * 2, COLD, TIGHT, LIVEZ, WRONG, LAST, EXPECTED, BODY, HIDDEN]),
    st.sampled_from([STRANGE[name] for name in SHORT]),
)
_between = st.one_of(st.integers(0, 6), st.just(QUIET), st.just(QUIET), st.sampled_from([Do.DEAF, Do.HEAR]))


@st.composite
def _conversations(draw: st.DrawFn) -> list[Step]:
    steps: list[Step] = []
    behind = b""
    for data in draw(st.lists(_pieces, min_size=1, max_size=10)):
        at = draw(st.one_of(st.just(len(data)), st.integers(1, len(data))))  # whole, or with its end before the next one
        steps += [behind + data[:at], draw(_between)]
        behind = data[at:]
    return [*steps, behind, Do.HEAR]


@settings(max_examples=300, deadline=None)
@given(_conversations())
def test_any_conversation(steps: list[Step]) -> None:
    """Whatever is asked in whatever pieces at whatever times is answered as by the ordinary path, or as it answers those who wait."""
    alike(steps)
