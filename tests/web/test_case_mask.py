"""What a viewer sees of cases."""

from msgspec.structs import replace

from ratelimit.core.message import Entity, Flagged
from ratelimit.core.principal import Principal, Role
from ratelimit.ledger.cases import QueueFilter, SubjectRef
from ratelimit.ledger.ledger import Ledger
from ratelimit.review.cases import Cases
from ratelimit.web.case_mask import masked_for
from ratelimit.web.cases import CaseCalls
from tests.review.case_site import NOW, account, bought, flagged, rule, subject
from tests.web.lane import serving


def who(role: Role) -> Principal:
    return Principal(id=3, login=role, name=role, role=role, via="session")


def shown(subject: SubjectRef | None) -> str | None:
    return subject.shown if subject is not None else None


async def test_in_part(ledger: Ledger) -> None:
    """Accounts, emails and addresses in part; whoever works on cases sees them whole."""
    email = await subject(ledger, Entity("email", "root", "quinn@mailbox.test"))
    await bought(ledger, await subject(ledger, account("acc_8WQ2RN")), email=email)
    await flagged(ledger, rule(anchor=account("acc_8WQ2RN")))
    await flagged(ledger, rule(anchor=Entity("ip", "203.0.113.77")))
    cases = Cases(ledger, lambda: NOW)
    page, one = await cases.queue(QueueFilter(), who("viewer")), await cases.get(1)
    whole, part = masked_for(who("analyst"), page), masked_for(who("viewer"), page)
    assert whole == page
    assert [shown(row.anchor) for row in part.rows] == ["acc_8•••", "203.0.113.•"]
    assert shown(part.rows[0].beside) == "q•••@mailbox.test"
    masked = masked_for(who("viewer"), one)
    assert (shown(masked.row.anchor), shown(one.row.anchor)) == ("acc_8•••", "acc_8WQ2RN")


async def test_found_whole(ledger: Ledger) -> None:
    """A viewer who filters by a part of a name, which would tell it bit by bit, finds nothing; by the whole of it they find the case."""
    await flagged(ledger, rule(anchor=account("acc_8WQ2RN")))
    cases = Cases(ledger, lambda: NOW)
    for role, text, found in (("viewer", "acc_8WQ2R", 0), ("viewer", "ACC_8WQ2RN", 1), ("viewer", "C-1", 1), ("analyst", "8wq", 1)):
        wanted = QueueFilter(text=text)
        assert (await cases.queue(wanted, who(role))).found == found  # type: ignore[arg-type]
        assert (await cases.place(1, wanted, who(role))).of == found  # type: ignore[arg-type]


async def test_what_people_wrote(ledger: Ledger) -> None:
    """A viewer reads notes without the emails and addresses in them, in the history as well."""
    await flagged(ledger, rule(anchor=account("a1")))
    cases = Cases(ledger, lambda: NOW)
    await cases.note(1, who("analyst"), "wrote to quinn@mailbox.test from 203.0.113.77")
    async with serving(CaseCalls(cases, lambda: NOW).routes()) as lane:
        for role, seen in (
            ("viewer", "wrote to q•••@mailbox.test from 203.0.113.•"),
            ("analyst", "wrote to quinn@mailbox.test from 203.0.113.77"),
        ):
            lane.who = who(role)  # type: ignore[arg-type]
            (note,) = (await lane.ask("GET", "/v1/cases/1/notes"))[1]["notes"]
            told = (await lane.ask("GET", "/v1/cases/1/history"))[1]["events"][0]["content"]["text"]
            assert (note["text"], told) == (seen, seen)


async def test_why_it_was_opened_and_closed(ledger: Ledger) -> None:
    """Words of people about a case are read by a viewer without the emails and addresses in them as well."""
    said = "as quinn@mailbox.test from 203.0.113.77"
    await flagged(ledger, Flagged("f1", account("a1"), "rule", "s1", (said,), NOW, word=said))
    one = replace(await Cases(ledger, lambda: NOW).get(1), why=said)
    masked = masked_for(who("viewer"), one)
    assert masked_for(who("analyst"), one) == one
    texts = [masked.why, *(one.text for one in masked.openings), *(f"{one.value} {one.words}" for one in masked.row.reasons)]
    assert [text for text in texts if text and ("quinn" in text or ".77" in text)] == []
    assert masked.why == "as q•••@mailbox.test from 203.0.113.•"
    assert any("q•••@mailbox.test" in text for text in texts[1:] if text)
