"""The register of laws: every key tells what it stands for and where it was read."""

from __future__ import annotations

import pytest

from rules.book import Book, RuleFileWrong
from rules.laws import cited, laws


def test_an_article_is_cited_by_the_key_of_its_law():
    assert laws()["HR5"].title_zh == "高层民用建筑消防安全管理规定（应急管理部令第5号）"
    assert laws()["HR5"].grade == "A"


def test_every_entry_has_both_titles_a_grade_and_an_address():
    assert len(laws()) == 141  # the table of domain.md section 12
    assert {law.grade for law in laws().values()} <= {"A", "A/B", "B", "B/C", "C", "D"}
    assert all(any("\u4e00" <= c <= "\u9fff" for c in law.title_zh) for law in laws().values())


def test_a_rules_law_text_names_its_laws_in_order_and_once():
    text = "HR5 41 (HR, SH: residents drill); O61 40 (others); HR5 44"
    assert [law.key for law in cited(text)] == ["HR5", "O61"]
    assert cited("proposed: no law sets a share") == []


def test_an_entry_without_an_address_is_refused_by_name(tmp_path):
    (tmp_path / "laws.toml").write_text(
        '[FL]\ntitle_zh = "消防法"\ntitle_en = "Fire law"\ngrade = "A"\n', encoding="utf-8"
    )
    with pytest.raises(RuleFileWrong, match=r"entry \[FL\]: address is missing"):
        laws(tmp_path)


def test_the_register_is_no_rule_and_the_rulebook_leaves_it_out():
    assert "laws" not in Book().files
