"""A whole ledger copied between a file and a PostgreSQL, all of it or nothing; backup and restore use it."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from data.ledger import METADATA, at_address, attachments, chain, make, open_file, stands_at, writing

ROWS_AT_ONCE = 1_000
FILES_AT_ONCE = 4  # rows of attachments: each may be a photograph or a report of many megabytes


class CopyRefused(ValueError):
    """The ledger cannot be copied as asked; nothing was changed."""


def to_file(root: Path, place: Path) -> None:
    """Copy the ledger at ``STEWARD_LEDGER_URL`` into a new ``ledger.sqlite`` below ``place``, as it stood at one moment.

    Nobody who writes meanwhile is held up, and nothing they commit after that moment is in the copy.
    """
    there = _postgresql(root)
    snapshot = there.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    try:
        with snapshot.connect() as old:
            stands, newest = stands_at(old)
            if stands is None:
                raise CopyRefused("The database at STEWARD_LEDGER_URL holds no ledger. Check the address and --root.")
            if stands != newest:
                raise CopyRefused(
                    f"The ledger stands at '{stands}' and this program's newest is '{newest}'. Make the backup with the "
                    "program that was at it last, or let this one open the ledger first."
                )
            _fill(old, place)
    except sa.exc.DBAPIError as e:
        raise _told(e) from e
    finally:
        there.dispose()


def from_file(place: Path, root: Path) -> None:
    """Copy ``ledger.sqlite`` below ``place`` into the empty database at ``STEWARD_LEDGER_URL``, in one transaction."""
    there, here = _postgresql(root), open_file(place)
    try:
        with writing(there) as new, here.connect() as old:
            _refuse_if_held(new)
            make(new, root)
            _copy(old, new)
            for table in METADATA.sorted_tables:
                _number_on(new, table)
    except sa.exc.DBAPIError as e:
        raise _told(e) from e
    finally:
        here.dispose()
        there.dispose()


def refuse_if_held(root: Path) -> None:
    """Refuse a database that holds anything, before any other work is done."""
    there = _postgresql(root)
    try:
        with there.connect() as con:
            _refuse_if_held(con)
    except sa.exc.DBAPIError as e:
        raise _told(e) from e
    finally:
        there.dispose()


def _postgresql(root: Path) -> sa.Engine:
    engine = at_address(root)
    if engine.dialect.name != "postgresql":
        raise CopyRefused("STEWARD_LEDGER_URL names no PostgreSQL. Without it the ledger is the file in the folder.")
    return engine


def _told(e: sa.exc.DBAPIError) -> CopyRefused:
    """What went wrong without the statement's values: they are people's records."""
    return CopyRefused(f"The database at STEWARD_LEDGER_URL refused ({type(e.orig).__name__}); nothing was changed.")


def _refuse_if_held(con: sa.Connection) -> None:
    held = sa.inspect(con).get_table_names()
    if held:
        raise CopyRefused(
            f"The database at STEWARD_LEDGER_URL is not empty: it holds {', '.join(sorted(held)[:3])}"
            f"{' and others' if len(held) > 3 else ''}. Nothing was restored. Name an empty database or schema."
        )


def _fill(old: sa.Connection, place: Path) -> None:
    here = open_file(place)
    try:
        with writing(here) as new:
            _copy(old, new)
    finally:
        here.dispose()  # the last one out of a file in WAL mode leaves it whole, without files beside it


def _copy(old: sa.Connection, new: sa.Connection) -> None:
    """Every row of every table, named ones before those that name them. A new ledger holds one row: the chain's start."""
    new.execute(sa.delete(chain))
    for table in METADATA.sorted_tables:
        size = FILES_AT_ONCE if table is attachments else ROWS_AT_ONCE
        for rows in old.execution_options(yield_per=size).execute(sa.select(table)).mappings().partitions():
            new.execute(sa.insert(table), [dict(r) for r in rows])


def _number_on(con: sa.Connection, table: sa.Table) -> None:
    """Let the next row get the number after the highest: PostgreSQL counts apart from the rows."""
    column = table.autoincrement_column
    if column is not None:
        highest = sa.func.max(column)
        counter = sa.func.pg_get_serial_sequence(table.name, column.name)
        con.execute(sa.select(sa.func.setval(counter, sa.func.coalesce(highest, 1), highest.is_not(None))))
