"""What people have put in the place of the policy file's rules, and beside them: the overlay, the same in all sidecars.

Its rules are written as the file writes them and judged by the same checks. A *live* one stands in the place of the file's rule of that
name, or after all of the file's, if there is none; a *paused* name has no rule in force; a *candidate* is asked beside what is live, in
shadow or for a share of subjects, under the name `NAME@VERSION`. For whom a candidate is in force the live rule of its name is not.

A pin puts another model's folder in the place of the one that the file names. It holds as long as the file names the one that it was for.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ratelimit.core.call import Call
from ratelimit.core.errors import ConfigError
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import MAX_RULES, PolicyFile, parse_rule
from ratelimit.core.rule import Rule

OVERLAY: Final = "rl1:{rules}"  # where it is in the store
MOST_BYTES: Final = 1_048_576
_AT: Final = "@"  # no name in a policy holds one
_REVISION_BYTES: Final = 6

Place = Literal["live", "paused", "candidate"]


class Placed(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A version of a rule, and where it stands; of a paused one nothing else is known."""

    name: str
    version: int
    place: Place
    rule: dict[str, Any] | None = None


class Pin(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`section` of `risk`; `model` and, beside it, `challenger`, each a folder; `over` is what the file named when it was put."""

    section: Literal["requests", "purchases"]
    model: str
    challenger: str | None
    over: str


class Overlay(Struct, frozen=True, forbid_unknown_fields=True):
    """All of it, in the order of the rules' names."""

    rules: tuple[Placed, ...] = ()
    pins: tuple[Pin, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not self.rules and not self.pins


_decoder: Final = msgspec.json.Decoder(Overlay)


def encode_overlay(overlay: Overlay) -> bytes:
    """As the store holds it."""
    return msgspec.json.encode(overlay)


def decode_overlay(document: bytes) -> Overlay:
    """Raises ConfigError for what is none; what its rules say is judged by `overlaid`."""
    try:
        return _decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"the overlay of rules: {error}"]) from None


def revision_of(document: bytes) -> str:
    """By what the store and the records name it."""
    return blake2b(document, digest_size=_REVISION_BYTES).hexdigest()


def reading(known: str) -> Call:
    """The call that asks for another than the known one."""
    return _call("get", known)


def read_of(answer: Any) -> tuple[str, bytes | None]:
    """What it answers: the revision, '' if there is none, and the document unless it is known."""
    revision, *document = answer
    return revision.decode(), document[0] if document else None


def writing(expected: str, document: bytes) -> Call:
    """The call that puts a document in the place of the expected one."""
    return _call("put", expected, revision_of(document), document)


def _call(*parts: str | bytes) -> Call:
    return Call("overlay", OVERLAY, msgspec.msgpack.encode(tuple(part.decode() if isinstance(part, bytes) else part for part in parts)))


def candidate_name(name: str, version: int) -> str:
    """How a candidate is called in decisions, counts and words."""
    return f"{name}{_AT}{version}"


def rule_of(name: str) -> str:
    """The name of a candidate's rule, or of a rule itself."""
    return name.partition(_AT)[0]


def overlaid(policy: Policy, overlay: Overlay) -> Policy:
    """The policy with the overlay on it. Raises ConfigError with every problem; the policy alone is sound."""
    if overlay.empty:
        return policy
    problems: list[str] = []
    live = {it.name: it for it in overlay.rules if it.place != "candidate"}
    candidates = {it.name: it for it in overlay.rules if it.place == "candidate"}
    read: dict[tuple[str, int], Rule] = {}
    for it in overlay.rules:
        try:
            if it.place != "paused":
                read[it.name, it.version] = _read(it)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    rules = _merged(policy.file.rules, live, candidates, read)
    if len(rules) > MAX_RULES:
        raise ConfigError([f"the overlay of rules: there would be {len(rules)} rules; expected at most {MAX_RULES}"])
    file = _pinned(replace(policy.file, rules=tuple(rules)), overlay.pins)
    return policy.overlaid(file, revision_of(encode_overlay(overlay)))


def _read(it: Placed) -> Rule:
    rule = parse_rule(it.rule, f"rule {it.name}, version {it.version}")
    if rule.name != it.name:
        raise ConfigError([f"rule {it.name}, version {it.version}: $.name: is {rule.name}; expected {it.name}"])
    return rule if it.place == "live" else replace(rule, name=candidate_name(it.name, it.version))


def _merged(
    ours: tuple[Rule, ...], live: Mapping[str, Placed], candidates: Mapping[str, Placed], read: Mapping[tuple[str, int], Rule]
) -> list[Rule]:
    """In the file's order, each candidate before what it may come to replace, so that an allow of the one leaves the other to be asked."""
    named = {rule.name: rule for rule in ours}
    order = [*named, *(name for name in sorted({*live, *candidates}) if name not in named)]
    merged: list[Rule] = []
    for name in order:
        if (candidate := candidates.get(name)) is not None:
            merged.append(read[name, candidate.version])
        if (other := live.get(name)) is not None:
            merged += [read[name, other.version]] if other.place == "live" else []
        elif name in named:
            merged.append(named[name])
    return merged


def _pinned(file: PolicyFile, pins: tuple[Pin, ...]) -> PolicyFile:
    risk = file.risk
    for pin in pins:
        section = getattr(risk, pin.section) if risk is not None else None
        if risk is not None and section is not None and section.model == pin.over:
            risk = replace(risk, **{pin.section: replace(section, model=pin.model, challenger=pin.challenger)})
    return replace(file, risk=risk)
