"""A policy compiled once: which limits a request meets, found again in one look-up.

A policy never changes; a reload makes a new one. It holds no state but a memory of what it has matched, which is bounded, since paths are
the client's to choose.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from hashlib import blake2b
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from ratelimit.core.address import Networks
from ratelimit.core.beside import rule_twins
from ratelimit.core.limit import Limit, Match, Mode
from ratelimit.core.listing import Listing, PolicyList, compiled_list
from ratelimit.core.path import PathGlobs, normal_path
from ratelimit.core.policy_file import PolicyFile
from ratelimit.core.risk_rule import Twin, explored, twin_of
from ratelimit.core.rule_program import CompiledRule, compiled_rule

MAX_REMEMBERED: Final = 4_096  # requests' (method, path, plan); at most 1 MB or so
MAX_REMEMBERED_TEXT: Final = 256  # characters; longer paths and plans are matched anew each time
DIGEST_BYTES: Final = 6

_NOTHING: Final[Mapping[str, tuple[str, ...]]] = {}

Asked = tuple[str, str, str | None]  # method, path, plan


class Matcher:
    """One limit's `match`, compiled."""

    def __init__(self, match: Match) -> None:
        self._methods = frozenset(method.upper() for method in match.method)
        self._globs = PathGlobs(match.path) if match.path else None
        self._plans = frozenset(match.plan)

    def miss(self, method: str, normal: str, plan: str | None) -> Literal["method", "path", "plan"] | None:
        """What a request fails to match, None if it matches; `method` in upper case, `normal` from normal_path."""
        if self._methods and method not in self._methods:
            return "method"
        if self._plans and plan not in self._plans:
            return "plan"
        if self._globs is not None and not self._globs.meet(normal):
            return "path"
        return None


class _Remembered(dict[Asked, tuple[Limit, ...]]):
    """What was asked, and the limits it meets: a hit is one look-up in C, a miss comes here."""

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        super().__init__()
        self._limits = limits
        self._matchers = [Matcher(limit.match) for limit in limits]
        self._sets: dict[tuple[int, ...], tuple[Limit, ...]] = {}

    def __missing__(self, asked: Asked) -> tuple[Limit, ...]:
        method, path, plan = asked
        normal, upper = normal_path(path), method.upper()
        met = tuple(index for index, matcher in enumerate(self._matchers) if matcher.miss(upper, normal, plan) is None)
        if met not in self._sets:
            if len(self._sets) >= MAX_REMEMBERED:
                self._sets.clear()
            self._sets[met] = tuple(self._limits[index] for index in met)
        limits = self._sets[met]
        if len(method) + len(path) + len(plan or "") <= MAX_REMEMBERED_TEXT:
            if len(self) >= MAX_REMEMBERED:
                self.clear()  # cheaper than any order of age; what is asked for often is back at once
            self[asked] = limits
        return limits


def _compiled(file: PolicyFile, listed: Mapping[str, tuple[str, ...]]) -> Iterator[PolicyList]:
    for rule in file.lists:
        mode: Mode = "shadow" if "shadow" in (file.mode, rule.mode) else "enforce"
        yield compiled_list(rule, listed.get(rule.name, rule.subjects), file.identity.ipv6_prefix, mode)


class Policy:
    """What is in force: `limits` in the file's order, `mode`, `identity`, the `trusted` proxies, the `file` itself, and its `digest`.

    `rules` are compiled. `risk` is what is scored, `twins` are the buckets of risky subjects beside the limits, `explored` those of the few
    who are let through.

    `lists` say who is on them; `listed` are the items of those that have a file of their own, by name.

    The digest is of what the file says, and those of its lists, not of how: comments, order of fields and defaults written out do not
    change it. Where an `overlay` lies on it, the digest has that one's revision behind a `+`.
    """

    def __init__(
        self, file: PolicyFile, source: str = "built in", warnings: tuple[str, ...] = (), listed: Mapping[str, tuple[str, ...]] = _NOTHING
    ) -> None:
        self.file = file
        self.listed = listed
        self.source = source
        self.warnings = warnings
        self.mode = file.mode
        self.identity = file.identity
        self.trusted = Networks(file.identity.trusted_proxies)
        self.limits = tuple(replace(limit, mode="shadow") if file.mode == "shadow" else limit for limit in file.limits)
        self.overlay: str | None = None
        self.rules: tuple[CompiledRule, ...] = ()
        self._take_rules(file)
        self.risk = file.risk.requests if file.risk is not None else None
        self.twins: tuple[Twin, ...] = ()
        self.explored: tuple[Twin, ...] = ()
        if self.risk is not None:
            self.twins = tuple(twin for limit in self.limits if (twin := twin_of(limit, self.risk)) is not None)
            self.explored = tuple(other for twin in self.twins if (other := explored(twin, self.risk)) is not None)
        self.lists = Listing(_compiled(file, listed))
        written = msgspec.json.encode(file) if not listed else msgspec.json.encode((file, listed))
        self.digest = blake2b(written, digest_size=DIGEST_BYTES).hexdigest()
        self._matches_all = all(limit.match == Match() for limit in self.limits)
        self._remembered = _Remembered(self.limits)

    def overlaid(self, file: PolicyFile, revision: str) -> "Policy":
        """The same with the rules, and the models' folders, of another file: what is long to make, such as lists, is shared with it."""
        other = copy(self)
        other.overlay, other.digest = revision, f"{self.digest}+{revision}"
        other._take_rules(file)
        other.risk = file.risk.requests if file.risk is not None else None
        return other

    def _take_rules(self, file: PolicyFile) -> None:
        wanted = [replace(rule, mode="shadow") if file.mode == "shadow" else rule for rule in file.rules]
        known = {it.rule.name: it for it in self.rules}
        same = [known.get(rule.name) for rule in wanted]
        self.file = file
        self.rules = tuple(
            old if old is not None and old.rule == rule else compiled_rule(rule) for old, rule in zip(same, wanted, strict=True)
        )
        self.rule_twins = tuple(twin for rule in file.rules for twin in rule_twins(rule, self.limits))

    def match(self, method: str, path: str, plan: str | None) -> tuple[Limit, ...]:
        """The limits that a request meets, in the file's order; a query in `path` is left aside.

        The same set of limits is the same tuple each time, so a caller that holds it may compare and key by identity.
        """
        if self._matches_all:
            return self.limits
        if "?" in path:
            path = path[: path.index("?")]
        return self._remembered[method, path, plan]
