"""What is known of addresses and user agents, for the signals: the one place to ask. Nothing is asked over the network.

Facts come from lists of networks and a database of countries that the operator may lay beside us. Both are looked at once a minute and read
again, in a thread, when they have changed and come to rest; the last good ones stay in force while the new ones cannot be used.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

from ratelimit.core.address_facts import AddressFacts
from ratelimit.core.agent import AgentClass, agent_class
from ratelimit.core.errors import ConfigError
from ratelimit.service.agent_reader import AgentReader
from ratelimit.service.at_rest import AtRest
from ratelimit.service.country import Countries, assigned_country, read_countries
from ratelimit.service.list_folder import NO_LISTS, Lists, read_lists

LOOK_EVERY_S: Final = 60.0
MOST_KEPT: Final = 16_384  # addresses whose facts are remembered; some 6 MB
_MOST_SAID: Final = 5  # problems in the log

_log = structlog.get_logger()


class Sources(Struct, frozen=True):
    """Where facts come from. None: no lists, so they are unknown; the countries that the registries assigned."""

    lists: Path | None = None
    countries: Path | None = None


class AddressBook:
    """Answers from memory. Made once, which takes some 100 ms without lists and twice that with 77,000 networks; raises ConfigError."""

    def __init__(self, sources: Sources = Sources()) -> None:
        self._sources = sources
        self._at_rest = AtRest(judged=_state(sources))
        self._agents = AgentReader()
        self._lists: Lists = NO_LISTS
        self._countries: Countries = assigned_country
        self._known: dict[bytes, AddressFacts] = {}
        refused = self._read()
        if refused:
            raise ConfigError(refused)

    def facts(self, packed: bytes) -> AddressFacts:
        """The facts of a packed address; of an IPv6 caller's prefix, those of its first address."""
        facts = self._known.get(packed)
        if facts is None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            facts = self._known[packed] = self._lists.networks.facts(packed, self._countries(packed))
        return facts

    def agent_class(self, user_agent: str | None, facts: AddressFacts | None) -> AgentClass:
        """What a client is that calls itself `user_agent` (None: it sent none) at an address with these facts (None: it is not known)."""
        return agent_class(self._agents.read(user_agent), facts)

    async def run(self) -> None:
        """Look once a minute, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Look at the sources once, and read them again if they have changed and have come to rest."""
        if self._at_rest.is_new(await asyncio.to_thread(_state, self._sources)):
            refused = await asyncio.to_thread(self._read)
            if refused:
                _log.error("lists of networks or countries cannot be used; what was in force stays so", problems=refused[:_MOST_SAID])

    def _read(self) -> list[str]:
        """Read the sources and put in force what can be used; returns what cannot."""
        sources, refused = self._sources, list[str]()
        try:
            if sources.lists is not None:
                self._lists = read_lists(sources.lists, self._lists)
                refused += self._lists.refused
                _log.info("lists of networks were read", networks=self._lists.count)
                for warning in self._lists.warnings[:_MOST_SAID]:
                    _log.warning(warning)
        except ConfigError as error:
            refused += error.problems
        try:
            if sources.countries is not None:
                self._countries = read_countries(sources.countries)
        except ConfigError as error:
            refused += error.problems
        self._known = {}  # anew, since another thread may be filling the old one
        return refused


def _state(sources: Sources) -> object:
    """Something that differs once a file was written, replaced, added or removed."""
    files: Iterable[Path] = [sources.countries] if sources.countries is not None else []
    if sources.lists is not None:
        try:
            files = [*files, *sorted(sources.lists.iterdir())]
        except (OSError, ValueError) as error:
            return str(error)
    return [(path.name, _file_state(path)) for path in files]


def _file_state(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
