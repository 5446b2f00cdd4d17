"""Judging rows and storing them: the steps every delivery passes, whatever brought it (a file or the steward's desk).

``stage`` parses and checks into the temporary tables ``staged`` and ``failed``; ``store`` moves what stands in ``staged``
into the record table as new or revised versions. Both run inside the caller's transaction.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeVar

import duckdb
import polars as pl

from data import form_rows, parsing, resolving, respelled
from data.between import BETWEEN_ROWS
from data.breaches import broken
from data.contracts import Table
from data.making import file_day, located
from data.mapping import Source
from data.reading import LINE, Reading, refuse
from data.record_tables import STORED, filled, record_id_sql, sql_type, staged_sql
from data.records import MEMORY_STORING, setting, staging_sql
from data.snapshots import Snapshot, SnapshotOutOfOrder, as_periods

#: Chunks judged ahead of the one being stored.
AHEAD = 2
NEWEST = pl.CompatLevel.newest()  # texts go to DuckDB as they lie in memory
T = TypeVar("T")
Progress = Callable[[str, int], None]


class Judged(NamedTuple):
    """A chunk judged: rows read, those that passed, breaches with their texts, and columns nothing of the file fills."""

    read: int
    good: pl.DataFrame
    told: pl.DataFrame | None
    unfilled: frozenset[str]


def stage(
    con: duckdb.DuckDBPyConnection, reading: Reading, source: Source, progress: Progress | None
) -> tuple[int, int]:
    """Parse and check the file chunk by chunk into temporary tables ``staged`` and ``failed``.

    Returns:
        (rows read, rows set aside).
    """
    for statement in staging_sql(source.table):
        con.execute(statement)
    day = _snapshot_day(reading.path, source) if source.snapshot else file_day(reading.path)
    places = _places(con) if source.lookup_address else pl.DataFrame()
    read = set_aside = 0

    def judge(chunk: pl.DataFrame) -> Judged:
        chunk = chunk.with_columns(pl.exclude(LINE).fill_null(""))
        if source.lookup_address:
            chunk = located(chunk, source.lookup_address, places)
        empty = frozenset() if source.snapshot else source.unfilled(chunk.columns)
        rows, unparsed = parsing.typed(chunk, source, day, date_1904=reading.date_1904)
        spoiled = parsing.spoiled(rows, reading.spoiled)
        off_form = form_rows.off_form(chunk, rows, source)
        breaches = pl.concat([unparsed, spoiled, off_form, broken(rows, source)], how="vertical_relaxed")
        if breaches.is_empty():
            return Judged(rows.height, rows, None, empty)
        breaches = _said_once(breaches, source)
        good = rows.filter(~pl.col(LINE).is_in(breaches[LINE].unique().implode()))
        return Judged(rows.height, good, _told(chunk, rows, breaches, source), empty)

    # a chunk is one row group: shared by several threads it costs twice as much
    with setting(con, "threads", "1"):
        for judged in _ahead(judge, form_rows.answered(reading, source)):
            if not read and not source.snapshot:
                con.execute(staged_sql(source.table, judged.unfilled, coded=True))
            read += judged.read
            set_aside += judged.read - judged.good.height
            insert_staged(con, source, judged.good, judged.unfilled)
            if judged.told is not None:
                _broken = judged.told.to_arrow()  # read by its name, as in insert_staged
                con.execute(
                    f"""
                    INSERT INTO failed
                    SELECT '', {LINE}, column_name, found, reason, reason_params, original, estate_id, record_id FROM _broken
                    """
                )
            if progress:
                progress(source.name, read)
    bent = _set_misshapen_aside(con, reading)
    return read + bent, set_aside + bent


def _told(chunk: pl.DataFrame, rows: pl.DataFrame, breaches: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Breaches with the text of their rows, their estate and their key."""
    lines = breaches.get_column(LINE).unique()
    rows = rows.filter(pl.col(LINE).is_in(lines.implode()))
    estate = rows.select(LINE, estate_id="estate_id" if "estate_id" in rows.columns else pl.lit(None, pl.String))
    estate = estate.with_columns(record_id=key_of(rows, source.table))
    return breaches.join(parsing.originals(chunk, lines), on=LINE).join(
        estate.unique(LINE, keep="first", maintain_order=True), on=LINE, how="left"
    )


def _ahead(judge: Callable[[pl.DataFrame], T], chunks: Iterator[pl.DataFrame]) -> Iterator[T]:
    """Chunks judged in their order, the next ones while the last is stored; AHEAD bounds what memory they take."""
    with ThreadPoolExecutor(AHEAD) as pool:
        waiting: deque[Future[T]] = deque()
        for chunk in _read_ahead(chunks):
            waiting.append(pool.submit(judge, chunk))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read_ahead(chunks: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The chunks, each read while the one before it is at work."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = pool.submit(next, chunks, None)
            yield chunk


def _set_misshapen_aside(con: duckdb.DuckDBPyConnection, reading: Reading) -> int:
    """Set aside the lines that have fewer or more values than the heading, or a stray quotation mark; returns how many."""
    if reading.misshapen:
        expected = json.dumps({"expected": len(reading.headings)})
        rows = pl.DataFrame(reading.misshapen, schema=("line", "values", "text", "mark"), orient="row")
        con.register("_bent", rows.select("line", pl.col("values").cast(pl.String), "text", "mark").to_arrow())
        con.execute(
            """
            INSERT INTO failed
            SELECT '', line, NULL, CASE mark WHEN '' THEN "values" ELSE mark END,
                   CASE mark WHEN '' THEN 'values_in_line' ELSE 'stray_quote' END, CASE mark WHEN '' THEN $expected END,
                   json_object('line', text)::VARCHAR, NULL, NULL FROM _bent
            """,
            {"expected": expected},
        )
        con.unregister("_bent")
    return len(reading.misshapen)


def key_of(rows: pl.DataFrame, table: Table) -> pl.Series:
    """The ``record_id`` of each row; NULL where a part of the key is missing."""
    parts = [pl.col(k).cast(pl.String) for k in table.key]
    return rows.select(pl.concat_str(parts, separator="/")).to_series()


def _said_once(breaches: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Leave out what says nothing new: a "missing" where the value did not parse, anything of a row marked void."""
    named = [*(rule.reason for rule in source.set_aside), *parsing.WHOLE_ROW]
    void = breaches.filter(pl.col("reason").is_in(named))
    rest = breaches.join(void.select(LINE), on=LINE, how="anti")
    missing = pl.col("reason") == "missing"
    spoken = rest.filter(~missing).select(LINE, "column_name")
    return pl.concat(
        [void, rest.filter(~missing), rest.filter(missing).join(spoken, on=[LINE, "column_name"], how="anti")]
    )


def insert_staged(
    con: duckdb.DuckDBPyConnection, source: Source, rows: pl.DataFrame, unfilled: frozenset[str] = frozenset()
) -> None:
    """Append typed rows (contract columns plus LINE) to ``staged``, but for the columns that are NULL there by definition.

    DuckDB finds the rows by the variable's name. A registered frame would be held until the transaction ends (its view's
    catalog entry is kept for a rollback): a whole file, chunk by chunk.
    """
    columns = ", ".join(f'"{c}"' for c in source.table.columns if c not in unfilled)
    _rows = rows.to_arrow(compat_level=NEWEST)  # read by its name
    con.execute(f"INSERT INTO staged ({columns}, line) SELECT {columns}, {LINE} FROM _rows")


def _snapshot_day(path: Path, source: Source) -> date:
    """The day a snapshot speaks of, from its file's name; a file without one is refused."""
    day = file_day(path)
    if day is None:
        raise refuse(
            path, "its name carries no day (such as 2026-06-06).", f"'{source.title}' says what held on a day.",
            "Name the file after the day it was released and load it again.",
        )  # fmt: skip
    return day


def _places(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Estates on record with their addresses."""
    return con.sql("SELECT DISTINCT estate_id, address FROM estates WHERE revised_by_seq IS NULL").pl()


def into_periods(
    con: duckdb.DuckDBPyConnection, reading: Reading, source: Source, how: Snapshot, delivery_id: str
) -> int:
    """Replace a snapshot's staged rows by the periods it opens, keeps and closes.

    Returns:
        Periods closed: versions that no row of the file asked for, so they are not counted as its revisions.
    """
    columns = ", ".join(f'"{c}"' for c in source.table.columns)
    rows = con.sql(f"SELECT {columns}, line AS {LINE} FROM staged").pl()
    held = con.sql(f"SELECT {columns} FROM {source.table.name} WHERE revised_by_seq IS NULL").pl()
    day = _snapshot_day(reading.path, source)
    if respelled.told_by_name(source):
        rows, held = respelled.resolved(con, delivery_id, rows, held, resolving.rule_on(day), day)
    unread = con.sql("SELECT DISTINCT estate_id FROM failed WHERE estate_id IS NOT NULL").pl()
    try:
        periods, closed = as_periods(rows, held, unread, day, how)
    except SnapshotOutOfOrder as e:
        raise refuse(
            reading.path, str(e), "Loaded backwards, changes would be dated wrongly.", "Load snapshots oldest first."
        ) from e
    con.execute("DELETE FROM staged")
    insert_staged(con, source, pl.concat([periods, closed]))
    return closed.height


def store(con: duckdb.DuckDBPyConnection, source: Source, delivery_id: str, seq: int) -> tuple[int, int, int]:
    """Move ``staged`` into the table as new or revised versions; returns (accepted, revised, unchanged)."""
    name = source.table.name
    kinds = source.table.columns
    now = ", ".join(f's."{c}"::{sql_type(kind)}' for c, kind in kinds.items())  # codes as text
    before = ", ".join(f'c."{c}"' for c in kinds)
    ((known,),) = con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT s.record_id, ({now}) IS NOT DISTINCT FROM ({before}) AS same
        FROM staged AS s
        JOIN (SELECT * FROM {name} WHERE revised_by_seq IS NULL) AS c USING (record_id)
        """
    ).fetchall()
    revised = 0
    if known:
        ((revised,),) = con.execute(
            f"""
            UPDATE {STORED}.{name} SET revised_by_seq = $seq
            WHERE revised_by_seq IS NULL
              AND {record_id_sql(source.table)} IN (SELECT record_id FROM judged WHERE NOT same)
            """,
            {"seq": seq},
        ).fetchall()
    columns = ", ".join(f'"{c}"' for c in filled(con, source.table))
    # rows say their line: kept in the file's order they would be written by two threads instead of all
    with setting(con, "memory_limit", MEMORY_STORING), setting(con, "preserve_insertion_order", "false"):
        ((stored,),) = con.execute(
            f"""
            INSERT INTO {STORED}.{name} ({columns}, delivery_id, line, delivery_seq)
            SELECT {columns}, $id, line, $seq FROM staged
            {"WHERE record_id NOT IN (SELECT record_id FROM judged WHERE same)" if known else ""}
            """,
            {"seq": seq, "id": delivery_id},
        ).fetchall()
    unchanged = con.execute("SELECT count(*) FROM judged WHERE same").fetchall()[0][0]
    return stored - revised, revised, unchanged


def as_delivered(con: duckdb.DuckDBPyConnection, again: Callable[[], Reading]) -> None:
    """Give rows that failed a check between rows the text they came with: the file is read once more, up to the last."""
    reasons = ", ".join(f"'{r}'" for r in BETWEEN_ROWS)
    lines = con.sql(f"SELECT DISTINCT line FROM failed WHERE reason IN ({reasons})").pl()["line"]
    last = max(lines.to_list(), default=0)
    for chunk in again().chunks if last else ():
        told = parsing.originals(chunk.with_columns(pl.exclude(LINE).fill_null("")), lines)
        _texts = told.to_arrow()  # read by its name, as in insert_staged
        con.execute(
            f"UPDATE failed AS f SET original = t.original FROM _texts AS t WHERE t.{LINE} = f.line AND f.reason IN ({reasons})"
        )
        if chunk.height and chunk.get_column(LINE).to_list()[-1] >= last:
            break


def settle(con: duckdb.DuckDBPyConnection, table: str, seq: int) -> int:
    """Rows set aside earlier whose record this delivery brings: right (``redelivered``) or wrong again (``repeated``).

    Called once ``staged`` and ``failed`` hold what became of the delivery's rows; returns how many lines were settled.
    """
    open_rows = """
        SELECT 1 FROM rows_set_aside AS s JOIN deliveries AS d USING (delivery_id)
        WHERE s.settled_how IS NULL AND s.record_id IS NOT NULL AND d.record_table = $table AND d.seq < $seq LIMIT 1
    """
    if not con.execute(open_rows, {"table": table, "seq": seq}).fetchall():
        return 0
    return con.execute(
        """
        WITH brought AS (
            SELECT record_id, 'redelivered' AS how FROM staged
            UNION
            SELECT record_id, 'repeated' FROM failed
            WHERE record_id IS NOT NULL AND record_id NOT IN (SELECT record_id FROM staged)
        ),
        open AS (
            SELECT DISTINCT s.delivery_id, s.line, b.how
            FROM rows_set_aside AS s
            JOIN deliveries AS d ON d.delivery_id = s.delivery_id AND d.record_table = $table AND d.seq < $seq
            JOIN brought AS b ON b.record_id = s.record_id
            WHERE s.settled_how IS NULL
        )
        UPDATE rows_set_aside AS s SET settled_by_seq = $seq, settled_how = open.how
        FROM open WHERE s.delivery_id = open.delivery_id AND s.line = open.line
        """,
        {"table": table, "seq": seq},
    ).fetchall()[0][0]
