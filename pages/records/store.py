"""The records store in view of a page: opened for one question, closed after it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import duckdb

from data.records import StoreBusy, attach_records
from pages.shared import place

#: How often, and for how many seconds, an act waits for somebody else's glance at the store to end.
TRIES, PAUSE = 20, 0.25
T = TypeVar("T")


@contextmanager
def records() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that shows the records as views; raises StoreBusy while a load holds the store."""
    con = duckdb.connect()
    try:
        attach_records(con, place.root())
        yield con
    finally:
        con.close()


def patiently(act: Callable[[], T]) -> T:
    """Do something that writes, as soon as nobody reads; raises StoreBusy where a load goes on."""
    for _ in range(TRIES):
        try:
            return act()
        except StoreBusy:
            time.sleep(PAUSE)
    return act()
