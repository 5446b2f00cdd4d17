"""Who stands above whom part by part: against COINr's own tests and documentation, by hand, and by its properties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.outranking import copeland, outranking, settled

COINR = Path(__file__).parents[1] / "reference" / "coinr"
#: The table of COINr's tests "outranking" and "copeland" (tests/testthat/test-aggregate.R): x1, x2, x3 of four units.
TABLE = np.array([[1, 3, 2], [2, 2, 3], [3, 1, 1], [4, 5, 4]], dtype=float)
EVEN = np.ones(3)


def test_coinrs_table_gives_the_shares_it_asks_for():
    above = outranking(TABLE, EVEN)
    assert above[1:, 0] == pytest.approx([2 / 3, 1 / 3, 1])
    assert np.diag(above).tolist() == [0, 0, 0, 0]
    assert settled(above) == pytest.approx(3 / 6)


def test_coinrs_table_gives_its_copeland_scores():
    # 1 loses to 2 and 4, beats 3: -1; 2 beats 1 and 3, loses to 4: 1; 3 loses to all: -3; 4 beats all: 3
    assert copeland(outranking(TABLE, EVEN)).tolist() == [-1, 1, -3, 3]


def test_two_units_that_win_one_part_each_are_even():
    above = outranking(np.array([[1.0, 2], [2, 1]]), np.ones(2))
    assert above.tolist() == [[0, 0.5], [0.5, 0]] and copeland(above).tolist() == [0, 0]


def test_the_five_indicators_of_coinrs_documentation_settle_its_share_of_the_pairs():
    # its page on outrankMatrix: ASEM_iData[12:16], equal weights, fracDominant 0.2533333
    data = pl.read_csv(COINR / "asem_idata.csv", infer_schema_length=None)
    assert data.columns[11:16] == ["LPI", "Flights", "Ship", "Bord", "Elec"]
    x = data[:, 11:16].to_numpy().astype(float)
    assert settled(outranking(x, np.ones(5))) == pytest.approx(0.2533333, abs=5e-8)


def test_a_heavier_part_turns_a_pair_and_no_weight_turns_a_settled_one():
    # 3 stands above 1 in the first part alone: 1 / 3 by equal weights, 4 / 6 by 4, 1, 1
    assert outranking(TABLE, np.array([4.0, 1, 1]))[2, 0] == pytest.approx(4 / 6)
    for weights in ([4.0, 1, 1], [1, 9, 1], [1, 1, 30]):
        assert outranking(TABLE, np.array(weights))[3, :3] == pytest.approx([1, 1, 1])


def test_a_part_one_of_two_does_not_have_is_left_out_of_their_pair():
    # 1 against 2 without the second part: 1 wins nothing of the two left
    gone = TABLE.copy()
    gone[0, 1] = np.nan
    assert outranking(gone, EVEN)[:2, :2].tolist() == [[0, 0], [1, 0]]
    assert outranking(np.full((2, 3), np.nan), EVEN)[0, 1] == 0.5


def test_fewer_than_two_units_settle_nothing():
    assert np.isnan(settled(outranking(TABLE[:1], EVEN)))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 700))
def test_what_one_wins_the_other_loses_however_many_there_are(seed, units):
    rng = np.random.default_rng(seed)
    above = outranking(rng.integers(0, 5, (units, 4)).astype(float), rng.uniform(0.1, 1, 4))
    off = ~np.eye(units, dtype=bool)
    assert (above + above.T)[off] == pytest.approx(1, abs=1e-6)
    assert copeland(above).sum() == 0
