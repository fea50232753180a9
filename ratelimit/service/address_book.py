"""What is known of addresses and user agents, for the signals: the one place to ask. Nothing is asked over the network.

Facts come from lists of networks and a database of countries that the operator may lay beside us. Both are looked at once a minute and read
again, in a thread, when they have changed and come to rest. What cannot be used is said, and the last good content stays in force; who
starts may refuse to, by `refused`.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from msgspec import Struct

from ratelimit.core.address_facts import AddressFacts
from ratelimit.core.agent import AgentClass, agent_class
from ratelimit.core.errors import ConfigError
from ratelimit.core.listing import Listing, with_lists
from ratelimit.core.policy import Policy
from ratelimit.service.agent_reader import AgentReader
from ratelimit.service.at_rest import AtRest
from ratelimit.service.country import Countries, assigned_country, read_countries
from ratelimit.service.list_folder import NO_LISTS, Lists, read_lists
from ratelimit.service.plain_file import file_state

LOOK_EVERY_S: Final = 60.0
MOST_KEPT: Final = 16_384  # addresses whose facts are remembered; some 6 MB
_MOST_SAID: Final = 5  # problems in the log, of each kind

_log = structlog.get_logger()


class Sources(Struct, frozen=True):
    """Where facts come from, as paths. None: no lists, so what they would say is not known; the countries that registries assigned."""

    lists: str | None = None  # a folder
    countries: str | None = None


class _Known(NamedTuple):
    """What the sources say; `refused` says what of them cannot be used."""

    lists: Lists
    countries: Countries
    refused: list[str]


_NOTHING: Final = _Known(NO_LISTS, assigned_country, [])
NO_SOURCES: Final = Sources()


class AddressBook:
    """Answers from memory. Made once, which reads everything: some 20 ms without lists, 200 ms with 77,000 networks."""

    def __init__(self, sources: Sources = NO_SOURCES) -> None:
        self._sources = sources
        self._at_rest = AtRest(judged=_state(sources))  # before they are read: what is written meanwhile is read again
        self._agents = AgentReader()
        self._facts: dict[bytes, AddressFacts] = {}
        self._listing = Listing()
        self._known = _read(sources, _NOTHING)

    @property
    def refused(self) -> list[str]:
        """What of the sources cannot be used, and why."""
        return self._known.refused

    def facts(self, packed: bytes) -> AddressFacts:
        """The facts of a packed address; of an IPv6 caller's prefix, those of its first address."""
        facts = self._facts.get(packed)
        if facts is None:
            if len(self._facts) >= MOST_KEPT:
                self._facts.clear()
            found = self._known.lists.networks.facts(packed, self._known.countries(packed))
            facts = self._facts[packed] = with_lists(found, packed, self._listing)
        return facts

    def adopt(self, policy: Policy) -> None:
        """What the lists of a policy say of addresses, beside the operator's."""
        self._listing = policy.lists
        self._facts.clear()

    def agent_class(self, user_agent: str | None, facts: AddressFacts | None) -> AgentClass:
        """What a client is that calls itself `user_agent` (None: it sent none) at an address with these facts (None: it has none)."""
        return agent_class(self._agents.read(user_agent), facts)

    async def run(self) -> None:
        """Say what was read, and look once a minute, for ever."""
        self._say()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Look at the sources once, and read them again if they have changed and have come to rest."""
        if self._at_rest.is_new(await asyncio.to_thread(_state, self._sources)):
            self._known = await asyncio.to_thread(_read, self._sources, self._known)
            self._facts.clear()
            self._say()

    def _say(self) -> None:
        lists, _, refused = self._known
        if lists is not NO_LISTS:
            _log.info("lists of networks are in force", networks=lists.count, warnings=lists.warnings[:_MOST_SAID])
        if refused:
            _log.error("lists or countries cannot be used; what was in force stays so", problems=refused[:_MOST_SAID])


def _read(sources: Sources, before: _Known) -> _Known:
    lists, countries, refused = before.lists, before.countries, list[str]()
    try:
        if sources.lists is not None:
            lists = read_lists(Path(sources.lists), lists)
            refused += lists.refused
    except ConfigError as error:
        refused += error.problems
    try:
        if sources.countries is not None:
            countries = read_countries(Path(sources.countries))
    except ConfigError as error:
        refused += error.problems
    return _Known(lists, countries, refused)


def _state(sources: Sources) -> object:
    """Something that differs once a file was written, replaced, added or removed."""
    paths = [Path(sources.countries)] if sources.countries is not None else []
    if sources.lists is not None:
        with suppress(OSError, ValueError):  # a folder that cannot be read: that is said when it is
            paths += sorted(Path(sources.lists).iterdir())
    return [(path.name, file_state(path)) for path in paths]
