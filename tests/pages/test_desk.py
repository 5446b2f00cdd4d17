"""The steward's desk as a person uses it: what waits, mending cells, one mistake in all rows, leaving out with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from data.intake import load_file
from data.ledger import open_ledger
from data.mending import Act, mend
from data.queries import watching
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from pages.records.mending import editable, edits_of
from tests.conftest import copy_of
from tests.data.town import ask
from tests.pages.test_pages import opened, texts

EN = Words("en")


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory):
    """The demo district and one file with four rows under a wrong estate code."""
    place = tmp_path_factory.mktemp("desk") / "var"
    copy_of(demo_root, place)
    rows = "".join(f"GD{i},X0000{i % 2},2026-09-05 09:00:00,110,投诉,,\n" for i in range(4))
    path = place.parent / "wrong_code.csv"
    path.write_text("工单编号,小区编号,来电时间,受理渠道,诉求性质,办结日期,是否解决\n" + rows, encoding="utf-8")
    load_file(place, path, received_at=datetime(2026, 11, 23, 9, tzinfo=UTC))
    return place


def asked(root, role: str = "steward", language: str = "en", **params):
    return opened(root, "set_aside", role, language, source="complaints", reason="unknown_reference", **params)


def row(**values) -> dict:
    return {"delivery_id": "d", "line": 2, "file": "f", "original": json.dumps(values), "column_name": "estate_id"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_desk_offers_its_four_ways_to_the_steward_and_none_to_a_supervisor(root, language):
    t = Words(language)
    mine, theirs = asked(root, language=language), asked(root, "supervisor", language)
    assert not mine.exception and not theirs.exception
    assert t("desk.mend") in [h.value for h in mine.subheader]
    assert [r.options for r in mine.radio] == [[t(f"desk.ways.{w}") for w in ("cells", "alike", "again", "waive")]]
    assert t("desk.mend") not in [h.value for h in theirs.subheader] and not theirs.radio


def test_before_a_source_and_a_reason_are_chosen_nothing_can_be_mended(root):
    shown = opened(root, "set_aside", "steward", "en")
    assert EN("desk.choose_first") in [i.value for i in shown.info]
    assert not shown.radio


def test_the_cells_at_fault_come_first_and_only_altered_rows_are_handed_on():
    rows = pl.DataFrame([row(工单编号="o1", 小区编号="ash"), row(工单编号="o2", 小区编号="ash") | {"line": 3}])
    before = editable(rows, "complaints")
    assert before.columns == ["_delivery", "_file", "_line", "小区编号", "工单编号"]
    after = before.with_columns(小区编号=pl.when(pl.col("_line") == 3).then(pl.lit("oak")).otherwise("小区编号"))
    originals = {("d", 2): {"工单编号": "o1", "小区编号": "ash"}, ("d", 3): {"工单编号": "o2", "小区编号": "ash"}}
    edits = edits_of(before, after, originals)
    assert edits.select("delivery_id", "line").rows() == [("d", 3)]
    assert json.loads(edits["after"][0]) == {"工单编号": "o2", "小区编号": "oak"}


def test_a_line_that_fitted_no_heading_is_written_anew_under_the_contracts_columns():
    rows = pl.DataFrame([row(line="o1,ash,too,many")])
    before = editable(rows, "areas")
    assert before["_text"].to_list() == ["o1,ash,too,many"]
    after = before.with_columns(area_id=pl.lit("S9"))
    edits = edits_of(before, after, {("d", 2): {"line": "o1,ash,too,many"}})
    assert sorted(json.loads(edits["after"][0])) == ["area_id", "kind", "name_en", "name_zh", "parent_id"]


def test_one_wrong_code_is_tried_then_saved_for_all_rows_with_a_reason(root):
    shown = asked(root)
    shown.radio[0].set_value("alike").run(timeout=60)
    mistake = next(s for s in shown.selectbox if s.label == EN("desk.one_mistake"))
    mistake.set_value(next(i for i, o in enumerate(mistake.options) if "X00000" in o)).run(timeout=60)
    boxes = {s.label: s for s in shown.selectbox}
    first = ask(root, "SELECT estate_id FROM estates ORDER BY 1 LIMIT 1")[0][0]
    boxes[EN("desk.right")].set_value(first)
    shown.run(timeout=60)
    buttons = {b.label: b for b in shown.button}
    buttons[EN("desk.save")].click().run(timeout=60)
    assert EN("desk.why_missing") in [w.value for w in shown.warning]
    assert ask(root, "SELECT count(*) FROM desk_acts") == [(0,)]
    {b.label: b for b in shown.button}[EN("desk.try")].click().run(timeout=60)
    assert any("2 rows pass (2 new, 0 revised, 0 unchanged), 0 still fail" in i.value for i in shown.info)
    assert ask(root, "SELECT count(*) FROM desk_acts") == [(0,)]
    shown.text_input[0].set_value("小区编号写错").run(timeout=60)
    {b.label: b for b in shown.button}[EN("desk.save")].click().run(timeout=60)
    assert any("desk-0001" in s.value and "2 rows pass" in s.value for s in shown.success)
    who = ask(root, "SELECT kind, done_by, why, row_count FROM desk_acts")
    assert who == [("mended", "demo-steward", "小区编号写错", 2)]


def test_a_row_is_left_out_only_with_a_reason(root):
    shown = asked(root)
    shown.radio[0].set_value("waive").run(timeout=60)
    shown.checkbox[0].set_value(True).run(timeout=60)
    {b.label: b for b in shown.button}[EN("desk.waive")].click().run(timeout=60)
    assert EN("desk.why_missing") in [w.value for w in shown.warning]
    before = ask(root, "SELECT count(*) FROM desk_acts")
    shown.text_input[0].set_value("测试数据").run(timeout=60)
    {b.label: b for b in shown.button}[EN("desk.waive")].click().run(timeout=60)
    ((after,),) = ask(root, "SELECT count(*) FROM desk_acts")
    assert after == before[0][0] + 1
    left = asked(root, state="waived")
    table = next(t.value for t in left.dataframe if "settled" in t.value.columns)
    assert all("测试数据" in s for s in table["settled"])


def test_what_became_of_a_row_is_told_with_what_was_altered(demo_root, tmp_path):
    root = copy_of(demo_root, tmp_path / "var")
    ((delivery, line, original),) = ask(
        root,
        "SELECT delivery_id, line, original FROM rows_set_aside WHERE reason = 'unknown_code' AND column_name = 'nature' LIMIT 1",
    )
    after = json.dumps(json.loads(original) | {"诉求性质": "投诉"}, ensure_ascii=False)
    edits = pl.DataFrame({"delivery_id": [delivery], "line": [line], "after": [after]})
    mend(root, edits, Act("demo-steward", datetime.now(UTC), "按录音改"))
    shown = opened(root, "set_aside", "supervisor", "zh", state="mended")
    table = next(t.value for t in shown.dataframe if "settled" in t.value.columns)
    assert "诉求性质 其它事项 → 投诉" in table["settled"].iloc[0]
    assert "按录音改" in table["settled"].iloc[0]
    assert "按录音改" in " ".join(texts(shown)) or any("why" in t.value.columns for t in shown.dataframe)


def test_a_value_written_under_a_heading_the_row_did_not_come_with_is_handed_on_not_lost():
    rows = pl.DataFrame([row(小区编号="ash"), row(estate_id="oka") | {"line": 3}])
    before = editable(rows, "complaints")
    after = before.with_columns(estate_id=pl.lit("elm"))
    originals = {("d", 2): {"小区编号": "ash"}, ("d", 3): {"estate_id": "oka"}}
    said = [json.loads(a) for a in edits_of(before, after, originals)["after"]]
    assert said == [{"小区编号": "ash", "estate_id": "elm"}, {"estate_id": "elm"}]


def test_rows_of_police_cases_are_shown_after_a_reason_was_given_and_reading_them_is_entered(root):
    shown = opened(root, "set_aside", "steward", "en", source="incidents")
    assert not shown.exception
    assert EN("views.reason_lead") in [i.value for i in shown.info]
    assert EN("column.original") not in str([d.proto for d in shown.dataframe])
    assert not shown.radio, "nothing can be mended that was not shown"


def test_reading_rows_of_complaints_is_entered(root):
    ledger = open_ledger(root)
    asked(root, "supervisor")
    rows = watching.view_log(Scope("s", "steward"), None, ledger, at=datetime.now(UTC), table="complaints").to_dicts()
    ledger.dispose()
    assert ("supervisor", "set_aside open complaints unknown_reference") in {(r["role"], r["about"]) for r in rows}
