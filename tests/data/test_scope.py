"""Who reads which rows: estates ``oak`` (north, station north-1, company acme) and ``elm`` (south, south-1, best).

Elm was acme's until 2026-07-01: its first spell belongs to acme, its second to best.
"""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

import metrics
from data.contracts import TABLES as RECORD_TABLES
from data.edition_tables import REGISTERS, TABLES
from data.record_tables import sql_type
from data.records import DELIVERIES, SET_ASIDE
from data.scope import ROLES, WHO_READS, Scope

SUPERVISOR = Scope("anna", "supervisor")
NORTH = Scope("bo", "subdistrict", area_id="north")
NORTH_1 = Scope("cai", "station", area_id="north-1")
ACME = Scope("di", "manager", company_id="acme")
BEST = Scope("en", "manager", company_id="best")
STEWARD = Scope("fu", "steward")
EDITION = (*TABLES, *REGISTERS)
SCORES = (
    "metric_sums", "metric_scores", "subindex_scores", "index_scores", "disputes", "withheld", "disputed_scores", "flags",
    "changes", "company_scores", "evidence", "due", "priors", "quantiles", "robustness", "party_parts", "propensity",
    "sanctions", "rulings",
)  # fmt: skip


def rows(con, table, *records):
    """Insert rows given as dicts; columns not named stay NULL."""
    for record in records:
        names = ", ".join(record)
        con.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(record))})", list(record.values()))


@pytest.fixture(scope="module")
def con():
    con = duckdb.connect()
    contracts = {n: c.to_schema().columns for n, c in TABLES.items()}
    contracts |= {n: RECORD_TABLES[n].contract.to_schema().columns for n in REGISTERS if n in RECORD_TABLES}
    for name, columns in contracts.items():
        shape = ", ".join(f'"{column}" {sql_type(kind.dtype.type)}' for column, kind in columns.items())
        con.execute(f"CREATE TABLE {name} ({shape})")
    con.execute(DELIVERIES)
    fill(con)
    return con


def fill(con):
    oak = {"estate_id": "oak", "subdistrict_id": "north", "station_id": "north-1", "company_id": "acme"}
    elm = {"estate_id": "elm", "subdistrict_id": "south", "station_id": "south-1", "company_id": "best"}
    rows(con, "estates", oak | {"period": "2026Q2"}, oak | {"period": "2026Q3"},
         elm | {"period": "2026Q2", "company_id": "acme"}, elm | {"period": "2026Q3"})  # fmt: skip
    changed, always, forever = date(2026, 7, 1), date(2015, 1, 1), date(9999, 12, 31)
    spells = (("t1", "oak", "acme", "h1", always, forever), ("t2", "elm", "acme", "h2", always, changed),
              ("t3", "elm", "best", "h2", changed, forever))  # fmt: skip
    for tenure, estate, company, head, start, end in spells:
        spell = {"estate_id": estate, "company_id": company, "valid_from": start, "valid_to": end}
        rows(con, "management", spell | {"unit_id": tenure})
        rows(con, "tenures", spell | {"tenure_id": tenure, "head_id": head})
        own = {"estate_id": estate, "unit_id": tenure, "tenure_id": tenure}
        rows(con, "evidence", own | {"delivery_id": f"d-{tenure}"})
        rows(con, "deliveries", {
            "delivery_id": f"d-{tenure}", "seq": 1, "source": "s", "record_table": "hazards", "file": "f", "sha256": "",
            "bytes": 1, "received_at": "2026-10-01", "rows_read": 1, "accepted": 1, "revised": 0, "unchanged": 0,
            "set_aside": 0,
        })  # fmt: skip
        rows(con, "due", {"party": "estate", "party_id": tenure, "estate_id": estate, "company_id": company})
        rows(con, "sanctions", {"sanction_id": f"s-{tenure}", "estate_id": estate, "company_id": company})
        rows(con, "rulings", {"record_id": f"r-{tenure}", "estate_id": estate, "company_id": company})
    rows(con, "sanctions", {"sanction_id": "s-best", "company_id": "best"})
    rows(con, "inspectors", {"inspector_id": "i1"})
    rows(con, "propensity", *({"estate_id": e, "period": p} for e in ("oak", "elm") for p in ("2026Q2", "2026Q3")))
    rows(con, "evidence", {"estate_id": "elm", "delivery_id": "d-t3"})  # a gap: nobody's
    rows(con, "due", {"party": "company", "party_id": "best", "company_id": "best"})
    units = [("estate", "oak"), ("estate", "elm")]
    units += [(level, tenure) for level in ("tenure", "head") for tenure in ("t1", "t2", "t3")]
    for table in ("metric_sums", "metric_scores", "subindex_scores", "index_scores", "flags", "changes"):
        rows(con, table, *({"level": level, "unit_id": unit} for level, unit in units))
    rows(con, "company_scores", *({"party": p, "party_id": i} for p, i in
         (("company", "acme"), ("company", "best"), ("head", "h1"), ("head", "h2"))))  # fmt: skip
    rows(con, "companies", {"company_id": "acme"}, {"company_id": "best"})
    rows(con, "office_heads", {"head_id": "h1"}, {"head_id": "h2"})
    rows(con, "data_quality", {"estate_id": "oak"}, {"estate_id": "elm"})
    rows(con, "areas", {"area_id": "north"}, {"area_id": "south"})


def read(con, scope, relation, columns):
    seen = scope.where(relation, "r")
    sql = f"SELECT {columns} FROM {relation} AS r WHERE {seen.sql} ORDER BY ALL"
    return [r if len(r) > 1 else r[0] for r in con.sql(sql, params=seen.params).pl().iter_rows()]


@pytest.mark.parametrize("relation", EDITION)
def test_every_table_of_an_edition_has_its_readers_named(relation):
    assert relation in WHO_READS


@pytest.mark.parametrize("relation", EDITION)
@pytest.mark.parametrize("scope", (SUPERVISOR, NORTH, NORTH_1, ACME, STEWARD), ids=lambda s: s.role)
def test_every_condition_runs_or_says_that_the_role_may_not_read(con, scope, relation):
    closed = {"inspectors": ("subdistrict", "station", "manager", "steward"), "checks": ("manager", "steward"), "coverage": ("manager",),
              "check_runs": ("manager", "steward"), "record_flags": ("steward",), "record_repeats": ("steward",), "closings": ("steward",)}  # fmt: skip
    if (scope.role == "steward" and relation in SCORES) or scope.role in closed.get(relation, ()):
        closed = f"'{relation}' is closed to viewer '{scope.viewer_id}' with role '{scope.role}'"
        with pytest.raises(PermissionError, match=closed):
            scope.where(relation)
    else:
        assert len(read(con, scope, relation, "*")) <= len(read(con, SUPERVISOR, relation, "*"))


@pytest.mark.parametrize("relation", EDITION)
def test_a_supervisor_reads_every_row(con, relation):
    assert len(read(con, SUPERVISOR, relation, "*")) == con.sql(f"SELECT count(*) AS n FROM {relation}").pl()["n"][0]


@pytest.mark.parametrize("scope", (NORTH, NORTH_1), ids=lambda s: s.role)
def test_an_officer_reads_the_estates_of_the_area_and_what_hangs_on_them(con, scope):
    assert read(con, scope, "estates", "r.estate_id, r.period") == [("oak", "2026Q2"), ("oak", "2026Q3")]
    assert read(con, scope, "management", "r.unit_id") == ["t1"]
    assert read(con, scope, "tenures", "r.tenure_id") == ["t1"]
    assert read(con, scope, "companies", "r.company_id") == ["acme"]
    assert read(con, scope, "office_heads", "r.head_id") == ["h1"]
    assert read(con, scope, "evidence", "r.estate_id") == ["oak"]
    assert read(con, scope, "deliveries", "r.delivery_id") == ["d-t1"]
    assert read(con, scope, "data_quality", "r.estate_id") == ["oak"]
    assert read(con, scope, "propensity", "r.estate_id, r.period") == [("oak", "2026Q2"), ("oak", "2026Q3")]
    assert read(con, scope, "due", "r.party, r.party_id") == [("estate", "t1")]
    assert read(con, scope, "company_scores", "r.party_id") == ["acme", "h1"]


@pytest.mark.parametrize(
    "relation", ("metric_sums", "metric_scores", "subindex_scores", "index_scores", "flags", "changes")
)
def test_an_officer_reads_all_levels_of_the_areas_estates(con, relation):
    assert read(con, NORTH, relation, "r.level, r.unit_id") == [("estate", "oak"), ("head", "t1"), ("tenure", "t1")]


@pytest.mark.parametrize(
    "relation", ("metric_sums", "metric_scores", "subindex_scores", "index_scores", "flags", "changes")
)
def test_a_manager_reads_own_spells_and_no_estate_level(con, relation):
    assert read(con, BEST, relation, "r.level, r.unit_id") == [("head", "t3"), ("tenure", "t3")]
    assert read(con, ACME, relation, "r.level, r.unit_id") == [
        ("head", "t1"), ("head", "t2"), ("tenure", "t1"), ("tenure", "t2"),
    ]  # fmt: skip


def test_a_manager_reads_an_estate_only_while_the_company_was_in_charge(con):
    assert read(con, BEST, "estates", "r.estate_id, r.period") == [("elm", "2026Q3")]
    assert ("elm", "2026Q3") not in read(con, ACME, "estates", "r.estate_id, r.period")
    assert ("elm", "2026Q2") in read(con, ACME, "estates", "r.estate_id, r.period")
    assert read(con, BEST, "propensity", "r.estate_id, r.period") == [("elm", "2026Q3")]
    assert read(con, ACME, "propensity", "r.estate_id, r.period") == [
        ("elm", "2026Q2"), ("oak", "2026Q2"), ("oak", "2026Q3"),
    ]  # fmt: skip


@pytest.mark.parametrize("scope", (NORTH, NORTH_1, ACME, STEWARD), ids=lambda s: s.role)
def test_how_strictly_a_person_inspects_is_for_the_supervisor_alone(con, scope):
    assert read(con, SUPERVISOR, "inspectors", "r.inspector_id") == ["i1"]
    with pytest.raises(PermissionError, match="'inspectors' is closed"):
        read(con, scope, "inspectors", "*")


def test_a_manager_reads_neither_a_predecessors_evidence_nor_what_is_nobodys(con):
    assert read(con, BEST, "evidence", "r.unit_id") == ["t3"]
    assert read(con, BEST, "deliveries", "r.delivery_id") == ["d-t3"]
    assert read(con, BEST, "due", "r.party, r.party_id") == [("company", "best"), ("estate", "t3")]


def test_a_sanction_is_read_by_the_officers_of_its_estate_and_the_company_it_names_alone(con):
    # elm's new company reads nothing of what was decided about the one before; best's own, of no estate, is the south's
    south = Scope("gu", "subdistrict", area_id="south")
    assert read(con, NORTH, "sanctions", "r.sanction_id") == ["s-t1"]
    assert read(con, south, "sanctions", "r.sanction_id") == ["s-best", "s-t2", "s-t3"]
    assert read(con, BEST, "sanctions", "r.sanction_id") == ["s-best", "s-t3"]
    assert read(con, ACME, "sanctions", "r.sanction_id") == ["s-t1", "s-t2"]
    assert read(con, NORTH_1, "rulings", "r.record_id") == ["r-t1"]
    assert read(con, ACME, "rulings", "r.record_id") == ["r-t1", "r-t2"]


def test_a_manager_never_reads_another_companys_name(con):
    assert read(con, BEST, "companies", "r.company_id") == ["best"]
    assert read(con, ACME, "companies", "r.company_id") == ["acme"]


def test_the_score_of_a_head_who_served_two_companies_is_for_neither_manager(con):
    # h2 ran elm for acme, then for best; h1 only ever served acme
    assert read(con, BEST, "company_scores", "r.party_id") == ["best"]
    assert read(con, ACME, "company_scores", "r.party_id") == ["acme", "h1"]


#: class -> how many estates acme has in it, how many best has, and how many of best's acme had before
CLASSES = {
    "ALL": (6, 0, 0),
    "FOUR": (3, 4, 0),
    "FIVE": (3, 5, 0),
    "LEFT": (3, 5, 1),
    "ONE": (0, 1, 0),
    "NONE": (0, 5, 0),
}


@pytest.fixture(scope="module")
def classes():
    """Six classes of estates in one period; acme's lie in the north, best's in the south; all have a spread on record."""
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE quantiles (period VARCHAR, estate_class VARCHAR, metric VARCHAR, units BIGINT, p50 DOUBLE)"
    )
    con.execute(
        "CREATE TABLE estates (estate_id VARCHAR, period VARCHAR, estate_class VARCHAR, subdistrict_id VARCHAR, "
        "station_id VARCHAR, company_id VARCHAR)"
    )
    con.execute("CREATE TABLE management (unit_id VARCHAR, estate_id VARCHAR, company_id VARCHAR)")
    for name, (acmes, bests, once_acmes) in CLASSES.items():
        for i in range(acmes + bests):
            company, area = ("acme", "north") if i < acmes else ("best", "south")
            estate = f"{name}{i}"
            con.execute(
                "INSERT INTO estates VALUES (?, '2026Q3', ?, ?, ?, ?)", [estate, name, area, f"{area}-1", company]
            )
            con.execute("INSERT INTO management VALUES (?, ?, ?)", [f"m{estate}", estate, company])
            if acmes <= i < acmes + once_acmes:
                con.execute("INSERT INTO management VALUES (?, ?, 'acme')", [f"old{estate}", estate])
        con.execute("INSERT INTO quantiles VALUES ('2026Q3', ?, 'index', ?, 70)", [name, acmes + bests])
    return con


def test_a_class_is_shown_where_five_estates_that_are_not_ones_own_stand_behind_it(classes):
    # FOUR: 7 - 3 own = 4 others: four unknown numbers, and with the own ones taken off one learns too much. FIVE: 8 - 3 = 5.
    # LEFT: 8 - 3 - 1 that acme looked after once = 4. ALL: 6 - 6 = 0, ONE: a class of one rival's estate. NONE: 5 - 0.
    assert read(classes, ACME, "quantiles", "r.estate_class") == ["FIVE", "NONE"]
    # best's own: ALL 6 others, FOUR 3, FIVE 3, LEFT 3, ONE 0, NONE 0.
    assert read(classes, BEST, "quantiles", "r.estate_class") == ["ALL"]


@pytest.mark.parametrize("scope", (NORTH, NORTH_1), ids=lambda s: s.role)
def test_an_officer_too_is_told_nothing_that_four_estates_elsewhere_stand_behind(classes, scope):
    # As acme's, whose estates are the north's; what acme once had in the south is the south's: LEFT has 5 others.
    assert read(classes, scope, "quantiles", "r.estate_class") == ["FIVE", "LEFT", "NONE"]


def test_who_reads_the_whole_district_reads_every_class(classes):
    assert set(read(classes, SUPERVISOR, "quantiles", "r.estate_class")) == set(CLASSES)


def test_fewer_estates_measured_than_are_in_the_class_hide_sooner_never_later(classes):
    # In FIVE a metric measured at 7 of the 8: 7 - 3 own is 4 at worst, though acme's own may be the one not measured.
    con = classes.cursor()
    con.execute(
        "CREATE TEMP TABLE quantiles AS SELECT '2026Q3' AS period, 'FIVE' AS estate_class, 'm' AS metric, 7 AS units"
    )
    assert read(con, ACME, "quantiles", "r.estate_class") == []


def test_an_estate_that_changes_station_takes_its_file_along():
    moved = duckdb.connect()
    moved.execute("CREATE TABLE estates (estate_id VARCHAR, period VARCHAR, station_id VARCHAR)")
    moved.execute("INSERT INTO estates VALUES ('oak', '2026Q2', 'north-1'), ('oak', '2026Q3', 'north-2')")
    assert read(moved, NORTH_1, "estates", "r.period") == []
    assert read(moved, Scope("x", "station", area_id="north-2"), "estates", "r.period") == ["2026Q2", "2026Q3"]


def test_rows_set_aside_are_for_the_steward_the_supervisor_and_the_officer_of_the_estate():
    store = duckdb.connect()
    store.execute(SET_ASIDE)
    store.execute("CREATE TABLE estates (estate_id VARCHAR, valid_from DATE, subdistrict_id VARCHAR)")
    rows(store, "estates", {"estate_id": "oak", "valid_from": "2015-01-01", "subdistrict_id": "north"},
         {"estate_id": "elm", "valid_from": "2015-01-01", "subdistrict_id": "south"})  # fmt: skip
    for line, estate in enumerate(("oak", "elm", None), start=2):
        row = {"delivery_id": "d", "line": line, "reason": "r", "original": "", "estate_id": estate}
        rows(store, "rows_set_aside", row)
    assert read(store, SUPERVISOR, "rows_set_aside", "r.line") == [2, 3, 4]
    assert read(store, STEWARD, "rows_set_aside", "r.line") == [2, 3, 4]
    assert read(store, NORTH, "rows_set_aside", "r.line") == [2]
    with pytest.raises(PermissionError, match="closed to viewer 'di' with role 'manager'"):
        ACME.where("rows_set_aside")


@pytest.mark.parametrize("role", ("subdistrict", "station", "manager"))
@pytest.mark.parametrize("empty", (None, ""))
def test_an_incomplete_account_reads_nothing_and_is_told_whom_to_ask(role, empty):
    half = Scope("gu", role, area_id=empty, company_id=empty)
    with pytest.raises(PermissionError, match=r"'gu' has role .* without the area or company .* Ask the district"):
        half.where("periods")
    with pytest.raises(PermissionError, match="none are shown"):
        half.require(role)


def test_an_unknown_role_reads_nothing():
    with pytest.raises(PermissionError, match="role 'mayor'"):
        Scope("hu", "mayor", area_id="north", company_id="acme").where("periods")


@pytest.mark.parametrize("role", ROLES)
def test_a_relation_nobody_decided_on_stays_closed_for_everyone(role):
    with pytest.raises(PermissionError, match="Nobody has decided who may read relation 'letters'"):
        Scope("x", role, area_id="north", company_id="acme").where("letters")


def test_a_page_lets_only_its_roles_pass():
    NORTH.require("supervisor", "subdistrict")
    with pytest.raises(PermissionError, match="for supervisor, steward; viewer 'di' is 'manager'"):
        ACME.require("supervisor", "steward")


def test_two_conditions_in_one_query_share_their_parameter(con):
    scores, estates = NORTH.where("index_scores", "s"), NORTH.where("estates", "e")
    sql = f"SELECT count(*) FROM index_scores AS s, estates AS e WHERE {scores.sql} AND {estates.sql}"
    # 3 level rows of oak x 2 periods of oak
    assert con.sql(sql, params=scores.params | estates.params).fetchall() == [(6,)]


def test_no_metric_shows_who_complained():
    assert [name for name, metric in metrics.ALL.items() if "caller_hash" in metric.shows] == []
