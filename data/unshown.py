"""What no page shows of a record: it only tells callers apart, and whoever saw it could tell them apart too.

The records keep it, as detectors and the weighing of repeated calls need it (method.md 12.2).
"""

from __future__ import annotations

from functools import cache

from data.mapping import sources

UNSHOWN = ("caller_hash",)  # contract columns


@cache
def headings() -> tuple[str, ...]:
    """Every heading under which a source delivers such a column, and the column's own name."""
    read = {h for source in sources().values() for column in UNSHOWN for h in source.columns.get(column, ())}
    return tuple(sorted({*UNSHOWN, *read}))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def without(row: str) -> str:
    """SQL: a row as JSON text, ``row`` being its column, less what is not shown."""
    nothing = "{" + ", ".join(f'"{h}": null' for h in headings()) + "}"
    return f"CASE WHEN {row} IS NOT NULL THEN json_merge_patch({row}, {_text(nothing)})::VARCHAR END"


def restored(row: str, original: str) -> str:
    """SQL: an altered row with what its page was not shown, as it came."""
    for h in map(_text, headings()):
        back = f"json_merge_patch({row}, json_object({h}, json_extract_string({original}, '$.\"' || {h} || '\"')))"
        lost = f"list_contains(json_keys({original}), {h}) AND NOT list_contains(json_keys({row}), {h})"
        row = f"CASE WHEN {lost} THEN {back}::VARCHAR ELSE {row} END"
    return row
