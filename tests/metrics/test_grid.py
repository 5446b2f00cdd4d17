"""The grid: long tables into cells, whatever order they come in."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from metrics.grid import BLOCK, Groups, UnitTwice, by_blocks
from tests.metrics.scoring import PERIOD, RATE, SHARE, grid_for, sums_frame, terms_for, unit_row, units_frame

TERMS = terms_for({"events": RATE, "passed": SHARE}, {"fire": 0.6, "rectification": 0.4})


def test_every_sum_takes_the_cell_of_its_unit_and_metric():
    units = units_frame([unit_row("oak"), unit_row("elm"), unit_row("oak", level="tenure")])
    sums = pl.concat(
        [sums_frame("events", [1, 2, 3], [10, 20, 30], units), sums_frame("passed", [4, 5, 0], [6, 7, 0], units)]
    )
    for order in (sums, sums.reverse()):
        grid = grid_for(TERMS, units, order)
        assert grid.units["unit_id"].to_list() == ["elm", "oak", "tenure-oak"]
        assert grid.y.tolist() == [[2, 5], [1, 4], [3, 0]]
        assert grid.e.tolist() == [[20, 7], [10, 6], [30, 0]]
        assert grid.applies.all()


def test_sums_of_strangers_and_of_what_does_not_apply_are_left_out():
    units = units_frame([unit_row("oak")])
    strangers = units_frame([unit_row("elm"), unit_row("oak", period="2019Q1")])
    sums = pl.concat([sums_frame("events", [1], [2], units), sums_frame("passed", [3], [4], units),
                      sums_frame("events", [8, 9], [9, 9], strangers), sums_frame("unheard_of", [5], [6], units)])  # fmt: skip
    grid = grid_for(TERMS, units, sums, pl.DataFrame({"estate_id": ["oak"], "period": [PERIOD], "metric": ["passed"]}))
    assert grid.y.tolist() == [[0, 3]]
    assert grid.applies.tolist() == [[False, True]]


def test_a_unit_that_stands_twice_is_refused_by_name():
    units = units_frame([unit_row("oak"), unit_row("elm"), unit_row("oak", estate_class="MR")])
    with pytest.raises(UnitTwice, match=r"estate 'oak' stands more than once in 2026Q3 \(2 such rows"):
        grid_for(TERMS, units, sums_frame("events", [1, 1, 1], [1, 1, 1], units))


def test_nothing_at_all_makes_an_empty_grid():
    units = units_frame([unit_row("oak")]).clear()
    grid = grid_for(TERMS, units, sums_frame("events", [], [], units))
    assert grid.y.shape == (0, 2)
    assert grid.estates()[0].size == 0


def test_sums_by_group_leave_empty_groups_at_zero():
    groups = Groups(np.array([0, 0, 2]), 4)
    assert groups.total(np.array([[1.0], [2.0], [5.0]]))[:, 0].tolist() == [3.0, 0.0, 5.0, 0.0]
    assert [(s.start, s.stop) for s in groups.slices()] == [(0, 2), (2, 2), (2, 3), (3, 3)]


@pytest.mark.parametrize("rows", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK - 1])
def test_work_in_blocks_gives_the_whole(rows):
    numbers = np.arange(rows, dtype=float)
    made = by_blocks(rows, lambda part: {"twice": numbers[part] * 2, "pair": np.stack([numbers[part]] * 2, axis=1)})
    assert made["twice"].tolist() == (numbers * 2).tolist()
    assert made["pair"].shape == (rows, 2)
