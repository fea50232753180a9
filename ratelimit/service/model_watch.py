"""Keeps the models in force in step with their folders: swaps in what is sound, keeps the last good one when it is not.

The policy says where they lie, beside its own file. A folder is looked at once a second by its manifest, which is written last and names
the digest of all else. A new one counts when two looks in a row find the same.
"""

import asyncio
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, Generic, TypeVar

import structlog

from ratelimit.core.errors import ConfigError
from ratelimit.core.policy import Policy
from ratelimit.core.protocols import PurchaseScorer, RiskModel
from ratelimit.service.model_section import PURCHASES, REQUESTS, ModelSection, Versioned

LOOK_EVERY_S: Final = 1.0
MANIFEST: Final = "manifest.json"

_log = structlog.get_logger()

FolderOf = Callable[[Policy], Path | None]
M = TypeVar("M", bound=Versioned)
Read = Callable[[Path], M]  # raises ConfigError


def check_models(policy: Policy, requests: Read[RiskModel], purchases: Read[PurchaseScorer]) -> None:
    """Whether the models that a policy names can do what it asks of them. Raises ConfigError with every problem."""
    if problems := [*_problems(policy, REQUESTS, requests), *_problems(policy, PURCHASES, purchases)]:
        raise ConfigError(problems)


def _problems(policy: Policy, section: ModelSection, read: Read[M]) -> Iterator[str]:
    for folder in (section.champion(policy), section.challenger(policy)):
        try:
            model = read(folder) if folder is not None else None
        except ConfigError as error:
            yield from error.problems
            continue
        if model is not None and folder == section.champion(policy) and (problem := section.problem(policy, model)):
            yield f"{policy.source}: {problem}"


class ModelWatch(Generic[M]):
    """One model's folder, the champion's or the challenger's of a section.

    `model` is what is in force, `problems` are those of the folder as it is now.
    """

    def __init__(self, role: str, section: ModelSection, folder_of: FolderOf, read: Read[M], put: Callable[[M | None], None]) -> None:
        self.role: Final = section.prefix + role
        self._section, self._folder_of = section, folder_of
        self.model: M | None = None
        self.problems: list[str] = []
        self.failed = 0  # contents that could not be used, each counted once
        self._read, self._put = read, put
        self._policy: Policy | None = None
        self._folder: Path | None = None
        self._seen: object = None  # of the look before
        self._judged: object = None  # what was swapped in or refused, so that it is judged once

    def adopt(self, policy: Policy) -> None:
        """A policy is in force; its folder is read with the next look."""
        folder = self._folder_of(policy)
        if folder != self._folder:
            self._seen = self._judged = None
        self._policy, self._folder = policy, folder

    async def look(self, *, settled: bool = False) -> None:
        """Look at the folder once, and act on it if it has changed and has come to rest; `settled`: it is known to have."""
        policy, folder = self._policy, self._folder
        if policy is None or folder is None:
            if self.model is not None:
                self._swap(None)
            return
        found = await asyncio.to_thread(_digest, folder / MANIFEST)
        at_rest, self._seen = settled or found == self._seen, found
        if not at_rest or found == self._judged:
            return
        self._judged = found
        try:
            model = await asyncio.to_thread(self._read, folder)
            if folder == self._section.champion(policy) and (problem := self._section.problem(policy, model)):
                raise ConfigError([f"{folder}: {problem}"])  # noqa: TRY301  judged as what cannot be read
        except ConfigError as error:
            self._refuse(error)
            return
        if folder == self._folder:  # which another policy may have changed meanwhile
            self._swap(model)

    def _swap(self, model: M | None) -> None:
        self.problems = []
        if model is None or self.model is None or model.version != self.model.version:
            self.model = model
            self._put(model)
            _log.info("a model is in force", role=self.role, version=model.version if model is not None else None)

    def _refuse(self, error: ConfigError) -> None:
        self.problems = error.problems
        self.failed += 1
        _log.error("the model cannot be used; what was in force stays so", role=self.role, problems=error.problems)


class Models(Generic[M]):
    """Champion and challenger of a section, side by side.

    `put` is given every champion that comes into force, None when there is none any more; `put_challenger` the same of challengers.
    """

    def __init__(
        self, read: Read[M], put: Callable[[M | None], None], put_challenger: Callable[[M | None], None], section: ModelSection = REQUESTS
    ) -> None:
        self.champion: Final = ModelWatch("champion", section, section.champion, read, put)
        self.challenger: Final = ModelWatch("challenger", section, section.challenger, read, put_challenger)

    def adopt(self, policy: Policy) -> None:
        """A policy is in force; what it names is read with the next look."""
        self.champion.adopt(policy)
        self.challenger.adopt(policy)

    async def look(self, *, settled: bool = False) -> None:
        """Look at both folders once, see ModelWatch."""
        await self.champion.look(settled=settled)
        await self.challenger.look(settled=settled)

    async def run(self) -> None:
        """Look once a second, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()


def _digest(path: Path) -> object:
    try:
        return blake2b(path.read_bytes()).digest()
    except OSError as error:
        return str(error)
