"""What a model's folder says of it: what it was trained and ranked on, and how it was judged. Read again when the folder has changed."""

from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from ratelimit.anomaly.artifact import read_artifact
from ratelimit.anomaly.evaluation_report import Evaluation, Share
from ratelimit.core.errors import ConfigError

Section = Literal["requests", "purchases"]

SECTIONS: Final[tuple[Section, ...]] = ("requests", "purchases")
_EVALUATION: Final = "evaluation.json"
_MANIFEST: Final = "manifest.json"
_MOST_BYTES: Final = 4_194_304


class Judged(Struct, frozen=True):
    """How a score was judged: `alarms` are of days without a label, `recall` is of subjects, `precision` of so many cases a day."""

    by: Literal["unusual", "labels"]
    kind: str
    alarms: Share
    recall: Share | None
    precision: tuple[int, Share] | None


class ModelCard(Struct, frozen=True, kw_only=True):
    """`folder` is as the policy names it. `problem`: why it cannot be read; then nothing else is known.

    `ranked` is the span of days that scores were ranked on, None where they were on nobody's; `simulated`: on days that nobody lived.
    """

    folder: str
    problem: str = ""
    version: str = ""
    signals: int = 0
    signal_version: int = 0
    trained: tuple[str, str] = ("", "")
    rows: dict[str, int] = {}
    subjects: dict[str, int] = {}
    ranked: tuple[str, str] | None = None
    simulated: bool = False
    judged: tuple[Judged, ...] = ()
    libraries: dict[str, str] = {}

    @property
    def calibrated(self) -> bool:
        """Whether it gives risks that something can be enforced by."""
        return self.ranked is not None and not self.simulated


class ModelCards:
    """Reads them; call it in a thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, Section], tuple[object, ModelCard]] = {}

    def read(self, base: Path, folder: str, section: Section) -> ModelCard:
        """The card of a folder beside the policy."""
        path = base / folder
        state = _state(path)
        known = self._known.get((path, section))
        if known is not None and known[0] == state:
            return known[1]
        card = _read(path, folder, section)
        self._known[path, section] = state, card
        return card


def _state(path: Path) -> object:
    try:
        found = (path / _MANIFEST).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _read(path: Path, folder: str, section: Section) -> ModelCard:
    try:
        artifact = read_artifact(path, section)
    except ConfigError as error:
        return ModelCard(folder=folder, problem="; ".join(error.problems))
    manifest, ranking = artifact.manifest, artifact.manifest.calibration
    return ModelCard(
        folder=folder,
        version=artifact.version,
        signals=len(manifest.signals),
        signal_version=manifest.signal_version,
        trained=(manifest.trained.first, manifest.trained.last),
        rows=manifest.trained.rows,
        subjects=manifest.trained.subjects,
        ranked=(ranking.first, ranking.last) if ranking is not None else None,
        simulated=ranking is not None and ranking.simulated,
        judged=_judged(path),
        libraries=manifest.libraries,
    )


def _judged(path: Path) -> tuple[Judged, ...]:
    """From the evaluation that lies beside it, if one does; what cannot be read is none."""
    try:
        content = (path / _EVALUATION).read_bytes()[:_MOST_BYTES]
        found = msgspec.json.decode(content, type=list[Evaluation])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return ()
    return tuple(_line(one, kind, report) for one in found for kind, report in one.kinds.items())


def _line(one: Evaluation, kind: str, report: Any) -> Judged:
    part, whole = sum(it.recall.part for it in report.found), sum(it.recall.whole for it in report.found)
    first = min(one.precision, key=int, default=None)
    return Judged(
        by=one.by,
        kind=kind,
        alarms=report.alarms,
        recall=Share.of(part, whole) if whole else None,
        precision=(int(first), one.precision[first]) if first is not None else None,
    )
