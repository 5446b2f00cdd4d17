"""Which line of a table carries its headings: often not the first.

District workbooks open with a title, a line saying who filled the sheet in, and headings in two rows with groups
merged over them. The heading is the first row that is about as full as the rows below it, or the row that carries
most headings some source knows. A second row joins it where the first has gaps and the second fills them with words
known, or with words below a group's name.

A heading that differs from a known one in blanks, full-width signs or a mark (``*``, 必填) alone is that heading.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

#: How many rows from the top may be looked at.
LOOKED_AT = 30
SEPARATORS = (",", "\t", ";", "|")


#: Marks of a column that must be filled, before or behind its heading.
MARKS = re.compile(r"^\*+|(\*|[(\[]?必填项?[)\]]?)+$")


class Heading(NamedTuple):
    """Where the heading stands: rows ``first`` to ``last`` (from 0, both included), and its names.

    ``spelled`` are headings known that stand there otherwise written: (as it stands, as it is known).
    """

    first: int
    last: int
    names: list[str]
    spelled: tuple[tuple[str, str], ...] = ()


def evened(heading: str) -> str:
    """A heading without blanks, full-width signs and marks that say it must be filled."""
    return MARKS.sub("", re.sub(r"\s", "", unicodedata.normalize("NFKC", heading)))


def spellings(known: frozenset[str]) -> dict[str, str]:
    """Evened heading -> the heading known; none that two known ones are like."""
    like: dict[str, set[str]] = {}
    for one in known:
        like.setdefault(evened(one), set()).add(one)
    return {key: min(same) for key, same in like.items() if len(same) == 1}


def as_known(names: list[str], like: dict[str, str]) -> list[str]:
    """The names, those known but for their spelling put right (``spellings``).

    A name stays as it stands where its known heading stands there too, or twice.
    """
    meant = [like.get(evened(n), n) if n else n for n in names]
    return [m if meant.count(m) == 1 else n for n, m in zip(names, meant, strict=True)]


def otherwise(names: list[str], meant: list[str]) -> list[tuple[str, str]]:
    """(as it stands, as it is known) of each name put right."""
    return [(n, m) for n, m in zip(names, meant, strict=True) if n != m]


def records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(position behind it, values) of each record at the start of a CSV text; raises csv.Error."""
    start = 0
    while start < len(text):
        ended = text.find("\n", start)
        opening = text.startswith('"', start) or (ended >= 0 and text.find(f'{separator}"', start, ended) >= 0)
        while opening and ended >= 0 and text.count('"', start, ended) % 2:
            ended = text.find("\n", ended + 1)
        stop = len(text) if ended < 0 else ended + 1
        yield stop, next(csv.reader(io.StringIO(text[start:stop]), delimiter=separator), [])
        start = stop


def separator_of(text: str) -> str:
    """The separator of the first line that has one its next line has too."""
    lines = [line for line in text.splitlines() if line.strip()][:LOOKED_AT]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        counts = {s: line.count(s) for s in SEPARATORS if s in line and (s in following or not following)}
        if counts:
            return max(counts, key=lambda s: counts[s])
    return max(SEPARATORS, key=lines[0].count) if lines else ","


def find_heading(rows: Sequence[Sequence[str]], known: frozenset[str] = frozenset()) -> Heading:
    """The heading among the first rows of a table.

    Args:
        rows: the first rows as text, blank cells empty.
        known: headings that sources accept.
    """
    like = spellings(known)
    stands = [[_plain(v) for v in row] for row in rows[:LOOKED_AT]]
    top = [as_known(row, like) for row in stands]
    first, last, names = _found(top, known)
    meant = as_known(names, like)
    told = [pair for row in range(first, min(last + 1, len(top))) for pair in otherwise(stands[row], top[row])]
    spelled = [*(pair for pair in told if pair[1] in meant), *otherwise(names, meant)]
    return Heading(first, last, meant, tuple(spelled))


def _found(top: list[list[str]], known: frozenset[str]) -> tuple[int, int, list[str]]:
    """First and last row of the heading, and its names."""
    filled = [sum(bool(v) for v in row) for row in top]
    hits = [len({v for v in row if v in known}) for row in top]
    usual = median([n for n in filled if n] or [1])
    first = next((i for i, n in enumerate(filled) if n and n * 2 >= usual and n >= min(2, usual)), 0)
    best = max(range(len(top)), key=lambda i: (hits[i], -i), default=0)
    if top and hits[best] >= 2 and hits[best] > hits[first]:
        first = best
    if first and (above := _two_rows(top[first - 1], top[first], known)) and hits[first - 1] + filled[first - 1] > 1:
        return (first - 1, first, above)
    if first + 1 < len(top) and (both := _two_rows(top[first], top[first + 1], known)):
        return (first, first + 1, both)
    return (first, first, top[first] if top else [])


def _plain(value: str) -> str:
    """A heading without the line breaks of a narrow cell."""
    return "".join(value.replace("\ufeff", "").split("\n")).strip()


def _two_rows(upper: list[str], lower: list[str], known: frozenset[str]) -> list[str] | None:
    """The names of a heading in two rows; None where the lower row is no heading.

    It is one where it fills gaps of the upper row without a digit and makes at least two more headings known.
    """
    width = max(len(upper), len(lower))
    upper, lower = [*upper, *[""] * (width - len(upper))], [*lower, *[""] * (width - len(lower))]
    gaps = [i for i in range(1, width) if lower[i] and not upper[i]]
    if not gaps or any(c.isdigit() for v in lower for c in v):
        return None
    names, group = [], ""
    for over, under in zip(upper, lower, strict=True):
        group = over or (group if under else "")
        whole = group + under
        names.append(under if under in known else whole if whole in known or under else over)
    names = [n if names.count(n) == 1 or not u else o + u for n, o, u in zip(names, _spread(upper), lower, strict=True)]
    gained = len({n for n in names if n in known}) - len({n for n in upper if n in known})
    return names if gained >= 2 else None


def _spread(upper: list[str]) -> list[str]:
    """Each column's group: the name over it or, where merged, to its left."""
    out, group = [], ""
    for over in upper:
        group = over or group
        out.append(group)
    return out
