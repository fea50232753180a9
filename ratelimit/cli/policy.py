"""`ratelimit policy`: check a policy file, explain what a request would meet, list the names of rules, print the JSON Schema."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ratelimit.anomaly.model import Model
from ratelimit.anomaly.purchase_model import PurchaseModel
from ratelimit.core.address import caller_prefix, parse_address
from ratelimit.core.amendment import retention_notes
from ratelimit.core.errors import ConfigError
from ratelimit.core.explanation import Question, explain, explain_lists
from ratelimit.core.identity import Caller
from ratelimit.core.limit import Limit
from ratelimit.core.listing import PolicyList
from ratelimit.core.policy import Policy
from ratelimit.core.policy_file import json_schema, written
from ratelimit.core.rule_names import NAMES
from ratelimit.service.model_watch import check_models
from ratelimit.service.policy_source import read_policy

_file = click.argument("file", type=click.Path(path_type=Path))
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@click.group()
def policy() -> None:
    """Check and explain policy files."""


@policy.command()
@_file
@_as_json
@click.pass_context
def check(context: click.Context, file: Path, as_json: bool) -> None:
    """Report every problem of FILE at once (exit code 2), or its warnings and its limits."""
    if as_json:
        _check_json(context, file)
        return
    found = _approved(file)
    for warning in (*found.warnings, *retention_notes(found.file)):
        click.echo(f"{file}: warning: {warning}", err=True)
    click.echo(f"{file}: OK, {_count(len(found.limits), 'limit')}, mode {found.mode}, digest {found.digest}")
    _print_table(["limit", "per", "match", "amount", "mode", "store away"], [_row(limit) for limit in found.limits])
    if found.lists.all:
        _print_table(["list", "says", "items", "scope", "mode"], [_list_row(it) for it in found.lists.all])


def _check_json(context: click.Context, file: Path) -> None:
    try:
        found = _approved(file)
    except ConfigError as error:
        _print_json({"ok": False, "problems": error.problems})
        context.exit(error.exit_code)
    warnings = [*found.warnings, *retention_notes(found.file)]
    about = {"mode": found.mode, "digest": found.digest, "warnings": warnings, "limits": [written(limit) for limit in found.limits]}
    _print_json({"ok": True, "problems": [], **about})


def _approved(file: Path) -> Policy:
    """The policy, with models that can do what it asks of them."""
    found = read_policy(file)
    check_models(found, Model.read, PurchaseModel.read)
    return found


@dataclass(frozen=True)
class _Given:
    """What the command line says of the caller."""

    api_key: str | None
    ip: str | None
    account: str | None
    plan: str | None

    def caller(self, found: Policy) -> Caller:
        """The caller as the limits of `found` see it; the key stays out of what is printed."""
        packed = None
        if self.ip is not None:
            address = parse_address(self.ip)
            if address is None:
                raise click.BadParameter(
                    f"{self.ip!r} is not an address; expected one such as 203.0.113.7 or 2001:db8::1", param_hint="--ip"
                )
            packed = caller_prefix(address, found.identity.ipv6_prefix)
        return Caller(api_key="given" if self.api_key else None, ip=packed, account=self.account, plan=self.plan)


@policy.command("explain")
@_file
@click.option("--method", default="GET", show_default=True, help="The request's method.")
@click.option("--path", required=True, help="The request's path; a query is left aside.")
@click.option("--api-key", help="Any text; it is not printed.")
@click.option("--ip", help="The caller's address.")
@click.option("--account", help="The caller's account.")
@click.option("--plan", help="The caller's plan.")
@_as_json
def explain_command(file: Path, method: str, path: str, as_json: bool, **given: str | None) -> None:
    """Say which limits of FILE a request would meet, as whom, and why not the others; and which of its lists the caller is on."""
    found = read_policy(file)
    caller = _Given(**given).caller(found)
    explanations, lists = explain(found, Question(method, path, caller)), explain_lists(found, caller, time.time())
    if as_json:
        _print_json({"limits": [explanation._asdict() for explanation in explanations], "lists": [it._asdict() for it in lists]})
        return
    met = sum(explanation.applies for explanation in explanations)
    click.echo(f"{method.upper()} {path} meets {met} of {_count(len(explanations), 'limit')}")
    rows = [[limit, "yes" if applies else "no", subject or "-", why] for limit, applies, subject, why in explanations]
    _print_table(["limit", "met", "subject", "why"], rows)
    if found.lists.all:
        click.echo(f"the caller is on {len(lists)} of {_count(len(found.lists.all), 'list')}")
        _print_table(["list", "says", "by", "why"], [list(it) for it in lists])


@policy.command()
def schema() -> None:
    """Print the JSON Schema of the file.

    Saved as ratelimit.schema.json, editors use it with `# yaml-language-server: $schema=ratelimit.schema.json` as the policy's first line.
    """
    click.echo(json.dumps(json_schema(), indent=2))


@policy.command()
@click.argument("part", required=False)
@_as_json
def names(part: str | None, as_json: bool) -> None:
    """List what conditions of rules can name: signals and facts of purchases, of the site, of requests. PART narrows it down."""
    rows = [
        [f"{variable}.{name}", about.type, about.unit, about.meaning]
        for variables in NAMES.values()
        for variable, all_of in variables.items()
        for name, about in all_of.items()
        if part is None or part in f"{variable}.{name}"
    ]
    columns = ["name", "type", "unit", "meaning"]
    if as_json:
        _print_json({"names": [dict(zip(columns, row, strict=True)) for row in rows]})
    else:
        _print_table(columns, rows)


def _row(limit: Limit) -> list[str]:
    match = "; ".join(f"{name} {', '.join(values)}" for name, values in msgspec.structs.asdict(limit.match).items() if values)
    return [limit.name, ", ".join(limit.per), match or "all", _amount(limit), limit.mode, limit.on_store_failure]


def _list_row(it: PolicyList) -> list[str]:
    return [it.rule.name, it.rule.then or f"signal {it.rule.signal}", str(it.entries), it.rule.scope, it.mode]


def _amount(limit: Limit) -> str:
    if limit.bucket:
        return f"{limit.bucket.capacity}, refilled {limit.bucket.refill}"
    assert limit.quota, "a limit has a bucket or a quota"  # noqa: S101 - parse_policy has seen to it
    return f"{limit.quota.amount} a {limit.quota.every}, {limit.quota.timezone}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _print_table(columns: list[str], rows: list[list[str]]) -> None:
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))  # Text, since a glob such as [a] would be taken for markup
    Console().print(table)


def _print_json(content: dict[str, Any]) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
