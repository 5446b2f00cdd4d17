"""Editions for reading: immutable DuckDB files, opened read-only, one connection per file and process.

``current`` names the published edition; drafts stand beside it. Each query takes its own cursor, because a connection
is not thread-safe and every viewer runs in a thread of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import duckdb

from data.edition_tables import TABLES

LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "lock_configuration": "true",
}


def folder(root: Path) -> Path:
    return root / "editions"


def list_editions(root: Path) -> list[str]:
    """Ids of every edition, published ones first, newest first within each."""
    names = [p.stem for p in folder(root).glob("*.duckdb")]

    def order(name: str) -> tuple:
        period, number = name.removeprefix("draft-").rsplit("-", 1)
        return period, int(number)

    published = sorted((n for n in names if not n.startswith("draft-")), key=order, reverse=True)
    return published + sorted((n for n in names if n.startswith("draft-")), key=order, reverse=True)


def path_of(root: Path, edition_id: str) -> Path | None:
    """The file of an edition named on screen; None where there is none (a name is never taken as a path)."""
    return folder(root) / f"{edition_id}.duckdb" if edition_id in list_editions(root) else None


def current(root: Path) -> Path | None:
    """The published edition ``CURRENT`` names; None before the first publication."""
    pointer = folder(root) / "CURRENT"
    if not pointer.is_file():
        return None
    return path_of(root, pointer.read_text(encoding="utf-8").strip())


@lru_cache(maxsize=8)
def _connection(path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(path, read_only=True, config=LOCKED)


@lru_cache(maxsize=64)
def lacking(path: Path) -> tuple[str, ...]:
    """Tables and columns an edition made by an older program does not have; empty = this program can show it."""
    con = duckdb.connect(path, read_only=True, config=LOCKED)
    try:
        columns = con.execute("SELECT table_name, column_name FROM information_schema.columns").fetchall()
    finally:
        con.close()
    held = {(row[0], row[1]) for row in columns}
    wanted = {(name, column) for name, table in TABLES.items() for column in table.to_schema().columns}
    return tuple(sorted(f"{table}.{column}" for table, column in wanted - held))


@dataclass(frozen=True)
class Published:
    """What a published edition says of itself.

    Attributes:
        periods: every quarter it scores. ledger_seq, ledger_hash: the last event of the ledger it was made with.
    """

    edition_id: str
    published_at: datetime
    periods: frozenset[str]
    ledger_seq: int
    ledger_hash: str


def published(root: Path) -> list[Published]:
    """Every published edition, oldest first; not those made by a program that did not keep the ledger's end."""
    names = [n for n in list_editions(root) if not n.startswith("draft-")]
    found = [_published(folder(root) / f"{n}.duckdb") for n in names]
    return sorted((p for p in found if p), key=lambda p: (p.published_at, p.edition_id))


@lru_cache(maxsize=256)
def _published(path: Path) -> Published | None:
    if "edition.ledger_seq" in lacking(path):
        return None
    con = duckdb.connect(path, read_only=True, config=LOCKED)
    try:
        said = con.sql("SELECT edition_id, published_at, ledger_seq, ledger_hash FROM edition").pl().row(0, named=True)
        periods = frozenset(r[0] for r in con.execute("SELECT period FROM periods").fetchall())
    finally:
        con.close()
    return Published(**said, periods=periods) if said["ledger_seq"] is not None else None


def open_edition(path: Path) -> duckdb.DuckDBPyConnection:
    """A cursor of the edition's shared read-only connection."""
    return _connection(path).cursor()
