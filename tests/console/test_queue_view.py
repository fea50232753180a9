"""The queue as its page shows it."""

from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from ratelimit.console.queue_query import address, filter_of
from ratelimit.console.queue_view import queue_view
from ratelimit.core.principal import Principal
from ratelimit.ledger.cases import Money, QueueFilter
from ratelimit.ledger.views import SavedView
from ratelimit.web.problems import ClientError
from tests.console.conftest import MIRA, NOW
from tests.console.queue_sample import sample

VIEWER = Principal(id=9, login="vic", name="Vic", role="viewer", via="session")


@pytest.mark.parametrize(
    "wanted",
    [
        QueueFilter(),
        QueueFilter(tab="mine", sort="due"),
        QueueFilter(subject="api_key", opened_by="rule", priority=1, within_s=86_400.0, text="a&b=c #?", most=20),
        QueueFilter(after="12.2250"),
    ],
)
def test_a_filter_is_its_address(wanted: QueueFilter) -> None:
    """What stands in the URL is the filter, the whole filter, and no more than what differs from the usual."""
    where = address(wanted, after=wanted.after)
    assert filter_of(parse_qsl(urlsplit(where).query)) == wanted
    assert address(QueueFilter()) == "/queue"


@pytest.mark.parametrize(
    "query", [{"tab": "theirs"}, {"priority": "9"}, {"most": "100000"}, {"colour": "red"}, {"within_s": "-1"}, {"text": "x" * 300}]
)
def test_what_is_no_filter(query: dict[str, str]) -> None:
    """A filter that there is not is the client's mistake."""
    with pytest.raises(ClientError) as caught:
        filter_of(query.items())
    assert caught.value.problem.status == 422


def test_changing_a_filter_goes_to_the_first_page() -> None:
    """Where one was in the old order says nothing in the new one."""
    assert address(QueueFilter(tab="mine", after="12.3"), sort="money") == "/queue?tab=mine&sort=money"


def test_lines() -> None:
    """A row says who, why, how much, until when, who has it, and what was done."""
    view = queue_view(sample(NOW), QueueFilter(), MIRA, NOW)
    spray, testing, key = view.lines[:3]
    assert (spray.name, spray.owner_more, spray.cause) == ("203.0.113.0/24", "13 months", "rule login-spray")
    assert (spray.due, spray.soon, spray.late, spray.open_for) == ("26 min", True, False, "3 h 04")
    assert (spray.assignee, spray.reading, spray.mine) == ("Tomas Okafor", True, False)
    assert (testing.due, testing.late, testing.owner, testing.owner_more) == ("12 min over", True, "q•••@mailbox.test", "free")
    assert (key.owner, key.owner_more, key.cause, key.decision, key.acted) == (
        "Halden Studio",
        "pro, 20 months",
        "risk 0.9994",
        "throttle",
        "Throttled",
    )


def test_states_of_the_last_action() -> None:
    """What nobody touched says so, and so does what woke."""
    lines = {line.number: line for line in queue_view(sample(NOW), QueueFilter(), MIRA, NOW).lines}
    assert [(lines[number].decision, lines[number].acted) for number in (2276, 2266)] == [("", "No action yet"), ("", "Snoozed once")]
    assert lines[2266].mine
    assert (lines[2250].name, lines[2250].blind) == ("erased", True)


def test_when_it_comes_back() -> None:
    """What is put off says until when; what has woken is as due as ever."""
    row = msgspec.structs.replace(sample(NOW).rows[0], snoozed_until=NOW + 60.0)
    page = msgspec.structs.replace(sample(NOW), rows=(row,))
    assert [queue_view(page, QueueFilter(tab="snoozed"), MIRA, now).lines[0].snoozed_until for now in (NOW, NOW + 61)] == [NOW + 60.0, None]


def test_a_lock_that_lapsed_is_none() -> None:
    """Nobody is reading whose lock has ended."""
    view = queue_view(sample(NOW), QueueFilter(), MIRA, NOW + 601)
    assert (view.lines[0].reading, view.lines[0].assignee) == (False, "")


def test_viewers_see_masked() -> None:
    """A viewer sees no address whole, and no account's name."""
    names = {line.kind: line.name for line in queue_view(sample(NOW), QueueFilter(), VIEWER, NOW).lines}
    assert names["ip"] == "198.51.100.•"
    assert [line.name for line in queue_view(sample(NOW), QueueFilter(), VIEWER, NOW).lines][1] == "acc_8•••"
    assert not queue_view(sample(NOW), QueueFilter(), VIEWER, NOW).may_act


def test_filters_can_be_taken_off() -> None:
    """Each filter in force is a chip, with the address of the page without it."""
    view = queue_view(sample(NOW), QueueFilter(tab="mine", subject="ip", within_s=86_400.0), MIRA, NOW)
    assert [(chip.name, chip.value, chip.off) for chip in view.chips] == [
        ("Subject", "address", "/queue?tab=mine&within_s=86400"),
        ("Opened", "within 24 h", "/queue?tab=mine&subject=ip"),
    ]
    assert view.view_name == "Custom"


def test_saved_views() -> None:
    """The view that one looks at is marked, also one's own."""
    view = queue_view(
        sample(NOW), QueueFilter(sort="blast", priority=1), MIRA, NOW, [SavedView(4, "Mine, shared", "priority=1&sort=blast")]
    )
    assert (view.view_name, [one.words for one in view.views if one.current]) == ("Mine, shared", ["Mine, shared"])
    assert queue_view(sample(NOW), QueueFilter(), MIRA, NOW).view_name == "Default"


def test_tabs_keep_the_order() -> None:
    """Another tab has the same order and no other filter; its count is told."""
    view = queue_view(sample(NOW), QueueFilter(sort="due", text="x"), MIRA, NOW)
    assert [(tab.href, tab.count, tab.current) for tab in view.tabs[:2]] == [
        ("/queue?sort=due", 23, True),
        ("/queue?tab=mine&sort=due", 4, False),
    ]


def test_sums_in_several_currencies() -> None:
    """Money of two currencies is never added."""
    page = sample(NOW)
    totals = msgspec.structs.replace(page.totals, at_risk=(Money(641_200, "EUR"), Money(8_400, "USD")))
    assert queue_view(msgspec.structs.replace(page, totals=totals), QueueFilter(), MIRA, NOW).at_risk == "€6,412 and $84"


def test_nothing_is_nothing_of_the_usual_currency() -> None:
    """A row without money has no currency of its own, and is shown in the one that others have."""
    page = sample(NOW)
    totals = msgspec.structs.replace(page.totals, at_risk=(Money(8_400, "USD"),))
    lines = {line.number: line for line in queue_view(msgspec.structs.replace(page, totals=totals), QueueFilter(), MIRA, NOW).lines}
    assert (lines[2266].currency, lines[2285].currency) == ("USD", "EUR")
