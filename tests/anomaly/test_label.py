"""Labels: read from a file, and laid over a trail."""

from pathlib import Path

import numpy as np
import pytest

from ratelimit.anomaly.label import Label, marks_of, read_labels
from ratelimit.anomaly.spool import Subject
from ratelimit.core.errors import ConfigError
from ratelimit.core.signals import Kind
from tests.anomaly.test_spool import bare


def naming(kind: Kind, value: str) -> Subject | None:
    return None if value == "?" else f"{kind}:{value}"


def test_a_line_is_a_label(tmp_path: Path) -> None:
    """Times may be RFC 3339 or seconds; what is not said is open; what no trail can name is left out."""
    path = tmp_path / "labels.ndjson"
    path.write_text(
        '{"target":"api_key","value":"k","verdict":"abuse","abuse":"flood","evasive":true,"from":"1970-01-02T00:00:00Z",'
        '"until":"1970-01-03T00:00:00.5Z","known_at":1e6,"source":"simulation"}\n\n'
        '{"target":"account","value":"a","verdict":"good","from":1}\n'
        '{"target":"ip","value":"?","verdict":"fraud","from":1}\n'
    )
    key, account = read_labels(path, naming)
    assert key == Label("api_key", "api_key:k", True, "flood", True, 86_400.0, 172_800.5, 1e6)
    assert account == Label("account", "account:a", False, "abuse", False, 1.0, np.inf, np.inf)
    assert key.name == "flood, evasive"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "labels.ndjson:1: "),
        ("[1]", "Expected `object`, got `array`"),
        ('{"target":"key","value":"k","verdict":"abuse","from":1}', "$.target"),
        ('{"target":"ip","value":"k","verdict":"bad","from":1}', "$.verdict"),
        ('{"target":"ip","value":"k","verdict":"abuse"}', "missing required field `from`"),
        ('{"target":"ip","value":"k","verdict":"abuse","from":"yesterday"}', "its time is unknown"),
        ('{"target":"ip","value":"k","verdict":"abuse","from":-1}', "is not an instant"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    """Whoever wrote the labels is told which line is wrong, and how."""
    path = tmp_path / "labels.ndjson"
    path.write_text(line)
    with pytest.raises(ConfigError) as error:
        read_labels(path, naming)
    assert message in str(error.value)


def test_many_broken_lines_are_counted(tmp_path: Path) -> None:
    """Of a file that is something else a few lines are enough."""
    path = tmp_path / "labels.ndjson"
    path.write_text("no\n" * 50)
    with pytest.raises(ConfigError) as error:
        read_labels(path, naming)
    assert len(error.value.problems) == 6
    assert "45 more lines" in error.value.problems[-1]


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """There is no traceback for it."""
    with pytest.raises(ConfigError, match="No such file"):
        read_labels(tmp_path / "none", naming)


def test_marks_are_of_the_time_and_of_what_was_known() -> None:
    """Rows are marked from the beginning to the end of what a label is about, once it was known; a good word outlasts a bad one."""
    trail = bare([0, 0, 0, 0, 1, 1], [10, 20, 30, 40, 20, 30])
    bad = Label("ip", "0", True, "flood", False, 20.0, 40.0, 100.0)
    other_kind, nobody, later = bad._replace(kind="account"), bad._replace(subject="zz"), bad._replace(subject="1", known_s=101.0)
    marks = marks_of(trail, "ip", [bad, other_kind, nobody, later], 100.0)
    assert marks.own == (bad,)
    assert list(zip(trail.subject[marks.bad].tolist(), trail.tick[marks.bad].tolist(), strict=True)) == [(0, 20), (0, 30)]
    good = bad._replace(bad=False, start_s=30.0, until_s=np.inf)
    assert trail.tick[marks_of(trail, "ip", [good, bad]).bad].tolist() == [20]
