"""The page of a case as templates see it."""

from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from ratelimit.console.case_evidence import Filter
from ratelimit.console.case_query import Wanted
from ratelimit.console.case_view import CasePage, case_page, title_of
from ratelimit.console.case_why import ranking, why
from ratelimit.console.subject_name import name_of
from ratelimit.core.case import CaseReason
from ratelimit.core.principal import Role
from ratelimit.ledger.cases import CaseView, SubjectRef
from ratelimit.ledger.sharing import said
from ratelimit.review.dossier import Customer, Dossier, InForce, Linked, Page
from tests.console.case_sample import AGAINST, MIRA, NOW, OPENING, REQUESTS, TOMAS, action, dossier, linked, row, where

KEY = SubjectRef(1, "api_key", "5f3c91", NOW)
ACCOUNT = SubjectRef(2, "account", "halden", NOW)


def page(it: Dossier | None = None, role: Role = "analyst", wanted: Filter | None = None) -> CasePage:
    who = replace(MIRA, role=role)
    return case_page(it or dossier(), who, ZoneInfo("Europe/Berlin"), Wanted(wanted or Filter()), where)


def test_head() -> None:
    """Who it is, in a line of plain words."""
    head = page().head
    assert (head.name, head.owner, head.plan) == ("key_5F3C91", "Halden Studio", "pro")
    assert head.summary == ("Customer for 20 months", "6 purchases, €1,310.00, none disputed", "2 other keys")


def test_strip() -> None:
    """What stands, by what, and how much of its time is left."""
    strip = page().strip
    assert (strip.decision, strip.title, strip.by) == ("throttle", "Throttled", "risk 0.9994, above 0.999")
    assert strip.left == 0.8
    assert strip.undo is None


def test_undo() -> None:
    """An action that may be taken back has its undo; whoever may not is told why."""
    mine = action(5, "block", 0.1, 86_400, "mira", "in_force", may_undo=True)
    stands = InForce(decision="block", words="", since=mine.at, by="mira", until=mine.until, action=mine)
    assert page(dossier(in_force=stands)).strip.undo == 5
    other = replace(mine, may_undo=False, why_not="it is ana's")
    found = page(dossier(in_force=replace(stands, action=other))).strip
    assert (found.undo, found.why_not) == (None, "it is ana's")
    assert page(dossier(in_force=stands), "viewer").strip.undo is None


def test_nothing_stands() -> None:
    """Where nothing stands the strip says so and has no colour."""
    strip = page(dossier(in_force=InForce(decision="allow", words=""))).strip
    assert (strip.decision, strip.title) == ("none", "Nothing stands")


@pytest.mark.parametrize(
    ("risk", "words"), [(0.9994, "9,994 of 10,000"), (0.5, "5,000 of 10,000"), (0.99999, "99,999 of 100,000"), (0.0, "0 of 10,000")]
)
def test_ranking(risk: float, words: str) -> None:
    """A risk is a place among many, never all of them."""
    assert ranking(risk) == words


def test_against_and_for() -> None:
    """Reasons of the case come first, what the model adds after them, and what speaks for it is never left out."""
    found = page().why
    assert [line.value for line in found.against] == ["418", "31", "4 %", "87 %"]


def test_why_says_who_shares_it() -> None:
    """A reason that others were flagged for as well leads to them; one that nobody shares, or that is usual, does not."""
    weighing = dossier().weighing
    shared = {said(AGAINST[0]): 3, said(AGAINST[1]): 1, said(AGAINST[2]): 0}
    found = why(weighing, KEY, AGAINST[:3], shared)
    assert [line.shared for line in found.against[:3]] == ["3 keys", "1 key", ""]
    far = f"{said(AGAINST[0]).far:g}"
    assert found.against[0].others == f"/shared?name={AGAINST[0].source}&far={far}&of=1"
    assert found.against[2].others == ""
    assert {line.shared for line in found.in_favour} == {""}
    assert why(weighing, KEY, AGAINST[:3], shared, blind=True).against == ()
    assert [line.rare for line in found.in_favour] == ["usual"] * 3
    assert found.against[0].rare == "1 in 41,000"


def test_facts() -> None:
    """A fact without a number is one sentence that leads with its strongest word, and has no rarity."""
    fact = CaseReason(
        kind="early_fraud_warning", source="w1", value="Reported as fraud", words="by the card issuer", normal="never", signed=5.0
    )
    (line,) = why(replace(dossier().weighing, against=()), ACCOUNT, (fact,)).against
    assert (line.words, line.value, line.rare) == ("Reported as fraud by the card issuer", "", "")


def test_blind() -> None:
    """A blind reviewer sees neither risk nor what opened the case, and no side is taken."""
    blind = page(dossier(case=CaseView(row=row(blind=True, reasons=(), risk=None), openings=())))
    assert blind.blind
    assert blind.why.risk is None
    assert blind.why.against == ()
    assert len(blind.why.in_favour) == 7
    assert blind.why.model == ""


def test_blind_until_closed() -> None:
    """Once it is closed it is told."""
    closed = CaseView(row=row(blind=True, state="closed"), openings=(), closed_at=NOW, verdict="good")
    assert not page(dossier(case=closed)).blind
    assert page(dossier(case=closed)).readonly == "closed"


def test_somebody_else_reads() -> None:
    """While somebody else has it open there are no action keys."""
    found = page(dossier(case=CaseView(row=row(locked_by=TOMAS), openings=())))
    assert found.readonly == "locked"
    assert not found.may_act
    assert found.desk is not None
    assert found.desk.lock is not None
    assert (found.desk.lock.mine, found.desk.lock.name) == (False, "Tomas Okafor")


def test_lock_that_has_ended() -> None:
    """A lock that has run out holds nobody up."""
    assert page(dossier(case=CaseView(row=row(locked_by=TOMAS, locked_until=NOW - 1), openings=()))).may_act


def test_viewer_is_masked() -> None:
    """A viewer may look, at less."""
    found = page(role="viewer")
    assert found.readonly == "role"
    assert found.head.owner == "Halde•••"
    assert found.evidence.requests[0].address == "203.0.113.•"
    assert found.evidence.requests[3].address == "2001:db8:7::•"
    wrote = "it is quinn@mailbox.test"
    texts = dossier(case=CaseView(row=row(), openings=(replace(OPENING, text=wrote),), why=wrote))
    assert "quinn@" in str(page(texts))
    assert "quinn@" not in str(page(texts, "viewer"))


@pytest.mark.parametrize(
    ("kind", "shown", "role", "name"),
    [
        ("api_key", "5f3c91aa00bb", "viewer", "key_5F3C91"),
        ("email", "quentin@mailbox.test", "admin", "q•••@mailbox.test"),
        ("ip", "192.0.2.18", "analyst", "192.0.2.18"),
        ("ip", "192.0.2.0/24", "viewer", "192.0.2.•/24"),
        ("account", "acc_2M8K1Q", "viewer", "acc_2•••"),
        ("account", None, "admin", "erased"),
        ("card", "•4821", "viewer", "•4821"),
    ],
)
def test_names(kind: str, shown: str | None, role: Role, name: str) -> None:
    """Names by kind and by who looks."""
    assert name_of(kind, shown, role) == name


def test_evidence() -> None:
    """Ten rows, where the next ones begin, and what they are of."""
    found = page().evidence
    assert len(found.requests) == 10
    assert found.more == f"{REQUESTS[9].at!r},{REQUESTS[9].id}"
    assert found.summary == "10 of 4,812 in the last 24 h: 3,604 allowed, 1,208 throttled."
    assert found.requests[1].where == "NL, hosting"
    assert found.requests[2].where == "DE, usual"
    assert found.requests[0].answered == "0 left of limit key, retry after 6 s, risk 0.9994"
    assert found.requests[2].answered == "stands for 40 that passed"


def test_refused_attempts_count_among_purchases() -> None:
    """A tab with rows in it never says that there are none: whoever has bought nothing may have tried often."""
    tried = dossier()
    found = page(replace(tried, customer=Customer(purchases=0)), wanted=Filter(tab="purchases")).evidence
    assert found.tabs[1][2] == len(tried.purchases) > 0


def test_filters_in_the_address() -> None:
    """All filters are in the page's address."""
    found = page(wanted=Filter(decision="block", address=91)).evidence
    assert found.off(decision="") == "/cases/2288?show=requests&address=91"
    assert found.named == "192.0.2.18"


def test_purchases() -> None:
    """What became of a purchase stands beside it."""
    lines = page(wanted=Filter(tab="purchases")).evidence.purchases
    assert [(line.amount, line.outcome, line.bad) for line in lines[:2]] == [
        ("€180.00", "succeeded", False),
        ("€180.00", "declined", False),
    ]


def test_events() -> None:
    """Everything that happened is one list, the newest first, with people's names."""
    events = page().events
    assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)
    assert (events[0].strong, events[0].words) == ("", "Tomas Okafor left a note for Mira Keller") or events[
        0
    ].strong == "Tomas Okafor left a note"


def test_links() -> None:
    """A flag stops where many good accounts share; a group of many is not shared because there are many of them."""
    rows = page().links.rows
    by = {one.name: one for one in rows}
    assert by["203.0.113.0/24"].shared
    assert by["203.0.113.0/24"].words == "shared, stops here"
    assert not by["416 other addresses"].shared
    assert by["•4821, prepaid"].words == "3 accounts"
    assert by["acc_2M8K1Q"].words == "this customer only"


def test_further_links_are_in_the_table() -> None:
    """A second hop is in the picture and in the table."""
    card: Linked = replace(linked(30, "card", "•4821", "paid", (1, 1, 2)), further=(linked(8, "account", "acc_9", "paid", (1, 0, 1)),))
    found = page(dossier(linked=(card,))).links
    assert [one.hop for one in found.rows] == [1, 2]


def test_past() -> None:
    """People's decisions and the limits' refusals are one list, with what became of them."""
    found = [(line.title, line.words) for line in page().past]
    assert found == [("Allowed 30 days", "Ran out"), ("Throttled 1 h", "Taken back: false alarm: moved their CI"), ("Rate limited", "")]


def test_subject_without_a_case() -> None:
    """A subject has the same page without a queue, and its name is not in the title."""
    found = page(dossier(case=None, place=None, notes=()))
    assert found.desk is None
    assert found.base == "/subjects/7"
    assert title_of(found) == "One key"
    assert title_of(page()) == "C-2288"


def test_empty() -> None:
    """Whoever nothing is known of has a page too."""
    bare = dossier(
        case=None,
        account=None,
        bins=(),
        addresses={},
        page=Page(),
        purchases=(),
        lives=(),
        linked=(),
        actions=(),
        notes=(),
        refusals=(),
        decided={},
        subject=SubjectRef(9, "card", None, NOW),
        alike=(),
    )
    found = page(bare)
    assert found.head.name == "erased"
    assert found.evidence.summary == "No requests in the last 24 h."


def test_why_has_no_signal_twice() -> None:
    """A signal that is a reason of the case is not told again."""
    found = why(dossier().weighing, KEY, AGAINST[:2])
    assert [line.value for line in found.against] == ["418", "31", "4 %", "87 %"]
