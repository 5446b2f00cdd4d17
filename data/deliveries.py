"""Deliveries judged as wholes, against their source's own history."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import duckdb

from data.mapping import Source
from data.reading import Note, refuse

#: From here on a delivery is pointed out to a person. Nothing is refused or counted otherwise by these.
MANY_SET_ASIDE = 0.2  # share of the rows read
UNUSUAL = 3.0  # times the usual number of rows, or that part of it
HISTORY = 8  # deliveries of the source that say what is usual, and the least that can is 3
GAP_DAYS = 31  # between the last day on record and the first day delivered


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


def doubts(
    con: duckdb.DuckDBPyConnection, source: Source, read: int, set_aside: int, received_at: datetime
) -> list[Note]:
    """What is odd of a delivery as a whole, told from ``staged`` and from the source's own history.

    Called before the rows are stored: a large share set aside, a number of rows far from the usual, days between the
    last record on file and the first one delivered, records dated after the day of delivery.
    """
    found = []
    if read and set_aside / read > MANY_SET_ASIDE:
        found.append(Note("many_set_aside", {"n": set_aside, "percent": round(100 * set_aside / read)}))
    before = con.execute(
        "SELECT rows_read FROM deliveries WHERE source = $source ORDER BY seq DESC LIMIT $last",
        {"source": source.name, "last": HISTORY},
    ).fetchall()
    if len(before) >= 3:
        usual = median(n for (n,) in before)
        if usual and not usual / UNUSUAL <= read <= usual * UNUSUAL:
            found.append(Note("unusual_count", {"n": read, "usual": round(usual)}))
    if source.table.day:
        found += _days(con, source, source.table.day, received_at.astimezone(ZoneInfo(source.zone)).date())
    return found


def _days(con: duckdb.DuckDBPyConnection, source: Source, day: str, today: date) -> list[Note]:
    """Oddities of the days delivered."""
    first, late, newest = con.execute(
        f"""
        SELECT min("{day}"), count(*) FILTER ("{day}" > $today), max("{day}") FILTER ("{day}" > $today) FROM staged
        """,
        {"today": today},
    ).fetchall()[0]
    ((last,),) = con.execute(f'SELECT max("{day}") FROM {source.table.name} WHERE revised_by_seq IS NULL').fetchall()
    found = []
    if late:
        found.append(Note("future_days", {"n": late, "day": newest.isoformat()}))
    if first and last and (first - last).days > GAP_DAYS:
        params = {"days": (first - last).days, "last": last.isoformat(), "first": first.isoformat()}
        found.append(Note("period_gap", params))
    return found
