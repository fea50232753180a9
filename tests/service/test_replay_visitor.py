"""Who is told apart in a comparison, and who looks honest."""

from typing import Any

import pytest

from ratelimit.core.identity import Caller
from ratelimit.core.log_entry import Entry
from ratelimit.service.replay_visitor import HONEST, MOST_A_MINUTE, Visitor, Who, is_browser, who

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ASKED = Entry(0, "GET", "/", "203.0.113.7", status=200, user_agent=FIREFOX)
MINUTE_US = 60_000_000


def honest(*entries: Entry, agents_logged: bool = True) -> bool:
    visitor = Visitor()
    for entry in entries:
        visitor.note(entry.time_us, entry, refused=False, against=False)
    return visitor.looks_honest(agents_logged=agents_logged)


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        (Caller("k", b"\1\2\3\4", "a"), ("api_key", "k")),
        (Caller(None, b"\1\2\3\4", "a"), ("account", "a")),
        (Caller(None, b"\1\2\3\4"), ("ip", b"\1\2\3\4")),
        (Caller(), None),
    ],
)
def test_a_caller_is_known_by_what_is_most_its_own(caller: Caller, name: Who | None) -> None:
    """Its key, else its account, else its address, else by nothing."""
    assert who(caller) == name


@pytest.mark.parametrize(
    ("changes", "agents_logged", "looks_honest"),
    [
        ({}, True, True),
        ({"status": 404}, True, True),
        ({"status": 401}, True, False),
        ({"status": 403}, True, False),
        ({"user_agent": "curl/8.5.0"}, True, False),
        ({"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, True, False),
        ({"user_agent": None}, True, False),
        ({"user_agent": None}, False, True),
        ({"user_agent": "curl/8.5.0", "api_key": "k"}, True, True),
        ({"user_agent": None, "account": "a"}, True, True),
        ({"status": 403, "account": "a"}, True, False),
    ],
)
def test_one_sign_is_enough(changes: dict[str, Any], agents_logged: bool, looks_honest: bool) -> None:
    """Each sign against a caller counts once it was seen, whatever came before and after; agents count where there is no key or account."""
    assert honest(ASKED, ASKED._replace(**changes), ASKED, agents_logged=agents_logged) is looks_honest


@pytest.mark.parametrize(("requests", "looks_honest"), [(MOST_A_MINUTE, True), (MOST_A_MINUTE + 1, False)])
def test_a_pace_nobody_reads_at_is_a_sign(requests: int, looks_honest: bool) -> None:
    """What comes in one minute of the clock counts, and a slow time afterwards takes nothing back."""
    entries = [ASKED._replace(time_us=MINUTE_US + number) for number in range(requests)]
    assert honest(ASKED, *entries, ASKED._replace(time_us=5 * MINUTE_US)) is looks_honest


def test_a_steady_pace_is_counted_by_the_minute() -> None:
    """Many requests over many minutes are no sign."""
    assert honest(*(ASKED._replace(time_us=number * MINUTE_US // MOST_A_MINUTE) for number in range(10 * MOST_A_MINUTE)))


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        (FIREFOX, True),
        ("Mozilla/5.0 (X11) HeadlessChrome/140", False),
        ("Mozilla/4.0", False),
        ("Mozilla/5.0 (x; see HTTPS://a.example)", False),
        ("", False),
    ],
)
def test_a_browser_says_nothing_else(agent: str, browser: bool) -> None:
    """An agent that declares a program is none of a browser, whatever it begins with."""
    assert is_browser(agent) is browser


def test_the_rule_in_words_says_the_number() -> None:
    """What is printed is what is done."""
    assert f"at most {MOST_A_MINUTE} requests" in HONEST
