"""How far the index of a period depends on choices that could have been made otherwise (method.md section 11).

The index is computed again under many variants of the method: a Sobol design over all inputs together, and each input by
itself. Compared are the companies' spells that stand and are rated at the end of the period: their places, and who would be
flagged. Every standing unit also learns in what share of the variants it lies below the pass mark. Caps stay as they are:
a confirmed finding is no choice of method.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import duckdb
import numpy as np
import polars as pl

from data.study_tables import INPUTS, TABLES
from metrics.calendar import Quarter, quarters_up_to
from metrics.certainty import PASS, TOP, chance_below
from metrics.draws import seed_of
from metrics.flags import select
from metrics.grid import UNIT, Grid
from metrics.sobol import design, indices, total_intervals
from metrics.terms import Terms
from metrics.variants import Base, Choice, base_of, scores
from rules.book import Rule

#: Inputs with a range in rules/sensitivity.toml; the other two (weights, inside) are switches.
RANGED = ("half_life", "rho", "prior", "goalposts")

THREADS = 2  # more wait for each other: most of a variant is many small steps
OUTPUTS = ("sensitivity", "sensitivity_facts", "robustness")
DECIMALS = 9  # scores closer than this share a place, as in the edition


@dataclass(frozen=True)
class Runs:
    """What the variants gave: R variants, U units of the base, C compared units (rated, standing company spells).

    Attributes:
        score: (R, U) index after caps.
        place: (R, C) place among the compared, 1 = best.
        flagged: (R, C) selected as surely below the pass mark.
    """

    score: np.ndarray
    place: np.ndarray
    flagged: np.ndarray


@dataclass(frozen=True)
class Compared:
    """What is fixed across variants.

    Attributes:
        cap: (U,) cap in force; infinite = none. units: (C,) rows compared. sd: (C,) published standard deviation.
        line: pass mark.
    """

    cap: np.ndarray
    units: np.ndarray
    sd: np.ndarray
    line: float


def places(score: np.ndarray) -> np.ndarray:
    """Place of each score in its row, 1 = best; equal scores share the better place."""
    falling = -np.round(score, DECIMALS)
    ordered = np.sort(falling, axis=-1)
    return np.stack([np.searchsorted(o, f, side="left") + 1 for o, f in zip(ordered, falling, strict=True)])


def noisy(base: Base, rule: Rule, period: str) -> list[np.ndarray]:
    """The stored sets of noisy weights: factors on metrics' and on sub-indices' weights, uniform within the noise."""
    rng = np.random.default_rng(seed_of("sensitivity", "weights", period))
    noise, weights = rule["weight_noise"], len(base.terms.names) + len(base.terms.subindices)
    return list(rng.uniform(1 - noise, 1 + noise, size=(rule["weight_sets"], weights)))


def ranged(name: str, u: float, rule: Rule) -> float:
    """The value of a ranged input at a point of [0, 1)."""
    low, high, scale = (rule["inputs"][name][key] for key in ("low", "high", "scale"))
    return float(low * (high / low) ** u) if scale == "log" else float(low + (high - low) * u)


def choice_at(point: dict[str, float], sets: list[np.ndarray], rule: Rule) -> Choice:
    """The variant at a point: input to its coordinate in [0, 1); inputs not named stay as published."""
    values: dict = {name: ranged(name, u, rule) for name, u in point.items() if name in RANGED}
    if "weights" in point:
        values["weights"] = sets[int(point["weights"] * len(sets))]
    if "inside" in point:
        values["inside"] = point["inside"] >= 0.5
    return Choice(**values)


def _key(choice: Choice) -> tuple:
    """Sorts variants so that neighbours have most in common."""
    weights = () if choice.weights is None else tuple(choice.weights)
    return (choice.half_life or 0.0, weights, choice.prior, choice.goalposts)


def run(base: Base, choices: list[Choice], compared: Compared, rule: Rule) -> Runs:
    """Compute every variant, those of one half-life after another on one core, cores side by side."""
    of_half_life: dict[float, list[int]] = {}
    for i, choice in enumerate(choices):
        of_half_life.setdefault(choice.half_life or 0.0, []).append(i)
    shape = len(choices), len(compared.units)
    made = Runs(
        np.empty((len(choices), len(compared.cap))), np.empty(shape, dtype=np.int64), np.empty(shape, dtype=bool)
    )
    capped = compared.cap[compared.units]

    def work(of: list[int]) -> None:
        of = sorted(of, key=lambda i: _key(choices[i]))
        for i, score in zip(of, scores(base, [choices[j] for j in of]), strict=True):
            made.score[i] = np.minimum(score, compared.cap)
            made.place[i] = places(made.score[i, compared.units][None])[0]
            below = chance_below(compared.line, score[compared.units], compared.sd)
            below = np.where(capped < compared.line, 1.0, below)
            made.flagged[i] = select(below, rule["flag_q"], rule["flag_p"])

    with ThreadPoolExecutor(max_workers=min(THREADS, os.cpu_count() or 1)) as pool:
        list(pool.map(work, of_half_life.values()))
    return made


def jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Shared part of two sets, |a and b| / |a or b|, along the last axis; two empty sets are the same set."""
    both, either = (a & b).sum(axis=-1), (a | b).sum(axis=-1)
    return np.divide(both, either, out=np.ones(either.shape), where=either > 0)


def _ends(name: str, base: Base, rule: Rule) -> tuple[float, float, float]:
    """What is varied: lowest and highest value, and the published one."""
    if name == "weights":
        return 1 - rule["weight_noise"], 1 + rule["weight_noise"], 1.0
    if name == "inside":
        return 0.0, 1.0, 0.0
    published = {"half_life": base.rule["half_life_months"], "rho": base.rule["rho"], "prior": 1.0, "goalposts": 0.0}
    return float(rule["inputs"][name]["low"]), float(rule["inputs"][name]["high"]), float(published[name])


def _choices(base: Base, rule: Rule, period: str) -> tuple[list[Choice], list[Choice], list[Choice]]:
    """The design's variants; each input by itself (``alone_points`` each); both ends of each input but the weights."""
    sets = noisy(base, rule, period)
    points = design(len(INPUTS), rule["points"], seed_of("sensitivity", period))
    together = [choice_at(dict(zip(INPUTS, row, strict=True)), sets, rule) for row in points]
    few = points[: rule["alone_points"]]
    alone = [choice_at({name: row[i]}, sets, rule) for i, name in enumerate(INPUTS) for row in few]
    ends = [choice_at({name: u}, sets, rule) for name in INPUTS if name != "weights" for u in (0.0, 1.0)]
    return together, alone, ends


def _column(frame: pl.DataFrame, name: str) -> np.ndarray:
    return frame.get_column(name).cast(pl.Float64).fill_null(np.nan).to_numpy()


def _compared_rows(rows: pl.DataFrame) -> pl.Series:
    """Whether each unit is compared: a company's standing spell that is rated."""
    return rows.select((pl.col("level") == "tenure") & (pl.col("state") == "rated") & pl.col("current")).to_series()


def of_edition(
    con: duckdb.DuckDBPyConnection, table: str, grid: Grid, terms: Terms, published: pl.DataFrame, last: Quarter,
    newest: int, rule: Rule, sensitivity: Rule,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """Contracts Sensitivity, SensitivityFacts and Robustness of an edition's own period, keyed by table.

    All are empty where fewer than two units are rated: there are no places to compare.

    Args:
        table: of quarter sums in ``con`` (``metrics.variants.keep``).
        grid, terms: as the edition was scored by.
        published: contract IndexScore, from which caps, states and standard deviations are taken.
        newest: ordinal of quarter ``last`` in ``table``.
        rule: the index rule in force. sensitivity: rules/sensitivity.toml in force.
    """
    rated = published.filter((pl.col("period") == str(last)) & _compared_rows(published))
    if rated.height < 2:
        return {name: TABLES[name].empty() for name in OUTPUTS}
    ages = np.array([(last.last - q.last).days for q in quarters_up_to(last, rule["window_quarters"])], dtype=float)
    return study(base_of(con, table, grid, terms, ages, newest, rule), published, sensitivity)


def study(base: Base, published: pl.DataFrame, rule: Rule) -> dict[str, pl.DataFrame]:
    """Vary the method and say what changes; arguments and result as in ``of_edition``."""
    period = base.terms.periods[-1]
    own = base.grid.units.select(UNIT).join(published, on=UNIT, how="left", maintain_order="left")
    units, bands = np.flatnonzero(_compared_rows(own).to_numpy()), base.rule["bands"]
    cap = own.get_column("cap").cast(pl.Float64).fill_null(np.inf).to_numpy()
    compared = Compared(cap, units, _column(own, "sd")[units], bands[PASS])
    parts = _choices(base, rule, period)
    made = run(base, [Choice(), *(choice for part in parts for choice in part)], compared, rule)
    ends = np.cumsum([1, *map(len, parts)])
    together, alone, at_ends = (slice(a, b) for a, b in pairwise(ends))
    shift = np.abs(made.place - made.place[0]).mean(axis=1)
    frames = (
        _inputs(base, rule, period, made.place[together], shift[together], shift[alone], shift[at_ends]),
        _facts(made, together, shift, compared, rule, period),
        _robust(own, made.score[together], made.place[together], units, compared.line, bands[TOP], rule),
    )
    return dict(zip(OUTPUTS, frames, strict=True))


def _inputs(base: Base, rule: Rule, period: str, place, together, alone, ends) -> pl.DataFrame:
    """One row per input: indices of the places and of their mean shift, its shift by itself and at either end."""
    # centred: the same indices with far less noise
    places_moved = place - place.mean(axis=0)
    of_places = indices(places_moved, len(INPUTS))
    low_total, high_total = total_intervals(
        places_moved, len(INPUTS), resamples=rule["resamples"], coverage=rule["index_coverage"],
        seed=seed_of("sensitivity", "bounds", period),
    )  # fmt: skip
    of_shift = indices(together - together.mean(), len(INPUTS))
    by_itself = alone.reshape(len(INPUTS), -1).mean(axis=1)
    at_ends = dict(zip([n for n in INPUTS if n != "weights"], ends.reshape(-1, 2), strict=True))
    limits = np.array([_ends(name, base, rule) for name in INPUTS], dtype=float)
    shifts = np.array([at_ends.get(name, (np.nan, np.nan)) for name in INPUTS], dtype=float)
    columns = {
        "first": of_places.first, "total": of_places.total, "total_lo": low_total,
        "total_hi": high_total, "first_shift": of_shift.first,
        "total_shift": of_shift.total, "mean_shift": by_itself, "low": limits[:, 0], "high": limits[:, 1],
        "published": limits[:, 2], "shift_low": shifts[:, 0], "shift_high": shifts[:, 1],
    }  # fmt: skip
    numbers = {name: pl.Series(x).fill_nan(None) for name, x in columns.items()}
    return pl.DataFrame({"input": INPUTS, **numbers}).with_columns(period=pl.lit(period))


def _facts(made: Runs, part: slice, shift: np.ndarray, compared: Compared, rule: Rule, period: str) -> pl.DataFrame:
    below = made.score[0, compared.units] < compared.line
    agree = (made.score[part][:, compared.units] < compared.line).mean(axis=0) >= rule["robust_share"]
    row = {
        "period": period, "runs": part.stop - part.start, "units": len(compared.units),
        "mean_shift": shift[part].mean(), "flagged": int(made.flagged[0].sum()),
        "jaccard": jaccard(made.flagged[part], made.flagged[0]).mean(), "below": int(below.sum()),
        "below_robust": int((below & agree).sum()), "robust_share": float(rule["robust_share"]),
    }  # fmt: skip
    return pl.DataFrame([row])


def _robust(
    own: pl.DataFrame, score: np.ndarray, place: np.ndarray, units: np.ndarray, line: float, top: float, rule: Rule
) -> pl.DataFrame:
    """One row per standing unit with a score: in what share of the variants it lies below and reaches the top band."""
    known = ~np.isnan(score).any(axis=0)
    cut = (1 - rule["rank_coverage"]) / 2
    lo, hi = (np.full(score.shape[1], np.nan) for _ in range(2))
    lo[units], hi[units] = np.quantile(place, (cut, 1 - cut), axis=0, method="inverted_cdf")
    ranks = {name: pl.Series(x).fill_nan(None).cast(pl.Int64) for name, x in (("rank_lo", lo), ("rank_hi", hi))}
    shares = {"share_below": (score < line).mean(axis=0), "share_above": (score >= top).mean(axis=0)}
    return own.select(UNIT).with_columns(**shares, **ranks).filter(pl.Series(known))
