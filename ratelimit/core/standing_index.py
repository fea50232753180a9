"""Words that stand, by whom they are about: found in one look-up for each kind of target, and one for each length of a network's prefix.

Addresses are packed here, so that the hot path writes none as text. An IPv6 caller is a network, and is looked up as one.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from ratelimit.core.address import mask, parse_address
from ratelimit.core.identity import Caller
from ratelimit.core.standing import Scope, Standing, Target, TargetKind

Words = tuple[Standing, ...]
_ById = dict[str, Standing]

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
        self._named: dict[Target, _ById] = {}
        self._networks: dict[int, dict[int, dict[bytes, _ById]]] = {4: {}, 16: {}}  # by length of address, bits of prefix, first address

    def put(self, word: Standing) -> None:
        """Add a word, which is not there."""
        self.requests += _meets_requests(word)
        network = _network(word.target)
        if network is None:
            self._named.setdefault(word.target, {})[word.id] = word
        else:
            first, bits = network
            self._networks[len(first)].setdefault(bits, {}).setdefault(first, {})[word.id] = word

    def remove(self, word: Standing) -> None:
        """Take away a word, which is there."""
        self.requests -= _meets_requests(word)
        network = _network(word.target)
        if network is None:
            _remove(self._named, word.target, word.id)
            return
        first, bits = network
        prefixes = self._networks[len(first)]
        _remove(prefixes[bits], first, word.id)
        if not prefixes[bits]:
            del prefixes[bits]

    def found(self, caller: Caller, now_s: float) -> Found | None:
        """What stands for a request of this caller; None where nothing does."""
        words = [word for word in self._of(caller) if word.scope != "purchase" and (word.until is None or word.until > now_s)]
        return _sorted(words) if words else None

    def words(self, targets: Iterable[Target], scope: Scope, now_s: float) -> list[Standing]:
        """The words about any of the targets; an address also meets those about a network that it lies in."""
        met = {word.id: word for target in targets for word in self._about(target)}
        return [word for word in met.values() if word.scope in {scope, "both"} and (word.until is None or word.until > now_s)]

    def _of(self, caller: Caller) -> Iterator[Standing]:
        if caller.api_key is not None:
            yield from self._named.get(Target("api_key", caller.api_key), _NONE).values()
        if caller.account is not None:
            yield from self._named.get(Target("account", caller.account), _NONE).values()
        if caller.ip is not None:
            yield from self._at(caller.ip)

    def _about(self, target: Target) -> Iterator[Standing]:
        network = _network(target)
        if network is None:
            yield from self._named.get(target, _NONE).values()
        else:
            yield from self._at(network[0])

    def _at(self, packed: bytes) -> Iterator[Standing]:
        for bits, words in self._networks[len(packed)].items():
            yield from words.get(mask(packed, bits), _NONE).values()


def _meets_requests(word: Standing) -> bool:
    return word.scope != "purchase" and word.target.kind in OF_REQUESTS


def _network(target: Target) -> tuple[bytes, int] | None:
    """The first address and the bits of the prefix of an address or a network."""
    if target.kind not in {"ip", "network"}:
        return None
    address, _, bits = target.value.partition("/")
    first = parse_address(address)
    return None if first is None else (first, int(bits or 8 * len(first)))


def _remove(table: dict[Target, _ById] | dict[bytes, _ById], key: Target | bytes, id: str) -> None:
    words = table[key]  # type: ignore[index]  # whoever has the key has the table
    del words[id]
    if not words:
        del table[key]  # type: ignore[arg-type]


def _sorted(words: list[Standing]) -> Found:
    words.sort(key=lambda word: (word.made_at, word.id))

    def all_of(then: str, source: str | None = None) -> Words:
        return tuple(word for word in words if word.then == then and source in {None, word.source})

    def first_of(then: str, source: str) -> Standing | None:
        return next(iter(all_of(then, source)), None)

    return Found(
        tuple(words),
        first_of("block", "override"),
        first_of("allow", "override"),
        first_of("exempt_limits", "override"),
        first_of("block", "rule"),
        all_of("throttle", "override") + all_of("throttle", "rule"),
        all_of("bucket"),
        all_of("hold"),
    )
