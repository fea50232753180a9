"""Networks as lists publish them, a network or an address a line: read, merged, and asked by bisection.

A list keeps, for each length of address, one row of rising integers: where a network begins and where it has ended, in turn. Merged
networks neither overlap nor touch, so an address is inside exactly if an odd number of these lies at or below it. An IPv6 caller stands for
its whole prefix and is asked by the first address of it: a network narrower than that is met only where it begins there.
"""

from bisect import bisect_right
from collections.abc import Iterable
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final, NamedTuple

from ratelimit.core.errors import ConfigError
from ratelimit.core.expectation import shown

_MOST_SAID: Final = 3  # broken lines of a file that are quoted; the rest is counted
_EXPECTED: Final = "expected a network such as 192.0.2.0/24 or 2001:db8::/32, or an address"

_Span = tuple[int, int]  # first address, and the one after the last


class NetworkList:
    """A set of networks, IPv4 and IPv6, that says whether a packed address is in one of them."""

    __slots__ = ("_bounds",)

    def __init__(self, v4: Iterable[_Span] = (), v6: Iterable[_Span] = ()) -> None:
        self._bounds: Final = {4: _merged(v4), 16: _merged(v6)}

    def __contains__(self, packed: bytes) -> bool:
        return bisect_right(self._bounds[len(packed)], int.from_bytes(packed)) % 2 == 1

    def covers(self, length: int) -> bool:
        """Whether it names any network of addresses of `length` bytes; if not, it says nothing of them."""
        return bool(self._bounds[length])

    def spans(self, length: int) -> Iterable[_Span]:
        """Its merged networks of addresses of `length` bytes."""
        bounds = self._bounds[length]
        return zip(bounds[::2], bounds[1::2], strict=True)

    @classmethod
    def union(cls, lists: Iterable["NetworkList"]) -> "NetworkList":
        """What is in any of them."""
        found = list(lists)
        return cls(*([span for one in found for span in one.spans(length)] for length in (4, 16)))


class ListFile(NamedTuple):
    """What a file holds; `problems` names the first of its `broken` lines, by file and line."""

    networks: NetworkList
    lines: int  # that are networks
    broken: int
    problems: tuple[str, ...]


def parse_list(content: bytes, source: str) -> ListFile:
    """The networks in a file's `content`; `source` is its name in messages. A line that is no network spoils no other.

    What follows a `#` is a comment. Bits behind the prefix are ignored, as packet filters do. Raises ConfigError if not a single line is
    a network: then it is some other file, or one that was cut off.
    """
    spans: dict[int, list[_Span]] = {4: [], 16: []}
    broken, problems = 0, []
    for number, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            length, span = _parse_network(text)
        except (OSError, ValueError):
            broken += 1
            if broken <= _MOST_SAID:
                problems.append(f"{source}:{number}: {shown(text)} is no network; {_EXPECTED}")
        else:
            spans[length].append(span)
    if not any(spans.values()):
        raise ConfigError([*problems, f"{source}: none of its lines is a network; {_EXPECTED} a line"])
    return ListFile(NetworkList(spans[4], spans[16]), len(spans[4]) + len(spans[16]), broken, tuple(problems))


def _parse_network(text: str) -> tuple[int, _Span]:
    """The length of the network's addresses, and its span. Raises OSError or ValueError; `ipaddress` would take five times as long."""
    address, slash, prefix = text.partition("/")
    packed = inet_pton(AF_INET6 if ":" in address else AF_INET, address)
    bits = 8 * len(packed)
    if slash:
        if not (prefix.isascii() and prefix.isdigit() and int(prefix) <= bits):
            raise ValueError(text)
        bits -= int(prefix)
    else:
        bits = 0
    first = int.from_bytes(packed) >> bits << bits
    return len(packed), (first, first + (1 << bits))


def _merged(spans: Iterable[_Span]) -> tuple[int, ...]:
    bounds: list[int] = []
    for first, after in sorted(spans):
        if bounds and first <= bounds[-1]:
            bounds[-1] = max(bounds[-1], after)
        else:
            bounds += first, after
    return tuple(bounds)  # of integers alone, which the garbage collector does not look through
