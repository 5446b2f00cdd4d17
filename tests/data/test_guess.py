"""What an unknown file's columns most likely mean: by names, and by what their values look like."""

from __future__ import annotations

import polars as pl
import pytest

from data.contracts import TABLES
from data.guess import OnRecord, guesses, needed, ranked, synonyms
from data.mapping import sources

KNOWN = sources()
#: Credit codes with right check signs: 91350100M000100Y43 is GB 32100-2015's own example.
CODE = "91350100M000100Y43"


def frame(**columns: list[str]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def mapped(rows: pl.DataFrame, table: str, **known: set[str]) -> dict[str, str]:
    alike = [s for s in KNOWN.values() if s.table.name == table]
    record = OnRecord({c: frozenset(t) for c, t in known.items()})
    return {c: g.heading for c, g in guesses(rows, KNOWN[table], alike, record).items() if g.heading}


def test_headings_that_say_nothing_are_told_by_their_values():
    rows = frame(
        甲=["K1", "K2", "K3"], 乙=["oak", "elm", "oak"], 丙=["2026-01-05 09:00", "2026年1月6日 上午8点", "2026/1/7 10:30"],
        丁=["12345热线", "110", "上门"], 戊=["投诉", "求决", "咨询"], 己=["是", "否", "是"],
    )  # fmt: skip
    found = mapped(rows, "complaints", estate_id={"oak", "elm"})
    assert found["complaint_id"] == "甲"
    assert found["estate_id"] == "乙"
    assert found["channel"] == "丁"
    assert found["nature"] == "戊"
    assert {c for c, h in found.items() if h == "丙"} <= {"received_at", "first_contact_at"}


def test_a_heading_known_by_name_whose_values_do_not_fit_is_doubted_and_says_so():
    rows = frame(办结日期=["张三", "李四"], 完成=["2026-01-05", "2026-01-06"])
    made = guesses(rows, KNOWN["complaints"], [KNOWN["complaints"]])["closed_on"]
    # the very name, no value fits: half of it is left; no other heading is alike enough in name and value
    assert (made.heading, made.confidence) == ("办结日期", 0.5)
    assert [(r.kind, r.params) for r in made.reasons] == [("same", {"usual": "办结日期"}), ("unfit", {"percent": 0})]


def test_the_very_heading_with_fitting_values_is_surer_than_either_alone():
    both = guesses(frame(办结日期=["2026-01-05"]), KNOWN["complaints"], [])["closed_on"]
    named = guesses(frame(办结日期=["x"]), KNOWN["complaints"], [])["closed_on"]
    # 1 - (1 - 0.9) * (1 - 0.5) = 0.95; the name alone 0.5
    assert (both.confidence, named.confidence) == (0.95, 0.5)


@pytest.mark.parametrize(("code", "kind", "share"), [(CODE, "credit_code", 100), (CODE[:-1] + "5", None, None)])
def test_a_company_is_told_by_a_credit_code_whose_check_sign_is_right(code, kind, share):
    made = guesses(frame(编码=[code, code]), KNOWN["companies"], [])["company_id"]
    if kind is None:
        assert made.heading is None
    else:
        assert (made.heading, made.confidence) == ("编码", 0.9)
        assert [(r.kind, r.params["percent"]) for r in made.reasons] == [(kind, share)]


def test_numbers_out_of_the_contracts_range_are_no_share_of_one():
    fits, wide = (
        guesses(frame(出租率=v), KNOWN["estates"], [])["rental_share"] for v in (["35%", "0.5"], ["350", "400"])
    )
    # synonym, and in range: 1 - 0.1 * 0.75 = 0.925; out of range half of the name is left
    assert (fits.confidence, wide.confidence) == (pytest.approx(0.925, abs=0.006), 0.5)


def test_each_heading_is_suggested_for_one_column_and_others_are_offered():
    rows = frame(日期=["2026-01-05", "2026-01-06"])
    made = guesses(rows, KNOWN["complaints"], [])
    assert [g.column for g in made.values() if g.heading == "日期"] and sum(
        g.heading == "日期" for g in made.values()
    ) == 1
    rest = [g for g in made.values() if g.heading is None and KNOWN["complaints"].table.columns[g.column] == pl.Date]
    assert all([h for h, _ in g.others] == ["日期"] for g in rest)


def test_a_synonym_of_the_domain_is_a_known_name():
    made = guesses(frame(结案日期=["2026-01-05"]), KNOWN["complaints"], [])["closed_on"]
    assert (made.heading, made.reasons[0].kind) == ("结案日期", "same")


def test_the_likeliest_kind_of_file_comes_first():
    rows = frame(演练号=["D1", "D2"], 小区=["oak", "elm"], 演练时间=["2026-01-05", "2026-01-06"], 演练类型=["疏散", "灭火"],
                 参加人数=["20", "30"])  # fmt: skip
    named = ranked(rows, KNOWN, OnRecord({"estate_id": frozenset({"oak", "elm"})}))
    assert named[0][0] == "fire_drills"
    assert len(named) == len(KNOWN)


def test_every_shipped_sources_own_form_is_told_as_its_table_with_every_column_found():
    for name in TABLES:
        source = KNOWN[name]
        rows = pl.DataFrame({h[0]: ["", ""] for h in source.columns.values()})
        assert mapped(rows, name) == {c: h[0] for c, h in source.columns.items()}, name


def test_an_empty_file_and_one_without_headings_suggest_nothing_and_do_not_stop():
    assert not mapped(pl.DataFrame(), "complaints")
    assert not mapped(pl.DataFrame({"甲乙": []}, schema={"甲乙": pl.String}), "complaints")


def test_synonyms_name_columns_that_exist_and_none_means_two_columns_of_one_table():
    columns = {c for t in TABLES.values() for c in t.columns}
    assert set(synonyms()) <= columns
    for table in TABLES.values():
        words = [w for c in table.columns for w in synonyms().get(c, ())]
        assert len(words) == len(set(words)), (table.name, sorted(w for w in words if words.count(w) > 1))


def test_what_no_row_can_do_without_is_the_key_and_what_the_contract_wants():
    assert needed(TABLES["complaints"]) == ["complaint_id", "received_on", "channel", "nature"]


def test_yes_and_no_alone_do_not_tell_which_question_was_asked():
    made = guesses(frame(满意否=["是", "否", "是"]), KNOWN["complaints"], [])
    (one,) = (g for g in made.values() if g.heading)
    assert one.confidence < 0.5
    assert guesses(frame(属实否=["是", "部分", "否"]), KNOWN["complaints"], [])["upheld"].confidence > 0.8
