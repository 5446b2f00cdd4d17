"""The fairness audit: kinds of estates beside all others."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from data.study_tables import Audit
from metrics import fairness
from rules.book import Book

RULE = Book().on(date(2026, 9, 30), "audit")


def rows(count: int, seed: int = 0, **changes) -> pl.DataFrame:
    """Estates of four classes and ten sub-districts, all treated alike; ``changes``: measure to its values."""
    rng = np.random.default_rng(seed)
    frame = {
        "estate_class": rng.choice(["HR", "MR", "OD", "UV"], count), "size": rng.choice(["low", "middle", "high"], count),
        "loudness": rng.choice(["low", "middle", "high"], count), "age": rng.choice(["low", "middle", "high"], count),
        "rental": rng.choice(["low", "middle", "high"], count), "subdistrict": rng.choice([f"S{i}" for i in range(10)], count),
        "residual": rng.normal(1, 6, count), "wrong_flags": np.full(count, np.nan),
        "reliability": rng.uniform(0.7, 0.9, count), "not_rated": (rng.random(count) < 0.05).astype(float),
    }  # fmt: skip
    return pl.DataFrame(frame | changes).with_columns(pl.col("wrong_flags").fill_nan(None))


def audited(frame: pl.DataFrame) -> pl.DataFrame:
    return Audit.validate(fairness.audit(frame, RULE, "2026Q3"))


def test_a_group_is_compared_with_all_others_by_hand():
    # (1, 2, 3): mean 2, variance 1; (4, 6): mean 5, variance 2; sqrt(1 / 3 + 2 / 2)
    frame = pl.DataFrame({"g": ["a"] * 3 + ["b"] * 2, "x": [1.0, 2, 3, 4, 6]})
    first = fairness.compare(frame, "x", "g").row(0, named=True)
    assert (first["group"], first["units"], first["value"], first["others"]) == ("a", 3, 2, 5)
    assert first["se"] == pytest.approx(1.154701, abs=1e-6)


def test_thirds_stand_by_rank_and_equals_together():
    frame = pl.DataFrame({"x": [1, 2, 3, 4, 5, 6]}).select(fairness.thirds(pl.col("x")))
    assert frame.to_series().to_list() == ["low", "low", "middle", "middle", "high", "high"]
    assert pl.DataFrame({"x": [5, 5, 5]}).select(fairness.thirds(pl.col("x"))).to_series().unique().to_list() == [
        "middle"
    ]


def test_where_all_are_treated_alike_findings_are_rare():
    # 20 districts x 4 measures at q .05 each: about 4 chance findings at most; without the rule's q some 60 of 1,600 tests
    found = sum(audited(rows(1200, seed))["finding"].sum() for seed in range(20))
    assert found <= 8


def test_a_kind_of_estate_scored_too_low_as_a_rule_holds_the_edition():
    frame = rows(1200)
    low = (frame["size"] == "low").to_numpy()
    unfair = audited(frame.with_columns(residual=frame["residual"].to_numpy() + np.where(low, 4.0, 0.0)))
    found = unfair.filter("finding", pl.col("measure") == "residual").sort("p").row(0, named=True)
    assert (found["grouping"], found["group"], found["holds"]) == ("size", "low", True)


def test_uneven_evidence_is_a_finding_and_does_not_hold():
    frame = rows(1200)
    low = (frame["size"] == "low").to_numpy()
    uneven = audited(frame.with_columns(reliability=frame["reliability"].to_numpy() - np.where(low, 0.1, 0.0)))
    found = uneven.filter("finding", pl.col("measure") == "reliability")
    assert found.height > 0 and not found["holds"].any()


def test_small_groups_and_empty_districts_tell_nothing():
    for count in (0, 1, 20):
        made = audited(rows(count, residual=np.linspace(-50, 50, count)))
        assert not made["finding"].any()


def test_a_flag_was_wrong_where_its_chance_has_fallen_below_one_half():
    scores = pl.DataFrame(
        {"level": "estate", "unit_id": ["a", "b", "c", "d"], "estate_id": ["a", "b", "c", "d"], "period": "2026Q3",
         "current": True, "estate_class": "HR", "state": ["rated", "rated", "rated", "not_rated"],
         "p_below": [0.4, 0.9, 0.1, None], "reliability": [0.8] * 4}
    )  # fmt: skip
    flags = pl.DataFrame(
        {"level": "estate", "unit_id": ["a", "b", "c", "d", "c"], "selected": [True, True, False, True, True],
         "period": ["2026Q1", "2026Q2", "2026Q2", "2026Q2", "2025Q4"]}
    )  # fmt: skip
    estates = pl.DataFrame({"period": "2026Q3", "estate_id": ["a", "b", "c", "d"], "households": [1, 2, 3, 4],
                            "subdistrict_id": "S1", "built_year": [1990, 2000, 2010, None], "rental_share": [.1, .2, .3, .4]})  # fmt: skip
    loud = pl.DataFrame({"period": "2026Q3", "estate_id": ["a", "b", "c", "d"], "propensity": [1.0] * 4})
    left = pl.DataFrame({"unit_id": ["a", "b", "c", "d"], "residual": [1.0, 2.0, 3.0, None]})
    made = fairness.measured(scores, flags, estates, loud, left, RULE, "2026Q3", ["2026Q2", "2026Q1"])
    # a was selected two periods ago and has recovered; b still stands; c was selected too long ago; d has no score
    assert made["wrong_flags"].to_list() == [1.0, 0.0, None, None]
    assert made["not_rated"].to_list() == [0.0, 0.0, 0.0, 1.0]
    assert made["age"].to_list() == ["low", "middle", "high", None]
    gone = pl.DataFrame({"estate_id": ["b", "c"]})  # b's listing was overturned; c was never selected
    made = fairness.measured(scores, flags, estates, loud, left, RULE, "2026Q3", ["2026Q2", "2026Q1"], gone)
    assert made["wrong_flags"].to_list() == [1.0, 1.0, None, None]


def flagged(wrong: int, of: int, wrong_elsewhere: int, elsewhere: int) -> pl.DataFrame:
    """Estates with a flag looked at again: of one class, and of another."""
    marks = [1.0] * wrong + [0.0] * (of - wrong) + [1.0] * wrong_elsewhere + [0.0] * (elsewhere - wrong_elsewhere)
    kinds = ["OD"] * of + ["HR"] * elsewhere
    one = {"size": "low", "loudness": "low", "age": "low", "rental": "low", "subdistrict": "S1"}
    frame = pl.DataFrame(
        {"estate_class": kinds, "wrong_flags": marks, "residual": 0.0, "reliability": 0.8, "not_rated": 0.0}
    )
    return frame.with_columns(**{k: pl.lit(v) for k, v in one.items()})


def of_flags(made: pl.DataFrame, group: str = "OD") -> dict:
    return made.filter(pl.col("measure") == "wrong_flags", pl.col("group") == group).row(0, named=True)


def test_all_flags_wrong_at_one_kind_and_none_elsewhere_holds_the_edition_though_nothing_spreads():
    found = of_flags(audited(flagged(100, 100, 0, 300)))
    assert (found["value"], found["others"], found["se"]) == (1.0, 0.0, 0.0)
    assert found["told"] and found["finding"] and found["holds"]


def test_rare_shares_are_compared_by_fishers_exact_test():
    # Fisher's tea: 3 of 4 against 1 of 4, two-sided p = 34 / 70 = .485714; with eight cups a side the rule's least number is met.
    assert fairness._chance_of_shares(
        pl.DataFrame({"count": [3.0], "units": [4], "others_count": [1.0], "others_n": [4]})
    ) == pytest.approx([34 / 70])
    # 8 of 8 against 0 of 8: p = 2 / C(16, 8) = 2 / 12,870
    found = of_flags(audited(flagged(8, 8, 0, 8)))
    assert found["p"] == pytest.approx(2 / 12_870, abs=1e-9)
    assert found["finding"]


def test_fewer_flags_than_the_rule_asks_tell_nothing_and_say_so():
    found = of_flags(audited(flagged(7, 7, 0, 300)))
    assert not found["told"] and not found["finding"] and found["p"] is None
    assert not of_flags(audited(flagged(8, 8, 0, 7)))["told"], "the others are too few"


def test_a_gap_of_one_point_is_made_public_and_one_of_two_holds():
    frame = rows(3000, residual=np.random.default_rng(1).normal(0, 2, 3000))
    for shift, holds in ((1.5, False), (3.0, True)):
        low = (frame["rental"] == "high").to_numpy()
        made = audited(frame.with_columns(residual=frame["residual"].to_numpy() + np.where(low, shift, 0.0)))
        found = made.filter(
            pl.col("measure") == "residual", pl.col("group") == "high", pl.col("grouping") == "rental"
        ).row(0, named=True)
        assert (found["finding"], found["holds"]) == (True, holds)
