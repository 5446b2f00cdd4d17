"""What a correction moves: worked out by the program's own command in a process of its own, shown before and after."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import streamlit as st

from i18n.words import Words
from metrics.calendar import Quarter
from pages.shared import format, place, tables

PROGRAM = Path(__file__).parents[2] / "steward.py"
STEP = re.compile(r"^step (\d+)/(\d+) ")
#: A move that rounds to nothing at one decimal is only counted.
SEEN = 0.05
SCHEMA = {
    "level": pl.String, "unit_id": pl.String, "estate_id": pl.String, "period": pl.String, "final": pl.Float64,
    "state": pl.String, "band": pl.String, "final_after": pl.Float64, "state_after": pl.String, "band_after": pl.String,
}  # fmt: skip


def worked_out(
    scope, t: Words, *, edits: pl.DataFrame | None = None, kind: str = "mended", edition: str = ""
) -> dict | None:
    """Ask the program what edits, or all that came since an edition, would move; None where it refused (said on screen)."""
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "told.json"
        command = [
            sys.executable,
            str(PROGRAM),
            "--root",
            str(place.root()),
            "effect",
            "--by",
            scope.viewer_id,
            "--into",
            str(into),
        ]
        if edits is not None:
            asked = Path(folder) / "edits.json"
            rows = edits.select("delivery_id", "line", "after").to_dicts()
            asked.write_text(json.dumps({"kind": kind, "rows": rows}, ensure_ascii=False), encoding="utf-8")
            command += ["--edits", str(asked)]
        if edition:
            command += ["--edition", edition]
        last = _run(command, t)
        if not into.is_file():
            st.warning(t("desk.refused", said=format.plain(last)))
            return None
        return json.loads(into.read_text(encoding="utf-8"))


def _run(command: list[str], t: Words) -> str:
    """Run it, showing how far it is; returns the last thing it said."""
    bar, last = st.progress(0.0, t("moves.working")), ""
    with subprocess.Popen(  # noqa: S603 - our own program
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROGRAM.parent
    ) as job:
        for said in job.stdout or ():
            last = said.strip() or last
            if at := STEP.match(said):
                done, steps = int(at[1]), int(at[2])
                bar.progress(min(1.0, done / steps), t("moves.step", done=done, steps=steps))
    bar.empty()
    return last


def show(scope, told: dict, names: dict[str, str], t: Words) -> None:
    """The estates touched before and after; the rest of the district in one sentence (in full for a supervisor)."""
    moved = pl.DataFrame(told["moved"], schema=SCHEMA)
    newest = max(moved["period"].to_list(), key=lambda p: Quarter.parse(p).start, default="")
    now = moved.filter(pl.col("period") == newest)
    own = now.filter(pl.col("level").is_in(["estate", "tenure"]) & pl.col("estate_id").is_in(told["estates"]))
    st.caption(t("moves.took", seconds=told["seconds"], estates=len(told["estates"])))
    if moved.is_empty():
        st.info(t("moves.nothing"))
        return
    if own.is_empty():
        st.info(t("moves.own_nothing"))
    else:
        _table(own, names, t, "moves-own")
    change = (now["final_after"] - now["final"]).abs()
    others = now.filter(~pl.col("estate_id").is_in(told["estates"]).fill_null(False), change > SEEN)
    st.caption(t("moves.others", n=others.height, most=format.number(_most(others), t)))
    history = moved.filter((pl.col("period") != newest) & ((pl.col("final_after") - pl.col("final")).abs() > SEEN))
    st.caption(t("moves.history", n=history.height, periods=history["period"].n_unique()))
    if scope.role == "supervisor" and others.height:
        with st.expander(t("moves.all_others")):
            _table(others, names, t, "moves-others")


def _most(rows: pl.DataFrame) -> float:
    return max((rows["final_after"] - rows["final"]).abs().drop_nulls().to_list(), default=0.0)


def _table(rows: pl.DataFrame, names: dict[str, str], t: Words, key: str) -> None:
    state = pl.when(pl.col("state") == "rated").then("band").otherwise("state")
    after = pl.when(pl.col("state_after") == "rated").then("band_after").otherwise("state_after")
    rows = rows.with_columns(said=state, said_after=after)
    shown = rows.with_columns(
        name=pl.Series([_name(r, names) for r in rows.iter_rows(named=True)], dtype=pl.String),
        of=pl.Series([t(f"moves.levels.{n}") for n in rows["level"]], dtype=pl.String),
        change=(pl.col("final_after") - pl.col("final")).round(2) + 0.0,  # no -0.00
        band=pl.Series([_turn(r, t) for r in rows.iter_rows(named=True)], dtype=pl.String),
    ).sort("change", nulls_last=True)
    config = st.column_config
    columns = {
        "name": config.TextColumn(t("moves.unit")),
        "of": config.TextColumn(t("moves.level"), width="small"),
        "final": config.NumberColumn(t("moves.before"), format="%.1f", width="small"),
        "final_after": config.NumberColumn(t("moves.after"), format="%.1f", width="small"),
        "change": config.NumberColumn(t("moves.change"), format="%+.2f", width="small"),
        "band": config.TextColumn(t("moves.band")),
    }
    tables.show(shown, columns, t, key=key)


def _name(row: dict, names: dict[str, str]) -> str:
    return names.get(row["estate_id"] or row["unit_id"], row["unit_id"])


def _turn(row: dict, t: Words) -> str:
    before, after = (t(f"band.{row[k]}") if row[k] else t("common.none") for k in ("said", "said_after"))
    return before if before == after else t("moves.turn", before=before, after=after)
