"""Lists in files of their own: read from the policy's folder, with all problems at once, and again when they change."""

from pathlib import Path

import pytest

from ratelimit.core.address import parse_address
from ratelimit.core.errors import ConfigError
from ratelimit.core.identity import Caller
from ratelimit.core.policy import Policy
from ratelimit.service.address_book import AddressBook
from ratelimit.service.policy_source import read_policy
from ratelimit.service.reload import Reload

HEAD = "version: 1\nlimits:\n  - {name: a, per: [ip], bucket: {capacity: 1, refill: 1/s}}\nlists:\n"
BANNED = "  - {name: banned, then: block, file: lists/banned.txt}\n"


class Folder:
    """A policy with lists beside it."""

    def __init__(self, path: Path) -> None:
        self.policy, self.lists = path / "ratelimit.yaml", path / "lists"
        self.lists.mkdir()
        self.write(BANNED)

    def write(self, *lists: str) -> None:
        self.policy.write_text(HEAD + "".join(lists))

    def put(self, name: str, *items: str) -> Path:
        path = self.lists / f"{name}.txt"
        path.write_text("".join(f"{item}\n" for item in items))
        return path

    def read(self) -> Policy:
        return read_policy(self.policy)

    def problems(self) -> list[str]:
        with pytest.raises(ConfigError) as refused:
            self.read()
        return [problem.replace(str(self.lists), "lists").replace(str(self.policy), "policy") for problem in refused.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def on(policy: Policy, *, account: str | None = None, ip: str | None = None) -> list[str]:
    """The lists that decide about a caller."""
    caller = Caller(ip=parse_address(ip) if ip is not None else None, account=account)
    return [it.rule.name for it in policy.lists.of_caller(caller, 1.0)]


def test_items_of_a_file(folder: Folder) -> None:
    """One item a line, comments and empty lines aside."""
    folder.put("banned", "# who is banned", "", "203.0.113.0/24  # a network", "account:a#1", "2001:db8::/32")
    policy = folder.read()
    assert policy.lists.all[0].entries == 3
    assert on(policy, ip="203.0.113.9") == on(policy, account="a#1") == on(policy, ip="2001:db8:1::") == ["banned"]
    assert on(policy, ip="203.0.114.9", account="a") == []


def test_file_that_is_not_there(folder: Folder) -> None:
    """It is said which list names it."""
    assert folder.problems() == [
        "policy: $.lists[0].file: lists/banned.txt: cannot be read (No such file or directory); expected a list, one item a line"
    ]


def test_broken_lines(folder: Folder) -> None:
    """The first broken lines of every file are quoted, with file and line, and the rest is counted."""
    folder.write(BANNED, "  - {name: hosting, signal: hosting, file: lists/hosting.txt}\n")
    folder.put("banned", "198.51.100.7", *(f"acount:{number}" for number in range(8)))
    folder.put("hosting", "account:42")
    first, *rest = folder.problems()
    assert first.startswith("lists/banned.txt:2: 'acount:0' is not a subject or an entity (did you mean 'account'?)")
    assert rest[4] == "lists/banned.txt: 3 more of its 9 items cannot be used"
    assert rest[5].startswith("lists/hosting.txt:1: account:42 has no address")


def test_a_line_that_is_everybody(folder: Folder) -> None:
    """A network that most callers are in is refused in a file, whatever feed wrote it; the policy itself may name it."""
    folder.put("banned", "203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/8", "::/1")
    assert [problem.partition(" is met by")[0] for problem in folder.problems()] == [
        "lists/banned.txt:2: 0.0.0.0/0",
        "lists/banned.txt:4: ::/1",
    ]
    folder.write("  - {name: closed, then: block, subjects: [0.0.0.0/0]}\n")
    assert on(folder.read(), ip="203.0.113.9") == ["closed"]


def test_empty_file(folder: Folder) -> None:
    """A list that names nobody was probably cut off."""
    folder.put("banned", "# nobody")
    assert folder.problems() == ["lists/banned.txt: names nobody; expected one item a line"]


def test_warnings(folder: Folder) -> None:
    """What is strange is said, and stays in force."""
    folder.put("banned", "198.51.100.7", "198.51.100.7")
    folder.write(
        BANNED,
        "  - {name: office, then: allow, subjects: [198.51.100.7]}\n",
        "  - {name: old, then: allow, subjects: [203.0.113.1], until: 2001-01-01}\n".replace("2001-01-01", '"2001-01-01"'),
    )
    assert [warning for warning in folder.read().warnings if "lists" in warning] == [
        "$.lists[0]: banned names 1 of its items more than once",
        "$.lists[2].until: old ended at 2001-01-01, so it says nothing any more",
        "$.lists[1]: office allows 198.51.100.7, which banned blocks, and a block beats an allow",
    ]


def test_digest_is_of_the_lists_too(folder: Folder) -> None:
    """Records name a policy by its digest, and other items are another policy."""
    folder.put("banned", "account:1")
    before = folder.read().digest
    folder.put("banned", "account:2")
    assert folder.read().digest != before


async def test_reload(folder: Folder) -> None:
    """A list that changes is taken up; a broken or missing one leaves the last good one in force; mended, it is taken again."""
    path = folder.put("banned", "account:1")
    swapped: list[Policy] = []
    reload = Reload(folder.policy, folder.read(), swapped.append, lambda _policy: None)

    async def look() -> None:
        for _ in range(2):
            await reload.look()

    await look()
    folder.put("banned", "account:2")
    await look()
    assert [on(policy, account="2") for policy in swapped] == [["banned"]]
    folder.put("banned", "acount:3!")
    await look()
    assert reload.state.problems[0].startswith(f"{path}:1: ")
    path.unlink()
    await look()
    assert "cannot be read" in reload.state.problems[0]
    assert len(swapped) == 1
    folder.put("banned", "account:4", "account:5")
    await look()
    assert (on(swapped[-1], account="4"), reload.state.problems, reload.state.failed) == (["banned"], [], 2)


def test_signals(folder: Folder) -> None:
    """A list that feeds a signal decides nothing, and says of addresses what nobody else does."""
    folder.put("banned", "account:1")
    folder.write(
        BANNED, "  - {name: dc, signal: hosting, subjects: [203.0.113.0/24]}\n  - {name: v, signal: vpn, subjects: [2001:db8::/32]}\n"
    )
    policy, book = folder.read(), AddressBook()
    inside, outside = (parse_address(text) or b"" for text in ("203.0.113.9", "198.51.100.9"))
    assert book.facts(inside).hosting is None
    book.adopt(policy)
    assert (book.facts(inside).hosting, book.facts(outside).hosting, book.facts(inside).vpn) == (True, False, None)
    assert on(policy, ip="203.0.113.9") == []
