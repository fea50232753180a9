"""Reads user agents: which of some 1,500 known patterns they match, in one pass.

The patterns are those of `crawler-user-agents`, and our own for what they leave out. RE2 runs them all as one automaton, with bounded
memory and in time that grows with the length alone: a few µs for an agent as programs send them, some 300 for the worst that was contrived,
where Python's `re` takes 450 for any. (The list's own Go package needs the same syntax, so every pattern in it is one of RE2's.)
"""

from typing import Final

import crawleruseragents
import re2

from ratelimit.core.agent import BROWSER, LIBRARY, MAX_AGENT, ROBOT, VERIFIABLE, AgentClass, Declared, together

_LIBRARY_TAG: Final = "http-library"
_MOST_KEPT: Final = 4_096  # agents whose reading is remembered; at most some 4 MB
_SILENT: Final = frozenset({"", "-"})  # a log writes `-` for none, and so do some who read such a log


class AgentReader:
    """Says what a user agent declares. Made once: it compiles the patterns."""

    def __init__(self) -> None:
        self._set: Final = re2.Set.SearchSet()
        self._meanings: Final[list[Declared]] = []  # by number of the pattern
        for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
            self._add(entry["pattern"], Declared(AgentClass.LIBRARY if _LIBRARY_TAG in entry.get("tags", ()) else AgentClass.CRAWLER))
        for pattern, crawler in VERIFIABLE.items():
            self._add(pattern, Declared(AgentClass.CRAWLER, frozenset({crawler})))
        self._add(ROBOT, Declared(AgentClass.CRAWLER))
        self._add(LIBRARY, Declared(AgentClass.LIBRARY))
        self._add(BROWSER, Declared(AgentClass.BROWSER))
        self._set.Compile()
        self._known: Final[dict[str, Declared]] = {}

    def _add(self, pattern: str, meaning: Declared) -> None:
        self._set.Add(pattern)
        self._meanings.append(meaning)

    def read(self, user_agent: str | None) -> Declared:
        """What `user_agent` declares; None: the request has none."""
        agent = user_agent[:MAX_AGENT] if user_agent is not None else ""
        declared = self._known.get(agent)
        if declared is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            declared = self._known[agent] = self._read(agent)
        return declared

    def _read(self, agent: str) -> Declared:
        if agent.strip() in _SILENT:
            return Declared(AgentClass.NONE)
        matches = self._set.Match(agent.encode("utf-8", "replace")) or ()  # None if there is no match
        return together([self._meanings[number] for number in matches])
