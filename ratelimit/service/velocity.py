"""What is known of a purchase's past: the calls that ask for it and count the attempt in one trip, and the row of signals of the answers.

It holds nothing itself: who asks carries the calls to the store and brings the answers, live one purchase at a time, from a log many in one
pipeline. How attempts ended and what was confirmed goes the same way. Every call may be sent again. Times are seconds since the epoch.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final
from zlib import crc32

from disposable_email_domains import blocklist

from ratelimit.core import tally, velocity
from ratelimit.core.address_facts import NO_FACTS
from ratelimit.core.call import Call
from ratelimit.core.protocols import AddressBook
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_entity import Entities, EntityNames, email_domain
from ratelimit.core.purchase_entry import Attempt, Label, Outcome
from ratelimit.core.purchase_event import Check
from ratelimit.core.purchase_row import Seen, rows_of
from ratelimit.core.purchase_signals import Row
from ratelimit.core.store_key import VELOCITY, StoreKeys
from ratelimit.core.velocity import Attempted

_SHARED: Final = frozenset({"network", "email_domain"})
_OUTCOMES: Final[dict[Outcome, int]] = {"": 0, "succeeded": velocity.SUCCEEDED, "failed": velocity.FAILED}
_CHECKS: Final[dict[str, int]] = {"cvc": velocity.CVC_FAILED, "postal": velocity.POSTAL_FAILED}
_VERDICTS: Final[dict[Label, int]] = {"fraud": velocity.FRAUD, "good": velocity.GOOD}
_TAG: Final = slice(len(VELOCITY), len(VELOCITY) + velocity.TAG_BYTES)


class Velocity:
    """Asks for pasts and reads them; `ipv6_prefix` says whom an IPv6 address stands for."""

    def __init__(self, keys: StoreKeys, book: AddressBook, ipv6_prefix: int = 64) -> None:
        self._book = book
        self._names = EntityNames(keys, ipv6_prefix)
        self._attempt_name, self._purchase_name = keys.namer_of(VELOCITY, "attempt"), keys.namer_of(VELOCITY, "purchase")

    def entities(self, purchase: Purchase, ip: bytes | None) -> Entities:
        """What a purchase from the packed address `ip` shares with others; None: a log does not say where it came from."""
        return self._names.of(purchase, ip)

    def calls(self, purchase: Purchase, entities: Entities, now_s: float) -> list[Call]:
        """The calls that read the past and count the attempt; of what has no card the site's tally is read alone."""
        tag, names = self._attempt_tag(purchase.id, purchase.attempt), entities.names
        card = names.get("card")
        attempted = Attempted(
            at=now_s,
            tag=tag,
            amount=float(purchase.amount),
            account=_number(names["account"]),
            card=_number(card) if card else velocity.NO_CARD,
            flags=velocity.KIND_FLAGS[purchase.kind],
        )
        found = [velocity.attending(name, attempted, _most(kind)) for kind, name in names.items()]
        if card is None:
            return found + [tally.reading(name, tag, now_s) for name in entities.slices.values()]
        flags = tally.SETUP if purchase.kind == "setup" else 0
        return found + [tally.attending(name, tag, now_s, flags) for name in entities.slices.values()]

    def row(self, purchase: Purchase, entities: Entities, ip: bytes | None, now_s: float, answers: Sequence[Any]) -> Row:
        """The signals, by purchase_signals.NAMES, of what the store answered to the calls. An attempt told again is as of its own time."""
        (row,) = rows_of([purchase], [self.seen(purchase, entities, ip, now_s, answers)])
        return row

    def seen(self, purchase: Purchase, entities: Entities, ip: bytes | None, now_s: float, answers: Sequence[Any]) -> Seen:
        """What a row is made of; rows of many at once cost less than one by one."""
        tag = self._attempt_tag(purchase.id, purchase.attempt)
        names, slices = entities.names, entities.slices
        logs = {kind: velocity.read(state, tag) for kind, state in zip(names, answers, strict=False)}
        at = logs["account"].told_at
        return Seen(
            now_s=now_s if at is None else at,
            logs=logs,
            tallies={name: tally.read(state, now_s) for name, state in zip(slices, answers[len(names) :], strict=True)},
            facts=NO_FACTS if ip is None else self._book.facts(ip),
            card=_number(names["card"]) if "card" in names else velocity.NO_CARD,
            disposable=None if purchase.email is None else is_disposable(purchase.email),
        )

    def outcome(self, attempt: Attempt, purchase_id: str, outcome: Outcome, checks: Collection[Check], now_s: float) -> list[Call]:
        """The calls that say how an attempt ended, and which `checks` failed, as it became known at `now_s`."""
        tag = self._attempt_tag(purchase_id, attempt.attempt)
        flags = _OUTCOMES[outcome]
        for check in checks:
            flags |= _CHECKS[check]
        ended = [velocity.ending(name, tag, flags, now_s) for name in attempt.entities.values()]
        return ended + [tally.ending(name, tag, now_s, tally.FAILED if outcome == "failed" else 0) for name in attempt.slices]

    def label(self, attempt: Attempt, purchase_id: str, verdict: Label, known_at: float) -> list[Call]:
        """The calls that say what a purchase is confirmed as; what is neither fraud nor good takes back what was said before."""
        tag = self._purchase_name(purchase_id)[_TAG].encode()
        flag = _VERDICTS.get(verdict, velocity.NEITHER)
        return [velocity.labelling(name, tag, flag, attempt.at, known_at) for name in attempt.entities.values()]

    def _attempt_tag(self, purchase_id: str, attempt: int) -> bytes:
        return self._attempt_name((purchase_id, str(attempt)))[_TAG].encode()


def is_disposable(email: str) -> bool:
    """Whether the email's domain, or one that it is under, is known for throw-away mailboxes."""
    return any(domain in blocklist for domain in _with_parents(email_domain(email) or ""))


def _with_parents(domain: str) -> Iterator[str]:
    while domain:
        yield domain
        domain = domain.partition(".")[2]


def _most(kind: str) -> int:
    return velocity.MOST_SHARED_ENTRIES if kind in _SHARED else velocity.MOST_ENTRIES


def _number(name: str) -> int:
    """By which different ones are counted in a log: 32 bits of a pseudonym, of which two among some hundred are hardly ever the same."""
    return crc32(name.encode())
