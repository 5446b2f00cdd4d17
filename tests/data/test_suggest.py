"""A file with other headings: which source it most likely is, which column was renamed, and to what."""

from __future__ import annotations

import tomllib

import pytest

from data.intake import load_file
from data.mapping import HERE, read_source, sources
from data.reading import WrongFile
from data.suggest import compared, suggest, with_headings
from tests.data.town import NOW, everything, put, registers

RENAMED = ["工单号", "小区编号", "来电时间", "受理渠道", "诉求性质", "办结日期"]


def test_a_renamed_column_is_named_with_its_likely_new_name():
    found = suggest(RENAMED, sources())
    assert found is not None
    assert found.source.name == "complaints"
    # data/synonyms.toml knows 工单号 for it
    assert [(r.usual, r.likely, r.likeness) for r in found.renamed] == [("工单编号", "工单号", 100.0)]
    assert found.added == []


def test_a_new_name_no_list_knows_is_found_by_its_likeness():
    found = compared([*RENAMED[1:], "工单标号"], sources()["complaints"])
    # 工单号, a known name of it, and 工单标号: 3 of the 7 signs of both can be matched twice: 2 * 3 / 7 = 85.7
    assert [(r.usual, r.likely, round(r.likeness, 1)) for r in found.renamed] == [("工单编号", "工单标号", 85.7)]


def test_vanished_and_added_columns_are_told_apart():
    found = compared(["诉求性质", "经办人手机"], sources()["complaints"])
    assert found.vanished == ["工单编号"]
    assert found.added == ["经办人手机"]


def test_full_width_signs_brackets_and_case_are_no_new_heading():
    found = compared(["Complaint＿ID", "诉求性质（必填）"], sources()["complaints"])
    assert found.found == {"complaint_id": "Complaint＿ID", "nature": "诉求性质（必填）"}


@pytest.mark.parametrize("headings", [["甲", "乙", "丙"], ["x", "y"], [""]])
def test_a_file_like_no_source_gets_no_suggestion(headings):
    assert suggest(headings, sources()) is None


def test_a_refusal_names_the_likely_source_and_the_renamed_column_and_stores_nothing(tmp_path):
    root = registers(tmp_path / "var")
    before = everything(root)
    path = put(tmp_path, "o.csv", ",".join(RENAMED) + "\no1,oak,2026-01-05 09:00:00,110,投诉,\n")
    with pytest.raises(WrongFile, match=r"\(complaints\): '工单编号' is probably now '工单号'"):
        load_file(root, path, received_at=NOW)
    assert all(f.equals(everything(root)[n]) for n, f in before.items())


def test_a_confirmed_heading_is_added_to_the_mapping_file_and_the_file_then_loads(tmp_path):
    root, folder = registers(tmp_path / "var"), tmp_path / "sources"
    folder.mkdir()
    text = with_headings((HERE / "complaints.toml").read_text("utf-8"), {"complaint_id": '工单"号'})
    (folder / "complaints.toml").write_text(text, "utf-8")
    assert tomllib.loads(text)["columns"]["complaint_id"] == ["工单编号", "complaint_id", '工单"号']
    text = with_headings(text, {"complaint_id": "工单号"})
    (folder / "complaints.toml").write_text(text, "utf-8")
    assert read_source(folder / "complaints.toml").columns["complaint_id"][-1] == "工单号"
    path = put(tmp_path, "o.csv", ",".join(RENAMED) + "\no1,oak,2026-01-05 09:00:00,110,投诉,\n")
    (made,) = load_file(root, path, received_at=NOW, folder=folder)
    assert made.accepted == 1
