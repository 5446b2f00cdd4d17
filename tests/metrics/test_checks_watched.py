"""Detectors of what comes before a contract's end, of findings in pieces, of fires and matters beyond the usual."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from metrics.checks import batches, callers, trends
from tests.metrics.test_checks import ESTATES, LAST, RULE, call, day, drill, found, hazard, ordinary_calls, store

ENDS = date(2026, 9, 1)


def contracts(ends: date = ENDS) -> list[dict]:
    """Every estate's contract ended on one day and was renewed with the same company."""
    first = [{"tenure_id": f"t{e}", "estate_id": e, "company_id": f"c{e}", "valid_from": date(2020, 9, 1), "valid_to": ends}
             for e in ESTATES]  # fmt: skip
    return first + [t | {"tenure_id": t["tenure_id"] + "b", "valid_from": ends, "valid_to": None} for t in first]


def burst(estate: str, count: int) -> list[dict]:
    return [call(90_000 + n, estate, ENDS - timedelta(days=1 + n % 14), f"{estate}-late-{n}") for n in range(count)]


def test_many_callers_just_before_a_contract_ends_are_found():
    rows = ordinary_calls(np.random.default_rng(21))
    assert found(callers.before_contract_end, store({"complaints": rows, "tenures": contracts()})) == []
    con = store({"complaints": rows + burst("e012", 15), "tenures": contracts()})
    assert found(callers.before_contract_end, con) == ["e012"]


def test_where_the_whole_district_calls_more_nobody_stands_out_before_its_contract_ends():
    rows = ordinary_calls(np.random.default_rng(22)) + [c for e in ESTATES for c in burst(e, 12)]
    rows = [r | {"complaint_id": f"q{n:06}"} for n, r in enumerate(rows)]
    assert found(callers.before_contract_end, store({"complaints": rows, "tenures": contracts()})) == []


def test_callers_of_the_last_fourteen_days_are_counted_to_the_day():
    # on 18 August, 14 days before, one; on 17 August and on the day itself none count; three others within the year
    days = [date(2026, 8, 18), date(2026, 8, 17), ENDS, date(2026, 1, 5), date(2025, 9, 1), date(2025, 8, 31)]
    rows = [call(n, "e000", d, f"h{n}") for n, d in enumerate(days)]
    made = callers.before_contract_end(store({"complaints": rows, "tenures": contracts()}), RULE, LAST).rows
    row = made.row(0, named=True)
    assert (row["observed"], row["of"], row["record_ids"]) == (1, 4, ["q00000"])
    # alone it is the district: a quarter of four callers is what is to be expected
    assert row["expected"] == pytest.approx(1.0)


def test_a_contract_that_ended_before_the_year_is_not_looked_at():
    con = store({"complaints": ordinary_calls(np.random.default_rng(23)), "tenures": contracts(date(2025, 9, 30))})
    assert callers.before_contract_end(con, RULE, LAST).rows.is_empty()


def noted(number: int, estate: str, held: date, at: datetime) -> dict:
    return drill(number, estate, held) | {"recorded_at": at}


def test_drills_entered_within_minutes_are_found():
    rng = np.random.default_rng(29)
    start = datetime(2026, 9, 28, 9, tzinfo=UTC)
    rows = []
    for i, estate in enumerate(ESTATES):
        for n in range(12):
            at = start - timedelta(days=int(rng.integers(0, 900)), minutes=int(rng.integers(0, 480)))
            rows.append(noted(12 * i + n, estate, at.date() - timedelta(days=1), at))
    assert found(batches.entered_in_minutes, store({"fire_drills": rows})) == []
    rows += [noted(9_000 + n, "e047", date(2026, 8, 1 + n), start + timedelta(minutes=2 * n)) for n in range(14)]
    assert found(batches.entered_in_minutes, store({"fire_drills": rows})) == ["c047"]


@pytest.mark.parametrize(
    ("minutes", "days", "odd"),
    [
        ((0, 5, 10), (1, 2, 3), 3),  # three within ten minutes
        ((0, 5, 11), (1, 2, 3), 0),  # the third a minute later: no stretch of ten holds three
        ((0, 5, 10), (1, 1, 2), 0),  # two estates drilled together: two events
        ((0, 8, 10, 18), (1, 2, 3, 4), 4),  # 0, 8, 10 and 8, 10, 18: each entry lies in a stretch of three
    ],
)
def test_three_entries_of_different_days_within_ten_minutes_are_several(minutes, days, odd):
    rows = [
        noted(n, "e000", date(2026, 8, d), datetime(2026, 9, 1, 9, m, tzinfo=UTC))
        for n, (m, d) in enumerate(zip(minutes, days, strict=True))
    ]
    made = batches.entered_in_minutes(store({"fire_drills": rows}), RULE, LAST).rows
    assert made.select("observed", "of").row(0) == (odd, len(rows))


def own(number: int, estate: str, seen: date, severity: str = "general", by: str = "self") -> dict:
    return hazard(number, estate, seen + timedelta(days=5), seen + timedelta(days=9), f"place {number}", seen) | {
        "severity": severity, "found_by": by
    }  # fmt: skip


def test_a_companys_own_findings_in_pieces_are_found():
    rng = np.random.default_rng(24)
    rows = [own(20 * i + n, estate, day(rng, 300)) for i, estate in enumerate(ESTATES) for n in range(20)]
    assert found(batches.split_findings, store({"hazards": rows})) == []
    rows += [own(90_000 + n, "e044", date(2026, 8, 3)) for n in range(12)]
    assert found(batches.split_findings, store({"hazards": rows})) == ["c044"]


@pytest.mark.parametrize(
    ("pieces", "severity", "by", "odd"),
    [(3, "general", "self", 3), (2, "general", "self", 0), (3, "key", "self", 0), (3, "general", "fire", None)],
)
def test_three_general_hazards_of_one_type_and_day_are_pieces_where_the_company_wrote_them(pieces, severity, by, odd):
    rows = [own(n, "e000", date(2026, 8, 3), severity, by) for n in range(pieces)]
    made = batches.split_findings(store({"hazards": rows}), RULE, LAST).rows
    assert made["observed"].to_list() == ([] if odd is None else [odd])


def counted(number: int, estate: str, when: date, metric: str, excluded: str | None = None) -> dict:
    return {
        "metric": metric,
        "estate_id": estate,
        "record_id": f"r{number:06}",
        "occurred_on": when,
        "excluded": excluded,
    }


MATTERS, FIRES = "valid_matters_per_100_homes", "fires_per_1000_homes"


def matters(rng: np.random.Generator, a_month: float, growth: float = 1.0) -> list[dict]:
    """Matters of three years at every estate, ``growth`` times as many in the newest quarter."""
    rows = []
    for i, estate in enumerate(ESTATES):
        for back in range(36):
            many = rng.poisson(a_month * (growth if back < 3 else 1.0))
            start = date(2026 - (back + 3) // 12, (8 - back) % 12 + 1, 1)
            rows += [counted(10_000 * i + 100 * back + n, estate, start + timedelta(days=n % 28), MATTERS) for n in range(many)]  # fmt: skip
    return rows


def test_matters_that_add_up_at_one_estate_are_found():
    rows = matters(np.random.default_rng(25), 2.0)
    calm = found(trends.matters_rising, store(evidence=rows))
    assert len(calm) <= 2  # 60 estates x 3 months, one false alarm in 600: .3 expected
    rows += [counted(900_000 + n, "e051", date(2026, 8, 1) + timedelta(days=n), MATTERS) for n in range(25)]
    assert set(found(trends.matters_rising, store(evidence=rows))) - set(calm) == {"e051"}


def test_a_rise_everywhere_is_nobodys_own():
    # three times as many matters at all estates in the newest quarter: against their past alone nearly all would alarm
    rows = matters(np.random.default_rng(26), 2.0, growth=3.0)
    con = store(evidence=rows)
    assert len(found(trends.matters_rising, con)) <= 6
    alone = trends._rising(con, RULE, LAST, "matters", beside_district=False)
    assert (alone.p == 0).sum() > 40


def test_what_does_not_count_for_the_metric_is_not_watched():
    rows = matters(np.random.default_rng(27), 2.0)
    calm = found(trends.matters_rising, store(evidence=rows))
    rows += [
        counted(900_000 + n, "e051", date(2026, 8, 1) + timedelta(days=n), MATTERS, "not_upheld") for n in range(25)
    ]
    assert found(trends.matters_rising, store(evidence=rows)) == calm


def test_an_invalid_call_to_the_police_is_no_incident():
    rows = [{"incident_id": f"i{n}", "estate_id": "e000", "occurred_on": date(2026, 9, 1 + n), "kind": kind}
            for n, kind in enumerate(["invalid", "burglary", "invalid"])]  # fmt: skip
    names, counts = trends._monthly(store({"incidents": rows}), "incidents", LAST, 12, 8)
    assert counts[names.index("e000"), -1] == 1


def test_months_are_those_of_the_calendar_and_the_course_is_that_of_all():
    # two estates; 2 and 4 matters in September, 1 and 1 in August, one each in each of the 34 months before
    rows = [counted(n, e, date(2026, 9, 1) + timedelta(days=n), MATTERS) for e, many in (("e000", 2), ("e001", 4)) for n in range(many)]  # fmt: skip
    rows += [counted(100 * i + back, e, date(2026 - (back + 3) // 12, (8 - back) % 12 + 1, 15), MATTERS)
             for i, e in enumerate(("e000", "e001"), 1) for back in range(1, 36)]  # fmt: skip
    names, counts = trends._monthly(store(evidence=rows), "matters", LAST, 36, 8)
    assert counts[names.index("e000")].tolist() == [1.0] * 35 + [2.0]
    assert counts[names.index("e001"), -2:].tolist() == [1.0, 4.0]
    course = trends._course(counts, 24)
    assert course.tolist() == [1.0] * 35 + [3.0]  # 6 where 2 are usual


def test_a_month_without_any_event_where_many_are_usual_was_not_delivered():
    # two sub-districts: 8 + 8 a month but for none in the second month (16 x 3 / 4 = 12 usual), and 1 a month but for none
    counts = np.array([[8.0, 0, 8, 8], [8, 0, 8, 8], [1, 0, 1, 1]])
    gone = trends.undelivered(counts, np.array([1, 1, 2]), 8)
    assert gone.tolist() == [[False, True, False, False]] * 2 + [[False] * 4]
    assert not trends.undelivered(counts, np.array([1, 1, 2]), 12.1).any()


def test_the_course_of_a_month_some_did_not_deliver_is_that_of_the_others():
    # both usually 2; in the third month the second is unknown and the first has 3: 3 where 2 are usual
    course = trends._course(np.array([[2.0, 2, 3], [2, 2, np.nan]]), 2)
    assert course.tolist() == [1.0, 1.0, 1.5]


def test_months_not_delivered_neither_lower_what_is_usual_nor_hide_what_rises():
    rows = [
        r
        for r in matters(np.random.default_rng(30), 2.0)
        if not (r["estate_id"][2] == "1" and date(2024, 1, 1) <= r["occurred_on"] < date(2024, 7, 1))
    ]
    made = trends.matters_rising(store(evidence=rows), RULE, LAST).rows
    of = {r["unit_id"]: r["expected"] for r in made.iter_rows(named=True)}
    gap, whole = (np.mean([v for e, v in of.items() if (e[2] == "1") == there]) for there in (True, False))
    assert gap == pytest.approx(whole, abs=0.6)  # of 6 a quarter; counted as none, six months of 24 would make it 4.5


def test_a_busy_estate_is_measured_by_its_own_past():
    # 59 estates with 1 event a month, one with 10: pulled to the district's 1.15 by twelve months it would be expected to have
    # (240 + 13.8) / 36 = 7.05; by what estates truly differ (m = 1.15, tau2 about 1.3: beta = m / tau2 = .9 months) 9.7
    counts = np.vstack([np.ones((59, 36)), np.full((1, 36), 10.0)])
    found = trends._watched(counts, RULE, beside_district=False)
    assert found.expected[-1] / 3 == pytest.approx(9.7, abs=0.1)
    assert not found.alarm.any()


def test_the_alarms_said_to_be_chance_are_as_many_as_districts_without_change_have(monkeypatch):
    # 1,150 estates of unlike usual counts, 2 a month on average: were these known, 1,150 x 3 / 600 = 5.75 would alarm; they are
    # estimated from two years, and some more do. Four districts have about 30 alarms, give or take 5.5
    rng, found, told = np.random.default_rng(31), [], []
    for _ in range(4):
        counts = rng.poisson(rng.gamma(2, 1, 1150)[:, None] * np.ones(36)).astype(float)
        monkeypatch.setattr(trends, "_monthly", lambda *_, counts=counts: ([f"e{i:04}" for i in range(1150)], counts))
        made = trends._rising(None, RULE, LAST, "matters", beside_district=False)
        found.append((made.p == 0).sum())
        told.append(made.by_chance)
    assert np.mean(told) == pytest.approx(np.mean(found), rel=0.4)
    assert min(told) >= 5.75 and max(told) < 11


@pytest.mark.parametrize(("detector", "metric"), [(trends.more_fires, FIRES), (trends.more_matters, MATTERS)])
def test_a_company_with_more_fires_or_matters_than_its_share_is_found(detector, metric):
    rng = np.random.default_rng(28)
    rows = [counted(60 * i + n, e, day(rng), metric) for i, e in enumerate(ESTATES) for n in range(rng.poisson(4))]
    assert found(detector, store(evidence=rows)) == []
    rows += [counted(90_000 + n, "e040", day(rng), metric) for n in range(25)]
    assert found(detector, store(evidence=rows)) == ["c040"]
