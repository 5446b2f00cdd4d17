"""Whose history an entry stands in: by whom it names and by the days of tenure, until it ends by rule."""

from __future__ import annotations

from datetime import date

import duckdb
import polars as pl
import pytest

from cases.standing import frozen, standing
from data.contracts import TABLES as RECORD_TABLES
from data.edition_tables import REGISTERS, TABLES
from data.queries.sanctions import history
from data.record_tables import sql_type
from data.ruling_tables import CaseSanction, frame_of
from data.scope import Scope
from metrics.calendar import Quarter
from rules.book import Book

ANNA = Scope("anna", "supervisor")
ACME, BEST = (Scope("m", "manager", company_id=c) for c in ("acme", "best"))
LAST = Quarter.parse("2026Q3")  # ends on 30 September 2026
RULE = Book().on(LAST.last, "ladder")
CHANGED, ALWAYS, FOREVER = date(2026, 4, 1), date(2015, 1, 1), date(9999, 12, 31)
#: oak: acme until 1 April 2026, then best; zhao ran it for acme and went on to elm, another of acme's estates.
TENURES = (
    ("t1", "oak", "acme", "zhao", ALWAYS, CHANGED), ("t2", "oak", "best", "qian", CHANGED, None),
    ("t3", "elm", "acme", "sun", ALWAYS, CHANGED), ("t4", "elm", "acme", "zhao", CHANGED, None),
)  # fmt: skip


def entry(name: str, on: date, kind: str = "listing", estate="oak", company="acme", head=None, **given) -> dict:
    row = {
        "sanction_id": name, "party": "estate", "estate_id": estate, "company_id": company, "head_id": head, "kind": kind,
        "law": "GDP 30", "decided_on": on, "status": "final", "record_id": name, "origin": "records",
    }  # fmt: skip
    return row | given


ENTRIES = [
    entry("listed", date(2026, 3, 1), stands_until=date(2026, 12, 1)),
    entry("talked", date(2026, 2, 1), "interview", head="zhao"),
    entry("old", date(2025, 9, 30), "attention"),  # twelve months end on 30 September 2026, that day excluded
    entry("new", date(2025, 10, 1), "attention"),
    entry("best", date(2026, 5, 1), "attention", company="best"),
    entry("wrong", date(2026, 1, 5), status="overturned"),
    entry("mended", date(2026, 1, 6), stands_until=date(2026, 12, 1), repaired_on=date(2026, 3, 2)),
    entry("elsewhere", date(2026, 6, 1), "attention", estate="elm"),
    entry("whole", date(2026, 6, 2), "commendation", estate=None, party="company"),
]


def filled() -> pl.DataFrame:
    return frozen(frame_of(CaseSanction, ENTRIES), RULE, LAST)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    contracts = {n: c.to_schema().columns for n, c in TABLES.items()}
    contracts |= {n: RECORD_TABLES[n].contract.to_schema().columns for n in REGISTERS if n in RECORD_TABLES}
    for name, columns in contracts.items():
        shape = ", ".join(f'"{column}" {sql_type(kind.dtype.type)}' for column, kind in columns.items())
        con.execute(f"CREATE TABLE {name} ({shape})")
    con.execute("INSERT INTO periods VALUES ('2026Q3', DATE '2026-07-01', DATE '2026-10-01')")
    for estate in ("oak", "elm"):
        con.execute(f"INSERT INTO estates (estate_id, period, name_zh) VALUES ('{estate}', '2026Q3', '{estate}苑')")
    for tenure, estate, company, head, since, until in TENURES:
        con.execute(
            "INSERT INTO tenures (tenure_id, estate_id, company_id, head_id, valid_from, valid_to) VALUES (?, ?, ?, ?, ?, ?)",
            [tenure, estate, company, head, since, until],
        )
        if tenure != "t4":  # elm stayed with acme: one spell
            end = FOREVER if tenure == "t3" else until or FOREVER
            con.execute("INSERT INTO management VALUES (?, ?, ?, ?, ?)", [tenure, estate, company, since, end])
    held = filled()
    con.register("_held", held.to_arrow())
    con.execute("INSERT INTO sanctions BY NAME SELECT * FROM _held")
    return con


def names(con, scope=ANNA, **party) -> set[str]:
    return set(history(scope, con, **party)["sanction_id"])


def test_an_estates_history_stays_with_it_under_the_next_company(con):
    assert names(con, estate_id="oak") == {"listed", "talked", "old", "new", "best", "wrong", "mended"}


def test_a_companys_history_goes_with_it_wherever_it_was_and_never_to_the_next(con):
    assert names(con, company_id="acme") == {e["sanction_id"] for e in ENTRIES} - {"best"}
    assert names(con, company_id="best") == {"best"}


def test_a_heads_history_is_what_fell_in_the_own_tenure_and_follows_to_the_next_estate(con):
    # zhao ran oak until 31 March and elm from 1 April; `elsewhere` of 1 June at elm is zhao's too, `best` is qian's
    assert names(con, head_id="zhao") == {"listed", "talked", "old", "new", "wrong", "mended", "elsewhere"}
    assert names(con, head_id="qian") == {"best"}
    assert names(con, head_id="sun") == set()


def test_what_names_a_head_is_no_colleagues(con):
    assert "talked" not in names(con, head_id="qian") | names(con, head_id="sun")


def test_an_entry_ends_on_the_day_stated_or_after_the_rules_months(con):
    rows = {r["sanction_id"]: r for r in history(ANNA, con, estate_id="oak").to_dicts()}
    assert rows["listed"]["ends"] == date(2026, 12, 1)
    assert rows["old"]["ends"] == date(2026, 9, 30) and not rows["old"]["stands"]
    assert rows["new"]["ends"] == date(2026, 10, 1) and rows["new"]["stands"]
    assert {n for n, r in rows.items() if r["stands"]} == {"listed", "talked", "new", "best"}


def test_it_is_said_who_still_manages_the_estate(con):
    rows = {r["sanction_id"]: r["in_charge"] for r in history(ANNA, con, estate_id="oak").to_dicts()}
    assert rows["best"] and not rows["listed"]


def test_the_newest_stands_first_with_the_names(con):
    rows = history(ANNA, con, company_id="acme")
    assert rows["decided_on"].to_list() == sorted(rows["decided_on"].to_list(), reverse=True)
    assert rows.filter(pl.col("sanction_id") == "elsewhere")["estate_zh"].to_list() == ["elm苑"]


def test_the_next_company_reads_nothing_of_the_one_before(con):
    assert names(con, BEST, estate_id="oak") == {"best"}
    assert names(con, BEST, company_id="acme") == set()
    assert names(con, ACME, estate_id="oak") == {"listed", "talked", "old", "new", "wrong", "mended"}


@pytest.mark.parametrize("party", [{}, {"company_id": "acme", "estate_id": "oak"}])
def test_one_party_is_asked_about_at_a_time(con, party):
    with pytest.raises(ValueError, match="one party"):
        history(ANNA, con, **party)


def test_the_ladder_binds_the_company_named_at_the_estate_and_neither_its_successor_nor_its_other_estates():
    # what stands in a history is shown; what carries a step is narrower (domain.md section 11, rule 4)
    units = pl.DataFrame(
        {"unit_id": ["oak-best", "elm-acme", "oak-acme"], "estate_id": ["oak", "elm", "oak"],
         "company_id": ["best", "acme", "acme"], "head_id": ["qian", "zhao", "zhao"]}
    )  # fmt: skip
    clean = pl.DataFrame(schema={"unit_id": pl.String, "clean_from": pl.Date})
    rows = standing(frame_of(CaseSanction, ENTRIES), units, clean, RULE, LAST)
    assert dict(rows.select("unit_id", "climb").rows()) == {"oak-best": 1, "elm-acme": 1, "oak-acme": 3}
