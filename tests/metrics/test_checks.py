"""Detectors: a planted signal is found, an ordinary district yields chance findings only, empty ones none."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest

from data.check_tables import Check, CheckRun
from metrics import checks
from metrics.calendar import Quarter
from metrics.checks import batches, callers, dates, inspectors, scores, tested, trends
from rules.book import Book
from tests.metrics.conftest import record_tables

LAST = Quarter.parse("2026Q3")
RULE = Book().on(LAST.last, "checks")
ESTATES = [f"e{n:03}" for n in range(60)]
COUNTED = {
    "metric": pl.String,
    "estate_id": pl.String,
    "record_id": pl.String,
    "occurred_on": pl.Date,
    "excluded": pl.String,
}
EYES = {"inspector_id": pl.String, "found": pl.Float64, "expected": pl.Float64, "why_not": pl.String}


def store(
    tables: dict | None = None,
    index: list[dict] | None = None,
    inspectors: list[dict] | None = None,
    evidence: list[dict] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Records in view; every estate in the charge of a company of its own for ten years, from class HR, 500 homes."""
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS edition")
    record_tables(con, tables or {})
    spells = pl.DataFrame({"estate_id": ESTATES, "company_id": [f"c{e[1:]}" for e in ESTATES], "unit_id": ESTATES})
    spells = spells.with_columns(valid_from=date(2016, 1, 1), valid_to=pl.lit(date(9999, 12, 31)))
    estates = pl.DataFrame({"estate_id": ESTATES}).with_columns(
        period=pl.lit(str(LAST)),
        estate_class=pl.lit("HR"),
        households=pl.lit(500),
        subdistrict_id=pl.col("estate_id").str.slice(2, 1),  # six of ten estates each
    )
    shape = {"level": pl.String, "period": pl.String, "state": pl.String, "cap": pl.Float64, "final": pl.Float64}
    for name, frame in (
        ("management", spells),
        ("estates", estates),
        ("index_scores", pl.DataFrame(index or [], schema=shape)),
        ("inspectors", pl.DataFrame(inspectors or [], schema=EYES)),
        ("evidence", pl.DataFrame(evidence or [], schema=COUNTED)),
    ):
        con.register("_given", frame.to_arrow())
        con.execute(f"CREATE TABLE edition.{name} AS SELECT * FROM _given")
    return con


def call(number: int, estate: str, day: date, caller: str) -> dict:
    return {"complaint_id": f"q{number:05}", "estate_id": estate, "matter_id": f"m{number}", "received_on": day,
            "nature": "complaint", "caller_hash": caller, "category": "other", "closed_on": day + timedelta(days=10)}  # fmt: skip


def day(rng: np.random.Generator, days: int = 365) -> date:
    return LAST.last - timedelta(days=int(rng.integers(0, days)))


def ordinary_calls(rng: np.random.Generator) -> list[dict]:
    """Thirty calls an estate, each by one of thirty households, on any day of the year."""
    return [
        call(30 * i + n, estate, day(rng), f"{estate}-{rng.integers(0, 30)}")
        for i, estate in enumerate(ESTATES) for n in range(30)
    ]  # fmt: skip


def found(detector, con) -> list[str]:
    made = detector(con, RULE, LAST)
    return tested.selected("any", made, RULE["q"], str(LAST))["unit_id"].to_list()


def test_one_caller_is_found_and_ordinary_callers_are_not():
    rows = ordinary_calls(np.random.default_rng(1))
    con = store({"complaints": rows})
    assert found(callers.one_caller, con) == []
    rows += [call(90_000 + n, "e007", LAST.last - timedelta(days=10 * n), "loud") for n in range(35)]  # 35 of 65
    assert found(callers.one_caller, store({"complaints": rows})) == ["e007"]


def test_a_day_of_many_callers_is_found():
    rows = ordinary_calls(np.random.default_rng(2))
    assert found(callers.many_on_a_day, store({"complaints": rows})) == []
    rows += [call(90_000 + n, "e011", date(2026, 7, 9), f"home-{n}") for n in range(9)]
    assert found(callers.many_on_a_day, store({"complaints": rows})) == ["e011"]


def drill(
    number: int, estate: str, held: date, residents: int = 61, entered: int = 1, proof: str | None = None
) -> dict:
    return {"drill_id": f"d{number:05}", "estate_id": estate, "held_on": held, "kind": "evacuation",
            "residents": residents, "recorded_on": held + timedelta(days=entered), "evidence_hash": proof}  # fmt: skip


def test_late_entries_stand_out_against_the_others():
    rng = np.random.default_rng(3)
    rows = [
        drill(20 * i + n, estate, day(rng, 300), entered=20 if rng.random() < (0.9 if estate == "e005" else 0.05) else 2)
        for i, estate in enumerate(ESTATES) for n in range(20)
    ]  # fmt: skip
    assert found(dates.entered_late, store({"fire_drills": rows})) == ["e005"]


def test_a_file_used_twice_is_a_fact():
    rows = [drill(n, estate, date(2026, 8, 1), proof=f"hash{n}") for n, estate in enumerate(ESTATES)]
    assert found(dates.same_proof, store({"fire_drills": rows})) == []
    rows += [drill(900, "e001", date(2026, 9, 1), proof="hash2"), drill(901, "e002", date(2019, 1, 1), proof="hash1")]
    # e001's new drill carries e002's file, and e001's own stood in 2019 at e002; both estates' recent drills are named
    assert found(dates.same_proof, store({"fire_drills": rows})) == ["e001", "e002"]


def test_round_numbers_are_found_where_counted_ones_are_not():
    rng = np.random.default_rng(4)
    rows = [
        drill(60 * i + n, estate, day(rng, 1000),
              residents=int(rng.integers(2, 9)) * 10 if estate == "e003" else int(rng.integers(20, 90)))
        for i, estate in enumerate(ESTATES[:20]) for n in range(60)
    ]  # fmt: skip
    assert found(dates.round_numbers, store({"fire_drills": rows})) == ["c003"]


def test_drills_of_the_last_days_are_found():
    rng = np.random.default_rng(5)
    ends = [date(2026, 9, 29), date(2026, 6, 29), date(2026, 3, 30), date(2025, 12, 30)]
    rows = [
        drill(20 * i + n, estate, ends[n % 4] if estate == "e009" else day(rng, 1000))
        for i, estate in enumerate(ESTATES) for n in range(20)
    ]  # fmt: skip
    assert found(dates.drills_in_last_days, store({"fire_drills": rows})) == ["c009"]


def hazard(
    number: int, estate: str, put_right: date, due: date, place: str = "lobby", seen: date | None = None
) -> dict:
    return {"hazard_id": f"h{number:05}", "estate_id": estate, "found_on": seen or put_right - timedelta(days=9),
            "hazard_type": "fire_equipment", "severity": "general", "location": place, "due_on": due,
            "rectified_on": put_right}  # fmt: skip


def hazards(odd: str, rng: np.random.Generator) -> list[dict]:
    rows = []
    for i, estate in enumerate(ESTATES):
        for n in range(20):
            put_right = day(rng, 300)
            late = 0 if estate == odd and n < 18 else int(rng.integers(1, 15))
            rows.append(hazard(20 * i + n, estate, put_right, put_right + timedelta(days=late), place=f"{estate}-{n}"))
    return rows


def test_hazards_always_put_right_on_the_due_day_are_found():
    con = store({"hazards": hazards("e013", np.random.default_rng(6))})
    assert found(dates.closed_on_due_day, con) == ["c013"]


def test_hazards_found_again_in_the_same_place_are_found():
    rng = np.random.default_rng(7)
    rows = hazards("", rng)
    first = [r for r in rows if r["estate_id"] == "e021"][:12]
    rows += [
        hazard(90_000 + n, "e021", r["rectified_on"] + timedelta(days=40), r["rectified_on"] + timedelta(days=50),
               r["location"], seen=r["rectified_on"] + timedelta(days=12))
        for n, r in enumerate(first)
    ]  # fmt: skip
    assert found(dates.found_again, store({"hazards": rows})) == ["c021"]


def test_scores_that_gather_above_the_mark_are_found_and_even_ones_are_not():
    def rated(finals):
        return [{"level": "estate", "period": str(LAST), "state": "rated", "cap": None, "final": f} for f in finals]

    even = [58.5, 59.5, 60.5, 61.5] * 8
    assert found(scores.just_above_the_mark, store(index=rated(even))) == []
    # 24 of 26 above: binomial tail (1 + 26 + 325) / 2^26 = 5e-6
    made = scores.just_above_the_mark(store(index=rated([60.5] * 24 + [59.5] * 2)), RULE, LAST)
    assert made.p[0] == pytest.approx(352 / 2**26)


def incident(number: int, estate: str, when: date) -> dict:
    return {
        "incident_id": f"i{number:05}",
        "estate_id": estate,
        "occurred_on": when,
        "kind": "fire",
        "severity": "minor",
    }


def test_incidents_that_add_up_are_found_where_a_steady_rate_is_not():
    rng = np.random.default_rng(8)
    steady = [incident(12 * i + n, estate, day(rng, 1090)) for i, estate in enumerate(ESTATES) for n in range(12)]
    calm = found(trends.rising, store({"incidents": steady}))
    assert len(calm) <= 2  # 60 estates x 3 months, one false alarm in 600: .3 expected
    rising = steady + [incident(90_000 + n, "e030", date(2026, 8, 1) + timedelta(days=4 * n)) for n in range(12)]
    assert "e030" in found(trends.rising, store({"incidents": rising}))


def test_a_company_with_more_than_its_share_is_found():
    rng = np.random.default_rng(9)
    rows = [incident(6 * i + n, estate, day(rng)) for i, estate in enumerate(ESTATES) for n in range(rng.poisson(4))]
    assert found(trends.more_than_its_share, store({"incidents": rows})) == []
    rows += [incident(90_000 + n, "e040", day(rng)) for n in range(25)]
    assert found(trends.more_than_its_share, store({"incidents": rows})) == ["c040"]


def test_nothing_recorded_gives_nothing_to_check_and_every_detector_says_what_it_looked_at():
    found_rows, runs = checks.find(store(), RULE, LAST)
    assert Check.validate(found_rows).is_empty()
    assert CheckRun.validate(runs)["detector"].to_list() == list(checks.ALL)
    assert runs["selected"].sum() == 0


def test_shares_are_compared_with_the_districts_by_hand():
    # 10 of 20 and 30 of 180: the district's share is 40 / 200 = .2, so 4 and 36 are to be expected
    rows = pl.DataFrame({"unit_id": ["a", "b"], "observed": [10, 30], "of": [20, 180]})
    made = tested.beside_others("company", rows, least=5, tail=0.0)
    assert made.rows["expected"].to_list() == pytest.approx([4.0, 36.0])
    assert made.p[0] < made.p[1]


def test_calls_gathered_in_few_hands_are_found_though_no_one_caller_makes_a_third():
    rows = ordinary_calls(np.random.default_rng(10))
    assert found(callers.few_callers, store({"complaints": rows})) == []
    rows += [call(90_000 + n, "e017", LAST.last - timedelta(days=3 * n), f"few-{n % 5}") for n in range(100)]
    con = store({"complaints": rows})
    assert found(callers.few_callers, con) == ["e017"]  # five people, each with 20 of 130 calls
    assert found(callers.one_caller, con) == []


def test_pairs_of_one_caller_are_the_herfindahl_index_counted():
    # callers with 7, 2 and 1 of 10 calls: 21 + 1 + 0 = 22 pairs; (2 x 22 + 10) / 100 = .54 = .49 + .04 + .01
    names = ["a"] * 7 + ["b"] * 2 + ["c"]
    rows = [call(n, "e001", LAST.last - timedelta(days=n), name) for n, name in enumerate(names)]
    made = callers.few_callers(store({"complaints": rows}), RULE, LAST).rows.row(0, named=True)
    assert (made["observed"], made["of"]) == (22, 45 / 500)
    assert sorted(made["record_ids"]) == [f"q{n:05}" for n in range(9)]


def test_entries_of_many_days_on_one_day_stand_out():
    rng = np.random.default_rng(11)
    rows = []
    for i, estate in enumerate(ESTATES):
        for n in range(16):
            row = drill(16 * i + n, estate, day(rng, 300), entered=2)
            rows.append(row | ({"recorded_on": date(2026, 9, 30)} if estate == "e025" else {}))
    assert found(batches.entered_together, store({"fire_drills": rows})) == ["e025"]


def test_hazards_of_many_days_put_right_on_one_day_stand_out():
    rows = hazards("", np.random.default_rng(12))
    assert found(batches.closed_together, store({"hazards": rows})) == []
    rows += [
        hazard(90_000 + n, "e033", date(2026, 9, 20), date(2026, 9, 29), seen=date(2026, 8, 1) + timedelta(days=n))
        for n in range(25)
    ]  # fmt: skip
    assert found(batches.closed_together, store({"hazards": rows})) == ["c033"]


def account(rng: np.random.Generator) -> str:
    return "".join(rng.choice(list("疏散灭火报警集合引导广播水带通道楼层老人清点讲评演示"), 60))


def test_accounts_of_drills_that_repeat_each_other_stand_out():
    rng = np.random.default_rng(13)
    rows = [
        drill(12 * i + n, estate, day(rng, 1000)) | {"content": account(rng)}
        for i, estate in enumerate(ESTATES) for n in range(12)
    ]  # fmt: skip
    assert found(batches.told_alike, store({"fire_drills": rows})) == []
    same = account(rng)
    rows += [
        drill(9_000 + n, "e041", day(rng, 1000)) | {"content": f"{same[:30]}，{same[30:]}。{n % 3}"} for n in range(16)
    ]
    made = batches.told_alike(store({"fire_drills": rows}), RULE, LAST)
    assert tested.selected("any", made, RULE["q"], str(LAST))["unit_id"].to_list() == ["c041"]
    # 16 accounts that differ in their last character and in points: all but the first read like an earlier one
    assert made.rows.filter(pl.col("unit_id") == "c041")["observed"].item() == 15


def test_accounts_are_as_alike_as_the_runs_they_share():
    # runs of three of abcdefghij (8) and of abcdefghiX (8): 7 in common of 9 = .778; of .75 asked alike, of .8 not
    pair = [
        drill(n, "e001", date(2026, 5, 1 + n)) | {"content": said}
        for n, said in enumerate(("abcdefghij", "abcdefghiX"))
    ]
    con = store({"fire_drills": pair})

    def alike(share: float) -> float:
        rule = Book().on(LAST.last, "checks")
        asked = type(rule)(rule.name, rule.valid_from, rule.valid_to, rule.values | {"text_min": 5, "alike": share})
        return batches.told_alike(con, asked, LAST).rows["observed"].item()

    assert (alike(0.75), alike(0.8)) == (1, 0)


def test_an_inspector_unlike_colleagues_is_found_on_either_side():
    rng = np.random.default_rng(14)
    rows = [
        {"inspector_id": f"i{n:02}", "found": float(rng.poisson(100)), "expected": 100.0, "why_not": None} for n in range(30)
    ]  # fmt: skip
    assert found(inspectors.finds_otherwise, store(inspectors=rows)) == []
    rows[3]["found"], rows[8]["found"] = 210.0, 30.0
    rows[9] |= {"found": 300.0, "why_not": "few_estates"}  # cannot be told from the estates
    assert found(inspectors.finds_otherwise, store(inspectors=rows)) == ["i03", "i08"]


def test_a_chance_is_never_written_as_none_at_all_and_a_fact_has_no_chance():
    rows = ordinary_calls(np.random.default_rng(15))
    rows += [call(90_000 + n, "e007", LAST.last - timedelta(days=n), "loud") for n in range(300)]
    drills = [drill(n, ESTATES[n], date(2026, 8, 1), proof="one") for n in range(2)]
    made, runs = checks.find(store({"complaints": rows, "fire_drills": drills}), RULE, LAST)
    p = dict(made.filter(pl.col("unit_id") == "e007").select("detector", "p").iter_rows())
    assert p["one_caller"] == 1e-9
    assert made.filter(pl.col("detector") == "same_proof")["p"].to_list() == [None, None]
    # 60 estates x 3 months, one false alarm in 600 months each
    assert dict(runs.select("detector", "by_chance").iter_rows()) == {
        n: {"same_proof": 0.0, "photos_alike": 0.0, "rising": 0.3, "matters_rising": 0.3}.get(n) for n in checks.ALL
    }


def test_silence_is_measured_against_the_districts_own_course():
    """Everywhere neighbours call half as often as they did: nobody who took over meanwhile stands out for it."""
    came, rng, rows = date(2025, 7, 1), np.random.default_rng(16), []
    for i, estate in enumerate(ESTATES):
        for n in range(120):
            opened_on = date(2024, 1, 1) + timedelta(days=8 * n)
            first = call(2_000 * i + 10 * n, estate, opened_on, f"{estate}-{n}-first") | {"matter_id": f"{estate}-{n}"}
            rows.append(first)
            late = opened_on >= came
            often = (0.0 if estate == "e019" else 0.4) if late else 0.8
            if rng.random() < often:
                again = call(2_000 * i + 10 * n + 1, estate, opened_on + timedelta(days=3), f"{estate}-{n}-other")
                rows.append(again | {"matter_id": f"{estate}-{n}"})
    con = store({"complaints": rows})
    con.execute("UPDATE edition.management SET valid_from = $came", {"came": came})
    assert found(callers.silent_since_handover, con) == ["e019"]


def test_a_district_without_anything_amiss_yields_few_findings():
    """Twenty ordinary districts, all detectors: at q .10 no more than a tenth of districts should have any finding of
    one detector; over four tested detectors and twenty districts that is 8 at most on average, alarms apart."""
    listed = 0
    for seed in range(20):
        rng = np.random.default_rng(100 + seed)
        drills = [drill(8 * i + n, e, day(rng, 1000), residents=int(rng.integers(20, 90)), entered=int(rng.integers(0, 9)))
                  for i, e in enumerate(ESTATES) for n in range(8)]  # fmt: skip
        con = store({"complaints": ordinary_calls(rng), "fire_drills": drills})
        made, _ = checks.find(con, RULE, LAST)
        listed += made.select("detector").n_unique()
    assert listed <= 8


def test_one_estate_alone_is_compared_with_nobody():
    calls = [call(n, "e001", LAST.last - timedelta(days=n), f"h{n}") for n in range(30)]
    drills = [drill(n, "e001", date(2026, 7, 1) + timedelta(days=5 * n), entered=20) for n in range(10)]
    made, _ = checks.find(store({"complaints": calls, "fire_drills": drills}), RULE, LAST)
    assert made.is_empty()


def test_units_without_anything_odd_count_as_looked_at_and_those_without_records_do_not():
    rows = pl.DataFrame({"unit_id": ["a", "b", "c"], "observed": [0, 0, 0], "of": [20, 5, 0]})
    made = tested.beside_others("company", rows, least=5, tail=0.1)
    assert tested.run_of("any", made, tested.selected("any", made, 0.1, "2026Q3"), 0.1, "2026Q3")["looked_at"] == 2
