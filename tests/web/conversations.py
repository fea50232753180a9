"""Conversations with a lane: what arrives in which pieces, and what happens between them.

With each stands how many requests the shortcut is to answer, or -1. HASTY are those in which it also matters to the ordinary path whether
it has had the time to answer: a faster lane is then as the ordinary one whose client waits.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Final

from tests.web.hostile import chunked, get, post
from tests.web.strange import BODY, CHUNK, END, HIDDEN, HOT, ORDINARY, asked, sized
from tests.web.twins import FEW_SLOTS, Do, Step

QUIET, DEAF, HEAR, CLOSE = Do.QUIET, Do.DEAF, Do.HEAR, Do.CLOSE
Conversation = tuple[int, list[Step]]

COLD: Final = asked(api_key="cold")
FEW: Final = asked(api_key="few")
TIGHT: Final = asked(api_key="hot", account="a")
LIVEZ: Final = get(b"/livez")
WRONG: Final = asked(api_key="hot", cost=-1)
LAST: Final = post(BODY, b"Connection: close")
EXPECTED: Final = post(BODY, b"Expect: 100-continue")[: -len(BODY)]
LARGE: Final = post(b"x" * 400_000, path=b"/nope")
USER_AGENT: Final = b"POST /v1/check HTTP/1.1\r\nUser-Agent: "
OTHER: Final = sized(first=b"PUT /nope HTTP/1.1")
PADDED: Final = post(BODY + b"  ")
LONG_LINE: Final = b"A: " + b"x" * 60_000 + b"\r\n"
LONG_HEAD: Final = HOT.replace(b"\r\n\r\n", b"\r\n" + LONG_LINE * 4 + b"\r\n")


def cold(number: int) -> bytes:
    return asked(api_key=f"cold{number}")


def each(steps: Iterable[bytes], after: Step = QUIET) -> list[Step]:
    """These one by one, with `after` after each."""
    return list(chain.from_iterable((step, after) for step in steps))


def cut(data: bytes, size: int) -> list[bytes]:
    """In pieces of so many bytes."""
    return [data[at : at + size] for at in range(0, len(data), size)]


CONVERSATIONS: Final[dict[str, Conversation]] = {
    "one": (1, [HOT]),
    "one by one": (50, each([HOT] * 50)),
    "one by one, without a pause": (70, [HOT] * 70),
    "pairs": (0, each([HOT * 2] * 40)),
    **{f"{number} in one piece": (0, [HOT * number]) for number in (2, 5, 31, 32, 33, 100, 500)},
    "after a full queue": (2, [HOT, QUIET, HOT * 100, QUIET, HOT]),
    "pieces of a size that has nothing to do with requests": (9, each(cut(HOT * 40, 130))),
    "refused, and remembered": (8, each([TIGHT] * 8)),
    "refused and allowed": (9, each([TIGHT] * 3 + [TIGHT, HOT] * 3)),
    "cold, and hot behind it": (1, [COLD + HOT * 3, QUIET, HOT]),
    "cold, and hot after it": (4, [COLD, HOT, HOT, QUIET, HOT]),
    "cold ones": (9, [COLD, *[cold(number) for number in range(8)]]),
    "cold, and others after it": (4, [COLD, LIVEZ, HOT, QUIET, COLD, WRONG, HOT, QUIET, COLD, HOT * 2, QUIET, HOT]),
    "cold, and no HTTP after it": (1, [COLD, b"\0\r\n\r\n", HOT]),
    "cold, and half a request after it": (2, [COLD, HOT[:-5], HOT[-5:] + HOT, QUIET, HOT]),
    "cold, and the last after it": (1, [COLD, LAST, HOT, QUIET, HOT]),
    "cold, and a lot after it": (7, [COLD, *[HOT] * 3, LARGE[:100_000], LARGE[100_000:], HOT, QUIET, HOT, QUIET, HOT, COLD]),
    "cold, and many after it": (664, [COLD, *[HOT] * 800, QUIET, HOT]),
    "cold, and a few after it, once there were many": (670, [COLD, *[HOT] * 800, QUIET, *each([COLD, HOT]), cold(1), *[HOT] * 4]),
    "cold ones, and many after each": (663, [*([COLD, *[HOT] * 300] * 3)]),
    "nothing left": (FEW_SLOTS + 4, each([FEW] * (FEW_SLOTS + 2) + [HOT] * 2)),
    "nothing left in the midst": (0, [FEW * (FEW_SLOTS + 2) + HOT * 2]),
    "only watched": (5, each([asked(api_key="hot", ip="192.0.2.1")] * 5)),
    "others between": (
        6,
        each([HOT, LIVEZ, HOT, ORDINARY["batch"], HOT, ORDINARY["for nginx"], HOT, ORDINARY["for Envoy"], HOT, WRONG, HOT + HOT, COLD]),
    ),
    "others between, in one piece": (0, [HOT + HOT + LIVEZ + HOT + ORDINARY["batch"] + HOT + WRONG + HOT + ORDINARY["forwarded"] + HOT]),
    "an answer that closes, and more behind it": (1, [HOT, QUIET, HOT + LAST + HOT * 3]),
    "an answer that closes, and more after it": (1, [HOT, QUIET, LAST, HOT, QUIET, HOT]),
    "too large, and more behind it": (1, [HOT, post(b"x" * 70_000) + HOT, QUIET, HOT]),
    "too large, and sent slowly": (1, [HOT, *each(cut(post(b"x" * 200_000), 50_000)), HOT]),
    "too slow, and more behind it": (1, [HOT, HOT[:-5], 6.0, HOT[-5:] + HOT]),
    "no HTTP, and more behind it": (1, [HOT, QUIET, b"\0\r\n\r\n" + HOT, HOT]),
    "no HTTP behind it, in one piece": (0, [HOT + b"\0\r\n\r\n"]),
    "a body that goes wrong on its way": (1, [HOT, chunked(b"3\r\nabc\r\n"), QUIET, b"zz\r\n" + HOT]),
    "a body that nobody reads, and more behind it": (2, [HOT, *each(cut(LARGE, 50_000)), HOT, QUIET, HOT + HOT]),
    "a body that nobody reads, behind another request": (1, [HOT + LARGE[:300], QUIET, *each(cut(LARGE[300:], 50_000)), HOT]),
    "a body that nobody reads and that never ends": (1, [HOT, LARGE[:300_000], 10.0, HOT]),
    "a body after its head": (1, [HOT[: -len(BODY)], QUIET, BODY + HOT, QUIET, HOT]),
    "heads and bodies apart": (0, each([HOT[: -len(BODY)], BODY] * 40)),
    "heads and bodies apart, when the head is known": (1, each([HOT] + [HOT[: -len(BODY)], BODY] * 3)),
    "a known head with less, and the rest": (1, each([HOT, HOT[:-1], HOT[-1:] + HOT])),
    "a known head with more": (2, each([HOT, HOT + b"\r\n", HOT + b"x", HOT])),
    "a known head with a space behind": (1, each([HOT, HOT + b" ", HOT])),
    "a known head with less, and yet a whole document": (1, each([PADDED, PADDED[:-2], PADDED[-2:] + HOT])),
    "a known head behind blank lines": (4, each([HOT, b"\r\n" + HOT, HOT, b"\r\n", HOT])),
    "a known head in a body": (2, [HOT, QUIET, post(HOT)[: -len(HOT)], QUIET, HOT, QUIET, HOT]),
    "a known head in a chunk": (2, [HOT, QUIET, chunked(b"%x\r\n" % len(HOT)), QUIET, HOT, QUIET, b"\r\n" + END, QUIET, HOT]),
    "a known head in another": (3, [HOT, QUIET, b"POST /v1/check HTTP/1.1\r\nX: ", QUIET, HOT, QUIET, HOT]),
    "a head that is the value of another": (2, each([USER_AGENT, OTHER, OTHER, HOT])),
    "a known head in trailers": (1, [HOT, QUIET, chunked(CHUNK, b"0\r\nX: "), QUIET, HOT, QUIET, HOT]),
    "a known head after an upgrade": (2, [HOT, QUIET, ORDINARY["websocket"], HOT, QUIET, HOT]),
    "a known head and another body": (3, each([HOT, asked(api_key="hot"), HOT[: -len(BODY)] + b"x" * len(BODY), HOT])),
    "bodies with the next one's head": (0, [HOT[: -len(BODY)], *each([BODY + HOT[: -len(BODY)]] * 40), BODY]),
    "expected, and sent when told": (2, [HOT, EXPECTED, QUIET, BODY, QUIET, HOT]),
    "expected, sent when told, and more behind it": (0, [EXPECTED, QUIET, BODY + HOT]),
    "expected and too large": (0, [EXPECTED.replace(b"Length: ", b"Length: 9999"), QUIET, HOT]),
    "an upgrade that we do not have, and more behind it": (2, [ORDINARY["websocket"] + HOT, QUIET, HOT, QUIET, HOT]),
    "an upgrade with more behind it than is read": (
        1,
        [HOT, QUIET, ORDINARY["websocket"] + HOT * 600, QUIET, *each(cut(HOT * 900, 50_000))],
    ),
    "an upgrade behind others": (1, [HOT + HOT + ORDINARY["websocket"], QUIET, HOT]),
    "an upgrade, the body of which is still to come": (2, [HOT, ORDINARY["websocket"][:-5], QUIET, ORDINARY["websocket"][-5:], QUIET, HOT]),
    "a request hidden behind a length of nothing": (1, [HOT, ORDINARY["request behind a body of nothing"]]),
    "a request hidden in a chunk": (2, [HOT, chunked(b"%x\r\n%b\r\n" % (len(HIDDEN), HIDDEN), END), QUIET, HOT]),
    "a chunk, and its end later": (2, [HOT, chunked(CHUNK), QUIET, END, QUIET, HOT]),
    "HTTP/1.0 that stays": (2, each([HOT, ORDINARY["1.0, keep-alive"], HOT])),
    "HTTP/1.0 that goes": (1, each([HOT, ORDINARY["1.0"], HOT])),
    "a client that takes nothing": (9, [DEAF, *[HOT] * 20, QUIET, *[HOT] * 20, QUIET, HOT * 5, QUIET, HOT, QUIET, HEAR]),
    "a client that takes nothing for a while": (18, [DEAF, *[HOT] * 20, QUIET, HEAR, QUIET, *[HOT] * 9, QUIET, LIVEZ]),
    "a client that takes nothing, and then the rest": (10, [DEAF, *[HOT] * 20, QUIET, HOT, QUIET, HEAR, QUIET, HOT]),
    "a client that takes nothing of the ordinary path": (1, [DEAF, ORDINARY["batch"] * 10, QUIET, HOT, HOT, QUIET, HEAR, QUIET, HOT]),
    "a client that takes nothing of many": (0, [DEAF, HOT * 200, QUIET, HOT * 50, QUIET, HEAR]),
    "a client that takes nothing, and cold ones": (9, [DEAF, *[COLD] * 20, QUIET, HEAR]),
    "a client that goes": (2, [HOT, HOT, QUIET, Do.GONE]),
    "a client that goes in the midst": (2, [HOT, HOT, HOT[:-5], QUIET, Do.GONE]),
    "a client that is done": (2, [HOT, HOT, QUIET, Do.END]),
    "a client that is done in the midst": (2, [HOT, HOT, HOT[:50], QUIET, Do.END]),
    "a lane that closes": (2, [HOT, HOT, QUIET, CLOSE, HOT]),
    "a lane that is about to close": (2, [HOT, HOT, QUIET, Do.CLOSING, HOT, 1, HOT, CLOSE]),
    "a lane that is about to close on who asks": (2, [HOT, QUIET, COLD, Do.CLOSING, HOT, QUIET, HOT]),
    "a lane that closes on who asks": (2, [HOT, COLD, HOT, 3, CLOSE, HOT]),
    "a lane that closes on who asks the ordinary path": (1, [HOT, COLD + HOT, 3, CLOSE, HOT]),
    "a lane that closes on half a request": (1, [HOT, HOT[:-5], QUIET, CLOSE, HOT[-5:]]),
    "one that keeps asking": (5, each([HOT] * 5, 74.0)),
    "one that keeps asking both": (5, each([HOT, LIVEZ, HOT, COLD, HOT, HOT], 70.0)),
    "one that asks too late": (1, [HOT, 76.0, HOT]),
    "half a head in the end": (2, [HOT, HOT, HOT[:20]]),
    "asks while an ordinary one is under way": (1, [74.0, HOT[:-5], 2.0, HOT[-5:], QUIET, HOT]),
    "a head that is too long": (1, [HOT, QUIET, get(b"/livez")[:-2], *each([LONG_LINE] * 5)]),
    "a head that is too long, begun behind a request": (0, [HOT * 2 + HOT[: -2 - len(BODY)], QUIET, *each([LONG_LINE] * 5)]),
    "a head that is too long, begun like a known one": (1, [HOT, HOT[: -2 - len(BODY)], QUIET, *each([LONG_LINE] * 5)]),
    "long heads": (8, each([LONG_HEAD] * 8)),
    "long heads, cut": (3, each(cut(LONG_HEAD * 3, 100_000))),
}

for _turns in range(9):
    for _name, _before in {
        "ordinary": LIVEZ,
        "wrong": WRONG,
        "1.0": ORDINARY["1.0, keep-alive"],
        "last": LAST,
        "bad": b"\0\r\n\r\n",
    }.items():
        # how many are taken depends on the turn in which the one before them was answered
        CONVERSATIONS[f"{_name}, and more {_turns} turns later"] = (-1, [_before, _turns, HOT, _turns, HOT])
    CONVERSATIONS[f"cold, and more {_turns} turns later"] = (4, [COLD, _turns, HOT, _turns, HOT, QUIET, HOT])

HASTY: Final[dict[str, list[Step]]] = {
    "gone at once": [HOT, Do.GONE],
    "done at once": [HOT, HOT, Do.END],
    "done in the midst": [HOT, HOT, HOT[:50], Do.END],
    "a lane that closes at once": [HOT, HOT, HOT, 3, CLOSE, HOT],
    "no HTTP, when the queue would be full": [*[HOT] * 20, HOT * 20 + b"\0\r\n\r\n"],
    "no HTTP for nginx, when the queue would be full": [*[HOT] * 20, HOT * 20 + get(b"/v1/authorize/nginx", b"A: \x01")],
    "a head that is too long, when a request is under way": [COLD, get(b"/livez")[:-2], *[LONG_LINE] * 5],
    **{f"a body that goes wrong {turns} turns after it began": [HOT, chunked(b"3\r\nabc\r\n"), turns, b"zz\r\n"] for turns in range(2, 7)},
}

# a client that is gone before its answer: the ordinary path decides and charges all the same, the shortcut gives the decision up
LOST: Final[dict[str, list[Step]]] = {
    f"{name} after {turns} turns": [HOT, QUIET, COLD, HOT, turns, step]
    for turns in range(4)
    for name, step in {"gone": Do.GONE, "done": Do.END}.items()
}
