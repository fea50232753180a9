"""Words that stand, by whom they are about: found in one look-up for each kind of target, and one for each length of a network's prefix.

Addresses are packed here, so that the hot path writes none as text. An IPv6 caller is a network, and is looked up as one.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeVar, get_args

from ratelimit.core.address import mask, parse_address
from ratelimit.core.identity import Caller
from ratelimit.core.standing import Scope, Standing, StandingSource, Target, TargetKind

Words = tuple[Standing, ...]
_ById = dict[str, Standing]

K = TypeVar("K")

_NONE: Final[_ById] = {}
OF_REQUESTS: Final[frozenset[TargetKind]] = frozenset({"api_key", "ip", "account", "network"})  # what requests are known by


class Found(NamedTuple):
    """What stands for a request: all `words`, and what they say. Of several that block or allow the first made is the one that is named."""

    words: Words = ()
    override_block: Standing | None = None
    override_allow: Standing | None = None
    exempt: Standing | None = None
    rule_block: Standing | None = None
    throttles: Words = ()
    buckets: Words = ()
    holds: Words = ()


class StandingIndex:
    """Words by target. What has ended may still be here; `found` and `words` leave it out."""

    def __init__(self) -> None:
        self.requests = 0  # words that a request can meet; 0: none need be looked for
        self._named: dict[TargetKind, dict[str, _ById]] = {kind: {} for kind in get_args(TargetKind)}
        self._networks: dict[int, dict[int, dict[bytes, _ById]]] = {4: {}, 16: {}}  # by length of address, bits of prefix, first address

    def put(self, word: Standing) -> None:
        """Add a word, which is not there."""
        self.requests += _meets_requests(word)
        network = _network(word.target)
        if network is None:
            self._named[word.target.kind].setdefault(word.target.value, {})[word.id] = word
        else:
            first, bits = network
            self._networks[len(first)].setdefault(bits, {}).setdefault(first, {})[word.id] = word

    def remove(self, word: Standing) -> None:
        """Take away a word, which is there."""
        self.requests -= _meets_requests(word)
        network = _network(word.target)
        if network is None:
            _remove(self._named[word.target.kind], word.target.value, word.id)
            return
        first, bits = network
        prefixes = self._networks[len(first)]
        _remove(prefixes[bits], first, word.id)
        if not prefixes[bits]:
            del prefixes[bits]

    def found(self, caller: Caller, now_s: float) -> Found | None:
        """What stands for a request of this caller; None where nothing does."""
        met: list[Standing] = []
        if caller.api_key is not None and (words := self._named["api_key"].get(caller.api_key)):
            met += words.values()
        if caller.account is not None and (words := self._named["account"].get(caller.account)):
            met += words.values()
        if caller.ip is not None:
            met += self._at(caller.ip)
        if met:
            met = [word for word in met if word.scope != "purchase" and (word.until is None or word.until > now_s)]
        return _sorted(met) if met else None

    def words(self, targets: Iterable[Target], scope: Scope, now_s: float) -> list[Standing]:
        """The words about any of the targets; an address also meets those about a network that it lies in."""
        met = {word.id: word for target in targets for word in self._about(target)}
        return [word for word in met.values() if word.scope in {scope, "both"} and (word.until is None or word.until > now_s)]

    def _about(self, target: Target) -> Iterable[Standing]:
        network = _network(target)
        return self._named[target.kind].get(target.value, _NONE).values() if network is None else self._at(network[0])

    def _at(self, packed: bytes) -> list[Standing]:
        met: list[Standing] = []
        for bits, networks in self._networks[len(packed)].items():
            if words := networks.get(mask(packed, bits)):
                met += words.values()
        return met


def _meets_requests(word: Standing) -> bool:
    return word.scope != "purchase" and word.target.kind in OF_REQUESTS


def _network(target: Target) -> tuple[bytes, int] | None:
    """The first address and the bits of the prefix of an address or a network."""
    if target.kind not in {"ip", "network"}:
        return None
    address, _, bits = target.value.partition("/")
    first = parse_address(address)
    return None if first is None else (first, int(bits or 8 * len(first)))


def _remove(table: dict[K, _ById], key: K, id: str) -> None:
    words = table[key]
    del words[id]
    if not words:
        del table[key]


def _sorted(words: list[Standing]) -> Found:
    words.sort(key=lambda word: (word.made_at, word.id))
    blocks: dict[StandingSource, Standing] = {}
    allow = exempt = None
    throttles, buckets, holds = list[Standing](), list[Standing](), list[Standing]()
    for word in words:
        match word.then:
            case "block":
                blocks.setdefault(word.source, word)
            case "allow" if word.source == "override":
                allow = allow or word
            case "exempt_limits":
                exempt = exempt or word
            case "throttle":
                throttles.append(word)
            case "bucket":
                buckets.append(word)
            case "hold":
                holds.append(word)
    throttles.sort(key=lambda word: word.source == "rule")  # a person's come first
    return Found(tuple(words), blocks.get("override"), allow, exempt, blocks.get("rule"), tuple(throttles), tuple(buckets), tuple(holds))
