"""A desk at the published demo district, and a row of its due list."""

from __future__ import annotations

import polars as pl
import pytest

from cases.acts import Desk
from cases.papers.press import Press
from data import editions
from data.queries import rankings
from rules.book import Book
from tests.cases.casebook import ANNA, START


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


@pytest.fixture
def con(demo_root):
    return editions.open_edition(editions.current(demo_root))


@pytest.fixture
def desk(demo_root, ledger, press) -> Desk:
    return Desk(demo_root, ledger, Book(), press, START, ANNA)


@pytest.fixture
def row(con) -> dict:
    """A row of the due list about an estate; tests that need a graver step say so in it."""
    due = rankings.due_list(ANNA, con, limit=10_000).filter(
        (pl.col("party") == "estate") & (pl.col("step") == "attention") & pl.col("company_id").is_not_null()
    )
    return due.row(0, named=True)
