"""Backup and restore of the three stores, while the program runs.

A backup is a folder of its own: the ledger as SQLite copies one in use (one in PostgreSQL as it stood at one moment,
into the same kind of file), the records as DuckDB copies one nobody is loading, the editions (they never change), and
``BACKUP.json`` with the SHA-256 of each file. Nothing committed before it began is missing; what is committed while it
runs may be.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import sqlalchemy as sa

from data import editions, ledger_copy, outbox, records
from data.ledger import FILE as LEDGER
from data.ledger import URL_VARIABLE, open_file, sessions, writing

MANIFEST = "BACKUP.json"
#: Held by a store while it works; never part of a backup.
OF_THE_STORES = (LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm", records.FILE, f"{records.FILE}.wal")

#: Folders beside the stores that people's decisions rest on: files that wait, mapping files confirmed.
KEPT = ("waiting", "mappings")


class BackupRefused(ValueError):
    """A backup or a restore cannot be made as asked; nothing was changed."""


def _sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def _new_folder(place: Path) -> Path:
    """A folder to fill beside ``place``, which must not be there yet or be empty."""
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise BackupRefused(f"{place} is there already and is not empty; nothing was written. Name a new folder.")
    partial = place.with_name(f"{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    return partial


def _put_in_place(partial: Path, place: Path) -> None:
    for path in partial.rglob("*"):
        if path.is_file():
            with path.open("rb") as f:
                os.fsync(f.fileno())
    if place.is_dir():
        place.rmdir()
    partial.rename(place)


def _elsewhere() -> bool:
    return bool(os.environ.get(URL_VARIABLE))


def _copy_ledger(root: Path, to: Path) -> None:
    if _elsewhere():
        ledger_copy.to_file(root, to)
        return
    with closing(sqlite3.connect(root / LEDGER)) as old, closing(sqlite3.connect(to / LEDGER)) as new:
        old.backup(new)


def _copy_records(root: Path, to: Path) -> None:
    """Table by table through DuckDB: opening the file beside it would drop its lock (POSIX) and could tear it."""
    records.open_store(root).close()  # StoreBusy while somebody loads
    old, new = (str(place / records.FILE).replace("'", "''") for place in (root, to))
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{old}' AS old (READ_ONLY)")
        con.execute(f"ATTACH '{new}' AS new")
        con.execute("COPY FROM DATABASE old TO new")


def _copy_editions(root: Path, to: Path) -> None:
    """The pointer is read first: whatever it names then is copied, though another be published meanwhile."""
    current = editions.current(root)
    (to / "editions").mkdir()
    for name in editions.list_editions(root):
        path = editions.path_of(root, name)
        if path is not None:
            shutil.copyfile(path, to / "editions" / path.name)
    if current is not None:
        (to / "editions" / "CURRENT").write_text(current.stem, encoding="utf-8")


def backup(root: Path, place: Path, now: datetime) -> Path:
    """Copy everything below ``root`` into the new folder ``place``; the program may go on.

    Raises:
        BackupRefused: ``place`` is in use or below ``root``, or there is nothing.
        CopyRefused: there is no ledger of this program's at ``STEWARD_LEDGER_URL``.
        StoreBusy: records are being loaded.
    """
    if not (root / (needed := records.FILE if _elsewhere() else LEDGER)).is_file():
        raise BackupRefused(f"{root} holds no {needed}, so there is nothing to back up. Check --root.")
    if place.resolve().is_relative_to(root.resolve()):
        raise BackupRefused(f"{place} lies within {root} and would be lost with it. Name a folder elsewhere.")
    to = _new_folder(place)
    _copy_ledger(root, to)
    _copy_records(root, to)
    _copy_editions(root, to)
    for path in root.iterdir():
        if path.is_file() and path.name not in OF_THE_STORES:
            shutil.copyfile(path, to / path.name)
    for folder in KEPT:
        if (root / folder).is_dir():
            shutil.copytree(root / folder, to / folder, ignore=shutil.ignore_patterns(".*.partial"))
    files = {str(p.relative_to(to)): _sha256(p) for p in sorted(to.rglob("*")) if p.is_file()}
    said = {"made_at": now.astimezone(UTC).isoformat(), "files": files}
    (to / MANIFEST).write_text(json.dumps(said, indent=1), encoding="utf-8")
    _put_in_place(to, place)
    return place


def restore(place: Path, root: Path, now: datetime) -> int:
    """Put a backup back into the new folder ``root``; returns the number of files. Every stay ends: one that was signed
    out after the backup must not come back to life. Notices that waited then may have gone out since: a person decides.
    Where ``STEWARD_LEDGER_URL`` names a database, the ledger goes there and no copy of it stays in the folder.

    Raises:
        BackupRefused: ``root`` is in use, or the backup is none, or a file of it is missing or altered.
        CopyRefused: the database at ``STEWARD_LEDGER_URL`` is not empty, or will not take it.
    """
    try:
        files = json.loads((place / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as e:
        raise BackupRefused(f"{place} has no readable {MANIFEST}, so it is no backup. Check the path.") from e
    inside = place.resolve()
    wrong = [
        n
        for n, sha in files.items()
        if not (path := (place / n).resolve()).is_relative_to(inside) or not path.is_file() or _sha256(path) != sha
    ]
    if wrong:
        raise BackupRefused(f"{place}: missing or altered: {', '.join(wrong)}. Nothing was restored; take another.")
    if _elsewhere():
        ledger_copy.refuse_if_held(root)
    to = _new_folder(root)
    for name in files:
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place / name, to / name)
    ledger = open_file(to)
    with writing(ledger) as con:
        con.execute(sa.update(sessions).where(sessions.c.ended_at.is_(None)).values(ended_at=now, ended_by="restore"))
        outbox.doubt_all(con, now)
    ledger.dispose()
    if _elsewhere():
        ledger_copy.from_file(to, root)
        (to / LEDGER).unlink()
    _put_in_place(to, root)
    return len(files)
