"""Choices that stand in the address by their code, so that a link means the same in both languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st


def must(box, label: str, options: Sequence[str], *, name: str, words: Callable[[str], str]) -> str:
    """``one`` where something is always chosen: the first option stands until another is."""
    return one(box, label, options, name=name, words=words) or options[0]


def one(
    box, label: str, options: Sequence[str], *, name: str, words: Callable[[str], str], everything: str | None = None,
    help: str | None = None,
) -> str | None:  # fmt: skip
    """A select box bound to ``?name=code``.

    Args:
        everything: the placeholder where no choice means all (returns None then); otherwise the first option stands.
    """
    asked = st.query_params.get(name, "")
    index = options.index(asked) if asked in options else (None if everything else 0)
    chosen = box.selectbox(
        label, options, index=index, format_func=words, key=f"choose-{name}", placeholder=everything or "", help=help
    )
    _keep(name, chosen, default=None if everything else options[0])
    return chosen


def text(box, label: str, *, name: str, hint: str) -> str:
    """A search field bound to ``?name=text``."""
    typed = box.text_input(label, value=st.query_params.get(name, ""), key=f"choose-{name}", placeholder=hint) or ""
    _keep(name, typed or None, default=None)
    return typed


def _keep(name: str, chosen: str | None, default: str | None) -> None:
    """Write the choice into the address; a changed choice starts again at the first page of the table."""
    stands = st.query_params.get(name)
    if chosen == stands or (stands is None and chosen == default):
        return
    if chosen is None:
        del st.query_params[name]
    else:
        st.query_params[name] = chosen
    if "page" in st.query_params:
        del st.query_params["page"]
