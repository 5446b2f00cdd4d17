"""Which record a flagged one repeats is told only to those who may read both."""

from datetime import date

import duckdb
import pytest

from data.queries import files
from data.scope import Scope

SUPERVISOR = Scope("s", "supervisor")
ACME = Scope("m", "manager", company_id="acme")
NORTH = Scope("p", "station", area_id="north")


@pytest.fixture
def con():
    """oak (acme, station north) has two drills flagged as repeating one of ash (acme, south) and one of elm (best, north)."""
    con = duckdb.connect()
    day = date(2026, 5, 1)
    con.execute(
        """
        CREATE TABLE periods AS SELECT '2026Q2' AS period, DATE '2026-07-01' AS "end";
        CREATE TABLE deliveries (delivery_id VARCHAR, file VARCHAR);
        CREATE TABLE estates AS SELECT * FROM (VALUES ('oak', '2026Q2', 'north', 'acme'), ('ash', '2026Q2', 'south', 'acme'),
            ('elm', '2026Q2', 'north', 'best')) AS t(estate_id, period, station_id, company_id);
        CREATE TABLE tenures AS SELECT 't-' || estate_id AS tenure_id, estate_id, company_id FROM estates;
        CREATE TABLE management AS SELECT tenure_id AS unit_id, estate_id, company_id FROM tenures;
        """
    )
    con.execute(
        """
        CREATE TABLE evidence AS
        SELECT 'duplicate_evidence' AS metric, 'oak' AS estate_id, 't-oak' AS unit_id, 't-oak' AS tenure_id,
               'fire_drills' AS record_table, id AS record_id, $day AS occurred_on, $day AS decided_on, 1.0 AS numerator,
               1.0 AS denominator, NULL AS excluded, NULL AS facts, NULL AS factor, NULL AS line, NULL AS delivery_id
        FROM (VALUES ('d1'), ('d2'), ('d3')) AS t(id);
        """,
        {"day": day},
    )
    con.execute(
        """
        CREATE TABLE record_flags AS
        SELECT record_table, record_id, estate_id, unit_id, tenure_id, 'same_file' AS kind, 9 AS days, NULL::DOUBLE AS likeness
        FROM evidence WHERE record_id <> 'd3';
        CREATE TABLE record_repeats AS
        SELECT 'fire_drills' AS record_table, d AS record_id, 'same_file' AS kind, 'oak' AS estate_id, 't-oak' AS unit_id,
               o AS other_id, e AS other_estate_id, 't-' || e AS other_unit_id
        FROM (VALUES ('d1', 'd-ash', 'ash'), ('d2', 'd-elm', 'elm')) AS t(d, o, e);
        """
    )
    yield con
    con.close()


@pytest.mark.parametrize(
    ("scope", "others"),
    [(SUPERVISOR, ["d-ash", "d-elm"]), (ACME, ["d-ash", None]), (NORTH, [None, "d-elm"])],
    ids=["supervisor", "manager", "station"],
)
def test_the_other_record_is_named_to_those_who_may_read_both(con, scope, others):
    level, unit = ("tenure", "t-oak") if scope is ACME else ("estate", "oak")
    rows = files.evidence(scope, con, level=level, unit_id=unit, metric="duplicate_evidence", period="2026Q2")
    told = {r["record_id"]: r["flags"] for r in rows.to_dicts()}
    assert [told[d][0]["other_id"] for d in ("d1", "d2")] == others
    assert [(f["kind"], f["days"]) for f in told["d1"]] == [("same_file", 9)]
    assert told["d3"] == []
