"""A site that sells through Stripe: purchases that were decided, and what Stripe tells of them, on a real store with real parts.

Time stands still where purchases are decided and events taken in, so that two runs can be compared to the last byte; what looks again at
what waits has a clock of its own, which goes on.
"""

import asyncio
from contextlib import AsyncExitStack
from random import Random
from socket import inet_aton
from typing import Any, NamedTuple

import msgspec
from numpy import frombuffer, sort

from ratelimit.core import velocity as logs
from ratelimit.core.message import Flagged
from ratelimit.core.purchase import Card, Purchase
from ratelimit.core.purchase_check import Checked
from ratelimit.core.purchase_entry import PurchaseEntry, read, reading
from ratelimit.core.store_key import BOOK, TALLY, VELOCITY, StoreKeys
from ratelimit.core.stripe_event import heard
from ratelimit.service.address_book import NO_SOURCES, AddressBook
from ratelimit.service.ask import ask
from ratelimit.service.flags import Flags
from ratelimit.service.purchases import Purchases
from ratelimit.service.stripe_effects import StripeEffects
from ratelimit.service.stripe_inbox import StripeInbox
from ratelimit.service.stripe_worker import StripeWorker
from ratelimit.service.velocity import Velocity
from ratelimit.stores.client import RedisStore
from tests.core.stripe_payloads import charge, dispute, event, intent, review, warning
from tests.service.conftest import bucket, policy
from tests.service.holding import Process, Wall, process

KEYS = StoreKeys(bytes(32))
STANDS_STILL = 1_790_000_000.0
ADDRESSES = AddressBook(NO_SOURCES)


class Site(NamedTuple):
    """What takes in events and works on them. `later` is the clock of the worker."""

    store: RedisStore
    process: Process
    purchases: Purchases
    inbox: StripeInbox
    flags: list[Flagged]
    worker: StripeWorker
    later: Wall

    async def buy(self, purchase: Purchase) -> None:
        """Have an attempt decided."""
        await self.purchases.decide(Checked(purchase, inet_aton(purchase.ip)))

    async def tell(self, *bodies: bytes) -> list[int]:
        """What the inbox answers to each event."""
        found = [heard(body, STANDS_STILL) for body in bodies]
        return list(await asyncio.gather(*(self.inbox.put(one) for one in found if one is not None)))

    async def work(self, workers: int = 1) -> None:
        """Work until there is nothing left to do, now or after a while."""
        others = [self.another_worker() for _ in range(workers - 1)]
        for _ in range(8):
            await self.worker.look()
            while any(await asyncio.gather(*(worker.work() for worker in (self.worker, *others)))):
                pass
            self.later.now += 86_400

    def another_worker(self) -> StripeWorker:
        """One that another process might have."""
        return _worker(self.store, self.process, self.inbox, self.flags, self.later)

    async def entry(self, purchase: str) -> PurchaseEntry:
        """What the book knows of a purchase."""
        ((_, state),) = await ask(self.store, [reading(KEYS.namer_of(BOOK)(purchase))])
        return read(purchase, state)


async def site(store: RedisStore, url: str, stack: AsyncExitStack) -> Site:
    """A site on a store; the stack ends it."""
    still, later = Wall(), Wall()
    still.now = later.now = STANDS_STILL
    running = await process(store, url, still, stack)
    inbox = StripeInbox(store, still)
    flags: list[Flagged] = []
    purchases = Purchases(store, KEYS, policy(bucket("key", 9)), still, ADDRESSES)
    return Site(store, running, purchases, inbox, flags, _worker(store, running, inbox, flags, later), later)


def _worker(store: RedisStore, running: Process, inbox: StripeInbox, flags: list[Any], later: Wall) -> StripeWorker:
    async def flush() -> bool:
        return True

    effects = StripeEffects(store, Velocity(KEYS, ADDRESSES), running.holds, Flags(flags.append, KEYS), flush)
    return StripeWorker(store, KEYS, inbox, effects, later)


def purchase(number: int, attempt: int = 1) -> Purchase:
    """One of many purchases: accounts buy more than once, cards and addresses are shared, but none by so many that a log is full."""
    card = Card(fingerprint=f"card{number % 37}-{attempt}", last4="4242", exp_month=8, exp_year=2030, country="US", brand="visa")
    return Purchase(
        id=f"p{number}",
        attempt=attempt,
        account=f"a{number % 101}",
        ip=f"{20 + number % 97}.0.0.{number % 3}",
        amount=4_900,
        currency="EUR",
        tokens=1_000,
        card=card,
    )


def story(number: int, chance: Random) -> list[bytes]:
    """What Stripe tells of one purchase, in order: often one card is declined and another is not, and what becomes of the money later."""
    told: list[tuple[str, dict[str, Any]]] = []
    name, pi, paid = f"p{number}", f"pi_{number}", f"ch_{number}b"
    which = 1 + (number % 6 == 3) if attempts_of(number) == 2 else 1  # the attempt that is paid
    if attempts_of(number) == 2:
        told += _declined(number, 3 - which)
    if number % 10 == 9:
        told += [("charge.failed", charge(paid, pi, name, which, failed="insufficient_funds"))]
    else:
        told += [("charge.succeeded", charge(paid, pi, name, which)), ("payment_intent.succeeded", intent(pi, name, which, charge_id=paid))]
        told += _aftermath(number, pi, paid, chance)
    return [event(kind, about, id=f"evt_{number}_{i}", created=int(STANDS_STILL) + 60 * i) for i, (kind, about) in enumerate(told)]


def _declined(number: int, attempt: int) -> list[tuple[str, dict[str, Any]]]:
    name, pi, declined = f"p{number}", f"pi_{number}", f"ch_{number}a"
    return [
        ("charge.failed", charge(declined, pi, name, attempt, failed="lost_card", cvc="fail")),
        ("payment_intent.payment_failed", intent(pi, name, attempt, charge_id=declined, failed="lost_card")),
    ]


def _aftermath(number: int, pi: str, paid: str, chance: Random) -> list[tuple[str, dict[str, Any]]]:
    """Objects that come later, and carry no metadata of the site's."""
    told: list[tuple[str, dict[str, Any]]] = []
    du, efw = f"du_{number}", f"issfr_{number}"
    if chance.random() < 0.2:
        told += [("radar.early_fraud_warning.created", warning(efw, paid, pi))]
        told += [("radar.early_fraud_warning.updated", warning(efw, paid, pi, actionable=False))]
    if chance.random() < 0.3:
        reason, end = chance.choice(["fraudulent", "unrecognized", "duplicate", "general"]), chance.choice(["won", "lost"])
        told += [("charge.dispute.created", dispute(du, paid, pi, reason=reason))]
        told += [("charge.dispute.updated", dispute(du, paid, pi, reason=reason, status="under_review"))]
        told += [("charge.dispute.closed", dispute(du, paid, pi, reason=reason, status=end))]
    if chance.random() < 0.2:
        told += [("review.opened", review(f"prv_{number}", paid, pi))]
        told += [("review.closed", review(f"prv_{number}", paid, pi, reason=chance.choice(["approved", "refunded_as_fraud"])))]
    if chance.random() < 0.2:
        told += [("charge.refunded", charge(paid, pi, refunded=2_000)), ("charge.refunded", charge(paid, pi, refunded=4_900))]
    return told


def attempts_of(number: int) -> int:
    """Every third purchase has a second attempt."""
    return 1 + (number % 3 == 0)


class Dump(NamedTuple):
    """All that events leave behind, without what says only when it was written, or how often: comparable between runs."""

    book: dict[str, Any]
    logs: dict[bytes, Any]
    tallies: dict[bytes, bytes]
    holds: dict[str, Any]
    flags: dict[str, Any]


async def dump(found: Site, client: Any, count: int) -> Dump:
    """The state of a site of so many purchases."""
    return Dump(
        book={f"p{number}": _plain(await found.entry(f"p{number}")) for number in range(count)},
        logs={key: _log(client.get(key)) for key in client.keys(f"{VELOCITY}*")},
        tallies={key: client.get(key) for key in client.keys(f"{TALLY}*")},
        holds={word.id: (word.held.free, sorted(word.held.holds, key=str)) for word in found.process.standings.all() if word.held},
        flags={flag.source: flag for flag in found.flags},
    )


def _plain(entry: PurchaseEntry) -> Any:
    """Of two events that tell of one change it is chance which comes first: all but the id is the same."""
    return [attempt.attempt for attempt in entry.attempts], [
        (key, msgspec.structs.replace(fact, event="")) for key, fact in entry.facts.items()
    ]


def _log(state: bytes) -> Any:
    """Its entries to the byte; of labels, which stand in the order in which they came, the set."""
    *head, entries, labels = logs.HEAD.unpack_from(state)
    split = logs.HEAD.size + entries * logs.ENTRY.itemsize
    return head, state[logs.HEAD.size : split], sort(frombuffer(state[split:], logs.LABEL), order=["tag"]).tobytes(), labels
