"""The page of a replay: what is on it, and what cannot get onto it."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from re import findall

import pytest

from ratelimit.cli.replay_page import page
from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import Entry
from ratelimit.core.policy import Policy
from ratelimit.service.log_reader import LogReader
from ratelimit.service.policy_source import make_policy
from ratelimit.service.replay import Replay

HOSTILE = "</title></svg><script>alert(1)</script>\"'<img src=//a.example onerror=x>\x1b[2J\u202e{{ 7*7 }}&amp;"
VOID = {"meta", "rect", "line"}


class Parsed(HTMLParser):
    """The tags of a page; tells when one is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self._open.pop() == tag


def policy(capacity: int, name: str = "address") -> Policy:
    text = f"{{version: 1, limits: [{{name: {name}, per: [account], bucket: {{capacity: {capacity}, refill: 1/h}}}}]}}"
    return make_policy(text.encode(), HOSTILE)


def made(entries: list[Entry], against: Policy | None = None, reader: LogReader | None = None) -> str:
    run = Replay(policy(1), ApiKeys(bytes(32)), against=against)
    run.run(entries)
    return page(run.report([reader] if reader else [], top=10))


ENTRIES = [Entry(1_671_704_818_000_000 + second * 1_000_000, "GET", "/", account=HOSTILE, user_agent=HOSTILE) for second in range(5)]


@pytest.mark.parametrize("against", [None, policy(3, "stricter")])
def test_text_of_the_log_is_text(against: Policy | None) -> None:
    """Whatever a client calls itself, it makes no tag, loads nothing and hides nothing; the page stays well formed."""
    reader = LogReader(HOSTILE)
    reader.ended_early = HOSTILE
    text = made(ENTRIES, against, reader)
    parsed = Parsed(text)
    assert not {"script", "img", "iframe", "link", "object"} & set(parsed.tags)
    assert not {name for name, _ in parsed.attributes if name.startswith("on") or name in {"src", "href", "style"}}
    assert "http:" not in text
    assert "https:" not in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert "{{ 7*7 }}" in text
    assert "&lt;script&gt;" in text


def test_the_page_lets_in_nothing_but_its_own_style() -> None:
    """Its Content-Security-Policy has the digest of the style that is in it."""
    text = made(ENTRIES)
    (style,) = findall(r"<style>(.*?)</style>", text.replace("\n", "\0"))
    digest = b64encode(sha256(style.replace("\0", "\n").encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text


def test_it_says_what_the_report_says() -> None:
    """The numbers of requests, limits and change are there, and a chart for each policy."""
    alone, compared = made(ENTRIES), made(ENTRIES, policy(3, "stricter"))
    assert "<h1>4 of 5 requests refused</h1>" in alone
    assert (alone.count('class="chart"'), compared.count('class="chart"')) == (1, 2)
    assert "2022-12-22 10:26:59 UTC, 1 s: 0 admitted, 1 refused" in alone
    assert "newly admitted" not in alone
    assert '<td>requests</td><td class="count">1</td><td class="count refused">0</td>' in compared


def test_an_empty_log_makes_a_page() -> None:
    """Without requests there is no chart, and nothing fails."""
    text = made([])
    Parsed(text)
    assert "<h1>0 of 0 requests refused</h1>" in text
    assert 'class="chart"' not in text
