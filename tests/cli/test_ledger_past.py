"""Models that learn from the ledger."""

import asyncio
from itertools import count
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert, update

from bench.ledger_fill import Size, fill
from ratelimit.anomaly.label import Label
from ratelimit.anomaly.signal_table import PURCHASE
from ratelimit.anomaly.spool import Spool
from ratelimit.cli.ledger_past import CONFIRMED, callers_of_ledger, purchases_of_ledger
from ratelimit.cli.past import Asked, _Seen
from ratelimit.core.errors import ConfigError
from ratelimit.core.message import Entity
from ratelimit.core.purchase_signals import NAMES, VERSION
from ratelimit.ledger import privacy
from ratelimit.ledger.subjects import Subjects
from ratelimit.ledger.tables.action import LABEL
from ratelimit.ledger.tables.purchase import LINK
from ratelimit.ledger.tables.purchase import PURCHASE as PURCHASES
from ratelimit.service.address_book import NO_SOURCES
from tests.cli.command import run, said
from tests.ledger.database import opened, sqlite_url
from tests.review.ledger_stream import KEYS, NOW

DAY_S = 86_400.0
_SIGNALS = np.ones(len(NAMES)).tobytes()
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A ledger with a few thousand purchases."""
    url = sqlite_url(tmp_path_factory.mktemp("filled"))
    fill(url, Size(records=10, purchases=6_000, cases=1, accounts=2_000, traffic_days=0.001), now=NOW)
    return url


def test_train(filled: str, tmp_path: Path) -> None:
    """The ledger's purchases teach a model what is usual, and its labels what is fraud; a log is not needed."""
    found = said("train", "purchases", "--from-ledger", filled, "--out", tmp_path, "--warm-days", 1)
    assert found["manifest"]["trained"]["subjects"]["purchase"] >= 200
    assert found["manifest"]["metrics"]["taught_by"]["purchase"] >= 10
    assert filled not in (tmp_path / "card.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["purchases"], "no LOG is given"),
        (["purchases", "--from-ledger", "log.ndjson"], "takes 'log.ndjson' for a URL"),
        (["purchases", "--from-ledger", "mysql://x/y"], "URL is not allowed"),
        (["purchases", "x.ndjson", "--from-ledger", "sqlite:////tmp/x.db"], "expected one of the two"),
        (["requests", "--from-ledger", "sqlite:////tmp/x.db"], "refusals and a sample alone"),
    ],
)
def test_mistakes(words: list[str], message: str, tmp_path: Path) -> None:
    """What was found, and what would do."""
    result = run("train", *words, "--out", tmp_path)
    assert isinstance(result.exception, ConfigError)
    assert message in str(result.exception)


async def _bought(url: str, days: list[float]) -> int:
    """Purchases of one account with one card, so many days before NOW; the account's id."""
    async with opened(url) as ledger, ledger.write() as connection:
        ids = await Subjects(KEYS).ids(connection, [Entity("account", "anna"), Entity("card", "CARD"), Entity("api_key", "K")], NOW)
        for day in days:
            values: dict[str, Any] = {
                "id": f"pi-{day:g}", "attempt": 1, "record": f"r{next(_NUMBERS)}", "at": NOW - day * DAY_S, "kind": "purchase",
                "account": ids["account", "anna"], "card": ids["card", "CARD"], "amount_minor": 1, "tokens": 1, "decision": "allow",
                "action": "accept", "reason": "ok", "hold_ratio": 0.0, "held": 0, "policy": "p", "signal_version": VERSION,
                "signals": _SIGNALS,
            }  # fmt: skip
            await connection.execute(insert(PURCHASES).values(values))
    return ids["account", "anna"]


async def _label(url: str, verdict: str, **about: Any) -> int:
    async with opened(url) as ledger, ledger.write() as connection:
        kind = about.setdefault("target_kind", "purchase")
        if kind != "purchase":
            about["target"] = await Subjects(KEYS).find(connection, kind, {"account": "anna", "card": "CARD", "api_key": "K"}[kind])
        row = insert(LABEL).values(verdict=verdict, source="analyst", known_at=NOW, by="otto", **about).returning(LABEL.c.id)
        return int((await connection.execute(row)).scalar_one())


def _past(url: str) -> list[Label]:
    with purchases_of_ledger(Asked((), None, None, NO_SOURCES, "train", True, url)) as past:
        assert list(past.trails[PURCHASE].subjects) != []
        return past.labels


def test_labels(tmp_path: Path) -> None:
    """A label is of a purchase, or of all that an account or a card bought in the 90 days before it was known, and since."""
    url = sqlite_url(tmp_path)
    account = asyncio.run(_bought(url, [91, 89, 1, -1]))
    asyncio.run(_label(url, "fraud", purchase="pi-91"))
    assert [(one.subject, one.bad, one.abuse, one.known_s, one.until_s - one.start_s) for one in _past(url)] == [
        (str(account), True, CONFIRMED, NOW, 1)
    ]
    asyncio.run(_label(url, "abuse", target_kind="card"))
    days = [(NOW - one.start_s) / DAY_S for one in _past(url)]
    assert days == [91.0, 89.0, 1.0, -1.0]
    asyncio.run(_label(url, "good", target_kind="account"))
    assert [(NOW - one.start_s) / DAY_S for one in _past(url) if not one.bad] == [91.0, 89.0, 1.0]


def test_superseded(tmp_path: Path) -> None:
    """A label that stands no more teaches nothing, nor does one that says neither."""
    url = sqlite_url(tmp_path)
    asyncio.run(_bought(url, [3]))
    id = asyncio.run(_label(url, "fraud", purchase="pi-3"))
    asyncio.run(_label(url, "unclear", purchase="pi-3"))
    assert len(_past(url)) == 1

    async def supersede() -> None:
        async with opened(url) as ledger, ledger.write() as connection:
            await connection.execute(update(LABEL).where(LABEL.c.id == id).values(superseded_by=id))

    asyncio.run(supersede())
    assert _past(url) == []


def test_callers(tmp_path: Path) -> None:
    """Of callers the week before is meant where they are bad, and all that was before where they are good."""
    url = sqlite_url(tmp_path)
    asyncio.run(_bought(url, [3]))
    for verdict, kind in (("abuse", "api_key"), ("good", "account"), ("fraud", "card")):
        asyncio.run(_label(url, verdict, target_kind=kind))
    found = callers_of_ledger(url, lambda kind, value: f"{kind} {value}")
    assert found.labels == [
        Label("api_key", "api_key K", True, CONFIRMED, False, NOW - 7 * DAY_S, NOW, NOW),
        Label("account", "account anna", False, CONFIRMED, False, -inf, NOW, NOW),
    ]


def test_nobody_who_objects(tmp_path: Path) -> None:
    """An account of which no model may learn, and the key that is its alone, are left out of a log as well."""
    url = sqlite_url(tmp_path)

    async def restrict(account: int) -> None:
        async with opened(url) as ledger, ledger.write() as connection:
            await privacy.restrict(connection, account, "object", NOW)
            key = (await Subjects(KEYS).ids(connection, [Entity("api_key", "K")], NOW))["api_key", "K"]
            await connection.execute(
                insert(LINK), [{"subject": account, "entity": key, "how": "owns", "first_at": 1, "last_at": 1, "count": 1}]
            )

    asyncio.run(restrict(asyncio.run(_bought(url, []))))
    found = callers_of_ledger(url, lambda kind, value: f"{kind} {value}")
    assert found.spared == {("account", "account anna"), ("api_key", "api_key K")}

    class Kept(Spool):
        def __init__(self) -> None:
            self.kept = list[Any]()

        def add(self, *told: Any) -> None:
            self.kept.append((*told[:4], told[4].tolist()))

    spool = Kept()
    watches: Any = [SimpleNamespace(value=value, plan=None) for value in ("account anna", "account otto")]
    _Seen(spool, found.spared).see("account", watches, [1, 2], np.array([[1.0], [2.0]]))
    assert spool.kept == [("account", ["account otto"], [None], [2], [[2.0]])]


def test_no_purchases(tmp_path: Path) -> None:
    """A ledger without purchases is named as that."""
    url = sqlite_url(tmp_path)
    asyncio.run(_bought(url, []))
    with pytest.raises(ConfigError, match="the ledger has no purchase with signals"):
        _past(url)
