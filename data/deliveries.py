"""Deliveries judged as wholes, against their source's own history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from data.mapping import Source
from data.reading import Note, refuse


@dataclass(frozen=True)
class Delivery:
    """One file as one source delivered it: the row of table ``deliveries``."""

    delivery_id: str
    seq: int
    source: str
    record_table: str
    file: str
    sha256: str
    bytes: int
    received_at: datetime
    rows_read: int
    accepted: int
    revised: int
    unchanged: int
    set_aside: int
    encoding: str | None = None
    already: bool = False  # this very file was loaded before: nothing changed


def plausible(con: duckdb.DuckDBPyConnection, path: Path, source: Source, read: int) -> None:
    """Refuse a delivery far smaller than its kind; raises WrongFile."""
    last = con.execute(
        "SELECT rows_read, file FROM deliveries WHERE source = $source ORDER BY seq DESC LIMIT 1",
        {"source": source.name},
    ).fetchall()
    least, against = float(source.min_rows), "the mapping file's least"
    for rows_before, file in last:
        if rows_before * source.min_share_of_previous > least:
            least, against = (
                rows_before * source.min_share_of_previous,
                f"the previous delivery {file} had {rows_before:,}",
            )
    if read < least:
        raise refuse(
            path, f"{read:,} rows for '{source.title}', where at least {least:,.0f} were expected ({against}).",
            "A truncated release would look as if nothing had happened in the rest.",
            "Ask the publisher for the whole file. If it truly is this small, lower [expect] in its mapping file.",
        )  # fmt: skip


def note(con: duckdb.DuckDBPyConnection, delivery_id: str, notes: list[Note]) -> None:
    """Keep what a person should know of a delivery."""
    for one in notes:
        params = json.dumps(one.params, ensure_ascii=False)
        con.execute("INSERT INTO delivery_notes VALUES (?, ?, ?)", [delivery_id, one.kind, params])
