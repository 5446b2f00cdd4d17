"""Who managed what, told from whole-register snapshots: `oak` and `elm`, quarter by quarter."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from data.contracts import TABLES
from data.snapshots import Snapshot, SnapshotOutOfOrder, as_periods

HOW = Snapshot("estate_id", ("company_id",), "tenure_id", unread="close")
KEPT = Snapshot("estate_id", ("company_id",), "tenure_id", unread="keep")
SCHEMA = dict(TABLES["tenures"].columns)
MARCH, JUNE, SEPTEMBER = date(2026, 3, 1), date(2026, 6, 1), date(2026, 9, 1)


def snapshot(**managers: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A snapshot's rows, and the estates whose manager is blank (None)."""
    rows = [
        {"tenure_id": estate, "estate_id": estate, "company_id": company, "valid_from": MARCH, "_line": line}
        for line, (estate, company) in enumerate(managers.items(), 2)
        if company
    ]
    blank = pl.DataFrame({"estate_id": [e for e, c in managers.items() if not c]}, schema={"estate_id": pl.String})
    frame = pl.DataFrame(rows, schema=SCHEMA | {"_line": pl.Int64}).with_columns(valid_from=pl.lit(None, pl.Date))
    return frame, blank


def told(*snapshots: tuple[date, tuple], how: Snapshot = HOW) -> list[tuple]:
    """Periods after some snapshots: (estate, company, from, to)."""
    held = pl.DataFrame(schema=SCHEMA)
    for day, (rows, blank) in snapshots:
        new = pl.concat(as_periods(rows, held, blank, day, how)).drop("_line")
        held = pl.concat([held.join(new, on="tenure_id", how="anti"), new])
    return held.select("estate_id", "company_id", "valid_from", "valid_to").sort("estate_id", "valid_from").rows()


def test_a_first_snapshot_opens_a_period_on_its_own_day():
    assert told((MARCH, snapshot(oak="acme"))) == [("oak", "acme", MARCH, None)]


def test_the_same_manager_again_changes_nothing():
    assert told((MARCH, snapshot(oak="acme")), (JUNE, snapshot(oak="acme"))) == [("oak", "acme", MARCH, None)]


def test_another_manager_ends_one_period_and_starts_the_next_on_the_same_day():
    found = told((MARCH, snapshot(oak="acme", elm="best")), (JUNE, snapshot(oak="best", elm="best")))
    assert found == [
        ("elm", "best", MARCH, None), ("oak", "acme", MARCH, JUNE), ("oak", "best", JUNE, None),
    ]  # fmt: skip


def test_a_blank_ends_what_is_known():
    assert told((MARCH, snapshot(oak="acme")), (JUNE, snapshot(oak=None))) == [("oak", "acme", MARCH, JUNE)]


def test_a_blank_between_two_equal_names_is_no_change_of_hands():
    found = told((MARCH, snapshot(oak="acme")), (JUNE, snapshot(oak=None)), (SEPTEMBER, snapshot(oak="acme")))
    assert found == [("oak", "acme", MARCH, None)]


def test_a_blank_before_another_name_leaves_a_gap():
    found = told((MARCH, snapshot(oak="acme")), (JUNE, snapshot(oak=None)), (SEPTEMBER, snapshot(oak="best")))
    assert found == [("oak", "acme", MARCH, JUNE), ("oak", "best", SEPTEMBER, None)]


def test_where_unread_rows_say_nothing_the_period_stays_open():
    found = told((MARCH, snapshot(oak="acme")), (JUNE, snapshot(oak=None)), how=KEPT)
    assert found == [("oak", "acme", MARCH, None)]


def test_of_two_contradicting_rows_the_one_read_ends_the_period_before():
    rows, _ = snapshot(oak="best")
    also_set_aside = pl.DataFrame({"estate_id": ["oak"]})
    found = told((MARCH, snapshot(oak="acme")), (JUNE, (rows, also_set_aside)), how=KEPT)
    assert found == [("oak", "acme", MARCH, JUNE), ("oak", "best", JUNE, None)]


def test_what_is_gone_from_the_register_ends():
    found = told((MARCH, snapshot(oak="acme", elm="best")), (JUNE, snapshot(elm="best")), how=KEPT)
    assert found == [("elm", "best", MARCH, None), ("oak", "acme", MARCH, JUNE)]


def test_a_manager_who_left_and_was_followed_comes_back_as_a_new_period():
    found = told((MARCH, snapshot(oak="acme")), (JUNE, snapshot(oak="best")), (SEPTEMBER, snapshot(oak="acme")))
    assert [f[2:] for f in found] == [(MARCH, JUNE), (JUNE, SEPTEMBER), (SEPTEMBER, None)]


def test_an_entity_may_name_its_own_first_day_but_not_a_later_one():
    rows, blank = snapshot(oak="acme", elm="best")
    rows = rows.with_columns(valid_from=pl.Series([date(2017, 1, 1), date(2027, 1, 1)]))
    assert [f[2] for f in told((MARCH, (rows, blank)))] == [MARCH, date(2017, 1, 1)]


def test_a_closed_period_stands_on_the_line_that_ended_it_or_on_the_file_as_a_whole():
    held = pl.concat(as_periods(*_with_held(snapshot(oak="acme", elm="best")), MARCH, HOW)).drop("_line")
    rows, blank = snapshot(ash="acme", oak="best")
    _, closed = as_periods(rows, held, blank, JUNE, HOW)
    assert dict(closed.select("estate_id", "_line").rows()) == {"oak": 3, "elm": 1}


def test_snapshots_are_refused_out_of_order():
    with pytest.raises(SnapshotOutOfOrder, match=r"2026-03-01.*2026-06-01"):
        told((JUNE, snapshot(oak="acme")), (MARCH, snapshot(oak="best")))


def _with_held(given: tuple) -> tuple:
    return given[0], pl.DataFrame(schema=SCHEMA), given[1]
