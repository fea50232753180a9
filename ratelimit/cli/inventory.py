"""`ratelimit privacy inventory`: what is kept of people, why, for how long, by which sentence; what is off, and what would allow it."""

from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from ratelimit.cli.retention import settings_in_force
from ratelimit.core.amendment import Amendment
from ratelimit.core.inventory import Kept
from ratelimit.core.notice import notice

_LEAST_WIDTH: Final = 140  # characters: five columns in fewer cannot be read


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def inventory(*, as_json: bool) -> None:
    """List all that is kept of people by the policy that is here, and what is off until the site's published policy says more."""
    found = notice(settings_in_force())
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    table = Table("what", "why", "how long", box=None, pad_edge=False)
    table.add_column("covered by", no_wrap=True)
    table.add_column("where")
    for kept in found.inventory:
        table.add_row(kept.what, kept.purpose, kept.life, _covered(kept), ", ".join(kept.places))
    width = max(Console().width, _LEAST_WIDTH)
    console = Console(width=width, emoji=False, markup=False, highlight=False)  # `rl1:v:` is no emoji
    console.print(table)
    for one, is_on in [(it, is_on) for some, is_on in ((found.on, True), (found.off, False)) for it in some]:
        console.print(_told(one, on=is_on), soft_wrap=True)


def _covered(kept: Kept) -> str:
    if kept.off:
        return "nothing: off, see below"
    if kept.needs:
        return "your amendment, see below"
    return kept.sentence if kept.sentence != "none" else "the law"


def _told(one: Amendment, *, on: bool) -> str:
    if on:
        return f'\n{one.name} is on. The site\'s published policy has to say, such as:\n  "{one.sentence}"'
    return (
        f"\n{one.name} is off: {one.missing}.\n"
        f'  Once the published policy says, such as: "{one.sentence}"\n'
        f"  turn it on with {one.name} in retention.keep of the policy file."
    )
