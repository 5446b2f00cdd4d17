"""Tests of overdue_hazard_days. Estate ``oak`` has 1,000 homes; 2026Q1 ends on 31 March 2026."""

from datetime import date

import polars as pl
import pytest

from tests.metrics.books import amended_book

NAME = "overdue_hazard_days"
HAZARD = {"hazard_id": "h1", "estate_id": "oak", "found_on": date(2026, 1, 10), "found_by": "police",
          "hazard_type": "ebike", "severity": "general", "responsible_party": "company",
          "due_on": date(2026, 1, 31)}  # fmt: skip


def days(got):
    """Evidence as (period, tenure, excluded, numerator), oldest first."""
    rows = got.evidence.sort("occurred_on", "tenure_id")
    return list(rows.select("period", "tenure_id", "excluded", "numerator").iter_rows())


def test_a_hazard_put_right_on_its_deadline_has_no_overdue_day_and_a_day_later_one(measure):
    assert measure(NAME, {"hazards": [HAZARD | {"rectified_on": date(2026, 1, 31)}]}).evidence.is_empty()
    got = measure(NAME, {"hazards": [HAZARD | {"rectified_on": date(2026, 2, 1)}]})
    assert days(got) == [("2026Q1", "t-oak", None, 1.0)]


def test_a_hazard_still_open_is_overdue_up_to_the_last_day(measure):
    # February 28 + March 31
    assert days(measure(NAME, {"hazards": [HAZARD]})) == [("2026Q1", "t-oak", None, 59.0)]


def test_one_found_undone_on_reinspection_is_still_open(measure):
    undone = HAZARD | {"rectified_on": date(2026, 2, 1), "verified_result": "fail"}
    assert days(measure(NAME, {"hazards": [undone]})) == [("2026Q1", "t-oak", None, 59.0)]


@pytest.mark.parametrize("severity, factor", [("general", 1), ("key", 3), ("major", 5)])
def test_days_count_by_severity(measure, severity, factor):
    late = HAZARD | {"severity": severity, "rectified_on": date(2026, 2, 10)}
    got = measure(NAME, {"hazards": [late]})
    assert got.evidence["numerator"].to_list() == [10 * factor]
    assert got.evidence["square"].to_list() == [(10 * factor) ** 2]


def test_days_are_split_by_quarter_and_decided_on_each_ones_last_overdue_day(measure):
    # due 20 December, put right on 5 January: 11 days in December, 5 in January
    late = HAZARD | {"found_on": date(2025, 12, 1), "due_on": date(2025, 12, 20), "rectified_on": date(2026, 1, 5)}
    got = measure(NAME, {"hazards": [late]})
    assert days(got) == [("2025Q4", "t-oak", None, 11.0), ("2026Q1", "t-oak", None, 5.0)]
    assert got.evidence["decided_on"].sort().to_list() == [date(2025, 12, 31), date(2026, 1, 5)]


def test_exposure_is_homes_under_management_and_no_overdue_hazard_is_a_good_value(measure):
    got = measure(NAME, {"hazards": [HAZARD | {"rectified_on": date(2026, 1, 20)}]})
    assert got.value("oak") == 0
    assert got.value("t-elm", "tenure") == 0
    # 1,000 homes against 200
    assert got.sum_of("oak")["e"] == pytest.approx(5 * got.sum_of("elm")["e"])


def test_the_value_is_severity_days_per_thousand_homes_and_year(measure):
    # put right on the last day, so that decay leaves the numerator alone: 59 days;
    # exposure of 12 quarters with a half-life of 12 months: the integral of 2**-t over 3 years = (1 - 1/8) / ln 2
    got = measure(NAME, {"hazards": [HAZARD]})
    assert got.sum_of("oak")["y"] == pytest.approx(59)
    assert got.value("oak") == pytest.approx(59 / (0.875 / 0.693147), rel=0.005)


def test_an_extended_deadline_is_the_deadline(measure):
    extended = HAZARD | {"extended_to": date(2026, 3, 30)}
    assert days(measure(NAME, {"hazards": [extended]})) == [("2026Q1", "t-oak", None, 1.0)]


def test_hazards_of_others_and_under_objection_are_shown_and_not_counted(measure):
    owners = HAZARD | {"responsible_party": "owner"}
    disputed = HAZARD | {"hazard_id": "h2", "objection_open": True}
    got = measure(NAME, {"hazards": [owners, disputed]})
    assert sorted(got.evidence["excluded"]) == ["disputed", "not_company"]
    assert got.value("oak") == 0


def test_a_hazard_without_a_deadline_is_never_overdue(measure):
    assert measure(NAME, {"hazards": [HAZARD | {"due_on": None}]}).evidence.is_empty()


def hands(*changes):
    starts, ends = [date(2015, 1, 1), *changes], [*changes, None]
    return [
        {"tenure_id": name, "estate_id": "oak", "company_id": name, "valid_from": start, "valid_to": end}
        for name, start, end in zip("ABC", starts, ends, strict=False)
    ]


def test_a_handover_parts_the_days_and_gives_the_newcomer_thirty(measure):
    # overdue from 1 February; A answers to 9 February (9 days). B comes on the 10th: its deadline is 12 March,
    # so 10 February to 12 March (19 + 12 = 31 days) are spared, and 13 to 31 March (19 days) are B's
    got = measure(NAME, {"hazards": [HAZARD], "tenures": hands(date(2026, 2, 10))})
    assert days(got) == [
        ("2026Q1", "A", None, 9.0),
        ("2026Q1", "B", "grace", 31.0),
        ("2026Q1", "B", None, 19.0),
    ]
    # the estate keeps every day, up to decay over the two months: 59 days undecayed
    assert got.evidence["numerator"].sum() == 59
    assert got.sum_of("oak")["records"] == 3


def test_a_newcomer_that_mends_within_its_days_has_none(measure):
    mended = HAZARD | {"rectified_on": date(2026, 3, 12)}
    got = measure(NAME, {"hazards": [mended], "tenures": hands(date(2026, 2, 10))})
    assert days(got) == [("2026Q1", "A", None, 9.0), ("2026Q1", "B", "grace", 31.0)]
    a_day_more = HAZARD | {"rectified_on": date(2026, 3, 13)}
    got = measure(NAME, {"hazards": [a_day_more], "tenures": hands(date(2026, 2, 10))})
    assert days(got)[-1] == ("2026Q1", "B", None, 1.0)


def test_a_hazard_not_yet_due_at_the_handover_is_late_only_after_the_moved_deadline(measure):
    # B comes on 20 January, so 31 January becomes 19 February: spared 1 to 19 February, B's 20 February on
    got = measure(NAME, {"hazards": [HAZARD], "tenures": hands(date(2026, 1, 20))})
    assert days(got) == [("2026Q1", "B", "grace", 19.0), ("2026Q1", "B", None, 40.0)]


def test_days_under_nobody_are_the_estates_alone(measure):
    gap = hands(date(2026, 2, 10))
    gap[0]["valid_to"] = date(2026, 2, 5)
    got = measure(NAME, {"hazards": [HAZARD | {"rectified_on": date(2026, 2, 12)}], "tenures": gap})
    # 1 to 4 February A, 5 to 9 nobody, 10 to 12 February B, spared
    assert days(got) == [("2026Q1", "A", None, 4.0), ("2026Q1", None, None, 5.0), ("2026Q1", "B", "grace", 3.0)]


def test_days_before_the_first_and_after_the_last_tenure_are_nobodys(measure):
    only_b = [{"tenure_id": "B", "estate_id": "oak", "company_id": "B", "valid_from": date(2026, 3, 1),
               "valid_to": date(2026, 3, 5)}]  # fmt: skip
    got = measure(NAME, {"hazards": [HAZARD], "tenures": only_b})
    assert days(got) == [("2026Q1", None, None, 28.0), ("2026Q1", "B", "grace", 4.0), ("2026Q1", None, None, 27.0)]
    unmanaged = measure(NAME, {"hazards": [HAZARD], "tenures": []})
    assert days(unmanaged) == [("2026Q1", None, None, 59.0)]


def test_heads_of_one_company_answer_for_their_own_days_without_new_ones(measure):
    heads = [t | {"company_id": "acme"} for t in hands(date(2026, 2, 10))]
    got = measure(NAME, {"hazards": [HAZARD], "tenures": heads})
    assert days(got) == [("2026Q1", "A", None, 9.0), ("2026Q1", "B", None, 50.0)]
    assert got.evidence.filter(pl.col("unit_id") != "A").is_empty()


def test_factors_are_those_of_the_day_the_hazard_fell_due(measure, tmp_path):
    expected = {date(2026, 2, 1): 30, date(2026, 1, 31): 20}  # 10 days, due on 31 January: factor 3, or 2
    late = HAZARD | {"severity": "key", "rectified_on": date(2026, 2, 10)}
    got = {
        day: measure(NAME, {"hazards": [late]}, book=amended_book(tmp_path / str(day), NAME, day, key=2)).evidence[
            "numerator"
        ][0]
        for day in expected
    }
    assert got == expected


def test_where_no_hazards_were_ever_delivered_there_is_no_value(measure):
    assert measure(NAME, {}).value("oak") is None
