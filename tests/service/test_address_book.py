"""The address book: one place that knows, keeps what it knows in bounds, and follows the files."""

import asyncio
import os
import shutil
from ipaddress import ip_address
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ratelimit.core.agent import AgentClass
from ratelimit.service.address_book import MOST_KEPT, AddressBook, Sources
from tests.service.test_country import database

GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ADDRESS = ip_address("192.0.2.1").packed


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "googlebot-v4.txt").write_text("192.0.2.0/24\n")
    return folder


async def look_twice(book: AddressBook) -> None:
    await book.look()
    await book.look()


def test_without_sources() -> None:
    """Without any file the country is known, nothing else is, and no crawler is called an impostor."""
    book = AddressBook()
    facts = book.facts(bytes([8, 8, 8, 8]))
    assert (facts.country, facts.hosting, facts.network) == ("US", None, bytes([8, 8, 8, 0]))
    assert book.agent_class(GOOGLE, facts) is AgentClass.CRAWLER
    assert book.agent_class(None, None) is AgentClass.NONE


def test_crawlers_are_verified(lists: Path) -> None:
    """A crawler is one from its networks, and an impostor from elsewhere."""
    book = AddressBook(Sources(str(lists)))
    here, elsewhere = book.facts(ADDRESS), book.facts(bytes([192, 0, 3, 1]))
    assert [book.agent_class(GOOGLE, facts) for facts in (here, elsewhere, None)] == [
        AgentClass.CRAWLER,
        AgentClass.IMPOSTOR,
        AgentClass.CRAWLER,
    ]
    assert book.agent_class("curl/8", elsewhere) is AgentClass.LIBRARY


def test_memory_is_bounded() -> None:
    """However many addresses come, a bounded number is remembered."""
    book = AddressBook()
    for number in range(MOST_KEPT + 100):
        book.facts(number.to_bytes(4))
        assert len(book._facts) <= MOST_KEPT
    assert book.facts(bytes([8, 8, 8, 8])).country == "US"


@pytest.mark.parametrize(
    ("file", "content", "known"),
    [
        ("googlebot-v4.txt", "192.0.9.0/24\n", ("SE", None, False)),  # as long as before
        ("apple-proxy.txt", "192.0.2.1", ("SE", "googlebot", False)),
        ("vpn.txt", "192.0.2.1", ("SE", "googlebot", True)),
        ("vpn.txt", None, ("SE", "googlebot", None)),
        ("../c.mmdb", "NO", ("NO", "googlebot", False)),
    ],
)
async def test_a_changed_file_is_read_again(
    lists: Path, tmp_path: Path, file: str, content: str | None, known: tuple[str, str | None, bool | None]
) -> None:
    """A file that was written, added or removed is read once two looks find it the same, and then what was known is forgotten."""
    (lists / "vpn.txt").write_text("198.51.100.0/24")
    countries = database(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country": "SE"}})
    book = AddressBook(Sources(str(lists), str(countries)))
    before = book.facts(ADDRESS)
    assert (before.country, before.crawler, before.vpn) == ("SE", "googlebot", False)
    if content is None:
        (lists / file).unlink()
    elif file.endswith(".mmdb"):
        database(lists / file, {"192.0.2.0/24": {"country": content}})
    else:
        (lists / file).write_text(content)
    await book.look()
    assert book.facts(ADDRESS) is before
    await book.look()
    facts = book.facts(ADDRESS)
    assert facts is not before
    assert (facts.country, facts.crawler, facts.vpn) == known


async def test_unchanged_files_are_left_alone(lists: Path) -> None:
    """Nothing is read while the files are the same."""
    book = AddressBook(Sources(str(lists)))
    before = book.facts(ADDRESS)
    await look_twice(book)
    assert book.facts(ADDRESS) is before


async def test_what_cannot_be_used_leaves_the_last_good(lists: Path, tmp_path: Path) -> None:
    """Broken files are said once and leave what was in force; sound ones after them are taken."""
    countries = database(tmp_path / "c.mmdb", {"192.0.2.0/24": {"country": "SE"}})
    book = AddressBook(Sources(str(lists), str(countries)))
    (lists / "googlebot-v4.txt").write_text("")
    os.truncate(countries, 10)
    with capture_logs() as logs:
        for _ in range(5):
            await book.look()
    assert (book.facts(ADDRESS).country, book.facts(ADDRESS).crawler) == ("SE", "googlebot")
    (said,) = (entry["problems"] for entry in logs if entry["log_level"] == "error")
    assert [problem.partition(": ")[0] for problem in said] == [f"{lists}/googlebot-v4.txt", str(countries)]
    (lists / "googlebot-v4.txt").write_text("198.51.100.0/24")
    await look_twice(book)
    assert book.facts(ADDRESS).crawler is None


async def test_a_folder_that_is_gone_leaves_the_last_good(lists: Path) -> None:
    """A folder that cannot be read any more is no empty one."""
    book = AddressBook(Sources(str(lists)))
    shutil.move(lists, lists.with_name("away"))
    await look_twice(book)
    assert book.facts(ADDRESS).crawler == "googlebot"


def test_all_problems_are_told(lists: Path, tmp_path: Path) -> None:
    """Everything that cannot be used is told, and what can be is in force; of sound sources and of none there is nothing to tell."""
    (lists / "vpn.txt").write_text("nothing here")
    book = AddressBook(Sources(str(lists), str(tmp_path / "none.mmdb")))
    assert [problem.partition(": ")[0] for problem in book.refused] == [
        f"{lists}/vpn.txt:1",
        f"{lists}/vpn.txt",
        str(tmp_path / "none.mmdb"),
    ]
    assert (book.facts(ADDRESS).crawler, book.facts(ADDRESS).vpn) == ("googlebot", None)
    (lists / "vpn.txt").unlink()
    assert AddressBook(Sources(str(lists))).refused == []
    assert AddressBook().refused == []


async def test_run_looks_until_cancelled(lists: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task says what it began with, keeps looking by itself, says what it found, and ends when it is cancelled."""
    monkeypatch.setattr("ratelimit.service.address_book.LOOK_EVERY_S", 0)
    book, said, looked = AddressBook(Sources(str(lists))), list[int](), asyncio.Event()
    say = book._say

    def listen() -> None:
        said.append(book._known.lists.count)
        say()
        if len(said) == 2:
            looked.set()

    monkeypatch.setattr(book, "_say", listen)
    task = asyncio.create_task(book.run())
    (lists / "vpn.txt").write_text("192.0.2.1")
    await looked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert said == [1, 2]
