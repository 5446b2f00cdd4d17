"""The first rows of a file as text, for a person to look at: read in a process of its own, as a file may mean harm.

``python -m data.peek FILE INTO ROOT`` writes JSON: one entry per table of the file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl

from data.mapping import MappingWrong, headings_known
from data.own_mappings import known_at
from data.reading import LINE, WrongFile, open_tables

ROWS, COLUMNS, LONGEST = 200, 200, 400


def tables(path: Path, root: Path) -> list[dict]:
    """Sheet, headings, first rows (with their lines), encoding, and the serial numbers' epoch, of each table; raises WrongFile."""
    found = []
    for reading in open_tables(path, headings_known(known_at(root))):
        first = next(iter(reading.chunks), None)
        names = reading.headings[:COLUMNS]
        frame = pl.DataFrame(schema=dict.fromkeys([LINE, *names], pl.String)) if first is None else first.head(ROWS)
        frame = frame.select(LINE, *(pl.col(n).fill_null("").str.slice(0, LONGEST) for n in names))
        found.append(
            {
                "sheet": reading.sheet, "encoding": reading.encoding, "date_1904": reading.date_1904, "headings": names,
                "lines": frame[LINE].to_list(), "rows": frame.select(names).rows(),
            }
        )  # fmt: skip
    return found


def main(path: str, into: str, root: str) -> int:
    try:
        made = tables(Path(path), Path(root))
    except (WrongFile, MappingWrong) as e:
        sys.stdout.write(str(e) + "\n")
        return 2
    Path(into).write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
