"""Who is in a filled ledger: accounts with their keys, addresses, cards and mailboxes, some busy, most of them not."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ratelimit.ledger.subjects import Subjects

DAY_S: Final = 86_400.0
KEYS: Final = [b"bench: a key of the ledger no secr"[:32]]
COLUMNS: Final = ("id", "kind", "digest", "key_id", "value", "shown", "first_at", "last_at", "good", "fraud")
LINK_COLUMNS: Final = ("subject", "entity", "how", "first_at", "last_at", "count")
_SHARED: Final = 0.03  # of cards: those that several accounts pay with
_EMAIL_DOMAINS: Final = ("gmail.com", "outlook.com", "example.com", "proton.me", "mail.example", "uni.example", "firm.example")

Ints = NDArray[np.int64]


class Crowd:
    """Ids of subjects by kind; `of_key[i]` is the key of account i, and so on. Draws are seeded."""

    def __init__(self, accounts: int, now: float, seed: int) -> None:
        self.now, self.random = now, np.random.default_rng(seed)
        self.accounts, self.keys = self._ids(accounts), self._ids(accounts)
        self.addresses, self.networks = self._ids(accounts * 2), self._ids(max(1, accounts // 8))
        self.cards, self.emails, self.domains = self._ids(accounts), self._ids(accounts), self._ids(len(_EMAIL_DOMAINS))
        self.card_of = np.where(self.random.random(accounts) < _SHARED, self.random.integers(0, 40, accounts), np.arange(accounts))
        self.fraud = self.random.random(accounts) < 0.01
        self.good = ~self.fraud & (self.random.random(accounts) < 0.6)
        busy = 1.0 / (np.arange(accounts) + 10.0)
        self._busy = np.cumsum(self.random.permutation(busy) / busy.sum())

    def draw(self, count: int) -> Ints:
        """So many accounts, busy ones more often."""
        return np.minimum(np.searchsorted(self._busy, self.random.random(count)), len(self.accounts) - 1)

    def address_of(self, account: Ints) -> Ints:
        """An address of each: mostly the same one."""
        other = self.random.random(len(account)) < 0.2
        return np.where(other, self.random.integers(0, len(self.addresses), len(account)), account)

    def subjects(self) -> Iterator[tuple[Any, ...]]:
        """Rows of the table."""
        digests = Subjects(KEYS)
        shared_good, shared_fraud = self._shared(self.good), self._shared(self.fraud)
        for kind, ids in self._of_kind().items():
            for index, id in enumerate(ids.tolist()):
                value, shown = self._named(kind, index)
                good, fraud = self._counts(kind, index, shared_good, shared_fraud)
                yield id, kind, digests.digest(kind, value), 0, value, shown, self.now - 400 * DAY_S, self.now - index % 60, good, fraud

    def links(self) -> Iterator[tuple[Any, ...]]:
        """Rows of the table: each account with its key, its address, and what it paid with."""
        first, last = self.now - 300 * DAY_S, self.now - 3_600
        for index, account in enumerate(self.accounts.tolist()):
            address = int(self.addresses[index])
            yield account, int(self.keys[index]), "owns", first, last, 40
            yield int(self.keys[index]), address, "requested", first, last, 40
            yield account, address, "requested", first, last, 40
            yield account, int(self.cards[self.card_of[index]]), "paid", first, last, 2
            yield account, int(self.emails[index]), "paid", first, last, 2
            yield account, int(self.domains[index % len(self.domains)]), "paid", first, last, 2
            yield account, int(self.networks[index % len(self.networks)]), "paid", first, last, 2

    def _ids(self, count: int) -> Ints:
        return np.unique(self.random.integers(1, 2**62, count * 2))[:count]

    def _of_kind(self) -> dict[str, Ints]:
        return {
            "account": self.accounts,
            "api_key": self.keys,
            "ip": self.addresses,
            "network": self.networks,
            "card": self.cards,
            "email": self.emails,
            "email_domain": self.domains,
        }

    def _named(self, kind: str, index: int) -> tuple[str, str]:
        """How words name one, and how people see it."""
        match kind:
            case "account":
                return f"acct_{index:06d}", f"acct_{index:06d}"
            case "api_key":
                return f"{index:026d}", f"key_{index:06d}"
            case "ip":
                address = f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}"
                return address, address
            case "network":
                network = f"10.{index >> 8 & 255}.{index & 255}.0/24"
                return network, network
            case "card":
                return f"card{index:018d}", f"•••• {index % 10_000:04d}"
            case "email":
                return f"mail{index:018d}", f"person.{index}@{_EMAIL_DOMAINS[index % len(_EMAIL_DOMAINS)]}"
        return _EMAIL_DOMAINS[index], _EMAIL_DOMAINS[index]

    def _shared(self, which: NDArray[np.bool_]) -> dict[str, Ints]:
        """How many of these accounts share each entity."""
        mine = np.flatnonzero(which)
        return {
            "card": np.bincount(self.card_of[mine], minlength=len(self.cards)),
            "ip": np.bincount(mine, minlength=len(self.addresses)),
            "email": np.bincount(mine, minlength=len(self.emails)),
            "email_domain": np.bincount(mine % len(self.domains), minlength=len(self.domains)),
            "network": np.bincount(mine % len(self.networks), minlength=len(self.networks)),
        }

    def _counts(self, kind: str, index: int, good: dict[str, Ints], fraud: dict[str, Ints]) -> tuple[int, int]:
        if kind == "account":
            return int(self.good[index]), int(self.fraud[index])
        return (int(good[kind][index]), int(fraud[kind][index])) if kind in good else (0, 0)
