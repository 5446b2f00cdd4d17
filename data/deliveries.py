"""Deliveries judged as wholes, against their source's own history; the numbers stand in ``rules/deliveries.toml``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import duckdb

from data.mapping import Source
from data.reading import Note
from data.shifts import profile, shifts
from rules.book import Book, Rule


@cache
def _book() -> Book:
    return Book()


def rule_on(day: date) -> Rule:
    """The rule for deliveries in force on a day."""
    return _book().on(day, "deliveries")


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
    already: bool = False  # this very file came before: nothing changed
    waits: str | None = (
        None  # ``waiting`` or ``refused``: none of its rows counts; ``delivery_id`` is the waiting one's
    )

    @property
    def stored(self) -> dict[str, Any]:
        """The row of table ``deliveries`` by column."""
        return {f: getattr(self, f) for f in self.__dataclass_fields__ if f not in ("already", "waits")}


class Doubt(NamedTuple):
    """One thing odd of a delivery as a whole; ``waits`` = a person decides before any of its rows counts."""

    note: Note
    waits: bool


def next_seq(con: duckdb.DuckDBPyConnection) -> int:
    """The number of the delivery to come."""
    return con.execute("SELECT coalesce(max(seq), 0) + 1 FROM deliveries").fetchall()[0][0]


def enter(con: duckdb.DuckDBPyConnection, delivery: Delivery) -> None:
    """Enter a delivery with its counts."""
    names, values = ", ".join(delivery.stored), list(delivery.stored.values())
    con.execute(f"INSERT INTO deliveries ({names}) VALUES ({', '.join('?' * len(values))})", values)


class Past(NamedTuple):
    """What a source delivered before, newest first: rows read, moments, file names."""

    rows: list[int]
    moments: list[datetime]
    files: list[str]


def note(con: duckdb.DuckDBPyConnection, delivery_id: str, notes: list[Note]) -> None:
    """Keep what a person should know of a delivery."""
    for one in notes:
        params = json.dumps(one.params, ensure_ascii=False)
        con.execute("INSERT INTO delivery_notes VALUES (?, ?, ?)", [delivery_id, one.kind, params])


def doubts(
    con: duckdb.DuckDBPyConnection, source: Source, read: int, set_aside: int, received_at: datetime
) -> list[Doubt]:
    """What is odd of a delivery as a whole, told from ``staged`` and from the source's own history.

    Called before the rows are stored: a large share set aside, far fewer or more rows than usual, late by the source's
    rhythm; days missing before it, delivered twice, or after the day of delivery. Columns are ``profiled``'s matter.
    """
    today = received_at.astimezone(ZoneInfo(source.zone)).date()
    rule = rule_on(today)
    rows = con.sql(
        "SELECT rows_read, received_at, file FROM deliveries WHERE source = $source ORDER BY seq DESC LIMIT $last",
        params={"source": source.name, "last": rule["history"]},
    ).pl()
    past = Past(*(rows[c].to_list() for c in rows.columns))
    found = [*_counts(source, read, set_aside, past, rule), *_lateness(source, past, received_at, rule)]
    if source.table.day:
        found += _days(con, source, source.table.day, today, past, rule)
        found += _overlap(con, source, source.table.day, rule) if past.rows else []
    return found


def _counts(source: Source, read: int, set_aside: int, past: Past, rule: Rule) -> list[Doubt]:
    """Oddities of the numbers of rows."""
    found = []
    few = rule["few_rows"]
    if read and set_aside / read > rule["set_aside_told"]:
        told = Note("many_set_aside", {"n": set_aside, "percent": round(100 * set_aside / read)})
        found.append(Doubt(told, set_aside / read > rule["set_aside_waits"] and set_aside >= few))
    if read < source.min_rows:
        found.append(Doubt(Note("fewer_than_least", {"n": read, "least": source.min_rows}), True))
    if past.rows and read < past.rows[0] * source.min_share_of_previous:
        told = Note("fewer_than_before", {"n": read, "before": past.rows[0], "file": past.files[0]})
        found.append(Doubt(told, True))
    elif len(past.rows) >= rule["history_least"]:
        usual = median(past.rows)
        if usual and not usual / rule["count_times"] <= read <= usual * rule["count_times"]:
            told = Note("unusual_count", {"n": read, "usual": round(usual)})
            found.append(Doubt(told, read > usual and read - usual >= few))  # a small addition is daily life: told only
    return found


def rhythm(moments: list[datetime], zone: str, rule: Rule) -> int | None:
    """A source's usual days between deliveries (the median over days with one); None where too few are known."""
    days = sorted({m.astimezone(ZoneInfo(zone)).date() for m in moments})
    if len(days) < rule["history_least"]:
        return None
    return round(median((b - a).days for a, b in pairwise(days)))


def allowed_days(usual: float, rule: Rule) -> float:
    """Days after a source's last delivery from which on it is late."""
    return max(usual * rule["late_times"], usual + rule["late_days"])


def _lateness(source: Source, past: Past, received_at: datetime, rule: Rule) -> list[Doubt]:
    """Told only: a late delivery is welcome."""
    usual = source.expected_days or rhythm(past.moments, source.zone, rule)
    if not usual or not past.moments:
        return []
    days = (received_at - past.moments[0]).days
    if days <= allowed_days(usual, rule):
        return []
    return [Doubt(Note("came_late", {"days": days, "usual": usual}), False)]


def _days(con: duckdb.DuckDBPyConnection, source: Source, day: str, today: date, past: Past, rule: Rule) -> list[Doubt]:
    """Oddities of the days delivered. A gap is waited for only where enough deliveries say what is usual: of a yearly source
    the second one always comes long after the first."""
    n, first, late, newest = con.execute(
        f"""
        SELECT count(*), min("{day}"), count(*) FILTER ("{day}" > $today), max("{day}") FILTER ("{day}" > $today)
        FROM staged
        """,
        {"today": today},
    ).fetchall()[0]
    found = []
    if late:
        told = Note("future_days", {"n": late, "day": newest.isoformat()})
        found.append(Doubt(told, late / n > rule["future_waits"] and late >= rule["few_rows"]))
    held = f'SELECT DISTINCT "{day}" AS day FROM {source.table.name} WHERE revised_by_seq IS NULL'
    last, longest = con.execute(
        f"SELECT max(day), max(gap) FROM (SELECT day, day - lag(day) OVER (ORDER BY day) AS gap FROM ({held}))"
    ).fetchall()[0]
    if first and last and (first - last).days > rule["gap_told"]:
        days = (first - last).days
        told = Note("period_gap", {"days": days, "last": last.isoformat(), "first": first.isoformat()})
        usual = (longest or 0) * rule["gap_usual"]
        known = len(past.rows) >= rule["history_least"]
        found.append(Doubt(told, known and days > rule["gap_waits"] and days > usual and n >= rule["few_rows"]))
    return found


def _overlap(con: duckdb.DuckDBPyConnection, source: Source, day: str, rule: Rule) -> list[Doubt]:
    """New records of estates and days that an earlier delivery of this source brought records of under other keys."""
    if "estate_id" not in source.table.columns:
        return []
    fresh = f"""
        FROM staged AS s
        WHERE NOT EXISTS (
            SELECT 1 FROM {source.table.name} AS r WHERE r.record_id = s.record_id AND r.revised_by_seq IS NULL
        )
    """
    ((again,),) = con.execute(
        f"""
        SELECT count(*) {fresh} AND (s.estate_id, s."{day}") IN (
            SELECT (r.estate_id, r."{day}") FROM {source.table.name} AS r JOIN deliveries AS d USING (delivery_id)
            WHERE r.revised_by_seq IS NULL AND d.source = $source AND r.estate_id IS NOT NULL
        )
        """,
        {"source": source.name},
    ).fetchall()
    if again < rule["few_rows"]:
        return []
    ((new,),) = con.execute(f"SELECT count(*) {fresh}").fetchall()
    if again / new < rule["overlap_waits"]:
        return []
    return [Doubt(Note("period_overlap", {"n": again, "percent": round(100 * again / new)}), True)]


def profiled(con: duckdb.DuckDBPyConnection, source: Source, delivery_id: str, received_at: datetime) -> list[Doubt]:
    """Keep what each column of ``staged`` looks like, and say which shifted against the source's last deliveries.

    Waited for only where enough deliveries say what is usual and this one has as many rows as they: what changes a
    register looks unlike the register's first sending, and a small addition unlike a whole delivery, both by right.
    """
    rule = rule_on(received_at.astimezone(ZoneInfo(source.zone)).date())
    rows = con.execute("SELECT count(*) FROM staged").fetchall()[0][0]
    if not rows:
        return []
    past = con.sql(
        """
        SELECT c.delivery_id, d.rows_read, c.column_name, c.profile
        FROM delivery_columns AS c
        JOIN (
            SELECT delivery_id, rows_read, seq FROM deliveries WHERE source = $source ORDER BY seq DESC LIMIT $last
        ) AS d USING (delivery_id)
        ORDER BY d.seq DESC, c.column_name
        """,
        params={"source": source.name, "last": rule["shift_history"]},
    ).pl()
    sample, mine = profile(con, source.table, rule)
    for column, one in mine.items():
        con.execute("INSERT INTO delivery_columns VALUES (?, ?, ?)", [delivery_id, column, json.dumps(one)])
    before = past.unique("delivery_id")["rows_read"].to_list()
    alike = len(before) >= rule["history_least"] and rows >= median(before) / rule["count_times"]
    found = []
    for column, index in shifts(sample, past, rule).items():
        told = Note("column_shift", {"column": column, "index": round(index, 2)})
        found.append(Doubt(told, alike and index >= rule["shift_waits"]))
    return found
