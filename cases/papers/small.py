"""Small counts in a table that goes outside: not printed, and not to be worked out from the totals beside them.

Every line of the table adds up to a total somebody may know: a column to the district's row, a row to how many there are.
So a line never has one cell hidden alone, nor cells of which the total says too much; where it would, the least printed one
is hidden too. Readers cannot tell which of the hidden ones were small.
"""

from __future__ import annotations

from collections.abc import Sequence

Counts = Sequence[Sequence[int]]
Cell = tuple[int, int]


def printed(counts: Counts, least: int) -> list[tuple[int | None, ...]]:
    """The table with None where a count is not printed; its last row is the sum of the others. Noughts are printed.

    Args:
        least: a count from 1 to below this is small.
    """
    rows, columns = range(len(counts)), range(len(counts[0]) if counts else 0)
    hidden = {(r, c) for r in rows for c in columns if 0 < counts[r][c] < least}
    lines = [[(r, c) for c in columns] for r in rows] + [[(r, c) for r in rows] for c in columns]
    while more := next(filter(None, (_one_more(line, counts, hidden, least) for line in lines)), None):
        hidden.add(more)
    return [tuple(None if (r, c) in hidden else counts[r][c] for c in columns) for r in rows]


def _one_more(line: Sequence[Cell], counts: Counts, hidden: set[Cell], least: int) -> Cell | None:
    """The cell to hide next in a line; None where its total tells nothing, or nothing is left to hide."""
    here = [cell for cell in line if cell in hidden]
    total = sum(counts[r][c] for r, c in here)
    if not here or (len(here) > 1 and total >= least and total > len(here)):
        return None
    left = [cell for cell in line if cell not in hidden and counts[cell[0]][cell[1]]]
    return min(left, key=lambda cell: (counts[cell[0]][cell[1]], cell), default=None)
