"""The invented demo district."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from cases import publish as editions
from commands import now, progress
from data import accounts, intake
from data.demo import people, write_demo
from data.editions import list_editions
from data.ledger import open_ledger
from metrics.calendar import Quarter

DEMO_REASON = "示例数据的首个版本 First edition of the demo district"
DEMO_ANSWER = (
    "示例：记录系虚构，发现照列于此，未作改动，仅供演示答复如何保留。"
    "Demonstration: the records are invented; the findings stand as found, to show how an answer is kept."
)


@click.command()
@click.option("--estates", default=1200, show_default=True)
@click.option("--companies", default=563, show_default=True)
@click.pass_obj
def demo(root: Path, estates: int, companies: int) -> None:
    """Load the invented demo district, publish its first edition, offer its people. Does nothing the second time."""
    if list_editions(root):
        click.echo(f"{root} holds editions already; nothing to do.")
        return
    root.mkdir(parents=True, exist_ok=True)
    (root / "DEMO").write_text("Invented records; see data/demo.\n", encoding="utf-8")
    with tempfile.TemporaryDirectory(dir=root) as place:
        click.echo(f"Drawing an invented district of {estates:,} estates ...")
        district = write_demo(Path(place) / "inbox", estates=estates, companies=companies)
        files = intake.files_in([Path(place) / "inbox"])
        with click.progressbar(length=len(files), label="load") as bar:
            done, _ = intake.load_files(
                root, [Path(place) / "inbox"], received_at=now(), after=lambda *_: bar.update(1)
            )
    click.echo(f"{sum(d.rows_read for d in done):,} rows read, {sum(d.set_aside for d in done):,} set aside")
    accounts.ensure_demo_people(open_ledger(root), people(district), now())
    period = str(Quarter.of(now().date()) - 1)
    made = editions.draft(root, period, now=now(), by="demo", demo=True, progress=progress(f"draft {period}"))
    held = editions.findings_of(root, made)
    if held:
        click.echo("Findings before publication, answered for the demonstration:\n" + "\n".join(f"  {f}" for f in held))
    click.echo(
        editions.publish(root, made, now=now(), by="demo", reason=DEMO_REASON, answer=DEMO_ANSWER if held else "")
    )
