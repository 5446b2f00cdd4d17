"""A file handed in on a page: kept under a tame name, looked into, and loaded, all within bounds."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from data import bounded, uploads
from data.intake import NO_SOURCE
from i18n.words import Words
from pages.shared import format, go, place
from pages.shared.held import let_go

PROGRAM = Path(__file__).parents[2] / "steward.py"
KEPT = "load_result"


def save(file) -> Path:
    """Write it into the inbox; its name is its own where that is harmless."""
    inbox = place.root() / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    path = inbox / f"{datetime.now(UTC):%Y%m%dT%H%M%S}_{uploads.own_name(file.name)}"
    path.write_bytes(file.getbuffer())
    let_go(file)
    return path


def load(path: Path, t: Words) -> None:
    """Look into it and load it with the nightly job's own command, each in a process with limits of its own.

    The result is kept for ``show_result``: exit code, what to say first, and the program's own words.
    """
    bounds = uploads.limits()
    with st.status(t("page.deliveries.loading"), expanded=True) as status:
        line = st.empty()
        look = [sys.executable, "-m", "data.uploads", str(path)]
        ended = bounded.run(look, seconds=bounds.checking_seconds, memory_mb=bounds.memory_mb)
        if ended.code == 0:
            command = [sys.executable, str(PROGRAM), "--root", str(place.root()), "load", str(path)]
            ended = bounded.run(command, seconds=bounds.seconds, memory_mb=bounds.memory_mb, tell=line.text)
            unsafe = None
        else:
            unsafe = _unsafe(ended.text, t)
        status.update(label=t("page.deliveries.finished"), state="complete" if ended.code in (0, 1) else "error")
    if ended.stopped or unsafe:
        path.unlink(missing_ok=True)  # nobody wants it again
    st.session_state[KEPT] = {
        "code": ended.code,
        "said": unsafe or _said(ended, bounds, t),
        "text": "" if unsafe or ended.stopped else ended.text,
        "unknown": path.name if ended.code == 2 and NO_SOURCE in ended.text else None,
    }


def show_result(t: Words) -> None:
    """What became of the file handed in last."""
    if result := st.session_state.get(KEPT):
        {0: st.success, 1: st.warning}.get(result["code"], st.error)(format.plain(result["said"]))
        if result["text"]:
            st.code(result["text"], language=None, wrap_lines=True)
        if result.get("unknown") and "mapping" in st.session_state["pages"]:  # where the viewer may confirm one
            go.link("mapping", t("page.mapping.link"), file=result["unknown"])


def _unsafe(told: str, t: Words) -> str | None:
    """What is wrong with the file, in the viewer's language; None where the look itself was stopped."""
    try:
        wrong = json.loads(told.splitlines()[-1])
        return t(f"intake.unsafe.{wrong['kind']}", **wrong["params"]) + t("intake.unsafe.nothing_stored")
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def _said(ended: bounded.Ended, bounds: uploads.Limits, t: Words) -> str:
    if ended.stopped == "time":
        return t("intake.stopped.time", minutes=bounds.seconds // 60) + t("intake.unsafe.nothing_stored")
    if ended.stopped == "memory":
        return t("intake.stopped.memory", mb=bounds.memory_mb) + t("intake.unsafe.nothing_stored")
    return t(
        {0: "page.deliveries.done", 1: "page.deliveries.done_set_aside"}.get(ended.code, "page.deliveries.refused")
    )
