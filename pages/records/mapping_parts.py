"""The choices of a mapping: a heading for each column, a value where there is none, words for codes."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from data.drafting import Choice
from data.guess import Guess, labels, needed
from data.mapping import FALSE, TRUE, Source
from data.record_tables import allowed
from i18n.words import Words
from pages.records.words import column_words
from pages.shared import format

#: From which confidence a column nobody must have is filled in beforehand; below, its heading is offered first.
SURE = 0.55
WORDS = 12  # unknown words of one enumeration asked for


def ask(
    key: str, frame: pl.DataFrame, base: Source, alike: list[Source], guesses: dict[str, Guess], t: Words
) -> Choice:
    """The widgets, filled in beforehand with what is likeliest.

    Args:
        key: tells the widgets of one file and source from another's.
    """
    st.subheader(t("page.mapping.columns"))
    wanted = [c for c in needed(base.table) if c not in base.derive and c not in base.make]
    first = [c for c in guesses if c in wanted or guesses[c].heading]
    chosen = _headings(key, first, guesses, wanted, frame.columns, t)
    rest = [c for c in guesses if c not in first]
    if rest:
        with st.expander(t("page.mapping.rest", n=len(rest))):
            chosen |= _headings(key, rest, guesses, wanted, frame.columns, t)
    fixed, joined = _constants(key, [c for c in wanted if c not in chosen], base, frame.columns, t)
    codes = _codes(key, frame, chosen, base, alike, t)
    if twice := sorted({h for h in chosen.values() if list(chosen.values()).count(h) > 1}):
        st.warning(format.plain(t("page.mapping.twice", names=t("common.separator").join(twice))))
    return Choice(chosen, fixed, joined, codes)


def _headings(
    key: str, columns: list[str], guesses: dict[str, Guess], wanted: list[str], headings: list[str], t: Words
) -> dict[str, str]:
    chosen = {}
    sides = st.columns(2)
    for i, column in enumerate(columns):
        one = guesses[column]
        near = [h for h in (one.heading, *(h for h, _ in one.others)) if h]
        options = [None, *dict.fromkeys([*near, *headings])]
        sure = one.heading in options and (one.confidence >= SURE or column in wanted)
        label = column_words(column, t) + (" *" if column in wanted else "")
        with sides[i % 2]:
            picked = st.selectbox(
                label, options, index=options.index(one.heading) if sure else 0, key=f"map-{key}-{column}",
                format_func=lambda h: t("page.mapping.absent") if h is None else h,
            )  # fmt: skip
            st.caption(format.plain(_why(one, t)))
        if picked:
            chosen[column] = picked
    return chosen


def _why(one: Guess, t: Words) -> str:
    """The suggestion in words: how sure, on what grounds, and what else it may be."""
    others = t("common.separator").join(f"{h} {c:.0%}" for h, c in one.others)
    also = t("guess.others", names=others) if others else ""
    if one.heading is None:
        return t("guess.none") + also
    said = t("common.semicolon").join(t(f"guess.{r.kind}", **r.params) for r in one.reasons)
    return t("guess.sure", heading=one.heading, percent=round(100 * one.confidence), why=said) + also


def _constants(
    key: str, missing: list[str], base: Source, headings: list[str], t: Words
) -> tuple[dict[str, Any], dict[str, tuple[str, ...]]]:
    """A value for every row where the file has no such column; a key may be made of several headings."""
    fixed: dict[str, Any] = {}
    joined: dict[str, tuple[str, ...]] = {}
    if missing:
        st.markdown(f"**{t('page.mapping.constants')}**")
    for column in missing:
        kind, label = base.table.columns[column], column_words(column, t)
        if column in base.table.key and kind == pl.String:
            parts = [h for h in headings if "{" not in h and "}" not in h]
            picked = st.multiselect(t("page.mapping.joined", column=label), parts, key=f"join-{key}-{column}")
            if picked:
                joined[column] = tuple(picked)
            continue
        value = _constant(f"fixed-{key}-{column}", column, label, base, t)
        if value is not None:
            fixed[column] = value
    return fixed, joined


def _constant(key: str, column: str, label: str, base: Source, t: Words) -> Any:
    kind, codes = base.table.columns[column], allowed(base.table, column)
    if codes:
        standing = base.fixed.get(column)
        return st.selectbox(
            label, codes, index=codes.index(standing) if standing in codes else None, key=key,
            format_func=partial(format.said, column, t=t), placeholder=t("page.mapping.choose"),
        )  # fmt: skip
    if kind == pl.Date:
        day = st.date_input(label, value=None, key=key, format="YYYY-MM-DD")
        return day.isoformat() if isinstance(day, date) else None
    if kind == pl.Boolean:
        said = st.selectbox(label, (TRUE[0], FALSE[0]), index=None, key=key, placeholder=t("page.mapping.choose"))
        return None if said is None else said == TRUE[0]
    if kind in (pl.Int64, pl.Float64):
        return st.number_input(label, value=None, step=1 if kind == pl.Int64 else None, key=key)
    return st.text_input(label, key=key).strip() or None


def _codes(
    key: str, frame: pl.DataFrame, chosen: dict[str, str], base: Source, alike: list[Source], t: Words
) -> dict[str, dict[str, str]]:
    """A code for each word of the first rows that no source of the table knows."""
    found: dict[str, dict[str, str]] = {}
    for column, heading in chosen.items():
        codes = allowed(base.table, column)
        if not codes:
            continue
        known = {*codes, *labels([base, *alike], column), *base.nothing}
        words = frame[heading].str.strip_chars().unique(maintain_order=True)
        strange = [w for w in words.to_list() if w and w not in known][:WORDS]
        if strange:
            st.markdown(f"**{format.plain(t('page.mapping.codes', column=column_words(column, t)))}**")
        words_of = partial(format.said, column, t=t)
        for word in strange:
            code = st.selectbox(
                format.plain(word), codes, index=None, key=f"code-{key}-{column}-{word}",
                format_func=words_of, placeholder=t("page.mapping.choose"),
            )  # fmt: skip
            if code:
                found.setdefault(column, {})[word] = code
    return found
