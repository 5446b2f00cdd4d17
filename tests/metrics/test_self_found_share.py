"""Tests of self_found_share."""

from datetime import date

import pytest

from rules.book import Book
from tests.metrics.books import book_starting

NAME = "self_found_share"
HAZARD = {"hazard_id": "h1", "estate_id": "oak", "found_on": date(2026, 2, 14), "found_by": "self",
          "hazard_type": "ebike", "severity": "general", "responsible_party": "company"}  # fmt: skip


def test_the_share_is_what_the_company_found_itself_of_all_found(measure):
    finders = ("police", "complaint", "fire")
    others = [HAZARD | {"hazard_id": f"h{by}", "found_by": by} for by in finders]
    # found on one day, so weighed alike: 1 of 4
    assert measure(NAME, {"hazards": [HAZARD, *others]}).value("oak") == pytest.approx(0.25)


@pytest.mark.parametrize("by", ["police", "fire", "housing", "subdistrict", "complaint", "sensor"])
def test_only_the_companys_own_find_is_its_own(measure, by):
    assert measure(NAME, {"hazards": [HAZARD]}).value("oak") == 1
    assert measure(NAME, {"hazards": [HAZARD | {"found_by": by}]}).value("oak") == 0


def test_finding_what_others_must_mend_counts_too(measure):
    assert measure(NAME, {"hazards": [HAZARD | {"responsible_party": "owner"}]}).value("oak") == 1


def test_a_hazard_under_objection_is_shown_and_not_counted(measure):
    got = measure(NAME, {"hazards": [HAZARD | {"objection_open": True}]})
    assert got.evidence["excluded"].to_list() == ["disputed"]
    assert got.value("oak") is None


@pytest.mark.parametrize("day, shown", [(date(2026, 2, 14), 1), (date(2026, 2, 15), 0)])
def test_a_hazard_counts_from_the_day_the_rule_is_in_force(measure, tmp_path, day, shown):
    got = measure(NAME, {"hazards": [HAZARD]}, book=book_starting(tmp_path, NAME, day))
    assert got.evidence.height == shown


def test_it_is_shown_and_not_scored():
    rule = Book().metric(date(2026, 3, 31), NAME)
    assert (rule["subindex"], rule["weight"]) == ("shown", 0)


def test_no_hazards_give_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
