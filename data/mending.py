"""The steward's acts on rows set aside: mend, try again, waive. Each is an event; nothing that was delivered changes.

A mended row goes through the very steps of a file (``data/staging.py``): what passes becomes a delivery of source
``desk``, whose counts add up like any other's; what still fails stays set aside as it came and is told. The row as
delivered stays where it is and says how it was settled. All of an act happens in one transaction, or nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl

from data import waiting
from data.between import cross_checks, repeats
from data.contracts import Table
from data.deliveries import Delivery, enter, next_seq
from data.mapping import Source, sources
from data.own_mappings import known_at
from data.reading import LINE, Reading
from data.records import in_order, open_store, plainly
from data.resolving import keep_confirmed, resolve
from data.staging import settle, stage, store
from data.unshown import headings_of, restored

#: The source whose deliveries are made of mended rows.
DESK = "desk"
#: What of a row set aside may still be acted on: untouched, or waived before.
OPEN = "coalesce(s.settled_how, 'waived') = 'waived'"
KINDS = ("mended", "again")  # altered by the steward; tried as it came, because what it names is on record now


class MendRefused(ValueError):
    """An act that cannot be done as asked; nothing was stored."""


@dataclass(frozen=True)
class Act:
    """Who does it, when and why.

    Attributes:
        by: the account. at: the moment. why: in the person's own words; never empty.
    """

    by: str
    at: datetime
    why: str


@dataclass(frozen=True)
class Mended:
    """What became of the rows of one source.

    Attributes:
        delivery: the delivery they made; None where no row passed.
        act_id: the act; empty where no row passed.
        rows: rows that are records now. left: rows that still fail, one per reason: ``delivery_id, line, column_name,
            found, reason``.
    """

    source: str
    delivery: Delivery | None
    act_id: str
    rows: int
    left: pl.DataFrame


@contextmanager
def acting(root: Path, act: Act, *, trial: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The store open for one act: all of it is committed at the end, or nothing; of a ``trial`` nothing.

    Raises:
        MendRefused: no reason was given.
        StoreBusy: somebody else is loading.
    """
    if not act.why.strip():
        raise MendRefused(
            "No reason was given, so nothing was changed. Whoever reads this later needs to know why; "
            "write it in your own words."
        )
    con = open_store(root, write=True)
    try:
        in_order(con, act.at)
        with plainly(root):
            con.begin()
            yield con
            if trial:
                con.rollback()
            else:
                con.commit()
    finally:
        con.close()  # an open transaction is rolled back


def _own_form(table: Table) -> str:
    """The name under which rows in contract columns are read, beside the source's own headings."""
    return f"contract:{table.name}"


def _form(source: Source, form: str) -> Source:
    """How the rows of one form are read: as their source delivered them, or in contract columns."""
    if form != _own_form(source.table):
        return source
    columns: dict[str, tuple[str, ...]] = {c: (c,) for c in source.table.columns}
    return Source(source.name, source.title, source.table, columns, zone=source.zone, moments=source.moments)


def _open_rows(con: duckdb.DuckDBPyConnection, edits: pl.DataFrame) -> pl.DataFrame:
    """The edits with their source, file and original; refused where a row is not there or settled already. What no page
    shows of a row (``data/unshown.py``) is taken from its original."""
    con.register("_edits", edits.select("delivery_id", "line", "after").to_arrow())
    rows = con.sql(
        f"""
        SELECT * REPLACE ({restored("after", "original", headings_of(con))} AS after)
        FROM (
            SELECT e.delivery_id, e.line, d.source, d.record_table, d.file, min(s.original) AS original, e.after,
                   bool_and({OPEN}) AS open, min(s.settled_how) AS how
            FROM _edits AS e
            LEFT JOIN rows_set_aside AS s ON s.delivery_id = e.delivery_id AND s.line = e.line
            LEFT JOIN deliveries AS d ON d.delivery_id = e.delivery_id
            GROUP BY ALL
        )
        ORDER BY delivery_id, line
        """
    ).pl()
    con.unregister("_edits")
    absent, settled = rows.filter(pl.col("original").is_null()), rows.filter(~pl.col("open").fill_null(True))
    if absent.height or rows.height < edits.height:
        told = absent if absent.height else edits
        where = f"{told['delivery_id'][0]} line {told['line'][0]}"
        raise MendRefused(f"{where} is not set aside, or was named twice. Nothing was changed. Open the page anew.")
    if settled.height:
        raise MendRefused(
            f"{settled['delivery_id'][0]} line {settled['line'][0]} was settled meanwhile ({settled['how'][0]}). "
            "Nothing was changed. Open the page anew to see what was done."
        )
    return rows


def _texts(con: duckdb.DuckDBPyConnection, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of one form as a chunk of texts: their JSON keys as columns, and LINE from 1."""
    con.register("_rows", rows.select("after").with_row_index("n").to_arrow())
    keys = [k for (k,) in con.sql("SELECT DISTINCT unnest(json_keys(after)) FROM _rows ORDER BY 1").fetchall()]
    paths = {k: '$."' + k.replace('"', '\\"') + '"' for k in keys}
    columns = ", ".join(f"coalesce(json_extract_string(after, $p{i}), '') AS c{i}" for i in range(len(keys)))
    chunk = con.sql(
        f"SELECT n + 1 AS line, {columns} FROM _rows ORDER BY n",
        params={f"p{i}": p for i, p in enumerate(paths.values())},
    ).pl()
    con.unregister("_rows")
    offset = r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)$"  # a moment as DuckDB writes it
    return chunk.select(
        pl.col("line").cast(pl.Int64).alias(LINE),
        **{k: pl.col(f"c{i}").str.replace(offset, "${1}T${2}${3}:00") for i, k in enumerate(keys)},
    )


def act_number(con: duckdb.DuckDBPyConnection) -> str:
    """The next act's id."""
    return f"{DESK}-{con.execute('SELECT count(*) + 1 FROM desk_acts').fetchall()[0][0]:04d}"


def _pass(
    con: duckdb.DuckDBPyConnection, source: Source, chunk: pl.DataFrame, file: str, delivery_id: str, day: date
) -> tuple[pl.DataFrame, int]:
    """Judge a chunk into ``staged``; the lines that fail leave it. Returns (failures, rows that say the same twice)."""
    reading = Reading(Path(file), [c for c in chunk.columns if c != LINE], None, iter([chunk]))
    stage(con, reading, source, None)
    resolve(con, source, delivery_id, day)
    cross_checks(con, source)
    con.execute("DELETE FROM staged WHERE line IN (SELECT line FROM failed)")
    repeated, _ = repeats(con, source)
    left = con.sql("SELECT line AS n, column_name, found, reason, reason_params FROM failed ORDER BY ALL").pl()
    return left, repeated


def _mend_source(
    con: duckdb.DuckDBPyConnection, source: Source, rows: pl.DataFrame, act: Act, kind: str, changes: str | None
) -> Mended:
    """One source's rows of one form: judged, stored as a delivery of the desk, settled."""
    chunk = _texts(con, rows)
    rows = rows.with_columns(n=chunk[LINE])
    seq = next_seq(con)
    delivery_id, act_id = f"{seq:05d}-{DESK}", act_number(con)
    left, repeated = _pass(con, source, chunk, rows["file"][0], delivery_id, act.at.date())
    passed = rows.join(left.select("n").unique(), on="n", how="anti", maintain_order="left")
    left = left.join(rows.select("n", "delivery_id", "line"), on="n").drop("n")
    if passed.is_empty():
        return Mended(source.name, None, "", 0, left)
    read = con.execute("SELECT count(*) FROM staged").fetchall()[0][0] + repeated
    accepted, revised, unchanged = store(con, source, delivery_id, seq)
    unchanged += repeated
    if read != accepted + revised + unchanged:
        raise RuntimeError(
            f"{read} mended rows became {accepted + revised + unchanged}; nothing was stored. Report this."
        )
    files = passed["file"].unique(maintain_order=True).to_list()
    label = f"{act_id} ({files[0]}{f' +{len(files) - 1}' if len(files) > 1 else ''})"
    text = json.dumps(passed["after"].to_list(), ensure_ascii=False).encode()
    delivery = Delivery(
        delivery_id, seq, DESK, source.table.name, label, hashlib.sha256(text).hexdigest(), len(text), act.at,
        read, accepted, revised, unchanged, 0,
    )  # fmt: skip
    _write(con, delivery, act_id, passed, act, kind, changes)
    keep_confirmed(con, delivery_id, passed)
    con.execute("DELETE FROM failed")  # what still fails stays as it was
    settle(con, source.table.name, seq)
    return Mended(source.name, delivery, act_id, passed.height, left)


def _write(
    con: duckdb.DuckDBPyConnection, made: Delivery, act_id: str, passed: pl.DataFrame, act: Act, kind: str,
    changes: str | None,
) -> None:  # fmt: skip
    """The delivery, the act, its rows, and what became of each row set aside."""
    enter(con, made)
    note_act(con, act_id, made.seq, kind, act, made.delivery_id, passed.height, changes)
    con.register("_passed", passed.select("delivery_id", "line", "n", "after").to_arrow())
    con.execute("INSERT INTO desk_rows SELECT $act, delivery_id, line, n, after FROM _passed", {"act": act_id})
    con.execute(
        """
        UPDATE rows_set_aside AS s SET settled_by_seq = $seq, settled_how = 'mended'
        FROM _passed AS p WHERE s.delivery_id = p.delivery_id AND s.line = p.line
        """,
        {"seq": made.seq},
    )
    con.unregister("_passed")


def note_act(
    con: duckdb.DuckDBPyConnection, act_id: str, seq: int, kind: str, act: Act, delivery_id: str | None, rows: int,
    changes: str | None,
) -> None:  # fmt: skip
    """Keep who did what, when and why."""
    con.execute(
        "INSERT INTO desk_acts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [act_id, seq, kind, act.at, act.by, act.why.strip(), delivery_id, rows, changes],
    )


def mend(
    root: Path, edits: pl.DataFrame, act: Act, *, kind: str = "mended", changes: dict | None = None, trial: bool = False,
    folder: Path | None = None,
) -> list[Mended]:  # fmt: skip
    """Bring rows set aside on record as the steward says they should read.

    Args:
        edits: ``delivery_id, line, after``: the row's values now, as JSON under the keys of its original (or under
            contract columns, all of them).
        kind: one of KINDS. changes: what was altered for all rows, for the record of the act.
        trial: judge only; nothing is stored. folder: other mapping files.

    Returns:
        What became of the rows, one entry per source and form; rows that still fail stay set aside.

    Raises:
        MendRefused: no reason given, a row is settled already, a source cannot be mended row by row.
        StoreBusy: somebody else is loading.
    """
    with acting(root, act, trial=trial) as con:
        done = mend_into(con, edits, act, kind, changes, folder)
    return [replace(one, act_id="") for one in done] if trial else done


def mend_into(
    con: duckdb.DuckDBPyConnection, edits: pl.DataFrame, act: Act, kind: str, changes: dict | None, folder: Path | None
) -> list[Mended]:
    """``mend`` inside an open transaction."""
    known = sources(folder) if folder else known_at(waiting.home(con))
    said = json.dumps(changes, ensure_ascii=False) if changes else None
    rows = _open_rows(con, edits)
    done = []
    for (name,), part in rows.group_by("source", maintain_order=True):
        source = known.get(str(name))
        if source is None:
            raise MendRefused(
                f"There is no mapping file '{name}' any more, so its rows cannot be judged. Put it back first."
            )
        if source.snapshot:
            raise MendRefused(
                f"'{source.title}' is a whole register on one day: a single row of it cannot be mended, as its periods are told "
                "by comparing whole registers. Nothing was changed. Mend the file and hand it in again."
            )
        for (form, _), alike in _by_form(con, source, part).group_by("form", "day_of", maintain_order=True):
            done.append(_mend_source(con, _form(source, str(form)), alike, act, kind, said))
    return done


def _by_form(con: duckdb.DuckDBPyConnection, source: Source, rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``form``, whether a row stands in its source's headings or in contract columns, and ``day_of``: its file, where
    the source takes a day from the file's name."""
    con.register("_rows", rows.to_arrow())
    found = con.sql(
        "SELECT *, list_sort(json_keys(after)) = list_sort($columns) AS own FROM _rows ORDER BY ALL",
        params={"columns": list(source.table.columns)},
    ).pl()
    con.unregister("_rows")
    own = pl.when("own").then(pl.lit(_own_form(source.table))).otherwise(pl.lit(source.name))
    dated = any("file_day" in rule for rules in source.make.values() for rule in rules)
    return rows.join(
        found.select("delivery_id", "line", "own"), on=["delivery_id", "line"], maintain_order="left"
    ).with_columns(form=own, day_of=pl.col("file") if dated else pl.lit(""))


def waive(root: Path, rows: pl.DataFrame, act: Act) -> str:
    """Leave rows out for good, with a reason: ``delivery_id, line``. Returns the act's id.

    Raises:
        MendRefused: no reason given, or a row is settled already.
        StoreBusy: somebody else is loading.
    """
    with acting(root, act) as con:
        found = _open_rows(con, rows.with_columns(after=pl.lit(None, pl.String)))
        act_id = act_number(con)
        seq = con.execute("SELECT coalesce(max(seq), 0) FROM deliveries").fetchall()[0][0]
        note_act(con, act_id, seq, "waived", act, None, found.height, None)
        con.register("_passed", found.select("delivery_id", "line").to_arrow())
        con.execute("INSERT INTO desk_rows SELECT $act, delivery_id, line, NULL, NULL FROM _passed", {"act": act_id})
        con.execute(
            """
            UPDATE rows_set_aside AS s SET settled_by_seq = $seq, settled_how = 'waived'
            FROM _passed AS p WHERE s.delivery_id = p.delivery_id AND s.line = p.line
            """,
            {"seq": seq},
        )
        con.unregister("_passed")
    return act_id
