"""Fills the store and the ledger of a demonstration with its site's past, and then lives on: a process beside the one that serves.

What it needs to know comes in the environment as JSON: where the store is and its key, where both lanes listen. It says how far it is.
"""

import asyncio
import logging
import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import click
import msgspec
import structlog
from msgspec import Struct

from ratelimit.demo.live import Lanes, Live
from ratelimit.demo.past import Past
from ratelimit.demo.rule_past import try_rules
from ratelimit.demo.site import Site
from ratelimit.loop import run

ENVIRONMENT: Final = "DEMO_FILL"  # not RATELIMIT_: it is no setting


class Fill(Struct, frozen=True, kw_only=True):
    """What is to be filled, and with what. `shipped` are the folders of the models that ship, by what they score; a folder is absolute."""

    folder: str
    store_url: str
    store_key: str  # in hexadecimal digits
    gateway: str
    operator: str
    stripe_secret: str
    policy: str
    shipped: dict[str, str]
    now_s: float
    scale: float
    seed: int
    past: bool  # False: the ledger is full already
    filled: str  # a file that is there once it is


def main() -> None:
    """Run as a process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # it says itself how far it is
    run(_fill(msgspec.json.decode(os.environ[ENVIRONMENT], type=Fill)))


async def _fill(wanted: Fill) -> None:
    site = Site(wanted.now_s, scale=wanted.scale, seed=wanted.seed)
    later = []
    began = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"  [{time.monotonic() - began:3.0f} s] {text}")

    if wanted.past:
        async with AsyncExitStack() as stack:
            past = Past(Path(wanted.folder), Path(wanted.policy), {name: Path(it) for name, it in wanted.shipped.items()}, site, say)
            later = await past.tell(wanted.store_url, bytes.fromhex(wanted.store_key), wanted.seed, stack)
        await asyncio.to_thread(Path(wanted.filled).touch)
    click.echo("\n".join(_to_try(wanted.operator)))
    live = Live(site, Lanes(wanted.gateway, wanted.operator, wanted.stripe_secret), wanted.seed, click.echo)
    await asyncio.gather(live.run(later), _tried(wanted))


async def _tried(wanted: Fill) -> None:
    if wanted.past:
        await try_rules(f"sqlite://{Path(wanted.folder) / 'ledger.db'}", "ana")


def _to_try(console: str) -> Iterator[str]:
    yield ""
    yield f"  It is all there. Log in at {console}/login, as mira, and try three things:"
    yield f"    1. {console}/traffic      within a minute an attack begins; those after it are told of here"
    yield f"    2. {console}/queue        press g n: it takes the most urgent case; b opens what a block would do"
    yield f"    3. {console}/rules        open one that asks for a person, and r tries it on the last 30 days"
    yield "  Requests come as fast as on a site of this size; what a bank says after a day, it says after a minute."
    yield ""


if __name__ == "__main__":
    main()
