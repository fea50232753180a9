"""`ratelimit demo`: the service with the simulated past of a site behind it, attacks in it, and with more to come while one looks on."""

import asyncio
import contextlib
import os
import sys
import time
from asyncio.subprocess import Process, create_subprocess_exec
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_hex
from typing import Final, NamedTuple

import click
import msgspec

from ratelimit.app import App
from ratelimit.core.errors import ConfigError, DependencyError
from ratelimit.demo import fill
from ratelimit.demo.fill import ENVIRONMENT, Fill
from ratelimit.demo.policy import MODELS, demo_policy
from ratelimit.demo.staff import STAFF, hire
from ratelimit.ledger.ledger import LedgerAwayError
from ratelimit.loop import run
from ratelimit.setting_value import UnixAddress
from ratelimit.settings import PREFIX, read_settings
from ratelimit.stores.embedded import EmbeddedStore
from ratelimit.stores.key_file import load_or_create_key

_FILLED: Final = "filled"  # a file that says that the past is in the ledger
_STOP_S: Final = 5.0


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("ratelimit-demo"), show_default=True,
              help="Where all of it is kept; what is there from before is gone on with.")  # fmt: skip
@click.option("--models", type=click.Path(path_type=Path, file_okay=False), default=Path("models"), show_default=True,
              help="Folder with the models `requests` and `purchases`; without them rules alone open cases.")  # fmt: skip
@click.option("--scale", type=click.FloatRange(0, 1, min_open=True), default=0.15, show_default=True,
              help="The size of the site; 1.0 is some 3,900 people.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Another seed is another site.")
def demo(folder: Path, models: Path, scale: float, seed: int) -> None:
    """Show the service at work on a site that does not exist.

    It listens where RATELIMIT_GATEWAY and RATELIMIT_OPERATOR say, or on the usual ports. Of other settings those of the store, the ledger
    and the policy are its own.
    """
    shipped, calibrated = _models(models), _models(folder / MODELS)
    policy = (folder / "ratelimit.yaml").absolute()
    filled = (folder / _FILLED).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        policy.write_text(demo_policy(calibrated if filled.exists() else ()), encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"--folder {folder}: cannot be used: {error.strerror}; expected a folder that can be written"]) from None
    run(_serve(Wanted(folder, policy, filled, not filled.exists(), {name: str(path) for name, path in shipped.items()}, scale, seed)))


def _models(folder: Path) -> dict[str, Path]:
    return {name: (folder / name).absolute() for name in ("requests", "purchases") if (folder / name / "manifest.json").exists()}


class Wanted(NamedTuple):
    """What is asked for, and what is there: `past` False, the ledger is full already; `shipped` are models by what they score."""

    folder: Path
    policy: Path
    filled: Path
    past: bool
    shipped: dict[str, str]
    scale: float
    seed: int


async def _serve(wanted: Wanted) -> None:
    async with AsyncExitStack() as stack:
        store = await EmbeddedStore.start(wanted.folder / "store")
        stack.push_async_callback(store.stop)
        key = load_or_create_key(wanted.folder, "store")
        secret = f"whsec_{token_hex(16)}"
        ours = {"DATA": str(wanted.folder), "POLICY": str(wanted.policy), "REDIS_URL": store.url, "STORE_KEY": key.hex()}
        ours["STRIPE_SECRETS"] = secret
        settings = read_settings(_environment(ours))
        for name, address in (("GATEWAY", settings.gateway), ("OPERATOR", settings.operator)):
            if isinstance(address, UnixAddress):
                raise ConfigError([f"RATELIMIT_{name}: the demonstration asks over TCP; expected HOST:PORT"])
        told = Fill(
            folder=str(wanted.folder.absolute()),
            store_url=store.url,
            store_key=key.hex(),
            gateway=f"http://{settings.gateway}",
            operator=f"http://{settings.operator}",
            stripe_secret=secret,
            policy=str(wanted.policy),
            shipped=wanted.shipped,
            now_s=time.time(),
            scale=wanted.scale,
            seed=wanted.seed,
            past=wanted.past,
            filled=str(wanted.filled),
        )

        password = await _hired(wanted.folder)
        beginning = Beginning(told, password, stack)
        await App(settings).serve(beginning.announce)


async def _hired(folder: Path) -> str | None:
    try:
        return await hire(folder)
    except LedgerAwayError as error:
        raise DependencyError(
            f"--folder {folder}: its ledger cannot be opened: {error}; in another --folder all of it begins anew"
        ) from None


class Beginning:
    """Says what a person wants to see first, and begins to fill the ledger once the gateway lane answers."""

    def __init__(self, told: Fill, password: str | None, stack: AsyncExitStack) -> None:
        self._told, self._password, self._stack = told, password, stack
        self._began = False

    def announce(self, lines: list[str]) -> None:
        """Print what the service says, and the first time what there is to see."""
        click.echo("\n".join(lines))
        if not self._began:
            self._began = True
            click.echo("\n".join(self._seen()))
            task = asyncio.get_running_loop().create_task(_filling(self._told, self._stack))
            self._stack.callback(task.cancel)
        sys.stdout.flush()

    def _seen(self) -> Iterator[str]:
        yield ""
        if not self._told.shipped:
            yield "  There are no models in the folder of --models: rules alone open cases, and those are few."
        if self._password is not None:
            yield "  Log in to the console; the password of all of them is shown this once: " + self._password
            yield from (f"    {one.login:8}{one.role:9}{one.name}" for one in STAFF)
        else:
            yield "  Log in to the console with the password of the first start; in another --folder it begins anew."
        if self._told.past:
            yield "  The past of the site is being made, which takes about a minute:"


async def _filling(told: Fill, stack: AsyncExitStack) -> None:
    encoded = msgspec.json.encode(told).decode()
    process = await create_subprocess_exec(sys.executable, "-m", fill.__name__, env={**os.environ, ENVIRONMENT: encoded})
    stack.push_async_callback(_ended, process)


async def _ended(process: Process) -> None:
    """End it with us."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


def _environment(ours: dict[str, str]) -> dict[str, str]:
    kept = "GATEWAY OPERATOR OPERATOR_TOKEN LOG_LEVEL LOG_FORMAT CONSOLE_URL CONSOLE_TIMEZONE WEBHOOK_URL WEBHOOK_SECRET".split()
    found = {PREFIX + name: os.environ[PREFIX + name] for name in kept if PREFIX + name in os.environ}
    return found | {PREFIX + name: value for name, value in ours.items()}
