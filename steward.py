"""The command line of the nightly job: load deliveries, draft an edition, publish it, verify it.

Exit codes: 0 done; 1 done, and some rows were set aside or a file waits for a person (load) or numbers differ (verify);
2 refused, with the reason; 3 out of memory, nothing stored. The pages use the same functions.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import click
import duckdb

from cases import effect, sending
from cases import publish as editions
from data import accounts, backup, duties, events, intake
from data.demo import people, write_demo
from data.editions import current, list_editions
from data.grants import Grant
from data.ledger import open_ledger
from data.mending import MendRefused
from data.notices import checked
from data.outbox import Waits
from data.reading import WrongFile
from data.records import StoreBusy, StoreUnwritable
from data.scope import ROLES, Role
from data.waiting import Decision, DecisionRefused
from metrics.calendar import Quarter
from metrics.edition import EditionStopped
from rules.book import Book, RuleFileWrong, RuleNotInForce

REFUSED = (
    WrongFile, StoreBusy, StoreUnwritable, EditionStopped, RuleFileWrong,
    RuleNotInForce, editions.NoSuchEdition, accounts.AccountWrong,
    backup.BackupRefused, MendRefused, DecisionRefused,
    ValueError,
)  # fmt: skip

DEMO_REASON = "示例数据的首个版本 First edition of the demo district"
DEMO_ANSWER = (
    "示例：记录系虚构，发现照列于此，未作改动，仅供演示答复如何保留。"
    "Demonstration: the records are invented; the findings stand as found, to show how an answer is kept."
)


def now() -> datetime:
    return datetime.now(UTC)


class Doors(click.Group):
    """Commands whose refusals are told in plain words, with exit code 2."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except REFUSED as e:
            click.echo(str(e), err=True)
            sys.exit(2)
        except (MemoryError, duckdb.OutOfMemoryException) as e:
            click.echo(f"There was not enough memory, so nothing was stored. {e}", err=True)
            sys.exit(3)


@click.group(cls=Doors)
@click.option("--root", type=click.Path(path_type=Path), default=lambda: Path(os.environ.get("STEWARD_ROOT", "var")),
              show_default="var", help="The folder of the three stores.")  # fmt: skip
@click.pass_context
def main(context: click.Context, root: Path) -> None:
    """Steward: property management index (物业管理水平指数)."""
    context.obj = root


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--source", help="Name the source where the headings alone do not tell.")
@click.option("--despite-clock", is_flag=True, help="Load though the last delivery came later: its clock ran ahead.")
@click.pass_obj
def load(root: Path, paths: tuple[Path, ...], source: str | None, despite_clock: bool) -> None:
    """Load files or folders; loading a file twice changes nothing."""
    files = intake.files_in(list(paths))
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


@main.group()
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


def _progress(label: str):
    bar = click.progressbar(length=100, label=label, item_show_func=lambda name: name or "")
    bar.__enter__()
    last = 0

    def tell(name: str, step: int, steps: int) -> None:
        nonlocal last
        percent = 100 * step // steps
        bar.update(percent - last, name)
        last = percent
        if step == steps:
            bar.__exit__(None, None, None)

    return tell


@main.command()
@click.option("--period", help="A quarter such as 2026Q3; the last whole quarter by default.")
@click.option("--by", default="nightly", show_default=True, help="Who asked for it.")
@click.pass_obj
def draft(root: Path, period: str | None, by: str) -> None:
    """Compute a draft edition from everything loaded."""
    period = period or str(Quarter.of(now().date()) - 1)
    made = editions.draft(root, period, now=now(), by=by, demo=is_demo(root), progress=_progress(f"draft {period}"))
    click.echo(made)


@main.command()
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


@main.command()
@click.argument("edition", required=False)
@click.option("--noted", help="An end of the ledger noted earlier, NUMBER:HASH: that event must still stand.")
@click.pass_obj
def verify(root: Path, edition: str | None, noted: str | None) -> None:
    """Check the ledger from its first event to its last; recompute an edition, compare every number."""
    whole = _ledger_is_whole(root, noted)
    path = current(root)
    name = edition or (path.stem if path else None)
    if name is None:
        raise editions.NoSuchEdition("No edition is published yet. Name one, or publish a draft first.")
    differences = editions.verify(root, name, now=now(), progress=_progress(f"verify {name}"))
    for d in differences:
        click.echo(
            f"{d.table}: {d.only_stored:,} rows only in the edition, {d.only_recomputed:,} only recomputed", err=True
        )
    click.echo(f"{name}: " + ("differs from its recomputation" if differences else "equal, number by number"))
    sys.exit(1 if differences or not whole else 0)


@main.command("effect")
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


def is_demo(root: Path) -> bool:
    """Does this folder hold the invented district?"""
    return (root / "DEMO").is_file()


@main.command()
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
    made = editions.draft(root, period, now=now(), by="demo", demo=True, progress=_progress(f"draft {period}"))
    held = editions.findings_of(root, made)
    if held:
        click.echo("Findings before publication, answered for the demonstration:\n" + "\n".join(f"  {f}" for f in held))
    click.echo(
        editions.publish(root, made, now=now(), by="demo", reason=DEMO_REASON, answer=DEMO_ANSWER if held else "")
    )


@main.command("backup")
@click.argument("place", type=click.Path(path_type=Path))
@click.pass_obj
def make_backup(root: Path, place: Path) -> None:
    """Copy the three stores into a new folder, while the program runs."""
    click.echo(f"Backed up to {backup.backup(root, place, now())}; keep it as closely as the stores themselves.")


@main.command()
@click.argument("place", type=click.Path(path_type=Path))
@click.pass_obj
def restore(root: Path, place: Path) -> None:
    """Put a backup back into a new --root; everybody signs in again."""
    click.echo(f"{backup.restore(place, root, now())} files restored to {root}; every stay ended.")


@main.command()
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


@main.command("signing-key")
@click.argument("address")
def signing_key(address: str) -> None:
    """Print the key a webhook's receiver checks our signatures with. Hand it over as you would a password."""
    way = sending.webhook(os.environ)
    click.echo(way.signing_key(checked("webhook", address, way.hosts)))


@main.group()
def account() -> None:
    """Who may sign in."""


@account.command("add")
@click.argument("account_id")
@click.option("--name", "name_zh", required=True)
@click.option("--name-en")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--area", help="Sub-district or station, for officers.")
@click.option("--company", help="Credit code, for managers.")
@click.password_option()
@click.pass_obj
def account_add(root: Path, account_id: str, name_zh: str, name_en: str | None, role: Role, area: str | None,
                company: str | None, password: str) -> None:  # fmt: skip
    """Create an account."""
    accounts.create_account(
        open_ledger(root), account_id=account_id, name_zh=name_zh, name_en=name_en, role=role, area_id=area,
        company_id=company, password=password, now=now(), by="steward",
    )  # fmt: skip
    click.echo(f"Account '{account_id}' may sign in; its person chooses a password of their own first.")


@account.command("password")
@click.argument("account_id")
@click.password_option()
@click.pass_obj
def account_password(root: Path, account_id: str, password: str) -> None:
    """Set a new password; every session of the account ends."""
    accounts.set_password(open_ledger(root), account_id, password, now(), by="steward")
    click.echo(f"Password of '{account_id}' given, its lock lifted, its sessions ended; its person must change it.")


@account.command("disable")
@click.argument("account_id")
@click.pass_obj
def account_disable(root: Path, account_id: str) -> None:
    """Close an account; every session of it ends."""
    accounts.disable(open_ledger(root), account_id, now())
    click.echo(f"Account '{account_id}' is disabled.")


@account.command("enable")
@click.argument("account_id")
@click.pass_obj
def account_enable(root: Path, account_id: str) -> None:
    """Open a disabled account again."""
    accounts.enable(open_ledger(root), account_id, now())
    click.echo(f"Account '{account_id}' may sign in again.")


@account.command("duties")
@click.argument("account_id")
@click.argument("duty", nargs=-1, required=True)
@click.pass_obj
def account_duties(root: Path, account_id: str, duty: tuple[str, ...]) -> None:
    """Give an account several duties, each ROLE or ROLE:AREA or manager:COMPANY; its person chooses after signing in."""
    grants = []
    for text in duty:
        role, _, where = text.partition(":")
        if role not in ROLES:
            raise accounts.AccountWrong(f"'{text}' names no role. Roles are: {', '.join(ROLES)}.")
        company = role == "manager"
        grants.append(Grant(cast(Role, role), None if company else where or None, where or None if company else None))
    duties.grant_roles(open_ledger(root), account_id, grants, by="steward", now=now())
    click.echo(f"Account '{account_id}' has {len(grants)} duties now; its sessions ended.")


@account.command("role")
@click.argument("account_id")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--area", help="Sub-district or station, for officers.")
@click.option("--company", help="Credit code, for managers.")
@click.pass_obj
def account_role(root: Path, account_id: str, role: Role, area: str | None, company: str | None) -> None:
    """Give an account another duty; every session of it ends."""
    accounts.change_role(
        open_ledger(root), account_id, role, area_id=area, company_id=company, by="steward", now=now()
    )  # fmt: skip
    click.echo(f"Account '{account_id}' is {role} now; its sessions ended.")


if __name__ == "__main__":
    main()
