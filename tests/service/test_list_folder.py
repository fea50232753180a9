"""A folder with lists: what its files are called, which can be used, and what stays of those that no longer can."""

import os
from ipaddress import ip_address
from pathlib import Path

import pytest

from ratelimit.core.address_facts import LISTS, AddressFacts
from ratelimit.core.errors import ConfigError
from ratelimit.service.list_folder import Lists, read_lists


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.txt").write_text(text)


def facts(lists: Lists, address: str) -> AddressFacts:
    return lists.networks.facts(ip_address(address).packed, None)


def test_files_of_a_list_are_together(tmp_path: Path) -> None:
    """The files of a list are one list, whatever their names say of the kind of address."""
    write(tmp_path, vpn_v4="192.0.2.0/24", vpn_v6="2001:db8::/32\n203.0.113.9", vpn="198.51.100.0/24", datacenter="192.0.2.0/24")
    lists = read_lists(tmp_path)
    assert [facts(lists, one).vpn for one in ("192.0.2.1", "198.51.100.1", "203.0.113.9", "203.0.113.8")] == [True, True, True, False]
    assert facts(lists, "2001:db8::").vpn is True
    assert (facts(lists, "192.0.2.1").hosting, facts(lists, "2001:db8::").hosting) == (True, None)
    assert (lists.count, lists.refused, lists.warnings) == (5, (), ())


@pytest.mark.parametrize("name", LISTS)
def test_every_list_has_a_file(tmp_path: Path, name: str) -> None:
    """Each list is read from the file that is called like it, and changes what is known."""
    (tmp_path / f"{name}-v4.txt").write_text("192.0.2.0/24")
    lists = read_lists(tmp_path)
    found = facts(lists, "192.0.2.1")
    assert name in {"datacenter": found.hosting, "vpn": found.vpn, "apple-proxy": found.relay, found.crawler: found.crawler}
    assert lists.warnings == ()


def test_other_names_are_told(tmp_path: Path) -> None:
    """A file that is called like no list is named, with the list that it may be meant for; hidden ones are nobody's business."""
    write(tmp_path, vpn="192.0.2.0/24", datacentre_v4="192.0.2.0/24", bings="192.0.2.0/24")
    for name in (".hidden", "vpn-v4.csv", "README"):
        (tmp_path / name).touch()
    lists = read_lists(tmp_path)
    assert [warning.partition(";")[0] for warning in lists.warnings] == [
        f"{tmp_path}: 'README' is not read",
        f"{tmp_path}: 'bings.txt' is not read (did you mean 'bing'?)",
        f"{tmp_path}: 'datacentre-v4.txt' is not read (did you mean 'datacenter'?)",
        f"{tmp_path}: 'vpn-v4.csv' is not read",
    ]


def test_broken_lines_are_told(tmp_path: Path) -> None:
    """What is no network is counted for each file, with the first by line, and the rest is used."""
    write(tmp_path, vpn="192.0.2.0/24\nhere\nthere\n", bing="192.0.2.0/24\n1.2.3\n")
    lists = read_lists(tmp_path)
    assert [warning.partition(" is no network;")[0] for warning in lists.warnings] == [
        f"{tmp_path}/bing.txt: 1 of 2 lines are no network: {tmp_path}/bing.txt:2: '1.2.3'",
        f"{tmp_path}/vpn.txt: 2 of 3 lines are no network: {tmp_path}/vpn.txt:2: 'here'",
    ]
    assert facts(lists, "192.0.2.1").vpn is True
    assert lists.refused == ()


def test_the_last_good_content_stays(tmp_path: Path) -> None:
    """A file that cannot be used any more is as it was, while others change. One that never could is not there, nor one that is gone."""
    write(tmp_path, vpn="192.0.2.0/24", datacenter="192.0.2.0/24", apple_proxy="198.51.100.0/24")
    before = read_lists(tmp_path)
    write(tmp_path, vpn="", datacenter="203.0.113.0/24", bing="<html>")
    (tmp_path / "apple-proxy.txt").unlink()
    lists = read_lists(tmp_path, before)
    found = facts(lists, "192.0.2.1")
    assert (found.vpn, found.hosting, found.relay, found.checked) == (True, False, None, frozenset())
    assert [problem.partition(": none of its lines is a network;")[0] for problem in lists.refused] == [
        f"{tmp_path}/bing.txt:1: '<html>' is no network; expected a network such as 192.0.2.0/24 or 2001:db8::/32, or an address",
        f"{tmp_path}/bing.txt",
        f"{tmp_path}/vpn.txt",
    ]


def test_what_is_no_file(tmp_path: Path) -> None:
    """A pipe, a folder and a link to nothing are refused at once."""
    os.mkfifo(tmp_path / "vpn.txt")
    (tmp_path / "bing.txt").mkdir()
    (tmp_path / "openai.txt").symlink_to("nowhere")
    assert [problem.removeprefix(f"{tmp_path}/") for problem in read_lists(tmp_path).refused] == [
        "bing.txt: is not a plain file; expected networks, one a line",
        "openai.txt: cannot be read (No such file or directory); expected networks, one a line",
        "vpn.txt: is not a plain file; expected networks, one a line",
    ]


def test_no_folder(tmp_path: Path) -> None:
    """What is no folder, or has no list in it, is refused with the names that are known."""
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    expected = {
        "none": "cannot be read (No such file or directory); expected a folder with the lists datacenter, vpn, apple-proxy",
        "file": "cannot be read (Not a directory); expected a folder with",
        "empty": "none of the 0 files in it is called like a list; expected the lists datacenter, vpn",
        "a\0b": "cannot be read (embedded null byte)",
    }
    for name, problem in expected.items():
        with pytest.raises(ConfigError) as refused:
            read_lists(tmp_path / name)
        assert str(refused.value).startswith(f"{tmp_path / name}: {problem}")
