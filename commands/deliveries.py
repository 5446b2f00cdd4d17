"""Load deliveries; let in or refuse those that wait."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from commands import now
from data import intake
from data.reading import WrongFile
from data.waiting import Decision


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--source", help="Name the source where the headings alone do not tell.")
@click.option("--despite-clock", is_flag=True, help="Load though the last delivery came later: its clock ran ahead.")
@click.pass_obj
def load(root: Path, paths: tuple[Path, ...], source: str | None, despite_clock: bool) -> None:
    """Load files or folders; loading a file twice changes nothing."""
    files = intake.files_in(list(paths), root)
    if not files:
        raise WrongFile(f"{', '.join(map(str, paths))}: no CSV, XLSX or Parquet file there. Check the path.")
    waits: list[str] = []
    counts = {"rows_read": 0, "accepted": 0, "revised": 0, "unchanged": 0, "set_aside": 0}

    def told(path: Path, made: list[intake.Delivery] | WrongFile) -> None:
        if isinstance(made, WrongFile):
            click.echo(f"refused  {made}", err=True)
            return
        for one in made:
            if one.already and not one.waits:
                click.echo(f"known    {path.name} ({one.source}): this very file was loaded before; nothing changed")
                continue
            if one.waits:
                waits.append(one.delivery_id)
                click.echo(
                    f"{one.waits:<8} {path.name} ({one.source}) as {one.delivery_id}: a person must accept or refuse it"
                )
                continue
            for key in counts:
                counts[key] += getattr(one, key)
            click.echo(
                f"loaded   {path.name} ({one.source}): {one.rows_read:,} read, {one.accepted:,} accepted, "
                f"{one.revised:,} revised, {one.unchanged:,} unchanged, {one.set_aside:,} set aside"
            )

    def reading(name: str, rows: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"reading  {name}: {rows:,} rows\r", err=True, nl=False)

    _, refused = intake.load_files(
        root, list(paths), received_at=now(), source=source, after=told, progress=reading, despite_clock=despite_clock
    )
    click.echo(
        f"{len(files) - len(refused)} of {len(files)} files; rows read {counts['rows_read']:,} = "
        f"accepted {counts['accepted']:,} + revised {counts['revised']:,} + unchanged {counts['unchanged']:,} + "
        f"set aside {counts['set_aside']:,}"
    )
    if refused:
        sys.exit(2)
    sys.exit(1 if counts["set_aside"] or waits else 0)


@click.group()
def delivery() -> None:
    """Deliveries that wait for a person."""


@delivery.command("list")
@click.pass_obj
def delivery_list(root: Path) -> None:
    """Say which deliveries wait, and why."""
    for held in intake.waiting_now(root):
        for part in held.parts:
            odd = "; ".join(f"{d['note']} {json.dumps(d['params'], ensure_ascii=False)}" for d in part["doubts"])
            click.echo(f"{held.waiting_id} {held.file} ({part['source']}): {part['rows_read']:,} rows; {odd}")


@delivery.command("accept")
@click.argument("waiting_id")
@click.option("--by", required=True, help="The account or name of the person who decides.")
@click.option("--reason", required=True, help="Why, in their own words; kept beside the delivery.")
@click.pass_obj
def delivery_accept(root: Path, waiting_id: str, by: str, reason: str) -> None:
    """Let a delivery that waits in: it is loaded whole, from the copy kept."""
    for one in intake.accept(root, Decision(waiting_id, by, reason, now())):
        click.echo(f"loaded   {one.file} ({one.source}): {one.accepted:,} accepted, {one.set_aside:,} set aside")


@delivery.command("refuse")
@click.argument("waiting_id")
@click.option("--by", required=True, help="The account or name of the person who decides.")
@click.option("--reason", required=True, help="Why, in their own words; kept beside the delivery.")
@click.pass_obj
def delivery_refuse(root: Path, waiting_id: str, by: str, reason: str) -> None:
    """Refuse a delivery that waits: none of its rows counts; its file stays in the folder `waiting`."""
    held = intake.refuse_waiting(root, Decision(waiting_id, by, reason, now()))
    click.echo(f"refused  {held.file}; kept at {held.kept}")
