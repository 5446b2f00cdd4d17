"""The records store: one DuckDB file, one writer at a time, opened only while loading.

Every table of ``data.contracts.TABLES`` keeps every version of every record, with where it came from: ``record_id``
(the key columns joined by ``/``), ``delivery_id``, ``line``, ``delivery_seq`` and ``revised_by_seq`` (NULL = the
current version; the delivery that brought the next version otherwise, the only thing ever updated). What was known at
delivery *n*: ``delivery_seq <= n AND (revised_by_seq IS NULL OR revised_by_seq > n)``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from data.contracts import TABLES, Table
from data.record_tables import ORIGIN, created, held, show_whole, staged_sql, whole_sql
from data.unshown import UNSHOWN

FILE = "records.duckdb"
#: What DuckDB may hold in memory while loading; beyond it, it works on disk beside the store. Chunks come on top.
MEMORY = "384MB"
#: The same while staged rows are moved into their table: no chunks are in memory then, and with less one thread writes alone.
MEMORY_STORING = "512MB"
DELIVERIES = """
CREATE TABLE IF NOT EXISTS deliveries (
    delivery_id   VARCHAR PRIMARY KEY,
    seq           INTEGER NOT NULL,
    source        VARCHAR NOT NULL,
    record_table  VARCHAR NOT NULL,
    file          VARCHAR NOT NULL,
    sha256        VARCHAR NOT NULL,
    bytes         BIGINT  NOT NULL,
    received_at   TIMESTAMPTZ NOT NULL,
    rows_read     BIGINT  NOT NULL,
    accepted      BIGINT  NOT NULL,
    revised       BIGINT  NOT NULL,
    unchanged     BIGINT  NOT NULL,
    set_aside     BIGINT  NOT NULL,
    encoding      VARCHAR
)
"""
FAILED = """
    delivery_id   VARCHAR NOT NULL,
    line          BIGINT  NOT NULL,
    column_name   VARCHAR,
    found         VARCHAR,
    reason        VARCHAR NOT NULL,
    reason_params VARCHAR,
    original      VARCHAR NOT NULL,
    estate_id     VARCHAR,
    record_id     VARCHAR
"""
#: What became of a row set aside, beside how it came; like ``revised_by_seq`` the only things ever updated. ``mended``
#: and ``redelivered`` rows are records now; ``repeated`` ones were set aside again later; ``waived`` ones stay out.
SETTLED = {"settled_by_seq": "INTEGER", "settled_how": "VARCHAR"}
SETTLED_SQL = ", ".join(f"{name} {kind}" for name, kind in SETTLED.items())
SET_ASIDE = f"CREATE TABLE IF NOT EXISTS rows_set_aside ({FAILED}, {SETTLED_SQL})"
#: Columns a store made by an earlier version lacks.
ADDED = {"record_id": "VARCHAR", **SETTLED}

#: What a person should know of a delivery: ``note`` is a word key below ``intake.note.``, ``params`` its values (JSON).
NOTES = (
    "CREATE TABLE IF NOT EXISTS delivery_notes (delivery_id VARCHAR NOT NULL, note VARCHAR NOT NULL, params VARCHAR)"
)

#: One act of a person at the steward's desk. ``seq`` is the delivery it made, or the newest one where it made none;
#: ``changes`` says what was altered (JSON). Never updated.
ACTS = """
CREATE TABLE IF NOT EXISTS desk_acts (
    act_id      VARCHAR NOT NULL,
    seq         INTEGER NOT NULL,
    kind        VARCHAR NOT NULL,
    done_at     TIMESTAMPTZ NOT NULL,
    done_by     VARCHAR NOT NULL,
    why         VARCHAR NOT NULL,
    delivery_id VARCHAR,
    row_count   BIGINT NOT NULL,
    changes     VARCHAR
)
"""
#: One row set aside that an act settled, and what it says now (JSON; NULL where it was waived).
ACT_ROWS = """
CREATE TABLE IF NOT EXISTS desk_rows (
    act_id      VARCHAR NOT NULL,
    delivery_id VARCHAR NOT NULL,
    line        BIGINT NOT NULL,
    new_line    BIGINT,
    after       VARCHAR
)
"""
#: What each column of a delivery looked like (``data/shifts.py``; JSON), for the next ones to be compared with.
COLUMNS = "CREATE TABLE IF NOT EXISTS delivery_columns (delivery_id VARCHAR NOT NULL, column_name VARCHAR NOT NULL, profile VARCHAR)"
#: The headings of a delivery as they stood in its file (JSON), for the next one to be compared with (``data/renamed.py``).
HEADINGS = "CREATE TABLE IF NOT EXISTS delivery_headings (delivery_id VARCHAR NOT NULL, headings VARCHAR NOT NULL)"
#: Files kept for a person to decide on (``data/waiting.py``): ``parts`` is what each source would make of it and what is
#: odd (JSON). The decision is the only thing ever updated.
WAITING = """
CREATE TABLE IF NOT EXISTS deliveries_waiting (
    waiting_id  VARCHAR NOT NULL,
    file        VARCHAR NOT NULL,
    kept        VARCHAR NOT NULL,
    sha256      VARCHAR NOT NULL,
    bytes       BIGINT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    source      VARCHAR,
    parts       VARCHAR NOT NULL,
    state       VARCHAR NOT NULL,
    decided_at  TIMESTAMPTZ,
    decided_by  VARCHAR,
    why         VARCHAR
)
"""
#: One name of a delivery taken for a record of a register (``data/resolving.py``), with how sure and why.
NAMES_LINKED = """
CREATE TABLE IF NOT EXISTS reference_links (
    delivery_id VARCHAR NOT NULL,
    column_name VARCHAR NOT NULL,
    register    VARCHAR NOT NULL,
    said        VARCHAR NOT NULL,
    linked_id   VARCHAR NOT NULL,
    linked_name VARCHAR NOT NULL,
    confidence  DOUBLE NOT NULL,
    runner_up   DOUBLE NOT NULL,
    reason      VARCHAR NOT NULL,
    row_count   BIGINT NOT NULL
)
"""
#: From a register of `day` on an estate's company stands there as `said`: kept where a company has several names and the one
#: used changed (``data/respelled.py``), so that names can be parted again (``data/same_company.py``).
NAMES_READ = "CREATE TABLE IF NOT EXISTS names_read (delivery_id VARCHAR NOT NULL, estate_id VARCHAR NOT NULL, day DATE NOT NULL, said VARCHAR NOT NULL)"
#: Tables a store made by an earlier version has only after its next load.
LATER = {
    "delivery_notes": NOTES, "desk_acts": ACTS, "desk_rows": ACT_ROWS, "delivery_columns": COLUMNS,
    "delivery_headings": HEADINGS, "deliveries_waiting": WAITING, "reference_links": NAMES_LINKED,
    "names_read": NAMES_READ,
}  # fmt: skip


class StoreBusy(RuntimeError):
    """Another process holds the records store."""


class StoreUnwritable(RuntimeError):
    """The store cannot be written (disk full, a read-only folder); it is as it was."""


class ClockBehind(ValueError):
    """The machine's clock stands before the last delivery; nothing was stored."""


#: What DuckDB and the system say where there is no room, and where writing is not allowed.
FULL = ("No space left", "File too large", "quota", "Could not write", "Could not truncate", "Cannot allocate")
FORBIDDEN = ("Permission denied", "Read-only", "Operation not permitted")
#: A clock is set right by a little every now and then; beyond this it was set back.
CLOCK_SLACK = timedelta(minutes=5)


def _said(path: Path, error: Exception) -> Exception | None:
    """The plain refusal of an error of the system; None where it is another one."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if any(word in text for word in FORBIDDEN):
        return StoreUnwritable(
            f"{path} cannot be written by this account ({text}). Nothing was stored and nothing changed. Give the account "
            "that runs the program the right to write in this folder, then load again."
        )
    if any(word in text for word in FULL):
        return StoreUnwritable(
            f"{path}: there is no room to write ({text}). The load was stopped, nothing of it was stored, and the store is as "
            "it was. Free space on the disk (or raise the limit), then load again."
        )
    return None


@contextmanager
def plainly(root: Path) -> Iterator[None]:
    """Say in plain words what the system refuses while the store is written; raises StoreUnwritable."""
    try:
        yield
    except (duckdb.IOException, duckdb.FatalException, duckdb.TransactionException, OSError) as e:
        elsewhere = isinstance(e, OSError) and e.filename and not Path(e.filename).is_relative_to(root)
        plain = None if elsewhere else _said(root / FILE, e)
        if plain is None:
            raise
        raise plain from e


def in_order(con: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    """Refuse a moment before the last delivery's; raises ClockBehind."""
    ((last, slack),) = con.execute(
        "SELECT max(epoch_us(received_at)), max(received_at)::VARCHAR FROM deliveries"
    ).fetchall()
    if last is not None and moment.timestamp() * 1e6 < last - CLOCK_SLACK.total_seconds() * 1e6:
        raise ClockBehind(
            f"This machine's clock says {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC, but the last delivery came at {slack}. "
            "What was known on a day could no longer be told. Nothing was stored. Set the clock right and try again; if it "
            "was the last delivery's clock that ran ahead, say so with --despite-clock."
        )


def staging_sql(table: Table) -> tuple[str, ...]:
    """Statements that make the empty temporary tables ``staged`` and ``failed`` a file passes through."""
    return "DROP TABLE IF EXISTS failed", staged_sql(table), f"CREATE TEMP TABLE failed ({FAILED})"


def _busy(path: Path, error: Exception) -> Exception:
    return _said(path, error) or StoreBusy(
        f"{path} is held by another process, so it was not opened ({str(error).splitlines()[0]}). "
        "Records are loaded by one process at a time. Wait for the load under way to finish, then try again."
    )


def open_store(root: Path, *, write: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the store; the caller closes it. Missing tables are created first.

    Raises:
        StoreBusy: another process holds the file.
        StoreUnwritable: the folder is full or read-only.
    """
    path = root / FILE
    try:
        if write or not path.is_file():
            root.mkdir(parents=True, exist_ok=True)
            con = duckdb.connect(path)
            con.execute(f"SET memory_limit = '{MEMORY}'")
            con.execute("SET enable_progress_bar = false")
            added = (f"ALTER TABLE rows_set_aside ADD COLUMN IF NOT EXISTS {n} {k}" for n, k in ADDED.items())
            for statement in (DELIVERIES, SET_ASIDE, *added, *LATER.values(), *map(created, TABLES.values())):
                con.execute(statement)
            if not write:
                con.close()
        if not write:
            con = duckdb.connect(path, read_only=True)
        show_whole(con)
        return con
    except (duckdb.IOException, duckdb.ConnectionException, duckdb.BinderException, PermissionError) as e:
        raise _busy(path, e) from e


@contextmanager
def setting(con: duckdb.DuckDBPyConnection, name: str, value: str) -> Iterator[None]:
    """Change a setting of the store for a while; on a cursor, so that it is put back also where the transaction failed."""
    beside = con.cursor()
    ((before,),) = beside.execute("SELECT current_setting($name)", {"name": name}).fetchall()
    beside.execute(f"SET {name} = '{value}'")
    try:
        yield
    finally:
        with suppress(duckdb.OutOfMemoryException):  # less memory than is in use: it stays as it is
            beside.execute(f"SET {name} = '{before}'")
        beside.close()


def attach_records(con: duckdb.DuckDBPyConnection, root: Path, as_of: int | None = None) -> None:
    """Show the records in ``con`` as temporary views: one per contract table, ``deliveries``, ``rows_set_aside``.

    Args:
        as_of: show what was known at this delivery; None = everything loaded so far.

    Raises:
        StoreBusy: another process holds the file.
    """
    open_store(root).close()  # a new folder gets its tables
    try:
        place = str(root / FILE).replace("'", "''")
        con.execute(f"ATTACH IF NOT EXISTS '{place}' AS store (READ_ONLY)")
    except (duckdb.IOException, duckdb.ConnectionException, duckdb.BinderException) as e:
        raise _busy(root / FILE, e) from e
    known = (
        "revised_by_seq IS NULL"
        if as_of is None
        else (f"delivery_seq <= {int(as_of)} AND (revised_by_seq IS NULL OR revised_by_seq > {int(as_of)})")
    )
    seen = "true" if as_of is None else f"seq <= {int(as_of)}"
    has = held(con, "store")
    for table in TABLES.values():
        columns = ", ".join(f'"{c}"' for c in (*table.columns, *ORIGIN))
        whole = whole_sql(table, has[table.name], "store.main")
        con.execute(f"CREATE OR REPLACE TEMP VIEW {table.name} AS SELECT {columns} FROM ({whole}) WHERE {known}")
    con.execute(f"CREATE OR REPLACE TEMP VIEW deliveries AS SELECT * FROM store.deliveries WHERE {seen}")
    _attach_desk(con, "true" if as_of is None else f"seq <= {int(as_of)}", as_of)
    _attach_versions(con, has, "true" if as_of is None else f"seq <= {int(as_of)}")


def _attach_versions(con: duckdb.DuckDBPyConnection, has: dict[str, set[str]], seen: str) -> None:
    """View ``versions``: every version of every record with the moments from and until which it was what was known.

    A delivery is known from its own moment, or from that of an earlier delivery where a clock was set back between them.
    """

    def of(table: Table) -> str:
        pairs = ", ".join(f"'{c}', \"{c}\"" for c in table.columns if c not in UNSHOWN)
        estate = "estate_id" if "estate_id" in table.columns else "NULL"
        day = f'"{table.day}"' if table.day else "NULL::DATE"
        return (
            f"SELECT '{table.name}' AS record_table, record_id, {estate} AS estate_id, {day} AS day, delivery_id, line, "
            f"delivery_seq, revised_by_seq, json_object({pairs})::VARCHAR AS row_said "
            f"FROM ({whole_sql(table, has[table.name], 'store.main')})"
        )

    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW versions AS
        WITH told AS (SELECT seq, file, max(received_at) OVER (ORDER BY seq) AS known_at FROM store.deliveries WHERE {seen})
        SELECT v.* REPLACE (CASE WHEN t.seq IS NOT NULL THEN v.revised_by_seq END AS revised_by_seq),
               f.file, f.known_at AS known_from, t.known_at AS known_to
        FROM ({" UNION ALL ".join(of(t) for t in TABLES.values())}) AS v
        JOIN told AS f ON f.seq = v.delivery_seq
        LEFT JOIN told AS t ON t.seq = v.revised_by_seq
        """
    )


def _attach_desk(con: duckdb.DuckDBPyConnection, seen: str, as_of: int | None) -> None:
    """Views of what is beside the records: rows set aside with what became of them, notes, acts."""
    columns: dict[str, set[str]] = {}
    for table, column in con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'store'"
    ).fetchall():
        columns.setdefault(table, set()).add(column)
    for name, shape in LATER.items():
        if name not in columns:
            con.execute(shape.replace("CREATE TABLE", "CREATE TEMP TABLE").replace(name, f"{name}_none"))
        held = f"store.{name}" if name in columns else f"{name}_none"
        which = {
            "desk_acts": seen,
            "deliveries_waiting": "true",
            "desk_rows": f"act_id IN (SELECT act_id FROM desk_acts WHERE {seen})",
        }.get(name, f"delivery_id IN (SELECT delivery_id FROM store.deliveries WHERE {seen})")
        con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {held} WHERE {which}")
    absent = "".join(f", NULL::{kind} AS {n}" for n, kind in ADDED.items() if n not in columns["rows_set_aside"])
    then = "true" if as_of is None else f"settled_by_seq <= {int(as_of)}"
    settled = ", ".join(f"CASE WHEN {then} THEN {n} END AS {n}" for n in SETTLED)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW rows_set_aside AS
        SELECT * REPLACE ({settled})
        FROM (SELECT *{absent} FROM store.rows_set_aside)
        WHERE delivery_id IN (SELECT delivery_id FROM store.deliveries WHERE {seen})
        """
    )
