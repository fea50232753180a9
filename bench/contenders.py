"""Who is compared: we, what one would write without any limits, and what one would use instead of us.

A rate is what the limit per key lets through, per second; a key holds that much too. The limit per address never refuses.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final, NamedTuple

from bench.install import install_flexible, install_throttled
from bench.matrix import Entrant
from bench.plan import CannotMeasure, Plan
from bench.servers import NEVER_REFUSES, Server, constant, flexible, product, throttled
from ratelimit.settings import documented

US: Final = "ratelimit"
ORDINARY: Final = "ratelimit, ordinary path"
CONSTANT: Final = "constant"
PROTOCOL: Final = "protocol"
THROTTLED: Final = "throttled-py"
FLEXIBLE: Final = "rate-limiter-flexible"
NEVER: Final = 1_000_000  # per second: more than anybody asks
HAS_FAST_LANE: Final = any(setting.name == "RATELIMIT_FAST_LANE" for setting in documented())
_OF_KEY: Final = "capacity: 1000000, refill: 1000000/s"

Serve = Callable[[Plan, int], AbstractContextManager[Server]]


class Field(NamedTuple):
    """Who has started, and who has not and why."""

    entrants: list[Entrant]
    missing: dict[str, str]


def enter(plan: Plan, stack: ExitStack, rate_per_s: Callable[[str], int]) -> Field:
    """Start everybody until the stack ends, each with its own rate."""
    field = Field([], {})
    ours = stack.enter_context(us(plan, rate_per_s(US)))
    field.entrants.append(Entrant(ours))
    size = len(ours.answer())
    for name, install, serve in _others(size):
        why = install(plan.say)
        try:
            if why is None:
                field.entrants.append(Entrant(stack.enter_context(serve(plan, rate_per_s(name)))))
        except CannotMeasure as error:
            why = str(error)
        if why is not None:
            plan.say(f"{name} is missing: {why}")
            field.missing[name] = why
    return field


def policy(rate_per_s: int) -> str:
    """Two limits, of which the one per key has this rate."""
    return NEVER_REFUSES.replace(_OF_KEY, f"capacity: {rate_per_s}, refill: {rate_per_s}/s", 1)


@contextmanager
def us(plan: Plan, rate_per_s: int) -> Iterator[Server]:
    """`ratelimit serve` as it comes."""
    with product(plan, US, policy(rate_per_s)) as server:
        yield server


@contextmanager
def _ordinary(plan: Plan, rate_per_s: int) -> Iterator[Server]:
    """The same with the fast lane off."""
    with product(plan, ORDINARY, policy(rate_per_s), ordinary=True) as server:
        yield server


def _others(size: int) -> Iterator[tuple[str, Callable[[Callable[[str], None]], str | None], Serve]]:
    """Name, how to install, how to serve."""
    if HAS_FAST_LANE:
        yield ORDINARY, _is_there, _ordinary
    yield CONSTANT, _is_there, lambda plan, _: constant(plan, size)
    yield THROTTLED, install_throttled, lambda plan, _: throttled(plan)
    yield FLEXIBLE, install_flexible, lambda plan, _: flexible(plan)


def _is_there(_say: Callable[[str], None]) -> None:
    """Ours and the constants need nothing."""
