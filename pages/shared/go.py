"""Going to another page with something in hand."""

from __future__ import annotations

import streamlit as st


def to(url_path: str, **params: str) -> None:
    """Open a page the viewer may see, with its query parameters."""
    st.switch_page(st.session_state["pages"][url_path], query_params=params)


def link(url_path: str, label: str, **params: str) -> None:
    """A link to a page the viewer may see."""
    st.page_link(st.session_state["pages"][url_path], label=label, query_params=params)
