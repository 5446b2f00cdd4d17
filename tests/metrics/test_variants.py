"""The index under other choices: each variant against the ordinary way of scoring, given that choice."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import numpy as np
import polars as pl
import pytest

from metrics import priors
from metrics.cells import cells_of, membership
from metrics.grid import Grid
from metrics.index import power_mean
from metrics.points import utility
from metrics.terms import Terms
from metrics.variants import KEPT, Base, Choice, base_of, keep, moved_goalposts, quarter_weights
from metrics.variants import scores as varied
from tests.metrics.scoring import (
    PERIOD,
    RATE,
    RATE_POSTS,
    SHARE,
    grid_for,
    index_rule,
    sums_frame,
    terms_for,
    unit_row,
    units_frame,
)

AGES = np.array([184.0, 92.0, 0.0])  # 2026Q1, Q2 and Q3, seen from 2026-09-30
MONTH = 365.25 / 12
DRILL = {"family": "obligation", "subindex": "drills", "weight": 1.0, "source": "fire",
         "fail": 0.0, "minimum": 0.75, "target": 0.95, "best": 1.0}  # fmt: skip
METRICS = {"cases": RATE | {"weight": 0.6}, "checks": SHARE | {"subindex": "fire", "weight": 0.4}, "fixed": SHARE,
           "held": DRILL}  # fmt: skip
WEIGHTS = {"fire": 0.5, "rectification": 0.3, "drills": 0.2}
RULE = index_rule(winsorise=0.0)
ESTATES = 30


def town() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Units of 30 estates, each whole and as the spell of its company; and their quarter sums."""
    rows = [unit_row(f"e{i:02d}", level) for level in ("estate", "tenure") for i in range(ESTATES)]
    rows.append(unit_row("e00", "tenure", unit_id="former", current=False))
    rng = np.random.default_rng(7)
    sums = []
    for i in range(ESTATES):
        for quarter in range(3):
            e, n = rng.uniform(0.3, 2.0), float(rng.integers(2, 9))
            cells = {"cases": (rng.poisson((0.3 + i / 20) * e), e), "checks": (rng.binomial(n, 0.95 - i / 80), n),
                     "fixed": (rng.binomial(n, 0.7 + (i % 7) / 25), n)}  # fmt: skip
            if quarter == 2:
                cells["held"] = (float(i % 3 > 0), 1.0)
            for metric, (y, e) in cells.items():
                whole = {"metric": metric, "ordinal": quarter + 5, "y": float(y), "e": e, "e2": e, "yy": float(y)}
                units = [("estate", f"e{i:02d}"), ("tenure", f"tenure-e{i:02d}")]
                sums += [{"level": level, "unit_id": unit, **whole} for level, unit in units]
    return units_frame(rows), pl.DataFrame(sums)


UNITS, QUARTERS = town()


def period_sums(half_life: float, quarters: pl.DataFrame = QUARTERS) -> pl.DataFrame:
    """Contract MetricSum under a half-life, added up the plain way; obligations are not decayed."""
    age = pl.col("ordinal").replace_strict({5: 184.0, 6: 92.0, 7: 0.0})
    weight = pl.when(pl.col("metric") == "held").then(1.0).otherwise(0.5 ** (age / (half_life * MONTH)))
    rows = quarters.with_columns(w=weight)
    w = pl.col("w")
    return rows.group_by("level", "unit_id", "metric", maintain_order=True).agg(
        y=(w * pl.col("y")).sum(), e=(w * pl.col("e")).sum(), e2=(w * w * pl.col("e2")).sum(),
        yy=(w * pl.col("yy")).sum(), records=pl.len().cast(pl.Int64), period=pl.lit(PERIOD),
    )  # fmt: skip


def store(quarters: pl.DataFrame = QUARTERS) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.register("_given", quarters.to_arrow())
    con.execute("CREATE TEMP TABLE made AS SELECT * FROM _given")
    keep(con, "made", first=5)
    return con


def based(grid: Grid | None = None, terms: Terms | None = None) -> Base:
    terms = terms or terms_for(METRICS, WEIGHTS)
    grid = grid or grid_for(terms, UNITS, period_sums(12))
    return base_of(store(), KEPT, grid, terms, AGES, 7, RULE)


def plain(terms: Terms, sums: pl.DataFrame, rule=RULE) -> np.ndarray:
    """Index of the current units, the ordinary way."""
    grid = grid_for(terms, UNITS, sums)
    score = cells_of(grid, terms, priors.estimate(grid, terms, rule), rule).score
    return score[grid.units["current"].to_numpy()]


def one(base: Base, choice: Choice) -> np.ndarray:
    return next(varied(base, [choice]))


def test_the_published_choice_gives_the_published_index():
    expected = plain(terms_for(METRICS, WEIGHTS), period_sums(12))
    assert np.ptp(expected) > 10  # the town tells its estates apart
    assert one(based(), Choice()) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("half_life", (6.0, 24.0))
def test_another_half_life_gives_the_index_of_sums_decayed_by_it(half_life):
    expected = plain(terms_for(METRICS, WEIGHTS), period_sums(half_life))
    assert np.abs(expected - plain(terms_for(METRICS, WEIGHTS), period_sums(12))).max() > 0.5
    assert one(based(), Choice(half_life=half_life)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rho", (-0.5, 1.0))
def test_another_power_gives_the_index_of_a_rule_with_it(rho):
    expected = plain(terms_for(METRICS, WEIGHTS), period_sums(12), index_rule(winsorise=0.0, rho=rho))
    assert one(based(), Choice(rho=rho)) == pytest.approx(expected, abs=1e-9)


def test_noisy_weights_give_the_index_of_those_weights():
    # by sub-index: fire .6 x 1.2 = .72 and .4 x .8 = .32, so .72/1.04 and .32/1.04; sub-indices .5 x .9, .3, .2 x 1.25
    metrics = METRICS | {"cases": RATE | {"weight": 0.72 / 1.04}}
    metrics["checks"] = SHARE | {"subindex": "fire", "weight": 0.32 / 1.04}
    expected = plain(terms_for(metrics, {"fire": 0.45, "rectification": 0.3, "drills": 0.25}), period_sums(12))
    base = based()
    assert base.terms.names == ("cases", "checks", "fixed", "held")
    factors = np.array([1.2, 0.8, 1.0, 1.0, 0.9, 1.0, 1.25])
    assert one(base, Choice(weights=factors)) == pytest.approx(expected, abs=1e-9)


def test_moved_goalposts_give_the_index_of_goalposts_so_moved():
    # a tenth of the way from fail to best: rates 4 - .38 = 3.62, 1.12, .12 (not beyond best .2), .2; shares + .07
    stricter = {"fail": 3.62, "minimum": 1.12, "target": 0.2, "best": 0.2}
    share = {"fail": 0.37, "minimum": 0.77, "target": 0.97, "best": 1.0}
    drill = DRILL | {"fail": 0.1, "minimum": 0.85, "target": 1.0, "best": 1.0}
    metrics = {"cases": METRICS["cases"] | stricter, "checks": METRICS["checks"] | share, "fixed": SHARE | share,
               "held": drill}  # fmt: skip
    expected = plain(terms_for(metrics, WEIGHTS), period_sums(12))
    assert one(based(), Choice(goalposts=0.1)) == pytest.approx(expected, abs=1e-9)


def test_neighbouring_variants_share_work_and_not_results():
    base, factors = based(), np.linspace(0.8, 1.2, 7)
    choices = [
        Choice(half_life=h, weights=w, prior=p, goalposts=g, rho=r)
        for h in (6.0, 20.0) for w in (None, factors) for p in (0.5, 2.0) for g in (0.0, 0.1) for r in (None, 1.0)
    ]  # fmt: skip
    together = list(varied(base, choices))
    assert len({tuple(x.round(6)) for x in together}) == len(choices)
    for choice, found in zip(choices, together, strict=True):
        assert (found == one(base, choice)).all()


def test_goalposts_move_towards_best_and_never_beyond_it():
    posts = np.array(list(RATE_POSTS.values()))
    assert moved_goalposts(posts, 0.1) == pytest.approx([3.62, 1.12, 0.2, 0.2])
    assert moved_goalposts(posts, -0.1) == pytest.approx([4.38, 1.88, 0.88, 0.58])
    assert moved_goalposts(np.array([0.0, 0.75, 0.95, 1.0]), 0.1) == pytest.approx([0.1, 0.85, 1.0, 1.0])


def test_a_quarter_a_year_old_weighs_half_under_twelve_months_and_a_quarter_under_six():
    assert quarter_weights(np.array([0.0, 365.25]), 12) == pytest.approx([1.0, 0.5])
    assert quarter_weights(np.array([0.0, 365.25]), 6) == pytest.approx([1.0, 0.25])


def test_a_prior_pulling_twice_as_hard_gives_the_index_of_priors_of_half_the_spread():
    # no bound of the rule is met: what halves the strength factor halves every spread, as twice the pull does
    wide = {"cv_floor": 1e-3, "cv_ceiling": 1e3, "rho_floor": 1e-6, "rho_ceiling": 0.99}
    rule, terms = index_rule(winsorise=0.0, **wide), terms_for(METRICS, WEIGHTS)
    grid = grid_for(terms, UNITS, period_sums(12))
    prior = priors.estimate(grid, terms, rule)
    halved = replace(prior, tau2=prior.tau2 / 2)
    expected = membership(grid, terms)
    points = utility(priors.posterior(grid, terms, halved).estimate, *terms.posts[:, grid.period])
    subs = expected.subindices(points, expected.share(points))
    index = power_mean(subs, expected.sub_weight, rule["rho"], rule["floor"])[grid.units["current"].to_numpy()]
    base = base_of(store(), KEPT, grid, terms, AGES, 7, rule)
    assert one(base, Choice(prior=2.0)) == pytest.approx(index, abs=1e-9)
    assert np.abs(index - one(base, Choice())).max() > 0.1


def test_metrics_put_together_by_the_power_mean_earn_less_than_by_the_plain_one():
    # one estate at points 40 and 90, weights half and half, power .5: (sqrt 40 + sqrt 90)^2 / 4 = (130 + 120) / 4 = 62.5
    half = {"source": "fire", "family": "obligation", "subindex": "fire", "weight": 0.5,
            "fail": 0.0, "minimum": 0.6, "target": 0.9, "best": 1.0}  # fmt: skip
    terms = terms_for({"a": half, "b": half}, {"fire": 1.0})
    units = units_frame([unit_row("oak")])
    quarters = pl.DataFrame(
        [{"level": "estate", "unit_id": "oak", "metric": m, "ordinal": 7, "y": y, "e": 1.0, "e2": 1.0, "yy": y}
         for m, y in (("a", 0.4), ("b", 0.9))]
    )  # fmt: skip
    sums = pl.concat([sums_frame(m, [y], [1.0], units) for m, y in (("a", 0.4), ("b", 0.9))])
    base = base_of(store(quarters), KEPT, grid_for(terms, units, sums), terms, AGES, 7, RULE)
    assert one(base, Choice()) == pytest.approx([65.0])
    assert one(base, Choice(inside=True)) == pytest.approx([62.5])
    assert one(base, Choice(inside=True, rho=1.0)) == pytest.approx([65.0])


def test_a_former_spell_is_left_out():
    assert "former" in UNITS["unit_id"].to_list()
    assert "former" not in based().grid.units["unit_id"].to_list()


def test_a_duty_nobody_had_to_meet_yet_has_no_points_under_any_variant():
    # an obligation without a row does not apply: two sub-indices share the weight, and a third stays out
    terms = terms_for(METRICS, WEIGHTS)
    asked = ["e00", "e01", "e02"]
    rest = (pl.col("metric") != "held") | pl.col("unit_id").str.contains("|".join(asked))
    quarters, sums = QUARTERS.filter(rest), period_sums(12).filter(rest)
    base = base_of(store(quarters), KEPT, grid_for(terms, UNITS, sums), terms, AGES, 7, RULE)
    assert one(base, Choice()) == pytest.approx(plain(terms, sums), abs=1e-9)
    assert not np.isnan(one(base, Choice(half_life=6.0, inside=True))).any()


def test_what_was_corrected_after_adding_up_stays_corrected_in_every_variant():
    terms = terms_for(METRICS, WEIGHTS)
    grid = grid_for(terms, UNITS, period_sums(12))
    factor = np.where(np.array(terms.names) == "cases", 1.4, 1.0)  # an exposure found too small
    corrected = period_sums(6).with_columns(
        e=pl.when(pl.col("metric") == "cases").then(1.4 * pl.col("e")).otherwise("e"),
        e2=pl.when(pl.col("metric") == "cases").then(1.4 * pl.col("e2")).otherwise("e2"),
    )
    base = based(replace(grid, e=grid.e * factor, e2=grid.e2 * factor))
    assert one(base, Choice(half_life=6.0)) == pytest.approx(plain(terms, corrected), abs=1e-9)


def test_quarters_before_the_window_are_not_kept():
    con = store(pl.concat([QUARTERS, QUARTERS.with_columns(ordinal=pl.lit(4, pl.Int64))]))
    assert con.sql(f"SELECT min(ordinal) AS o, count(*) AS n FROM {KEPT}").pl().row(0) == (5, QUARTERS.height)
