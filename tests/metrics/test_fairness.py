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
        "loudness": rng.choice(["low", "middle", "high"], count), "subdistrict": rng.choice([f"S{i}" for i in range(10)], count),
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
                            "subdistrict_id": "S1"})  # fmt: skip
    loud = pl.DataFrame({"period": "2026Q3", "estate_id": ["a", "b", "c", "d"], "propensity": [1.0] * 4})
    left = pl.DataFrame({"unit_id": ["a", "b", "c", "d"], "residual": [1.0, 2.0, 3.0, None]})
    made = fairness.measured(scores, flags, estates, loud, left, RULE, "2026Q3", ["2026Q2", "2026Q1"])
    # a was selected two periods ago and has recovered; b still stands; c was selected too long ago; d has no score
    assert made["wrong_flags"].to_list() == [1.0, 0.0, None, None]
    assert made["not_rated"].to_list() == [0.0, 0.0, 0.0, 1.0]
