"""Lists of buildings beside those audited: counting, and the naive mean of the published scores."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks import real_flags

HEAD = "RSN,EVALUATION_COMPLETED_ON,SCORE,RESULTS_OF_SCORE\n"


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / real_flags.FILE
    path.parent.mkdir(parents=True)
    lines = [
        "a,2018-03-01,40,Building Audit", "a,2020-03-01,80,Evaluation needs to be conducted in 2 years",
        "b,2018-05-01,60,Evaluation needs to be conducted in 1 year", "b,2020-05-01,45,Building Audit",
        "c,2018-06-01,90,Evaluation needs to be conducted in 3 years", "d,,70,", "e,2018-07-01,N/A,",
    ]  # fmt: skip
    path.write_text(HEAD + "\n".join(lines) + "\n")
    return real_flags.evaluations(tmp_path)


def test_evaluations_without_a_day_or_a_score_are_left_out(rows):
    assert rows.height == 5


def test_audits_are_taken_after_one_day_and_up_to_another(rows):
    assert real_flags.audited(rows, date(2017, 12, 31), date(2018, 12, 31)) == {"a"}
    assert real_flags.audited(rows, date(2018, 12, 31), date(2022, 12, 31)) == {"b"}


def test_the_naive_mean_is_of_three_years_lowest_first(rows):
    # up to 2020-12-31: a (40 + 80) / 2 = 60, b (60 + 45) / 2 = 52.5, c 90
    assert real_flags.naive(rows, date(2020, 12, 31)).rows() == [("b", 52.5), ("a", 60.0), ("c", 90.0)]
    # up to 2021-12-31 those of 2018 have left
    assert real_flags.naive(rows, date(2021, 12, 31)).rows() == [("b", 45.0), ("a", 80.0)]


def test_precision_and_recall_at_the_same_count(rows):
    # ours names c, a and one nobody scored; of a and b audited, it has a: 1 of 2 named, 1 of 2 audited; naive: b and a
    ours, naive = real_flags.compared(
        ["c", "a", "x"], real_flags.naive(rows, date(2020, 12, 31)), {"a", "b"}, "flagged"
    )
    assert (ours.named, ours.hits, ours.precision, ours.recall) == (2, 1, 0.5, 0.5)
    assert (naive.named, naive.hits, naive.precision, naive.recall) == (2, 2, 1.0, 1.0)
