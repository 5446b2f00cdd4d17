"""Inspection forms: dated versions, items by class, and every mistake of a form file told with its file and key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from data import codes
from data.forms import form_on, forms, in_force
from rules.book import RuleFileWrong, RuleNotInForce
from rules.laws import laws

ITEM = """
[[in_force.item]]
code = "escape_routes"
text_zh = "通道畅通"
text_en = "Routes clear"
severity = "severe"
answered = "count"
law = "FL 60"
"""
BLOCK = """
[[in_force]]
from = {day}
law = "FL 53"
version = {version}
name_zh = "表"
name_en = "Form"
estate_classes = ["HR", "MR"]
"""


def put(folder: Path, text: str) -> Path:
    (folder / "forms").mkdir()
    (folder / "forms" / "visit.toml").write_text('title = "x"\n' + text, encoding="utf-8")
    return folder


def test_the_version_in_force_is_the_one_of_the_day(tmp_path):
    text = BLOCK.format(day="2026-01-01", version=1) + ITEM + BLOCK.format(day="2026-07-01", version=2) + ITEM
    root = put(tmp_path, text)
    assert form_on("visit", date(2026, 6, 30), root).version == 1
    assert form_on("visit", date(2026, 7, 1), root).version == 2
    assert in_force(date(2025, 12, 31), root) == {}
    with pytest.raises(RuleNotInForce, match="No form 'visit' was in force on 2025-12-31"):
        form_on("visit", date(2025, 12, 31), root)


def test_an_item_of_fewer_classes_is_left_out_for_the_others(tmp_path):
    text = BLOCK.format(day="2026-01-01", version=1) + ITEM + ITEM.replace("escape_routes", "fire_doors")
    form = form_on("visit", date(2026, 2, 1), put(tmp_path, text + 'estate_classes = ["HR"]\n'))
    assert [i.code for i in form.items_for("HR")] == ["escape_routes", "fire_doors"]
    assert [i.code for i in form.items_for("MR")] == ["escape_routes"]
    assert form.items_for("UV") == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("escape_routes", "escape_route"), "item.1.code"),
        (('"severe"', '"grave"'), "item.1.severity"),
        (('"count"', '"maybe"'), "item.1.answered"),
        (('law = "FL 60"', 'law = "QQ 60"'), r"item.1 \(escape_routes\): law is 'QQ 60'"),
        (('law = "FL 60"', 'law = "as usual"'), "not a key of rules/laws.toml: nothing in it"),
        (('text_en = "Routes clear"', ""), "'text_en' is a required property"),
        (('text_zh = "通道畅通"', 'text_zh = ""'), "item.1.text_zh"),
        (('law = "FL 60"', 'law = "FL 60"\nweight = 3'), "'weight' was unexpected"),
        (('law = "FL 60"', 'law = "FL 60"\nestate_classes = ["SH"]'), r"estate_classes names \['SH'\]"),
        (("version = 1", "version = 2"), r"version is \[2\]; versions count 1, 2, 3"),
        (("version = 1", 'version = "1"'), "version: '1' is not of type 'integer'"),
        (('"HR", "MR"', '"HR", "high"'), "estate_classes.2"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_key(tmp_path, change, said):
    text = BLOCK.format(day="2026-01-01", version=1) + ITEM
    assert change[0] in text
    with pytest.raises(RuleFileWrong, match=r"rules/forms/visit\.toml.*" + said):
        forms(put(tmp_path, text.replace(*change)))


def test_an_item_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(RuleFileWrong, match=r"item\.2 \(escape_routes\): code stands twice"):
        forms(put(tmp_path, BLOCK.format(day="2026-01-01", version=1) + ITEM + ITEM))


def test_the_forms_of_this_house_ask_for_every_item_the_metrics_read():
    day = date(2026, 10, 1)
    assert {i.code for form in in_force(day).values() for i in form.items} == set(codes.ITEM_CODES)


def test_an_item_whose_law_was_read_only_in_a_copy_is_marked():
    found = {i.code: i.unconfirmed for i in form_on("fire_visit", date(2026, 10, 1)).items}
    assert laws()["O120"].grade == "C" and laws()["HR5"].grade == "A"
    assert found["files_and_plans"] and not found["control_room"]
