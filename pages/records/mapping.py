"""Mappings: a file nobody's headings fit, what its columns most likely mean, and keeping what a person confirms."""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import streamlit as st

from data import bounded, guess, own_mappings, suggest, uploads
from data.drafting import Tried, draft, tried
from data.making import file_day
from data.mapping import MappingWrong, Source, source_of
from data.queries import desk, onrecord
from data.reading import LINE
from data.records import StoreBusy
from data.unshown import headings as unshown
from i18n.words import Words
from pages.records import handed_in, mapping_parts
from pages.records.store import records
from pages.records.words import all_sources, column_words, reason_words, source_name
from pages.shared import choose, format, place, tables
from pages.shared.viewer import ledger

SHOWN, FILES, PEEKED, RANKED = 5, 50, "mapping_peeked", "mapping_ranked"


def show(scope, con, t: Words) -> None:
    """Choose a file that was not loaded, see what its columns most likely mean, confirm, save and load."""
    scope.require("steward")
    st.title(t("page.mapping.title"))
    st.caption(t("page.mapping.lead"))
    if not st.session_state.get(handed_in.KEPT, {}).get("unknown"):  # the refusal that led here was read there
        handed_in.show_result(t)
    try:
        with records() as store:
            loaded = {f.split("#")[0] for f in desk.deliveries(scope, store)["file"]}
            known = guess.OnRecord.of(onrecord.texts(scope, store))
    except StoreBusy:
        st.info(t("page.deliveries.busy"))
        return
    names = [n for n in _inbox() if n not in loaded]
    if names:
        file = choose.must(st, t("page.mapping.file"), names, name="file", words=_own_words)
        _one(scope, place.root() / "inbox" / file, known, t)
    else:
        st.info(t("page.mapping.nothing"))
    _saved(t)


def _inbox() -> list[str]:
    """Files handed in, the newest first; the name begins with the moment."""
    folder = place.root() / "inbox"
    found = sorted((p.name for p in folder.glob("*") if p.is_file() and not p.is_symlink()), reverse=True)
    return found[:FILES]


def _own_words(name: str) -> str:
    """A file's own name with the day it came, as ``deliveries`` keeps it."""
    moment, _, own = name.partition("_")
    return f"{own} ({moment[:8]})" if own and moment[:8].isdigit() else name


def _peeked(path: Path, t: Words) -> list[dict]:
    """The file's first rows, read once a stay, in a process of its own and within bounds; empty where refused."""
    key = (path.name, path.stat().st_mtime_ns)
    kept = st.session_state.get(PEEKED)
    if kept and kept[0] == key:
        return kept[1]
    bounds = uploads.limits()
    with tempfile.TemporaryDirectory() as folder, st.spinner(t("page.mapping.looking")):
        into = Path(folder) / "peek.json"
        look = [sys.executable, "-m", "data.peek", str(path), str(into), str(place.root().resolve())]
        ended = bounded.run(look, seconds=bounds.checking_seconds, memory_mb=bounds.memory_mb)
        if ended.code != 0 or not into.is_file():
            st.error(format.plain(ended.text if ended.code == 2 else t("page.mapping.unreadable")))
            return []
        made = json.loads(into.read_text(encoding="utf-8"))
    st.session_state[PEEKED] = (key, made)
    return made


def _one(scope, path: Path, known: guess.OnRecord, t: Words) -> None:
    sheets = _peeked(path, t)
    if not sheets:
        return
    by_name = {str(i): s["sheet"] or "" for i, s in enumerate(sheets)}
    sheet = sheets[0]
    if len(sheets) > 1:
        sheet = sheets[
            int(choose.must(st, t("page.mapping.sheet"), list(by_name), name="sheet", words=by_name.__getitem__))
        ]
    headings, rows = sheet["headings"], sheet["rows"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(headings, pl.String), orient="row")
    st.subheader(t("page.mapping.rows", n=min(SHOWN, frame.height)))
    sources = all_sources()
    seen = [h for h in headings if h not in unshown(sources.values())]
    tables.show(
        frame.head(SHOWN).select(seen), {h: st.column_config.TextColumn(h) for h in seen}, t, key="mapping-rows"
    )
    base = _base(frame, sources, known, t)
    _differences(headings, base, t)
    alike = [s for s in sources.values() if s.table.name == base.table.name and s.name != base.name]
    guesses = guess.guesses(frame, base, alike, known)
    choice = mapping_parts.ask(f"{path.name}-{sheet['sheet']}-{base.name}", frame, base, alike, guesses, t)
    text = draft(
        base, own_mappings.text_of(place.root(), base.name), alike, choice, headings, source_name(base.table.name, t)
    )
    lined = frame.with_columns(pl.Series(LINE, sheet["lines"], dtype=pl.Int64))
    _check(lined, text, path, sheet["date_1904"], t)
    _keep(scope, path, base, headings, text, t)


def _base(frame: pl.DataFrame, sources: dict[str, Source], known: guess.OnRecord, t: Words) -> Source:
    """What kind of file it is: the likeliest first."""
    key = (PEEKED, frame.hash_rows().sum(), tuple(frame.columns), tuple(sources))
    if (
        st.session_state.get(RANKED, (None,))[0] != key
    ):  # every table is tried, which takes seconds where a file is wide
        st.session_state[RANKED] = (key, guess.ranked(frame, sources, known))
    found = st.session_state[RANKED][1]
    near = suggest.suggest(frame.columns, sources)
    names = sorted((n for n, _ in found), key=lambda n: not (near and n == near.source.name))
    sure = dict(found)
    chosen = choose.must(
        st, t("page.mapping.kind"), names, name="as",
        words=lambda n: t("page.mapping.kind_of", kind=source_name(n, t), percent=round(100 * sure[n])),
    )  # fmt: skip
    return sources[chosen]


def _differences(headings: list[str], base: Source, t: Words) -> None:
    """What was renamed, is gone, or is new against the source it starts from."""
    held = suggest.compared(headings, base)
    renamed = [r for r in held.renamed if r.likely]
    said = [t("page.mapping.renamed", old=r.usual, new=r.likely, percent=round(r.likeness)) for r in renamed]
    if held.vanished:
        said.append(t("page.mapping.vanished", names=t("common.separator").join(held.vanished)))
    if held.added and held.found:
        said.append(t("page.mapping.added", names=t("common.separator").join(held.added)))
    if said:
        st.info("  \n".join(format.plain(line) for line in said))


def _check(frame: pl.DataFrame, text: str, path: Path, date_1904: bool, t: Words) -> None:
    """What would become of the first rows."""
    st.subheader(t("page.mapping.check"))
    try:
        made = tried(frame, source_of(text, "draft", "mappings/draft"), file_day(path), date_1904=date_1904)
    except (MappingWrong, pl.exceptions.PolarsError, ValueError) as e:
        st.warning(format.plain(t("page.mapping.cannot", said=str(e))))
        return
    say = st.success if made.accepted == made.rows and made.rows else st.warning
    say(t("page.mapping.would", rows=made.rows, accepted=made.accepted, aside=made.rows - made.accepted))
    if made.failures.height:
        _failures(made, t)
    st.caption(t("page.mapping.check_lead"))
    with st.expander(t("page.mapping.text")):
        st.code(text, language="toml")


def _failures(made: Tried, t: Words) -> None:
    shown = (
        made.failures.group_by("column_name", "reason", maintain_order=True)
        .agg(rows=pl.col(LINE).n_unique(), found=pl.col("found").drop_nulls().unique(maintain_order=True).head(3).str.join("、"))
        .with_columns(
            column=pl.col("column_name").map_elements(lambda c: column_words(c, t), pl.String, skip_nulls=False),
            why=pl.col("reason").map_elements(lambda r: reason_words(r, t), pl.String),
        )
    )  # fmt: skip
    config = st.column_config
    columns = {
        "column": config.TextColumn(t("column.column")), "why": config.TextColumn(t("column.reason"), width="medium"),
        "found": config.TextColumn(t("column.found")), "rows": config.NumberColumn(t("desk.rows"), width="small"),
    }  # fmt: skip
    tables.show(shown, columns, t, key="mapping-failures")


def _keep(scope, path: Path, base: Source, headings: list[str], text: str, t: Words) -> None:
    """Save under a name, with a reason, then load the file by it."""
    st.subheader(t("page.mapping.save"))
    mine = own_mappings.versions(place.root())
    renamed = [r for r in suggest.compared(headings, base).renamed if r.likely]
    why = t("common.semicolon").join(f"{r.usual} → {r.likely}" for r in renamed)
    with st.form("mapping-save"):
        name = st.text_input(
            t("page.mapping.name"),
            value=_free(base.name, mine),
            help=t("page.mapping.name_help"),
            key=f"name-{path.name}-{base.name}",
        )
        reason = st.text_input(t("desk.why"), value=why, help=t("desk.why_help"), key=f"why-{path.name}-{base.name}")
        pressed = st.form_submit_button(t("page.mapping.save_load"), type="primary")
    if not pressed:
        return
    if not reason.strip():
        st.warning(t("desk.why_missing"))
        return
    try:
        own_mappings.save(
            place.root(), ledger(), name.strip(), text, headings=headings, by=scope.viewer_id, reason=reason,
            at=datetime.now(UTC),
        )  # fmt: skip
    except (own_mappings.MappingRefused, MappingWrong) as e:
        st.error(format.plain(t("desk.refused", said=str(e))))
        return
    handed_in.load(path, t)
    st.rerun()


def _free(name: str, mine: dict[str, list[int]]) -> str:
    """A name for a mapping that starts from this one: the same where it is the district's own, else the next free."""
    if name in mine:
        return name
    return next(f"{name}_{n}" for n in range(2, 1000) if f"{name}_{n}" not in mine)


def _saved(t: Words) -> None:
    """The mappings this district confirmed, every version."""
    noted = own_mappings.noted(ledger())
    if not noted:
        return
    with st.expander(t("page.mapping.saved", n=len(noted))):
        shown = pl.DataFrame(
            [
                {"name": s.name, "version": s.version, "table": t(f"table.{s.record_table}"), "reason": s.reason,
                 "by": s.by, "at": format.moment(s.at, t), "sha256": s.sha256}
                for s in noted
            ]
        )  # fmt: skip
        config = st.column_config
        columns = {
            "name": config.TextColumn(t("page.mapping.name")), "version": config.NumberColumn(t("page.mapping.version"), width="small"),
            "table": config.TextColumn(t("column.table")), "reason": config.TextColumn(t("desk.why"), width="medium"),
            "by": config.TextColumn(t("desk.who")), "at": config.TextColumn(t("desk.when")),
            "sha256": config.TextColumn(t("column.sha256"), width="small"),
        }  # fmt: skip
        tables.show(shown, columns, t, key="mapping-saved")
