"""A simulation in a folder: reproducible, in order, and the truth about it."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ratelimit.anomaly.simulation.folder import LABELS, MANIFEST, PURCHASE_LABELS, PURCHASES, USAGE, simulate
from ratelimit.core.errors import ConfigError
from ratelimit.core.log_entry import REQUEST
from ratelimit.core.log_time import rfc3339_us
from ratelimit.core.ndjson_log import NdjsonLog
from ratelimit.core.usage_event import LIFE_EVENTS

DAYS = 2
SCALE = 0.03  # some 120 honest members and an abuser


def lines(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read()
    return text.splitlines()


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (lines(path) if path.suffix == ".zst" else path.read_bytes().splitlines())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated")
    simulate(out, day_count=DAYS, scale=SCALE)
    return out


def test_a_seed_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Twice the same, and with another seed something else."""
    simulate(tmp_path / "again", day_count=DAYS, scale=SCALE)
    simulate(tmp_path / "other", day_count=DAYS, scale=SCALE, seed=2)
    for name in (USAGE, PURCHASES, LABELS, PURCHASE_LABELS, MANIFEST):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
        assert (folder / name).read_bytes() != (tmp_path / "other" / name).read_bytes()


def test_scale_adds_members_and_changes_nobody(folder: Path, tmp_path: Path) -> None:
    """All lines of a small simulation are in a larger one."""
    simulate(tmp_path, day_count=DAYS, scale=2 * SCALE)
    few, many = set(lines(folder / USAGE)), set(lines(tmp_path / USAGE))
    assert few < many
    assert set(lines(folder / PURCHASES)) < set(lines(tmp_path / PURCHASES))


def test_leaving_out_abuse_changes_nobody_else(folder: Path, tmp_path: Path) -> None:
    """Without its kinds the log lacks their lines, and no other; with `only` one kind is labelled."""
    assert {label["abuse"] for label in read(folder / LABELS)} == {"scraper_fast"}
    manifest = simulate(tmp_path / "without", day_count=DAYS, scale=SCALE, without=frozenset({"scraper_fast"}))
    assert set(lines(tmp_path / "without" / USAGE)) < set(lines(folder / USAGE))
    assert (manifest.labels, (tmp_path / "without" / LABELS).read_bytes()) == ({}, b"")
    assert simulate(tmp_path / "only", day_count=DAYS, scale=SCALE, only=frozenset({"scraper_fast"})).labels
    assert (tmp_path / "only" / USAGE).read_bytes() == (folder / USAGE).read_bytes()


def test_unknown_kinds_are_refused(tmp_path: Path) -> None:
    """With what there is."""
    with pytest.raises(ConfigError, match="'scraping' is no kind of abuse; expected one of scraper_fast, "):
        simulate(tmp_path, without=frozenset({"scraping"}))


def test_usage_is_what_replay_reads(folder: Path) -> None:
    """Every line is one, they are in the order of time, and none of them was refused."""
    parse = NdjsonLog()
    entries = [parse(line) for line in lines(folder / USAGE)]
    assert all(one.time_us <= other.time_us for one, other in pairwise(entries))
    assert {entry.kind for entry in entries} <= {REQUEST, *LIFE_EVENTS}
    requests = [entry for entry in entries if entry.kind == REQUEST]
    assert all(200 <= entry.status < 600 and entry.status != 429 and entry.bytes >= 0 and entry.ip for entry in requests)
    assert {entry.status for entry in requests} >= {200, 202, 303, 401, 404, 422}


def test_labels_are_about_who_is_there(folder: Path) -> None:
    """Each is about somebody in the log, within the simulated time, and was found out after it began."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    usage = read(folder / USAGE)
    there = {
        target: {line.get(field) for line in usage} for target, field in (("api_key", "api_key"), ("account", "account"), ("ip", "ip"))
    }
    labels = read(folder / LABELS)
    assert labels
    for label in labels:
        assert label["value"] in there[label["target"]]
        assert manifest["first"] <= label["from"] < label["until"] <= manifest["until"]
        assert label["from"] < label["known_at"]


def test_manifest_counts_what_was_written(folder: Path) -> None:
    """Lines, purchases, labels, members."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    assert manifest["lines"] == len(lines(folder / USAGE)) == sum(manifest["lines_of"].values())
    assert manifest["purchases"] == len(lines(folder / PURCHASES))
    assert sum(manifest["labels"].values()) == len(read(folder / LABELS))
    assert sum(manifest["members"]["honest"].values()) > 40 * sum(manifest["members"]["plain"].values())


def test_purchases_are_what_the_site_would_send(folder: Path) -> None:
    """In the order of time, with what became of each; an attempt follows only a declined one."""
    purchases = read(folder / PURCHASES)
    assert [one["time"] for one in purchases] == sorted(one["time"] for one in purchases)
    tries: dict[str, list[Any]] = {}
    for one in purchases:
        assert {"id", "attempt", "kind", "account", "amount", "currency", "tokens", "ip", "email", "card", "device", "billing_country",
                "account_created_at", "user_agent", "outcome"} <= one.keys()  # fmt: skip
        assert rfc3339_us(one["account_created_at"]) <= rfc3339_us(one["time"])
        tries.setdefault(one["id"], []).append(one)
    for attempts in tries.values():
        assert [one["attempt"] for one in attempts] == list(range(1, len(attempts) + 1))
        assert all(one["outcome"]["status"] == "declined" for one in attempts[:-1])


def test_purchase_labels_are_about_who_bought(folder: Path) -> None:
    """Each is of an account among the purchases, found out after it began; and they are counted."""
    buyers = {one["account"] for one in read(folder / PURCHASES)}
    labels = read(folder / PURCHASE_LABELS)
    assert labels
    assert {label["abuse"] for label in labels} >= {"stolen_card", "trial_farm"}
    assert {label["value"] for label in labels} <= buyers
    assert all(label["from"] < label["known_at"] for label in labels)
    assert json.loads((folder / MANIFEST).read_bytes())["purchase_labels"] == len(labels)
