"""Backtests that people have asked for: one at a time, each in a process of its own, with how far it is; it can be left.

What one finds is kept with the digest of the text that was tested, and takes a draft to the step `backtest`. Times are seconds since the
epoch.
"""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import msgspec
import structlog
from msgspec import Struct

from ratelimit.core.principal import Principal
from ratelimit.ledger.ledger import Ledger, LedgerAwayError
from ratelimit.ledger.rules import BacktestRow, RuleVersion, add_backtest, change_version, versions
from ratelimit.review import audit, backtest_worker
from ratelimit.review.backtest import Job, Tried
from ratelimit.review.backtest_found import BacktestFound
from ratelimit.review.backtest_worker import Line, Order
from ratelimit.review.rule_error import NoRuleError, NotNowError, RuleError
from ratelimit.review.rule_state import RuleState, digest_of, stands

SPANS: Final = (30, 90)  # days
MOST_VERSIONS: Final = 6  # of the rule that are tried beside it
MOST_WAITING: Final = 20
_DAY_S: Final = 86_400.0
_LONGEST_LINE: Final = 1_048_576

State = Literal["waits", "runs", "done", "failed", "left"]

_log = structlog.get_logger()


class Running(Struct):
    """One of them: `done` is the share that is done, `error` why it failed."""

    name: str
    version: int
    days: int
    by: str
    since: float
    state: State = "waits"
    done: float = 0.0
    error: str = ""

    @property
    def under_way(self) -> bool:
        """Whether there is anything to wait for."""
        return self.state in {"waits", "runs"}


async def in_process(order: Order, running: Running) -> BacktestFound:
    """Run one in a process of its own; raises RuleError."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RATELIMIT_")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)  # the same modules as ours, and none of the working directory
    process = await create_subprocess_exec(
        sys.executable, "-P", "-m", backtest_worker.__name__, stdin=PIPE, stdout=PIPE, env=environment, limit=_LONGEST_LINE
    )
    try:
        return await _hear(process, order, running)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


Run = Callable[[Order, Running], Awaitable[BacktestFound]]


class Backtests:
    """`wall` is seconds since the epoch, `run` runs one. `close` leaves all that run."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float], run: Run = in_process) -> None:
        self._ledger, self._wall, self._process = ledger, wall, run
        self._latest: dict[str, Running] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(1)

    def of(self, name: str) -> Running | None:
        """The latest of a rule, as it stands; None: none was asked for since the start."""
        return self._latest.get(name)

    async def start(self, who: Principal, name: str, version: int, days: int) -> Running:
        """Begin one; raises NotNowError where the rule's is under way."""
        if days not in SPANS:
            raise RuleError(f"Not tested: {days} days are not offered; expected one of {', '.join(map(str, SPANS))}.")
        async with self._ledger.read() as connection:
            state = await stands(connection, name)
        tested = state.version(version)
        before = self._latest.get(name)
        if before is not None and before.under_way:
            raise NotNowError(f"Not tested: {before.by} tests version {before.version} of {name} at the moment. Wait, or leave that.")
        if sum(it.under_way for it in self._latest.values()) >= MOST_WAITING:
            raise NotNowError("Not tested: too many backtests wait already. Try again in a minute.")
        running = self._latest[name] = Running(name, version, days, who.login, self._wall())
        self._tasks[name] = asyncio.create_task(self._run(running, state, tested))
        return running

    def leave(self, name: str) -> None:
        """Leave the one that is under way, if there is one."""
        running, task = self._latest.get(name), self._tasks.get(name)
        if running is not None and running.under_way and task is not None:
            running.state = "left"
            task.cancel()

    async def close(self) -> None:
        """Leave all."""
        for name in list(self._tasks):
            self.leave(name)
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def wait(self, name: str) -> Running:
        """Until the one that is under way has ended."""
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(self._tasks[name])
        return self._latest[name]

    async def _run(self, running: Running, state: RuleState, tested: RuleVersion) -> None:
        async with self._turn:
            running.state, until = "runs", self._wall()
            try:
                job = _job(state, tested, until - running.days * _DAY_S, until)
                found = await self._process(Order(self._ledger.url, job), running)
                await self._keep(running, tested, job, found)
            except (RuleError, LedgerAwayError, OSError) as error:
                running.state, running.error = "failed", str(error)
            except Exception as error:
                running.state, running.error = "failed", f"a bug of ours ({type(error).__name__}); the log has it"
                _log.exception("a backtest failed", rule=running.name)
            else:
                running.state = "done"

    async def _keep(self, running: Running, tested: RuleVersion, job: Job, found: BacktestFound) -> None:
        now = self._wall()
        row = BacktestRow(
            id=0,
            name=tested.name,
            version=tested.version,
            digest=digest_of(tested),
            by_login=running.by,
            at=now,
            since=job.since,
            until=job.until,
            looked_at=int(found.looked_at),
            found=msgspec.to_builtins(found),
        )
        async with self._ledger.write() as connection:
            rows = await versions(connection, tested.name, lock=True)
            as_now = next((it for it in rows if it.id == tested.id), None)
            if as_now is None:
                raise NoRuleError("it was dropped meanwhile")
            await add_backtest(connection, row)
            if as_now.step == "draft" and as_now.rule == tested.rule:
                await change_version(connection, tested.id, step="backtest", step_at=now, steps={**as_now.steps, "backtest": now})
            content = {"rule": tested.name, "version": tested.version, "days": running.days, "matches": found.matches}
            await audit.append(connection, running.by, "rule.backtested", content, at=now)


def _job(state: RuleState, tested: RuleVersion, since: float, until: float) -> Job:
    """The tested version first, then the one in force, then the latest others."""
    live = state.live if state.live is not None and state.live.id != tested.id else None
    others = [it for it in state.versions if it.id not in {tested.id, live.id if live is not None else 0}]
    chosen = [tested, *([live] if live is not None else []), *others][: MOST_VERSIONS + 1]
    return Job(
        name=tested.name,
        on=tested.rule["on"],
        tried=tuple(Tried(it.version, it.rule) for it in chosen),
        live=live.version if live is not None else None,
        since=since,
        until=until,
    )


async def _hear(process: Process, order: Order, running: Running) -> BacktestFound:
    assert process.stdin is not None, "it is a pipe"  # noqa: S101
    assert process.stdout is not None, "it is a pipe"  # noqa: S101
    process.stdin.write(msgspec.json.encode(order) + b"\n")
    await process.stdin.drain()
    while said := await process.stdout.readline():
        line = msgspec.json.decode(said, type=Line)
        running.done = line.done
        if line.error is not None:
            raise RuleError(line.error)
        if line.found is not None:
            return line.found
    raise RuleError("the process that tested it ended before it was done; what it said stands in the log")
