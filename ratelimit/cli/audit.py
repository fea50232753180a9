"""`ratelimit audit`: verify the audit's chain, also against a head that was noted before."""

import asyncio
import sys

import click

from ratelimit.cli.ledger_place import open_ledger
from ratelimit.review.audit import link_of
from ratelimit.review.audit_check import Verified, verify


@click.group()
def audit() -> None:
    """Look after the record of who did what."""


@audit.command("verify")
@click.option("--head", "noted", metavar="SEQ:LINK", help="A head that was noted before, as the log has it each hour: seq and link.")
def verify_command(noted: str | None) -> None:
    """Walk through the whole chain. Ends with 1 where something is not what was written."""
    anchor = _anchor(noted) if noted is not None else None
    found, kept = asyncio.run(_verified(anchor))
    click.echo(f"{found.entries:,} entries, {found.forgotten:,} of them forgotten; head {found.head}")
    if not found.whole:
        click.echo(f"entry {found.broken_at}: {found.what}")
    if not kept and anchor is not None:
        click.echo(f"entry {anchor[0]}: it is not the one that was noted: the chain was made anew")
    if not (found.whole and kept):
        sys.exit(1)
    click.echo("the chain is whole" if anchor is None else "the chain is whole, and goes on from what was noted")


async def _verified(anchor: tuple[int, bytes] | None) -> tuple[Verified, bool]:
    async with open_ledger() as ledger, ledger.read() as connection:
        return await verify(connection), anchor is None or await link_of(connection, anchor[0]) == anchor[1]


def _anchor(text: str) -> tuple[int, bytes]:
    seq, _, link = text.partition(":")
    try:
        return int(seq), bytes.fromhex(link)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no head; expected SEQ:LINK, a number and hexadecimal digits", param_hint="--head") from None
