"""What a subject is linked with, told shortly: the most telling of each kind by themselves, the others as one."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.ledger.cases import SubjectRef
from ratelimit.ledger.links import Link, linked
from ratelimit.review.dossier import Linked

_MOST: Final = 300  # links that are looked at
_OF_KIND: Final = 3  # that stand by themselves
_FURTHER: Final = 3  # of those who share one with it
_ORDER: Final = ("account", "api_key", "card", "device", "email", "ip", "network", "email_domain")


async def links_of(connection: AsyncConnection, subject: SubjectRef, hops: int = 1) -> tuple[Linked, ...]:
    """What it is linked with, and what its account is, with a second hop if asked for."""
    found = {link.subject: link for link in await linked(connection, subject.id, _MOST)}
    owner = next((link for link in found.values() if link.kind == "account"), None) if subject.kind == "api_key" else None
    if owner is not None:
        for link in await linked(connection, owner.subject, _MOST):
            found.setdefault(link.subject, link)
    found.pop(subject.id, None)
    told = tuple(_told(list(found.values())))
    return told if hops < 2 else tuple([await _further(connection, one, {subject.id, *found}) for one in told])


async def _further(connection: AsyncConnection, one: Linked, known: Collection[int]) -> Linked:
    if one.subject is None or one.shared or one.kind in {"account", "api_key"}:
        return one
    others = [link for link in await linked(connection, one.subject, _MOST) if link.subject not in known]
    return replace(one, further=tuple(_some(sorted(others, key=_weight), _FURTHER)))


def _told(links: Sequence[Link]) -> Iterator[Linked]:
    for kind in sorted({link.kind for link in links}, key=lambda kind: _ORDER.index(kind) if kind in _ORDER else len(_ORDER)):
        yield from _some(sorted((link for link in links if link.kind == kind), key=_weight), _OF_KIND)


def _weight(link: Link) -> tuple[bool, int, int, float]:
    """The first is the most telling: confirmed fraud, then few who share it, then how often it was seen."""
    return link.fraud == 0, link.good, -link.count, -link.last_at


def _some(links: Sequence[Link], most: int) -> Iterator[Linked]:
    alone = links if len(links) <= most + 1 else links[:most]
    yield from (_one(link) for link in alone)
    if rest := links[len(alone) :]:
        yield _many(rest)


def _one(link: Link) -> Linked:
    return Linked(
        subject=link.subject,
        kind=link.kind,
        shown=link.shown,
        how=link.how,
        first_at=link.first_at,
        last_at=link.last_at,
        count=link.count,
        good=link.good,
        fraud=link.fraud,
    )


def _many(links: Sequence[Link]) -> Linked:
    first = links[0]
    return Linked(
        subject=None,
        kind=first.kind,
        shown=None,
        how=first.how,
        first_at=min(link.first_at for link in links),
        last_at=max(link.last_at for link in links),
        count=sum(link.count for link in links),
        good=sum(link.good for link in links),
        fraud=sum(link.fraud for link in links),
        many=len(links),
    )
