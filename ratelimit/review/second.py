"""Who can be the second person, where one alone may not: an erasure, a long block of an account, a rule that is to block.

Two accounts are not two people where one made the other. So whoever agrees must be logged in, must not have asked, must have an account
for NEW_S at least, and nobody may have had a hand in both accounts within TIED_S, the two themselves included:

| hand | why |
|---|---|
| invited | whoever invites has the link that sets the password |
| made a link | the same |
| gave a role that may more | an account of long ago, made for this, gets what it lacked |
| enabled again | an account of long ago, made for this, comes back |

Hands reach on: whoever invited somebody who invited a third had a hand in the third. So of two that the same admin invited neither approves
what the other asked for, while two who both helped a third with a password are still two. What the deployment's own token did was done by
nobody knows whom, so whoever it had a hand in approves nothing. The first admin, whom the link of the start let in, was made by nobody;
their account need not be old while there is nobody else.

The hands are those in the audit, whose chain says if one was taken out. What is left: whoever makes an account and waits for TIED_S, which
every admin can see on the page of users for as long. Times are seconds since the epoch.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from ratelimit.core.principal import OPERATOR_ID, ROLES, Principal
from ratelimit.ledger import api_tokens, people
from ratelimit.ledger.people import PersonRow
from ratelimit.review import audit
from ratelimit.review.audit import AuditEntry

DAY_S: Final = 86_400.0
NEW_S: Final = DAY_S
TIED_S: Final = 14 * DAY_S
INVITED: Final = "person.invited"  # kinds of entries in the audit
LINKED: Final = "password.link"
CHANGED: Final = "person.changed"
BY: Final = "by"  # in their contents: the id of the person, also of whom a token is


class Hand(NamedTuple):
    """`by` did something to the account of `person`; `did` is what, in the past tense."""

    by: int
    person: int
    did: str


async def why_not_second(connection: AsyncConnection, principal: Principal, asker: int, now: float) -> str:
    """Why this is no second person for what `asker` asked for, in words; "" it is one. `asker` is as rows name who did something."""
    if principal.via != "session":
        return "a second person is asked for, and a token is none"
    first = await api_tokens.person_behind(connection, asker)
    if first == principal.id:
        return "it is your own, or your token's; expected somebody else"
    everyone = {person.id: person for person in await people.everyone(connection)}
    found = everyone.get(principal.id)
    if found is None:
        return "your account is not known"
    if now - found.made_at < NEW_S and not _alone(found, everyone.values()):
        return "your account is younger than 24 h; expected a second person whose account is older"
    between = tied(await _hands(connection, everyone, now), principal.id, first)
    return f"{_told(between, everyone)} within 14 days; expected a second person whose account has no such tie" if between else ""


def tied(hands: Iterable[Hand], second: int, first: int) -> list[Hand]:
    """What ties the two: the fewest hands by which somebody, or the deployment's token, reaches both; empty where nobody does."""
    known = list(hands)
    mine, theirs = _reaching(known, second), {OPERATOR_ID: [], **_reaching(known, first)}
    ways = [[*mine[one], *theirs[one]] for one in mine.keys() & theirs.keys()]
    return min(ways, key=lambda way: (len(way), way), default=[])


def hand_in(entry: AuditEntry) -> str:
    """What an entry says that somebody did to an account, by which they could have it in hand; "" nothing."""
    said = entry.content or {}
    if entry.kind == INVITED:
        return "invited"
    if entry.kind == LINKED:
        return "made a link for the password of"
    before, after = said.get("role") or ("viewer", "viewer")
    if ROLES.index(after) > ROLES.index(before):
        return "gave another role to"
    return "enabled again" if said.get("disabled") is False else ""


def _reaching(hands: list[Hand], person: int) -> dict[int, list[Hand]]:
    """Who reaches an account, and by which hands; it itself by none."""
    found: dict[int, list[Hand]] = {person: []}
    for one in (waits := [person]):  # which grows as it goes: nearest first
        for hand in hands:
            if hand.person == one and hand.by not in found:
                found[hand.by] = [*found[one], hand]
                waits.append(hand.by)
    return found


async def _hands(connection: AsyncConnection, everyone: Mapping[int, PersonRow], now: float) -> list[Hand]:
    logins = {person.login: person.id for person in everyone.values()}
    hands = []
    for entry in await audit.of_kinds(connection, (INVITED, LINKED, CHANGED), since=now - TIED_S):
        did, said = hand_in(entry), entry.content or {}
        if did:
            hands.append(Hand(said.get(BY, logins.get(entry.actor, OPERATOR_ID)), said["person"], did))
    return hands


def _alone(person: PersonRow, everyone: Iterable[PersonRow]) -> bool:
    return not any(other.active for other in everyone if other.id != person.id)


def _told(hands: list[Hand], everyone: Mapping[int, PersonRow]) -> str:
    def name(id: int) -> str:
        return everyone[id].login if id in everyone else "the deployment's own token"

    return ", and ".join(f"{name(hand.by)} {hand.did} {name(hand.person)}" for hand in hands)
