"""`ratelimit train | calibrate | evaluate | model show`, from a log to what is read on the terminal."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from ratelimit.core.errors import ConfigError
from tests.cli.command import run, said

KEYS, DAYS, A_DAY = 110, 4, 12
BAD = 3


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys that ask a little each day; some go through everything on the last."""
    path = tmp_path_factory.mktemp("log") / "usage.ndjson"
    lines = []
    for day in range(DAYS):
        for turn in range(A_DAY):
            for key in range(KEYS):
                time = 1_772_409_600 + day * 86_400 + (turn * 1_500 if key % 2 else turn * 1_200) + key
                lines.append((time, f"k{key}", f"/v1/{turn % (2 + key % 5)}", 200))
        if day == DAYS - 1:
            lines += [
                (1_772_409_600 + day * 86_400 + 40_000 + turn, f"k{key}", f"/{turn}", 404) for turn in range(300) for key in range(BAD)
            ]
    text = [
        json.dumps({"time": at, "method": "GET", "path": to, "status": status, "api_key": key}) for at, key, to, status in sorted(lines)
    ]
    path.write_text("\n".join(text) + "\n")
    return path


@pytest.fixture(scope="module")
def labels(log: Path) -> Path:
    """Who did."""
    path = log.parent / "labels.ndjson"
    one = {"target": "api_key", "verdict": "abuse", "abuse": "scraping", "from": "2026-03-05T11:00:00Z", "known_at": "2026-03-06T00:00:00Z"}
    path.write_text("".join(json.dumps({**one, "value": f"k{key}"}) + "\n" for key in range(BAD)))
    return path


@pytest.fixture(scope="module")
def trained(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder."""
    folder = tmp_path_factory.mktemp("trained")
    said("train", "requests", log, "--out", folder, "--held-days", 1)
    return folder


def test_the_same_log_trains_the_same_model(log: Path, trained: Path, tmp_path: Path) -> None:
    """File by file, bit for bit; kinds that the log does not know are named."""
    result = run("train", "requests", log, "--out", tmp_path, "--held-days", 1)
    assert result.exit_code == 0, result.output
    assert "account is left out: 0 subjects" in result.stderr
    for name in ("arrays.npz", "manifest.json"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()
    assert f"ratelimit train requests {log}" in (tmp_path / "card.md").read_text()


def test_from_the_log_to_the_judgement(log: Path, labels: Path, trained: Path, tmp_path: Path) -> None:
    """Ranked on simulated days it is not calibrated; judged, its findings lie beside it and are shown with its card."""
    ranked = tmp_path / "ranked"
    made = said("calibrate", trained, log, "--labels", labels, "--out", ranked, "--simulated", "--least-days", 50)
    assert made["manifest"]["calibration"]["simulated"] is True
    assert made["manifest"]["calibration"]["cohorts"]["api_key"][0]["subject_days"] == KEYS - BAD
    (found,) = said("evaluate", ranked, log, "--labels", labels, "--out", ranked)
    assert found["ranked"] == "on simulated days"
    (abuse,) = found["kinds"]["api_key"]["found"]
    assert (abuse["scored"], abuse["recall"]["whole"]) == (BAD, BAD)
    result = run("model", "show", ranked)
    assert result.exit_code == 0, result.output
    for part in ("not calibrated", "On simulated days", "Calibrated on too little", "scraping"):
        assert part in result.output
    assert (ranked / "unusual-roc.svg").read_bytes().startswith(b"<?xml")
    assert json.loads((ranked / "evaluation.json").read_bytes()) == [found]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "requests", "nowhere.log", "--out", "OUT"], "nowhere.log: No such file"),
        (["train", "requests", "LOG", "--out", "OUT"], "expected at least 9 days"),
        (["train", "requests", "LOG", "--out", "LOG/out"], "expected a folder that can be written to"),
        (["train", "requests", "LOG", "--out", "OUT", "--labels", "LOG"], "usage.ndjson:1: "),
        (["train", "requests", "LABELS", "--out", "OUT"], "none of 3 lines could be read"),
        (["calibrate", "TRAINED", "LOG", "--out", "OUT"], "expected at least 10,000"),
        (["calibrate", "OUT", "LOG", "--out", "OUT"], "manifest.json: is missing"),
        (["evaluate", "OUT", "LOG"], "manifest.json: is missing"),
        (["model", "show", "OUT"], "manifest.json: is missing"),
    ],
)
def test_mistakes_are_named(words: list[str], message: str, log: Path, labels: Path, trained: Path, tmp_path: Path) -> None:
    """What was found, where, and what would do; no traceback."""
    places = {"LOG": str(log), "LOG/out": str(log / "out"), "LABELS": str(labels), "TRAINED": str(trained), "OUT": str(tmp_path / "out")}
    result = run(*(places.get(word, word) for word in words))
    assert isinstance(result.exception, ConfigError)
    assert message in str(result.exception)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, log: Path, tmp_path: Path) -> None:
    """Before any work is done."""
    monkeypatch.setattr("ratelimit.cli.extra.find_spec", lambda name: None if name == "sklearn" else find_spec(name))
    for words in (
        ["train", "requests", log, "--out", tmp_path],
        ["calibrate", tmp_path, log, "--out", tmp_path],
        ["evaluate", tmp_path, log],
    ):
        result = run(*words)
        assert isinstance(result.exception, ConfigError)
        assert "scikit-learn not installed" in str(result.exception)
        assert "pip install 'ratelimit-sidecar[training]'" in str(result.exception)
