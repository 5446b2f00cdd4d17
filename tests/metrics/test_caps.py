"""Caps: which confirmed findings hold a score down, for whom, and until when (method.md section 5, T10's principle)."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.caps import CAPS, findings_of, in_force
from rules.book import Book

RULE = Book().on(date(2026, 9, 30), "caps")
SCHEMA = {
    "estate_id": pl.String, "unit_id": pl.String, "tenure_id": pl.String, "finding": pl.String, "decided_on": pl.Date,
    "repaired_on": pl.Date, "stands_until": pl.Date, "status": pl.String,
}  # fmt: skip


def finding(kind: str, decided_on: date, **more) -> dict:
    row = {"estate_id": "oak", "unit_id": "t-oak", "tenure_id": "t-oak-2", "finding": kind, "decided_on": decided_on}
    return row | {"repaired_on": None, "stands_until": None, "status": "final"} | more


def caps_on(day: date, *findings: dict) -> pl.DataFrame:
    """Caps of a period whose last day is ``day``."""
    return in_force(
        pl.DataFrame(list(findings), schema=SCHEMA), pl.DataFrame({"period": ["2026Q3"], "last": [day]}), RULE
    )


def cap_on(day: date, *findings: dict, level: str = "estate") -> float | None:
    """The cap of the one unit of ``level``; None where there is none."""
    rows = caps_on(day, *findings).filter(level=level)
    return rows["cap"].item() if rows.height else None


@pytest.mark.parametrize("kind", ["fatal_fire", "records_falsified"])
@pytest.mark.parametrize(
    ("day", "cap"),
    [(date(2025, 9, 29), None), (date(2025, 9, 30), 59.0), (date(2026, 9, 29), 59.0), (date(2026, 9, 30), None)],
)
def test_a_grave_finding_caps_for_twelve_months_from_its_decision(kind, day, cap):
    assert cap_on(day, finding(kind, date(2025, 9, 30))) == cap


@pytest.mark.parametrize(
    ("repaired_on", "cap"),
    [
        (None, 59.0),  # no verified repair yet: it stands on
        (date(2026, 7, 3), 59.0),  # the 89th day after the repair
        (date(2026, 7, 2), None),  # the 90th
    ],
)
def test_disabled_systems_cap_until_ninety_days_after_a_verified_repair(repaired_on, cap):
    assert cap_on(date(2026, 9, 30), finding("systems_disabled", date(2024, 1, 1), repaired_on=repaired_on)) == cap


def blocked(*days: date) -> list[dict]:
    return [finding("routes_blocked", d) for d in days]


def test_routes_blocked_twice_do_not_cap():
    assert cap_on(date(2026, 9, 30), *blocked(date(2026, 7, 1), date(2026, 8, 1))) is None


@pytest.mark.parametrize(
    ("first", "cap"),
    [
        (date(2025, 8, 2), 69.0),
        (date(2025, 8, 1), None),
    ],  # the third falls on the last day of the twelve months, or after
)
def test_routes_blocked_three_times_within_twelve_months_cap(first, cap):
    assert cap_on(date(2026, 9, 30), *blocked(first, date(2026, 7, 1), date(2026, 8, 1))) == cap


@pytest.mark.parametrize(("day", "cap"), [(date(2026, 8, 31), 69.0), (date(2026, 9, 1), None)])
def test_the_cap_on_blocked_routes_ends_after_six_clean_months(day, cap):
    assert cap_on(day, *blocked(date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))) == cap


def test_a_relapse_before_six_clean_months_keeps_the_cap():
    # third on 1 June 2025; a fourth on 20 November, five months later, though only two then lie within twelve months
    days = [date(2024, 7, 1), date(2024, 12, 1), date(2025, 6, 1), date(2025, 11, 20)]
    assert cap_on(date(2026, 3, 31), *blocked(*days)) == 69.0
    assert cap_on(date(2026, 3, 31), *blocked(*days[:3])) is None
    assert cap_on(date(2026, 6, 30), *blocked(*days)) is None


def test_after_six_clean_months_it_takes_three_within_twelve_again():
    days = [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)]
    assert (
        cap_on(date(2026, 2, 28), *blocked(*days, date(2026, 2, 15))) is None
    )  # with 1 March two within twelve months
    assert cap_on(date(2025, 12, 31), *blocked(*days, date(2025, 12, 1))) == 69.0  # with February and March three


@pytest.mark.parametrize("status", ["appealed", "overturned"])
def test_a_finding_that_is_not_final_does_not_score(status):
    assert caps_on(date(2026, 9, 30), finding("fatal_fire", date(2026, 8, 1), status=status)).is_empty()


def test_a_cap_ends_on_the_day_its_decision_names():
    assert cap_on(date(2026, 8, 31), finding("fatal_fire", date(2026, 7, 1), stands_until=date(2026, 9, 1))) == 59.0
    assert cap_on(date(2026, 9, 1), finding("fatal_fire", date(2026, 7, 1), stands_until=date(2026, 9, 1))) is None


def test_the_lowest_cap_holds_and_all_reasons_are_named():
    rows = caps_on(
        date(2026, 9, 30),
        finding("records_falsified", date(2026, 9, 1)),
        *blocked(date(2026, 7, 1), date(2026, 8, 1), date(2026, 9, 1)),
    )
    estate = rows.filter(level="estate").row(0, named=True)
    assert (estate["cap"], estate["cap_reason"]) == (59.0, "records_falsified,routes_blocked")


def test_a_finding_caps_the_estate_the_company_and_the_head_that_answer():
    rows = caps_on(date(2026, 9, 30), finding("fatal_fire", date(2026, 8, 1)))
    assert rows.select("level", "unit_id").rows() == [("estate", "oak"), ("head", "t-oak-2"), ("tenure", "t-oak")]


def test_a_finding_of_unmanaged_days_caps_the_estate_alone():
    rows = caps_on(date(2026, 9, 30), finding("fatal_fire", date(2026, 8, 1), unit_id=None, tenure_id=None))
    assert rows["level"].to_list() == ["estate"]


def test_a_newcomer_does_not_answer_for_the_routes_its_predecessor_blocked():
    old = [f | {"unit_id": "t-old", "tenure_id": "t-old"} for f in blocked(date(2026, 6, 1), date(2026, 7, 1))]
    new = finding("routes_blocked", date(2026, 8, 1), unit_id="t-new", tenure_id="t-new")
    rows = caps_on(date(2026, 9, 30), *old, new)
    assert rows.select("level", "unit_id").rows() == [("estate", "oak")]  # three at the estate, two and one by company


def test_periods_before_a_finding_are_free_of_it():
    periods = pl.DataFrame(
        {"period": ["2026Q1", "2026Q2", "2026Q3"], "last": [date(2026, 3, 31), date(2026, 6, 30), date(2026, 9, 30)]}
    )
    rows = in_force(pl.DataFrame([finding("fatal_fire", date(2026, 5, 1))], schema=SCHEMA), periods, RULE)
    assert rows.filter(level="estate")["period"].to_list() == ["2026Q2", "2026Q3"]


def test_no_findings_no_caps():
    rows = in_force(
        pl.DataFrame(schema=SCHEMA), pl.DataFrame({"period": ["2026Q3"], "last": [date(2026, 9, 30)]}), RULE
    )
    assert rows.is_empty()
    assert dict(rows.schema) == CAPS


@pytest.mark.parametrize(
    ("company", "head", "unit_id", "tenure_id"),
    [
        (None, None, "new", "new"),  # who was in charge on the day of the decision
        ("acme", None, "old", None),  # the company it names, though it has left; no person is taken for its head
        ("acme", "h1", "old", "old-1"),  # and the head it names
        ("other", None, None, None),  # a company that never was there
    ],
)
def test_a_finding_falls_on_the_company_and_head_it_names(company, head, unit_id, tenure_id):
    con = duckdb.connect()
    con.execute("CREATE SCHEMA edition")
    spells = [
        ("old", "acme", date(2020, 1, 1), date(2026, 1, 1)),
        ("new", "best", date(2026, 1, 1), date(9999, 12, 31)),
    ]
    heads = [
        ("old-1", "acme", "h1", date(2020, 1, 1), date(2023, 1, 1)),
        ("old-2", "acme", "h2", date(2023, 1, 1), date(2026, 1, 1)),
        ("new", "best", "h3", date(2026, 1, 1), None),
    ]
    con.execute(
        "CREATE TABLE edition.management (unit_id TEXT, estate_id TEXT, company_id TEXT, valid_from DATE, valid_to DATE)"
    )
    con.executemany("INSERT INTO edition.management VALUES (?, 'oak', ?, ?, ?)", spells)
    con.execute(
        "CREATE TABLE tenures (tenure_id TEXT, estate_id TEXT, company_id TEXT, head_id TEXT, valid_from DATE, valid_to DATE)"
    )
    con.executemany("INSERT INTO tenures VALUES (?, 'oak', ?, ?, ?, ?)", heads)
    con.execute(
        "CREATE TABLE sanctions AS SELECT 's1' AS sanction_id, 'oak' AS estate_id, $company::TEXT AS company_id, "
        "$head::TEXT AS head_id, 'finding' AS kind, 'fatal_fire' AS finding, DATE '2026-05-01' AS decided_on, "
        "NULL::DATE AS repaired_on, NULL::DATE AS stands_until, 'final' AS status",
        {"company": company, "head": head},
    )
    row = findings_of(con).row(0, named=True)
    assert (row["unit_id"], row["tenure_id"]) == (unit_id, tenure_id)
    assert set(SCHEMA) == set(row)


DAYS = st.dates(date(2024, 1, 1), date(2026, 9, 30))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["fatal_fire", "records_falsified", "routes_blocked"]), DAYS), max_size=8))
def test_one_more_finding_never_lifts_a_cap(found):
    rows = [finding(kind, day) for kind, day in found]
    caps = [cap_on(date(2026, 9, 30), *rows[:n]) for n in range(len(rows) + 1)]
    levels = [100.0 if c is None else c for c in caps]
    assert levels == sorted(levels, reverse=True)
