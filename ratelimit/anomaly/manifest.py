"""What an artifact says of itself: `manifest.json`, typed. Unknown fields are refused, so that nothing of a newer format is overlooked."""

from typing import Any, Final, Literal

from msgspec import Struct, field

FORMAT: Final = 1

Age = Literal["new", "young", "old"]  # less than a day, less than 14, older


class Trained(Struct, frozen=True, forbid_unknown_fields=True):
    """On what the forests were fitted: days as `2026-03-01`, rows and subjects by their kind."""

    first: str
    last: str
    rows: dict[str, int]
    subjects: dict[str, int]


class Cohort(Struct, frozen=True, forbid_unknown_fields=True):
    """Peers with whom a subject is compared. None: of every plan, of every age; an empty plan: of those who have none."""

    plan: str | None
    age: Age | None
    subject_days: int


class Calibration(Struct, frozen=True, forbid_unknown_fields=True):
    """On whose days scores were ranked: the cohorts of each kind of subject, in the order in which the arrays hold them.

    `simulated`: on days that nobody lived, which are good for judging a model and for nothing else.
    """

    first: str
    last: str
    cohorts: dict[str, tuple[Cohort, ...]]
    simulated: bool = False
    metrics: dict[str, Any] = {}


class Manifest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`sha256` is that of arrays.npz, `libraries` what it was made with, `metrics` how it was judged; None: it is not calibrated."""

    signal_version: int
    signals: tuple[str, ...]
    trained: Trained
    libraries: dict[str, str]
    kind: str = "requests"
    format: int = FORMAT
    metrics: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    sha256: str = ""
