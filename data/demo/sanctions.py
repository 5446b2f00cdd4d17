"""Invented findings, penalties, steps of the ladder and commendations already on record.

The worst run into them more often, the best are commended; some are appealed, some of these overturned. A step up
(listing after a reminder, interview after a listing) falls on the same company at the same estate.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from data.demo.district import District
from data.demo.draws import NEVER, grid, ids, maybe, pick, records, where
from data.demo.registers import quota

REMINDED = ((0.05, 0.22), (0.15, 0.06))  # (worst share of estate-quarters, chance of a reminder in it)
STEPS = (("listing", 0.30, "GDP 30"), ("interview", 0.45, "GDP 47"), ("replacement", 0.45, "INT 19"))
#: The worst estates of today: how many, the share of them that reached a rung, and how many days ago.
WORST_NOW = (0.08, 6)
RUNGS = (("attention", "BJ10"), ("listing", "GDP 30"), ("interview", "GDP 47"))
REACHED, AGO = (0.50, 0.28, 0.12), ((180, 270), (70, 175), (15, 60))
#: Findings: how many of the estates, at least; and the law named.
FINDINGS = {"fatal_fire": ((0.003, 2), "FL 60"), "systems_disabled": ((0.012, 3), "FL 60"),
            "routes_blocked": ((0.010, 2), "FL 60"), "records_falsified": ((0.008, 2), "GDF 44")}  # fmt: skip
BLOCKED_THRICE = (0.003, 1)  # estates with three findings of blocked routes within a year
PENALTIES, COMMENDATIONS = (0.075, 4), (0.07, 4)
PENALTY_LAWS = {"FL 60": 5, "GDF 44": 3, "SEC 42": 2, "PM 58": 1}
APPEALED, OVERTURNED = 0.08, 0.4
PARTY_OF = {"replacement": "head", "penalty": "company", "commendation": "company"}


def _cells(rng: np.random.Generator, district: District) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estate, day and rank (0 worst, 1 best) of every managed estate-quarter."""
    starts = district.calendar.quarter_starts
    estate, quarter = (i.ravel() for i in grid(*district.own.shape))
    day = starts[quarter] + rng.integers(20, 85, estate.size)
    kept = (district.in_charge(estate, day) >= 0) & (day >= district.opened[estate])
    estate, day = estate[kept], day[kept]
    quality = district.quality(estate, day) + rng.normal(0, 0.15, estate.size)
    return estate, day, quality.argsort().argsort() / quality.size


def _ladder(rng: np.random.Generator, district: District, cells) -> list[pl.DataFrame]:
    """Reminders, and the steps that followed some of them."""
    estate, day, rank = cells
    (worst, often), (low, seldom) = REMINDED
    chance = np.where(rank < worst, often, np.where(rank < low, seldom, 0.0))
    reminded = maybe(rng, chance, rank.size)
    reminded[np.argsort(rank)[:4]] = True
    rows = pl.DataFrame({"estate": estate[reminded], "day": day[reminded], "kind": "attention", "law": "BJ10"})
    rows = rows.sort("estate", "day").filter((pl.col("day").diff().over("estate") > 270).fill_null(True))
    steps = [rows]
    for kind, share, law in STEPS:
        share = max(share, 2 / max(rows.height, 2))
        later = rows.with_columns(
            before="day", day=pl.col("day") + pl.Series(rng.integers(95, 150, rows.height)), kind=pl.lit(kind),
            law=pl.lit(law),
        ).filter(pl.Series(maybe(rng, share, rows.height)))  # fmt: skip
        stayed = _company(district, later["estate"], later["day"]) == _company(
            district, later["estate"], later["before"]
        )
        rows = later.filter(pl.Series(stayed) & (pl.col("day") < district.calendar.size)).drop("before")
        steps.append(rows)
    return steps


def _lately(rng: np.random.Generator, district: District) -> list[pl.DataFrame]:
    """Steps of the last months at the worst estates of today, so that every rung of the ladder is taken."""
    end = district.calendar.size
    every = np.arange(district.size)
    quality = np.mean([district.quality(every, np.full(every.size, end - back)) for back in (1, 92, 183, 274)], axis=0)
    same = district.in_charge(every, np.full(every.size, end - 1)) == district.in_charge(
        every, np.full(every.size, end - 275)
    )
    able = (district.in_charge(every, np.full(every.size, end - 1)) >= 0) & same
    worst = every[able][np.argsort(quality[able])][: quota(WORST_NOW, district.size)]
    reached = rng.permutation(worst.size) / worst.size
    steps = []
    for (kind, law), share, (least, most) in zip(RUNGS, REACHED, AGO, strict=True):
        at = worst[reached < share]
        days = end - rng.integers(least, most, at.size)
        steps.append(pl.DataFrame({"estate": at, "day": days, "kind": kind, "law": law}))
    return steps


def _company(district: District, estate: pl.Series, day: pl.Series) -> np.ndarray:
    """Company number at that estate on that day; -1 = nobody."""
    tenure = district.in_charge(estate.to_numpy(), day.to_numpy())
    return np.where(tenure >= 0, district.spells["company"].to_numpy()[tenure], -1)


def _events(rng: np.random.Generator, district: District, cells) -> list[pl.DataFrame]:
    """Findings, penalties and commendations; of each kind of finding one is recent and sure, so that caps are seen."""
    estate, day, rank = cells
    recent = day > district.calendar.size - 150
    bad, good = np.flatnonzero(rank < 0.25), np.flatnonzero(rank > 0.9)
    made = []
    for finding, (share, law) in FINDINGS.items():
        k = quota(share, district.size)
        newest = rng.choice(bad[recent[bad]], 1)
        at = np.concatenate([newest, rng.choice(bad, k - 1, replace=False)])
        rows = {"estate": estate[at], "day": day[at], "kind": "finding", "law": law, "finding": finding}
        made.append(pl.DataFrame(rows | {"sure": np.arange(at.size) == 0}))
    k = quota(BLOCKED_THRICE, district.size)
    at = np.repeat(rng.choice(bad[recent[bad]], k, replace=False), 3)
    days = day[at] - np.tile([0, 70, 150], k)
    rows = {"estate": estate[at], "day": days, "kind": "finding", "law": "FL 60", "finding": "routes_blocked"}
    blocked = pl.DataFrame(rows | {"sure": np.full(at.size, True)})
    there = district.in_charge(estate[at], days) >= 0
    made.append(blocked.filter(pl.Series(there)))
    at = rng.choice(bad, quota(PENALTIES, district.size), replace=False)
    laws = pick(rng, PENALTY_LAWS, at.size)
    made.append(pl.DataFrame({"estate": estate[at], "day": day[at], "kind": "penalty", "law": laws}))
    at = rng.choice(good, quota(COMMENDATIONS, district.size), replace=False)
    made.append(pl.DataFrame({"estate": estate[at], "day": day[at], "kind": "commendation", "law": "INT 17"}))
    return made


def _appeals(rng: np.random.Generator, district: District, rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The day each appeal ends (NEVER = none was made), and which were overturned."""
    kind, day = rows["kind"].to_numpy(), rows["day"].to_numpy()
    can = np.isin(kind, ["penalty", "listing", "finding"]) & ~rows["sure"].fill_null(False).to_numpy()
    appealed = can & maybe(rng, APPEALED, day.size)
    old = np.flatnonzero((kind == "penalty") & (day < district.calendar.size - 300))
    new = np.flatnonzero(can & (day > district.calendar.size - 120))
    appealed[old[:2]] = appealed[new[:1]] = True
    overturned = appealed & maybe(rng, OVERTURNED, day.size)
    overturned[old[:1]] = True
    until = day + rng.integers(45, 140, day.size)
    until[new[:1]] = district.calendar.size + 200
    return np.where(appealed, until, NEVER), overturned & (until < district.calendar.size)


def sanctions(district: District) -> pl.DataFrame:
    """One row per entry on record."""
    rng, calendar = district.rng("sanctions"), district.calendar
    cells = _cells(rng, district)
    rows = pl.concat(
        [*_ladder(rng, district, cells), *_lately(rng, district), *_events(rng, district, cells)],
        how="diagonal_relaxed",
    )
    rows = rows.sort("day", "estate", maintain_order=True)
    estate, day, kind = (rows[c].to_numpy() for c in ("estate", "day", "kind"))
    n = rows.height
    tenure = district.in_charge(estate, day)
    appeal_ends, overturned = _appeals(rng, district, rows)
    repaired = np.where((rows["finding"] == "systems_disabled").fill_null(False), day + rng.integers(15, 80, n), NEVER)
    delisted = (kind == "listing") & maybe(rng, 0.55, n) & (day < calendar.size - 180)
    repaired = np.where(delisted, day + rng.integers(40, 170, n), repaired)
    lasts = np.select([kind == "attention", kind == "listing"], [NEVER, rng.choice([60, 90, 180], n)], 365)
    return records(
        "sanctions",
        {
            "sanction_id": ids("CZ", n), "party": np.array([PARTY_OF.get(k, "estate") for k in kind.tolist()]),
            "company_id": district.companies["company_id"].to_numpy()[district.spells["company"].to_numpy()[tenure]],
            "head_id": np.char.mod("H%05d", district.spells["head"].to_numpy()[tenure] + 1),
            "estate_id": district.of("estate_id")[estate], "kind": kind, "finding": rows["finding"],
            "severity": where(kind == "penalty", pick(rng, {"minor": 3, "general": 6, "serious": 1}, n)),
            "law": rows["law"], "decided_on": calendar.series(day),
            "stands_until": calendar.series(day + lasts, lasts < NEVER),
            "repaired_on": calendar.series(repaired, repaired < NEVER),
            "status": np.where(overturned, "overturned", "final"),
            "recorded_on": calendar.series(day + rng.integers(0, 4, n)),
            "_appeal_ends": calendar.series(appeal_ends, appeal_ends < NEVER),
        },
    )  # fmt: skip
