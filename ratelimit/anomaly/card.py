"""What people read of a model: a card that is made of its manifest alone, and the findings of an evaluation. Both are Markdown."""

from typing import Any

from ratelimit.anomaly.calibration import LEAST_SUBJECT_DAYS
from ratelimit.anomaly.card_words import WORDS, CardWords
from ratelimit.anomaly.evaluation_report import Evaluation, Found, Share
from ratelimit.anomaly.manifest import Calibration, Manifest
from ratelimit.anomaly.signal_table import PURCHASE


def card(manifest: Manifest, made_by: str) -> str:
    """The card of a model; `made_by` is how it can be made again."""
    words = WORDS["purchases" if manifest.kind == "purchases" else "requests"]
    parts = [
        f"# {words.title}",
        words.uses,
        _data(manifest),
        _calibration(manifest.calibration, words),
        words.limits,
        f"## How to make it again\n\n```sh\n{made_by}\n```\n\nWith {_libraries(manifest)} the arrays come out the same to the last bit.",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _data(manifest: Manifest) -> str:
    trained, metrics = manifest.trained, manifest.metrics
    taught = metrics.get("taught_by", {})
    rows = [
        [kind, f"{subjects:,}", f"{trained.rows[kind]:,}", f"{metrics.get('trimmed', {}).get(kind, 0):,}", f"{taught.get(kind, 0):,}"]
        for kind, subjects in trained.subjects.items()
    ]
    heads = ["kind", "subjects", "rows", "left out as too unusual", "with a label that taught the boosted forest"]
    recipe = ", ".join(f"{name} {value}" for name, value in metrics.get("recipe", {}).items())
    return (
        f"## Data\n\nTrained on {trained.first} to {trained.last}, "
        f"on {len(manifest.signals)} signals of version {manifest.signal_version}.\n\n"
        f"{table(heads, rows)}\n\nRecipe: {recipe}. No row of anybody is in the model: steps of its tables hold 20 subjects or more."
    )


def _libraries(manifest: Manifest) -> str:
    return ", ".join(f"{name} {version}" for name, version in manifest.libraries.items())


def _calibration(calibration: Calibration | None, words: CardWords) -> str:
    if calibration is None:
        return (
            "## Calibration\n\nNone: its scores were ranked on nobody's days, so `risk` is null and nothing can be enforced by it. "
            f"`ratelimit calibrate` does that on {LEAST_SUBJECT_DAYS:,} {words.own}."
        )
    rows = [_calibrated(kind, calibration.metrics[kind], len(cohorts)) for kind, cohorts in calibration.cohorts.items()]
    heads = ["kind", "subject-days", "subjects", "groups of peers", "share of other subjects' days beyond 0.999", "95 % interval"]
    span = f"{calibration.first} to {calibration.last}"
    text = f"## Calibration\n\nOn {span}, each subject's most unusual moment of each day.\n\n{table(heads, rows)}"
    if calibration.simulated:
        text += "\n\n**On simulated days**: good for judging the model. Its `risk` is null, and nothing can be enforced by it."
    if calibration.metrics.get("least", LEAST_SUBJECT_DAYS) < LEAST_SUBJECT_DAYS:
        text += f"\n\n**Calibrated on too little**: fewer than {LEAST_SUBJECT_DAYS:,} subject-days. A risk of 0.999 may mean anything."
    return text


def _calibrated(kind: str, metrics: dict[str, Any], cohorts: int) -> list[str]:
    beyond = metrics["beyond"]
    interval = f"{beyond['low']:.2%} to {beyond['high']:.2%}"
    return [kind, f"{metrics['subject_days']:,}", f"{metrics['subjects']:,}", str(cohorts), f"{beyond['value']:.2%}", interval]


def findings(evaluations: list[Evaluation], files: list[str]) -> str:
    """What was found, with the plots that lie beside it."""
    parts = ["# How the model was judged"]
    for one in evaluations:
        what = "how unusual they are (forest)" if one.by == "unusual" else "what labels taught (boosted forest)"
        days = {
            "by the model": "the days it was calibrated on",
            "on simulated days": "simulated days",
            "on this log": "this log's own honest days",
        }
        parts.append(
            f"## By {what}\n\nModel {one.version}, {one.first} to {one.last}, {one.labels:,} labels. Flagged is who is beyond one honest "
            f"subject-day in a thousand, as ranked on {days[one.ranked]}."
        )
        parts.append(_kinds(one))
        parts += [f"### {kind}: abuse found\n\n{_abuse(report.found, kind)}" for kind, report in one.kinds.items() if report.found]
        if one.precision:
            rows = [[cases, _percent(share)] for cases, share in one.precision.items()]
            parts.append(f"### Cases\n\n{table(['cases a day, the highest risks of all kinds', 'that were abuse'], rows)}")
    parts += [f"![{name.removesuffix('.svg')}]({name})" for name in files]
    return "\n\n".join(parts) + "\n"


def _kinds(one: Evaluation) -> str:
    rows = []
    for kind, report in one.kinds.items():
        reasons = ", ".join(f"{signal} ({count})" for signal, count in list(report.reasons.items())[:5]) or "-"
        flagged = f"{report.flagged_subjects:,} on {report.flagged_days:,} days"
        rows.append([kind, f"{report.subjects:,}", f"{report.days:,}", flagged, _percent(report.alarms, digits=2), reasons])
    heads = ["kind", "subjects", "subject-days", "flagged", "days flagged of those without a label", "first reasons (subjects)"]
    return table(heads, rows)


def _abuse(found: list[Found], kind: str) -> str:
    rows = [
        [
            f"{one.abuse}, evasive" if one.evasive else one.abuse,
            f"{one.recall.whole:,}",
            f"{one.scored:,}",
            _percent(one.recall),
            "-" if one.median_s is None else _duration(one.median_s),
            "-" if one.auc is None else f"{one.auc:.3f}",
            "-" if one.average_precision is None else f"{one.average_precision:.3f}",
        ]
        for one in found
    ]
    scored = "with a profile" if kind != PURCHASE else "the most unusual of an account's day"
    return table(["abuse", "labelled", scored, "found", "median time to it", "AUC, days", "average precision, days"], rows)


def _percent(share: Share, digits: int = 0) -> str:
    if not share.whole:
        return "-"
    value, low, high = (f"{100 * one:.{digits}f}" for one in (share.part / share.whole, share.low, share.high))
    return f"{value} % ({low} to {high} %)"


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
