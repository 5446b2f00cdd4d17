"""Editions: draft, publish, verify. An edition is one DuckDB file that never changes once it has its name.

It is written aside, flushed to disk and renamed into place, so a process killed at any instant leaves either the
whole edition or a leftover ``.building`` file that the next draft removes. Publishing copies a draft under its
published name, with who published it and why, and points ``CURRENT`` at it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import sqlalchemy as sa

from cases import notices
from cases.computing import Known, known_now, known_to, score
from cases.corrected import first_shown
from cases.release import EditionHeld, Finding, holding
from cases.rulings import differs, frozen
from data import accounts, edition_tables
from data.editions import LOCKED, lacking
from data.ledger import open_ledger, writing
from data.records import open_store
from metrics import edition
from metrics.pending import Pending
from rules.book import Book

PROGRAM_VERSION = "0.3.0"
PUBLISHED = "published"  # what the ledger notes of an edition, with its publication hash
#: Tables whose numbers make the content hash and are compared by ``verify``.
NUMBERS = (
    "periods", "estates", "management", "evidence", "metric_sums", "inspectors", "propensity", "seasons", "dispersion",
    "priors",
    "metric_scores", "subindex_scores", "index_scores", "changes", "company_scores", "party_parts", "quantiles",
    "disputes", "withheld", "disputed_scores",
    "flags", "due", "data_quality", "coverage", "sensitivity",
    "sensitivity_facts", "robustness", "coherence", "validity", "audits",
    "checks", "check_runs", "record_flags", "record_repeats", "rulings", "sanctions",
)  # fmt: skip


class NoSuchEdition(LookupError):
    """The edition named is not in the editions folder."""


@dataclass(frozen=True)
class Difference:
    """One table that came out otherwise on recomputing: rows only in the edition, rows only in the recomputation."""

    table: str
    only_stored: int
    only_recomputed: int


def folder(root: Path) -> Path:
    """The editions folder, made if absent."""
    path = root / "editions"
    path.mkdir(parents=True, exist_ok=True)
    return path


def path_of(root: Path, edition_id: str) -> Path:
    path = folder(root) / f"{edition_id}.duckdb"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder(root).glob("*.duckdb"))) or "none yet"
        raise NoSuchEdition(f"No edition '{edition_id}' in {folder(root)}. Editions there: {known}.")
    return path


def _next_id(root: Path, stem: str) -> str:
    numbers = [int(p.stem.rsplit("-", 1)[1]) for p in folder(root).glob(f"{stem}-*.duckdb")]
    return f"{stem}-{max(numbers, default=0) + 1}"


def _seal(building: Path, final: Path) -> None:
    """Flush a finished file to disk and give it its name: from here on it never changes."""
    with building.open("rb+") as f:
        os.fsync(f.fileno())
    building.chmod(0o444)
    building.replace(final)
    directory = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def content_hash(con: duckdb.DuckDBPyConnection, schema: str) -> str:
    """A hash of every number in the edition, whatever order its rows stand in.

    Per table the sum of the rows' MD5 values, then one hash over the tables' sums.
    """
    parts = []
    for name in NUMBERS:
        columns = [r[0] for r in con.execute(f"DESCRIBE {schema}.{name}").fetchall()]
        text = " || '|' || ".join(f"coalesce(\"{c}\"::VARCHAR, '')" for c in columns)
        total, rows = con.execute(f"SELECT sum(md5_number_lower({text})), count(*) FROM {schema}.{name}").fetchall()[0]
        parts.append(f"{name}:{rows}:{total}")
    return con.execute("SELECT sha256($text)", {"text": "\n".join(parts)}).fetchall()[0][0]


def publication_hash(con: duckdb.DuckDBPyConnection, schema: str) -> str:
    """A hash over the numbers, who published them, when, and what they wrote about it."""
    said = con.sql(
        f"""
        SELECT edition_id, status, period, as_of, rulebook_hash, content_hash, published_by,
               epoch_us(published_at) AS published_at, reason, answer
        FROM {schema}.edition
        """
    ).pl()
    return hashlib.sha256(json.dumps(said.row(0), ensure_ascii=False).encode()).hexdigest()


def publication_changed(con: duckdb.DuckDBPyConnection, root: Path, edition_id: str) -> bool:
    """Whether a published edition says another publisher, reason or answer than when it was published."""
    status, own = con.execute("SELECT status, publication_hash FROM stored.edition").fetchall()[0]
    if status != "published":
        return False
    noted = accounts.noted(open_ledger(root), PUBLISHED, f"{edition_id} ")
    return publication_hash(con, "stored") != own or noted != [f"{edition_id} {own}"]


def ledger_differs(con: duckdb.DuckDBPyConnection, root: Path) -> bool:
    """Whether the ledger up to the event an edition names says otherwise than the rulings and steps the edition keeps."""
    ledger = open_ledger(root)
    try:
        return differs(ledger, frozen(con, "stored"))
    finally:
        ledger.dispose()


def latest_delivery(root: Path) -> int:
    """Number of the newest delivery in the store; 0 where nothing was loaded."""
    con = open_store(root)
    try:
        return con.execute("SELECT coalesce(max(seq), 0) FROM deliveries").fetchall()[0][0]
    finally:
        con.close()


def _build(path: Path, root: Path, period: str, as_of: int, book: Book, about: dict, known: Known, progress) -> None:
    """Compute a whole edition into ``path``."""
    con = duckdb.connect()
    try:
        con.execute(f"ATTACH '{path}' AS edition")
        score(con, root, period, as_of, book, known, progress)
        rules = [{"name": n, "text": f.text} for n, f in book.files.items()]
        edition.write(con, "rulebook", pl.DataFrame(rules))
        row = {"period": period, "as_of": as_of, "rulebook_hash": book.hash, "program_version": PROGRAM_VERSION,
               "ledger_seq": known.decided.seq, "ledger_hash": known.decided.hash,
               "content_hash": content_hash(con, "edition"), **about}  # fmt: skip
        schema = {k: c.dtype.type for k, c in edition_tables.TABLES["edition"].to_schema().columns.items()}
        edition.write(con, "edition", pl.DataFrame([{k: row.get(k) for k in schema}], schema=schema))
        con.execute("CHECKPOINT edition")
        con.execute("DETACH edition")
    finally:
        con.close()


def draft(
    root: Path, period: str, *, now: datetime, by: str, book: Book | None = None, as_of: int | None = None,
    demo: bool = False, progress=None, still: Pending | None = None, ledger: sa.Engine | None = None,
) -> str:  # fmt: skip
    """Compute a draft edition of ``period`` from the records as known now (or at delivery ``as_of``), and from what cases
    have decided so far.

    Args:
        still: appeals under way and what was withheld (metrics/pending.py); kept in the edition. By default the objections
            open in the ledger.
        ledger: where the cases are; the ledger below ``root`` (or at its URL) by default.

    Returns:
        The edition's id, such as ``draft-2026Q3-1``.
    """
    book = book or Book()
    for leftover in folder(root).glob("*.building*"):
        leftover.unlink()
    edition_id = _next_id(root, f"draft-{period}")
    final = folder(root) / f"{edition_id}.duckdb"
    building = final.with_suffix(".building")
    latest = latest_delivery(root) if as_of is None else as_of
    about = {"edition_id": edition_id, "status": "draft", "demo": demo, "made_at": now, "made_by": by}
    _build(building, root, period, latest, book, about, known_now(root, ledger, still), progress)
    _seal(building, final)
    return edition_id


def findings_of(root: Path, draft_id: str) -> list[Finding]:
    """What holds a draft (cases/release.py); empty = it may be published as it is."""
    if lacking(path_of(root, draft_id)):
        raise ValueError(f"Draft '{draft_id}' was made by an older program and lacks what is looked at. Draft again.")
    con = duckdb.connect(path_of(root, draft_id), read_only=True, config=LOCKED)  # as pages may have it open
    try:
        return holding(con)
    finally:
        con.close()


def publish(root: Path, draft_id: str, *, now: datetime, by: str, reason: str, answer: str = "") -> str:
    """Publish a draft: a named person, with a reason. Returns the published id, such as ``2026Q3-1``.

    Whoever knows of a case with a ruling that this edition is the first to show is told so.

    Args:
        answer: to the findings that hold it, in the publisher's own words; kept in the edition.

    Raises:
        NoSuchEdition: no such draft.
        EditionHeld: something holds it and no answer was given; it stays a draft.
        ValueError: the edition is published already, or no reason was given.
    """
    source = path_of(root, draft_id)
    if not draft_id.startswith("draft-"):
        raise ValueError(f"Edition '{draft_id}' is published already; a correction needs a new draft.")
    if not reason.strip():
        raise ValueError("Publishing needs a reason in the publisher's own words: what this edition is for.")
    findings = findings_of(root, draft_id)
    if findings and not answer.strip():
        raise EditionHeld(draft_id, findings)
    published_id = _next_id(root, draft_id.removeprefix("draft-").rsplit("-", 1)[0])
    final = folder(root) / f"{published_id}.duckdb"
    building = final.with_suffix(".building")
    for leftover in folder(root).glob(f"{published_id}.building*"):  # of a publication that was killed
        leftover.unlink()
    shutil.copyfile(source, building)
    con = duckdb.connect(building)
    try:
        con.execute(
            """
            UPDATE edition SET edition_id = $id, status = 'published', published_by = $by, published_at = $now,
                               reason = $reason, answer = $answer
            """,
            {"id": published_id, "by": by, "now": now, "reason": reason, "answer": answer.strip() or None},
        )
        own = publication_hash(con, "main")
        con.execute("UPDATE edition SET publication_hash = $own", {"own": own})
        con.execute("CHECKPOINT")
    finally:
        con.close()
    _seal(building, final)
    ledger = open_ledger(root)
    shown = first_shown(root, ledger, published_id)
    with writing(ledger) as ledger_con:
        accounts.note(ledger_con, by, PUBLISHED, f"{published_id} {own}", by, now)
        for case in shown:
            notices.tell_corrected(ledger_con, case, published_id, by, now)
    pointer = folder(root) / "CURRENT.building"
    pointer.write_text(published_id, encoding="utf-8")
    pointer.chmod(0o644)
    pointer.replace(folder(root) / "CURRENT")
    return published_id


def saved_book(con: duckdb.DuckDBPyConnection, schema: str, into: Path) -> Book:
    """The rulebook an edition was made with, written out of the edition itself."""
    for name, text in con.execute(f"SELECT name, text FROM {schema}.rulebook").fetchall():
        path = into / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Book(into)


def verify(root: Path, edition_id: str, *, now: datetime, progress=None) -> list[Difference]:
    """Recompute an edition from its deliveries, its own rulebook and its own rulings, and compare every number.

    What cases decided and what was open is read from the edition, never from today's ledger; a ledger that up to the event the
    edition names says otherwise is told as table ``ledger``.

    Returns:
        The tables that differ; empty = equal, number by number.
    """
    stored = path_of(root, edition_id)
    if older := lacking(stored):
        raise ValueError(
            f"Edition '{edition_id}' was made by an older program and lacks {', '.join(older[:3])}{' ...' if older[3:] else ''}. "
            "Verify it with the program version it names, or draft and publish again with this one."
        )
    with tempfile.TemporaryDirectory() as place:
        con = duckdb.connect()
        try:
            con.execute(f"ATTACH '{stored}' AS stored (READ_ONLY)")
            book = saved_book(con, "stored", Path(place) / "rules")
            row = con.execute("SELECT period, as_of, rulebook_hash FROM stored.edition").fetchall()[0]
            period, as_of, rulebook_hash = row
            if book.hash != rulebook_hash:
                return [Difference("rulebook", 1, 1)]
            changed = [Difference("edition", 1, 1)] if publication_changed(con, root, edition_id) else []
            if ledger_differs(con, root):
                changed.append(Difference("ledger", 1, 1))
            again = Path(place) / "again.duckdb"
            about = {"edition_id": "again", "status": "draft", "demo": False, "made_at": now, "made_by": "verify"}
            _build(again, root, period, as_of, book, about, known_to(con, "stored"), progress)
            con.execute(f"ATTACH '{again}' AS again (READ_ONLY)")
            found = [_compare(con, name) for name in NUMBERS]
            return changed + [d for d in found if d.only_stored or d.only_recomputed]
        finally:
            con.close()


def _compare(con: duckdb.DuckDBPyConnection, name: str) -> Difference:
    def only(a: str, b: str) -> int:
        query = f"SELECT count(*) FROM (SELECT * FROM {a}.{name} EXCEPT ALL SELECT * FROM {b}.{name})"
        return con.execute(query).fetchall()[0][0]

    return Difference(name, only("stored", "again"), only("again", "stored"))
