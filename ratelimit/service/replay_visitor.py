"""A caller in a replay that compares two policies: how it fared with each, and whether it looks honest.

Whether someone is honest cannot be read from a log. What can be read are signs against it, and they are few on purpose: a reader should
be able to repeat the judgement by hand. See HONEST, which is printed with every report.
"""

from functools import lru_cache
from typing import Final

from ratelimit.core.identity import Caller
from ratelimit.core.log_entry import Entry
from ratelimit.core.subject import Single

MOST_A_MINUTE: Final = 120  # requests: pages with pictures come in bursts, but nobody reads two a second for a minute
HONEST: Final = (
    f"looks honest: never answered 401 or 403, at most {MOST_A_MINUTE} requests in any minute of the clock, "
    "and, with neither key nor account, the agent of a browser in every request (where the log has agents)"
)

_MINUTE_US: Final = 60_000_000
_BROWSER: Final = "Mozilla/5.0 ("
_DECLARED: Final = ("bot", "crawl", "spider", "http:", "https:", "+http", "headless")  # browsers name none of them, in any case of letters

Who = tuple[str, Single]  # the kind, and the value


def who(caller: Caller) -> Who | None:
    """By what a caller is told from others, whatever the limits count by: its key, else its account, else its address."""
    if caller.api_key is not None:
        return "api_key", caller.api_key
    if caller.account is not None:
        return "account", caller.account
    return None if caller.ip is None else ("ip", caller.ip)


@lru_cache(maxsize=4_096)
def is_browser(agent: str) -> bool:
    """Whether an agent is what browsers send; others can send it too."""
    lower = agent.lower()
    return agent.startswith(_BROWSER) and not any(word in lower for word in _DECLARED)


class Visitor:
    """What is counted of one caller, and the signs against it: denied, fast, and of one known by its address alone what agents it sent."""

    __slots__ = ("_in_minute", "_minute", "denied", "fast", "newly_admitted", "newly_refused", "no_agent", "other_agent",
                 "refused", "refused_against", "seen")  # fmt: skip

    def __init__(self) -> None:
        self.seen = self.refused = self.refused_against = self.newly_refused = self.newly_admitted = 0
        self.denied = self.fast = self.other_agent = self.no_agent = False
        self._minute = self._in_minute = 0

    def note(self, now_us: int, entry: Entry, *, refused: bool, against: bool) -> None:
        """Count one request: how it was answered when it was logged, and what the two policies say."""
        self.seen += 1
        self.refused += refused
        self.refused_against += against
        self.newly_refused += against and not refused
        self.newly_admitted += refused and not against
        if entry.status in {401, 403}:
            self.denied = True
        if entry.api_key is None and entry.account is None:
            self._note_agent(entry.user_agent)
        minute = now_us // _MINUTE_US
        self._in_minute = self._in_minute + 1 if minute == self._minute else 1
        self._minute = minute
        if self._in_minute > MOST_A_MINUTE:
            self.fast = True

    def _note_agent(self, agent: str | None) -> None:
        if agent is None:
            self.no_agent = True
        elif not is_browser(agent):
            self.other_agent = True

    def looks_honest(self, *, agents_logged: bool) -> bool:
        """See HONEST; `agents_logged`: the log has agents, so one who sent none is no browser."""
        return not (self.denied or self.fast or self.other_agent or (self.no_agent and agents_logged))

    def weight(self) -> tuple[int, ...]:
        """Who is treated differently matters first, then who came often."""
        return self.newly_refused + self.newly_admitted, self.seen
