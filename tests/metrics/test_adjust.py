"""Tests of what is taken out before estates are compared."""

from datetime import date, timedelta

import duckdb
import polars as pl
import pytest

from metrics import adjust
from metrics.calendar import Quarter
from metrics.edition import checked
from metrics.evidence import quarter_table
from rules.book import Book, Rule
from tests.metrics.conftest import record_tables
from tests.metrics.visits import visited

RULE = Book().on(date(2026, 9, 30), "adjustments")
INDEX = Book().on(date(2026, 9, 30), "index")
FIRST, LAST = date(2025, 1, 1), date(2026, 9, 30)
ROUTES, EQUIPMENT = "escape_routes", "fire_equipment"


def switched(name: str, **changes) -> Rule:
    values = RULE.values | {name: RULE[name] | changes}
    return Rule(RULE.name, RULE.valid_from, RULE.valid_to, values)


def rounds_of_visits(inspectors, estates, failed, points=1000, code=ROUTES, **visit):
    """Every inspector at every estate; ``failed(inspector, estate)`` of ``points`` points fail."""
    visits, items = [], []
    for i, e in ((i, e) for i in inspectors for e in estates):
        name = f"{i}-{e}-{code}"
        visits.append({"inspection_id": name, "estate_id": e, "inspected_on": date(2026, 2, 14), "kind": "routine",
                       "trigger": "routine", "body": "fire", "inspector_id": i} | visit)  # fmt: skip
        items.append({"inspection_id": name, "item_code": code, "checked": points,
                      "passed": float(points - failed(i, e))})  # fmt: skip
    return visits, items


def inspected(visits, items, rule=RULE):
    con = duckdb.connect()
    record_tables(con, {"inspections": visits, "inspection_items": items})
    frame = adjust.inspected(con, rule, FIRST, LAST)
    return {r["inspector_id"]: r for r in frame.iter_rows(named=True)}, con.sql("SELECT * FROM visit_factors").pl()


ESTATES = [f"e{n:02}" for n in range(10)]


def test_the_strict_inspectors_visits_carry_a_factor_above_one():
    # 60 and 40 of 1000 fail at each of ten estates: O = (600, 400), X = (500, 500) once the estates' rates are equal;
    # m = 1, tau2 = (Q - noise) / room = (500 x .2^2 x 2 - 1) / 500 = .078; (1 + .078 x 600) / (1 + .078 x 500) = 1.195;
    # .805 for the other; by the geometric mean .980806: 1.218386, .820754; further rounds move the sixth digit
    made, factors = inspected(*rounds_of_visits(["a", "b"], ESTATES, lambda i, e: 60 if i == "a" else 40))
    assert made["a"]["factor"] == pytest.approx(1.218386, abs=1e-5)
    assert made["b"]["factor"] == pytest.approx(0.820754, abs=1e-5)
    assert (made["a"]["found"], made["a"]["visits"], made["a"]["estates"]) == (600, 10, 10)
    by_visit = dict(factors.iter_rows())
    assert by_visit[f"a-e00-{ROUTES}"] == made["a"]["factor"]
    assert len(by_visit) == 20


def test_a_body_whose_form_asks_for_other_items_is_not_taken_for_strict():
    # a looks at equipment, where 5 % fail everywhere; b at routes, where 1 % fail: both find what is usual
    first = rounds_of_visits(["a"], ESTATES, lambda i, e: 50, code=EQUIPMENT)
    second = rounds_of_visits(["b"], ESTATES, lambda i, e: 10, code=ROUTES)
    made, _ = inspected(first[0] + second[0], first[1] + second[1])
    assert made["a"]["factor"] == made["b"]["factor"] == 1
    assert made["a"]["applied"]


def test_inspectors_of_two_districts_that_share_no_estate_are_left_alone_and_it_says_why():
    north = rounds_of_visits(["a", "b"], ESTATES, lambda i, e: 60 if i == "a" else 40)
    south = rounds_of_visits(["c", "d"], [f"s{n:02}" for n in range(10)], lambda i, e: 90 if i == "c" else 10)
    made, factors = inspected(north[0] + south[0], north[1] + south[1])
    assert {r["why_not"] for r in made.values()} == {"not_connected"}
    assert {r["factor"] for r in made.values()} == {1}
    assert not any(r["applied"] for r in made.values())
    assert factors.is_empty()


@pytest.mark.parametrize(
    "visit", [{"trigger": "complaint"}, {"kind": "self_check"}, {"inspected_on": date(2024, 12, 31)}], ids=str
)
def test_only_routine_visits_by_authorities_within_the_edition_tell(visit):
    made, factors = inspected(*rounds_of_visits(["a", "b"], ESTATES, lambda i, e: 60 if i == "a" else 40, **visit))
    assert made == {}
    assert factors.is_empty()


def test_records_that_name_no_inspector_give_a_table_without_rows_that_meets_its_contract():
    visits, items = rounds_of_visits(["a"], ESTATES, lambda i, e: 60, inspector_id=None)
    for records in ((visits, items), ([], [])):
        con = duckdb.connect()
        record_tables(con, {"inspections": records[0], "inspection_items": records[1]})
        frame = checked("inspectors", adjust.inspected(con, RULE, FIRST, LAST))
        assert frame.is_empty()


def test_the_rule_can_switch_factors_off():
    strict = rounds_of_visits(["a", "b"], ESTATES, lambda i, e: 60 if i == "a" else 40)
    made, factors = inspected(*strict, rule=switched("inspectors", apply=False))
    assert {r["why_not"] for r in made.values()} == {"off"}
    assert factors.is_empty()


def with_factor(looks, factor, code=ROUTES):
    given = visited(code, *looks)
    return given | {"visit_factors": [{"inspection_id": v["inspection_id"], "factor": factor}
                                      for v in given["inspections"]]}  # fmt: skip


def test_failed_points_are_divided_and_the_record_keeps_its_numbers(measure):
    # 3 of 10 fail; by a factor of 1.2 they count 2.5, so 7.5 of 10 pass
    got = measure("escape_routes_clear", with_factor([(10, 7)], 1.2))
    assert got.value("oak") == pytest.approx(0.75)
    row = got.evidence.row(0, named=True)
    assert (row["numerator"], row["denominator"], row["factor"]) == (7, 10, 1.2)


def test_a_lenient_inspectors_failed_points_weigh_more_and_never_more_than_were_looked_at(measure):
    # 2 of 10 by .8: 2.5; 9 of 10 by .8 would be 11.25 of 10: divided by .9 instead, all 10 fail
    assert measure("escape_routes_clear", with_factor([(10, 8)], 0.8)).value("oak") == pytest.approx(0.75)
    got = measure("escape_routes_clear", with_factor([(10, 1)], 0.8))
    assert got.value("oak") == pytest.approx(0)
    assert got.evidence["factor"].to_list() == [pytest.approx(0.9)]


def test_severity_points_are_divided_too_and_capped_at_the_points_looked_at(measure):
    # fire equipment, moderate 5.5: 2 of 10 fail = 11 / 10; by 1.25: 8.8 / 10; square 5.5^2 x 2 / 1.25 = 48.4
    got = measure("fire_equipment_sound", with_factor([(10, 8, "moderate")], 1.25, EQUIPMENT))
    row, raw = got.sum_of("oak"), measure("fire_equipment_sound", visited(EQUIPMENT, (10, 8, "moderate"))).sum_of("oak")
    assert raw["y"] / raw["e"] == pytest.approx(1.1)
    assert row["y"] / row["e"] == pytest.approx(0.88)
    assert row["yy"] / row["e"] == pytest.approx(4.84)
    # 9 of 10 by .5 would be 18 of 10; all 10 fail: 55 / 10
    assert measure("fire_equipment_sound", with_factor([(10, 1, "moderate")], 0.5, EQUIPMENT)).value("oak") == (
        pytest.approx(5.5)
    )


def test_visits_without_a_factor_count_as_they_are(measure):
    got = measure("escape_routes_clear", visited(ROUTES, (10, 7)))
    assert got.value("oak") == pytest.approx(0.7)
    assert got.evidence["factor"].to_list() == [None]


# Readiness to report

CALL = {"estate_id": "oak", "nature": "complaint", "channel": "hotline"}


def calls(*rows):
    """Orders as (id, matter, day of September 2026, closed on, caller); closed None = open."""
    made = []
    for name, matter, day, closed, caller in rows:
        start = date(2026, 9, 1)
        made.append(CALL | {
            "complaint_id": name, "matter_id": matter, "received_on": start + timedelta(day - 1),
            "closed_on": start + timedelta(closed - 1) if closed else None, "caller_hash": caller,
        })  # fmt: skip
    return made


def reports(complaints, longest=30, window=12, last="2026Q3"):
    con = duckdb.connect()
    record_tables(con, {"complaints": complaints})
    quarters = quarter_table(Quarter.parse(last), 12).to_polars()
    estates = pl.DataFrame({"period": [last], "estate_id": ["oak"], "estate_class": ["HR"]})
    row = adjust.reports(con, estates, quarters, longest, window).row(0, named=True)
    return row["duplicates"], row["exposure"]


def test_other_callers_while_a_matter_is_open_count_once_each():
    # open 1 to 5 September, both included: 5 days; b twice, c on the closing day, d a day later
    assert reports(calls(("1", None, 1, 5, "a"), ("2", "1", 2, 5, "b"), ("3", "1", 4, 5, "b"), ("4", "1", 5, 5, "c"),
                         ("5", "1", 6, 9, "d"))) == (2, 5)  # fmt: skip


def test_the_same_caller_again_and_callers_nobody_knows_do_not_count():
    assert reports(calls(("1", None, 1, 5, "a"), ("2", "1", 2, 5, "a"), ("3", "1", 3, 5, None))) == (0, 5)
    # a first caller nobody knows: whether the next is another cannot be told, so the matter tells nothing
    assert reports(calls(("1", None, 1, 5, None), ("2", "1", 2, 5, "b"))) == (0, 0)


def test_a_matter_never_closed_counts_as_open_for_the_rules_days():
    # open on 1 September without end: the rule's 10 days; a call on the 10th is the last to count
    assert reports(calls(("1", None, 1, None, "a"), ("2", "1", 10, None, "b")), longest=10) == (1, 10)
    assert reports(calls(("1", None, 1, None, "a"), ("2", "1", 11, None, "b")), longest=10) == (0, 10)


def test_days_and_calls_belong_to_their_own_quarter():
    # 28 June to 3 July: 3 days in the second quarter, 3 in the third; the call of 2 July falls in the third
    rows = [
        CALL | {"complaint_id": "1", "received_on": date(2026, 6, 28), "closed_on": date(2026, 7, 3), "caller_hash": "a"},
        CALL | {"complaint_id": "2", "matter_id": "1", "received_on": date(2026, 7, 2), "closed_on": date(2026, 7, 3),
                "caller_hash": "b"},
    ]  # fmt: skip
    assert reports(rows, last="2026Q2") == (0, 3)
    assert reports(rows, last="2026Q3", window=1) == (1, 3)
    assert reports(rows, last="2026Q3") == (1, 6)


def test_questions_and_unreasonable_demands_tell_nothing():
    assert reports([c | {"nature": "question"} for c in calls(("1", None, 1, 5, "a"), ("2", "1", 2, 5, "b"))]) == (0, 0)
    assert reports([c | {"unreasonable": True} for c in calls(("1", None, 1, 5, "a"))]) == (0, 0)


def sums(**row):
    base = {"level": "estate", "unit_id": "oak", "period": "2026Q3", "metric": "valid", "y": 12.0, "e": 0.6, "e2": 0.6}
    return pl.DataFrame([base | row])


UNITS = pl.DataFrame([
    {"level": level, "unit_id": unit, "estate_id": "oak", "period": p}
    for level, unit in (("estate", "oak"), ("tenure", "t1"), ("head", "t1")) for p in ("2026Q2", "2026Q3")
])  # fmt: skip
LOUD = pl.DataFrame([{"period": "2026Q3", "estate_id": "oak", "propensity": 34 / 24}])


@pytest.mark.parametrize("level, unit", [("estate", "oak"), ("tenure", "t1"), ("head", "t1")])
def test_exposure_is_multiplied_at_every_level_as_in_method_T21(level, unit):
    row = adjust.with_propensity(sums(level=level, unit_id=unit), UNITS, LOUD, ["valid"]).row(0, named=True)
    assert row["y"] / row["e"] == pytest.approx(14.117647, abs=1e-6)  # 12 / (.6 x 1.416667); unadjusted 20
    assert row["e2"] == pytest.approx(0.85)


def test_other_metrics_other_periods_and_estates_without_a_number_stay_as_they_are():
    for frame, reporting in ((sums(), ["another"]), (sums(period="2026Q2"), ["valid"]), (sums(unit_id="x"), ["valid"])):
        assert adjust.with_propensity(frame, UNITS, LOUD, reporting)["e"].to_list() == [0.6]


def test_the_rule_can_switch_propensity_off():
    con = duckdb.connect()
    record_tables(con, {"complaints": calls(("1", None, 1, 5, "a"), ("2", "1", 2, 5, "b"))})
    estates = pl.DataFrame({"period": ["2026Q3"], "estate_id": ["oak"], "estate_class": ["HR"]})
    quarters = quarter_table(Quarter.parse("2026Q3"), 12).to_polars()
    made = adjust.reported(con, estates, quarters, switched("reporting", apply=False), INDEX)
    assert made["propensity"].to_list() == [1.0]
    assert made["duplicates"].to_list() == [1]
