"""How the method does on districts whose truth is known, beside what offices do without one (method.md section 15).

``make simulate`` draws districts, judges each with the product's own functions and prints every figure of section 15
with its standard error over districts, next to the published one. Seeds from 1000 on are held out: nothing was chosen
on them.

    python -m benchmarks.simulate [--districts 20] [--seed 1000] [--only main,lists,adjust,companies,decay,halves,weak]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks import studies
from benchmarks.world import World

SEED = 1000
PARTS: dict[str, Callable[[World, int], dict[str, float]]] = {
    "main": studies.main, "lists": studies.lists, "adjust": studies.adjustments, "companies": studies.companies,
    "decay": studies.decay, "halves": studies.halves,
}  # fmt: skip
THIN = 0.3
#: Correlations of metrics in the weak worlds, as published.
WEAK = (0.18, 0.02)

#: Figures of section 15: part, key, what it is, published with all records, and with 30 % of them (None = not given).
PUBLISHED: list[tuple[str, str, str, float | None, float | None]] = [
    ("main", "bad", "truly below 60, %", 22, None),
    ("main", "ded_rho", "deductions: rho with the record", 0.55, 0.47),
    ("main", "ded_now", "  now", 0.54, None),
    ("main", "ded_small", "  small third", 0.71, None),
    ("main", "ded_wrong", "  worst K: wrong, %", 51, 54),
    ("main", "ded_found", "  found, %", 49, None),
    ("main", "ded_large", "  worst 50: large estates, %", 97, None),
    ("main", "mm_rho", "min-max: rho", 0.86, 0.70),
    ("main", "mm_now", "  now", 0.84, None),
    ("main", "mm_small", "  small third", 0.81, 0.63),
    ("main", "mm_wrong", "  worst K: wrong, %", 25, 37),
    ("main", "mm_found", "  found, %", 76, None),
    ("main", "mm_same", "  as many as 10.1 selects: wrong, %", 14.2, None),
    ("main", "raw_rho", "anchored raw: rho", 0.88, 0.74),
    ("main", "raw_now", "  now", 0.86, None),
    ("main", "raw_small", "  small third", 0.83, 0.66),
    ("main", "raw_flags", "  S < 60", 225, None),
    ("main", "raw_wrong", "  wrong, %", 24, 32),
    ("main", "raw_found", "  found, %", 76, None),
    ("main", "eb_rho", "each metric alone (lambda 1): rho", 0.95, 0.85),
    ("main", "eb_now", "  now", 0.87, None),
    ("main", "eb_small", "  small third", 0.93, 0.78),
    ("main", "eb_flags", "  10.1: selected", 106, None),
    ("main", "eb_wrong", "  wrong, %", 0.6, 0.5),
    ("main", "eb_found", "  found, %", 47, 19),
    ("main", "eb_cover", "  90 % intervals cover, %", 62, 51),
    ("main", "eb_slope", "  slope of truth on score", 1.36, 1.67),
    ("main", "eb_rmse", "  RMSE", 6.8, None),
    ("main", "us_lambda", "this method: lambda", None, None),
    ("main", "us_rho", "  rho", 0.957, 0.890),
    ("main", "us_now", "  now", 0.88, None),
    ("main", "us_small", "  small third", 0.94, 0.84),
    ("main", "us_n60", "  S < 60", 211, None),
    ("main", "us_w60", "  wrong, %", 11, 15),
    ("main", "us_f60", "  found, %", 84, None),
    ("main", "us_flags", "  10.1: selected", 146, 94),
    ("main", "us_wrong", "  wrong, %", 2.2, 2.7),
    ("main", "us_expected", "  wrong expected, as printed, %", 4.2, None),
    ("main", "us_found", "  found, %", 64, 41),
    ("main", "us_found55", "  found of those below 55, %", 82, None),
    ("main", "us_rated", "  R >= .70, %", 99.9, 78),
    ("main", "us_state", "  state rated, %", None, None),
    ("main", "rated_flags", "  rated only: selected", 146, 73),
    ("main", "rated_wrong", "  wrong, %", 2.2, 2.3),
    ("main", "rated_found", "  found, %", 64, 32),
    ("main", "two_flags", "  two periods: selected in both", 134, 62),
    ("main", "two_wrong", "  wrong, %", 1.5, 1.6),
    ("main", "two_found", "  found, %", 59, 27),
    ("main", "listed_flags", "  and visited between: listed", None, None),
    ("main", "listed_wrong", "  wrong, %", None, None),
    ("main", "us_cover", "  90 % intervals cover, %", 92, 90),
    ("main", "us_cover_small", "  of small estates, %", 91, None),
    ("main", "us_slope", "  slope of truth on score", 1.05, 1.12),
    ("main", "us_rmse", "  RMSE", 4.8, None),
    ("main", "us_brier", "  Brier of p", 0.043, None),
    ("main", "base_brier", "  Brier of the base rate", 0.174, None),
    ("main", "us_ranks", "  rank intervals cover, %", 94, None),
    ("main", "us_width", "  their width, places in a thousand", 282, None),
    ("main", "year_mm", "last 12 months: min-max rho", 0.88, None),
    ("main", "year_raw", "  anchored raw rho", 0.90, None),
    ("main", "year_us", "  this method rho", 0.93, None),
    ("main", "year_mm_wrong", "  min-max wrong, %", 11.0, None),
    ("main", "year_raw_wrong", "  anchored raw wrong, %", 19.2, None),
    ("main", "year_us_wrong", "  10.1 wrong, %", 5.5, None),
    ("lists", "moves", "list over 8 quarters: entries + exits", 196, None),
    ("lists", "redrawn", "  of a re-drawn bottom list", 511, 773),
    ("lists", "entries_wrong", "  entries wrong, %", 3.5, None),
    ("lists", "end_60", "  listed at the end truly >= 60, %", 10.3, None),
    ("lists", "end_65", "  truly >= 65, %", 2.6, None),
    ("adjust", "loud_before", "error per log propensity, before", -2.8, None),
    ("adjust", "loud_after", "  after", -1.1, None),
    ("adjust", "strict_before", "error per log strictness met, before", -9.4, None),
    ("adjust", "strict_after", "  after", -0.3, None),
    ("adjust", "strict_rho", "estimated and true strictness: rho", 0.99, None),
    ("companies", "naive", "companies: rho, naive mean of estates", 0.85, None),
    ("companies", "current", "  mean of this index by current manager", 0.93, None),
    ("companies", "tenures", "  by tenures (section 8)", 0.971, None),
    ("companies", "pooled", "  pooled rates", 0.95, None),
    ("companies", "only", "  by tenures, rated ones only", None, None),
    ("companies", "all", "  by tenures, also those not rated", None, None),
    ("companies", "rmse", "  RMSE", 3.1, None),
    ("companies", "rmse_twice", "  RMSE, shrunk a second time", 3.7, None),
    ("companies", "rmse_only", "  RMSE, rated ones only", None, None),
    ("companies", "rmse_all", "  RMSE, also those not rated", None, None),
    ("companies", "cover_plain", "  90 % intervals cover without kappa, %", 84, None),
    ("companies", "cover", "  with kappa, %", 93, None),
    ("companies", "cover_large", "  of companies with 8 tenures or more, %", 89, None),
    ("decay", "h3", "half-life 3 months: rho with today", 0.890, 0.775),
    ("decay", "h6", "  6 months", 0.897, 0.813),
    ("decay", "h12", "  12 months", 0.879, 0.812),
    ("decay", "h24", "  24 months", 0.856, 0.797),
    ("halves", "half_us", "split halves: slope, this method", 0.95, None),
    ("halves", "half_eb", "  each metric alone", 1.35, None),
    ("halves", "more_us", "  Spearman-Brown less mean R, x 100", None, None),
]  # fmt: skip
WEAK_PUBLISHED: list[tuple[str, str, tuple[float | None, float | None]]] = [
    ("r", "correlation of metrics, as estimated", WEAK),
    ("bad", "truly below 60, %", (None, None)),
    ("us_lambda", "lambda", (None, None)),
    ("us_cover", "90 % intervals cover, %", (94, 93)),
    ("us_slope", "slope of truth on score", (1.05, 1.03)),
    ("us_wrong", "wrong without the .80 gate, %", (6.6, 7.4)),
    ("fixed_wrong", "with lambda of the main worlds, wrong, %", (12.6, 20.7)),
]


def replicated(study: Callable[[World, int], dict[str, float]], world: World, seeds: range) -> dict[str, np.ndarray]:
    """The figures of one study over many districts."""
    rows = [study(world, seed) for seed in seeds]
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def shown(values: np.ndarray | None) -> str:
    """Mean and standard error; a district where a figure cannot be told is left out."""
    if values is None:
        return ""
    known = values[np.isfinite(values)]
    if not known.size:
        return "-"
    digits = 3 if abs(known.mean()) < 2 else 1
    error = known.std(ddof=1) / np.sqrt(known.size) if known.size > 1 else np.nan
    return f"{known.mean():.{digits}f} ({error:.{digits}f})"


def lines(part: str, full: dict[str, np.ndarray], thin: dict[str, np.ndarray]) -> list[str]:
    """Markdown rows of one part of section 15."""
    out = []
    for of, key, what, published, published_thin in PUBLISHED:
        if of == part:
            given = ["" if x is None else f"{x:g}" for x in (published, published_thin)]
            out.append(f"| {what} | {given[0]} | {shown(full[key])} | {given[1]} | {shown(thin.get(key))} |")
    return out


def weak(seeds: range) -> list[str]:
    """Markdown rows of the worlds whose metrics hardly move together."""
    found = [replicated(studies.weak, replace(World(), alike=r), seeds) for r in WEAK]
    out = ["", "| weak correlation | published | r .18 | published | r .02 |", "|---|---|---|---|---|"]
    for key, what, given in WEAK_PUBLISHED:
        cells = [f"{'' if g is None else format(g, 'g')} | {shown(f[key])}" for g, f in zip(given, found, strict=True)]
        out.append(f"| {what} | {cells[0]} | {cells[1]} |")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--districts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--thin", type=float, default=THIN, help="share of the records kept where they are few")
    parser.add_argument("--fires", type=float, default=World().fires, help="fires per thousand homes and year")
    parser.add_argument("--visits", type=float, default=1.0, help="share of visits made where records are few")
    parser.add_argument("--only", default=",".join([*PARTS, "weak"]))
    asked = parser.parse_args()
    start, seeds = time.perf_counter(), range(asked.seed, asked.seed + asked.districts)
    chosen = asked.only.split(",")
    print(f"{asked.districts} districts of {World().estates} estates, seeds from {asked.seed}; mean (standard error)")
    print("\n| figure | published | ours | published, 30 % of records | ours |\n|---|---|---|---|---|")
    for name in [n for n in PARTS if n in chosen]:
        worlds = World(fires=asked.fires), World(fires=asked.fires, evidence=asked.thin, visits=asked.visits)
        full, thin = (replicated(PARTS[name], world, seeds) for world in worlds)
        print("\n".join(lines(name, full, thin)), flush=True)
    if "weak" in chosen:
        print("\n".join(weak(seeds)))
    print(f"\n{time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
