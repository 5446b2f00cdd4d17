"""Loading a file: matched to its sources, held to contracts, stored in one transaction.

For each source ``rows_read = accepted + revised + unchanged + set_aside``. Two rows of one file with the same key: if
they say the same they count once (the other is *unchanged*); if they contradict, the last line stands and the earlier
ones are set aside. A wrong file is refused whole; the same file twice changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

import duckdb
import polars as pl

from data import parsing
from data.between import cross_checks, repeats
from data.deliveries import Delivery, doubts, note, plausible
from data.making import file_day, located
from data.mapping import Source, headings_known, sources
from data.reading import EXCEL, LINE, Note, Reading, WrongFile, open_tables, refuse
from data.records import open_store, staging_sql
from data.snapshots import Snapshot, SnapshotOutOfOrder, as_periods
from data.suggest import suggest
from data.suggest import told as likely

ENDINGS = (".csv", ".txt", ".tsv", ".parquet", *EXCEL)
#: Chunks judged ahead of the one being stored.
AHEAD = 2
T = TypeVar("T")
Progress = Callable[[str, int], None]


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def matching(readings: list[Reading], known: dict[str, Source], only: str | None) -> list[tuple[int, Source]]:
    """The tables of a file and the sources whose headings they carry; raises WrongFile where none does."""
    first = readings[0]
    if only is not None:
        if only not in known:
            raise refuse(first.path, f"there is no source '{only}'.", f"Sources: {', '.join(known)}.", "Name one.")
        known = {only: known[only]}
    found = [(i, s) for s in known.values() for i, r in enumerate(readings) if s.matches(r.headings)]
    if not found:
        words = headings_known(known)
        best = max(readings, key=lambda r: len(words & set(r.headings)))
        raise refuse(
            best.path, f"no source has these headings: {', '.join(best.headings[:12])}.",
            "Without a mapping its columns would be guessed.",
            (likely(guess) + " " if (guess := suggest(best.headings, known)) else "")
            + "If the publisher renamed a column, add the new heading to its file in data/sources/.",
        )  # fmt: skip
    return found


def _stage(
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

    def judge(chunk: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        chunk = chunk.with_columns(pl.exclude(LINE).fill_null(""))
        if source.lookup_address:
            chunk = located(chunk, source.lookup_address, places)
        rows, unparsed = parsing.typed(chunk, source, day, date_1904=reading.date_1904)
        spoiled = parsing.spoiled(rows, reading.spoiled)
        return chunk, rows, pl.concat([unparsed, spoiled, parsing.broken(rows, source)], how="vertical_relaxed")

    for chunk, rows, breaches in _ahead(judge, reading.chunks):
        read += rows.height
        breaches = _said_once(breaches, source)
        good = rows.join(breaches.select(LINE).unique(), on=LINE, how="anti")
        set_aside += rows.height - good.height
        _insert_staged(con, source, good)
        if breaches.height:
            lines = breaches.get_column(LINE).unique()
            estate = rows.select(
                LINE, estate_id="estate_id" if "estate_id" in rows.columns else pl.lit(None, pl.String)
            )
            told = breaches.join(parsing.originals(chunk, lines), on=LINE).join(
                estate.unique(LINE), on=LINE, how="left"
            )
            con.register("_told", told.to_arrow())
            con.execute(
                f"""
                INSERT INTO failed
                SELECT '', {LINE}, column_name, found, reason, reason_params, original, estate_id FROM _told
                """
            )
            con.unregister("_told")
        if progress:
            progress(source.name, read)
    bent = _set_misshapen_aside(con, reading)
    return read + bent, set_aside + bent


def _ahead(judge: Callable[[pl.DataFrame], T], chunks: Iterator[pl.DataFrame]) -> Iterator[T]:
    """Chunks judged in their order, the next ones while the last is stored; AHEAD bounds what memory they take."""
    with ThreadPoolExecutor(AHEAD) as pool:
        waiting: deque[Future[T]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(judge, chunk))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _set_misshapen_aside(con: duckdb.DuckDBPyConnection, reading: Reading) -> int:
    """Set aside the lines that have fewer or more values than the heading; returns how many."""
    if reading.misshapen:
        expected = json.dumps({"expected": len(reading.headings)})
        rows = pl.DataFrame(reading.misshapen, schema=("line", "values", "text"), orient="row")
        con.register("_bent", rows.select("line", pl.col("values").cast(pl.String), "text").to_arrow())
        con.execute(
            """
            INSERT INTO failed
            SELECT '', line, NULL, "values", 'values_in_line', $expected, json_object('line', text)::VARCHAR, NULL FROM _bent
            """,
            {"expected": expected},
        )
        con.unregister("_bent")
    return len(reading.misshapen)


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


def _insert_staged(con: duckdb.DuckDBPyConnection, source: Source, rows: pl.DataFrame) -> None:
    """Append typed rows (contract columns plus LINE) to ``staged``."""
    columns = ", ".join(f'"{c}"' for c in source.table.columns)
    key = ", ".join(f'"{k}"::VARCHAR' for k in source.table.key)
    con.register("_rows", rows.to_arrow())
    con.execute(
        f"""
        INSERT INTO staged
        SELECT {columns}, concat_ws('/', {key}), '', {LINE}, 0, NULL, hash(({columns},))
        FROM _rows
        """
    )
    con.unregister("_rows")


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


def _into_periods(con: duckdb.DuckDBPyConnection, reading: Reading, source: Source, how: Snapshot) -> int:
    """Replace a snapshot's staged rows by the periods it opens, keeps and closes.

    Returns:
        Periods closed: versions that no row of the file asked for, so they are not counted as its revisions.
    """
    columns = ", ".join(f'"{c}"' for c in source.table.columns)
    rows = con.sql(f"SELECT {columns}, line AS {LINE} FROM staged").pl()
    held = con.sql(f"SELECT {columns} FROM {source.table.name} WHERE revised_by_seq IS NULL").pl()
    unread = con.sql("SELECT DISTINCT estate_id FROM failed WHERE estate_id IS NOT NULL").pl()
    try:
        periods, closed = as_periods(rows, held, unread, _snapshot_day(reading.path, source), how)
    except SnapshotOutOfOrder as e:
        raise refuse(
            reading.path, str(e), "Loaded backwards, changes would be dated wrongly.", "Load snapshots oldest first."
        ) from e
    con.execute("DELETE FROM staged")
    _insert_staged(con, source, pl.concat([periods, closed]))
    return closed.height


def _store(con: duckdb.DuckDBPyConnection, source: Source, delivery_id: str, seq: int) -> tuple[int, int, int]:
    """Move ``staged`` into the table as new or revised versions; returns (accepted, revised, unchanged)."""
    name = source.table.name
    now, before = (", ".join(f'{a}."{c}"' for c in source.table.columns) for a in ("s", "c"))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT s.record_id, ({now}) IS NOT DISTINCT FROM ({before}) AS same
        FROM staged AS s
        JOIN (SELECT * FROM {name} WHERE revised_by_seq IS NULL) AS c USING (record_id)
        """
    )
    revised = con.execute(
        f"""
        UPDATE {name} SET revised_by_seq = $seq
        WHERE revised_by_seq IS NULL AND record_id IN (SELECT record_id FROM judged WHERE NOT same)
        """,
        {"seq": seq},
    ).fetchall()[0][0]
    columns = ", ".join(f'"{c}"' for c in source.table.columns)
    stored = con.execute(
        f"""
        INSERT INTO {name}
        SELECT {columns}, record_id, $id, line, $seq, NULL FROM staged
        WHERE record_id NOT IN (SELECT record_id FROM judged WHERE same)
        """,
        {"seq": seq, "id": delivery_id},
    ).fetchall()[0][0]
    unchanged = con.execute("SELECT count(*) FROM judged WHERE same").fetchall()[0][0]
    return stored - revised, revised, unchanged


def _earlier(con: duckdb.DuckDBPyConnection, reading: Reading, sha256: str, source: Source) -> Delivery | None:
    """The delivery that brought this very file before; a snapshot is the same only when it speaks of the same day."""
    asked = {"sha": sha256, "source": source.name}
    rows = con.sql("SELECT * FROM deliveries WHERE sha256 = $sha AND source = $source ORDER BY seq", params=asked).pl()
    found = [Delivery(**row, already=True) for row in rows.iter_rows(named=True)]
    if source.snapshot:
        found = [d for d in found if file_day(Path(d.file)) == file_day(reading.path)]
    if reading.sheet:
        found = [d for d in found if d.file.endswith(f"#{reading.sheet}")]
    return found[-1] if found else None


def _load_source(
    con: duckdb.DuckDBPyConnection, reading: Reading, source: Source, sha256: str, received_at: datetime,
    progress: Progress | None,
) -> Delivery:  # fmt: skip
    """Load one source's part of a file inside the open transaction."""
    path = reading.path
    seq = con.execute("SELECT coalesce(max(seq), 0) + 1 FROM deliveries").fetchall()[0][0]
    delivery_id = f"{seq:05d}-{source.name}"
    read, set_aside = _stage(con, reading, source, progress)
    plausible(con, path, source, read)
    repeated, contradicted = repeats(con, source)
    closed = _into_periods(con, reading, source, source.snapshot) if source.snapshot else 0
    set_aside += contradicted + cross_checks(con, source)
    odd = doubts(con, source, read, set_aside, received_at)
    accepted, revised, unchanged = _store(con, source, delivery_id, seq)
    revised, unchanged = revised - closed, unchanged + repeated
    if read != accepted + revised + unchanged + set_aside:
        raise RuntimeError(
            f"{path.name}: {read:,} rows were read, but {accepted:,} accepted, {revised:,} revised, {unchanged:,} unchanged "
            f"and {set_aside:,} set aside do not add up to them. A row would be lost, so nothing was stored. "
            "This is a fault of the program: please report it with the file."
        )
    con.execute(
        "INSERT INTO rows_set_aside SELECT $id, line, column_name, found, reason, reason_params, original, estate_id FROM failed",
        {"id": delivery_id},
    )
    delivery = Delivery(
        delivery_id, seq, source.name, source.table.name, reading.label, sha256, path.stat().st_size, received_at,
        read, accepted, revised, unchanged, set_aside, reading.encoding,
    )  # fmt: skip
    values = [getattr(delivery, f) for f in list(Delivery.__dataclass_fields__)[:-1]]
    con.execute(f"INSERT INTO deliveries VALUES ({', '.join('?' * len(values))})", values)
    note(con, delivery_id, [*odd, *reading.notes])
    return delivery


def load_file(
    root: Path, path: Path, *, source: str | None = None, received_at: datetime, progress: Progress | None = None,
    folder: Path | None = None,
) -> list[Delivery]:  # fmt: skip
    """Load one file; one delivery per source it feeds, all in one transaction.

    Args:
        root: the folder of stores. source: name it where headings alone do not tell. folder: other mapping files.

    Returns:
        One Delivery per source, in loading order.

    Raises:
        WrongFile: refused whole; the store is unchanged.
        StoreBusy: another process is loading.
    """
    con = open_store(root, write=True)
    try:
        return load_into(con, Path(path), source=source, received_at=received_at, progress=progress, folder=folder)
    finally:
        con.close()  # an open transaction is rolled back


def load_into(
    con: duckdb.DuckDBPyConnection, path: Path, *, source: str | None = None, received_at: datetime,
    progress: Progress | None = None, folder: Path | None = None,
) -> list[Delivery]:  # fmt: skip
    """``load_file`` into a store that is open already; a refused file leaves it as it was."""
    known = sources(folder) if folder else sources()
    words = headings_known(known)
    readings = open_tables(path, words)
    chosen = matching(readings, known, source)
    unread = [r.sheet for i, r in enumerate(readings) if r.sheet and i not in {n for n, _ in chosen}]
    sha256 = fingerprint(path)
    done: list[Delivery] = []
    con.begin()
    try:
        for table, one in chosen:
            reading = readings[table] if not done else open_tables(path, words)[table]
            made = _earlier(con, reading, sha256, one)
            done.append(made or _load_source(con, reading, one, sha256, received_at, progress))
        if unread and not done[0].already:
            note(con, done[0].delivery_id, [Note("sheets_not_read", {"sheets": ", ".join(unread)})])
    except BaseException:
        con.rollback()
        raise
    con.commit()
    return done


def files_in(paths: list[Path], folder: Path | None = None) -> list[Path]:
    """The files named and the table files of the folders named: registers first, then by name."""
    known = sources(folder) if folder else sources()
    inside = [f for p in paths if p.is_dir() for f in p.rglob("*") if f.suffix.lower() in ENDINGS]
    found = sorted([*inside, *(p for p in paths if not p.is_dir())])

    if len(found) < 2:
        return found
    words = headings_known(known)

    def order(path: Path) -> int:
        try:
            readings = open_tables(path, words)
        except WrongFile:
            return 99
        return min((s.order for s in known.values() for r in readings if s.matches(r.headings)), default=99)

    return sorted(found, key=lambda p: (order(p), p.name))


def load_files(
    root: Path, paths: list[Path], *, received_at: datetime, source: str | None = None, progress: Progress | None = None,
    after: Callable[[Path, list[Delivery] | WrongFile], None] | None = None,
) -> tuple[list[Delivery], list[WrongFile]]:  # fmt: skip
    """Load files and folders, registers first; refused files are gathered, the rest go on.

    Args:
        after: told each file's deliveries, or why it was refused, as soon as it is done.
    """
    done: list[Delivery] = []
    refused: list[WrongFile] = []
    con = open_store(root, write=True)
    try:
        for path in files_in(paths):
            made: list[Delivery] | WrongFile
            try:
                made = load_into(con, path, source=source, received_at=received_at, progress=progress)
                done += made
            except WrongFile as e:
                made = e
                refused.append(e)
            if after:
                after(path, made)
        con.execute("CHECKPOINT")
        return done, refused
    finally:
        con.close()


def load_folder(
    root: Path, folder: Path, *, received_at: datetime, progress: Progress | None = None
) -> tuple[list[Delivery], list[WrongFile]]:
    """``load_files`` of one folder."""
    return load_files(root, [folder], received_at=received_at, progress=progress)
