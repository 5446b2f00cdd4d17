"""Mending rows set aside: cell by cell, one mistake in all its rows, again as they came, or leaving them out."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import polars as pl
import streamlit as st

from data import bulk, editions
from data.mending import Act, Mended, MendRefused, mend, waive
from data.records import ClockBehind, StoreBusy, StoreUnwritable
from i18n.words import Words
from pages.records import moves
from pages.records.store import patiently, records
from pages.records.words import all_sources, column_words, reason_words
from pages.shared import format, place, tables

WAYS = ("cells", "alike", "again", "waive")
RESULT, EFFECT = "mending_result", "mending_effect"
#: Where a row of the editor stands, beside its values; no heading begins so. TEXT holds a line that fitted no heading.
WHERE = {"_delivery": "delivery_id", "_file": "file", "_line": "line"}
TEXT = "_text"


def said(t: Words) -> None:
    """What the act before this drawing came to."""
    told = st.session_state.pop(RESULT, None)
    if told:
        (st.success if told["good"] else st.warning)(told["text"])


def show(scope, rows: pl.DataFrame, asked: dict, found, estates, t: Words) -> None:
    """The four ways of settling the rows in view."""
    st.subheader(t("desk.mend"))
    if not (asked["source"] and asked["reason"]):
        st.info(t("desk.choose_first"))
        return
    if all_sources().get(asked["source"]) is None:
        st.info(t("desk.no_mapping", source=format.plain(asked["source"])))
        return
    ways = WAYS if asked["state"] == "open" else ("cells",)
    way = st.radio(t("desk.way"), ways, format_func=lambda w: t(f"desk.ways.{w}"), horizontal=True, key="desk-way")
    st.caption(t(f"desk.ways_help.{way}"))
    why = st.text_input(t("desk.why"), help=t("desk.why_help"), key="desk-why")
    {"cells": _cells, "alike": _alike, "again": _again, "waive": _waive}[way](
        scope, rows, asked, (found, estates), why, t
    )


def editable(rows: pl.DataFrame, source: str) -> pl.DataFrame:
    """One line per row set aside: where it stands, and its values as they came, the ones at fault first.

    A line whose values did not fit the heading comes as text; its values are written under the contract's columns.
    """
    once = rows.group_by("delivery_id", "line", maintain_order=True).agg(
        pl.col("file").first(), pl.col("original").first(), pl.col("column_name").drop_nulls()
    )
    one = all_sources()[source]
    values = [_values(json.loads(o), source) for o in once["original"]]
    faulty = {h for columns in once["column_name"] for c in columns for h in (*one.columns.get(c, ()), c)}
    keys = list(dict.fromkeys(k for row in values for k in row))
    keys.sort(key=lambda k: k not in faulty)
    cells = {k: pl.Series([_text(row.get(k)) for row in values], dtype=pl.String) for k in keys}
    where = {name: once[column] for name, column in WHERE.items()}
    return pl.DataFrame({**where, **cells})


def _values(row: dict, source: str) -> dict:
    """The values to alter; of a line that came as text, the text beside empty columns of the contract."""
    return (
        {TEXT: row["line"]} | dict.fromkeys(all_sources()[source].table.columns, "") if list(row) == ["line"] else row
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def edits_of(before: pl.DataFrame, after: pl.DataFrame, originals: dict[tuple[str, int], dict]) -> pl.DataFrame:
    """The rows whose cells were altered: ``delivery_id, line, after`` (JSON with the keys each row came with)."""
    found = []
    for old, new in zip(before.iter_rows(named=True), after.iter_rows(named=True), strict=True):
        if old == new:
            continue
        delivery_id, line = old["_delivery"], old["_line"]
        came = originals[(delivery_id, line)]
        keys = [k for k in old if k not in (*WHERE, TEXT)] if list(came) == ["line"] else list(came)
        keys += [k for k in old if old[k] != new[k] and k not in keys]  # written under another delivery's heading
        row = {k: new[k] or "" for k in keys}
        found.append({"delivery_id": delivery_id, "line": line, "after": json.dumps(row, ensure_ascii=False)})
    return pl.DataFrame(found, schema={"delivery_id": pl.String, "line": pl.Int64, "after": pl.String})


def _cells(scope, rows: pl.DataFrame, asked: dict, known, why: str, t: Words) -> None:
    _, estates = known
    before = editable(rows, asked["source"])
    config = st.column_config
    fixed = {
        "_delivery": None,
        "_file": config.TextColumn(t("column.file"), disabled=True, width="small"),
        "_line": config.NumberColumn(t("column.line"), disabled=True, format="%d", width="small"),
        TEXT: config.TextColumn(t("column.original"), disabled=True),
    }
    after = st.data_editor(
        before, column_config=fixed, hide_index=True, width="stretch", num_rows="fixed",
        key=f"cells-{asked['source']}-{asked['reason']}-{tables.offset('page')}",
    )  # fmt: skip
    originals = {(d, n): json.loads(o) for d, n, o in rows.select("delivery_id", "line", "original").iter_rows()}
    edits = edits_of(before, after, originals)
    st.caption(t("desk.altered_rows", n=edits.height))
    _try_or_save(scope, edits, estates, why, t)


def _alike(scope, _, asked: dict, known, why: str, t: Words) -> None:
    found, estates = known
    if found is None or found.is_empty():
        st.info(t("desk.nothing_alike"))
        return
    options = list(found.iter_rows(named=True))
    chosen = st.selectbox(
        t("desk.one_mistake"), range(len(options)), key="desk-mistake",
        format_func=lambda i: t("desk.mistake", column=column_words(options[i]["column_name"], t), found=options[i]["found"],
                                n=options[i]["n"]),
    )  # fmt: skip
    column, text = options[chosen]["column_name"], options[chosen]["found"]
    value = _instead(asked["source"], column, estates, t)
    if not value:
        return
    source = all_sources()[asked["source"]]
    with records() as store:
        edits = bulk.replaced(store, source, asked["reason"], column, text, value)
    st.caption(t("desk.altered_rows", n=edits.height))
    _try_or_save(scope, edits, estates, why, t, {"column": column, "from": text, "to": value})


def _instead(source: str, column: str, estates: pl.DataFrame, t: Words) -> str:
    """What shall stand there: an estate on record, one of the source's words, or any text."""
    if column == "estate_id":
        names = {r["estate_id"]: format.name(r, t) for r in estates.iter_rows(named=True)}
        one = st.selectbox(
            t("desk.right"), list(names), index=None, format_func=lambda e: f"{e} {names[e]}", key="desk-right-estate",
            placeholder=t("desk.choose_right"),
        )  # fmt: skip
        return one or ""
    if labels := list(all_sources()[source].codes.get(column, {})):
        one = st.selectbox(
            t("desk.right"), labels, index=None, key=f"desk-right-{column}", placeholder=t("desk.choose_right")
        )
        return one or ""
    return st.text_input(t("desk.right"), key=f"desk-right-{column}").strip()


def _again(scope, _, asked: dict, known, why: str, t: Words) -> None:
    _, estates = known
    with records() as store:
        edits = bulk.as_they_came(store, asked["source"], asked["reason"])
    st.caption(t("desk.tried_rows", n=edits.height))
    _try_or_save(scope, edits, estates, why, t, kind="again")


def _waive(scope, rows: pl.DataFrame, asked: dict, _, why: str, t: Words) -> None:
    once = rows.select("delivery_id", "line", "file").unique(["delivery_id", "line"], maintain_order=True)
    lines = [(d, n) for d, n in once.select("delivery_id", "line").iter_rows()]
    names = {(d, n): t("desk.file_line", file=f, line=n) for d, n, f in once.iter_rows()}
    chosen = st.multiselect(
        t("desk.which"), lines, default=None, format_func=lambda key: names[key], key="desk-which",
        placeholder=t("desk.which_help"),
    )  # fmt: skip
    everything = st.checkbox(t("desk.all_of_reason"), key="desk-waive-all")
    if not st.button(t("desk.waive"), type="primary", disabled=not (chosen or everything)):
        return
    if everything:
        with records() as store:
            which = bulk.as_they_came(store, asked["source"], asked["reason"]).select("delivery_id", "line")
    else:
        which = pl.DataFrame(chosen, schema={"delivery_id": pl.String, "line": pl.Int64}, orient="row")
    _do(lambda: _waived(which, _act(scope, why), t), t)


def _act(scope, why: str) -> Act:
    return Act(scope.viewer_id, datetime.now(UTC), why)


def _waived(which: pl.DataFrame, act: Act, t: Words) -> None:
    act_id = waive(place.root(), which, act)
    _tell(True, t("desk.waived", n=which.height, act=act_id))


def _try_or_save(
    scope, edits: pl.DataFrame, estates, why: str, t: Words, changes: dict | None = None, kind: str = "mended"
) -> None:
    """Judge the edits without storing them, or store what passes."""
    left, right = st.columns(2)
    tried = left.button(t("desk.try"), disabled=edits.is_empty(), width="stretch", key="desk-try")
    saved = right.button(t("desk.save"), disabled=edits.is_empty(), width="stretch", type="primary", key="desk-save")
    if tried:
        act = Act(scope.viewer_id, datetime.now(UTC), why.strip() or t("desk.try"))
        _do(lambda: _outcome(mend(place.root(), edits, act, kind=kind, changes=changes, trial=True), t), t)
    names = {r["estate_id"]: format.name(r, t) for r in estates.iter_rows(named=True)} if estates is not None else {}
    _effect(scope, edits, kind, names, t)
    if saved:
        _do(lambda: _saved(mend(place.root(), edits, _act(scope, why), kind=kind, changes=changes), t), t)


def _effect(scope, edits: pl.DataFrame, kind: str, names: dict[str, str], t: Words) -> None:
    """On asking: the scores of the estates touched, before and after."""
    asked = hashlib.sha256(json.dumps(edits.rows(), ensure_ascii=False).encode()).hexdigest()
    if editions.current(place.root()) is None or edits.is_empty():
        return
    if st.button(t("moves.ask"), width="stretch", key="desk-effect"):
        st.session_state[EFFECT] = (asked, moves.worked_out(scope, t, edits=edits, kind=kind))
    kept = st.session_state.get(EFFECT)
    if kept and kept[0] == asked and kept[1]:
        moves.show(scope, kept[1], names, t)


def _do(act, t: Words) -> None:
    """Run an act; what is refused is said as it is, in the viewer's words where there are any."""
    try:
        patiently(act)
    except StoreBusy:
        st.warning(t("desk.busy"))
    except (MendRefused, ClockBehind, StoreUnwritable) as refused:
        st.warning(
            t("desk.why_missing") if "No reason" in str(refused) else t("desk.refused", said=format.plain(refused))
        )


def told(done: list[Mended], t: Words) -> tuple[str, pl.DataFrame]:
    """What became of the rows in one sentence, and the failures left."""
    made = [m.delivery for m in done if m.delivery]
    left = pl.concat([m.left for m in done]) if done else pl.DataFrame()
    counts = {k: sum(getattr(d, k) for d in made) for k in ("accepted", "revised", "unchanged")}
    fail = left.select("delivery_id", "line").unique().height if left.height else 0
    return t("desk.outcome", rows=sum(m.rows for m in done), left=fail, **counts), left


def _outcome(done: list[Mended], t: Words) -> None:
    text, left = told(done, t)
    st.info(t("desk.trial", said=text))
    _failures(left, t)


def _failures(left: pl.DataFrame, t: Words) -> None:
    if left.is_empty():
        return
    shown = left.with_columns(
        why=pl.Series([reason_words(r, t) for r in left["reason"]], dtype=pl.String),
        column=pl.Series([column_words(c, t) for c in left["column_name"]], dtype=pl.String),
    )
    config = st.column_config
    columns = {
        "delivery_id": config.TextColumn(t("desk.delivery")),
        "line": config.NumberColumn(t("column.line"), format="%d", width="small"),
        "column": config.TextColumn(t("column.column")),
        "found": config.TextColumn(t("column.found")),
        "why": config.TextColumn(t("column.reason")),
    }
    tables.show(shown, columns, t, key="failures-table")


def _saved(done: list[Mended], t: Words) -> None:
    text, left = told(done, t)
    acts = t("common.separator").join(m.act_id for m in done if m.act_id)
    if not acts:
        st.warning(t("desk.none_passed", said=text))
        _failures(left, t)
        return
    _tell(left.is_empty(), t("desk.done", said=text, act=acts))


def _tell(good: bool, text: str) -> None:
    """Say it after the page is drawn anew."""
    st.session_state[RESULT] = {"good": good, "text": text}
    st.rerun()
