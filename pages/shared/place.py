"""Where the stores lie, below which path of its host the program is served, and what the address asks for."""

from __future__ import annotations

import os
import re
from pathlib import Path

import streamlit as st

BASE_VARIABLE = "STEWARD_BASE_PATH"


class BaseWrong(ValueError):
    """The path below which the program is to be served is none a browser keeps as it is."""


def base() -> str:
    """The path the proxy takes off before it passes a request on, such as ``/steward``; empty at the root of a host.

    Addresses inside the program never have it; it is added where one leaves for a browser: ``at``, the gate's redirects,
    the path of cookies.

    Raises:
        BaseWrong: it has characters or parts a browser would change.
    """
    said = os.environ.get(BASE_VARIABLE, "").strip().removesuffix("/")
    path = said if not said or said.startswith("/") else f"/{said}"
    if not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*", path, re.ASCII):
        raise BaseWrong(
            f"{BASE_VARIABLE} is {said!r}, which is no path of plain parts. Write it like /steward; the nginx before this "
            "server must name the same one (deploy/nginx-path.conf)."
        )
    return path


def at(path: str) -> str:
    """An address of this program as a browser must ask for it."""
    return base() + path


def within(path: str) -> str:
    """A path a browser is at as the program knows it: less what the proxy takes off."""
    inside = path.removeprefix(base())
    return path if inside and not inside.startswith("/") else inside or "/"


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
