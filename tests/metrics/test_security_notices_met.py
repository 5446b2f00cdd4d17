"""Tests of security_notices_met."""

from datetime import date

import pytest

from data.codes import HAZARD_TYPES, SECURITY_HAZARD_TYPES
from tests.metrics.books import amended_book

NAME = "security_notices_met"
NOTICE = {"hazard_id": "h1", "estate_id": "oak", "found_on": date(2026, 1, 10), "found_by": "police",
          "hazard_type": "guard_management", "severity": "general", "responsible_party": "company",
          "due_on": date(2026, 1, 31)}  # fmt: skip


def test_a_notice_met_on_its_deadline_is_met_and_a_day_later_not(measure):
    assert measure(NAME, {"hazards": [NOTICE | {"rectified_on": date(2026, 1, 31)}]}).value("oak") == 1
    assert measure(NAME, {"hazards": [NOTICE | {"rectified_on": date(2026, 2, 1)}]}).value("oak") == 0


@pytest.mark.parametrize("kind", HAZARD_TYPES)
def test_only_security_hazards_are_notices(measure, kind):
    got = measure(NAME, {"hazards": [NOTICE | {"hazard_type": kind}]})
    assert got.evidence.height == (1 if kind in SECURITY_HAZARD_TYPES else 0)


@pytest.mark.parametrize("body", ["fire", "self", "subdistrict"])
def test_only_what_the_police_found_is_a_notice(measure, body):
    assert measure(NAME, {"hazards": [NOTICE | {"found_by": body}]}).evidence.is_empty()


def test_notices_to_others_and_under_objection_are_shown_and_not_counted(measure):
    others = NOTICE | {"responsible_party": "owner"}
    disputed = NOTICE | {"hazard_id": "h2", "objection_open": True}
    got = measure(NAME, {"hazards": [others, disputed]})
    assert got.evidence.sort("record_id")["excluded"].to_list() == ["not_company", "disputed"]
    assert got.value("oak") is None


def test_a_notice_counts_once_it_fell_due(measure):
    assert measure(NAME, {"hazards": [NOTICE | {"due_on": date(2026, 3, 31)}]}).value("oak") == 0
    assert measure(NAME, {"hazards": [NOTICE | {"due_on": date(2026, 4, 1)}]}).evidence.is_empty()


@pytest.mark.parametrize("found, met", [(date(2026, 1, 14), 1), (date(2026, 1, 15), 0)])
def test_the_newcomers_days_are_those_of_the_day_it_was_found(measure, tmp_path, found, met):
    # taken over on 20 January, due on the 31st, put right on 10 February: 30 days allow it (19 Feb), 5 days do not (31 Jan)
    book = amended_book(tmp_path, NAME, date(2026, 1, 15), handover_days=5)
    tenures = [
        {"tenure_id": "old", "estate_id": "oak", "company_id": "acme", "valid_from": date(2015, 1, 1),
         "valid_to": date(2026, 1, 20)},
        {"tenure_id": "new", "estate_id": "oak", "company_id": "best", "valid_from": date(2026, 1, 20)},
    ]  # fmt: skip
    notice = NOTICE | {"found_on": found, "rectified_on": date(2026, 2, 10)}
    got = measure(NAME, {"hazards": [notice], "tenures": tenures}, book=book)
    assert got.value("new", "tenure") == met


def test_no_notice_gives_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
