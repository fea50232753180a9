"""Attacks for somebody else's log: of that time, of what the log knows, and in order."""

from itertools import pairwise
from typing import Any

import pytest

from ratelimit.anomaly.simulation.attack import Attack, attack, splice
from ratelimit.anomaly.simulation.cast import ABUSE, NEED_KEYS
from ratelimit.anomaly.simulation.text import label_fields
from ratelimit.core.errors import ConfigError
from ratelimit.core.log_entry import REQUEST, Entry

SPAN_US = (1_671_697_618_000_000, 1_671_697_618_000_000 + 30 * 3_600_000_000)  # a day and a bit, not from midnight


def made(kind: str, seed: int = 1, *, evasive: bool = False, keyed: bool = False) -> Attack:
    return attack(kind, SPAN_US, seed, evasive=evasive, keyed=keyed)


@pytest.mark.parametrize("evasive", [False, True])
@pytest.mark.parametrize("kind", ABUSE)
def test_every_kind_attacks_within_the_log(kind: str, evasive: bool) -> None:
    """In the order of time, between its first and its last entry, and everybody to blame is in it."""
    found = made(kind, evasive=evasive, keyed=True)
    entries = list(found.entries)
    assert SPAN_US[0] <= entries[0].time_us
    assert entries[-1].time_us <= SPAN_US[1]
    assert all(one.time_us <= other.time_us for one, other in pairwise(entries))
    there: dict[str, set[Any]] = {name: {getattr(entry, name) for entry in entries} for name in ("api_key", "account", "ip")}
    labels = [label_fields(label) for label in found.labels]
    assert labels
    assert all(label["abuse"] == kind and label["evasive"] == evasive and label["value"] in there[str(label["target"])] for label in labels)


@pytest.mark.parametrize("evasive", [False, True])
@pytest.mark.parametrize("kind", sorted(ABUSE.keys() - NEED_KEYS))
def test_a_log_of_addresses_gets_requests_of_addresses(kind: str, evasive: bool) -> None:
    """No keys, no accounts, no events, and nothing but what was asked by who is to blame."""
    found = made(kind, evasive=evasive)
    blamed = {label_fields(label)["value"] for label in found.labels}
    assert {label.target for label in found.labels} == {"ip"}
    for entry in found.entries:
        assert (entry.kind, entry.api_key, entry.account, entry.plan) == (REQUEST, None, None, None)
        assert entry.ip in blamed
        assert entry.status


def test_the_evasive_one_is_the_smaller() -> None:
    """Of an address of a botnet much less is seen than of one that tries all by itself."""
    plain, evasive = (list(made("stuffing", evasive=evasive).entries) for evasive in (False, True))
    assert len({entry.ip for entry in plain}) == 1
    bots = {entry.ip for entry in evasive}
    assert len(bots) > 5
    assert len(evasive) / len(bots) < len(plain) / 10


def test_seeds_tell_attacks_apart() -> None:
    """The same seed makes the same attack, another one another."""
    assert list(made("flood").entries) == list(made("flood").entries)
    assert list(made("flood").entries) != list(made("flood", seed=2).entries)


def test_what_cannot_be_made_is_refused() -> None:
    """Abuse of keys needs keys, and a kind has to be one."""
    with pytest.raises(
        ConfigError, match="farming is abuse of keys or accounts, of which this log has none; expected one of scraper_fast, "
    ):
        made("farming")
    with pytest.raises(ConfigError, match="'ddos' is no kind of abuse"):
        made("ddos")


def test_splicing_keeps_the_order_and_loses_nothing() -> None:
    """A log with two attacks in it has all three, by time."""
    log = [Entry(time_us, "GET", "/", "203.0.113.7") for time_us in range(*SPAN_US, 600_000_000)]
    attacks = [list(made(kind).entries) for kind in ("scraper_slow", "stuffing")]
    spliced = list(splice(iter(log), [made("scraper_slow"), made("stuffing")]))
    assert sorted(spliced, key=lambda entry: entry.time_us) == spliced
    assert sorted(map(repr, spliced)) == sorted(map(repr, [*log, *attacks[0], *attacks[1]]))
