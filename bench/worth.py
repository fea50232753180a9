"""What the model of requests is worth, on days that it did not make: `python bench/worth.py WORK_FOLDER [--data DIR]`.

Trained on one simulated site and ranked on its later days, it is judged on another site of other members, at a budget of one honest subject
a day in a thousand: by the forest and excess that serve, by labels, and by labels without the kind of abuse in question. Then attacks are
put into real days of an access log. A history of a simulated site takes minutes; it is kept in WORK_FOLDER, and taken from there.
"""

import asyncio
import pickle
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import msgspec
import numpy as np

from bench.worth_table import Row, markdown
from ratelimit.anomaly.calibration import BUDGET, rank_days
from ratelimit.anomaly.days import chances_of, days_of, scores_of
from ratelimit.anomaly.evaluation import Judgement, Seen, judge
from ratelimit.anomaly.kind_model import KindModel
from ratelimit.anomaly.label import Label, marks_of
from ratelimit.anomaly.ranks import Ranks
from ratelimit.anomaly.recipe import Recipe
from ratelimit.anomaly.simulation.attack import Attack, attack, splice
from ratelimit.anomaly.simulation.folder import simulate
from ratelimit.anomaly.simulation.text import label_fields
from ratelimit.anomaly.spool import Spool, Trail
from ratelimit.anomaly.training import Fitted, TooFewError, train
from ratelimit.cli.log_file import LogFile
from ratelimit.cli.past import Asked, Past, past_of
from ratelimit.core.access_log import parser
from ratelimit.core.identity import ApiKeys
from ratelimit.core.log_entry import Entry
from ratelimit.core.profile import TICKS_PER_DAY
from ratelimit.core.signals import COLUMN, KINDS, Kind
from ratelimit.history import open_history
from ratelimit.loop import run
from ratelimit.service.address_book import NO_SOURCES
from ratelimit.service.log_reader import LogReader
from ratelimit.service.policy_source import built_in_policy
from ratelimit.service.replay import Replay
from ratelimit.service.replay_trial import Trial

_RESULTS: Final = Path(__file__).parent / "results"
_TRAINED: Final = (1, 21)  # seed and days
_JUDGED: Final = (2, 10)
_REAL: Final = ("web-2021-10-22.log.gz", "web-2022-12-22.log.gz")
_ATTACKS: Final = ("flood", "scraper_fast", "scraper_slow", "scraper_spread", "stuffing")  # those of addresses alone
_SEEDS: Final = 5  # attacks of a kind and form, in each real log
_SECRET: Final = b"w" * 32


class Judge(NamedTuple):
    """The model of one kind of subject, and its ranks."""

    fitted: Fitted
    model: KindModel
    ranks: Ranks


@click.command()
@click.argument("work", type=click.Path(file_okay=False, path_type=Path))
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder with logs/ of real days.")
def main(work: Path, data: Path | None) -> None:
    """Judge, and write results/worth.json and .md."""
    work.mkdir(parents=True, exist_ok=True)
    trained, judged = (_site(work, *site) for site in (_TRAINED, _JUDGED))
    judges = {kind: _judge_of(kind, trained, "") for kind in KINDS}
    rows = [row for kind in KINDS for row in _simulated(kind, judges[kind], trained, judged)]
    if data is None:
        click.echo("no --data: real days are skipped", err=True)
    rows += [row for name in _REAL if data for row in _real(data / "logs" / name, judges["ip"])]
    (_RESULTS / "worth.json").write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    (_RESULTS / "worth.md").write_text(markdown(rows))
    click.echo(markdown(rows))


def _site(work: Path, seed: int, days: int) -> Past:
    kept = work / f"seed-{seed}.pickle"
    if not kept.exists():
        folder = work / f"seed-{seed}"
        if not (folder / "usage.ndjson.zst").exists():
            simulate(folder, day_count=days, seed=seed, scale=1.0)
        asked = Asked((str(folder / "usage.ndjson.zst"),), folder / "labels.ndjson", None, NO_SOURCES, "history", quiet=False)
        with past_of(asked) as past:
            kept.write_bytes(pickle.dumps(Past({kind: _in_memory(trail) for kind, trail in past.trails.items()}, past.labels)))
    found: Past = pickle.loads(kept.read_bytes())  # noqa: S301  written by us
    return found


def _in_memory(trail: Trail) -> Trail:
    return replace(trail, signals=np.array(trail.signals))


def _judge_of(kind: Kind, past: Past, without: str) -> Judge:
    """Trained on all but the last days, ranked on those; `without` a kind of abuse, of whose subjects nothing is seen."""
    trail = past.trails[kind]
    if without:
        hidden = marks_of(trail, kind, [label for label in past.labels if label.abuse == without])
        trail = _only(trail, hidden.unblemished(trail))
    recipe = Recipe()
    days = int(trail.day.min()) + recipe.warm_days, int(trail.day.max()) - recipe.held_days
    fitted = train(kind, trail, marks_of(trail, kind, past.labels, known_by_s=(days[1] + 1) * TICKS_PER_DAY), days, recipe)
    model = KindModel(kind, fitted.parts)
    honest = marks_of(trail, kind, past.labels).unblemished(trail) & (trail.day > days[1])
    return Judge(fitted, model, rank_days(days_of(trail, scores_of(model, trail), honest)))


def _only(trail: Trail, kept: Any) -> Trail:
    return replace(trail, subject=trail.subject[kept], plan=trail.plan[kept], tick=trail.tick[kept], place=trail.place[kept])


def _simulated(kind: Kind, judge_: Judge, trained: Past, judged: Past) -> Iterator[Row]:
    click.echo(f"judging {kind}", err=True)
    served = _judged(kind, judge_, judged, by_labels=False)
    taught = _judged(kind, judge_, judged, by_labels=True) if judge_.fitted.parts.fraud is not None else None
    alarms = served.report.alarms
    yield Row(where="simulated", kind=kind, abuse="honest", evasive=False, served=(alarms.part, alarms.whole),
              taught=(taught.report.alarms.part, taught.report.alarms.whole) if taught else None)  # fmt: skip
    without: dict[str, Judgement | None] = {}
    for number, found in enumerate(served.report.found):
        if found.abuse not in without:
            without[found.abuse] = _without(kind, found.abuse, trained, judged)
        other, unseen = taught.report.found[number] if taught else None, without[found.abuse]
        yield Row(
            where="simulated",
            kind=kind,
            abuse=found.abuse,
            evasive=found.evasive,
            served=(found.recall.part, found.recall.whole),
            median_s=found.median_s,
            taught=(other.recall.part, other.recall.whole) if other else None,
            unseen=(unseen.report.found[number].recall.part, found.recall.whole) if unseen else None,
        )


def _without(kind: Kind, abuse: str, trained: Past, judged: Past) -> Judgement | None:
    try:
        blind = _judge_of(kind, trained, abuse)
    except TooFewError:
        return None
    return _judged(kind, blind, judged, by_labels=True) if blind.fitted.parts.fraud is not None else None


def _judged(kind: Kind, judge_: Judge, past: Past, *, by_labels: bool) -> Judgement:
    """By the ranks of another site's days; a probability that labels taught is ranked on this site's honest days."""
    trail = past.trails[kind]
    scores = chances_of(judge_.model, trail) if by_labels else scores_of(judge_.model, trail)
    own = [label for label in past.labels if label.kind == kind and label.bad]
    seen = Seen(kind, judge_.model, trail, scores, marks_of(trail, kind, past.labels), own)
    return judge(seen, None if by_labels else judge_.ranks)


def _real(path: Path, judge_: Judge) -> Iterator[Row]:
    click.echo(f"real days: {path.name}", err=True)
    entries = _entries(path)
    span = min(entry.time_us for entry in entries), max(entry.time_us for entry in entries)
    trail, _ = _lived(entries, [])
    yield _alarms(path.name, judge_, trail)
    for abuse in _ATTACKS:
        for evasive in (False, True):
            attacks = [attack(abuse, span, seed, evasive=evasive, keyed=False) for seed in range(_SEEDS)]
            found, labelled, waits = 0, 0, list[float]()
            for one in attacks:
                first = _flagged(judge_, *_lived(splice(iter(entries), [one]), [one]))
                found, labelled = found + len(first), labelled + sum(label.target == "ip" for label in one.labels)
                waits += first
            yield Row(where=path.name, kind="ip", abuse=abuse, evasive=evasive, served=(found, labelled),
                      median_s=float(np.median(waits)) if waits else None)  # fmt: skip


def _entries(path: Path) -> list[Entry]:
    with closing(LogFile(str(path))) as file:
        return list(LogReader(file.name, None, {}).entries(file.lines()))


def _lived(entries: Any, attacks: Sequence[Attack]) -> tuple[Trail, list[Label]]:
    """The trail of addresses after such a log, and the labels of those in it who attacked."""
    trial = Trial(built_in_policy(), ApiKeys(_SECRET))
    with tempfile.TemporaryDirectory(prefix="rl-worth-") as folder, Spool(Path(folder)) as spool:
        run(_history(entries, spool))
        trail = _in_memory(spool.trail("ip"))
    fields = [label_fields(label) for one in attacks for label in one.labels if label.target == "ip"]
    return trail, [_label(trial, field) for field in fields]


async def _history(entries: Any, spool: Spool) -> None:
    async with open_history(_SECRET, sources=NO_SOURCES) as history:
        history.usage.scoring.observer = partial(_add, spool)
        await history.run(Replay(built_in_policy(), ApiKeys(_SECRET), observer=history), entries)
        await asyncio.sleep(0)


def _add(spool: Spool, kind: Kind, watches: Any, ticks: Any, rows: Any) -> None:
    spool.add(kind, [watch.value for watch in watches], [watch.plan for watch in watches], ticks, rows)


def _label(trial: Trial, field: dict[str, Any]) -> Label:
    caller = trial.caller(Entry(0, "GET", "/", field["value"]))
    start, until = (
        parser("ndjson")(msgspec.json.encode({"time": field[end], "type": "login", "ip": "192.0.2.1"})).time_us / 1e6
        for end in ("from", "until")
    )
    assert caller.ip is not None
    return Label("ip", caller.ip, True, str(field["abuse"]), bool(field["evasive"]), start, until, until)


def _risks(judge_: Judge, trail: Trail) -> Any:
    rows = trail.rows(slice(None))
    return judge_.ranks.risks(judge_.model.raw(rows), [trail.plans[number] for number in trail.plan.tolist()], rows[:, COLUMN["age_s"]])


def _flagged(judge_: Judge, trail: Trail, labels: Sequence[Label]) -> list[float]:
    """For each label that was found how many seconds after its subject was first scored."""
    beyond = _risks(judge_, trail) > 1 - BUDGET
    marks = marks_of(trail, "ip", labels)
    waits = []
    for number in range(len(marks.own)):
        own = marks.mark == number
        if (beyond & own).any():
            waits.append(float(trail.tick[beyond & own].min() - trail.tick[own].min()))
    return waits


def _alarms(name: str, judge_: Judge, trail: Trail) -> Row:
    """Who of a real day would have been flagged, and why: the first reason, and what most of them called themselves."""
    beyond = np.flatnonzero(_risks(judge_, trail) > 1 - BUDGET)
    flagged = np.unique(trail.subject[beyond])
    reasons = []
    for subject in flagged:
        row = trail.rows(beyond[trail.subject[beyond] == subject][-1:])
        crawler = row[0, COLUMN["crawler_share"]] > 0.5
        first = judge_.model.reasons(row)[0][0]
        reasons.append(
            f"{'declared crawler' if crawler else 'visitor'}: {first.signal} {first.value:.4g} ({first.low:.4g}-{first.high:.4g})"
        )
    return Row(where=name, kind="ip", abuse="honest", evasive=False, served=(len(flagged), len(trail.subjects)), reasons=tuple(reasons))


if __name__ == "__main__":
    main()
