"""What train, calibrate and evaluate do once they know what was asked: logs become trails, trails a model or its judgement, on disk."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from shlex import join
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.markdown import Markdown

from ratelimit.anomaly.artifact import CARD, family_of, write_artifact
from ratelimit.anomaly.build import Built, build
from ratelimit.anomaly.calibration import Ranking, calibrate
from ratelimit.anomaly.card import card, findings
from ratelimit.anomaly.evaluation import evaluate
from ratelimit.anomaly.model import Model
from ratelimit.anomaly.plot import plots
from ratelimit.anomaly.recipe import RECIPES
from ratelimit.anomaly.signal_table import Family, ModelKind
from ratelimit.cli.ledger_past import callers_of_ledger, purchases_of_ledger
from ratelimit.cli.ledger_place import store_key
from ratelimit.cli.model import FINDINGS
from ratelimit.cli.past import Asked, Past, past_of
from ratelimit.cli.purchase_past import purchase_past_of
from ratelimit.core.errors import ConfigError

_NO_LOG = (
    "of requests the ledger has refusals and a sample alone, each with the signals of the riskiest of those who asked, so it does not say "
    "what is usual; expected LOGs of the gateway before --from-ledger, which then gives labels and leaves out of whom no model may learn"
)
_WIDTH = 160  # columns of tables that do not go to a terminal


def train_model(options: Mapping[str, Any], family: Family, out: Path, **recipe: int) -> None:
    """Train, write and say what was made; `recipe` is what of it was asked for."""
    _writable(out)
    with _past_of(family, Asked.of("train", options)) as past, _stages("fitting", options) as on_kind:
        built = build(past.trails, past.labels, RECIPES[family]._replace(**recipe), on_kind)
    command = ["ratelimit", "train", family, *_repeated(options), "--out", str(out)]
    asked = {name: value for name, value in recipe.items() if name != "label_days"}  # which follow from those held
    command += [word for name, value in asked.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    _write(out, built, join(command), as_json=options["as_json"])


def calibrate_model(options: Mapping[str, Any], model_dir: Path, out: Path, least_days: int, *, simulated: bool) -> None:
    """Calibrate, write and say what was made."""
    _writable(out)
    family = family_of(model_dir)
    model = Model.read(model_dir, family)
    with _past_of(family, Asked.of("calibrate", options)) as past, _stages("ranking", options) as on_kind:
        built = calibrate(model, past.trails, past.labels, Ranking(least=least_days, simulated=simulated), on_kind)
    command = ["ratelimit", "calibrate", str(model_dir), *_repeated(options), "--out", str(out)]
    command += ["--simulated"] * simulated + ["--least-days", str(least_days)]
    _write(out, built, join(command), as_json=options["as_json"])


def evaluate_model(options: Mapping[str, Any], model_dir: Path, out: Path | None) -> None:
    """Judge and say what was found; write it where that was asked for."""
    if out is not None:
        _writable(out)
    family = family_of(model_dir)
    model = Model.read(model_dir, family)
    with _past_of(family, Asked.of("evaluate", options)) as past, _stages("judging", options) as on_kind:
        found = evaluate(model, past.trails, past.labels, on_kind)
    evaluations = [evaluation for evaluation, _ in found.values()]
    encoded = msgspec.json.format(msgspec.json.encode(evaluations), indent=2) + b"\n"
    if out is not None:
        files: dict[str, bytes] = {}
        for by, (evaluation, judged) in found.items():
            files |= {f"{by}-{name}": content for name, content in plots(judged, evaluation.precision).items()}
        text = findings(evaluations, sorted(files))
        for name, content in {**files, "evaluation.json": encoded, FINDINGS: text.encode()}.items():
            (out / name).write_bytes(content)
    if options["as_json"]:
        click.echo(encoded, nl=False)
    else:
        _console().print(Markdown(findings(evaluations, [])))


def _past_of(family: Family, asked: Asked) -> AbstractContextManager[Past]:
    if family == "purchases":
        if asked.logs and asked.ledger is not None:
            raise ConfigError(["purchases are given in a LOG and in the ledger; expected one of the two"])
        return purchase_past_of(asked) if asked.logs else purchases_of_ledger(asked)
    if asked.ledger is None:
        return past_of(asked)
    if not asked.logs:
        raise ConfigError([_NO_LOG])
    return past_of(asked, store_key(), partial(callers_of_ledger, asked.ledger or None))


def _write(out: Path, built: Built, made_by: str, *, as_json: bool) -> None:
    text = card(built.manifest, made_by)
    version = write_artifact(out, built.manifest, built.arrays, {CARD: text.encode()})
    for kind, problem in built.left_out.items():
        click.echo(f"ratelimit: {kind} is left out: {problem}", err=True)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"version": version, "manifest": built.manifest}), indent=2))
    else:
        _console().print(Markdown(text))
        click.echo(f"{out}: version {version}")


def _writable(folder: Path) -> None:
    """To know before the work, not after it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigError([f"{folder}: {error.strerror}; expected a folder that can be written to"]) from None


def _repeated(options: Mapping[str, Any]) -> list[str]:
    """What was asked, as it is typed again."""
    paths = [
        [f"--{name.replace('_', '-')}", str(options[name])] for name in ("labels", "policy", "ip_lists", "countries") if options.get(name)
    ]
    ledger = ["--from-ledger"] if options["ledger"] is not None else []  # its URL may hold a password
    return [*options["logs"], *ledger, *(word for path in paths for word in path)]


@contextmanager
def _stages(what: str, options: Mapping[str, Any]) -> Iterator[Callable[[ModelKind], None]]:
    """Says which kind of subject is worked on, where somebody looks."""
    if options["quiet"] or not sys.stderr.isatty():
        yield lambda _kind: None
        return
    with Console(stderr=True).status(what) as status:
        yield lambda kind: status.update(f"{what} {kind}")


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=_WIDTH)
