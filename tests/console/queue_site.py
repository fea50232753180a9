"""The sample's queue as a site has it whose cases change, and what is told of acts on it: for tests in a real browser."""

import asyncio

import msgspec

from ratelimit.core.estimate import Estimate
from ratelimit.core.principal import Principal
from ratelimit.core.reach import Reach
from ratelimit.core.standing_change import revision
from ratelimit.ledger.cases import CampaignRow, CaseView, QueueFilter, QueuePage, SubjectRef
from ratelimit.review.bulk import Bulk, BulkDone, BulkOutcome
from ratelimit.review.cases import CaseError
from ratelimit.review.deed import Done, Preview
from tests.console.conftest import NOW
from tests.console.queue_sample import sample


class Cases:
    """The sample, in which cases can be put off, come anew and change."""

    def __init__(self) -> None:
        self.off: set[int] = set()
        self.due_at = NOW + 26 * 60
        self.hidden: set[int] = set()
        self.noted: list[str] = []
        self.did: list[tuple[int | None, str, str, str]] = []
        self.taken = False
        self.answer = asyncio.Event()  # until when deeds wait
        self.answer.set()

    async def queue(self, _wanted: QueueFilter, _who: Principal) -> QueuePage:
        page = sample(NOW)
        first = msgspec.structs.replace(page.rows[0], due_at=self.due_at)
        rows = [row for row in (first, *page.rows[1:]) if row.number not in self.off | self.hidden]
        return msgspec.structs.replace(page, rows=tuple(rows), following=None)

    async def take_next(self, _who: Principal) -> CaseView | None:
        return None

    async def campaign(self, number: int) -> CampaignRow:
        card = SubjectRef(4, "card", "card •4821", NOW - 90_000, good=3, fraud=2)
        return CampaignRow(number=number, entity=card, state="open", opened_at=NOW, cases=8, open=8, at_risk=(), priority=1, version=1)

    async def campaigns(self, most: int = 50, before: int | None = None) -> list[CampaignRow]:
        return [await self.campaign(17)][: most if before is None else 0]

    async def snooze(self, number: int, _principal: Principal, _until: float, _version: int | None = None) -> int:
        self.off.add(number)
        return 2

    async def wake(self, number: int, _principal: Principal, _version: int | None = None) -> int:
        self.off.discard(number)
        return 2

    async def escalate(self, _number: int, _principal: Principal, _why: str, _version: int | None = None, *, back: bool = False) -> int:
        return 2 if back else 3

    async def note(self, _number: int, _principal: Principal, text: str) -> int:
        self.noted.append(text)
        return 1

    async def act(self, _principal: Principal, asked: Bulk) -> BulkDone:
        await self.answer.wait()
        if self.taken:
            raise CaseError("nothing was done: Ana Silva allowed it 3 s before you")
        deed = asked.deed
        self.did = [(case, deed.then, deed.for_, deed.why) for case in asked.cases]
        done = Done(id=1, then=deed.then, state="in_force", target="", case=None, until=NOW + 86_400)
        outcomes = tuple(BulkOutcome(case=case, done=done) for case in asked.cases)
        return BulkDone(bulk="abc", outcomes=outcomes, done=len(outcomes), failed=0)

    async def undo(self, _principal: Principal, bulk: str, _reason: str = "") -> BulkDone:
        count, self.did = len(self.did), []
        return BulkDone(bulk=bulk, outcomes=(), done=count, failed=0)

    async def preview(self, _principal: Principal, asked: Bulk) -> Preview:
        none = Estimate(0, 0, 0)
        return Preview(
            then=asked.deed.then, span_s=86_400, until=None, requests=none, of_requests=none, already_throttled=0, from_usual=none,
            other_accounts=(), shared=(), good=0, tokens_left=None, left_minor=None, currency=None, softer=None, needs_second=False,
            told="override_block", bulk=len(asked.cases), replaces=(),
        )  # fmt: skip


class Book:
    """Eleven of twelve sidecars have heard of it at once, the last one a moment later."""

    revision = revision(b"1795959127000-0")

    async def of(self, _revision: bytes) -> Reach:
        return Reach(12, 11, 0.2)

    async def until_first(self, _revision: bytes, _patience_s: float) -> Reach:
        return Reach(12, 11, 0.2)

    async def until_whole(self, _revision: bytes, _patience_s: float) -> Reach:
        return Reach(12, 12, 0.4)
