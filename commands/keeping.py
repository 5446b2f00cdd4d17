"""Back up and restore the stores; send the notices that are due."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from cases import sending
from commands import now
from data import backup
from data.ledger import open_ledger
from data.notices import checked
from data.outbox import Waits
from rules.book import Book


@click.command("backup")
@click.argument("place", type=click.Path(path_type=Path))
@click.pass_obj
def make_backup(root: Path, place: Path) -> None:
    """Copy the three stores into a new folder, while the program runs."""
    click.echo(f"Backed up to {backup.backup(root, place, now())}; keep it as closely as the stores themselves.")


@click.command()
@click.argument("place", type=click.Path(path_type=Path))
@click.pass_obj
def restore(root: Path, place: Path) -> None:
    """Put a backup back into a new --root; everybody signs in again."""
    click.echo(f"{backup.restore(place, root, now())} files restored to {root}; every stay ended.")


@click.command()
@click.pass_obj
def send(root: Path) -> None:
    """Send the notices that are due, once each (for a timer). Nothing is sent before it is configured: docs/deploy.md."""
    rule = Book().on(now().date(), "outbox")
    ways = sending.senders(os.environ, rule)
    if not ways:
        click.echo("Neither mail nor webhooks are configured, so nothing is sent: see docs/deploy.md.")
        return
    came = sending.send_waiting(open_ledger(root), ways, now, Waits.of(rule))
    click.echo(", ".join(f"{n} {kind}" for kind, n in sorted(came.items())) or "nothing was due")
    sys.exit(1 if came.keys() & {"unsure", "settled", "refused"} else 0)


@click.command("signing-key")
@click.argument("address")
def signing_key(address: str) -> None:
    """Print the key a webhook's receiver checks our signatures with. Hand it over as you would a password."""
    way = sending.webhook(os.environ)
    click.echo(way.signing_key(checked("webhook", address, way.hosts)))
