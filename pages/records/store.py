"""The records store in view of a page: opened for one question, closed after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from data.records import attach_records
from pages.shared import place


@contextmanager
def records() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that shows the records as views; raises StoreBusy while a load holds the store."""
    con = duckdb.connect()
    try:
        attach_records(con, place.root())
        yield con
    finally:
        con.close()
