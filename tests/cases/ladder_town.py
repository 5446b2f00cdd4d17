"""A small invented district for ladder tests: one estate ``oak`` under ``acme``, quarter by quarter."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from cases.duties import OpenDuty
from cases.ladder import ROBUST, due
from data.contracts import TABLES
from data.edition_tables import CompanyScore, Flag, IndexScore, MetricScore
from metrics.calendar import Quarter
from rules.book import HERE, Book

PERIOD = "2026Q2"
BAND_SCORE = {"failing": 52.18, "attention": 64.0, "good": 75.0, "excellent": 91.0}


METRICS = {
    "hazards_fixed_in_time": "rectification",
    "security_notices_met": "rectification",
    "escape_routes_clear": "fire",
    "daily_fire_patrol_rate": "fire",
    "monthly_fire_check_rate": "fire",
    "fires_per_1000_homes": "fire",
    "yearly_evacuation_drill_held": "drills",
    "full_element_drill_coverage": "drills",
    "key_unit_half_year_drills": "drills",
    "guards_certified": "security",
    "complaints_solved": "residents",
    "complaints_closed_in_time": "residents",
}


def small_book(folder: Path, reading: str = "bands") -> Book:
    """One reading of the real ladder, and the index rule, beside a handful of metric rules, so that no other rule's
    change moves these tests."""
    (folder / "metrics").mkdir()
    title, *blocks = (HERE / "ladder.toml").read_text(encoding="utf-8").split("[[in_force]]\n")
    block = next(b for b in blocks if f'reading = "{reading}"' in b)
    (folder / "ladder.toml").write_text(f"{title}[[in_force]]\n{block}", encoding="utf-8")
    (folder / "index.toml").write_text((HERE / "index.toml").read_text(encoding="utf-8"), encoding="utf-8")
    for name, subindex in METRICS.items():
        text = f'title = "{name}"\n[[in_force]]\nfrom = 2018-01-01\nlaw = "X"\nsubindex = "{subindex}"\nweight = 0.5\n'
        (folder / "metrics" / f"{name}.toml").write_text(text, encoding="utf-8")
    return Book(folder)


def frame(contract, rows: list[dict]) -> pl.DataFrame:
    """Rows of an edition contract; columns not given are NULL."""
    columns = {n: c.dtype.type for n, c in contract.to_schema().columns.items()}
    return pl.DataFrame([{n: row.get(n) for n in columns} for row in rows], schema=columns, orient="row")


def scores(*bands: str | None, period: str = PERIOD, **given) -> list[dict]:
    """Index scores of one unit for the quarters ending with ``period``; None is a quarter not rated."""
    last = Quarter.parse(period)
    shared = {
        "level": "tenure", "unit_id": "oak-acme", "estate_id": "oak", "company_id": "acme", "head_id": None,
        "estate_class": "HR", "households": 1000, "coverage": 1.0, "sources": 3, "records": 50, "current": True,
    }  # fmt: skip
    return [
        shared | {
            "period": str(last - (len(bands) - 1 - i)), "band": band, "final": BAND_SCORE.get(band),
            "score": BAND_SCORE.get(band), "state": "rated" if band else "not_rated",
        } | given
        for i, band in enumerate(bands)
    ]  # fmt: skip


def measured(period: str = PERIOD, level: str = "tenure", unit_id: str = "oak-acme", **points: float) -> list[dict]:
    """Metric scores of one unit: ``hazards_fixed_in_time=40.0``; each with its weight as sub-index share."""
    return [
        {"level": level, "unit_id": unit_id, "estate_id": "oak", "period": period, "metric": metric,
         "state": "measured", "points": p, "weight": 0.5, "records": 9, "exposure": 9.0}
        for metric, p in points.items()
    ]  # fmt: skip


def duty(kind: str, metric: str, subindex: str, count: int = 1, period: str = PERIOD, **given) -> dict:
    row = {"level": "tenure", "unit_id": "oak-acme", "period": period, "kind": kind, "metric": metric}
    return row | {"subindex": subindex, "count": count} | given


def sanction(kind: str, decided_on: date, **given) -> dict:
    row = {"sanction_id": f"{kind}-{decided_on}", "party": "estate", "estate_id": "oak", "company_id": "acme"}
    return row | {"kind": kind, "law": "GDP 30", "decided_on": decided_on, "status": "final"} | given


def records(name: str, rows: list[dict]) -> pl.DataFrame:
    """Rows of a record table; sanctions with ``watch_until``, as an edition shows them."""
    more = {"watch_until": pl.Date} if name == "sanctions" else {}
    return pl.DataFrame(rows, schema=dict(TABLES[name].columns) | more, orient="row")


def decide(
    index=(), companies=(), metrics=(), duties=(), sanctions=(), book: Book | None = None, period=PERIOD, flags=(),
    robust=None,
):  # fmt: skip
    """Every row the ladder gives for a handful of facts; ``robust``: unit to share of variants below the line."""
    variants = [
        {"level": level, "unit_id": u, "period": period, "share_below": share}
        for (level, u), share in (robust or {}).items()
    ]
    return due(
        frame(IndexScore, list(index)),
        frame(CompanyScore, list(companies)),
        frame(MetricScore, list(metrics)),
        frame(OpenDuty, list(duties)),
        records("sanctions", list(sanctions)),
        book or Book(),
        period,
        frame(Flag, list(flags)),
        pl.DataFrame(variants, schema=ROBUST),
    )


def step(*args, **given) -> tuple[str, str]:
    """(step, reason) of the one row there must be."""
    rows = decide(*args, **given)
    row = rows.row(0, named=True) if rows.height == 1 else None
    assert row is not None, f"{rows.height} rows, wanted one: {rows}"
    return row["step"], row["reason"]
