"""Scores end to end: T23 of method.md, what is not rated and why, bands, ranks, caps in the total."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from data.edition_tables import TABLES
from metrics import caps, priors, scores
from metrics.certainty import Ways
from tests.metrics.scoring import (
    PERIOD,
    RATE,
    SHARE,
    grid_for,
    index_rule,
    sums_frame,
    terms_for,
    unit_row,
    units_frame,
)

EVENTS, EXPOSURE = (2, 0, 6, 1, 11), (4, 1, 8, 2, 5)
PASSED, CHECKED = (10, 2, 12, 2, 14), (10, 4, 16, 4, 16)
ALONE = {"class_pooled_below": 0, "class_blended_below": 0, "pair_units_min": 1, "winsorise": 0.0}
#: A handful of estates is never told apart reliably; where a test is about something else, that is left out.
ANY = {"reliability_rated": 0.0, "reliability_provisional": 0.0}
WEIGHTS = {"fire": 0.6, "rectification": 0.4}
DRILL = SHARE | {"family": "obligation", "subindex": "drills", "source": "company"}
NO_CAPS = pl.DataFrame(schema=caps.CAPS)


def five_estates(order=None, caps_now=NO_CAPS, names=None, **changes) -> dict[str, pl.DataFrame]:
    """T23: the five estates of T4 and T5, two sub-indices of .6 and .4."""
    order = list(range(5)) if order is None else order
    units = units_frame([unit_row((names or {}).get(f"e{i}", f"e{i}")) for i in order])
    pick = [list(np.array(x)[order]) for x in (EVENTS, EXPOSURE, PASSED, CHECKED)]
    sums = pl.concat([sums_frame("events", *pick[:2], units), sums_frame("passed", *pick[2:], units)])
    terms = terms_for({"events": RATE, "passed": SHARE}, WEIGHTS)
    grid, rule = grid_for(terms, units, sums), index_rule(**(ALONE | ANY | changes))
    return scores.score(grid, terms, caps_now, Ways(priors.estimate(grid, terms, rule), rule))


def scored(
    rows: list[dict], sums: pl.DataFrame, metrics: dict, weights=None, applicable=None, caps_now=NO_CAPS, **changes
):
    """Score any few units; ``changes`` to the index rule."""
    units = units_frame(rows)
    terms = terms_for(metrics, weights or WEIGHTS)
    grid, rule = grid_for(terms, units, sums, applicable), index_rule(**(ALONE | ANY | changes))
    return scores.score(grid, terms, caps_now, Ways(priors.estimate(grid, terms, rule), rule))


def test_the_worked_example_comes_out_end_to_end():
    made = five_estates()
    index = made["index_scores"].sort("unit_id")
    assert index.get_column("score").to_list() == pytest.approx(
        [87.170460, 73.730049, 76.361473, 72.563167, 63.644020], abs=1e-5
    )
    subs = made["subindex_scores"].sort("subindex", "unit_id")
    assert subs.get_column("points").to_list() == pytest.approx(
        [84.465649, 83.985507, 80.803432, 81.914498, 52.378022, 91.307604, 59.598552, 69.933976, 59.598552, 82.599037],
        abs=1e-5,
    )
    lost = made["metric_scores"].sort("unit_id", "metric").filter(pl.col("unit_id").is_in(["e1", "e4"]))
    assert lost.get_column("points_lost").to_list() == pytest.approx(
        [-9.319026, -16.950924, -29.800593, -6.555387], abs=1e-5
    )


def test_the_bare_record_is_scored_beside():
    # estate 2: no event on 1 scores 100, 2 of 4 scores 30: (.6 x 10 + .4 x 30^.5)^2; method.md 4.3
    own = five_estates()["index_scores"].filter(pl.col("unit_id") == "e1").get_column("own_score").item()
    assert own == pytest.approx((6 + 0.4 * 30**0.5) ** 2)


def test_every_table_meets_its_contract():
    for name, frame in five_estates().items():
        contract = TABLES[name]
        contract.validate(frame.select(list(contract.to_schema().columns)), lazy=True)


def test_points_lost_and_the_gap_to_the_class_add_up():
    made = five_estates()
    whole = made["index_scores"].select("unit_id", missing=pl.col("score") - 100)
    for table in ("metric_scores", "subindex_scores"):
        lost = made[table].group_by("unit_id").agg(pl.col("points_lost").sum()).join(whole, on="unit_id")
        assert (lost["points_lost"] - lost["missing"]).abs().max() < 1e-9
    # the class level is the mean of the five estates' points, metric by metric: (84.465649 + ... + 52.378022) / 5 etc.
    level = (0.6 * 76.7094216**0.5 + 0.4 * 72.6075442**0.5) ** 2
    gap = made["metric_scores"].group_by("unit_id").agg(pl.col("gap_to_class").sum()).join(
        made["index_scores"].select("unit_id", "score"), on="unit_id"
    )  # fmt: skip
    assert (gap["score"] - gap["gap_to_class"]).to_list() == pytest.approx([level] * 5, abs=1e-5)


def test_the_order_of_the_input_changes_no_bit():
    straight, mixed = five_estates(), five_estates(order=[4, 2, 0, 3, 1])
    for name, frame in straight.items():
        assert frame.equals(mixed[name]), name


def test_the_names_of_estates_do_not_matter():
    names = dict(zip(("e0", "e1", "e2", "e3", "e4"), ("z", "k", "a", "q", "c"), strict=True))
    plain, renamed = five_estates()["index_scores"], five_estates(names=names)["index_scores"]
    by_name = dict(renamed.select("unit_id", "score").iter_rows())
    for unit_id, score in plain.select("unit_id", "score").iter_rows():
        assert by_name[names[unit_id]] == pytest.approx(score, rel=1e-12)


def test_the_final_score_never_stands_above_a_cap_in_force():
    cap = pl.DataFrame(
        [
            {"level": "estate", "unit_id": u, "period": PERIOD, "cap": c, "cap_reason": "fatal_fire"}
            for u, c in (("e0", 59.0), ("e4", 69.0))
        ],
        schema=caps.CAPS,
    )
    index = five_estates(caps_now=cap)["index_scores"].sort("unit_id")
    assert index["final"].to_list() == pytest.approx([59.0, 73.730049, 76.361473, 72.563167, 63.644020], abs=1e-5)
    assert index["score"][0] == pytest.approx(87.170460, abs=1e-5)  # the score itself stays visible
    assert index["band"].to_list() == ["failing", "good", "good", "good", "attention"]


# --- what applies, what was collected --------------------------------------------------------------------------------

METRICS = {"events": RATE, "passed": SHARE, "drill": DRILL}
THREE = {"fire": 0.6, "rectification": 0.2, "drills": 0.2}


def three_metrics(events, passed, drill, rows=None, **more) -> dict[str, pl.DataFrame]:
    """Five estates and three metrics; each metric given as (y, e)."""
    rows = rows or [unit_row(f"e{i}") for i in range(5)]
    units = units_frame(rows)
    sums = pl.concat([sums_frame(n, *v, units) for n, v in (("events", events), ("passed", passed), ("drill", drill))])
    return scored(rows, sums, METRICS, THREE, **more)


ALL_DONE = ([1] * 5, [1] * 5)


def metric_row(made: dict[str, pl.DataFrame], unit_id: str, metric: str) -> dict:
    rows = made["metric_scores"].filter((pl.col("unit_id") == unit_id) & (pl.col("metric") == metric))
    assert rows.height == 1
    return rows.row(0, named=True)


def test_what_was_not_collected_stands_at_the_class_level_and_is_no_penalty():
    made = three_metrics((EVENTS, (4, 0, 8, 2, 5)), (PASSED, CHECKED), ALL_DONE)
    row = metric_row(made, "e1", "events")
    assert row["state"] == "not_collected"
    assert row["raw"] is None
    assert row["estimate"] == pytest.approx(20 / 19)  # the class: 20 events on 19
    assert row["points"] == pytest.approx(90 - 30 * (20 / 19 - 0.5))
    assert row["own_points"] is None


def test_a_metric_that_does_not_apply_leaves_its_weight_to_the_others():
    units = units_frame([unit_row(f"e{i}") for i in range(5)])
    everywhere = units.select("estate_id", "period").join(pl.DataFrame({"metric": list(METRICS)}), how="cross")
    asked = everywhere.filter((pl.col("estate_id") != "e1") | (pl.col("metric") != "passed"))
    made = three_metrics((EVENTS, EXPOSURE), (PASSED, CHECKED), ALL_DONE, applicable=asked)
    subs = made["subindex_scores"].filter(pl.col("unit_id") == "e1").sort("subindex")
    assert subs.select("subindex", "weight").rows() == [("drills", pytest.approx(0.25)), ("fire", pytest.approx(0.75))]
    assert made["metric_scores"].filter(unit_id="e1", metric="passed").is_empty()
    index = made["index_scores"].filter(unit_id="e1").row(0, named=True)
    assert index["coverage"] == 1.0  # all that applies was measured


def test_a_duty_not_yet_due_does_not_apply():
    made = three_metrics((EVENTS, EXPOSURE), (PASSED, CHECKED), ([1] * 5, [1, 0, 1, 1, 1]))
    row = metric_row(made, "e1", "drill")
    assert (row["state"], row["points"], row["weight"]) == ("not_applicable", None, 0.0)
    assert made["index_scores"].filter(unit_id="e1")["coverage"].item() == 1.0


def test_a_duty_nobody_reported_on_was_not_collected():
    made = three_metrics((EVENTS, EXPOSURE), (PASSED, CHECKED), ([0] * 5, [0] * 5))
    assert metric_row(made, "e1", "drill")["state"] == "not_collected"
    assert made["index_scores"]["coverage"].to_list() == pytest.approx([0.8] * 5)


def test_a_metric_shown_and_not_scored_has_points_and_no_weight():
    rows = [unit_row(f"e{i}") for i in range(5)]
    units = units_frame(rows)
    sums = pl.concat([sums_frame("events", EVENTS, EXPOSURE, units), sums_frame("passed", PASSED, CHECKED, units)])
    made = scored(rows, sums, {"events": RATE, "passed": SHARE | {"weight": 0.0}}, {"fire": 1.0, "rectification": 0.0})
    row = metric_row(made, "e0", "passed")
    assert row["points"] == pytest.approx(91.307604, abs=1e-5)
    assert (row["weight"], row["points_lost"]) == (0.0, None)
    assert made["index_scores"].sort("unit_id")["score"][0] == pytest.approx(84.465649, abs=1e-5)


# --- rated or not ----------------------------------------------------------------------------------------------------


def state_of(made: dict[str, pl.DataFrame], unit_id: str) -> tuple:
    row = made["index_scores"].filter(unit_id=unit_id).row(0, named=True)
    if row["state"] == "not_rated":
        assert row["band"] is row["rank_in_class"] is row["rank_overall"] is None
        assert row["score"] is not None
    return row["state"], row["why_not_rated"]


GOOD = ((EVENTS, EXPOSURE), (PASSED, CHECKED), ALL_DONE)


def test_an_estate_nobody_visited_is_not_rated():
    rows = [unit_row(f"e{i}", inspected=i != 2) for i in range(5)]
    made = three_metrics(*GOOD, rows=rows)
    assert state_of(made, "e2") == ("not_rated", "not_inspected")
    assert state_of(made, "e1") == ("rated", None)


def test_two_independent_sources_are_the_least():
    events, passed = ([0] * 5, [0] * 5), (PASSED, CHECKED)
    # e1: only inspections; its events are not known, its drills not reported; coverage would do at .2
    made = three_metrics(events, passed, ([1] * 5, [1, 0, 1, 1, 1]), coverage_min=0.2)
    assert state_of(made, "e1") == ("not_rated", "few_sources")
    assert state_of(made, "e0") == ("rated", None)


def test_half_of_what_applies_must_have_been_measured():
    # weights .6, .2, .2: without events .4 is measured
    made = three_metrics((EVENTS, (4, 0, 8, 2, 5)), (PASSED, CHECKED), ALL_DONE)
    assert made["index_scores"].filter(unit_id="e1")["coverage"].item() == pytest.approx(0.4)
    assert state_of(made, "e1") == ("not_rated", "low_coverage")
    made = three_metrics((EVENTS, (4, 0, 8, 2, 5)), (PASSED, CHECKED), ALL_DONE, coverage_min=0.4)
    assert state_of(made, "e1") == ("rated", None)


def tenures(days: list[int], **more) -> list[dict]:
    rows = [unit_row(f"e{i}") for i in range(5)]
    return rows + [unit_row(f"e{i}", level="tenure", in_charge_days=d, **more) for i, d in enumerate(days)]


def twice(columns: tuple) -> tuple:
    return tuple([*c, *c] for c in columns)


def test_a_company_is_rated_at_an_estate_from_its_180th_day():
    made = three_metrics(*(twice(c) for c in GOOD), rows=tenures([179, 180, 500, 500, 500]))
    assert state_of(made, "tenure-e0") == ("not_rated", "short_tenure")
    assert state_of(made, "tenure-e1") == ("rated", None)
    assert state_of(made, "e0") == ("rated", None)  # the estate itself


def test_an_unmanaged_class_counts_for_no_company():
    rows = [r | {"estate_class": "NP"} for r in tenures([500] * 5)]
    made = three_metrics(*(twice(c) for c in GOOD), rows=rows)
    assert state_of(made, "tenure-e0") == ("not_rated", "no_company")
    assert state_of(made, "e0") == ("rated", None)


def test_every_reason_is_named():
    rows = [unit_row(f"e{i}") for i in range(4)] + [unit_row("e4", inspected=False)]
    made = three_metrics(([0] * 5, [0] * 5), (PASSED, (10, 4, 16, 4, 0)), ALL_DONE, rows=rows)
    assert state_of(made, "e4") == ("not_rated", "not_inspected,few_sources,low_coverage")


def test_a_unit_without_any_points_has_no_score():
    rows = [unit_row("e0")]
    made = scored(rows, sums_frame("events", [0], [0], units_frame(rows)), {"events": RATE, "passed": SHARE})
    row = made["index_scores"].row(0, named=True)
    assert (row["score"], row["final"], row["state"]) == (None, None, "not_rated")
    assert made["subindex_scores"].is_empty()


# --- bands and ranks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "band"),
    [(100.0, "excellent"), (85.0, "excellent"), (84.999, "good"), (70.0, "good"), (69.999, "attention"),
     (60.0, "attention"), (59.999, "failing"), (0.0, "failing"), (None, None)],
)  # fmt: skip
def test_a_band_begins_at_its_least_score(score, band):
    frame = pl.DataFrame({"score": [score]}, schema={"score": pl.Float64})
    assert frame.select(scores.band_of(pl.col("score"), index_rule())).item() == band


def finals(values: list[float | None], **columns) -> pl.DataFrame:
    rows = pl.DataFrame({"unit_id": [f"u{i}" for i in range(len(values))], "final": values})
    state = pl.when(pl.col("final").is_null()).then(pl.lit("not_rated")).otherwise(pl.lit("rated"))
    return rows.with_columns(state=state, current=True, group=pl.lit("a")).with_columns(**columns)


def test_equal_scores_share_the_better_rank():
    made = scores.placed(finals([70.0, 90.0, 70.0, 50.0]), ["group"], "rank", "size")
    assert made["rank"].to_list() == [2, 1, 2, 4]
    assert made["size"].to_list() == [4] * 4


def test_only_rated_units_that_still_stand_are_ranked():
    rows = finals([70.0, None, 90.0]).with_columns(current=pl.Series([True, True, False]))
    made = scores.placed(rows, ["group"], "rank", "size")
    assert made["rank"].to_list() == [1, None, None]
    assert made["size"].to_list() == [1, None, None]


def test_ranks_are_apart_by_level_and_class():
    rows = [r | {"estate_class": "MR" if r["estate_id"] == "e0" else "HR"} for r in tenures([500] * 5)]
    made = three_metrics(*(twice(c) for c in GOOD), rows=rows)["index_scores"]
    e0 = made.filter(unit_id="e0").row(0, named=True)
    assert (e0["rank_in_class"], e0["class_size"], e0["overall_size"]) == (1, 1, 5)
    assert made.filter(level="tenure")["overall_size"].to_list() == [5] * 5
