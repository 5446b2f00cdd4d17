"""Opening a matter by hand from an estate's page and from the due list."""

from __future__ import annotations

import pytest

from data.ledger import open_ledger
from i18n.words import LANGUAGES, Words
from tests.conftest import copy_of
from tests.pages.test_pages import opened, own_estate, people, texts  # noqa: F401


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory):
    """A copy whose ledger may be written; one for all, as the pages keep their ledger open."""
    return copy_of(demo_root, tmp_path_factory.mktemp("by-hand") / "var")


def form(at, t):
    return [e for e in at.expander if e.label == t("by_hand.title")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_supervisor_starts_a_referral_on_an_estates_page(root, own_estate, language):  # noqa: F811
    t = Words(language)
    at = opened(root, "estate", "supervisor", language, estate=own_estate)
    assert form(at, t) and not at.exception
    kind = next(s for s in at.selectbox if s.label == t("by_hand.kind"))
    kind.select_index(1)
    at.run(timeout=60)
    matter = next(i for i in at.text_input if i.label == t("by_hand.matter"))
    matter.input(f"3栋消防车通道被占用 {language}")
    next(a for a in at.text_area if a.label == t("by_hand.reason")).input("11月1日检查")
    next(b for b in at.button if b.label == t("by_hand.open")).click()
    at.run(timeout=60)
    assert not at.exception and not at.warning
    with open_ledger(root).connect() as con:
        rows = [tuple(r) for r in con.exec_driver_sql("SELECT estate_id, step, matter FROM cases").fetchall()]
    assert (own_estate, "referral", f"3栋消防车通道被占用 {language}") in rows


def test_a_form_without_facts_says_so_and_writes_nothing(root, own_estate):  # noqa: F811
    t = Words("zh")
    at = opened(root, "estate", "supervisor", estate=own_estate)
    next(i for i in at.text_input if i.label == t("by_hand.matter")).input("通道")
    next(b for b in at.button if b.label == t("by_hand.open")).click()
    at.run(timeout=60)
    assert t("case.refused.reason_missing") in texts(at)


def test_a_manager_is_offered_no_matter(demo_root, own_estate):  # noqa: F811
    at = opened(demo_root, "estate", "manager", estate=own_estate)
    assert not form(at, Words("zh")) and not at.exception


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_supervisor_issues_the_bulletin_and_withdraws_it_on_its_page(root, language):
    t = Words(language)
    at = opened(root, "bulletin", "supervisor", language)
    next(a for a in at.text_area if a.label == t("bulletin.issue_reason")).input("按季度公布")
    next(b for b in at.button if b.label == t("bulletin.press")).click()
    at.run(timeout=120)
    assert not at.exception and not at.warning and not at.error
    assert any(s.value.startswith(t("bulletin.done").split("{")[0]) for s in at.success)
    next(a for a in at.text_area if a.label == t("bulletin.withdraw_reason")).input("附表有误")
    next(b for b in at.button if b.label == t("bulletin.withdraw_press")).click()
    at.run(timeout=60)
    assert not at.exception and not [b for b in at.button if b.label == t("bulletin.withdraw_press")]
