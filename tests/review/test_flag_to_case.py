"""From a sidecar that flags a purchase to the case that its answer has told, through a real store."""

from ratelimit.core.message import Entity, Flagged
from ratelimit.core.purchase_entry import Attempt
from ratelimit.core.store_key import StoreKeys
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.subjects import Subjects
from ratelimit.review.cases import Cases
from ratelimit.review.daily import Daily
from ratelimit.review.flagged import FlagIntake
from ratelimit.review.intake import IntakeWorker
from ratelimit.service.flags import Flags
from ratelimit.service.recorder import Recorder
from ratelimit.stores.client import RedisStore
from tests.review.ledger_stream import KEYS, NOW, bought, intake_of, send


def attempt(account: str) -> Attempt:
    """One of a purchase that was decided."""
    return Attempt(
        attempt=1, at=NOW, body=b"", answer=b"", kind="purchase", account=account, amount=500, currency="EUR", tokens=100, entities={},
        slices=(),
    )  # fmt: skip


async def test_the_reference_leads_to_it(ledger: Ledger, own_store: RedisStore) -> None:
    """Told by two processes and delivered twice, it is one case with what is at stake, and its reference is the same everywhere."""
    intake = intake_of(ledger)
    intake.add(Flagged, FlagIntake(Subjects(KEYS), Daily(lambda: 50)))
    worker = IntakeWorker(own_store, intake, lambda: NOW)
    await send(own_store, [bought("p1"), bought("p2", account="otto")])
    told = list[Flagged]()
    for _ in range(2):
        recorder = Recorder(own_store, lambda: NOW)
        for put in (recorder.put, told.append):
            Flags(put, StoreKeys(bytes(32))).warned("p1", attempt("anna"), "issfr_1", "made_with_stolen_card", NOW)  # type: ignore[arg-type]
        assert await recorder.flush()
    while await worker.work():
        pass
    first, second = told
    assert (first.id, first.anchor) == (second.id, Entity("account", "anna"))
    cases = Cases(ledger, lambda: NOW)
    found = await cases.get(await cases.number(first.id))
    assert (found.row.at_risk_minor, found.row.currency, found.row.money, found.row.priority) == (500, "EUR", "unspent tokens", 2)
    assert found.row.beside is not None
    assert found.row.beside.shown == "anna@example.com"
    assert [one.purchase for one in found.openings] == ["p1"]
    assert [one.kind for one in await cases.history(found.row.number)] == ["case.opened"]
