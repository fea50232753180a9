"""`ratelimit replay --record`: is a decision of then decided the same again, from what its record says?"""

import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from ratelimit.anomaly.model import Model
from ratelimit.cli.log_file import STDIN
from ratelimit.core.errors import ConfigError
from ratelimit.core.policy import Policy
from ratelimit.core.record import Record
from ratelimit.core.verdict import Again, again, mismatches, same
from ratelimit.service.model_section import REQUESTS

_MOST_BYTES: Final = 1_048_576
_decode: Final = msgspec.json.Decoder(Record).decode


class RecordReport(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    same: bool
    id: str
    policy: str
    model: str | None
    then: Again
    now: Again


def replay_record(name: str, policy: Policy, model_folder: Path | None, *, as_json: bool) -> bool:
    """Print whether it is the same, and return it. Raises ConfigError where record, policy and model do not go together.

    Without a `model_folder` the policy says which it is.
    """
    record = _read(name)
    if model_folder is None and record.model is not None:
        model_folder = REQUESTS.champion(policy)
    model = Model.read(model_folder) if model_folder is not None else None
    problems = mismatches(record, policy, model)
    if problems:
        raise ConfigError([f"{name}: {problem}" for problem in problems])
    now = again(record, policy, model)
    then = Again(record.decision, record.reason, record.risk)
    report = RecordReport(same(record, now), record.id, record.policy, record.model, then, now)
    click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() if as_json else _text(record, report))
    return report.same


def _read(name: str) -> Record:
    try:
        content = sys.stdin.buffer.read(_MOST_BYTES) if name == STDIN else Path(name).read_bytes()[:_MOST_BYTES]
    except OSError as error:
        raise ConfigError([f"{name}: {error.strerror}; expected a file with one record, or - for standard input"]) from None
    try:
        return _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError([f"{name}: {error}; expected one record, as /v1/records/ID answers it"]) from None


def _text(record: Record, report: RecordReport) -> str:
    who = f" by {record.limit}, {record.subject}" if record.limit else ""
    return "\n".join((
        f"record   {record.id}{who}: {record.method} {record.path}, cost {record.cost}",
        f"policy   {report.policy}, the same",
        f"model    {report.model or 'none'}" + (", the same" if report.model else ""),
        f"then     {_said(report.then)}",
        f"now      {_said(report.now)}",
        f"verdict  {'the same' if report.same else 'DIFFERENT'}",
    ))  # fmt: skip


def _said(one: Again) -> str:
    return f"{one.decision}, {one.reason}, risk {'not known' if one.risk is None else f'{one.risk:.6g}'}"
