"""Public lists of networks and real access logs, where they lie beside the checkout: what is known of who came."""

import gzip
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratelimit.core.address import format_address, parse_address
from ratelimit.core.agent import AgentClass
from ratelimit.service.address_book import AddressBook, Sources

DATA = Path(os.environ.get("RATELIMIT_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture(scope="module")
def book() -> AddressBook:
    """Knows the public lists."""
    if not (DATA / "ip").is_dir():
        pytest.skip(f"no public lists of networks in {DATA / 'ip'} (RATELIMIT_TEST_DATA says where)")
    return AddressBook(Sources(str(DATA / "ip")))


def callers(name: str) -> Iterator[tuple[bytes, str]]:
    """Address and user agent of each line of a combined log."""
    with gzip.open(DATA / "logs" / name, "rt", errors="replace") as log:
        for line in log:
            packed = parse_address(line.partition(" ")[0])
            if packed is not None:
                yield packed, line.rstrip().rstrip('"').rpartition('"')[2]


def test_known_addresses(book: AddressBook) -> None:
    """Google's crawler, Apple's relay and a hosting company are told apart, in both kinds of address."""
    for address in ("66.249.66.1", "2001:4860:4801:4d::"):
        packed = parse_address(address)
        assert packed is not None
        assert book.facts(packed).crawler == "googlebot"
        assert book.agent_class(GOOGLE, book.facts(packed)) is AgentClass.CRAWLER
    relay, hosting = book.facts(bytes([104, 28, 28, 1])), book.facts(bytes([1, 12, 0, 1]))
    assert (relay.relay, relay.vpn, relay.hosting) == (True, False, False)
    assert (hosting.relay, hosting.hosting, hosting.crawler) == (False, True, None)
    assert book.agent_class(GOOGLE, hosting) is AgentClass.IMPOSTOR


@pytest.mark.parametrize("day", ["2021-10-22", "2022-12-22"])
def test_nobody_honest_is_an_impostor(book: AddressBook, day: str) -> None:
    """In two real days crawlers with public networks come from there: all are verified, and none is an impostor."""
    found = Counter(book.agent_class(agent, book.facts(packed)) for packed, agent in callers(f"web-{day}.log.gz"))
    verified = Counter(book.facts(packed).crawler for packed, agent in callers(f"web-{day}.log.gz") if "bot/" in agent)
    assert found[AgentClass.IMPOSTOR] == 0
    assert verified["bing"] > 20
    assert verified["googlebot"] > 2
    assert min(found[one] for one in (AgentClass.BROWSER, AgentClass.LIBRARY, AgentClass.CRAWLER, AgentClass.NONE)) >= 5


def test_hosting_is_no_verdict(book: AddressBook) -> None:
    """More than half of a real day's callers come from hosting networks, browsers among them."""
    hosted = [agent for packed, agent in callers("web-2022-12-22.log.gz") if book.facts(packed).hosting]
    assert len(hosted) > 631
    assert any(book.agent_class(agent, None) is AgentClass.BROWSER for agent in hosted)


def test_impostors_of_2015(book: AddressBook) -> None:
    """Who called itself Googlebot in 2015 from networks that were never Google's is found."""
    found = {
        packed
        for packed, agent in callers("web-2015.log.gz")
        if "Googlebot" in agent and book.agent_class(agent, book.facts(packed)) is AgentClass.IMPOSTOR
    }
    assert {format_address(packed) for packed in found} == {"46.118.127.106", "177.37.188.215", "188.35.22.24", "200.141.109.74"}
