"""Reading user agents: who is a browser, who a program, who a crawler, and which crawler."""

import re

import crawleruseragents
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.core.agent import MAX_AGENT, AgentClass
from ratelimit.service.agent_reader import AgentReader

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
READER = AgentReader()


@pytest.mark.parametrize(
    ("agent", "agent_class"),
    [
        (None, AgentClass.NONE), ("", AgentClass.NONE), ("-", AgentClass.NONE), (" \t", AgentClass.NONE),
        (CHROME, AgentClass.BROWSER),
        (f"{CHROME} Edg/140.0.0.0", AgentClass.BROWSER),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
         AgentClass.BROWSER),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", AgentClass.BROWSER),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
         AgentClass.BROWSER),
        ("Opera/9.80 (X11; Linux x86_64) Presto/2.12.388 Version/12.16", AgentClass.BROWSER),
        ("curl/8.1.2", AgentClass.LIBRARY), ("Wget/1.21", AgentClass.LIBRARY), ("python-requests/2.32", AgentClass.LIBRARY),
        ("Python/3.13 aiohttp/3.14", AgentClass.LIBRARY), ("python-httpx/0.28", AgentClass.LIBRARY),
        ("Go-http-client/2.0", AgentClass.LIBRARY), ("Java/21", AgentClass.LIBRARY), ("okhttp/4.12", AgentClass.LIBRARY),
        ("Apache-HttpClient/4.5 (Java/17)", AgentClass.LIBRARY), ("axios/1.7", AgentClass.LIBRARY), ("undici", AgentClass.LIBRARY),
        ("acme-sdk/3 (for our own API)", AgentClass.LIBRARY), ("GuzzleHttp/7", AgentClass.LIBRARY),
        ("Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041", AgentClass.LIBRARY),
        ("Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)", AgentClass.LIBRARY),
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", AgentClass.CRAWLER),
        (f"{CHROME} (compatible; SomethingNew/0.1; +https://example.com/why)", AgentClass.CRAWLER),
        ("Mozilla/5.0 (compatible; NobodyKnowsItBot/1.0)", AgentClass.CRAWLER),
        (CHROME.replace("Chrome", "HeadlessChrome"), AgentClass.CRAWLER),
        ("x" * 100_000, AgentClass.LIBRARY), ("\ud800\0\x1b[", AgentClass.LIBRARY),
    ],
)  # fmt: skip
def test_class(agent: str | None, agent_class: AgentClass) -> None:
    """A client is what it says."""
    assert READER.read(agent).agent_class is agent_class


@pytest.mark.parametrize(
    ("agent", "crawlers"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", {"googlebot"}),
        (f"{CHROME} (compatible; Googlebot/2.1;+http://www.google.com/bot.html)", {"googlebot"}),
        ("Googlebot-Image/1.0", {"googlebot"}), ("Googlebot-News", {"googlebot"}), ("googlebot", {"googlebot"}),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/140.0",
         {"bing"}),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.1; +https://openai.com/gptbot", {"openai"}),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot", {"openai"}),
        ("Mozilla/5.0 (compatible; OAI-SearchBot/1.0; +https://openai.com/searchbot", {"openai"}),
        ("DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)", {"duckduckbot"}),
        ("Mozilla/5.0 (compatible; DuckDuckBot-Https/1.1; https://duckduckgo.com/duckduckbot)", {"duckduckbot"}),
        ("Googlebot/2.1 bingbot/2.0", {"googlebot", "bing"}),
        ("Mozilla/5.0 (compatible; adidxbot/2.0; +http://www.bing.com/bingbot.htm)", set()),
        ("Mediapartners (Googlebot)", set()), ("AdsBot-Google (+http://www.google.com/adsbot.html)", set()),
        ("Mozilla/5.0 (compatible; notgooglebot/2.1)", set()), ("notbingbot/2.0 notgptbot/1.0 notduckduckbot/1.0", set()), (CHROME, set()),
    ],
)  # fmt: skip
def test_verifiable_crawlers(agent: str, crawlers: set[str]) -> None:
    """A crawler is known by its product token, in any case, and not by an address that it gives."""
    assert READER.read(agent).crawlers == crawlers


def test_the_whole_list_is_read() -> None:
    """Whatever the package calls a crawler and no library, is one; its examples are read as its patterns say."""
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        if "http-library" not in entry["tags"]:
            for agent in entry["instances"]:
                if re.search(entry["pattern"], agent[:MAX_AGENT]):
                    assert READER.read(agent).agent_class is AgentClass.CRAWLER, agent


def test_the_end_of_a_long_agent_is_not_read() -> None:
    """What stands behind the first characters does not count, so nobody makes us read much."""
    assert READER.read("Mozilla/5.0 " + "x" * (MAX_AGENT - 12) + " Googlebot/2.1").crawlers == set()


@given(st.text(st.characters(), max_size=600))
def test_nothing_breaks_it(agent: str) -> None:
    """Whatever a client writes is read, and the second time the same."""
    assert READER.read(agent) == READER.read(agent)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many agents come, a bounded number is remembered, and all are read."""
    monkeypatch.setattr("ratelimit.service.agent_reader._MOST_KEPT", 10)
    reader = AgentReader()
    for number in range(100):
        assert reader.read(f"curl/{number}").agent_class is AgentClass.LIBRARY
        assert len(reader._known) <= 10
