"""What a correction does to scores: the same quarter computed from the records before it and from those after it.

The records are bitemporal (``data/records.py``), so "before" and "after" are two deliveries of one store. A mend that is
not saved yet is tried on a copy of the store. Only what enters a score is computed, not the studies of the method; the
scores are those an edition would hold, to the last digit.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from cases.computing import Known, known_to, score
from cases.publish import latest_delivery, path_of, saved_book
from data.contracts import TABLES
from data.editions import LOCKED
from data.mending import Act, Mended, mend
from data.records import FILE, open_store
from rules.book import Book

Progress = Callable[[str, int, int], None]
KEY = ["level", "unit_id", "period"]
SAID = ["final", "state", "band"]
#: One unit at one period as an edition scores it; companies and office heads stand beside estates and spells.
SCORES = """
    SELECT level, unit_id, estate_id, period, final, state, band FROM {0}index_scores
    UNION ALL
    SELECT party, party_id, NULL, period, final, state, band FROM {0}company_scores
    ORDER BY ALL
"""
LEAST = 1e-9  # points; less is the last digit of a float


@dataclass(frozen=True)
class Effect:
    """What a correction moves.

    Attributes:
        estates: the estates whose records it touches, in either version.
        moved: one row per unit and period whose score, state or band differs: ``level, unit_id, estate_id, period`` and
            ``final, state, band`` before and after.
    """

    estates: list[str]
    moved: pl.DataFrame


def scores(
    root: Path, period: str, as_of: int, book: Book, progress: Progress | None = None, known: Known | None = None
) -> pl.DataFrame:
    """Every unit's score of ``period`` and the periods before it, from the records as known at delivery ``as_of``.

    Args:
        known: what cases decided and what was open; None = nothing.
    """
    con = duckdb.connect()
    try:
        con.execute("ATTACH ':memory:' AS edition")
        score(con, root, period, as_of, book, known or Known(), progress, whole=False, steps=False)
        return con.sql(SCORES.format("edition.")).pl()
    finally:
        con.close()


def moved(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Units and periods that differ between two answers of ``scores``; a unit absent from one has no score there."""
    both = before.join(after, on=KEY, how="full", suffix="_after", coalesce=True).with_columns(
        estate_id=pl.coalesce("estate_id", "estate_id_after")
    )
    nearly = ((pl.col("final") - pl.col("final_after")).abs() <= LEAST) | (
        pl.col("final").is_null() & pl.col("final_after").is_null()
    )
    same = pl.all_horizontal(nearly.fill_null(False), *(pl.col(c).eq_missing(pl.col(f"{c}_after")) for c in SAID[1:]))
    columns = [*KEY[:2], "estate_id", "period", *SAID, *(f"{c}_after" for c in SAID)]
    return both.filter(~same).select(columns).sort(columns[:4])


def estates_touched(root: Path, before: int, after: int) -> list[str]:
    """Estates with a record that came, or stopped being the current one, after delivery ``before`` up to ``after``."""
    when = f"(delivery_seq > {int(before)} AND delivery_seq <= {int(after)}) OR (revised_by_seq > {int(before)} AND revised_by_seq <= {int(after)})"
    parts = [f"SELECT estate_id FROM {n} WHERE {when}" for n, t in TABLES.items() if "estate_id" in t.columns]
    items = f"SELECT inspection_id FROM inspection_items WHERE {when}"
    parts.append(f"SELECT estate_id FROM inspections WHERE inspection_id IN ({items})")
    con = open_store(root)
    try:
        rows = con.sql(
            f"SELECT DISTINCT estate_id FROM ({' UNION ALL '.join(parts)}) WHERE estate_id IS NOT NULL ORDER BY 1"
        )
        return rows.pl()["estate_id"].to_list()
    finally:
        con.close()


def _half(progress: Progress | None, half: int) -> Progress | None:
    """Progress of the first (0) or the second (1) of two equal computations."""
    return progress and (lambda name, step, steps: progress(name, half * steps + step, 2 * steps))


def between(
    root: Path, period: str, before: int, after: int, book: Book | None = None, progress: Progress | None = None,
    known: Known | None = None,
) -> Effect:  # fmt: skip
    """What the deliveries after ``before`` up to ``after`` move."""
    book = book or Book()
    old = scores(root, period, before, book, _half(progress, 0), known)
    new = scores(root, period, after, book, _half(progress, 1), known)
    return Effect(estates_touched(root, before, after), moved(old, new))


def of_edits(
    root: Path, period: str, edits: pl.DataFrame, act: Act, *, kind: str = "mended", book: Book | None = None,
    progress: Progress | None = None, known: Known | None = None,
) -> tuple[list[Mended], Effect]:  # fmt: skip
    """What rows would move if they were mended so; tried on a copy, the store is left alone.

    Args:
        edits, act, kind: as in ``data.mending.mend``. known: as in ``scores``.

    Raises:
        MendRefused, StoreBusy: as there.
    """
    with tempfile.TemporaryDirectory(dir=root, prefix="trial-") as place:
        copy = Path(place)
        held = open_store(root)  # nobody writes while it is copied
        try:
            shutil.copyfile(root / FILE, copy / FILE)
        finally:
            held.close()
        done = mend(copy, edits, act, kind=kind)
        made = [one.delivery.seq for one in done if one.delivery]
        if not made:
            return done, Effect([], moved(*[pl.DataFrame(schema=_schema())] * 2))
        return done, between(copy, period, made[0] - 1, made[-1], book, progress, known)


def _schema() -> dict[str, pl.DataType]:
    texts: dict = dict.fromkeys(("level", "unit_id", "estate_id", "period"), pl.String)
    return texts | {"final": pl.Float64, "state": pl.String, "band": pl.String}


def told_of(root: Path, edition_id: str, edits: str | None, by: str, now: datetime, progress: Progress) -> dict:
    """``of_edits`` or ``on_edition`` as plain values, for another process to read.

    Args:
        edits: JSON ``{"kind": ..., "rows": [{delivery_id, line, after}]}``; None = what came since the edition.
    """
    if edits is None:
        found, rows, left = on_edition(root, edition_id, progress), 0, 0
    else:
        said = json.loads(edits)
        con = duckdb.connect(path_of(root, edition_id), read_only=True, config=LOCKED)
        try:
            period, known = con.execute("SELECT period FROM edition").fetchall()[0][0], known_to(con, "main")
        finally:
            con.close()
        act = Act(by, now, "trial")
        done, found = of_edits(
            root, period, pl.DataFrame(said["rows"]), act, kind=said["kind"], progress=progress, known=known
        )
        rows, left = sum(one.rows for one in done), sum(one.left["line"].n_unique() for one in done)
    return {
        "edition": edition_id, "estates": found.estates, "rows": rows, "left": left, "moved": found.moved.to_dicts(),
    }  # fmt: skip


def on_edition(root: Path, edition_id: str, progress: Progress | None = None) -> Effect:
    """What a published edition would say otherwise, made today by its own rules from everything known since.

    Raises:
        NoSuchEdition: no such edition.
    """
    latest = latest_delivery(root)
    with tempfile.TemporaryDirectory() as place:
        con = duckdb.connect(path_of(root, edition_id), read_only=True, config=LOCKED)
        try:
            period, as_of = con.execute("SELECT period, as_of FROM edition").fetchall()[0]
            stored = con.sql(SCORES.format("")).pl()
            book = saved_book(con, "main", Path(place) / "rules")
            again = scores(root, period, latest, book, progress, known_to(con, "main"))
        finally:
            con.close()
    return Effect(estates_touched(root, as_of, latest), moved(stored, again))
