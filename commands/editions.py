"""Draft an edition, publish it, verify it, and see what a correction does to it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from cases import effect
from cases import publish as editions
from commands import is_demo, now, progress
from data import events, own_mappings
from data.editions import current
from data.ledger import open_ledger
from metrics.calendar import Quarter


@click.command()
@click.option("--period", help="A quarter such as 2026Q3; the last whole quarter by default.")
@click.option("--by", default="nightly", show_default=True, help="Who asked for it.")
@click.pass_obj
def draft(root: Path, period: str | None, by: str) -> None:
    """Compute a draft edition from everything loaded."""
    period = period or str(Quarter.of(now().date()) - 1)
    made = editions.draft(root, period, now=now(), by=by, demo=is_demo(root), progress=progress(f"draft {period}"))
    click.echo(made)


@click.command()
@click.argument("edition")
@click.option("--by", required=True, help="The account or name of the person who publishes.")
@click.option("--reason", required=True, help="Why, in their own words; kept in the edition.")
@click.option("--answer", default="", help="To the findings that hold it as a draft; kept in the edition.")
@click.pass_obj
def publish(root: Path, edition: str, by: str, reason: str, answer: str) -> None:
    """Publish a draft: it becomes the current edition and never changes."""
    click.echo(editions.publish(root, edition, now=now(), by=by, reason=reason, answer=answer))


def _ledger_is_whole(root: Path, noted: str | None) -> bool:
    """Walk the chain of case events, say what is wrong, and where it ends now."""
    ledger = open_ledger(root)
    found = list(events.faults(ledger, events.noted_end(noted) if noted else None))
    for fault in found:
        click.echo(f"ledger: {fault.text}", err=True)
    seq, end = events.end_of(ledger)
    click.echo(f"ledger: {seq:,} events, " + ("altered" if found else "unaltered") + f"; note elsewhere: {seq}:{end}")
    return not found


def _mappings_are_whole(root: Path) -> bool:
    """Hold the mapping files people confirmed against what was noted of them."""
    found = own_mappings.faults(root, open_ledger(root))
    for fault in found:
        click.echo(f"mappings: {fault}", err=True)
    return not found


@click.command()
@click.argument("edition", required=False)
@click.option("--noted", help="An end of the ledger noted earlier, NUMBER:HASH: that event must still stand.")
@click.pass_obj
def verify(root: Path, edition: str | None, noted: str | None) -> None:
    """Check the ledger from its first event to its last; recompute an edition, compare every number."""
    whole = _ledger_is_whole(root, noted) & _mappings_are_whole(root)
    path = current(root)
    name = edition or (path.stem if path else None)
    if name is None:
        raise editions.NoSuchEdition("No edition is published yet. Name one, or publish a draft first.")
    differences = editions.verify(root, name, now=now(), progress=progress(f"verify {name}"))
    for d in differences:
        click.echo(
            f"{d.table}: {d.only_stored:,} rows only in the edition, {d.only_recomputed:,} only recomputed", err=True
        )
    click.echo(f"{name}: " + ("differs from its recomputation" if differences else "equal, number by number"))
    sys.exit(1 if differences or not whole else 0)


@click.command("effect")
@click.option(
    "--edits", type=click.Path(path_type=Path, exists=True), help="Rows mended, as the desk writes them (JSON)."
)
@click.option("--edition", help="A published edition; by default the current one.")
@click.option("--by", default="", help="Who asks.")
@click.option("--into", type=click.Path(path_type=Path), help="Write what moves to this file (JSON).")
@click.pass_obj
def effect_of(root: Path, edits: Path | None, edition: str | None, by: str, into: Path | None) -> None:
    """What a correction does to scores: mended rows before they are saved, or all that came since an edition."""
    path = current(root)
    name = edition or (path.stem if path else None)
    if name is None:
        raise editions.NoSuchEdition("No edition is published yet, so there is nothing to compare with.")
    began = now()
    told = effect.told_of(root, name, edits.read_text(encoding="utf-8") if edits else None, by, began, _steps)
    told["seconds"] = round((now() - began).total_seconds(), 1)
    if into:
        into.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    click.echo(f"{len(told['estates'])} estates touched, {len(told['moved'])} scores move, {told['seconds']} s")


def _steps(name: str, step: int, steps: int) -> None:
    """One line per step, for a page that shows how far it is."""
    click.echo(f"step {step}/{steps} {name}")
