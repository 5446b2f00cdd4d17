"""Flags on records, by hand: dates, one complaint or hazard entered twice, drills like an earlier one."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest

from data.flag_tables import RecordFlag, RecordRepeat
from metrics import record_flags
from metrics.calendar import Quarter
from metrics.pending import empty
from rules.book import Book
from tests.metrics.conftest import record_tables

RULE = Book().on(Quarter.parse("2026Q3").last, "record_flags")
FAR = date(9999, 12, 31)
SPELLS = [("t-oak", "oak", "acme"), ("t-elm", "elm", "best"), ("t-ash", "ash", "acme")]
MAY = date(2026, 5, 1)


def found(tables: dict[str, list[dict]], disputes: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
    """Both tables of the flags of a handful of records; oak and ash are run by one company, elm by another."""
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS edition")
    tenures = [{"tenure_id": t, "estate_id": e, "company_id": c, "valid_from": date(2015, 1, 1)} for t, e, c in SPELLS]
    record_tables(con, {"tenures": tenures} | tables)
    spells = pl.DataFrame(SPELLS, schema=["unit_id", "estate_id", "company_id"], orient="row")
    spells = spells.with_columns(valid_from=date(2015, 1, 1), valid_to=pl.lit(FAR))
    for name, frame in (("management", spells), ("disputes", empty("disputes") if disputes is None else disputes)):
        con.register("_given", frame.to_arrow())
        con.execute(f"CREATE TABLE edition.{name} AS SELECT * FROM _given")
    con.execute(
        "CREATE TABLE deliveries AS SELECT 'd1' AS delivery_id, TIMESTAMPTZ '2026-07-03 17:00:00+00' AS received_at"
    )
    made = record_flags.find(con, RULE)
    RecordFlag.validate(made["record_flags"])
    RecordRepeat.validate(made["record_repeats"])
    return made


def told(tables: dict[str, list[dict]]) -> list[tuple]:
    """(record, kind, days) of every flag."""
    return found(tables)["record_flags"].select("record_id", "kind", "days").rows()


def repeats(tables: dict[str, list[dict]], disputes: pl.DataFrame | None = None) -> list[tuple]:
    """(record, kind, other) of every repeat."""
    return found(tables, disputes)["record_repeats"].select("record_id", "kind", "other_id").rows()


def hazard(name: str, day: date, closed: date | None = None, **more) -> dict:
    return {"hazard_id": name, "estate_id": "oak", "found_on": day, "found_by": "police", "hazard_type": "ebike",
            "severity": "general", "responsible_party": "company", "location": "3栋楼道", "due_on": day + timedelta(days=7),
            "rectified_on": closed} | more  # fmt: skip


def order(name: str, day: date, channel: str, closed: date | None = None, **more) -> dict:
    return {"complaint_id": name, "estate_id": "oak", "received_on": day, "channel": channel, "nature": "complaint",
            "category": "噪声", "caller_hash": "k1", "closed_on": closed} | more  # fmt: skip


def drill(name: str, day: date, estate: str = "oak", **more) -> dict:
    return {
        "drill_id": name,
        "estate_id": estate,
        "held_on": day,
        "kind": "evacuation",
        "verification": "verified",
    } | more


@pytest.mark.parametrize(
    ("entered", "flags"),
    [(date(2026, 5, 1), []), (date(2026, 5, 8), []), (date(2026, 5, 9), [("h1", "entered_long_after", 8)]),
     (date(2026, 4, 28), [("h1", "dated_ahead", 3)]), (None, [])],
)  # fmt: skip
def test_an_entry_more_than_seven_days_after_the_event_or_before_it_is_flagged_with_its_days(entered, flags):
    assert told({"hazards": [hazard("h1", MAY, recorded_on=entered)]}) == flags


@pytest.mark.parametrize(
    ("found_on", "flags"), [(date(2026, 7, 4), []), (date(2026, 7, 9), [("h1", "dated_after_delivery", 5)])]
)
def test_without_a_day_of_entry_a_record_is_held_against_the_day_its_file_came(found_on, flags):
    # it came on 3 July at 17:00 UTC: 4 July in the district
    assert told({"hazards": [hazard("h1", found_on)]}) == flags


def test_a_flag_says_which_company_and_tenure_answer():
    row = found({"hazards": [hazard("h1", MAY, recorded_on=date(2026, 6, 1))]})["record_flags"].row(0, named=True)
    assert (row["estate_id"], row["unit_id"], row["tenure_id"], row["day"]) == ("oak", "t-oak", "t-oak", MAY)


def test_one_caller_s_complaint_through_two_channels_is_one():
    rows = [order("c1", MAY, "hotline"), order("c2", date(2026, 5, 4), "app")]
    assert repeats({"complaints": rows}) == [("c2", "same_report", "c1")]


@pytest.mark.parametrize(
    "second",
    [{"channel": "hotline"}, {"caller_hash": "k2"}, {"caller_hash": None}, {"category": "电梯"}, {"estate_id": "elm"},
     {"received_on": date(2026, 5, 16)}, {"nature": "praise"}, {"unreasonable": True}, {"objection_open": True},
     {"upheld": "yes"}],
    ids=str,
)  # fmt: skip
def test_what_differs_is_a_complaint_of_its_own(second):
    # 16 May is the fifteenth day after; an upheld order is not lost with one that was not upheld
    assert repeats({"complaints": [order("c1", MAY, "hotline"), order("c2", date(2026, 5, 4), "app") | second]}) == []


@pytest.mark.parametrize(("closed", "repeated"), [(date(2026, 5, 3), False), (date(2026, 5, 4), True)])
def test_a_complaint_that_comes_after_the_closing_came_back_and_is_no_repeat(closed, repeated):
    rows = [order("c1", MAY, "hotline", closed), order("c2", date(2026, 5, 4), "app")]
    assert repeats({"complaints": rows}) == ([("c2", "same_report", "c1")] if repeated else [])


def test_an_order_the_hotline_joined_to_an_earlier_one_is_of_the_same_matter():
    rows = [order("c1", MAY, "hotline"), order("c2", date(2026, 7, 1), "hotline", matter_id="c1", caller_hash="k9")]
    assert repeats({"complaints": rows}) == [("c2", "same_matter", "c1")]


def test_a_hazard_found_again_while_open_repeats_the_first_and_after_the_closing_does_not():
    rows = [
        hazard("h1", MAY, date(2026, 5, 10)),
        hazard("h2", date(2026, 5, 6), date(2026, 5, 20), location="3 栋楼道。"),
        hazard("h3", date(2026, 5, 15)),  # h1 is closed, but the same place is still open in the books as h2
        hazard("h4", date(2026, 5, 2), location="8栋楼道"),  # written almost alike, another place
        hazard("h5", date(2026, 5, 2), severity="major"),
        hazard("h6", date(2026, 5, 2), location=None),
    ]
    assert repeats({"hazards": rows}) == [("h2", "same_finding", "h1"), ("h3", "same_finding", "h1")]
    rows = [hazard("h1", MAY, date(2026, 5, 10)), hazard("h2", date(2026, 5, 11))]
    assert repeats({"hazards": rows}) == []


def test_a_hazard_found_undone_on_re_inspection_is_still_open():
    rows = [hazard("h1", MAY, date(2026, 5, 10), verified_result="fail"), hazard("h2", date(2026, 5, 11))]
    assert repeats({"hazards": rows}) == [("h2", "same_finding", "h1")]


def test_a_hazard_with_a_deadline_is_not_lost_with_one_without():
    rows = [hazard("h1", MAY, due_on=None), hazard("h2", date(2026, 5, 6))]
    assert repeats({"hazards": rows}) == []


def test_a_finding_under_appeal_stands_for_no_other():
    rows = [hazard("h1", MAY), hazard("h2", date(2026, 5, 6)), hazard("h3", date(2026, 5, 7))]
    disputes = empty("disputes")
    appealed = pl.DataFrame({"record_table": ["hazards"], "record_id": ["h1"]})
    disputes = pl.concat([disputes, appealed], how="diagonal")
    assert repeats({"hazards": rows}, disputes) == [("h3", "same_finding", "h2")]


def test_a_file_used_again_by_the_company_is_flagged_on_the_later_drill():
    rows = [drill("d1", MAY, evidence_hash="x"), drill("d2", date(2026, 6, 1), "ash", evidence_hash="x"),
            drill("d3", date(2026, 6, 1), "elm", evidence_hash="x")]  # fmt: skip
    assert repeats({"fire_drills": rows}) == [("d2", "same_file", "d1")]  # elm is another company's


def test_estates_drilling_together_share_a_file_and_an_account():
    same = {"evidence_hash": "x", "content": "九月一日在中心广场组织全体住户疏散逃生并清点人数"}
    assert repeats({"fire_drills": [drill("d1", MAY, **same), drill("d2", MAY, "ash", **same)]}) == []
    both = repeats({"fire_drills": [drill("d1", MAY, **same), drill("d2", MAY, **same)]})
    assert both == [("d2", "same_account", "d1"), ("d2", "same_file", "d1")]


def test_figures_repeat_only_where_all_three_counts_and_the_text_do():
    figures = {"staff": 7, "residents": 83, "evacuation_minutes": 6.5, "place": "广场", "content": "疏散"}
    rows = [drill("d1", MAY, **figures), drill("d2", date(2026, 6, 1), **figures)]
    assert repeats({"fire_drills": rows}) == [("d2", "same_figures", "d1")]
    for other in ({"staff": 8}, {"place": "南门"}, {"evacuation_minutes": None}):
        assert repeats({"fire_drills": [rows[0], rows[1] | other]}) == [], other


def test_accounts_that_share_nine_tenths_of_their_runs_are_alike():
    # 40 different characters make 38 runs of three; with another last character 37 are shared and 39 there are in all:
    # 37 / 39 = 0.949. With another character in the middle 35 of 41 are shared: 0.854.
    text = "".join(chr(0x4E00 + n) for n in range(40))
    end, middle = text[:-1] + "终", text[:20] + "中" + text[21:]
    rows = [drill("d1", MAY, content=text), drill("d2", date(2026, 6, 1), content=end)]
    row = found({"fire_drills": rows})["record_flags"].row(0, named=True)
    assert (row["record_id"], row["kind"], row["days"]) == ("d2", "same_account", 31)
    assert row["likeness"] == pytest.approx(37 / 39, abs=1e-9)
    assert repeats({"fire_drills": [rows[0], drill("d2", date(2026, 6, 1), content=middle)]}) == []
    assert (
        repeats({"fire_drills": [drill(d, MAY + timedelta(n), content="疏散逃生") for n, d in enumerate("ab")]}) == []
    )


def test_no_pair_of_accounts_alike_is_missed_by_the_prefixes():
    # against every pair compared by hand in Python; texts are words of a small vocabulary with a few changed
    rng = np.random.default_rng(7)
    words = [
        "疏散",
        "集合",
        "清点",
        "报警",
        "广播",
        "灭火",
        "楼梯",
        "住户",
        "电梯",
        "烟雾",
        "物业",
        "队员",
        "器材",
        "小结",
    ]
    base = ["".join(rng.choice(words, 30)) for _ in range(12)]
    texts = [b if rng.random() < 0.2 else b[:cut] + str(rng.choice(words)) + b[cut + int(rng.integers(0, 4)):]
             for b in base for cut in rng.integers(2, 56, 6).tolist()]  # fmt: skip
    rows = [drill(f"d{n:03}", MAY + timedelta(days=n), content=text) for n, text in enumerate(texts)]

    def runs(text: str) -> set[str]:
        return {text[i : i + 3] for i in range(len(text) - 2)}

    expected = set()
    for n, text in enumerate(texts):
        for m in range(n):
            a, b = runs(text), runs(texts[m])
            if len(a & b) / len(a | b) >= 0.9 - 1e-9:
                expected.add(f"d{n:03}")
    got = {r for r, kind, _ in repeats({"fire_drills": rows}) if kind == "same_account"}
    assert got == expected
    assert 0 < len(expected) < len(rows)


def test_no_records_give_no_flags():
    assert found({})["record_flags"].is_empty()
