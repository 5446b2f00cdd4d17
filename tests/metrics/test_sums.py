"""Attribution, exposure and decay: the worked examples of method.md sections 1 and 6."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import ibis
import pytest

from data.contracts import TABLES
from metrics.base import Metric
from metrics.calendar import Quarter
from metrics.evidence import evidence_of, records_of
from metrics.sums import decay, period_sums, quarter_sums
from rules.book import Book
from tests.metrics.conftest import OAK, QUARTERS, record_tables

DAYS = {n: t.day for n, t in TABLES.items()}


def _incidents(records, _rules):
    rows = records.incidents
    return rows.select(
        "estate_id", "record_id", occurred_on="occurred_on", decided_on="occurred_on",
        numerator=ibis.literal(1.0), denominator=ibis.literal(0.0),
    )  # fmt: skip


def _book(tmp_path: Path, half_life: float, expected_min: float = 5.0) -> Book:
    (tmp_path / "metrics").mkdir(exist_ok=True)
    (tmp_path / "index.toml").write_text(
        "[[in_force]]\nfrom = 2010-01-01\nlaw = 'test'\ngrace_days = 30\nwindow_quarters = 12\n"
        f"half_life_months = {half_life}\nmissing_month_expected_min = {expected_min}\n"
    )
    (tmp_path / "metrics/made_up.toml").write_text("[[in_force]]\nfrom = 2010-01-01\nlaw = 'test'\n")
    return Book(tmp_path)


def _sums(tmp_path, tables, period, *, half_life=1e7, expected_min=5.0, family="rate", grace=False, scored=1):
    con = duckdb.connect()
    last, book = Quarter.parse(period), _book(tmp_path, half_life, expected_min)
    metric = Metric(
        code="X", family=family, record="incidents", unit="u", evidence=_incidents, shows=(), source="police",
        exposure="homes", grace=grace,
    )  # fmt: skip
    records = records_of(record_tables(con, tables), last, QUARTERS)
    expression = evidence_of("made_up", metric, records, book, (last - (QUARTERS - 1)).start, last)
    backend = ibis.duckdb.from_connection(con)
    backend.create_table("evidence", expression)
    rule = book.on(last.last, "index")
    quarters = quarter_sums(backend.table("evidence"), {"made_up": metric}, DAYS, records, last, QUARTERS, rule)
    rows = period_sums(quarters, {"made_up": metric}, records.quarters, scored, rule).to_polars()
    return {(r["level"], r["unit_id"], r["period"]): r for r in rows.iter_rows(named=True)}


def _incident(number: int, day: date, estate: str = "oak") -> dict:
    return {"incident_id": f"i{number}", "estate_id": estate, "occurred_on": day, "kind": "fire", "severity": "minor"}


def test_t1_exposure_and_events_split_at_the_day_of_handover(tmp_path):
    # T1: 800 homes; A in charge until 2024-07-01 (182 of 366 days), then B (184); no decay
    estate = OAK | {"households": 800, "valid_from": date(2024, 1, 1)}
    tenures = [
        {"tenure_id": "a", "estate_id": "oak", "company_id": "acme", "valid_from": date(2024, 1, 1),
         "valid_to": date(2024, 7, 1)},
        {"tenure_id": "b", "estate_id": "oak", "company_id": "best", "valid_from": date(2024, 7, 1)},
    ]  # fmt: skip
    events = [_incident(i, date(2024, 6, 30)) for i in range(6)]
    events += [_incident(10 + i, date(2024, 7, 1)) for i in range(3)]
    got = _sums(tmp_path, {"estates": [estate], "tenures": tenures, "incidents": events}, "2024Q4")
    a, b, whole = (got[k] for k in (("tenure", "a", "2024Q4"), ("tenure", "b", "2024Q4"), ("estate", "oak", "2024Q4")))
    assert a["e"] == pytest.approx(0.8 * 182 / 366, abs=1e-6)  # .397814
    assert b["e"] == pytest.approx(0.402186, abs=1e-6)
    assert (a["y"], b["y"], whole["y"]) == pytest.approx((6, 3, 9), abs=1e-4)
    assert a["y"] / a["e"] == pytest.approx(15.0824, abs=1e-4)
    assert b["y"] / b["e"] == pytest.approx(7.4592, abs=1e-4)
    assert whole["e"] == pytest.approx(0.8, abs=1e-5)


def test_t11_weights_halve_every_half_life():
    # T11: ages 0, 6, 12, 24 months give 1, .707107, .5, .25 (a month is 365.25 / 12 days)
    month = 365.25 / 12
    weights = [decay(a * month, 12) for a in (0, 6, 12, 24)]
    assert weights == pytest.approx([1, 0.707107, 0.5, 0.25], abs=1e-6)
    counts = [3, 1, 4, 6]
    assert sum(w * c for w, c in zip(weights, counts, strict=True)) == pytest.approx(7.207107, abs=1e-6)
    assert sum(w * w for w in weights) == pytest.approx(1.8125, abs=1e-6)
    assert sum(weights) == pytest.approx(
        2.457107, abs=1e-6
    )  # E; the fifth, of 40 months, is cut (test below): rate 2.933168
    assert sum(w * c for w, c in zip(weights, counts, strict=True)) / sum(weights) == pytest.approx(2.933168, abs=1e-6)


def test_decay_is_by_the_day_and_cut_off_after_the_window(tmp_path):
    # half-life of exactly 365.25 days; 2026-09-30 is the period's last day
    old = date(2023, 9, 30)  # in 2023Q3, the thirteenth quarter back: outside twelve quarters
    events = [_incident(1, date(2026, 9, 30)), _incident(2, date(2025, 9, 30)), _incident(3, old)]
    got = _sums(tmp_path, {"incidents": events}, "2026Q3", half_life=12)
    # weights 1 and 2 ** (-365 / 365.25)
    assert got["estate", "oak", "2026Q3"]["y"] == pytest.approx(1 + 2 ** (-365 / 365.25), abs=2e-9)


def test_exposure_under_decay_is_the_sum_of_daily_weights(tmp_path):
    # the estate exists for the last ten days only: sum of 2 ** (-k / 365.25), k = 0..9, x 1000 homes / 365 / 1000
    estate = OAK | {"valid_from": date(2026, 9, 21)}
    tenures = [{"tenure_id": "a", "estate_id": "oak", "company_id": "acme", "valid_from": date(2026, 9, 21)}]
    tables = {"estates": [estate], "tenures": tenures, "incidents": [_incident(1, date(2026, 9, 25))]}
    got = _sums(tmp_path, tables, "2026Q3", half_life=12)
    days = sum(2 ** (-k / 365.25) for k in range(10))
    squares = sum(2 ** (-2 * k / 365.25) for k in range(10))
    for key in (("estate", "oak", "2026Q3"), ("tenure", "a", "2026Q3"), ("head", "a", "2026Q3")):
        assert got[key]["e"] == pytest.approx(days / 365, rel=1e-5)
        assert got[key]["e2"] == pytest.approx(squares / 365, rel=1e-5)


def test_a_record_in_a_gap_counts_for_the_estate_and_against_nobody(tmp_path):
    tenures = [
        {"tenure_id": "a", "estate_id": "oak", "company_id": "acme", "valid_from": date(2015, 1, 1),
         "valid_to": date(2026, 7, 1)},
        {"tenure_id": "b", "estate_id": "oak", "company_id": "best", "valid_from": date(2026, 8, 1)},
    ]  # fmt: skip
    got = _sums(tmp_path, {"tenures": tenures, "incidents": [_incident(1, date(2026, 7, 15))]}, "2026Q3")
    assert got["estate", "oak", "2026Q3"]["y"] == pytest.approx(1, abs=1e-5)
    assert got["tenure", "a", "2026Q3"]["y"] == 0
    assert got["tenure", "b", "2026Q3"]["y"] == 0


def test_a_change_of_head_splits_the_head_and_not_the_company(tmp_path):
    tenures = [
        {"tenure_id": "a1", "estate_id": "oak", "company_id": "acme", "head_id": "h1", "valid_from": date(2015, 1, 1),
         "valid_to": date(2026, 8, 1)},
        {"tenure_id": "a2", "estate_id": "oak", "company_id": "acme", "head_id": "h2", "valid_from": date(2026, 8, 1)},
    ]  # fmt: skip
    events = [_incident(1, date(2026, 7, 31)), _incident(2, date(2026, 8, 1))]
    got = _sums(tmp_path, {"tenures": tenures, "incidents": events}, "2026Q3")
    assert got["tenure", "a1", "2026Q3"]["y"] == pytest.approx(2, abs=1e-5)
    assert ("tenure", "a2", "2026Q3") not in got
    assert got["head", "a1", "2026Q3"]["y"] == pytest.approx(1, abs=1e-5)
    assert got["head", "a2", "2026Q3"]["y"] == pytest.approx(1, abs=1e-5)


def test_a_newcomers_first_thirty_days_are_shown_and_not_counted(tmp_path):
    tenures = [
        {"tenure_id": "a", "estate_id": "oak", "company_id": "acme", "valid_from": date(2015, 1, 1),
         "valid_to": date(2026, 7, 1)},
        {"tenure_id": "b", "estate_id": "oak", "company_id": "best", "valid_from": date(2026, 7, 1)},
    ]  # fmt: skip
    events = [_incident(1, date(2026, 7, 30)), _incident(2, date(2026, 7, 31))]  # day 29 and day 30 after
    got = _sums(tmp_path, {"tenures": tenures, "incidents": events}, "2026Q3", grace=True)
    assert got["tenure", "b", "2026Q3"]["y"] == pytest.approx(1, abs=1e-5)
    assert got["estate", "oak", "2026Q3"]["y"] == pytest.approx(2, abs=1e-5)


def test_a_month_nobody_delivered_is_no_free_credit(tmp_path):
    # 6 incidents in each of April, May, July, August, September 2026; June was never delivered
    events = [_incident(100 * m + i, date(2026, m, 10 + i)) for m in (4, 5, 7, 8, 9) for i in range(6)]
    estate = OAK | {"valid_from": date(2026, 4, 1)}
    tenures = [{"tenure_id": "a", "estate_id": "oak", "company_id": "acme", "valid_from": date(2026, 4, 1)}]
    tables = {"estates": [estate], "tenures": tenures, "incidents": events}
    got = _sums(tmp_path, dict(tables), "2026Q3")
    # 30 + 31 + 31 + 31 + 30 days of April, May, July, August, September
    assert got["tenure", "a", "2026Q3"]["e"] == pytest.approx(153 / 365, rel=1e-5)
    # where six a month are not enough to tell silence from absence, June counts too: 183 days
    got = _sums(tmp_path, dict(tables), "2026Q3", expected_min=7.0)
    assert got["tenure", "a", "2026Q3"]["e"] == pytest.approx(183 / 365, rel=1e-5)


def test_where_a_table_was_never_delivered_nothing_is_known(tmp_path):
    assert _sums(tmp_path, {"incidents": []}, "2026Q3") == {}
