"""Linked entities of a case, twice: as a picture and as a table with the same facts."""

from typing import Final

from msgspec import Struct

from ratelimit.console.hostile import plain
from ratelimit.console.link_graph import Entity, Graph, graph
from ratelimit.console.subject_name import KINDS, name_of
from ratelimit.console.wording import duration, several
from ratelimit.core.principal import Role
from ratelimit.review.dossier import FLAG_CROSSES, Linked

_LONG: Final = 20  # characters of a name on the picture
_HOW: Final = {"owns": "owns this", "paid": "paid", "requested": "request", "logged_in": "login"}


class LinkRow(Struct, frozen=True):
    """A row of the table. `name` is hostile text; `words` say how far a flag would reach."""

    kind: str
    name: str
    href: str
    how: str
    good: int
    fraud: int
    shared: bool
    words: str
    hop: int


class Links(Struct, frozen=True):
    """Picture and table. `deeper`: one hop more can be asked for."""

    picture: Graph
    rows: tuple[LinkRow, ...]
    hops: int
    crosses: int = FLAG_CROSSES

    @property
    def deepest(self) -> int:
        """How many hops away the farthest is."""
        return max((row.hop for row in self.rows), default=0)


def links(linked: tuple[Linked, ...], role: Role, hops: int = 1) -> Links:
    """What a subject is linked with, so many hops away, for somebody of that role."""
    return Links(graph([_entity(one, role) for one in linked]), tuple(_rows(linked, role)), hops)


def _rows(linked: tuple[Linked, ...], role: Role, hop: int = 1) -> list[LinkRow]:
    found = []
    for one in linked:
        found.append(LinkRow(one.kind, _name(one, role), _href(one), _how(one), one.good, one.fraud, one.shared, _reach(one), hop))
        found += _rows(one.further, role, hop + 1)
    return found


def _entity(one: Linked, role: Role) -> Entity:
    name = plain(_name(one, role))
    return Entity(
        key=str(one.subject),
        kind=one.kind,
        name=name if len(name) <= _LONG else name[: _LONG - 1] + "…",
        words=_standing(one),
        href=_href(one),
        fraud=one.fraud > 0,
        shared=one.shared,
        further=tuple(_entity(further, role) for further in one.further),
    )


def _name(one: Linked, role: Role) -> str:
    if one.subject is None:
        word = KINDS.get(one.kind, one.kind)
        return several(one.many, f"other {word}", f"other {word}{'es' if word.endswith('s') else 's'}")
    return name_of(one.kind, one.shown, role)


def _href(one: Linked) -> str:
    return "" if one.subject is None else f"/subjects/{one.subject}"


def _standing(one: Linked) -> str:
    if not one.good and not one.fraud:
        return "nobody else known" if one.kind not in {"account", "api_key"} else _how(one)
    parts = [f"{one.good:,} good"] if one.good else []
    return ", ".join([*parts, *([f"{one.fraud:,} fraud"] if one.fraud else [])])


def _how(one: Linked) -> str:
    if one.how == "owns":
        return "owns this key" if one.kind == "account" else "a key of it"
    word = _HOW.get(one.how, one.how)
    counted = several(one.count, word) if one.how in {"requested", "logged_in"} else f"{word} {several(one.count, 'time')}"
    span = one.last_at - one.first_at
    return f"{counted}, over {duration(span)}" if span >= 86_400 else counted


def _reach(one: Linked) -> str:
    if one.shared:
        return "shared, stops here"
    others = one.good + one.fraud
    if others <= 1:
        return "this customer only"
    return f"{one.good:,} good {'account' if one.good == 1 else 'accounts'}" if not one.fraud else f"{others:,} accounts"
