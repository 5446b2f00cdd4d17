"""Deliveries judged as wholes, against their source's own history."""

from __future__ import annotations

from pathlib import Path

import duckdb

from data.mapping import Source
from data.reading import refuse


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
