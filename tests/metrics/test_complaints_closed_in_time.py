"""Tests of complaints_closed_in_time."""

from datetime import date

import pytest

ORDER = {"complaint_id": "c1", "estate_id": "oak", "received_on": date(2026, 3, 1), "channel": "hotline",
         "nature": "complaint", "responsibility": "company"}  # fmt: skip


def test_a_complaint_closed_on_its_deadline_is_in_time_and_a_day_later_late(measure):
    # no deadline on the order: 7 days from 1 March is 8 March
    in_time = ORDER | {"closed_on": date(2026, 3, 8)}
    late = ORDER | {"complaint_id": "c2", "closed_on": date(2026, 3, 9)}
    got = measure("complaints_closed_in_time", {"complaints": [in_time, late]})
    # both fell due on the same day, so decay weighs them alike: 1 of 2
    assert got.value("oak") == pytest.approx(0.5)
    assert got.sum_of("oak")["records"] == 2
    assert got.value("t-oak", "tenure") == pytest.approx(0.5)
