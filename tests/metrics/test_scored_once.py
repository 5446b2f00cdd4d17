"""One complaint or one hazard entered twice is cited each time and scored once."""

from datetime import date

import pytest

ORDER = {"complaint_id": "c1", "estate_id": "oak", "received_on": date(2026, 3, 31), "channel": "hotline",
         "nature": "complaint", "responsibility": "company", "upheld": "yes"}  # fmt: skip
HAZARD = {"hazard_id": "h1", "estate_id": "oak", "found_on": date(2026, 1, 10), "found_by": "police",
          "hazard_type": "ebike", "severity": "general", "responsible_party": "company",
          "due_on": date(2026, 1, 31), "rectified_on": date(2026, 1, 31)}  # fmt: skip
REPORTED = {"record_table": "complaints", "record_id": "c2", "kind": "same_report"}
FOUND = {"record_table": "hazards", "record_id": "h2", "kind": "same_finding"}


def test_a_complaint_through_two_channels_is_one_matter(measure):
    again = ORDER | {"complaint_id": "c2", "channel": "app"}
    given = {"complaints": [ORDER, again], "record_flags": [REPORTED]}
    got = measure("valid_matters_per_100_homes", dict(given))
    assert got.sum_of("oak")["y"] == pytest.approx(1.0)  # on the period's last day decay weighs 1
    assert got.evidence.sort("record_id")["excluded"].to_list() == [None, "repeat_report"]
    without = measure("valid_matters_per_100_homes", {"complaints": [ORDER, again]})
    assert without.sum_of("oak")["y"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    "metric", ["hazards_fixed_in_time", "hazard_recurrence_rate", "self_found_share", "overdue_hazard_days"]
)
def test_a_hazard_found_again_while_open_counts_once_in_every_metric_of_hazards(measure, metric):
    late = {"found_on": date(2025, 7, 1), "due_on": date(2025, 7, 8), "rectified_on": date(2025, 8, 1)}
    again = {"hazard_id": "h2", "found_on": date(2025, 7, 20)}
    given = {"hazards": [HAZARD | late, HAZARD | late | again], "record_flags": [FOUND]}
    got = measure(metric, given).evidence.sort("record_id")
    assert dict(zip(got["record_id"], got["excluded"], strict=True)) == {"h1": None, "h2": "repeat_finding"}


def test_a_missed_deadline_entered_twice_is_one_of_two_and_not_two_of_three(measure):
    missed = HAZARD | {"rectified_on": None}
    rows = [missed, missed | {"hazard_id": "h2"}, HAZARD | {"hazard_id": "h3"}]
    assert measure("hazards_fixed_in_time", {"hazards": rows, "record_flags": [FOUND]}).value("oak") == 0.5


@pytest.mark.parametrize("kind", ["entered_long_after", "dated_ahead", "same_matter"])
def test_no_other_flag_takes_a_record_out(measure, kind):
    flags = [FOUND | {"kind": kind, "record_id": "h1"}]
    got = measure("hazards_fixed_in_time", {"hazards": [HAZARD], "record_flags": flags})
    assert got.evidence["excluded"].to_list() == [None]
