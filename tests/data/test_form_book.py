"""The workbook of a form: what Excel will hold a person to, and the way back in through the normal intake."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from data import form_book
from data.forms import form_on
from data.intake import load_file
from tests.data.town import NOW, ask, counts, registers

FORM = form_on("fire_visit", date(2026, 10, 1))
ESTATES = pl.DataFrame(
    {"estate_id": ["oak", "elm"], "name": ['=HYPERLINK("http://x","橡园")', "榆园"], "estate_class": ["HR", "MR"]}
)


@pytest.fixture
def root(tmp_path):
    return registers(tmp_path / "store")


def book(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(content))


def cells(sheet) -> dict[str, int]:
    """Heading to column number."""
    return {c.value: c.column for c in sheet[1]}


def put(sheet, row: int, **values) -> None:
    at = cells(sheet)
    for heading, value in values.items():
        sheet.cell(row, at[heading]).value = value


def line(sheet, estate: str, item: str) -> int:
    at = cells(sheet)
    return next(
        r for r in range(2, sheet.max_row + 1)
        if f"-{estate}-" in sheet.cell(r, at["检查编号"]).value and sheet.cell(r, at["检查项"]).value == item
    )  # fmt: skip


def by_hand(folder: Path, change=lambda visits, items: None) -> Path:
    """The template, filled in for oak alone: 8 of 10 routes clear, equipment 20 of 20, e-bikes failed, no control room."""
    made = book(form_book.template(FORM, ESTATES, "m1"))
    visits, items = made[form_book.VISITS], made[form_book.ITEMS]
    put(
        visits,
        2,
        检查日期=date(2026, 9, 15),
        检查类型="日常检查",
        检查缘由="计划",
        检查主体="派出所",
        执法人数=2,
        主管签字="是",
    )
    put(items, line(items, "oak", "疏散通道"), 检查点数=10, 合格点数=8, 问题严重程度="严重", 问题描述="三层堆放杂物")
    put(items, line(items, "oak", "消防设施"), 检查点数=20, 合格点数=20)
    put(items, line(items, "oak", "电动自行车停放充电"), 结果="不合格", 问题严重程度="中等")
    put(items, line(items, "oak", "消防控制室"), 结果="不涉及")
    change(visits, items)
    path = folder / "filled.xlsx"
    made.save(path)
    return path


def test_the_template_asks_each_estate_the_items_of_its_class():
    items = book(form_book.template(FORM, ESTATES, "m1"))[form_book.ITEMS]
    at = cells(items)
    asked = [
        (items.cell(r, at["检查编号"]).value, items.cell(r, at["检查项"]).value) for r in range(2, items.max_row + 1)
    ]
    oak = [item for visit, item in asked if visit == "fire_visit-oak-m1"]
    elm = [item for visit, item in asked if visit == "fire_visit-elm-m1"]
    assert oak == ["疏散通道", "消防设施", "防火门", "消防控制室", "电动自行车停放充电", "动火与燃气", "档案与预案"]
    assert set(oak) - set(elm) == {
        "防火门",
        "消防控制室",
    }  # rules/forms/fire_visit.toml: high-rise and mixed classes only


def test_excel_holds_the_person_to_lists_days_and_counts():
    made = book(form_book.template(FORM, ESTATES, "m1"))
    visits, items = made[form_book.VISITS], made[form_book.ITEMS]
    rules = {str(v.sqref): v for v in [*visits.data_validations.dataValidation]}
    days = [v for v in rules.values() if v.type == "date"]
    assert len(days) == 2 and all(v.formula2 == "TODAY()" for v in days)
    lists = {v.formula1 for v in rules.values() if v.type == "list"}
    assert '"派出所,消防,住建,街道"' in lists and '"是,否"' in lists
    rules = {str(v.sqref): v for v in items.data_validations.dataValidation}
    # column G = 检查点数, H = 合格点数; 7 items of oak and 5 of elm = lines 2 to 13
    assert rules["H2:H13"].type == "decimal" and rules["H2:H13"].formula2 == "$G2"
    assert rules["G2:G13"].type == "whole"
    assert rules["F2:F13"].formula1 == '"合格,不合格,不涉及"'


def test_headings_stay_in_view_are_locked_and_the_form_is_hidden():
    made = book(form_book.template(FORM, ESTATES, "m1"))
    for name in (form_book.VISITS, form_book.ITEMS):
        sheet, at = made[name], cells(made[name])
        assert sheet.freeze_panes == "D2"
        assert sheet.protection.sheet
        assert sheet.cell(1, 4).protection.locked and sheet.cell(2, at["检查编号"]).protection.locked
        for heading in ("检查表编号", "检查表版本"):
            assert sheet.column_dimensions[openpyxl.utils.get_column_letter(at[heading])].hidden
        assert (sheet.cell(2, at["检查表编号"]).value, sheet.cell(2, at["检查表版本"]).value) == ("fire_visit", 1)
    assert not made[form_book.VISITS].cell(2, 4).protection.locked


def test_a_name_that_begins_like_a_formula_stays_text():
    visits = book(form_book.template(FORM, ESTATES, "m1"))[form_book.VISITS]
    cell = visits.cell(2, cells(visits)["小区名称"])
    assert (cell.data_type, cell.value) == ("s", '=HYPERLINK("http://x","橡园")')


def test_the_same_template_has_the_same_bytes():
    assert form_book.template(FORM, ESTATES, "m1") == form_book.template(FORM, ESTATES, "m1")


def test_a_template_filled_in_by_hand_loads_as_visits_and_items(root, tmp_path):
    visits, items = load_file(root, by_hand(tmp_path), received_at=NOW)
    assert (visits.source, items.source) == ("form_visits", "form_items")
    assert counts(visits) == (1, 1, 0, 0, 0)
    assert counts(items) == (4, 4, 0, 0, 0)
    assert ask(root, "SELECT estate_id, inspected_on, kind, trigger, body, officers, signed FROM inspections") == [
        ("oak", date(2026, 9, 15), "routine", "routine", "police", 2, True)
    ]
    held = "SELECT item_code, checked, passed, severity, form, form_version, remark FROM inspection_items ORDER BY 1"
    assert ask(root, held) == [
        ("control_room", 0, 0.0, None, "fire_visit", 1, None),
        ("ebike_charging", 1, 0.0, "moderate", "fire_visit", 1, None),
        ("escape_routes", 10, 8.0, "severe", "fire_visit", 1, "三层堆放杂物"),
        ("fire_equipment", 20, 20.0, None, "fire_visit", 1, None),
    ]
    # of 2 visits 1 and of 12 items 8 were left blank: no records, and said so
    notes = "SELECT delivery_id, params FROM delivery_notes WHERE note = 'form_lines_blank' ORDER BY 1"
    assert [p for _, p in ask(root, notes)] == ['{"n": 1}', '{"n": 8}']
    again = load_file(root, by_hand(tmp_path), received_at=NOW)
    assert [(d.accepted, d.revised) for d in again] == [(0, 0), (0, 0)] or all(d.already for d in again)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"检查表版本": 7}, "form_unknown"),
        ({"检查表编号": "fire"}, "form_unknown"),
        ({"检查日期": date(2025, 12, 31)}, "form_not_in_force"),
    ],
)
def test_a_visit_on_another_version_is_set_aside_with_its_items(root, tmp_path, values, reason):
    path = by_hand(tmp_path, lambda visits, items: put(visits, 2, **values))
    visits, items = load_file(root, path, received_at=NOW)
    assert counts(visits) == (1, 0, 0, 0, 1)
    assert counts(items) == (4, 0, 0, 0, 4)
    assert ask(root, "SELECT DISTINCT reason FROM rows_set_aside ORDER BY 1") == sorted(
        [(reason,), ("unknown_reference",)]
    )


@pytest.mark.parametrize(("item", "reason"), [("门禁", "item_not_on_form"), ("电梯", "item_not_on_form")])
def test_an_item_the_form_does_not_have_is_set_aside_and_the_rest_counts(root, tmp_path, item, reason):
    path = by_hand(tmp_path, lambda visits, items: put(items, line(items, "oak", "消防设施"), 检查项=item))
    visits, items = load_file(root, path, received_at=NOW)
    assert counts(visits) == (1, 1, 0, 0, 0)
    assert counts(items) == (4, 3, 0, 0, 1)
    assert ask(root, "SELECT reason FROM rows_set_aside") == [(reason,)]


def test_more_passed_than_checked_is_set_aside_whatever_excel_let_through(root, tmp_path):
    path = by_hand(tmp_path, lambda visits, items: put(items, line(items, "oak", "疏散通道"), 合格点数=11))
    _, items = load_file(root, path, received_at=NOW)
    assert counts(items) == (4, 3, 0, 0, 1)
    assert ask(root, "SELECT reason FROM rows_set_aside") == [("sense.passed_exceeds_checked",)]


def test_an_item_seen_but_not_counted_is_set_aside_as_missing(root, tmp_path):
    change = {"检查点数": None, "合格点数": None}
    path = by_hand(tmp_path, lambda visits, items: put(items, line(items, "oak", "疏散通道"), **change))
    _, items = load_file(root, path, received_at=NOW)
    assert counts(items) == (4, 3, 0, 0, 1)
    assert {r for (r,) in ask(root, "SELECT reason FROM rows_set_aside")} == {"missing"}


def test_a_visit_filled_in_by_the_page_takes_the_same_way(root, tmp_path):
    estate = {"estate_id": "oak", "name": "橡园", "estate_class": "HR"}
    visit = {"检查日期": date(2026, 9, 15), "检查类型": "日常检查", "检查缘由": "计划", "检查主体": "派出所"}
    photo = "ab" * 32
    answers = {
        "escape_routes": {
            "检查点数": 10,
            "合格点数": 8.0,
            "问题描述": "=1+1",
            "问题严重程度": "严重",
            "照片指纹": photo,
            "照片相似码": "00ff00ff00ff00ff",
        },
        "files_and_plans": {"结果": "合格"},
    }
    path = tmp_path / "visit.xlsx"
    path.write_bytes(form_book.filled(FORM, estate, "m2", visit, answers))
    visits, items = load_file(root, path, received_at=NOW)
    assert counts(visits) == (1, 1, 0, 0, 0)
    assert counts(items) == (2, 2, 0, 0, 0)
    assert ask(
        root, "SELECT item_code, checked, passed, remark, photos, photo_prints FROM inspection_items ORDER BY 1"
    ) == [
        ("escape_routes", 10, 8.0, "=1+1", photo, "00ff00ff00ff00ff"),
        ("files_and_plans", 1, 1.0, None, None, None),
    ]


def test_a_workbook_given_out_before_photos_had_prints_is_still_read(root, tmp_path):
    """By hand there are four items; the page's visit, which has the column, came first."""
    estate = {"estate_id": "oak", "name": "橡园", "estate_class": "HR"}
    visit = {"检查日期": date(2026, 9, 15), "检查类型": "日常检查", "检查缘由": "计划", "检查主体": "派出所"}
    prints = {"照片指纹": "ab" * 32, "照片相似码": "00ff" * 4}
    path = tmp_path / "visit.xlsx"
    path.write_bytes(form_book.filled(FORM, estate, "m2", visit, {"files_and_plans": {"结果": "合格"} | prints}))
    load_file(root, path, received_at=NOW)
    old = by_hand(tmp_path, lambda visits, items: items.delete_cols(cells(items)["照片相似码"]))
    visits, items = load_file(root, old, received_at=NOW)
    assert (counts(visits), counts(items)) == ((1, 1, 0, 0, 0), (4, 4, 0, 0, 0))
    assert ask(root, "SELECT count(*), count(photo_prints) FROM inspection_items") == [(5, 1)]
