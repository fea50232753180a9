"""`ratelimit train purchases`, and what calibrate, evaluate and show make of its model."""

from pathlib import Path

import pytest
import zstandard

from ratelimit.anomaly.simulation.folder import PURCHASE_LABELS, PURCHASES, simulate
from ratelimit.core.errors import ConfigError
from tests.cli.command import run, said

DAYS = 20


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Purchases of a small site."""
    folder = tmp_path_factory.mktemp("made-up")
    simulate(folder, day_count=DAYS, scale=0.3, purchases_only=True)
    return folder


@pytest.fixture(scope="module")
def trained(made_up: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that labels taught."""
    folder = tmp_path_factory.mktemp("trained")
    logs = made_up / PURCHASES, "--labels", made_up / PURCHASE_LABELS
    found = said("train", "purchases", *logs, "--out", folder, "--mature-days", 0, "--warm-days", 3)
    assert found["manifest"]["kind"] == "purchases"
    assert found["manifest"]["metrics"]["taught_by"]["purchase"] >= 10
    return folder


def test_the_same_log_trains_the_same_model(made_up: Path, trained: Path, tmp_path: Path) -> None:
    """To the last bit."""
    logs = made_up / PURCHASES, "--labels", made_up / PURCHASE_LABELS
    said("train", "purchases", *logs, "--out", tmp_path, "--mature-days", 0, "--warm-days", 3)
    for name in ("arrays.npz", "manifest.json"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


def test_without_labels_it_says_what_is_unusual(made_up: Path, tmp_path: Path) -> None:
    """From day one; what is too young to be known for honest teaches no chance of fraud."""
    found = said("train", "purchases", made_up / PURCHASES, "--out", tmp_path, "--warm-days", 3)
    assert found["manifest"]["trained"]["subjects"]["purchase"] >= 100
    assert "Model of unusual purchases" in (tmp_path / "card.md").read_text()


def test_from_the_log_to_the_judgement(made_up: Path, trained: Path, tmp_path: Path) -> None:
    """The model's own manifest says that logs are of purchases; ranked and judged, its findings lie beside it."""
    logs = made_up / PURCHASES, "--labels", made_up / PURCHASE_LABELS
    ranked = said("calibrate", trained, *logs, "--out", tmp_path, "--least-days", 20)
    assert ranked["manifest"]["calibration"]["cohorts"]["purchase"][0]["subject_days"] >= 20
    unusual, taught = said("evaluate", tmp_path, *logs, "--out", tmp_path)
    assert (unusual["by"], unusual["ranked"], taught["by"]) == ("unusual", "by the model", "labels")
    assert {found["abuse"] for found in taught["kinds"]["purchase"]["found"]} >= {"stolen_card", "trial_farm"}
    result = run("model", "show", tmp_path)
    assert result.exit_code == 0, result.output
    for part in ("Model of unusual purchases", "Calibrated on too little", "trial_farm"):
        assert part in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "purchases", "LABELS", "--out", "OUT"], "it has no time"),
        (["train", "purchases", "LOG", "--out", "OUT", "--labels", "LOG"], "purchases.ndjson.zst:1: "),
        (["train", "purchases", "LOG", "--out", "OUT", "--warm-days", "40"], "expected at least 48 days"),
        (["calibrate", "TRAINED", "LOG", "--out", "OUT"], "expected at least 10,000"),
    ],
)
def test_mistakes_are_named(words: list[str], message: str, made_up: Path, trained: Path, tmp_path: Path) -> None:
    """What was found, where, and what would do."""
    places = {"LOG": made_up / PURCHASES, "LABELS": made_up / PURCHASE_LABELS, "TRAINED": trained, "OUT": tmp_path / "out"}
    result = run(*(places.get(word, word) for word in words))
    assert isinstance(result.exception, ConfigError)
    assert message in str(result.exception)


def test_a_broken_line_is_passed_over_and_named(made_up: Path, tmp_path: Path) -> None:
    """As long as others can be read."""
    log = tmp_path / "log.ndjson"
    with (made_up / PURCHASES).open("rb") as packed:
        log.write_bytes(b"broken\n" + zstandard.ZstdDecompressor().stream_reader(packed).read())
    result = run("train", "purchases", log, "--out", tmp_path / "out", "--warm-days", 3)
    assert result.exit_code == 0, result.output
    assert f"passed over: {log}:1: " in result.stderr
