"""Companies and office heads: T13 of method.md, weights, least evidence, class distributions."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.edition_tables import TABLES
from metrics.companies import parts, quantiles, roll_up, weighed, worst_share_mean
from tests.metrics.scoring import PERIOD, index_rule

#: The example's weights are what remains after the ceiling.
NO_CEILING = {"weight_cap_quantile": 1.0}


def spells(scores, weights, days=None, **columns) -> pl.DataFrame:
    """Rated spells of company ``acme``; a score of None is a spell that is not rated."""
    n = len(scores)
    base = {
        "unit_id": [f"u{i}" for i in range(n)], "company_id": ["acme"] * n, "head_id": ["h1"] * n,
        "period": [PERIOD] * n, "households": [100] * n, "in_charge_days": days or [400] * n, "current": [True] * n,
        "final": scores, "sd": [5.0] * n, "estate_class": ["HR"] * n, "household_days": [float(w) for w in weights],
        "state": ["not_rated" if s is None else "rated" for s in scores],
    } | columns  # fmt: skip
    return pl.DataFrame(base, schema_overrides={"final": pl.Float64})


def company(*args, party: str = "company", rule=None, **columns) -> dict:
    rows = roll_up(spells(*args, **columns), party, rule or index_rule(**NO_CEILING))
    assert rows.height == 1
    return rows.row(0, named=True)


def test_one_rotten_estate_cannot_hide_behind_volume():
    # T13: (88 x 500 + 90 x 300 + 35 x 200) / 1000 = 78; the worst 20 % is the third estate: 35 + 25
    row = company([88.0, 90.0, 35.0], [500, 300, 200])
    assert (row["mean"], row["worst_fifth"], row["final"]) == (pytest.approx(78.0), 35.0, 60.0)
    assert (row["worst_unit_id"], row["band"], row["state"]) == ("u2", "attention", "rated")


def test_one_tiny_estate_cannot_sink_a_company():
    # T13: (70 x 600 + 50 x 300 + 82 x 100) / 1000 = 65.2; the worst 20 % lies within the second estate: 50 + 25
    row = company([70.0, 50.0, 82.0], [600, 300, 100])
    assert (row["mean"], row["worst_fifth"], row["final"]) == (pytest.approx(65.2), 50.0, pytest.approx(65.2))


def test_the_worst_fifth_takes_the_part_of_an_estate_it_needs():
    # 20 % of 1000 = 200: all 50 of the worst, 150 of the next: (40 x 50 + 60 x 150) / 200
    frame = spells([40.0, 60.0, 90.0], [50, 450, 500])
    mean = frame.select(worst_share_mean(pl.col("final"), pl.col("household_days"), 0.2, ["period"])).to_series()
    assert mean.to_list() == pytest.approx([55.0] * 3)


def test_a_giant_estate_weighs_no_more_than_the_95th_percentile():
    # of 100, 200, 300, 400 and 1000 the 95 % quantile lies .8 of the way from 400 to 1000
    frame = weighed(spells([50.0] * 5, [100, 200, 300, 400, 1000]), index_rule())
    assert frame["weight"].to_list() == pytest.approx([100, 200, 300, 400, 880])


def test_the_ceiling_is_taken_over_all_spells_rated_or_not():
    frame = spells([50.0, 60.0, None], [100, 200, 1000])
    row = roll_up(frame, "company", index_rule(weight_cap_quantile=0.5, company_min_units=2)).row(0, named=True)
    assert row["mean"] == pytest.approx((50 * 100 + 60 * 200) / 300)  # the median of all three is 200


@pytest.mark.parametrize(
    ("scores", "days", "state"),
    [
        ([70.0] * 3, [200, 200, 200], "rated"),  # three estates
        ([70.0] * 2, [365, 365], "not_rated"),  # 730 days: half a day short of two years
        ([70.0] * 2, [365, 366], "rated"),
        ([70.0, None, None], [700, 900, 900], "not_rated"),  # spells that are not rated do not count
    ],
)
def test_a_company_needs_three_estates_or_two_years(scores, days, state):
    row = company(scores, [100] * len(scores), days)
    assert row["state"] == state
    assert (row["band"] is None) == (row["rank"] is None) == (state == "not_rated")
    assert row["why_not_rated"] == (None if state == "rated" else "few_units")


@pytest.mark.parametrize(("days", "state"), [(179, "not_rated"), (180, "rated")])
def test_a_head_needs_half_a_year(days, state):
    row = company([70.0], [100], [days], party="head")
    assert (row["party"], row["party_id"], row["state"]) == ("head", "h1", state)
    assert row["why_not_rated"] == (None if state == "rated" else "short_tenure")


def test_spells_that_ended_count_in_the_mean_and_not_in_the_homes():
    row = company([60.0, 80.0, 70.0], [100] * 3, current=[True, False, True], households=[100, 900, 50])
    assert (row["mean"], row["households"], row["units"], row["units_rated"]) == (pytest.approx(70.0), 150, 3, 3)


def test_a_company_that_left_is_rated_and_not_ranked():
    row = company([60.0] * 3, [100] * 3, current=[False] * 3)
    assert (row["state"], row["rank"], row["households"]) == ("rated", None, 0)


def test_a_company_without_a_rated_estate_has_no_score():
    row = company([None, None], [100, 100])
    assert (row["mean"], row["final"], row["state"], row["units_rated"]) == (None, None, "not_rated", 0)


def test_provisional_estates_count_and_those_not_rated_do_not():
    # (60 x 100 + 90 x 300) / 400 = 82.5: the provisional one is in; the last, scored but not rated, is not
    states = ["rated", "provisional", "not_rated"]
    row = company([60.0, 90.0, 10.0], [100, 300, 900], state=states, rule=index_rule(**NO_CEILING, company_min_units=2))
    assert (row["mean"], row["units_rated"], row["state"]) == (pytest.approx(82.5), 2, "rated")


def test_what_provisional_estates_take_off_is_told_too():
    # of 400: 100 x (100 - 60) / 400 = 10 and 300 x (100 - 90) / 400 = 7.5 make the 17.5 missing from 100
    frame = spells([60.0, 90.0, 10.0], [100, 300, 900], state=["rated", "provisional", "not_rated"])
    found = parts(frame.with_columns(estate_id="unit_id"), "company", index_rule(**NO_CEILING))
    assert found["points_lost"].to_list() == pytest.approx([10.0, 7.5])


def test_companies_are_ranked_period_by_period():
    names = ["acme"] * 3 + ["best"] * 3 + ["new"]
    frame = spells([60.0] * 3 + [80.0] * 3 + [99.0], [100] * 7, company_id=names)
    frame = pl.concat([frame, frame.with_columns(period=pl.lit("2026Q2"), final=150 - pl.col("final"))])
    made = roll_up(frame, "company", index_rule()).filter(pl.col("rank").is_not_null())
    ranks = made.sort("period", "rank").select("period", "party_id", "rank", "ranked").rows()
    assert ranks == [("2026Q2", "acme", 1, 2), ("2026Q2", "best", 2, 2), (PERIOD, "best", 1, 2), (PERIOD, "acme", 2, 2)]


def test_the_roll_up_meets_its_contract():
    rows = pl.concat(
        [roll_up(spells([70.0, None, 60.0], [1, 2, 3]), p, index_rule()).drop(f"{p}_id") for p in ("company", "head")]
    )
    TABLES["company_scores"].validate(rows.select(list(TABLES["company_scores"].to_schema().columns)), lazy=True)


SCORES = st.lists(st.tuples(st.floats(0, 100), st.floats(1, 1e6)), min_size=3, max_size=12)


@settings(max_examples=50, deadline=None)
@given(SCORES)
def test_a_company_stands_between_its_worst_and_its_best(found):
    scores, weights = zip(*found, strict=True)
    row = company(list(scores), list(weights))
    assert min(scores) - 1e-9 <= row["worst_fifth"] <= row["mean"] + 1e-9 <= max(scores) + 2e-9
    assert row["final"] <= min(row["mean"], row["worst_fifth"] + 25) + 1e-9


@settings(max_examples=50, deadline=None)
@given(found=SCORES, order=st.randoms(use_true_random=False))
def test_the_order_of_spells_changes_no_bit(found, order):
    scores, weights = (list(x) for x in zip(*found, strict=True))
    frame = spells(scores, weights)
    mixed = frame.sample(fraction=1, shuffle=True, seed=order.randint(0, 10**6))
    assert roll_up(frame, "company", index_rule()).equals(roll_up(mixed, "company", index_rule()))


# --- class distributions ---------------------------------------------------------------------------------------------


def distributions(index_state: list[str], value_state: list[str]) -> pl.DataFrame:
    """Estates with 10, 20, ... points everywhere."""
    n = len(index_state)
    keys = {"level": ["estate"] * n, "unit_id": [f"e{i}" for i in range(n)], "period": [PERIOD] * n}
    points = [10.0 * (i + 1) for i in range(n)]
    metric = pl.DataFrame(keys | {"metric": ["events"] * n, "state": value_state, "points": points})
    subs = pl.DataFrame(keys | {"subindex": ["fire"] * n, "points": points})
    index = pl.DataFrame(keys | {"estate_class": ["HR"] * n, "state": index_state, "final": points})
    return quantiles(metric, subs, index, index_rule())


def test_a_class_shows_its_distribution_without_names():
    made = distributions(["rated"] * 5, ["measured"] * 5)
    TABLES["quantiles"].validate(made, lazy=True)
    assert made["metric"].to_list() == ["events", "fire", "index"]
    # of 10, 20, 30, 40, 50: the 10 % quantile lies .4 of the way from 10 to 20
    assert made.row(2)[3:] == (5, *(pytest.approx(x) for x in (14.0, 20.0, 30.0, 40.0, 46.0)))


def test_a_class_of_four_shows_nothing():
    assert distributions(["rated"] * 4, ["measured"] * 4).is_empty()


def test_only_what_was_measured_and_rated_is_distributed():
    made = distributions(["rated"] * 6 + ["not_rated"] * 2, ["measured"] * 5 + ["not_collected"] * 3)
    assert made.select("metric", "units").rows() == [("events", 5), ("fire", 6), ("index", 6)]


# --- how sure a company's score is -----------------------------------------------------------------------------------


def test_the_spread_of_one_companys_mean():
    # one company tells nothing of likeness: Var = 25 (.5^2 + .3^2 + .2^2) = 9.5, widened by 1.25
    row = company([88.0, 90.0, 35.0], [500, 300, 200])
    assert row["sd"] == pytest.approx(1.25 * 9.5**0.5)
    assert row["lo"] == pytest.approx(60 - 1.645 * row["sd"])
    assert row["hi"] == pytest.approx(60 + 1.645 * row["sd"])


def two_companies(scores: list[float]) -> pl.DataFrame:
    frame = spells(scores, [100] * 4).with_columns(company_id=pl.Series(["acme", "acme", "bolt", "bolt"]))
    return roll_up(frame, "company", index_rule(company_min_units=2, **NO_CEILING))


def test_errors_shared_within_a_company_do_not_average_out():
    # no difference within: ICC 1; tau2 = 100 + 25; .5^2 x 25 x 2 = 12.5; (25^2 - 2 x 12.5^2) / 125 = 2.5
    assert two_companies([80.0, 80.0, 60.0, 60.0])["sd"].to_list() == pytest.approx([1.25 * 15**0.5] * 2)


def test_where_companies_are_no_more_alike_than_strangers_errors_average_out():
    # both means are 70: ICC below 0 counts as 0
    assert two_companies([80.0, 60.0, 80.0, 60.0])["sd"].to_list() == pytest.approx([1.25 * 12.5**0.5] * 2)


def test_a_rank_set_holds_the_rank_and_is_wide_where_scores_are_close():
    made = two_companies([80.0, 80.0, 79.0, 79.0]).sort("rank")
    assert made.select("rank", "rank_lo", "rank_hi").rows() == [(1, 1, 2), (2, 1, 2)]
    apart = two_companies([95.0, 95.0, 20.0, 20.0]).sort("rank")
    assert apart.select("rank", "rank_lo", "rank_hi").rows() == [(1, 1, 1), (2, 2, 2)]


def test_office_heads_have_an_interval_and_no_rank_set():
    row = company([88.0, 90.0, 35.0], [500, 300, 200], party="head")
    assert row["sd"] is not None and row["rank_lo"] is row["rank_hi"] is None
