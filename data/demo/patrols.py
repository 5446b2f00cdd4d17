"""Invented patrol sheets: weekly fire patrols by guards, monthly security patrols, volunteers where nobody manages."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.demo.district import District
from data.demo.draws import chance, entered, grid, ids, maybe, records

LOST = 0.015  # sheets that never reach the district
SECURITY_SHARE = 0.25  # gated estates that hand in security sheets


def _sheets(
    rng: np.random.Generator, district: District, kind: str, estate: np.ndarray, start: np.ndarray, end: np.ndarray
) -> dict:
    """Columns of sheets covering ``start`` to ``end`` (both included), by guards where a company is in charge."""
    guards = district.in_charge(estate, end) >= 0
    length = end - start + 1
    days = np.where(guards, length, np.maximum(1, length // 4))  # volunteers walk about every fourth day
    level = district.level(f"{kind} patrol", estate, end) + rng.normal(0, 0.6, estate.size)
    signed = rng.binomial(days, chance(np.where(guards, 0.969, 0.9), 0.95, level))
    points = np.clip(np.sqrt(district.of("households")[estate]) / 3, 3, 24).astype(int) * days
    return {
        "estate_id": district.of("estate_id")[estate], "kind": np.full(estate.size, kind),
        "by": np.where(guards, "guards", "volunteers"), "_start": start, "_end": end,
        "days_required": days, "days_signed": signed, "points_planned": points,
        "points_reached": rng.binomial(points, chance(0.97, 0.6, level)),
        "_entered": entered(rng, district, estate, end),
    }  # fmt: skip


def _weekly(district: District) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every estate and whole week (Monday to Sunday) with a company in charge on its last day."""
    calendar = district.calendar
    monday = (7 - (int(calendar.first.astype(int)) + 3) % 7) % 7
    starts = np.arange(monday, calendar.size - 6, 7)
    estate, week = (i.ravel() for i in grid(district.size, starts.size))
    start = starts[week]
    kept = (district.in_charge(estate, start + 6) >= 0) & (start >= district.opened[estate])
    return estate[kept], start[kept], start[kept] + 6


def _monthly(rng: np.random.Generator, district: District) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Months of estates that hand in security sheets, and of estates where only volunteers walk."""
    starts = district.calendar.month_starts
    gated = np.asarray(district.of("gated"), dtype=bool)
    some: np.ndarray = gated & maybe(rng, SECURITY_SHARE, district.size)
    alone: np.ndarray = np.any(district.tenure_on < 0, axis=1)
    some[np.flatnonzero(gated)[:1]] = True
    estate, month = (i.ravel() for i in grid(district.size, starts.size - 1))
    start, end = starts[month], starts[month + 1] - 1
    managed = district.in_charge(estate, end) >= 0
    kept = np.where(managed, some[estate], alone[estate]) & (start >= district.opened[estate])
    return estate[kept], start[kept], end[kept]


def patrols(district: District) -> pl.DataFrame:
    """One row per patrol sheet."""
    rng = district.rng("patrols")
    parts = [
        _sheets(rng, district, "fire", *_weekly(district)),
        _sheets(rng, district, "security", *_monthly(rng, district)),
    ]
    sheets = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    sheets["kind"] = np.where(sheets["by"] == "volunteers", "fire", sheets["kind"])
    kept = ~maybe(rng, LOST, sheets["by"].size)
    order = np.flatnonzero(kept)[np.argsort(sheets["_end"][kept], kind="stable")]
    sheets = {name: values[order] for name, values in sheets.items()}
    calendar = district.calendar
    return records(
        "patrols",
        sheets | {
            "patrol_id": ids("XC", order.size), "started_on": calendar.series(sheets["_start"]),
            "ended_on": calendar.series(sheets["_end"]), "recorded_on": calendar.series(sheets["_entered"]),
        },
    ).drop("_start", "_end", "_entered")  # fmt: skip
