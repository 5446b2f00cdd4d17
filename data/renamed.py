"""A file whose headings are not those of its source's delivery before: what was renamed, is gone, or is new.

A column nobody needs may be renamed and the file still fits its source. Loaded as it stands its values would be lost in
silence, and records on record emptied of them. So a column gone with a likely new name waits for a person, and so does
one whose absence would empty records; what else is gone or new is told beside the delivery.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import duckdb

from data.deliveries import Doubt
from data.mapping import Source
from data.reading import Note
from data.suggest import likeliest, synonyms

#: Headings named of one kind; the others are counted.
NAMED = 12


def read_by(source: Source) -> frozenset[str]:
    """Every heading a source looks at: of columns, of void rows, of an address, of a form."""
    more = [h for rule in source.set_aside for h in (rule.heading, rule.found) if h]
    more += [source.lookup_address] if source.lookup_address else []
    more += [source.form.name, source.form.version, *source.form.filled] if source.form else []
    return source.headings | frozenset(more)


def _before(con: duckdb.DuckDBPyConnection, source: Source) -> list[str] | None:
    """The headings of the source's newest delivery that kept them."""
    rows = con.execute(
        """
        SELECT h.headings FROM delivery_headings AS h JOIN deliveries AS d USING (delivery_id)
        WHERE d.source = $source ORDER BY d.seq DESC LIMIT 1
        """,
        {"source": source.name},
    ).fetchall()
    return json.loads(rows[0][0]) if rows else None


def changed(
    con: duckdb.DuckDBPyConnection, source: Source, delivery_id: str, headings: Sequence[str], read: frozenset[str]
) -> list[Doubt]:
    """Keep the headings of a delivery, and say what of them is not as in the delivery before.

    Called while ``staged`` holds its rows. Of a source's first delivery the headings nobody reads are told, and those that
    look like a column its mapping misses.

    Args:
        read: headings that any source of this table reads.
    """
    before = _before(con, source)
    own = [h for h in headings if not h.startswith("_unnamed_")]
    con.execute("INSERT INTO delivery_headings VALUES (?, ?)", [delivery_id, json.dumps(own, ensure_ascii=False)])
    added = [h for h in own if h not in read and h not in (before or ())]
    gone = _gone(source, before, own)
    names = {c: [*old, *source.columns.get(c, ()), *synonyms().get(c, ())] for c, old in gone.items()}
    likely = likeliest(names, added)
    usual = {c: old[0] for c, old in gone.items()}
    found = [
        Doubt(Note("column_renamed", {"old": usual[c], "new": new, "percent": round(like)}), before is not None)
        for c, (new, like) in likely.items()
    ]
    left = [c for c in gone if c not in likely]
    if before is not None and left:
        emptied = _emptied(con, source, [c for c in left if c in source.table.columns])
        found.append(Doubt(_named("columns_gone", [usual[c] for c in left], emptied=emptied), emptied > 0))
    if new := [h for h in added if h not in {n for n, _ in likely.values()}]:
        found.append(Doubt(_named("columns_unread" if before is None else "columns_new", new), False))
    return found


def _gone(source: Source, before: list[str] | None, now: Sequence[str]) -> dict[str, list[str]]:
    """Columns (or headings that make no column by themselves) that the file lacks -> the headings they had.

    Of a first delivery: every column its mapping reads and the file does not carry.
    """
    made = {*source.make, *source.derive, *source.fixed}
    have = {source.heading_of.get(h, h) for h in now}
    if before is None:
        return {c: [h[0]] for c, h in source.columns.items() if c not in have and c not in made}
    gone: dict[str, list[str]] = {}
    for heading in before:
        column = source.heading_of.get(heading, heading)
        if heading in source.headings and column not in have:
            gone.setdefault(column, []).append(heading)
    return gone


def _emptied(con: duckdb.DuckDBPyConnection, source: Source, columns: list[str]) -> int:
    """Records on record that this delivery would leave without a value they have."""
    if not columns:
        return 0
    lost = " OR ".join(f'(r."{c}" IS NOT NULL AND s."{c}" IS NULL)' for c in columns)
    return con.execute(
        f"""
        SELECT count(*) FROM staged AS s JOIN {source.table.name} AS r USING (record_id)
        WHERE r.revised_by_seq IS NULL AND ({lost})
        """
    ).fetchall()[0][0]


def _named(kind: str, names: list[str], **more: int) -> Note:
    shown = "、".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
    return Note(kind, {"n": len(names), "names": shown, **more})
