"""What a load test has to reach: a small YAML file, read with every problem at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from msgspec import Struct

from ratelimit.core.errors import ConfigError
from ratelimit.core.expectation import choices_of, meant, shown

MEASURES: Final = {
    "p50_ms": "half of the answers came within so many milliseconds",
    "p95_ms": "95 % of the answers came within",
    "p99_ms": "99 % of the answers came within",
    "requests_per_s": "requests per second, whatever was answered",
    "error_share": "requests without an answer, or with one that is malformed or contradicts its headers",
    "refused_share": "answers that are throttle or block",
    "unavailable_share": "answers given without the store",
    "over_admission": "tokens that the worst window of any bucket admitted beyond capacity + refill * window",
    "limit_used": "the share of what it might admit that the fullest bucket did admit",
}
HONEST: Final = ("person", "office", "mobile")
KINDS: Final = (*HONEST, "flood", "scraper", "shared_key")
WHOM: Final = ("all", "honest", *KINDS)
OF_BUCKETS: Final = ("over_admission", "limit_used")  # of no kind of caller: callers share buckets


class Objective(Struct, frozen=True, forbid_unknown_fields=True):
    """One line: a measure of some callers, and its bound. Exactly one of `at_most` and `at_least` is set."""

    measure: str
    of: str = "all"
    at_most: float | None = None
    at_least: float | None = None

    def met(self, measured: float | None) -> bool:
        """Whether what was measured keeps the bound; what could not be measured keeps none."""
        if measured is None:
            return False
        return (self.at_most is None or measured <= self.at_most) and (self.at_least is None or measured >= self.at_least)

    @property
    def bound(self) -> str:
        """The bound for people."""
        return f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"


def read_objectives(path: Path) -> list[Objective]:
    """The objectives in a file. Raises ConfigError with every problem."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise ConfigError([f"{path}: cannot be read ({reason}); expected objectives in YAML"]) from None
    if not isinstance(data, dict) or list(data) != ["objectives"] or not isinstance(data["objectives"], list) or not data["objectives"]:
        raise ConfigError([f"{path}: $: {shown(data)} is not allowed; expected a mapping with objectives, a list of at least one"])
    objectives, problems = [], []
    for index, item in enumerate(data["objectives"]):
        try:
            objective = msgspec.convert(item, Objective)
        except msgspec.ValidationError as error:
            what, _, below = str(error).partition(" - at `$")
            problems.append(f"$.objectives[{index}]{below.rstrip('`')}: {what}")
        else:
            objectives.append(objective)
            problems += [f"$.objectives[{index}]{text}" for text in _problems(objective)]
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return objectives


def _problems(objective: Objective) -> Iterator[str]:
    """What is wrong beyond the types, each with the path below the objective."""
    names: tuple[tuple[str, Any], ...] = (("measure", tuple(MEASURES)), ("of", WHOM))
    for field, known in names:
        value = getattr(objective, field)
        if value not in known:
            yield f".{field}: {shown(value)} is not allowed; expected {choices_of(known)}{meant(value, known)}"
    if objective.measure in OF_BUCKETS and objective.of != "all":
        yield f".of: {objective.measure} is of buckets, which callers share; expected no of"
    bounds = {name: value for name in ("at_most", "at_least") if (value := getattr(objective, name)) is not None}
    if len(bounds) != 1:
        yield f": has {' and '.join(bounds) or 'no bound'}; expected at_most or at_least, one of the two"
    for name, value in bounds.items():
        most = 1.0 if objective.measure.endswith("_share") else float("inf")
        if not (0 <= value <= most and value < float("inf")):
            yield f".{name}: {value:g} is not allowed; expected a number {'from 0 to 1' if most == 1.0 else '>= 0'}"
