"""A small invented district for metric tests: estates ``oak`` and ``elm``, companies ``acme`` and ``best``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import ibis
import polars as pl
import pytest

from data.contracts import TABLES
from data.edition_tables import MetricSum
from metrics.calendar import Quarter
from metrics.evidence import evidence_of, index_rule, records_of
from metrics.sums import period_sums, quarter_sums
from rules.book import Book

QUARTERS = 20
OAK = {
    "estate_id": "oak", "valid_from": date(2015, 1, 1), "name_zh": "橡树园", "estate_class": "HR",
    "subdistrict_id": "north", "station_id": "north-1", "households": 1000, "residents": 2500, "blocks": 4,
    "highrise_blocks": 4, "max_height_m": 90.0, "key_fire_unit": True, "has_control_room": True,
}  # fmt: skip
ELM = OAK | {
    "estate_id": "elm", "name_zh": "榆树里", "estate_class": "MR", "households": 200, "residents": 500,
    "highrise_blocks": 0, "max_height_m": 20.0, "key_fire_unit": False, "has_control_room": False,
}  # fmt: skip
TENURES = [
    {"tenure_id": "t-oak", "estate_id": "oak", "company_id": "acme", "head_id": "h1", "valid_from": date(2015, 1, 1)},
    {"tenure_id": "t-elm", "estate_id": "elm", "company_id": "best", "head_id": "h2", "valid_from": date(2015, 1, 1)},
]  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What one metric made of a handful of records."""

    evidence: pl.DataFrame
    sums: pl.DataFrame

    def sum_of(self, unit_id: str, level: str = "estate", period: str | None = None) -> dict:
        """The one MetricSum row of a unit; raises where there is none."""
        rows = self.sums.filter(pl.col("unit_id") == unit_id, pl.col("level") == level)
        if period:
            rows = rows.filter(pl.col("period") == period)
        return rows.row(0, named=True) if rows.height == 1 else _not_one(rows, unit_id, level)

    def value(self, unit_id: str, level: str = "estate", period: str | None = None) -> float | None:
        """y / e of a unit in the measured period; None where nothing was measured."""
        rows = self.sums.filter(pl.col("unit_id") == unit_id, pl.col("level") == level)
        if rows.is_empty():
            return None
        row = self.sum_of(unit_id, level, period)
        return row["y"] / row["e"]

    def counted(self) -> pl.DataFrame:
        """Evidence rows that count."""
        return self.evidence.filter(pl.col("excluded").is_null())


def _not_one(rows: pl.DataFrame, unit_id: str, level: str):
    raise LookupError(f"{rows.height} rows of {level} {unit_id}, wanted one: {rows}")


def record_tables(con: duckdb.DuckDBPyConnection, tables: dict[str, list[dict]]) -> dict:
    """Ibis tables of every contract, filled with the given rows; columns not given are NULL."""
    backend = ibis.duckdb.from_connection(con)
    rows = {"estates": [OAK, ELM], "tenures": TENURES} | tables
    found = {}
    for name, table in TABLES.items():
        schema = dict(table.columns)
        unknown = {k for row in rows.get(name, []) for k in row} - set(schema)
        assert not unknown, f"{name} has no column {unknown}"
        frame = pl.DataFrame(rows.get(name, []), schema=schema, orient="row").with_columns(
            record_id=pl.concat_str([pl.col(k).cast(pl.String) for k in table.key], separator="/"),
            delivery_id=pl.lit("d1"),
            line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        )
        con.register(f"given_{name}", frame.to_arrow())
        con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given_{name}")
        found[name] = backend.table(name)
    return found


@pytest.fixture
def measure():
    """``measure(name, {"hazards": [{...}]}, period="2026Q1", book=None, scored=1) -> Measured``."""
    con = duckdb.connect()

    def run(name: str, tables: dict[str, list[dict]], period="2026Q1", book: Book | None = None, scored=1) -> Measured:
        book = book or Book()
        last = Quarter.parse(period)
        rule = index_rule(book, last)
        metric = __import__(f"metrics.{name}", fromlist=["METRIC"]).METRIC
        extra = {k: tables.pop(k) for k in list(tables) if k not in TABLES}
        found = record_tables(con, tables)
        backend = ibis.duckdb.from_connection(con)
        for key, rows in extra.items():  # such as `collected`
            con.register(f"given_{key}", pl.DataFrame(rows).to_arrow())
            con.execute(f"CREATE OR REPLACE TABLE {key} AS SELECT * FROM given_{key}")
            found[key] = backend.table(key)
        records = records_of(found, last, QUARTERS)
        first = (last - (QUARTERS - 1)).start
        evidence = evidence_of(name, metric, records, book, first, last)
        con.execute("DROP TABLE IF EXISTS evidence")
        backend.create_table("evidence", evidence)
        stored = backend.table("evidence")
        days = {n: t.day for n, t in TABLES.items()}
        quarters = quarter_sums(stored, {name: metric}, days, records, last, QUARTERS, rule)
        sums = period_sums(quarters, {name: metric}, records.quarters, scored, rule).to_polars()
        return Measured(stored.to_polars(), MetricSum.validate(sums))

    yield run
    con.close()
