"""Where the stores lie, and what the address asks for."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st


def root() -> Path:
    """The folder of the three stores (environment STEWARD_ROOT, else ``var``)."""
    return Path(os.environ.get("STEWARD_ROOT", "var"))


def asked_period(periods: list[str]) -> str:
    """The period the address asks for, if this edition has it; the newest otherwise."""
    asked = st.query_params.get("period", "")
    return asked if asked in periods else periods[0]


def asked(name: str) -> str:
    """One value of the address; empty where absent."""
    return str(st.query_params.get(name, ""))
