"""Who is compared: we, what one would write without any limits, and the peers: what one would use instead of us.

A rate is what the limit per key lets through, per second; a key holds that much too. The limit per address never refuses.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final, NamedTuple

from bench.matrix import Entrant
from bench.peer import PEERS, constant, protocol
from bench.plan import CannotMeasure, Plan
from bench.server import NEVER, NEVER_REFUSES, Server, product

US: Final = "ratelimit"
ORDINARY: Final = "ratelimit, ordinary path"
CONSTANT: Final = "constant"
PROTOCOL: Final = "protocol"
THROTTLED: Final = "throttled-py"
FLEXIBLE: Final = "rate-limiter-flexible"
NOTES: Final = {
    US: "`ratelimit serve` as it comes, on its embedded store",
    ORDINARY: "the same, asked so that its shortcut is not taken",
    CONSTANT: "no limits: an aiohttp application whose handler answers a constant",
    PROTOCOL: "no limits: an asyncio protocol that parses with httptools and answers a constant",
    **{peer.name: peer.note for peer in PEERS},
}
_ORDINARY_PATH: Final = "/v1/check?"  # the shortcut is for the bare path alone
_OF_KEY: Final = f"capacity: {NEVER}, refill: {NEVER}/s"


class Field(NamedTuple):
    """Who has started, and who has not and why."""

    entrants: list[Entrant]
    missing: dict[str, str]


class _Contender(NamedTuple):
    """Who is compared, and how that one is installed and served with a rate."""

    name: str
    install: Callable[[Callable[[str], None]], str | None]
    serve: Callable[[Plan, int], AbstractContextManager[Server]]


def enter(plan: Plan, stack: ExitStack, rate_per_s: Callable[[str], int]) -> Field:
    """Start everybody until the stack ends, each with its own rate."""
    missing = {name: why for name, install, _ in _others(0) if (why := install(plan.say)) is not None}  # first, since it may take long
    ours = stack.enter_context(us(plan, rate_per_s(US)))
    entrants = [Entrant(ours)]
    for name, _, serve in _others(len(ours.answer())):
        try:
            if name not in missing:
                entrants.append(Entrant(stack.enter_context(serve(plan, rate_per_s(name)))))
        except CannotMeasure as error:
            missing[name] = str(error)
    for name, why in missing.items():
        plan.say(f"{name} is missing: {why}")
    return Field(entrants, missing)


def policy(rate_per_s: int) -> str:
    """Two limits, of which the one per key has this rate."""
    return NEVER_REFUSES.replace(_OF_KEY, f"capacity: {rate_per_s}, refill: {rate_per_s}/s", 1)


@contextmanager
def us(plan: Plan, rate_per_s: int) -> Iterator[Server]:
    """`ratelimit serve` as it comes."""
    with product(plan, US, policy(rate_per_s)) as server:
        yield server


@contextmanager
def ordinary(plan: Plan, rate_per_s: int) -> Iterator[Server]:
    """The same, asked so that the ordinary path answers."""
    with product(plan, ORDINARY, policy(rate_per_s)) as server:
        yield server._replace(path=_ORDINARY_PATH)


def _others(size: int) -> Iterator[_Contender]:
    """All but us; `size` is that of our answers, which the constants have too."""
    yield _Contender(ORDINARY, _is_there, ordinary)
    yield _Contender(CONSTANT, _is_there, lambda plan, _: constant(plan, size))
    yield _Contender(PROTOCOL, _is_there, lambda plan, _: protocol(plan, size))
    for peer in PEERS:
        yield _Contender(peer.name, peer.install, peer.serve)


def _is_there(_say: Callable[[str], None]) -> None:
    """Nothing is to be installed."""
