"""The page of checks to make: what it says of chance is what was computed, and it accuses nobody."""

from __future__ import annotations

import pytest

from i18n.words import LANGUAGES, Words
from metrics import ALL as METRICS
from metrics.checks import ALL
from pages.records.checks import EVIDENCE, REASON, by_chance, chance
from tests.pages.test_pages import opened, texts

RUN = {"detector": "same_proof", "looked_at": 60, "selected": 3, "q": 0.1}
#: Words that would call somebody guilty.
GUILT = ("fraud", "fake", "cheat", "gaming", "guilt", "violat", "造假", "作弊", "虚假", "违规", "违法", "刷")


def test_what_is_said_of_chance_depends_on_whether_chance_was_tested():
    t = Words("en")
    assert "at most 10%" in by_chance(RUN | {"by_chance": None}, t).replace(" %", "%")
    assert "facts" in by_chance(RUN | {"by_chance": 0.0}, t)
    assert "not known" in by_chance(RUN | {"detector": "photos_alike", "by_chance": 0.0}, t)
    assert "about 0.3 " in by_chance(RUN | {"by_chance": 0.3}, t)


def test_a_small_chance_is_said_to_be_small_and_a_fact_to_be_one():
    t = Words("en")
    assert chance(1e-9, t) == t("page.checks.less")
    assert chance(None, t) == t("page.checks.fact")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", list(ALL))
def test_every_check_gives_ordinary_reasons_and_what_to_do_and_calls_nobody_guilty(language, name):
    t = Words(language)
    said = [t(f"check.{name}.{part}") for part in ("name", "seen", "innocent", "to_do", "observed")]
    assert all(said) and len(set(said)) == 5
    said.append(t(f"check_why.{REASON[name]}"))
    assert [w for w in GUILT if any(w in s.lower() for s in said)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_opens_on_what_the_address_asks_for(demo_root, language):
    t = Words(language)
    shown = opened(demo_root, "checks", "supervisor", language, level="district")
    assert not shown.exception
    heads = [h.value for h in shown.subheader]
    assert heads == [t("check.just_in_time.name"), t("page.checks.looked")]
    assert t("check_level.district") in [s.value and t(f"check_level.{s.value}") for s in shown.selectbox[:1]]


def test_an_officer_of_an_area_reads_nothing_of_the_district_or_companies(demo_root):
    t = Words("en")
    told = texts(opened(demo_root, "checks", "station", "en"))
    assert t("page.checks.area_only") in told
    assert t("check.just_in_time.name") not in told


def test_every_link_to_evidence_names_a_detector_and_a_metric():
    assert set(EVIDENCE) <= set(ALL) == set(REASON)
    assert set(EVIDENCE.values()) <= set(METRICS)
