"""What is shown hides nothing: who is missing, what was missed, and what wrk could not drive harder."""

from pathlib import Path

import msgspec
import pytest

from bench.contenders import CONSTANT, US
from bench.outcome import Outcome, make, read, write
from bench.plot import draw
from bench.report import markdown
from bench.row import Row, at_least
from bench.stages import GROUP, PARTS, REST, WHOLE
from bench.standing import Standing, times
from bench.table import budgets, tables

MACHINE = {"cpu": "a cpu", "cores": "2; pinned", "date": "2026-01-02T03:04:05+00:00", "command": "python bench/check.py"}


def standing(server: str, *rates: float, busy: float = 0.5, load: str = "hot", connections: int = 32) -> Standing:
    """A server with these rates, all else being equal."""
    same = (1_000.0,) * len(rates)
    return Standing(
        load=load,
        connections=connections,
        server=server,
        rates=rates,
        p50_us=same,
        p99_us=same,
        cpu_us=same,
        store_cpu_us=(20.0,) * len(rates),
        store_reads=same,
        client_busy=(busy,) * len(rates),
        others_busy=(0.25,) * len(rates),
    )


ABSENT = Standing(load="hot", connections=32, server="nobody", note="missing: not |\n  found")
OUTCOME = make(
    MACHINE,
    [
        Row(group="throughput", name="too slow", unit="x", values=(1.0, 3.0, 2.0), budget=at_least(4)),
        standing(CONSTANT, 4_000.0, 2_000.0, busy=0.99),
        standing(US, 1_000.0, 1_000.0),
        ABSENT,
    ],
)


def test_load_has_a_line_for_everybody() -> None:
    """The fastest stands first, ours is compared round by round, and who is missing stands there with the reason."""
    table = list(tables(OUTCOME))[2]
    assert [line[0] for line in table.lines] == [CONSTANT, US, "nobody"]
    assert table.lines[0][1:5] == ("≥ 3,000", "2,000 - 4,000", "2", "0.38 x")
    assert table.lines[2][1] == "missing"
    assert any(note.startswith(f"{CONSTANT}: at least") for note in table.notes)


def test_times_are_taken_within_rounds() -> None:
    """Ours over theirs, in each round."""
    assert times(standing(US, 10.0, 6.0), standing(CONSTANT, 20.0, 4.0)) == (0.5, 1.5)


@pytest.mark.parametrize(("busy", "bound"), [(0.94, False), (0.96, True)])
def test_client_bound(busy: float, bound: bool) -> None:
    """Where wrk has used up its core the server was not the bottleneck."""
    assert standing(US, 1.0, busy=busy).client_bound is bound


def test_cpu_is_that_of_server_and_store() -> None:
    """They share a core, so what counts is their sum."""
    assert standing(US, 1.0).all_cpu_us == (1_020.0,)


def test_missed_budget_is_shown() -> None:
    """A budget that was missed says NO, with median, spread and rounds."""
    page = markdown(OUTCOME)
    assert "| throughput | too slow | 2.00 x | 1.00 - 3.00 | 3 | ≥ 4 | NO |  |" in page
    assert "0 budgets met, 1 missed, 0 not measured" in page
    assert "| nobody |  | not \\| found |" in page
    assert all(fact in page for fact in MACHINE.values())


def test_unmeasured_budget_is_counted() -> None:
    """What could not be measured is neither met nor missed."""
    assert budgets([Row(group="g", name="n", unit="x", budget=at_least(1))]) == "0 budgets met, 0 missed, 1 not measured"


def test_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The JSON holds everything, so that plots can be drawn again from it; and medians, so that nobody has to compute them."""
    write(tmp_path / "check.json", OUTCOME)
    assert read(tmp_path / "check.json") == OUTCOME
    assert msgspec.json.decode((tmp_path / "check.json").read_bytes())["rows"][0]["median"] == 2.0


def test_another_file_is_refused(tmp_path: Path) -> None:
    """What `write` did not write is an error with a path."""
    (tmp_path / "other.json").write_text('{"machine": 1}')
    with pytest.raises(msgspec.ValidationError, match=r"\$\.machine"):
        read(tmp_path / "other.json")


def test_plots_of_what_there_is(tmp_path: Path) -> None:
    """Every group that was measured has its plots, with who is missing in them; the others have none."""
    assert draw(Outcome(MACHINE), tmp_path) == []
    assert {path.name for path in draw(OUTCOME, tmp_path)} == {
        f"{name}.{kind}" for name in ("throughput", "latency", "cpu") for kind in ("svg", "png")
    }
    assert "nobody: missing" in (tmp_path / "throughput.svg").read_text()


def test_plot_of_stages(tmp_path: Path) -> None:
    """Stages have a plot of their own once all of them were measured."""
    rows = [Row(group=GROUP, name=name, unit="ns", values=(1_000.0,)) for name in (*PARTS, REST, WHOLE)]
    assert {path.name for path in draw(make(MACHINE, rows), tmp_path)} == {"stages.svg", "stages.png"}
    assert draw(make(MACHINE, rows[1:]), tmp_path) == []
