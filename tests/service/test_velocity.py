"""What a purchase is told of its past, on a real store."""

from collections.abc import AsyncIterator, Iterable
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest

from ratelimit.core.address import parse_address
from ratelimit.core.purchase import Purchase
from ratelimit.core.purchase_entry import Attempt, Outcome
from ratelimit.core.purchase_event import Check
from ratelimit.core.purchase_signals import NAMES, SITE_SIGNALS, Row
from ratelimit.core.store_key import StoreKeys
from ratelimit.service.address_book import NO_SOURCES, AddressBook
from ratelimit.service.ask import ask
from ratelimit.service.velocity import Velocity, is_disposable
from ratelimit.stores.client import Options, RedisStore
from tests.service.conftest import PATIENCE_S, clock
from tests.service.purchase_trace import DAY, START, card
from tests.stores.conftest import Node

HOUR = 3_600.0
SITE = {signal.name for signal in SITE_SIGNALS}


def named(row: Row) -> dict[str, float]:
    return {name: float(value) for name, value in zip(NAMES, row, strict=True) if not np.isnan(value)}


class Shop(NamedTuple):
    """Where things are bought."""

    store: RedisStore
    velocity: Velocity

    async def buy(self, at: float, **said: Any) -> tuple[Purchase, dict[str, float]]:
        """One attempt, and what it was told; what is missing is left out."""
        usual = {"id": f"o{at}", "attempt": 1, "account": "a", "ip": "203.0.113.7", "card": card(1), "amount": 1_000, "currency": "EUR"}
        asked: dict[str, Any] = usual | said
        purchase = Purchase(**asked)
        row = await self.row(purchase, at)
        return purchase, named(row)

    async def row(self, purchase: Purchase, at: float) -> Row:
        ip = parse_address(purchase.ip)
        entities = self.velocity.entities(purchase, ip)
        return self.velocity.row(purchase, entities, ip, at, await ask(self.store, self.velocity.calls(purchase, entities, at)))

    def _attempt(self, purchase: Purchase, at: float) -> Attempt:
        entities = self.velocity.entities(purchase, parse_address(purchase.ip))
        names, slices = entities.names, tuple(entities.slices.values())
        return Attempt(purchase.attempt, at, b"", b"", purchase.kind, purchase.account, purchase.amount, "EUR", 0, names, slices)

    async def end(self, purchase: Purchase, at: float, outcome: Outcome, checks: Iterable[Check] = ()) -> None:
        await ask(self.store, self.velocity.outcome(self._attempt(purchase, at), purchase.id, outcome, list(checks), at))

    async def confirm(self, purchase: Purchase, at: float, known_at: float, label: Any) -> None:
        await ask(self.store, self.velocity.label(self._attempt(purchase, at), purchase.id, label, known_at))


@pytest.fixture
async def shop(own_node: Node) -> AsyncIterator[Shop]:
    """An empty one."""
    keys = StoreKeys(b"v" * 32)
    store = RedisStore(Options(own_node.url, clock, PATIENCE_S, keys.check_value))
    await store.open()
    try:
        yield Shop(store, Velocity(keys, AddressBook(NO_SOURCES)))
    finally:
        await store.close()


async def test_the_attempt_itself_is_not_in_its_signals(shop: Shop) -> None:
    """The first is told of nothing before it; the second of the first, though nobody has said how that ended."""
    _, first = await shop.buy(START)
    assert {
        name for name in first if name.startswith(("attempts", "amount_1", "cards", "account_age_s", "card_age_s")) and first[name]
    } == set()
    assert (first["new_card"], "since_account_s" in first) == (1, False)
    _, second = await shop.buy(START + 60, card=card(2), amount=500)
    assert (second["attempts_1h"], second["amount_1h"], second["cards_1h"], second["declines_1h"]) == (1, 10, 1, 0)
    assert (second["new_card"], second["account_age_s"], second["since_account_s"], second["card_age_s"]) == (1, 60, 60, 0)


async def test_card_testing(shop: Shop) -> None:
    """Cards tried one after another and declined are seen on the account, the device and the address."""
    for number in range(4):
        bought, _ = await shop.buy(START + number, card=card(number), device="d")
        await shop.end(bought, START + number, "failed", ["cvc"])
    _, row = await shop.buy(START + 9, card=card(9), device="d")
    for prefix in ("", "device_", "ip_"):
        assert [row[f"{prefix}{name}"] for name in ("attempts_1h", "declines_1h", "cards_1h")] == [4, 4, 4]
    assert (row["failures_in_row"], row["failures_then_success"], row["checks_failed_1h"]) == (4, 0, 4)
    assert (row["network_declines_1h"], row["network_accounts_1h"]) == (4, 1)


async def test_failures_then_success(shop: Shop) -> None:
    """A guess that was right is told apart from one that was not."""
    outcomes: list[Outcome] = ["succeeded", "failed", "failed", "succeeded", "failed"]
    for number, outcome in enumerate(outcomes):
        bought, _ = await shop.buy(START + number)
        await shop.end(bought, START + number, outcome)
    _, row = await shop.buy(START + 9)
    assert (row["failures_in_row"], row["failures_then_success"]) == (1, 2)


async def test_windows(shop: Shop) -> None:
    """What is as old as a span is not in it any more."""
    for ago in (HOUR, DAY, 7 * DAY, 30 * DAY):
        await shop.buy(START - ago)
        await shop.buy(START - ago + 1)
    _, row = await shop.buy(START)
    assert [row[f"attempts_{span}"] for span in ("1h", "1d", "7d", "30d")] == [1, 3, 5, 7]


async def test_a_farm_of_accounts(shop: Shop) -> None:
    """Accounts that share a device, a mailbox and a network are counted, however the mailbox is written."""
    for number, email in enumerate(("x@gmail.com", "X+1@gmail.com", "x.+2@googlemail.com")):
        await shop.buy(START + number, account=f"a{number}", kind="grant", card=None, amount=0, currency=None, email=email, device="d")
    _, row = await shop.buy(START + 9, account="a9", card=None, kind="grant", amount=0, currency=None, email="x@gmail.com", device="d")
    assert (row["device_accounts_1d"], row["email_accounts_1d"], row["ip_accounts_1d"], row["network_accounts_1d"]) == (3, 3, 3, 3)
    assert (row["is_grant"], row["email_domain_accounts_1d"]) == (1, 3)
    assert "new_card" not in row


async def test_confirmed_fraud_counts_from_when_it_is_known(shop: Shop) -> None:
    """On all that the purchase shares with others; a label that is taken back counts no more."""
    bought, _ = await shop.buy(START, device="d")
    other, _ = await shop.buy(START + 1, device="d")
    await shop.confirm(bought, START, START + 8 * DAY, "fraud")
    await shop.confirm(other, START + 1, START + 8 * DAY, "good")
    _, row = await shop.buy(START + 9 * DAY, account="b", device="d")
    assert (row["card_frauds"], row["device_frauds"], row["account_frauds"]) == (1, 1, 0)
    assert (row["device_labels_1d"], row["device_labels_7d"], row["device_fraud_share_7d"], row["device_since_fraud_s"]) == (0, 2, 0.5, DAY)
    assert "device_fraud_share_1d" not in row
    await shop.confirm(bought, START, START + 9 * DAY, "first_party_dispute")
    _, row = await shop.buy(START + 9 * DAY + 1, account="b", device="d")
    assert (row["card_frauds"], row["device_labels_7d"], row["device_fraud_share_7d"]) == (0, 1, 0)


async def test_usual_amounts(shop: Shop) -> None:
    """An amount is beside those of the account once there are three of them, in major units of its currency."""
    for number, amount in enumerate((1_000, 2_000, 3_000)):
        _, row = await shop.buy(START + number, amount=amount)
        assert "amount_ratio" not in row
    _, row = await shop.buy(START + 9, amount=6_000, tokens=120)
    assert (row["amount"], row["amount_ratio"], row["amount_over_max"], row["amount_mean_1d"]) == (60, 3, 2, 20)
    assert row["amount_deviation"] == pytest.approx(40 / np.sqrt(200 / 3))
    assert row["tokens_per_amount"] == 2
    _, yen = await shop.buy(START, account="y", amount=6_000, currency="JPY")
    assert yen["amount"] == 6_000


async def test_told_again_it_sees_what_it_saw(shop: Shop) -> None:
    """A retry, however late and whatever has happened since, has the row of the first time, but for the site's own."""
    chance, first = Random(5), []
    for number in range(60):
        at = START + 400 * number
        said = {"id": f"r{number}", "account": f"a{chance.randint(0, 2)}", "card": card(chance.randint(0, 3)), "device": "d"}
        first.append((at, *await shop.buy(at, **said)))
    for at, purchase, _ in first:
        await shop.end(purchase, at + 30_000, chance.choice(["failed", "succeeded"]))
        await shop.confirm(purchase, at, at + 40_000, chance.choice(["fraud", "good"]))
    for at, purchase, row in first:
        again = named(await shop.row(purchase, at + 50_000))
        assert {name: value for name, value in again.items() if name not in SITE} == {n: v for n, v in row.items() if n not in SITE}
    _, row = await shop.buy(START + 80_000, account="a0")
    assert row["ip_attempts_1d"] == 60


async def test_the_site(shop: Shop) -> None:
    """Of many purchases of the last minutes the declined share is told, of all and of the worst slice; those of grants are none."""
    for number in range(40):
        bought, _ = await shop.buy(START + number, account=f"a{number}", card=card(number % 2))
        await shop.end(bought, START + number, "failed" if number % 2 else "succeeded")
    _, row = await shop.buy(START + 60, card=card(1))
    assert (row["site_attempts_10m"], row["site_decline_share_10m"], row["site_slice_decline_share_10m"]) == (40, 0.5, 1)
    _, grant = await shop.buy(START + 61, kind="grant", card=None, amount=0, currency=None)
    _, later = await shop.buy(START + 62)
    assert (grant["site_attempts_10m"], later["site_attempts_10m"]) == (41, 41)
    assert "site_setup_failure_share_10m" not in row


async def test_nothing_told_is_in_the_store(shop: Shop, own_node: Node) -> None:
    """Neither in a name nor in what is kept under it."""
    await shop.buy(START, account="anna", email="anna@gmail.com", device="dev-7")
    kept = b"".join(key + own_node.client.get(key) for key in own_node.client.keys("rl1:*"))
    assert kept
    assert not any(raw in kept for raw in (b"anna", b"gmail", b"dev-7", b"203", b"\xcb\x00\x71\x07"))


@pytest.mark.parametrize(
    ("email", "known"), [("a@mailinator.com", True), ("a@x.mailinator.com", True), ("a@gmail.com", False), ("a@com", False)]
)
def test_disposable(email: str, known: bool) -> None:
    """A domain under one for throw-away mailboxes is one, too."""
    assert is_disposable(email) is known
