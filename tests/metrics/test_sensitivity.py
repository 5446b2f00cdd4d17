"""What the variants of the method say together: places, robust shares, overlap of flags, shares of each choice."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data import editions
from data.edition_tables import TABLES, IndexScore
from data.study_tables import INPUTS
from metrics import sensitivity
from metrics.sensitivity import OUTPUTS, choice_at, jaccard, noisy, of_edition, places, ranged, study
from metrics.sobol import design
from metrics.variants import KEPT, Base, Choice, base_of
from metrics.variants import scores as varied
from rules.book import Book
from tests.metrics.scoring import PERIOD, grid_for, index_rule, terms_for, unit_row, units_frame
from tests.metrics.test_variants import AGES, METRICS, QUARTERS, RULE, UNITS, WEIGHTS, based, period_sums, store

COINR = Path(__file__).parents[1] / "reference" / "coinr"
DAY = date(2026, 9, 30)
VARIED = Book().on(DAY, "sensitivity")
SMALL = replace(VARIED, values=VARIED.values | {"points": 8, "alone_points": 4, "weight_sets": 8})


def published(base: Base, **columns) -> pl.DataFrame:
    """Contract IndexScore of the base's units as published: all rated, standard deviation 4, no cap."""
    units = base.grid.units.select("level", "unit_id", "period", "current")
    score = next(varied(base, [Choice()]))
    given = {"score": score, "final": score, "sd": 4.0, "cap": None, "state": "rated"} | columns
    shape = {name: column.dtype.type for name, column in IndexScore.to_schema().columns.items()}
    rows = units.with_columns(
        **{k: pl.Series(v) if isinstance(v, (list, np.ndarray)) else pl.lit(v) for k, v in given.items()}
    )
    missing = [pl.lit(None, shape[name]).alias(name) for name in shape if name not in rows.columns]
    return rows.with_columns(missing).with_columns(pl.col("cap").cast(pl.Float64))


@pytest.fixture(scope="module")
def base() -> Base:
    return based()


@pytest.fixture(scope="module")
def made(base) -> dict[str, pl.DataFrame]:
    return study(base, published(base), SMALL)


def together(base: Base, rule=SMALL) -> np.ndarray:
    """(runs, units) the design's variants, one at a time."""
    sets = noisy(base, rule, PERIOD)
    points = design(len(INPUTS), rule["points"], sensitivity.seed_of("sensitivity", PERIOD))
    return np.array([next(varied(base, [choice_at(dict(zip(INPUTS, p, strict=True)), sets, rule)])) for p in points])


def test_coinrs_stored_scores_of_its_variants_give_its_published_statistics_of_places():
    # 100 variants of the ASEM index and 51 countries: UA_results.RDS of COINr's vignette, its scores and its table of ranks
    runs = pl.read_csv(COINR / "ua_scores.csv")
    published = pl.read_csv(COINR / "ua_rankstats.csv")
    assert runs["uCode"].to_list() == published["uCode"].to_list()
    assert places(runs["Nominal"].to_numpy()[None])[0].tolist() == published["Nominal"].to_list()
    place = places(runs.drop("uCode", "Nominal").to_numpy().T)
    assert place.shape == (100, 51)
    assert place.mean(axis=0) == pytest.approx(published["Mean"].to_numpy(), abs=1e-9)
    low, middle, high = np.quantile(place, (0.05, 0.5, 0.95), axis=0)
    for found, name in ((low, "Q5"), (middle, "Median"), (high, "Q95")):
        assert found == pytest.approx(published[name].to_numpy(), abs=1e-9)


def test_equal_scores_share_the_better_place():
    assert places(np.array([[70.0, 90.0, 90.0, 50.0]])).tolist() == [[3, 1, 1, 4]]
    assert places(np.array([[70.0, 70.0 + 1e-12, 60.0]])).tolist() == [[1, 1, 3]]


def test_the_overlap_of_two_sets_is_what_they_share_of_all_they_hold():
    # {0, 1} and {1, 2}: one of three
    assert jaccard(np.array([True, True, False]), np.array([False, True, True])) == pytest.approx(1 / 3)
    assert jaccard(np.zeros(3, bool), np.zeros(3, bool)) == 1
    assert jaccard(np.ones(3, bool), np.zeros(3, bool)) == 0


def test_the_middle_of_a_range_is_halfway_by_its_own_scale():
    # sqrt(6 x 24) = 12 months; (-.5 + 1) / 2 = .25; sqrt(.5 x 2) = 1; 0
    assert [ranged(n, 0.5, VARIED) for n in ("half_life", "rho", "prior", "goalposts")] == pytest.approx(
        [12, 0.25, 1, 0]
    )
    assert [ranged("half_life", u, VARIED) for u in (0.0, 1.0)] == pytest.approx([6, 24])


def test_every_published_choice_lies_inside_what_is_varied():
    index = Book().on(DAY, "index")
    for name, value in (
        ("half_life", index["half_life_months"]),
        ("rho", index["rho"]),
        ("prior", 1),
        ("goalposts", 0),
    ):
        assert VARIED["inputs"][name]["low"] <= value <= VARIED["inputs"][name]["high"]


def test_flags_are_selected_as_the_ladder_selects_them():
    ladder = Book().on(DAY, "ladder")
    assert (VARIED["flag_q"], VARIED["flag_p"]) == (ladder["flag_q"], ladder["flag_p"])
    assert VARIED["robust_share"] == ladder["robust_share"]


def test_noisy_weights_stay_within_a_quarter_of_the_published_ones(base):
    sets = np.array(noisy(base, VARIED, PERIOD))
    assert sets.shape == (64, 4 + 3)
    assert 0.75 <= sets.min() < 0.77 and 1.23 < sets.max() <= 1.25
    assert (sets == noisy(base, VARIED, PERIOD)).all()


def test_the_robust_share_is_the_share_of_variants_below_the_pass_mark(base, made):
    runs = together(base)
    rows = made["robustness"]
    assert rows.height == 60
    assert rows["share_below"].to_numpy() == pytest.approx((runs < 60).mean(axis=0))
    assert rows["share_above"].to_numpy() == pytest.approx((runs >= 85).mean(axis=0))
    assert 0 < rows["share_below"].mean() < 1


def test_places_are_those_among_the_companies_spells(base, made):
    rows = made["robustness"].filter(pl.col("level") == "tenure")
    runs = together(base)[:, (base.grid.units["level"] == "tenure").to_numpy()]
    place = 1 + (runs[:, :, None] < runs[:, None, :] - 5e-10).sum(axis=2)
    # of 64 variants nine tenths: at least 3.2, so the fourth from either end
    ordered = np.sort(place, axis=0)
    assert rows["rank_lo"].to_list() == ordered[3].tolist()
    assert rows["rank_hi"].to_list() == ordered[-4].tolist()
    assert made["robustness"].filter(pl.col("level") == "estate")["rank_lo"].is_null().all()


def test_the_facts_count_what_the_variants_show(base, made):
    facts = made["sensitivity_facts"].row(0, named=True)
    tenure = (base.grid.units["level"] == "tenure").to_numpy()
    nominal, runs = next(varied(base, [Choice()]))[tenure], together(base)[:, tenure]
    below = nominal < 60
    assert (facts["runs"], facts["units"], facts["below"]) == (8 * 8, 30, below.sum())
    assert facts["below_robust"] == (below & ((runs < 60).mean(axis=0) >= 0.8)).sum()
    place, first = (1 + (x[..., :, None] < x[..., None, :] - 5e-10).sum(axis=-1) for x in (runs, nominal))
    assert facts["mean_shift"] == pytest.approx(np.abs(place - first).mean())
    assert 0 < facts["below_robust"] <= facts["below"] < 30


def test_a_cap_below_the_pass_mark_stands_under_every_variant(base):
    best = np.argmax(next(varied(base, [Choice()])))
    cap = [59.0 if u == best else None for u in range(60)]
    rows = study(base, published(base, cap=cap), SMALL)["robustness"]
    assert rows["share_below"][int(best)] == 1
    assert rows["share_above"][int(best)] == 0


def test_a_unit_without_a_score_stands_in_no_row_though_capped():
    terms = terms_for(METRICS, WEIGHTS)
    units = pl.concat([UNITS, units_frame([unit_row("bare"), unit_row("bare", "tenure")])])
    asked = UNITS.select("estate_id", "period").unique().join(pl.DataFrame({"metric": terms.names}), how="cross")
    grid = grid_for(terms, units, period_sums(12), asked)
    found = base_of(store(), KEPT, grid, terms, AGES, 7, RULE)
    bare = found.grid.units["estate_id"] == "bare"
    rows = published(found, cap=pl.Series([59.0 if b else None for b in bare]).to_list())
    rows = rows.with_columns(state=pl.Series(["not_rated" if b else "rated" for b in bare]))
    named = study(found, rows, SMALL)["robustness"]["unit_id"].to_list()
    assert len(named) == 60 and not {"bare", "tenure-bare"} & set(named)


def test_choices_that_change_nothing_have_no_part_in_the_places():
    # every record of the newest quarter: no age, so no half-life; one metric in each sub-index: nothing to put together
    metrics = {name: METRICS[name] | {"weight": 1.0} for name in ("cases", "fixed")}
    quarters = QUARTERS.filter((pl.col("ordinal") == 7) & pl.col("metric").is_in(["cases", "fixed"]))
    terms = terms_for(metrics, {"fire": 0.6, "rectification": 0.4})
    grid = grid_for(terms, UNITS, period_sums(12, quarters))
    newest = base_of(store(quarters), KEPT, grid, terms, AGES, 7, RULE)
    rows = {r["input"]: r for r in study(newest, published(newest), SMALL)["sensitivity"].to_dicts()}
    for name in ("half_life", "inside"):
        found = [rows[name][k] for k in ("first", "total", "mean_shift", "shift_low", "shift_high")]
        assert found == pytest.approx([0, 0, 0, 0, 0], abs=1e-12)
    assert rows["weights"]["total"] > 0 and rows["rho"]["total"] > 0


def test_each_share_lies_within_its_bounds(made):
    rows = made["sensitivity"].filter(pl.col("total") > 0)
    assert rows.height >= 5
    assert (rows["total_lo"] <= rows["total"]).all() and (rows["total"] <= rows["total_hi"]).all()
    assert (rows["total_lo"] < rows["total_hi"]).all()


def test_every_input_is_told_once_with_what_was_varied(made):
    rows = made["sensitivity"]
    assert rows["input"].to_list() == list(INPUTS)
    said = {r["input"]: (r["low"], r["published"], r["high"]) for r in rows.to_dicts()}
    assert said["half_life"] == (6, 12, 24)
    assert said["rho"] == (-0.5, 0.5, 1)
    assert said["weights"] == (0.75, 1, 1.25)
    assert said["inside"] == (0, 0, 1)
    # the end where metrics are put together as published moves nobody
    assert rows.filter(pl.col("input") == "inside")["shift_low"].item() == 0


def test_the_shift_at_the_end_of_a_range_is_that_of_its_variant(base, made):
    tenure = (base.grid.units["level"] == "tenure").to_numpy()
    nominal, ended = (next(varied(base, [c]))[tenure] for c in (Choice(), Choice(half_life=6.0)))
    place, first = (1 + (x[:, None] < x[None, :] - 5e-10).sum(axis=1) for x in (ended, nominal))
    row = made["sensitivity"].filter(pl.col("input") == "half_life").row(0, named=True)
    assert row["shift_low"] == pytest.approx(np.abs(place - first).mean())
    assert row["shift_low"] > 0


def test_the_same_records_give_the_same_study_on_any_number_of_threads(base, made, monkeypatch):
    monkeypatch.setattr(sensitivity, "THREADS", 1)
    again = study(base, published(base), SMALL)
    assert all(again[name].equals(made[name]) for name in OUTPUTS)


@pytest.mark.parametrize("rated", (0, 1))
def test_fewer_than_two_rated_units_give_empty_tables(base, rated):
    tenures = np.flatnonzero((base.grid.units["level"] == "tenure").to_numpy())
    state = ["rated" if u in tenures[:rated] else "not_rated" for u in range(60)]
    terms = terms_for(METRICS, WEIGHTS)
    found = of_edition(
        store(), KEPT, base.grid, terms, published(base, state=state), sensitivity.Quarter.parse(PERIOD), 7,
        index_rule(), VARIED,
    )  # fmt: skip
    assert all(found[name].is_empty() for name in OUTPUTS)
    assert all(TABLES[name].validate(found[name]).is_empty() for name in OUTPUTS)


def test_an_edition_tells_what_its_scores_say(demo_root):
    con = editions.open_edition(editions.current(demo_root))
    facts = con.sql("FROM sensitivity_facts").pl().row(0, named=True)
    compared = con.sql(
        "FROM index_scores WHERE level = 'tenure' AND current AND state = 'rated' AND period = '2026Q3'"
    ).pl()
    assert (facts["units"], facts["runs"]) == (compared.height, 64 * 8)
    assert facts["below"] == compared.filter(pl.col("final") < 60).height
    chosen = con.sql("SELECT count(*) AS n FROM flags WHERE level = 'tenure' AND period = '2026Q3' AND selected").pl()
    assert facts["flagged"] == chosen["n"][0]
    robust = con.sql("FROM robustness").pl()
    standing = con.sql(
        "SELECT level, unit_id, period FROM index_scores WHERE current AND score IS NOT NULL AND period = '2026Q3'"
    ).pl()
    assert robust.select("level", "unit_id", "period").sort(pl.all()).equals(standing.sort(pl.all()))
    capped = compared.filter(pl.col("cap") < 60).join(robust, on=["level", "unit_id", "period"])
    assert (capped["share_below"] == 1).all()
