"""The invented district's deliveries: files as offices send them, with late news, revisions and honest mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from data.contracts import TABLES
from data.demo import events, hotline
from data.demo.district import District, draw
from data.mapping import sources, to_source_form

REGISTERS = ("areas", "companies", "office_heads", "estates", "tenures")
#: Table -> file ending; one comes as GB18030 text, as an old system would send it.
ENDINGS = {"inspection_items": "parquet", "patrols": "parquet", "surveys": "xlsx", "mediations": "xlsx"}
OLD_SYSTEM = "population_checks"
MISTAKES = 6  # per table: rows that break their contract, so that the steward's desk is never empty


def _frames(district: District) -> dict[str, pl.DataFrame]:
    visits, items = events.inspections(district)
    return {
        "inspections": visits,
        "inspection_items": items,
        "hazards": events.hazards(district),
        "complaints": hotline.complaints(district),
        "fire_drills": events.fire_drills(district),
        "incidents": events.incidents(district),
        "population_checks": events.population_checks(district),
        "surveys": events.surveys(district),
        "patrols": events.patrols(district),
        "mediations": events.mediations(district),
        "sanctions": hotline.sanctions(district),
    }


def _write(frame: pl.DataFrame, name: str, path: Path, encoding: str = "utf-8") -> None:
    """Write one delivery in its source's own headings and labels."""
    out = to_source_form(frame, sources()[name])
    if path.suffix == ".parquet":
        out.write_parquet(path)
    elif path.suffix == ".xlsx":
        out.with_columns(pl.all().cast(pl.String)).write_excel(path, worksheet="数据")
    else:
        path.write_bytes(out.write_csv().encode(encoding))


def _mistaken(rng: np.random.Generator, frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """A few rows copied under new ids with something wrong in each: an unknown estate, a wrong order of days."""
    table = TABLES[name]
    if "estate_id" not in frame.columns:
        return frame.head(0)
    rows = frame.sample(min(MISTAKES, frame.height), seed=int(rng.integers(1, 10**6)))
    key = table.key[0]
    wrong = pl.int_range(pl.len()) % 3
    changes = {key: pl.col(key) + "E", "estate_id": pl.when(wrong == 0).then(pl.lit("E99999")).otherwise("estate_id")}
    orders = {"hazards": ("due_on", "found_on"), "complaints": ("closed_on", "received_on")}
    if name in orders:
        late, early = orders[name]
        changes[late] = pl.when(wrong == 1).then(pl.col(early) - pl.duration(days=9)).otherwise(late)
    counts = {"population_checks": "sampled", "patrols": "days_required", "surveys": "asked", "fire_drills": "staff"}
    if name in counts:
        changes[counts[name]] = pl.when(wrong == 1).then(-3).otherwise(counts[name])
    if "recorded_on" in frame.columns and name not in orders and name not in counts:
        codes = next((c for c in ("outcome", "severity", "kind") if c in frame.columns), None)
        changes[codes] = pl.when(wrong == 1).then(pl.lit("不详")).otherwise(codes)
    return rows.with_columns(**changes).filter(wrong < 2)


def _early_view(frame: pl.DataFrame, name: str, end: pl.Expr) -> pl.DataFrame:
    """What was known when the half-year's file was sent: later rectifications and closings were not."""
    later = {"hazards": ("rectified_on", "verified_on"), "complaints": ("closed_on",)}.get(name, ())
    for column in later:
        frame = frame.with_columns(pl.when(pl.col(column) <= end).then(column).alias(column))
    if name == "hazards":
        frame = frame.with_columns(verified_result=pl.when(pl.col("verified_on").is_not_null()).then("verified_result"))
    if name == "complaints":
        closed = pl.col("closed_on").is_not_null()
        frame = frame.with_columns(*[pl.when(closed).then(c).alias(c) for c in ("solved", "satisfied")])
    return frame


def _events(folder: Path, name: str, frame: pl.DataFrame, rng: np.random.Generator, days: pl.Series) -> None:
    """One file per half-year, each followed by what it changed in the one before (revisions, late rows)."""
    half = days.dt.year().cast(pl.String) + "H" + ((days.dt.month() > 6).cast(pl.Int8) + 1).cast(pl.String)
    late = pl.Series(rng.random(frame.height) < 0.004)
    frame = frame.with_columns(_half=half, _late=late)
    halves = sorted(half.unique().to_list())
    ending = ENDINGS.get(name, "csv")
    encoding = "gb18030" if name == OLD_SYSTEM else "utf-8"
    for i, label in enumerate(halves):
        year, second = int(label[:4]), label.endswith("2")
        end = pl.date(year, 12, 31) if second else pl.date(year, 6, 30)
        now = frame.filter((pl.col("_half") == label) & ~pl.col("_late")).drop("_half", "_late")
        parts = [_early_view(now, name, end)]
        if i:
            before = frame.filter(pl.col("_half") == halves[i - 1])
            missed = before.filter("_late").drop("_half", "_late")
            news = before.filter(~pl.col("_late")).drop("_half", "_late")
            known = _early_view(news, name, pl.date(year, 6, 30) if second else pl.date(year - 1, 12, 31))
            parts += [missed, news.join(known, on=news.columns, how="anti", nulls_equal=True)]
        parts.append(_mistaken(rng, now, name))
        whole = pl.concat(parts)
        _write(pl.concat([whole, whole.head(2)]), name, folder / f"{label}_{name}.{ending}", encoding)


def write_demo(folder: Path, *, seed: int = 2016, estates: int = 1200, companies: int = 563, quarters: int = 20) -> District:
    """Write every delivery of the invented district into ``folder``, and its truth beside it.

    Args:
        folder: made if absent; holds deliveries only. ``folder/../truth/truth.parquet`` holds the hidden quality.

    Returns:
        The district drawn.
    """
    district = draw(seed=seed, estates=estates, companies=companies, quarters=quarters)
    folder.mkdir(parents=True, exist_ok=True)
    truth = folder.parent / "truth"
    truth.mkdir(exist_ok=True)
    district.truth.write_parquet(truth / "truth.parquet")
    for i, name in enumerate(REGISTERS):
        _write(getattr(district, name), name, folder / f"0{i}_{name}.csv")
    rng = district.rng("filing")
    frames = _frames(district)
    visited = frames["inspections"].select("inspection_id", day="inspected_on")
    for name, frame in frames.items():
        if name == "inspection_items":
            days = frame.join(visited, on="inspection_id", how="left", maintain_order="left")["day"]
        else:
            days = frame[TABLES[name].day]
        _events(folder, name, frame, rng, days)
    return district
