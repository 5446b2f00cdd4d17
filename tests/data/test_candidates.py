"""The tier ahead of a listing: who is watched, told to officers alone, and who is past it."""

from __future__ import annotations

import duckdb
import pytest

from data.queries import rankings
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from pages.cases.due import _missing

# unit, stage, selected, p, step due, what stands
UNITS = [
    (
        "one",
        "watch",
        True,
        0.93,
        "attention",
        None,
    ),  # on the list for the first time: a reminder is due, and it is watched
    ("unsure", "watch", False, 0.60, "none", None),
    ("left", "listing", False, 0.25, "none", None),  # better this quarter, not yet clear of it for two
    ("waits", "listing", True, 0.97, "attention", None),  # numbers for a listing; the reminder comes first
    ("listed", "listing", True, 0.97, "none", "listing"),  # a listing stands: past the tier
    ("due", "listing", True, 0.99, "listing", None),  # a listing is due: past the tier
    ("calm", "none", False, 0.01, "none", None),
]


@pytest.fixture
def con():
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE due (period TEXT, party TEXT, party_id TEXT, estate_id TEXT, company_id TEXT, step TEXT, params TEXT)"
    )
    con.execute(
        "CREATE TABLE flags (level TEXT, unit_id TEXT, estate_id TEXT, period TEXT, stage TEXT, selected BOOL, p_below DOUBLE)"
    )
    con.execute("CREATE TABLE companies (company_id TEXT, name_zh TEXT, name_en TEXT)")
    con.execute("CREATE TABLE estates (estate_id TEXT, company_id TEXT, period TEXT, name_zh TEXT, name_en TEXT)")
    con.execute("CREATE TABLE index_scores (level TEXT, unit_id TEXT, estate_id TEXT, period TEXT, final DOUBLE)")
    con.execute("INSERT INTO companies VALUES ('acme', '晨光物业', 'Acme')")
    for unit, stage, selected, p, step, stands in UNITS:
        params = f'{{"stands": "{stands}"}}' if stands else '{"stands": null}'
        con.execute(
            "INSERT INTO due VALUES ('2026Q3', 'estate', $u, $u, 'acme', $s, $p)", {"u": unit, "s": step, "p": params}
        )
        con.execute("INSERT INTO estates VALUES ($u, 'acme', '2026Q3', $u, $u)", {"u": unit})
        # an earlier quarter of the same unit, and the estate's own level, must not come in twice
        for level, period in (("tenure", "2026Q3"), ("tenure", "2026Q2"), ("estate", "2026Q3")):
            given = {"l": level, "u": unit, "q": period, "g": stage, "c": selected, "p": p}
            con.execute("INSERT INTO flags VALUES ($l, $u, $u, $q, $g, $c, $p)", given)
            con.execute("INSERT INTO index_scores VALUES ($l, $u, $u, $q, 55)", {k: given[k] for k in "luq"})
    return con


def test_watched_units_stand_surest_first_and_none_that_is_past_the_tier(con):
    rows = rankings.candidates(Scope("anna", "supervisor"), con)
    assert rows["estate_id"].to_list() == ["waits", "one", "unsure", "left"]
    assert rows["company_zh"].unique().to_list() == ["晨光物业"]


def test_each_says_what_is_missing_until_a_listing(con):
    rows = rankings.candidates(Scope("anna", "supervisor"), con)
    said = {r["estate_id"]: _missing(r) for r in rows.iter_rows(named=True)}
    assert said == {"waits": "met", "one": "one_more", "unsure": "not_sure", "left": "not_left"}
    for language in LANGUAGES:
        assert all(Words(language).has(f"candidate.{key}") for key in said.values())


def test_a_manager_is_not_told(con):
    with pytest.raises(PermissionError):
        rankings.candidates(Scope("mei", "manager", company_id="acme"), con)
