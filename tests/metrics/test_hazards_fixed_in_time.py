"""Tests of hazards_fixed_in_time."""

from datetime import date

import pytest

from tests.metrics.books import amended_book

NAME = "hazards_fixed_in_time"
HAZARD = {"hazard_id": "h1", "estate_id": "oak", "found_on": date(2026, 1, 10), "found_by": "police",
          "hazard_type": "ebike", "severity": "general", "responsible_party": "company",
          "due_on": date(2026, 1, 31)}  # fmt: skip


def test_a_hazard_put_right_on_its_deadline_is_in_time_and_a_day_later_late(measure):
    on_the_day = HAZARD | {"rectified_on": date(2026, 1, 31)}
    assert measure(NAME, {"hazards": [on_the_day]}).value("oak") == 1
    a_day_later = HAZARD | {"rectified_on": date(2026, 2, 1)}
    assert measure(NAME, {"hazards": [a_day_later]}).value("oak") == 0


def test_an_extended_deadline_is_the_deadline(measure):
    extended = HAZARD | {"extended_to": date(2026, 2, 10)}
    assert measure(NAME, {"hazards": [extended | {"rectified_on": date(2026, 2, 10)}]}).value("oak") == 1
    assert measure(NAME, {"hazards": [extended | {"rectified_on": date(2026, 2, 11)}]}).value("oak") == 0


def test_a_hazard_still_open_counts_once_it_fell_due_and_not_before(measure):
    fell_due = measure(NAME, {"hazards": [HAZARD | {"due_on": date(2026, 3, 31)}]})
    assert fell_due.value("oak") == 0
    not_yet = measure(NAME, {"hazards": [HAZARD | {"due_on": date(2026, 4, 1)}]})
    assert not_yet.evidence.is_empty()


@pytest.mark.parametrize("result, met", [("pass", 1), (None, 1), ("fail", 0)])
def test_a_hazard_found_undone_on_reinspection_was_not_put_right(measure, result, met):
    fixed = HAZARD | {"rectified_on": date(2026, 1, 20), "verified_on": date(2026, 1, 25), "verified_result": result}
    assert measure(NAME, {"hazards": [fixed]}).value("oak") == met


@pytest.mark.parametrize("result, met", [(None, 0), ("pass", 1)])
def test_a_hazard_found_undone_by_lot_was_not_put_right_until_it_is_seen_so(measure, result, met):
    fixed = HAZARD | {"rectified_on": date(2026, 1, 20), "verified_result": result, "lot_result": "fail"}
    assert measure(NAME, {"hazards": [fixed]}).value("oak") == met


@pytest.mark.parametrize("fixed, met", [(date(2026, 1, 20), 0.97), (date(2026, 2, 5), 0)])
def test_a_closing_nobody_saw_again_counts_by_the_chance_that_it_is_as_told(measure, fixed, met):
    trust = [{"record_id": "h1", "trust": 0.97}]
    got = measure(NAME, {"hazards": [HAZARD | {"rectified_on": fixed}], "closing_trust": trust})
    assert got.value("oak") == pytest.approx(met, abs=1e-6)


@pytest.mark.parametrize("party", ["owner", "utility", "developer", "subdistrict"])
def test_hazards_of_others_are_shown_and_not_counted(measure, party):
    got = measure(NAME, {"hazards": [HAZARD | {"responsible_party": party}]})
    assert got.evidence["excluded"].to_list() == ["not_company"]
    assert got.value("oak") is None


def test_a_hazard_under_objection_is_shown_and_not_counted(measure):
    got = measure(NAME, {"hazards": [HAZARD | {"objection_open": True}]})
    assert got.evidence["excluded"].to_list() == ["disputed"]
    assert got.value("oak") is None


def test_a_hazard_without_a_deadline_cannot_fall_due(measure):
    assert measure(NAME, {"hazards": [HAZARD | {"due_on": None}]}).evidence.is_empty()


def test_no_hazards_give_no_value(measure):
    assert measure(NAME, {}).value("oak") is None


# method.md T2, in the calendar of 2025: A manages until the handover on 1 July, B from that day.
OPENED = HAZARD | {"found_on": date(2025, 6, 10), "rectified_on": date(2025, 7, 20)}


def hands(*days):
    """Tenures of ``oak`` by companies A, B, C ... changing on ``days``."""
    starts, ends = [date(2015, 1, 1), *days], [*days, None]
    return [
        {"tenure_id": name, "estate_id": "oak", "company_id": name, "valid_from": start, "valid_to": end}
        for name, start, end in zip("ABC", starts, ends, strict=False)
    ]


def test_t2_lateness_before_a_handover_stays_with_the_company_that_left(measure):
    late = OPENED | {"due_on": date(2025, 6, 30)}
    got = measure(NAME, {"hazards": [late], "tenures": hands(date(2025, 7, 1))})
    assert got.sum_of("A", "tenure")["records"] == 1
    assert got.value("A", "tenure") == 0
    assert got.value("B", "tenure") is None


def test_t2_a_hazard_not_yet_due_at_a_handover_gets_thirty_days_from_it(measure):
    inherited = OPENED | {"due_on": date(2025, 7, 5)}
    got = measure(NAME, {"hazards": [inherited], "tenures": hands(date(2025, 7, 1))})
    assert got.value("B", "tenure") == 1
    assert got.value("A", "tenure") is None
    assert got.evidence["decided_on"].to_list() == [date(2025, 7, 31)]


@pytest.mark.parametrize("fixed, met", [(date(2025, 7, 31), 1), (date(2025, 8, 1), 0)])
def test_the_moved_deadline_has_its_own_two_sides(measure, fixed, met):
    inherited = OPENED | {"due_on": date(2025, 7, 5), "rectified_on": fixed}
    got = measure(NAME, {"hazards": [inherited], "tenures": hands(date(2025, 7, 1))})
    assert got.value("B", "tenure") == met


def test_a_hazard_due_on_the_handover_day_itself_is_the_newcomers(measure):
    inherited = OPENED | {"due_on": date(2025, 7, 1)}
    got = measure(NAME, {"hazards": [inherited], "tenures": hands(date(2025, 7, 1))})
    assert got.value("B", "tenure") == 1


def test_a_handover_never_shortens_a_deadline(measure):
    inherited = OPENED | {"due_on": date(2025, 9, 1), "rectified_on": date(2025, 9, 1)}
    got = measure(NAME, {"hazards": [inherited], "tenures": hands(date(2025, 7, 1))})
    assert got.evidence["decided_on"].to_list() == [date(2025, 9, 1)]
    assert got.value("B", "tenure") == 1


def test_a_hazard_put_right_before_the_handover_keeps_its_deadline(measure):
    done = OPENED | {"due_on": date(2025, 7, 5), "rectified_on": date(2025, 6, 20)}
    got = measure(NAME, {"hazards": [done], "tenures": hands(date(2025, 7, 1))})
    assert got.evidence["decided_on"].to_list() == [date(2025, 7, 5)]


def test_a_hazard_found_on_the_newcomers_first_day_is_its_own(measure):
    found = OPENED | {"found_on": date(2025, 7, 1), "due_on": date(2025, 7, 5)}
    got = measure(NAME, {"hazards": [found], "tenures": hands(date(2025, 7, 1))})
    assert got.evidence["decided_on"].to_list() == [date(2025, 7, 5)]
    assert got.value("B", "tenure") == 0


def test_two_handovers_in_a_row_move_the_deadline_twice(measure):
    # due 5 July -> B came on 1 July: 31 July -> C came on 20 July: 19 August
    open_still = OPENED | {"due_on": date(2025, 7, 5), "rectified_on": None}
    got = measure(NAME, {"hazards": [open_still], "tenures": hands(date(2025, 7, 1), date(2025, 7, 20))})
    assert got.evidence["decided_on"].to_list() == [date(2025, 8, 19)]
    assert got.value("C", "tenure") == 0
    assert got.value("B", "tenure") is None


def test_a_second_handover_after_the_moved_deadline_moves_nothing(measure):
    # B's deadline is 31 July; C comes on 1 August
    open_still = OPENED | {"due_on": date(2025, 7, 5), "rectified_on": None}
    got = measure(NAME, {"hazards": [open_still], "tenures": hands(date(2025, 7, 1), date(2025, 8, 1))})
    assert got.evidence["decided_on"].to_list() == [date(2025, 7, 31)]
    assert got.value("B", "tenure") == 0


def test_a_change_of_office_head_moves_nothing(measure):
    heads = [t | {"company_id": "acme"} for t in hands(date(2025, 7, 1))]
    got = measure(NAME, {"hazards": [OPENED | {"due_on": date(2025, 7, 5)}], "tenures": heads})
    assert got.evidence["decided_on"].to_list() == [date(2025, 7, 5)]


def test_a_hazard_due_while_nobody_manages_is_held_against_nobody(measure):
    gap = hands(date(2025, 7, 1))
    gap[0]["valid_to"] = date(2025, 6, 1)
    got = measure(NAME, {"hazards": [OPENED | {"due_on": date(2025, 6, 20)}], "tenures": gap})
    assert got.evidence["unit_id"].to_list() == [None]
    assert got.value("oak") == 0


def test_handover_days_are_those_of_the_day_the_hazard_was_found(measure, tmp_path):
    # found on 10 June: 30 days where the change comes on 11 June, 10 days where it came on 10 June
    expected = {date(2025, 6, 11): date(2025, 7, 31), date(2025, 6, 10): date(2025, 7, 11)}
    got = {
        day: measure(
            NAME,
            {"hazards": [OPENED | {"due_on": date(2025, 7, 5)}], "tenures": hands(date(2025, 7, 1))},
            book=amended_book(tmp_path / str(day), NAME, day, handover_days=10),
        ).evidence["decided_on"][0]
        for day in expected
    }
    assert got == expected
