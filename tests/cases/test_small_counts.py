"""Small counts of a bulletin: not printed, and not to be worked out by taking the rest off a total."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from cases.papers.small import printed

LEAST = 5


def whole(areas: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The table with the district's row under it."""
    return [*areas, tuple(map(sum, zip(*areas, strict=True)))]


def test_a_table_without_small_counts_is_printed_as_it_is():
    table = whole([(12, 40, 0), (9, 51, 22)])
    assert printed(table, LEAST) == table


def test_a_small_count_is_hidden_with_another_in_its_row_and_in_its_column():
    """3 alone in row 1 and column 1: 20 (the least left) goes with it in the row; then 8 in column 1 and 30 in column 2, so that
    row 2 and the district's row (11 = 3 + 8 and 50 = 20 + 30 stay printed) have two each."""
    assert printed(whole([(3, 20, 70), (8, 30, 60)]), LEAST) == [
        (None, None, 70), (None, None, 60), (11, 50, 130),
    ]  # fmt: skip


def test_two_small_counts_whose_total_says_what_each_is_take_a_third_with_them():
    """1 + 1 = 2: of two cells not nought, both are 1."""
    ((a, b, c), *_) = printed(whole([(1, 1, 40), (10, 10, 10)]), LEAST)
    assert (a, b, c) == (None, None, None)


def test_nought_is_told_and_never_hides_another():
    assert printed(whole([(0, 6, 7), (0, 8, 9)]), LEAST) == whole([(0, 6, 7), (0, 8, 9)])


def solutions(shown: list[tuple[int | None, ...]], sums: list[int], most: int):
    """Every table of areas a reader could fill the gaps with: hidden cells from 1 on, columns adding up to the printed totals."""
    *areas, total = shown
    gaps = [(r, c) for r, row in enumerate(areas) for c, n in enumerate(row) if n is None]
    for values in product(range(1, most + 1), repeat=len(gaps)):
        filled = [list(row) for row in areas]
        for (r, c), n in zip(gaps, values, strict=True):
            filled[r][c] = n
        columns = [sum(column) for column in zip(*filled, strict=True)]
        rows = [sum(row) for row in filled]
        if rows == sums and all(t is None or t == s for t, s in zip(total, columns, strict=True)):
            yield filled


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 9)] * 2), min_size=2, max_size=3))
def test_no_small_count_is_left_printed_and_none_alone_in_its_line(areas):
    table = whole(areas)
    shown = printed(table, LEAST)
    for row, counts in zip(shown, table, strict=True):
        assert all(n is None or n == count for n, count in zip(row, counts, strict=True))
        assert not any(n is not None and 0 < n < LEAST for n in row)
    for line, counts in [*zip(shown, table, strict=True), *zip(zip(*shown), zip(*table), strict=True)]:  # noqa: B905
        gone = [count for n, count in zip(line, counts, strict=True) if n is None]
        others = [count for n, count in zip(line, counts, strict=True) if n]
        assert not gone or not others or (len(gone) > 1 and sum(gone) >= LEAST)


def test_a_reader_who_knows_every_total_still_has_several_answers_for_a_small_count():
    """Tried by filling the gaps in every way: rows of 93 and 98, columns as printed."""
    areas = [(3, 20, 70), (8, 30, 60)]
    answers = list(solutions(printed(whole(areas), LEAST), [93, 98], 40))
    assert areas in [[tuple(row) for row in a] for a in answers]
    assert {a[0][0] for a in answers} >= set(range(1, 11)), "the 3 could be anything from 1 to 10"
