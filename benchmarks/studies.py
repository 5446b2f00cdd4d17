"""What section 15 asks of one invented district: each study draws it, judges it and compares with the truth.

Every function takes a world and a seed and returns figures by name; shares are in per cent.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from scipy.stats import rankdata, spearmanr

from benchmarks import judge as court_of
from benchmarks.judge import Court, Judged, ages, estates_grid, index_rule, judge, ladder_rule
from benchmarks.world import World, draw, split
from cases.persistence import flags
from metrics import validity
from metrics.accuracy import base_brier, brier
from metrics.companies import roll_up
from metrics.flags import expected_wrong, select

FIXED = 6.83  # lambda of the main worlds (T7)


def rho(a: np.ndarray, b: np.ndarray) -> float:
    return float(spearmanr(a, b).statistic)


def percent(found: np.ndarray) -> float:
    return float(100 * found.mean()) if found.size else np.nan


def slope(y: np.ndarray, *x: np.ndarray) -> float:
    """Slope of ``y`` on the first of ``x``, the others held."""
    return float(np.linalg.lstsq(np.column_stack([*x, np.ones(len(y))]), y, rcond=None)[0][0])


def worst(score: np.ndarray, number: int) -> np.ndarray:
    """The ``number`` lowest scores."""
    out = np.zeros(len(score), dtype=bool)
    out[np.argsort(score, kind="stable")[:number]] = True
    return out


def _court(world: World, seed: int, quarters: int = 1, **more) -> Court:
    """The last ``quarters`` quarters of a district."""
    return Court(draw(world, seed), index_rule(), tuple(range(world.quarters - quarters, world.quarters)), **more)


def _ours(name: str, made: Judged, truth: np.ndarray, now: np.ndarray, small: np.ndarray) -> dict[str, float]:
    """Figures of a scoring at the last quarter."""
    periods = len(made.strength)
    score, p, lo, hi = (made.column(c, periods)[-1] for c in ("score", "p_below", "lo", "hi"))
    ladder = ladder_rule()
    chosen = select(p, ladder["flag_q"], ladder["flag_p"])
    bad, within = truth < 60, (lo <= truth) & (truth <= hi)
    return {
        f"{name}_lambda": float(made.strength[-1]),
        f"{name}_rho": rho(score, truth), f"{name}_now": rho(score, now), f"{name}_small": rho(score[small], truth[small]),
        f"{name}_flags": float(chosen.sum()), f"{name}_wrong": percent(~bad[chosen]),
        f"{name}_found": percent(chosen[bad]), f"{name}_found55": percent(chosen[truth < 55]),
        f"{name}_expected": 100 * expected_wrong(p, chosen) / max(chosen.sum(), 1),
        f"{name}_n60": float((score < 60).sum()), f"{name}_w60": percent(~bad[score < 60]),
        f"{name}_f60": percent((score < 60)[bad]),
        f"{name}_cover": percent(within), f"{name}_cover_small": percent(within[small]),
        f"{name}_slope": slope(truth, score), f"{name}_rmse": float(np.sqrt(((score - truth) ** 2).mean())),
        f"{name}_brier": brier(p, bad),
    }  # fmt: skip


def _ranks(made: Judged, truth: np.ndarray) -> dict[str, float]:
    """Share of ranked estates whose true place in their class lies within the rank interval; mean width per thousand."""
    lo, hi = (made.column(c, len(made.strength))[-1] for c in ("rank_lo", "rank_hi"))
    classes = made.index.filter(pl.col("period") == made.index["period"].max())["estate_class"].to_numpy()
    inside, width = [], []
    for name in np.unique(classes):
        at = np.flatnonzero((classes == name) & np.isfinite(lo))
        place = rankdata(-truth[at])
        inside.append((lo[at] <= place) & (place <= hi[at]))
        width.append((hi[at] - lo[at]) / len(at))
    return {"us_ranks": percent(np.concatenate(inside)), "us_width": float(1000 * np.concatenate(width).mean())}


def _naive(court: Court, truth: np.ndarray, now: np.ndarray, small: np.ndarray, same: int) -> dict[str, float]:
    """Figures of the methods without a method, told how many estates are truly bad; ``same``: as many as 10.1 selects."""
    district, t = court.district, court.places[-1]
    bad, weights = truth < 60, court.terms.overall[0]
    scores = {
        "ded": court_of.deductions(district, t), "mm": court_of.min_max(district, t, weights),
        "raw": court_of.anchored(court, t),
    }  # fmt: skip
    out: dict[str, float] = {"bad": percent(bad), "base_brier": base_brier(bad)}
    for name, score in scores.items():
        chosen = score < 60 if name == "raw" else worst(score, int(bad.sum()))
        out |= {
            f"{name}_rho": rho(score, truth), f"{name}_now": rho(score, now),
            f"{name}_small": rho(score[small], truth[small]), f"{name}_flags": float(chosen.sum()),
            f"{name}_wrong": percent(~bad[chosen]), f"{name}_found": percent(chosen[bad]),
        }  # fmt: skip
    year = court.index(court.record(t, court_of.YEAR))
    first = worst(scores["mm"], same)
    large = district.homes > np.quantile(district.homes, 2 / 3)
    return out | {
        "ded_large": percent(large[worst(scores["ded"], 50)]), "mm_same": percent(~bad[first]),
        "year_mm": rho(scores["mm"], year), "year_raw": rho(scores["raw"], year),
        "year_mm_wrong": percent(year[first] >= 60), "year_raw_wrong": percent(year[scores["raw"] < 60] >= 60),
    }  # fmt: skip


def fresh(court: Court) -> pl.DataFrame:
    """``estate_id, period``: quarters with a visit."""
    there = court.district.records.inspector[list(court.places)] >= 0
    p, n = np.nonzero(there)
    return pl.DataFrame({"estate_id": court_of.names("e", n), "period": pl.Series(court.terms.periods)[p]})


def staged(court: Court, made: Judged) -> tuple[np.ndarray, np.ndarray]:
    """(P, N) whether selected, and whether listed or further (``cases.persistence``)."""
    periods = len(court.places)
    rows = flags(made.index, fresh(court), ladder_rule(), court_of.LAST, periods).sort("unit_id", "period")
    chosen = rows["selected"].to_numpy().reshape(-1, periods).T
    listed = ~rows["stage"].is_in(["none", "watch"]).to_numpy().reshape(-1, periods).T
    return chosen, listed


def main(world: World, seed: int) -> dict[str, float]:
    """The main table: this method, its variant without a strength factor, and the methods without a method."""
    court = _court(world, seed, quarters=2)
    district, t = court.district, court.places[-1]
    truth, now = court.truth(t), court.index(district.level[t])
    small = district.homes <= np.quantile(district.homes, 1 / 3)
    grid = estates_grid(court, ages(court.rule))
    made = judge(court, grid)
    out = _ours("us", made, truth, now, small) | _ours("eb", judge(court, grid, 1.0), truth, now, small)
    bad, year = truth < 60, court.index(court.record(t, court_of.YEAR))
    chosen, listed = staged(court, made)
    for name, found in (("rated", chosen[-1]), ("two", chosen.all(axis=0)), ("listed", listed[-1])):
        out |= {
            f"{name}_flags": float(found.sum()),
            f"{name}_wrong": percent(~bad[found]),
            f"{name}_found": percent(found[bad]),
        }
    ladder, p = ladder_rule(), made.column("p_below", 2)[-1]
    at = select(p, ladder["flag_q"], ladder["flag_p"])
    score, sure = (made.column(c, 2)[-1] for c in ("score", "reliability"))
    last = made.index.filter(pl.col("period") == str(court_of.LAST))
    out |= {
        "us_rated": percent(sure >= court.rule["reliability_rated"]), "us_state": percent((last["state"] == "rated").to_numpy()),
        "year_us": rho(score, year), "year_us_wrong": percent(year[at] >= 60),
    }  # fmt: skip
    return out | _ranks(made, truth) | _naive(court, truth, now, small, int(at.sum()))


def weak(world: World, seed: int) -> dict[str, float]:
    """Metrics that hardly move together; selection without the gate."""
    court = _court(world, seed)
    t = court.places[-1]
    truth, q = court.truth(t), ladder_rule()["flag_q"]
    grid = estates_grid(court, ages(court.rule))
    made, fixed = judge(court, grid), judge(court, grid, FIXED)
    everyone = np.ones(len(truth), dtype=bool)
    out = _ours("us", made, truth, truth, everyone) | {"r": float(made.correlation[0]), "bad": percent(truth < 60)}
    for name, of in (("us", made), ("fixed", fixed)):
        out[f"{name}_wrong"] = percent(truth[select(of.column("p_below")[0], q, 0.0)] >= 60)
    return out


def _turnover(on: np.ndarray) -> float:
    """Entries and exits of a list (P, N) from its second period on."""
    return float((on[1:] != on[:-1]).sum())


def lists(world: World, seed: int) -> dict[str, float]:
    """Who enters and leaves a list over eight quarters, beside a bottom list drawn anew each quarter."""
    court = _court(world, seed, quarters=9)
    made = judge(court, estates_grid(court, ages(court.rule)))
    _, listed = staged(court, made)
    truth = np.array([court.truth(t) for t in court.places])
    weights = court.terms.overall[0]
    number = int(listed[-1].sum())
    bottom = np.array([worst(court_of.min_max(court.district, t, weights), number) for t in court.places])
    entered = listed[1:] & ~listed[:-1]
    return {
        "moves": _turnover(listed), "redrawn": _turnover(bottom), "entries_wrong": percent(truth[1:][entered] >= 60),
        "end_60": percent(truth[-1][listed[-1]] >= 60), "end_65": percent(truth[-1][listed[-1]] >= 65),
    }  # fmt: skip


def adjustments(world: World, seed: int) -> dict[str, float]:
    """What the error of a score still owes to who called and who inspected, without and with the adjustments."""
    out: dict[str, float] = {}
    for name, adjusted in (("before", False), ("after", True)):
        court = _court(world, seed, adjusted=adjusted)
        district, t, weight = court.district, court.places[-1], ages(court.rule)
        there = district.records.inspector >= 0
        met = np.where(there, district.strictness[district.records.inspector], 0.0)
        seen = court_of.windowed(there, weight, t)
        strict = np.divide(court_of.windowed(met, weight, t), seen, out=np.zeros(len(seen)), where=seen > 0)
        error = judge(court, estates_grid(court, weight)).column("score")[0] - court.truth(t)
        out[f"loud_{name}"] = slope(error, district.reporting, strict)
        out[f"strict_{name}"] = slope(error, strict, district.reporting)
    return out | {"strict_rho": rho(court.factors.factor, district.strictness)}


def decay(world: World, seed: int) -> dict[str, float]:
    """How well each half-life tells today's quality."""
    court = _court(world, seed)
    now = court.index(court.district.level[court.places[-1]])
    out = {}
    for months in (3, 6, 12, 24):
        score = judge(court, estates_grid(court, ages(court.rule, months))).column("score")[0]
        out[f"h{months}"] = rho(score, now)
    return out


def halves(world: World, seed: int) -> dict[str, float]:
    """Split halves (method.md 9.4): how far the bare score of one half rises where the published-type score of the other
    does, and what the two halves say of the whole beside the mean reliability (points of R x 100)."""
    court = _court(world, seed)
    parts = [replace(court, district=part) for part in split(court.district, seed)]
    grids = [estates_grid(part, ages(court.rule)) for part in parts]
    out = {}
    for name, strength in (("us", None), ("eb", 1.0)):
        one, other = (judge(court, grid, strength).cells for grid in grids)
        out[f"half_{name}"] = validity.slope(one.score, other.own_score)[0]
        r = float(np.corrcoef(one.score, other.score)[0, 1])
        whole = judge(court, estates_grid(court, ages(court.rule)), strength).column("reliability")[0].mean()
        out[f"more_{name}"] = 100 * float(validity.stepped_up(r) - whole)
    return out


def _by_company(company: np.ndarray, parties: list[str], value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean of ``value`` of each of ``parties``; NaN without any weight."""
    rows = pl.DataFrame({"party_id": company, "v": value * weight, "w": weight}).filter(pl.col("v").is_not_nan())
    sums = rows.group_by("party_id").agg(pl.col("v", "w").sum())
    found = pl.DataFrame({"party_id": parties}).join(sums, on="party_id", how="left", maintain_order="left")
    return (found["v"] / found["w"]).fill_null(np.nan).to_numpy()


def _pooled(court: Court, units: pl.DataFrame, sums: pl.DataFrame, parties: list[str]) -> np.ndarray:
    """Index of each company's records thrown together."""
    rows = sums.join(units.select("unit_id", "company_id"), on="unit_id")
    total = rows.group_by("company_id", "metric").agg(rate=pl.col("y").sum() / pl.col("e").sum())
    wide = total.pivot(on="metric", index="company_id", values="rate").rename({"company_id": "party_id"})
    wide = pl.DataFrame({"party_id": parties}).join(wide, on="party_id", how="left", maintain_order="left")
    return court.index(wide.select(court.terms.names).fill_null(np.nan).to_numpy())


def companies(world: World, seed: int) -> dict[str, float]:
    """Companies through the spells they answered for, beside what is simpler."""
    court = _court(world, seed)
    t, weight, rule = court.places[-1], ages(court.rule), court.rule
    units, sums, level = court_of.spells_of(court, t, weight)
    everyone, own = court_of.estates_rows(court, weight)
    made = judge(court, court_of.grid_from(court, pl.concat([everyone, units]), pl.concat([own, sums])))
    tenures = made.index.filter(pl.col("level") == "tenure")
    rolled = roll_up(tenures, "company", rule).filter(pl.col("state") == "rated").sort("party_id")
    parties = rolled["party_id"].to_list()
    days = tenures["household_days"].to_numpy()
    a = np.minimum(days, np.quantile(days, rule["weight_cap_quantile"]))
    spells = tenures["company_id"].to_numpy()
    truth = _by_company(spells, parties, court.index(level), a)
    company, plain = everyone["company_id"].to_numpy(), np.ones(len(everyone))
    bare = court_of.min_max(court.district, t, court.terms.overall[0])
    others = {
        "naive": _by_company(company, parties, bare, plain),
        "current": _by_company(company, parties, made.column("score")[0], plain),
        "pooled": _pooled(court, units, sums, parties),
        "all": _by_company(spells, parties, tenures["score"].to_numpy(), a),
        "only": _by_company(spells, parties, np.where(tenures["state"] == "rated", tenures["score"], np.nan), a),
    }
    mean, sd = rolled["mean"].to_numpy(), rolled["sd"].to_numpy()
    known = {name: np.isfinite(score) for name, score in others.items()}
    return {
        **{name: rho(score[known[name]], truth[known[name]]) for name, score in others.items()},
        **_of_means(mean, sd / rule["company_sd_factor"], sd, truth, rule["interval_z"]),
        "rmse_all": _rms(others["all"] - truth), "rmse_only": _rms(others["only"] - truth), "tenures": rho(mean, truth),
        "cover_large": percent((np.abs(truth - mean) <= rule["interval_z"] * sd)[rolled["units_rated"].to_numpy() >= 8]),
    }  # fmt: skip


def _rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean(error**2)))


def _of_means(mean: np.ndarray, bare: np.ndarray, sd: np.ndarray, truth: np.ndarray, z: float) -> dict[str, float]:
    """Errors of company means, as they are and shrunk a second time, and what their intervals cover."""
    tau2 = max(mean.var() - (bare**2).mean(), 0.0)
    twice = mean.mean() + tau2 / (tau2 + bare**2) * (mean - mean.mean())
    off = np.abs(truth - mean)
    return {
        "rmse": _rms(mean - truth), "rmse_twice": _rms(twice - truth),
        "cover": percent(off <= z * sd), "cover_plain": percent(off <= z * bare),
    }  # fmt: skip
