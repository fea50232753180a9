"""Signals on the serving side: counts what callers do, tells the store, and has scored what the store remembers of them.

A decision only adds one to a count of requests that are alike, and reads a number. Once a second (a *tick*) these counts become parts of
the subjects that asked, see core/profile. A subject is told to the store when that is worth a call or after ten seconds (outbox); what
comes back is the profile of all sidecars, which is scored (scoring). A log is replayed through this very class: `turn` is given the tick,
and no clock is read here.

Signals never endanger limits: whatever is too much, or cannot be told, is dropped and counted.
"""

from collections.abc import Iterator
from math import nan
from typing import Final, NamedTuple

from ratelimit.core.address_facts import AddressFacts
from ratelimit.core.agent import AgentClass
from ratelimit.core.distinct import NO_BITS, Distinct
from ratelimit.core.identity import Caller
from ratelimit.core.profile import COUNTS, Merge
from ratelimit.core.protocols import AddressBook, Store
from ratelimit.core.risk import Risk
from ratelimit.core.signal_reason import SignalReason
from ratelimit.core.signals import KINDS, Kind
from ratelimit.core.store_key import StoreKeys
from ratelimit.core.usage_event import Told
from ratelimit.service.census import CensusTaker
from ratelimit.service.outbox import WORTH_A_CALL, Outbox
from ratelimit.service.scoring import Scoring
from ratelimit.service.strangers import Strangers
from ratelimit.service.watch import Known, Part, Watch
from ratelimit.service.watches import Watches

BATCH: Final = 64  # subjects told, and scored, in one turn of the loop
RISK_LIFE_S: Final = 600  # after which what was scored is no longer believed
_MOST_ALIKE: Final = 65_536  # different requests of one tick
_MOST_ASKED: Final = 4 * BATCH  # subjects in one tick of which the store is asked whether it knows them
_MOST_KNOWN: Final = 8_192  # callers that are remembered, which makes counting twice as fast
_FORGET_S: Final = 60
_AT_ONCE: Final = 32  # groups of like requests taken apart in one turn of the loop
_JUMP_S: Final = 60  # a clock that moves further than this from one tick to the next was set
_HEARSAY: Final = 0.01  # a risk that has moved by less than this is not worth a call of its own

_PLACE: Final = {name: index + 1 for index, name in enumerate(COUNTS)}
_ATTEMPTS, _REQUESTS, _COST = _PLACE["attempts"], _PLACE["requests"], _PLACE["cost"]
_BROWSER, _HOSTING, _VPN, _PLACED = _PLACE["browser"], _PLACE["hosting"], _PLACE["vpn"], _PLACE["placed"]

_Peers = dict[Kind, tuple[int, int]]
_Alike = tuple[Caller, str, str | None, int, bool]  # caller, target, user agent, cost, whether it passed


class _Who(NamedTuple):
    """What a caller's requests have in common; `peers` are the bits that they set in the two counts of who uses whom."""

    peers: _Peers
    facts: AddressFacts | None
    placed: bool  # whether it is known what network the address is in
    hosting: bool
    vpn: bool
    country: int


class Usage:
    """The signals of one sidecar."""

    def __init__(self, store: Store, keys: StoreKeys, distinct: Distinct, book: AddressBook, most: int = 100_000) -> None:
        self.scoring = Scoring()
        self.outbox = Outbox(store, self._back)
        self.census = CensusTaker(store)
        self.tick = 0
        self.dropped = 0  # requests that were not counted: too many different ones in one tick
        self.jumps = 0  # of the clock
        self.book = book  # what is known of addresses
        self._distinct = distinct
        self._watches = {kind: Watches(kind, keys.profile_namer(kind), most) for kind in KINDS}
        # asked for each refusal, so without a call of ours between
        self._key, self._account, self._address = (self._watches[kind].get for kind in ("api_key", "account", "ip"))
        self.strangers = Strangers(self._watches, self.outbox)
        self._alike: dict[_Alike, int] = {}
        self._known: dict[Caller, _Who] = {}
        self._asked = 0

    @property
    def live(self) -> dict[Kind, int]:
        """How many subjects are watched."""
        return {kind: len(watches) for kind, watches in self._watches.items()}

    @property
    def due(self) -> float:
        """The tick in which there is something to do next; inf: everything was told."""
        return self.tick + 1 if self._alike or self.strangers or self.outbox else self.outbox.due

    def note(self, caller: Caller, target: str, user_agent: str | None, cost: int, *, passed: bool) -> None:
        """A request was decided."""
        alike, key = self._alike, (caller, target, user_agent, cost, passed)
        count = alike.get(key)
        if count is not None:
            alike[key] = count + 1
        elif len(alike) < _MOST_ALIKE:
            alike[key] = 1
        else:
            self.dropped += 1

    def tell(self, told: Told) -> None:
        """Something became known only afterwards, of subjects that are watched, be it by another sidecar."""
        for kind, value in _subjects(told.caller) if told.counts else ():
            watch = self._watches[kind].get(value)
            part = self._part(watch, self.tick) if watch is not None else self.strangers.part(kind, value, self.tick)
            if part is not None:
                for name, count in told.counts:
                    part[_PLACE[name]] += count

    def watch(self, kind: Kind, value: str | bytes) -> Watch | None:
        """What is held of a subject, if it is watched."""
        return self._watches[kind].get(value)

    def risk_of(self, caller: Caller) -> Risk | None:
        """The risk that a request carries: the larger of its key's and its account's, or its address's where it has neither."""
        found: Risk | None = None
        if self.scoring.spared and self._is_spared(caller):
            return None
        for kind, value in _responsible(caller):
            watch = self._watches[kind].get(value)
            if watch is None or watch.risk is None or self.tick - watch.scored > RISK_LIFE_S:
                continue
            if found is None or watch.risk > found.risk:
                found = Risk(kind, value, watch.risk)
        return found

    def known_of(self, caller: Caller) -> Known | None:
        """What is known of whom a decision about the caller is about, chosen as in `risk_of`; None where that is nothing."""
        key, account = caller.api_key, caller.account
        watch = self._key(key) if key is not None else None
        if account is not None:
            other = self._account(account)
            if watch is None or (other is not None and (other.risk or 0.0) > (watch.risk or 0.0)):
                watch = other
        elif key is None and caller.ip is not None:
            watch = self._address(caller.ip)
        if watch is None or not watch.signals:
            return None
        if self.scoring.spared and self._is_spared(caller):
            return watch, None, None, watch.signals
        return watch, watch.risk if self.tick - watch.scored <= RISK_LIFE_S else None, watch.model, watch.signals

    def reasons(self, caller: Caller) -> tuple[SignalReason, ...]:
        """What is unusual about them."""
        if self.scoring.spared and self._is_spared(caller):
            return ()
        known = self.known_of(caller)
        return self.scoring.reasons(known[0].kind, known[-1]) if known is not None else ()

    def turn(self, tick: int) -> Iterator[None]:
        """A tick begins: take apart what was counted in the one before, and see who is due. Yields after each slice of work."""
        alike, self._alike = self._alike, {}
        before, self._asked = self.tick or tick, 0
        for index, (key, times) in enumerate(alike.items()):
            self._count(key, times, before)
            if index % _AT_ONCE == _AT_ONCE - 1:
                yield
        self.strangers.turn()
        self.tick = tick
        if tick % _FORGET_S == 0:
            self._known.clear()  # lists of networks may have changed
        if abs(tick - before) > _JUMP_S:
            self.jumps += 1
            self.outbox.all_due()
        self.outbox.full = self.census.full
        self.outbox.turn(tick)
        self.census.turn(tick)

    def flush(self, most: int = BATCH) -> int:
        """Tell the store of so many subjects that are due; of how many there was anything to tell."""
        return self.outbox.flush(most, self.scoring.model)

    def score(self, most: int = BATCH) -> int:
        """Score so many profiles that came back; how many there were."""
        scored = self.scoring.score(most)
        for watch in scored:
            if watch.risk is not None and abs(watch.risk - (watch.told or 0.0)) > _HEARSAY and not watch.parts:
                self.outbox.begin(watch, self.tick)  # for the other sidecars, should the subject say nothing more
        return len(scored)

    def _is_spared(self, caller: Caller) -> bool:
        """Whether the account, or the key, is one that no model may look at."""
        spared = self.scoring.spared
        return ("account", caller.account) in spared or ("api_key", caller.api_key) in spared

    def _count(self, key: _Alike, times: int, tick: int) -> None:
        """Requests that are alike go to each subject that made them and is watched."""
        caller, target, user_agent, cost, passed = key
        live = self._met(caller, times)
        if not live:
            return
        who = self._who(caller)
        agent_class = self.book.agent_class(user_agent, who.facts)
        path = self._distinct.mask(target) if passed else 0
        agent = self._distinct.few(user_agent or "") if agent_class is not AgentClass.NONE else 0
        for watch in live:
            watch.plan = caller.plan
            watch.mark(path, *who.peers[watch.kind], agent, who.country)
            part = self._part(watch, tick)
            part[_ATTEMPTS] += times
            part[_BROWSER + agent_class] += times
            if passed:
                part[_REQUESTS] += times
                part[_COST] += cost * times
            if who.placed:
                part[_PLACED] += times
                part[_HOSTING] += times * who.hosting
                part[_VPN] += times * who.vpn
            watch.seen += times
            if watch.seen >= WORTH_A_CALL:
                self.outbox.queue(watch)

    def _met(self, caller: Caller, times: int) -> list[Watch]:
        """Those of a caller's subjects that are watched."""
        live = []
        for kind, value in _subjects(caller):
            watches = self._watches[kind]
            watch = watches.met(value, times)
            if watch is not None:
                live.append(watch)
            elif self._asked < _MOST_ASKED and watches.asks(value, times):  # another sidecar may know this one
                self._asked += 1
                self.outbox.send(watches.unwatched(value), _ASK)
        return live

    def _part(self, watch: Watch, tick: int) -> Part:
        if not watch.parts:
            self.outbox.begin(watch, tick)
        return watch.part(tick)

    def _who(self, caller: Caller) -> _Who:
        who = self._known.get(caller)
        if who is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            who = self._known[caller] = self._meet(caller)
        return who

    def _meet(self, caller: Caller) -> _Who:
        mask = self._distinct.mask
        facts = self.book.facts(caller.ip) if caller.ip is not None else None
        used_from = (mask(caller.ip), mask(facts.network)) if caller.ip is not None and facts is not None else (0, 0)
        used_by = (mask(caller.api_key) if caller.api_key is not None else 0, mask(caller.account) if caller.account is not None else 0)
        peers: _Peers = {"api_key": used_from, "account": used_from, "ip": used_by}
        if facts is None:
            return _Who(peers, None, placed=False, hosting=False, vpn=False, country=0)
        country = self._distinct.few(facts.country) if facts.country is not None else 0
        placed = facts.hosting is not None
        return _Who(peers, facts, placed=placed, hosting=bool(facts.hosting), vpn=bool(facts.vpn), country=country)

    def _back(self, watch: Watch, state: bytes) -> None:
        self.census.told(watch.key, state)
        watches = self._watches[watch.kind]
        self.scoring.add(watches.get(watch.value) or watches.add(watch.value), state)


_ASK: Final = Merge(b"", NO_BITS, nan, 0, only_known=True)


def _subjects(caller: Caller) -> list[tuple[Kind, str | bytes]]:
    found: list[tuple[Kind, str | bytes]] = []
    if caller.api_key is not None:
        found.append(("api_key", caller.api_key))
    if caller.ip is not None:
        found.append(("ip", caller.ip))
    if caller.account is not None:
        found.append(("account", caller.account))
    return found


def _responsible(caller: Caller) -> list[tuple[Kind, str | bytes]]:
    """Whose risk is a request's: many honest people share an address, so it answers only where there is nobody else."""
    subjects = _subjects(caller)
    return [one for one in subjects if one[0] != "ip"] or subjects
