"""What models may learn from."""

from sqlalchemy import delete, insert

from ratelimit.core.purchase_signals import VERSION
from ratelimit.ledger import privacy
from ratelimit.ledger.ledger import Ledger
from ratelimit.ledger.tables.action import LABEL
from ratelimit.ledger.tables.privacy import RESTRICTION
from ratelimit.ledger.tables.purchase import PURCHASE
from ratelimit.ledger.training import examples, lessons
from tests.review.test_erasing import purchase


async def taught(ledger: Ledger) -> tuple[list[str], list[int | None]]:
    """The purchases that are learned from, and whom labels are about."""
    async with ledger.read() as connection:
        found = [one.id async for some in examples(connection, VERSION) for one in some]
        return found, [lesson.target for lesson in await lessons(connection)]


async def test_nobody_who_objects(ledger: Ledger) -> None:
    """Whoever restricts or objects teaches no model, neither by purchases nor by labels, until that ends; a label of a purchase stays."""
    async with ledger.write() as connection:
        rows = [purchase(f"p{account}", account=account, signals=b"x", signal_version=VERSION) for account in (1, 2)]
        await connection.execute(insert(PURCHASE), rows)
        label = {"target_kind": "account", "purchase": None, "verdict": "fraud", "source": "analyst", "known_at": 1.0, "by": "eve"}
        labels = [{**label, "target": account} for account in (1, 2)]
        await connection.execute(insert(LABEL), [*labels, {**label, "target_kind": "purchase", "target": None, "purchase": "p9"}])
        await privacy.restrict(connection, 1, "object", 5.0)
    assert await taught(ledger) == (["p2"], [2, None])
    async with ledger.write() as connection:
        await connection.execute(delete(RESTRICTION))
    assert await taught(ledger) == (["p1", "p2"], [1, 2, None])
