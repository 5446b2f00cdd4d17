"""How sure a score is: T12, T14 and the draws of T23 in method.md; intervals, chances, reliability, states, ranks."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import caps, draws
from metrics.certainty import chance_below, interval, surely_low
from metrics.draws import Drawn, draw, places, score_draws, seed_of
from metrics.reliability import peer_groups, reliability
from metrics.scores import capped
from rules.book import Book
from tests.metrics.scoring import PERIOD, RATE, sums_frame, unit_row, units_frame
from tests.metrics.test_scores import DRILL, NO_CAPS, five_estates, scored

REAL = {"reliability_rated": 0.70, "reliability_provisional": 0.50}
MANY = 100_000  # draws: brings the Monte-Carlo error below the example's tolerance


def one_rate(shape, rate, posts=(4.0, 1.5, 0.25, -1 / 6)) -> Drawn:
    """Units with one rate metric that is the whole index; the goalposts give 24 points per unit of rate throughout."""
    shape, rate = (np.array(x, dtype=float)[:, None] for x in (shape, rate))
    whole = np.ones_like(shape)
    return Drawn(
        family=np.array(["rate"]), a=shape, b=rate, c=whole, points=50 * whole, share=whole, place=np.array([0]),
        posts=np.array(posts)[:, None], sub_share=whole,
    )  # fmt: skip


def judged(score, noise, classes, least):
    return reliability(score, noise, peer_groups(score, classes, least))


# --- the worked examples ---------------------------------------------------------------------------------------------


def test_reliability_is_signal_over_signal_and_noise():
    # T12: sd 6, Var(S) 150, mean sd^2 (36 + 64) / 2 = 50: 1 - 36 / 200; the other 1 - 64 / 200
    score = 70 + np.array([1, -1]) * np.sqrt(150)
    found = judged(score, np.array([6.0, 8.0]), np.array([0, 0]), least=2)
    assert found == pytest.approx([0.82, 0.68])


def test_the_chance_of_lying_below_the_pass_mark():
    # T14: Phi((60 - 48.658824) / 13.570794)
    assert chance_below(60.0, np.array([48.658824]), np.array([13.570794])) == pytest.approx([0.798339], abs=1e-6)


def test_draws_have_the_spread_of_what_is_known():
    # T14: Gamma(12.169355, 6.169355) has sd .565450; 24 points per unit of rate: 13.570794
    drawn = score_draws(one_rate([12.169355], [6.169355]), 400_000, (PERIOD, "estate"), 1.0, 0.0)
    assert drawn.std() == pytest.approx(13.570794, abs=0.1)
    assert drawn.mean() == pytest.approx(48.658824, abs=0.1)


def test_the_worked_example_with_draws_comes_out():
    # T23
    index = five_estates(draws=MANY, **REAL)["index_scores"].sort("unit_id")
    assert index["sd"].to_list() == pytest.approx([6.98, 11.93, 7.34, 11.55, 9.25], abs=0.1)
    assert index["p_below"].to_list() == pytest.approx([0.000, 0.125, 0.013, 0.138, 0.347], abs=0.005)
    assert index["state"].to_list() == ["provisional", "not_rated", "provisional", "not_rated", "provisional"]
    assert index["why_not_rated"].to_list() == [None, "low_reliability", None, "low_reliability", None]


def test_reliability_is_that_of_anybody_with_as_much_evidence():
    # T23. Left in the estimates: rates .427586 / (1 + .427586 E) = (.157761, .299517, .096724, .230483, .136264); shares
    # .115112 x .16 x 7.687193 / (7.687193 + n) = (.008005, .012114, .005977, .012114, .005977).
    # Mean squared steepness: rates (4 x 30^2 + 24^2) / 5 = 835.2; shares (100^2 + 4 x 150^2) / 5 = 20,000.
    # Of the index at the means, squared: S / U = 74.693834 / 76.709422 = .973724 and 74.693834 / 72.607544 = 1.028734.
    # Noise^2 = .36 x .973724 x 835.2 V1 + .16 x 1.028734 x 20,000 V2 = (72.539, 127.570, 47.994, 107.359, 59.571); mean
    # of what counts, the less of this and the own variance (48.7, 142.3, 53.9, 133.4, 85.6): 78.243; Var(S) = 57.203;
    # R = 1 - noise^2 / 135.446
    index = five_estates(draws=MANY, **REAL)["index_scores"].sort("unit_id")
    assert index["reliability"].to_list() == pytest.approx([0.640, 0.058, 0.646, 0.207, 0.560], abs=0.004)


def test_where_a_unit_stands_does_not_make_its_evidence_less():
    rows = [unit_row(f"e{i:02}") for i in range(40)]
    # the same exposure for all; goalposts fall five times as steeply below the minimum as above
    posts = RATE | {"fail": 2.0, "minimum": 1.5, "target": 0.2, "best": 0.0}
    units = units_frame(rows)
    sums = sums_frame("events", [1.0 * (i % 20) for i in range(40)], [10.0] * 40, units)
    made = scored(rows, sums, {"events": posts}, {"fire": 1.0}, coverage_min=0.0)["index_scores"]
    low = made.filter(pl.col("score") < 60)
    assert low["reliability"].n_unique() == 1  # as much evidence, as well known, however low
    by_own = 1 - low["sd"] ** 2 / (made["score"].var(ddof=0) + (made["sd"] ** 2).mean())
    assert (low["reliability"] > by_own + 0.1).all()
    assert made.filter(pl.col("score") < 60)["sd"].mean() > 2 * made.filter(pl.col("score") > 60)["sd"].mean()


def test_what_is_provisional_has_a_score_and_an_interval_and_neither_band_nor_rank():
    row = five_estates(**REAL)["index_scores"].filter(unit_id="e2").row(0, named=True)
    assert row["final"] == pytest.approx(76.361473, abs=1e-5)
    assert row["lo"] < row["final"] < row["hi"]
    assert row["band"] is row["rank_in_class"] is row["rank_overall"] is row["rank_lo"] is row["rank_hi"] is None


# --- draws -----------------------------------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_bytes_on_any_number_of_cores(monkeypatch):
    known = one_rate(np.linspace(1, 30, 300), np.full(300, 9.0))  # three blocks
    many = score_draws(known, 50, (PERIOD, "estate"), 0.5, 1.0)
    monkeypatch.setattr(draws.os, "cpu_count", lambda: 1)
    assert score_draws(known, 50, (PERIOD, "estate"), 0.5, 1.0).tobytes() == many.tobytes()


def test_another_level_or_period_draws_anew():
    known = one_rate([12.0], [6.0])
    first, *others = (score_draws(known, 50, names, 0.5, 1.0) for names in ((PERIOD, "estate"), (PERIOD, "tenure"), ("2026Q2", "estate")))  # fmt: skip
    assert all((first != other).any() for other in others)


def test_a_seed_is_the_same_everywhere():
    # the first 16 bytes of sha256("2026Q3/estate/0"), by sha256sum
    assert seed_of("2026Q3", "estate", 0) == int("8adc85cd708bf4dfad46af173f58aefa", 16)


def test_an_estate_with_little_evidence_has_the_wider_interval():
    rows = [unit_row(f"e{i}") for i in range(5)]
    units = units_frame(rows)
    # e3 and e4 have the class's rate, one on a twentieth of the other's exposure
    sums = sums_frame("events", [8, 1, 4, 10, 0.5], [4, 3, 6, 10, 0.5], units)
    made = scored(rows, sums, {"events": RATE}, {"fire": 1.0}, coverage_min=0.0)["index_scores"].sort("unit_id")
    width = (made["hi"] - made["lo"]).to_list()
    assert width[4] > width[3]


def test_a_fact_is_not_drawn():
    rows = [unit_row(f"e{i}") for i in range(5)]
    sums = sums_frame("drill", [1, 0, 1, 1, 0], [1] * 5, units_frame(rows))
    made = scored(rows, sums, {"drill": DRILL}, {"drills": 1.0}, coverage_min=0.0)["index_scores"]
    assert made["sd"].to_list() == [0.0] * 5
    assert made["reliability"].to_list() == [1.0] * 5
    assert (made["lo"] == made["final"]).all() and (made["hi"] == made["final"]).all()


# --- intervals and chances -------------------------------------------------------------------------------------------

SCORES = st.lists(st.floats(0, 100), min_size=2, max_size=30)


@settings(max_examples=60, deadline=None)
@given(SCORES, st.floats(0, 40))
def test_an_interval_holds_the_score_and_stays_within_the_scale(values, spread):
    final = np.array(values)
    lo, hi = interval(final, np.full(final.shape, spread), 1.645)
    assert ((lo >= 0) & (lo <= final) & (final <= hi) & (hi <= 100)).all()


@settings(max_examples=60, deadline=None)
@given(SCORES, st.floats(0, 40))
def test_the_chance_of_failing_never_rises_with_the_score(values, spread):
    score = np.sort(np.array(values))
    p = chance_below(60.0, score, np.full(score.shape, spread))
    assert ((p >= 0) & (p <= 1)).all() and (np.diff(p) <= 0).all()


@settings(max_examples=60, deadline=None)
@given(SCORES, st.floats(0, 40), st.integers(1, 40))
def test_reliability_lies_between_nothing_and_certainty(values, spread, least):
    score = np.array(values)
    found = judged(score, np.linspace(0, spread, score.size), np.arange(score.size) % 2, least)
    assert ((found >= 0) & (found <= 1)).all()


def test_a_small_class_is_compared_with_everybody():
    # classes of 3 and 2; by itself the second has no variance: 1 - 4 / 4 = 0; with everybody the variance counts
    score, classes = np.array([80.0, 70.0, 66.0, 72.0, 72.0]), np.array([0, 0, 0, 1, 1])
    sd = np.full(5, 2.0)
    assert judged(score, sd, classes, least=2)[3:] == pytest.approx([0.0, 0.0])
    everybody = 1 - 4 / (((8**2 + 2**2 + 6**2) / 5) + 4)  # mean 72
    assert judged(score, sd, classes, least=6) == pytest.approx([everybody] * 5)


def test_a_score_without_draws_has_no_reliability_and_disturbs_nobody():
    found = judged(np.array([80.0, 60.0, np.nan]), np.array([2.0, 2.0, np.nan]), np.zeros(3, dtype=int), least=50)
    assert found[:2] == pytest.approx([1 - 4 / 104] * 2)  # Var 100, mean sd^2 4
    assert np.isnan(found[2])


def test_a_cap_settles_the_chances_below_it_and_the_upper_end():
    cap = pl.DataFrame(
        [{"level": "estate", "unit_id": "e0", "period": PERIOD, "cap": 59.0, "cap_reason": "fatal_fire"}],
        schema=caps.CAPS,
    )
    row = five_estates(caps_now=cap)["index_scores"].filter(unit_id="e0").row(0, named=True)
    assert (row["final"], row["hi"], row["p_below"], row["p_above"]) == (59.0, 59.0, 1.0, 0.0)
    free = five_estates(caps_now=NO_CAPS)["index_scores"].filter(unit_id="e0").row(0, named=True)
    assert row["sd"] == free["sd"] and row["lo"] == pytest.approx(59.0 - 1.645 * row["sd"])


# --- rank intervals --------------------------------------------------------------------------------------------------


def test_a_rank_interval_holds_the_rank():
    made = five_estates()["index_scores"]
    assert made.select((pl.col("rank_lo") <= pl.col("rank_in_class")) & (pl.col("rank_in_class") <= pl.col("rank_hi"))).to_series().all()  # fmt: skip
    assert made["rank_lo"].min() == 1 and made["rank_hi"].max() <= 5


def test_far_apart_scores_have_one_place_each_and_equal_ones_share_all():
    rng = np.random.default_rng(1)
    drawn = rng.normal(0, 1, (6, 1000)) + np.array([90, 60, 30, 50, 50, 50])[:, None]
    point, group = np.array([90.0, 60.0, 30.0, 50.0, 50.0, 50.0]), np.array([0, 0, 0, 1, 1, 1])
    found = places(drawn.astype(np.float32), point, group, 0.90)
    low, high = found.low, found.high
    assert low.tolist() == [1, 2, 3, 1, 1, 1]
    assert high.tolist() == [1, 2, 3, 3, 3, 3]


def test_draws_are_centred_on_the_published_score():
    # both are drawn around 50; published 80 and 20 they keep their order
    drawn = np.random.default_rng(2).normal(50, 1, (2, 1000)).astype(np.float32)
    found = places(drawn, np.array([20.0, 80.0]), np.array([0, 0]), 0.90)
    low, high = found.low, found.high
    assert (low.tolist(), high.tolist()) == ([2, 1], [2, 1])


# --- caps on what is surely low --------------------------------------------------------------------------------------

LOW_RULE = Book().on(date(2026, 9, 30), "caps")


def test_a_sub_index_is_surely_low_from_a_probability_of_eight_in_ten():
    # P(U < 60): (60 - 52.378) / 11.944 = .6382: .738; (60 - 49.9) / 12 = .8417: .80002; (60 - 49.9) / 12.1 = .8347: .798
    subs, sd = np.array([[52.378, 90.0], [49.9, 90.0], [49.9, 90.0]]), np.array([[11.944, 1], [12, 1], [12.1, 1]])
    found = surely_low(subs, sd, ("fire", "residents"), LOW_RULE)
    assert found["low_safety"].tolist() == [False, True, False]
    # the same numbers in another sub-index cap nothing: P(U < 40) is far from .80
    found = surely_low(subs, sd, ("residents", "security"), LOW_RULE)
    assert found["low_safety"].tolist() == found["low_subindex"].tolist() == [False, False, False]


def test_any_sub_index_surely_below_forty_caps_and_one_without_points_does_not():
    # (40 - 35) / 5 = 1: .841
    found = surely_low(
        np.array([[35.0, np.nan], [np.nan, np.nan]]), np.array([[5.0, 0], [0, 0]]), ("residents", "fire"), LOW_RULE
    )
    assert found["low_subindex"].tolist() == [True, False]
    assert found["low_safety"].tolist() == [False, False]


def test_the_lowest_of_all_caps_holds_and_each_reason_is_named():
    rows = pl.DataFrame(
        {"score": [75.0, 75.0, 75.0, None], "cap": [None, 59.0, None, None], "cap_reason": [None, "fatal_fire", None, None],
         "low_safety": [True, True, False, True], "low_subindex": [True, False, False, False]},
        schema_overrides={"cap": pl.Float64, "cap_reason": pl.String},
    )  # fmt: skip
    found = capped(rows, LOW_RULE).select("cap", "cap_reason", "final").rows()
    assert found == [(69.0, "low_safety,low_subindex", 69.0), (59.0, "fatal_fire,low_safety", 59.0), (None, None, 75.0),
                     (69.0, "low_safety", None)]  # fmt: skip


def test_the_drawn_spread_of_a_sub_index_is_that_of_its_metric():
    # T14's rate is the whole sub-index: 13.570794
    made = draw(one_rate([12.169355], [6.169355]), 400_000, (PERIOD, "estate"), 1.0, 0.0)
    assert made.sub_sd[0, 0] == pytest.approx(13.570794, abs=0.1)
    assert made.sub_mean[0, 0] == pytest.approx(48.658824, abs=0.1)


def test_thirds_are_counted_over_all_draws():
    # three units, four draws: the first leads in three of four, is second once; nobody is moved by re-centring
    drawn = np.array([[9, 9, 9, 5.0], [5, 5, 5, 9.0], [1, 1, 1, 1.0]], dtype=np.float32)
    found = places(drawn, drawn.mean(axis=1), np.zeros(3, dtype=int), 0.5)
    assert found.upper.tolist() == [0.75, 0.25, 0.0]
    assert found.lower.tolist() == [0.0, 0.0, 1.0]
