"""An edition after an upheld objection: the same as if the records had been delivered so, and exactly as weighed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from cases import publish
from cases.allowed import NotDue
from cases.appeal import Weighed, WeighingFailed, weigh, weigh_case
from cases.case import fold
from data import editions, events
from data.contracts import TABLES
from data.ledger import open_ledger, writing
from data.record_tables import record_id_sql
from tests.conftest import copy_of

NOW = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)
#: Tables of numbers that rest on records and steps; not evidence (which shows what was taken out) nor sanctions themselves.
NUMBERS = tuple(n for n in publish.NUMBERS if n not in ("evidence", "rulings", "sanctions", "data_quality"))


@dataclass
class Town:
    """A copy of the demo district where an objection was upheld.

    Attributes:
        unit: the company's spell whose records were ruled on. rulings: on an item, a whole visit, a hazard, a call given to
            estate ``other``, and a duty with no record behind it. edition: as first published. corrected: drafted after.
    """

    root: Path
    unit: dict
    rulings: list[dict]
    other: str
    edition: str
    case_id: str
    weighed: Weighed
    corrected: str


def one(con, sql: str, **params) -> dict:
    return con.sql(sql, params=params or None).pl().row(0, named=True)


def record_of(con, unit: dict, metric: str, more: str = "true", order: str = "record_id") -> str:
    """The record behind one row of evidence that counts for the unit in the edition's own period."""
    return one(
        con,
        f"""
        SELECT record_id FROM evidence
        WHERE metric = $metric AND unit_id = $unit AND excluded IS NULL AND period = $period AND {more}
        ORDER BY {order} LIMIT 1
        """,
        metric=metric, unit=unit["unit_id"], period=unit["period"],
    )["record_id"]  # fmt: skip


def chosen(con) -> tuple[dict, list[dict], str]:
    """A rated unit with records of every kind to be ruled on, the rulings, and another rated estate."""
    unit = one(
        con,
        """
        SELECT s.unit_id, s.estate_id, s.company_id, s.period, s.final
        FROM index_scores AS s JOIN evidence AS v ON v.unit_id = s.unit_id AND v.period = s.period
        WHERE s.level = 'tenure' AND s.current AND s.state = 'rated' AND v.excluded IS NULL
          AND s.period = (SELECT max(period) FROM periods)
        GROUP BY ALL
        HAVING bool_or(metric = 'valid_matters_per_100_homes' AND numerator > 0) AND bool_or(metric = 'hazards_fixed_in_time')
           AND count(DISTINCT split_part(record_id, '/', 1)) FILTER (metric = 'inspection_items_passed') > 1
        ORDER BY s.unit_id LIMIT 1
        """,
    )
    item = record_of(con, unit, "inspection_items_passed", "numerator < denominator")
    visit = record_of(con, unit, "inspection_items_passed", f"record_id NOT LIKE '{item.split('/')[0]}/%'").split("/")[
        0
    ]
    call = record_of(con, unit, "valid_matters_per_100_homes", "numerator > 0")
    other = one(
        con,
        "SELECT min(estate_id) AS e FROM estates WHERE company_id IS NOT NULL AND estate_id <> $own",
        own=unit["estate_id"],
    )["e"]
    duty = one(
        con, "SELECT min(record_id) AS r FROM evidence WHERE metric = 'daily_fire_patrol_rate' AND unit_id = $u AND period = $p",
        u=unit["unit_id"], p=unit["period"],
    )["r"]  # fmt: skip
    out = [("inspection_items", item), ("inspections", visit),
           ("hazards", record_of(con, unit, "hazards_fixed_in_time")), ("patrols", duty)]  # fmt: skip
    rulings = [{"table": t, "record_id": r, "ruling": "exclude", "to_estate": None} for t, r in out]
    return unit, [*rulings, {"table": "complaints", "record_id": call, "ruling": "reassign", "to_estate": other}], other


def case_written(root: Path, unit: dict, step: str, edition: str, *acts: tuple[str, dict]) -> str:
    ledger = open_ledger(root)
    who = {
        "party": "estate", "party_id": unit["unit_id"], "estate_id": unit["estate_id"], "company_id": unit["company_id"],
        "head_id": None, "period": unit["period"], "step": step, "matter": "",
    }  # fmt: skip
    with writing(ledger) as con:
        case_id = events.new_case(con, who | {"edition": edition}, NOW)
        told = [("opened", who), ("decided", {"outcome": "accept", "step": step}), ("served", {}), *acts]
        events.append(
            con, case_id, 0,
            [events.Event(case_id, 0, kind, NOW, "anna", "supervisor", edition, "GDP 30", "x", f) for kind, f in told],
        )  # fmt: skip
    ledger.dispose()
    return case_id


@pytest.fixture(scope="module")
def town(demo_root, tmp_path_factory) -> Town:
    root = copy_of(demo_root, tmp_path_factory.mktemp("appeal") / "var")
    edition = editions.current(root).stem
    con = editions.open_edition(editions.current(root))
    unit, rulings, other = chosen(con)
    weighed = weigh(root, edition, rulings, ("estate", unit["unit_id"]))
    upheld = {"objection": 1, "outcome": "upheld", "rulings": rulings}
    case_id = case_written(
        root, unit, "listing", edition, ("published", {}), ("objected", {"ground": "not_ours", "records": []}),
        ("objection_decided", upheld), ("withdrawn", {}),
    )  # fmt: skip
    corrected = publish.draft(root, unit["period"], now=NOW, by="test", demo=True)
    return Town(root, unit, rulings, other, edition, case_id, weighed, corrected)


@pytest.fixture(scope="module")
def corrected(town):
    return editions.open_edition(publish.path_of(town.root, town.corrected))


@pytest.fixture(scope="module")
def never_delivered(demo_root, town, tmp_path_factory) -> Path:
    """The same district whose records came as they were ruled: four never delivered, the call filed under the other estate."""
    root = copy_of(demo_root, tmp_path_factory.mktemp("plain") / "var")
    con = duckdb.connect(root / "records.duckdb")
    for r in town.rulings:
        of_record = f"{record_id_sql(TABLES[r['table']])} = $r"
        if r["ruling"] == "exclude":
            con.execute(f"DELETE FROM {r['table']} WHERE {of_record}", {"r": r["record_id"]})
            if r["table"] == "inspections":
                con.execute("DELETE FROM inspection_items WHERE inspection_id = $r", {"r": r["record_id"]})
        else:
            asked = {"r": r["record_id"], "to": r["to_estate"]}
            con.execute(f"UPDATE {r['table']} SET estate_id = $to WHERE {of_record}", asked)
    con.close()
    made = publish.draft(root, town.unit["period"], now=NOW, by="test", demo=True)
    return publish.path_of(root, made)


def test_every_number_is_as_if_the_records_had_been_delivered_as_ruled(town, never_delivered):
    con = duckdb.connect()
    con.execute(f"ATTACH '{publish.path_of(town.root, town.corrected)}' AS corrected (READ_ONLY)")
    con.execute(f"ATTACH '{never_delivered}' AS plain (READ_ONLY)")
    for name in NUMBERS:
        for a, b in (("corrected", "plain"), ("plain", "corrected")):
            left = con.sql(f"SELECT * FROM {a}.{name} EXCEPT ALL SELECT * FROM {b}.{name}").pl()
            assert left.is_empty(), f"{name}: only in {a}: {left}"
    con.close()


def test_the_score_changes_exactly_as_weighed_and_so_does_the_step(town, corrected):
    row = one(
        corrected,
        "SELECT final, lo, hi, band, rank_in_class, class_size FROM index_scores "
        "WHERE level = 'tenure' AND unit_id = $u AND period = $p",
        u=town.unit["unit_id"], p=town.unit["period"],
    )  # fmt: skip
    step = one(corrected, "SELECT step FROM due WHERE party = 'estate' AND party_id = $u", u=town.unit["unit_id"])[
        "step"
    ]
    after = town.weighed.after
    assert tuple(after[k] for k in ("score", "low", "high", "band", "rank", "ranked", "step")) == (*row.values(), step)
    assert town.weighed.before["score"] == town.unit["final"] != after["score"]


def test_other_parties_steps_that_would_change_are_those_that_did(town, corrected):
    con = editions.open_edition(publish.path_of(town.root, town.edition))
    steps = "SELECT party, party_id, step FROM due"
    then, now = ({r[:2]: r[2] for r in c.execute(steps).fetchall()} for c in (con, corrected))
    moved = {k for k in {*then, *now} if then.get(k, "none") != now.get(k, "none")} - {("estate", town.unit["unit_id"])}
    assert {(r["party"], r["party_id"]) for r in town.weighed.others.to_dicts()} == moved


def test_records_taken_out_stay_visible_and_marked_with_their_file_and_line(town, corrected):
    for r in town.rulings[:4]:
        rows = corrected.sql(
            "SELECT excluded, delivery_id, line, estate_id FROM evidence WHERE metric <> 'indicator_coverage' AND "
            "(record_table = $t AND record_id = $r OR $t = 'inspections' AND record_id LIKE $r || '/%')",
            params={"t": r["table"], "r": r["record_id"]},
        ).pl()
        assert rows.height > 0 and set(rows["excluded"]) == {"objection_upheld"}, r
        assert rows["delivery_id"].null_count() == rows["line"].null_count() == 0
        assert set(rows["estate_id"]) == {town.unit["estate_id"]}


def test_a_reassigned_record_counts_at_its_estate_and_is_marked_where_it_was(town, corrected):
    call = town.rulings[-1]["record_id"]
    rows = corrected.sql(
        "SELECT DISTINCT estate_id, excluded FROM evidence WHERE record_id = $r AND metric = 'valid_matters_per_100_homes'",
        params={"r": call},
    ).pl()
    assert sorted(rows.rows(), key=str) == sorted([(town.other, None), (town.unit["estate_id"], "reassigned")], key=str)


def test_the_edition_keeps_what_it_was_made_with(town, corrected):
    about = one(corrected, "SELECT ledger_seq, ledger_hash FROM edition")
    # opened, decided, served, published, objected, objection decided, withdrawn
    assert about["ledger_seq"] == 7 and len(about["ledger_hash"]) == 64
    kept = corrected.sql("SELECT record_table AS t, record_id AS r FROM rulings").pl().rows()
    assert set(kept) == {(r["table"], r["record_id"]) for r in town.rulings}
    (listing,) = corrected.execute("SELECT sanction_id, status FROM sanctions WHERE origin = 'ledger'").fetchall()
    assert listing == (town.case_id, "overturned")
    assert one(corrected, "SELECT count(*) AS n FROM sanctions WHERE origin = 'records'")["n"] > 0


def test_an_edition_is_recomputed_from_its_own_rulings_whatever_the_ledger_says_since(town):
    more = [{"table": "hazards", "record_id": r, "ruling": "exclude"} for r in ("YH0000001", "YH0000002")]
    case_written(
        town.root, town.unit, "attention", town.corrected, ("objected", {"ground": "facts", "records": []}),
        ("objection_decided", {"objection": 1, "outcome": "upheld", "rulings": more}),
    )  # fmt: skip
    assert publish.verify(town.root, town.corrected, now=NOW) == []


def test_without_rulings_both_sides_are_the_editions_own(town):
    ledger = open_ledger(town.root)
    case = fold(events.events_of(ledger, town.case_id))
    ledger.dispose()
    before, after = weigh_case(town.root, case, [])
    assert before == after == town.weighed.before


def test_a_case_is_weighed_to_the_same_digits_from_its_own_level_alone(town):
    ledger = open_ledger(town.root)
    case = fold(events.events_of(ledger, town.case_id))
    ledger.dispose()
    told: list[str] = []
    both = weigh_case(town.root, case, town.rulings, progress=lambda name, step, steps: told.append(name))
    assert both == (town.weighed.before, town.weighed.after)
    assert told[-1] == "done"


def test_a_computation_that_breaks_off_says_why(town, tmp_path):
    ledger = open_ledger(town.root)
    case = fold(events.events_of(ledger, town.case_id))
    ledger.dispose()
    place = copy_of(town.root, tmp_path / "var")
    (place / "records.duckdb").write_bytes(b"no database")
    with pytest.raises(WeighingFailed, match="records"):
        weigh_case(place, case, town.rulings)


def test_a_record_goes_to_no_estate_that_nobody_knows(town):
    nowhere = [town.rulings[-1] | {"to_estate": "E99999"}]
    with pytest.raises(NotDue, match="E99999"):
        weigh(town.root, town.edition, nowhere, ("estate", town.unit["unit_id"]))


def test_weighing_writes_no_edition(town):
    assert editions.list_editions(town.root) == [town.edition, town.corrected, *editions.list_editions(town.root)[2:]]
    assert not [
        n for n in editions.list_editions(town.root) if n not in (town.edition, town.corrected, "draft-2026Q3-1")
    ]
