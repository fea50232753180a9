"""All that one run brought, as it is written and read: JSON that says with each figure on what machine it was taken."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.row import Row
from bench.standing import Standing


class Outcome(Struct, frozen=True):
    """Facts of the machine, rows with their budgets, and how everybody stood under each load."""

    machine: dict[str, str]
    rows: tuple[Row, ...] = ()
    standings: tuple[Standing, ...] = ()

    @property
    def caption(self) -> str:
        """Where and when, in a line that stands below every table and plot."""
        told = self.machine
        return f"{told['cpu']}, cores: {told['cores']}; {told['date'][:16].replace('T', ' ')} UTC; {told['command']}"

    def under(self) -> dict[tuple[str, int], list[Standing]]:
        """The standings by load and connections, in the order in which they were taken."""
        found: dict[tuple[str, int], list[Standing]] = {}
        for standing in self.standings:
            found.setdefault((standing.load, standing.connections), []).append(standing)
        return found


def make(machine: dict[str, str], found: Sequence[Row | Standing]) -> Outcome:
    """Rows and standings apart."""
    rows = tuple(one for one in found if isinstance(one, Row))
    return Outcome(machine, rows, tuple(one for one in found if isinstance(one, Standing)))


def write(path: Path, outcome: Outcome) -> None:
    """As JSON; each row with its median and whether it keeps its budget, so that nobody has to compute them again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = msgspec.to_builtins(outcome)
    for told, row in zip(content["rows"], outcome.rows, strict=True):
        told |= {"median": row.median, "met": row.met}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")


def read(path: Path) -> Outcome:
    """What `write` wrote; raises OSError, or msgspec.ValidationError if it is something else."""
    return msgspec.json.decode(path.read_bytes(), type=Outcome)
