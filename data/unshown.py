"""What no page shows of a record: it only tells callers apart, and whoever saw it could tell them apart too.

The records keep it, as detectors and the weighing of repeated calls need it (method.md 12.2).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

import duckdb

from data.mapping import MappingWrong, Source, sources
from data.own_mappings import known_at

UNSHOWN = ("caller_hash",)  # contract columns


def headings(known: Iterable[Source]) -> tuple[str, ...]:
    """Every heading under which these sources deliver such a column, and the column's own name."""
    read = {h for source in known for column in UNSHOWN for h in source.columns.get(column, ())}
    return tuple(sorted({*UNSHOWN, *read}))


def headings_of(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Those of the sources that lie beside the records this connection reads: shipped, and the district's own."""
    found = con.execute("SELECT path FROM duckdb_databases() WHERE path LIKE '%records.duckdb'").fetchall()
    known = sources()
    for (path,) in found[:1]:
        with contextlib.suppress(MappingWrong):  # said where mappings are read; the shipped headings hold
            known = known_at(Path(path).parent)
    return headings(known.values())


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def without(row: str, hidden: Iterable[str]) -> str:
    """SQL: a row as JSON text, ``row`` being its column, less the headings not shown."""
    nothing = json.dumps(dict.fromkeys(hidden), ensure_ascii=False)
    return f"CASE WHEN {row} IS NOT NULL THEN json_merge_patch({row}, {_text(nothing)})::VARCHAR END"


def restored(row: str, original: str, hidden: Iterable[str]) -> str:
    """SQL: an altered row with what its page was not shown, as it came."""
    for h in map(_text, hidden):
        back = f"json_merge_patch({row}, json_object({h}, json_extract_string({original}, '$.\"' || {h} || '\"')))"
        lost = f"list_contains(json_keys({original}), {h}) AND NOT list_contains(json_keys({row}), {h})"
        row = f"CASE WHEN {lost} THEN {back}::VARCHAR ELSE {row} END"
    return row
