"""Trains a model of all kinds of rows of a family on the trails of a log; anomaly/artifact writes it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from numpy.typing import NDArray

from ratelimit.anomaly.label import Label, marks_of
from ratelimit.anomaly.manifest import Manifest, Trained
from ratelimit.anomaly.recipe import Recipe
from ratelimit.anomaly.signal_table import FAMILIES, ModelKind, table_of
from ratelimit.anomaly.spool import Trail
from ratelimit.anomaly.training import Fitted, TooFewError, train
from ratelimit.core.errors import ConfigError
from ratelimit.core.profile import TICKS_PER_DAY

LIBRARIES: Final = ("numpy", "scikit-learn")  # that a model's numbers depend on

Trails = Mapping[ModelKind, Trail]
OnKind = Callable[[ModelKind], None]  # told which kind is begun


class Built(NamedTuple):
    """A model to be written; `left_out` says of kinds why they are missing in it."""

    manifest: Manifest
    arrays: dict[str, NDArray[Any]]
    left_out: dict[ModelKind, str]


def build(trails: Trails, labels: Sequence[Label], recipe: Recipe, on_kind: OnKind) -> Built:
    """The model of these trails. Raises ConfigError if there is too little of every kind."""
    days = _training_days(trails, recipe)
    fitted: dict[ModelKind, Fitted] = {}
    left_out: dict[ModelKind, str] = {}
    table = table_of(next(iter(trails)))
    for kind in FAMILIES[table.family]:
        on_kind(kind)
        marks = marks_of(trails[kind], kind, labels, known_by_s=(days[1] + 1 + recipe.label_days) * TICKS_PER_DAY)
        try:
            fitted[kind] = train(kind, trails[kind], marks, days, recipe)
        except TooFewError as error:
            left_out[kind] = str(error)
    if not fitted:
        raise ConfigError([f"{kind}: {problem}" for kind, problem in left_out.items()])
    rows: dict[str, int] = {kind: one.rows for kind, one in fitted.items()}
    subjects: dict[str, int] = {kind: one.subjects for kind, one in fitted.items()}
    manifest = Manifest(
        kind=table.family,
        signal_version=table.version,
        signals=table.names,
        trained=Trained(date(days[0]), date(days[1]), rows, subjects),
        libraries={name: version(name) for name in LIBRARIES},
        metrics={
            "recipe": recipe._asdict(),
            "trimmed": {kind: one.trimmed for kind, one in fitted.items()},
            "taught_by": {kind: one.bad for kind, one in fitted.items() if one.parts.fraud is not None},
        },
    )
    return Built(manifest, {name: array for kind, one in fitted.items() for name, array in one.parts.arrays(kind).items()}, left_out)


def date(day: int) -> str:
    """A day since the epoch, as it is written."""
    return datetime.fromtimestamp(day * TICKS_PER_DAY, UTC).date().isoformat()


def _training_days(trails: Trails, recipe: Recipe) -> tuple[int, int]:
    """The first and the last day that is trained on."""
    ends = [day for trail in trails.values() if len(trail) for day in (int(trail.day[0]), int(trail.day[-1]))]
    if not ends:
        raise ConfigError(["nobody asked often enough to have a profile; expected a log with subjects that ask ten times or more"])
    first, last = min(ends) + recipe.warm_days, max(ends) - recipe.held_days
    if first > last:
        least = recipe.warm_days + recipe.held_days + 1
        raise ConfigError(
            [
                f"the log goes from {date(min(ends))} to {date(max(ends))}; expected at least {least} days: training leaves out "
                f"{recipe.warm_days} at its beginning and {recipe.held_days} at its end, which calibration needs"
            ]
        )
    return first, last
