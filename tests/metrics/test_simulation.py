"""The method on invented districts whose truth is known (method.md section 15): the order of things, not the digits.

Small districts, fixed seeds. Bounds are those of section 15 with room for chance: a figure of 3 districts of 400 estates
strays by about its standard deviation over districts, which ``make simulate`` prints.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import studies
from benchmarks.judge import goalposts
from benchmarks.world import AT, METRICS, NAMES, World, draw, split

DISTRICT = World(estates=400, companies=40)
SEEDS = range(11, 14)


def averaged(study, world: World = DISTRICT) -> dict[str, float]:
    rows = [study(world, seed) for seed in SEEDS]
    return {key: float(np.nanmean([row[key] for row in rows])) for key in rows[0]}


@pytest.fixture(scope="module")
def main() -> dict[str, float]:
    return averaged(studies.main)


@pytest.fixture(scope="module")
def thin() -> dict[str, float]:
    return averaged(studies.main, World(estates=400, companies=40, evidence=0.3))


def test_the_method_orders_estates_better_than_raw_rates_and_those_better_than_counted_deductions(main, thin):
    for found in (main, thin):
        assert found["us_rho"] > found["raw_rho"] > found["ded_rho"]
        assert found["us_rho"] > found["mm_rho"]
        assert found["us_rho"] > found["eb_rho"], "shrinking each metric alone and adding up loses order"


def test_selection_is_wrong_far_less_often_than_a_bottom_list_of_the_same_length(main, thin):
    for found in (main, thin):
        assert found["us_wrong"] < found["mm_same"] / 2
        assert found["us_wrong"] < found["us_w60"], "and less often than of all below the line"


def test_no_more_flags_are_wrong_than_the_list_says_to_expect(main, thin):
    for found in (main, thin):
        assert found["us_wrong"] <= found["us_expected"] <= 10


def test_intervals_hold_what_they_promise_and_those_of_metrics_shrunk_alone_do_not(main, thin):
    for found in (main, thin):
        assert 84 <= found["us_cover"] <= 97
        assert found["eb_cover"] < 75


def test_published_differences_are_true_to_size(main, thin):
    assert 0.9 <= main["us_slope"] <= 1.15
    assert main["eb_slope"] > 1.2, "over-shrunk: true differences are larger than the published ones"
    assert abs(thin["us_slope"] - 1) < abs(thin["eb_slope"] - 1)


def test_fewer_records_mean_fewer_flags_not_more_wrong_ones(main, thin):
    assert thin["us_flags"] < main["us_flags"]
    assert thin["us_wrong"] <= 10
    assert thin["us_rated"] < main["us_rated"]


def test_lists_of_raw_counts_are_lists_of_large_estates(main):
    assert main["ded_large"] > 80  # a third of the estates are large


def test_the_strength_factor_is_learned_from_the_records():
    found = {r: averaged(studies.weak, World(estates=400, companies=40, alike=r)) for r in (0.74, 0.02)}
    assert found[0.74]["us_lambda"] > 5 > 3 > found[0.02]["us_lambda"]
    assert found[0.02]["us_wrong"] < found[0.02]["fixed_wrong"]


def test_adjustments_take_out_who_inspected_and_part_of_who_calls():
    found = averaged(studies.adjustments)
    assert abs(found["strict_after"]) < abs(found["strict_before"]) / 2
    assert abs(found["loud_after"]) < abs(found["loud_before"])
    assert found["strict_rho"] > 0.9


def test_a_company_answers_for_its_own_time_only():
    found = averaged(studies.companies)
    assert found["tenures"] > found["current"] > found["naive"]


def test_a_list_that_waits_changes_less_than_one_drawn_anew():
    found = averaged(studies.lists)
    assert found["moves"] < found["redrawn"]


def test_the_same_world_and_seed_are_the_same_district():
    one, again = (draw(DISTRICT, 3) for _ in range(2))
    for name in ("y", "e", "yy", "records", "failed", "duplicates"):
        np.testing.assert_array_equal(getattr(one.records, name), getattr(again.records, name))


def test_records_follow_the_truth_they_are_drawn_from():
    """Without inspectors' eyes and reporting habits, sums over expected sums are 1 within four standard errors."""
    still = World(estates=4000, strictness_sd=0.0, reporting_sd=0.0, reporting_village=0.0)
    district = draw(still, 5)
    for name in ("fire", "incident", "issue", "ontime", "facility"):
        j = AT[name]
        y, expected = district.records.y[..., j].sum(), (district.level[..., j] * district.records.e[..., j]).sum()
        assert abs(y / expected - 1) < 4 / np.sqrt(y), name


def test_a_metric_moves_with_the_others_as_much_as_the_world_says():
    """Log rates share the part ``alike`` of their variance: their correlation within a class, over time and estates."""
    district = draw(World(estates=6000, companies=3000, alike=0.5), 7)
    at = district.estate_class == 1
    a, b = (np.log(district.level[:, at, AT[n]]).ravel() for n in ("incident", "issue"))
    assert abs(np.corrcoef(a, b)[0, 1] - 0.5) < 0.06


def test_goalposts_of_the_base_year_put_28_percent_below_the_minimum():
    """The minimum is the 72nd percentile of badness (method.md 3)."""
    level = draw(World(), 9).level[-1]
    minimum = goalposts(level)[1]
    for j, metric in enumerate(METRICS.values()):
        worse = level[:, j] > minimum[j] if metric.family in ("rate", "severity") else level[:, j] < minimum[j]
        assert abs(worse.mean() - 0.28) < 0.002, NAMES[j]


def test_split_halves_tell_that_metrics_shrunk_alone_are_pulled_too_far():
    found = averaged(studies.halves)
    assert 0.85 <= found["half_us"] <= 1.15  # the bounds of method.md 9.4
    assert found["half_eb"] > found["half_us"] + 0.1


def test_halves_of_the_records_add_up_to_the_whole():
    whole = draw(DISTRICT, 2)
    one, other = split(whole, 2)
    for name in ("y", "e", "yy", "records"):
        parts = getattr(one.records, name) + getattr(other.records, name)
        np.testing.assert_allclose(parts, getattr(whole.records, name), atol=1e-9)
    assert (one.records.y >= 0).all() and (other.records.y >= 0).all()
    assert not ((one.records.inspector >= 0) & (other.records.inspector >= 0)).any(), "no visit stands in both"
