"""What closings nobody went to see are worth (method.md 14.4): shares by hand, whose they are, and when none is taken."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from data import editions
from data.adjustment_tables import Closing
from metrics.closures import closings, undone_shares
from rules.book import Book
from tests.metrics.test_checks import LAST, hazard, store

RULE, INDEX = (Book().on(LAST.last, name) for name in ("adjustments", "index"))
FIRST = date(2022, 1, 1)


def seen_rule(**changes):
    return replace(RULE, values=RULE.values | {"closings": RULE["closings"] | changes})


def closed(number: int, estate: str, result: str | None = None, by_lot: str | None = None, **given) -> dict:
    row = hazard(number, estate, date(2026, 3, 1) + timedelta(days=number % 50), date(2026, 6, 1))
    row |= {"responsible_party": "company", "verified_result": result, "lot_result": by_lot}
    return row | given


def lots(estate: str, undone: int, of: int, start: int) -> list[dict]:
    return [closed(start + n, estate, by_lot="fail" if n < undone else "pass") for n in range(of)]


def found(rows: list[dict], **changes):
    con = store({"hazards": rows})
    frame = Closing.validate(closings(con, seen_rule(**changes), INDEX, FIRST, LAST.last))
    trust = dict(con.sql("SELECT record_id, trust FROM closing_trust ORDER BY record_id").fetchall())
    return {r["company_id"]: r for r in frame.iter_rows(named=True)}, trust


def test_shares_of_companies_are_pulled_to_the_districts_as_in_t5():
    # T5: rho .115112, M 7.687213, m .8: (6.149770 + 2) / 11.687213 = .697324; (6.149770 + 10) / 17.687213 = .913076
    share = undone_shares(np.array([10, 4, 16, 4, 16]), np.array([10, 2, 12, 2, 14]), INDEX)
    assert share[[1, 0]].tolist() == pytest.approx([0.697324, 0.913076], abs=1e-6)
    # T6 differs by chance alone: the floor .01, M = 99, m 40/50: (79.2 + 2) / 101
    share = undone_shares(np.array([10, 2, 20, 8, 10]), np.array([9, 2, 16, 5, 8]), INDEX)
    assert share[1] == pytest.approx((99 * 0.8 + 2) / 101)


def test_what_nobody_saw_again_counts_less_where_more_was_found_undone():
    # 2 companies, 40 closings each seen by lot, 20 and 2 of them undone. m = 22/80 = .275; Q = 40 (.225^2 x 2)/.199375
    # = 20.3135; less K - 1 = 1, by (39 x .5) x 2 = 39: rho .495218, M = 1.019310: (.280310 + 20)/41.019310 = .494408, .055591
    rows = [*lots("e001", 20, 40, 0), *lots("e002", 2, 40, 100), closed(200, "e001"), closed(201, "e002")]
    made, trust = found(rows)
    assert (made["c001"]["picked"], made["c001"]["undone"], made["c001"]["unseen"]) == (40, 20, 1)
    assert made["c001"]["share"] == pytest.approx(0.494408, abs=2e-6)
    assert trust == pytest.approx({"h00200": 0.505592, "h00201": 0.944409}, abs=2e-6)


def test_a_closing_seen_again_counts_as_found_whoever_chose_it():
    # 30 of e001 were seen for a reason, all undone: they say nothing of the others
    rows = [*lots("e001", 0, 60, 0), *(closed(300 + n, "e001", "fail") for n in range(30)), closed(400, "e001")]
    made, trust = found(rows)
    assert (made["c001"]["picked"], made["c001"]["undone"], made["c001"]["unseen"]) == (60, 0, 1)
    assert trust == {}  # nothing was found undone by lot: nothing is taken off


def test_a_company_nobody_drew_has_the_districts_share():
    # alone in having been seen, e001 is the district: m = 6/60 = .1; e003 has no closing picked: its share is m
    rows = [*lots("e001", 6, 60, 0), closed(400, "e003")]
    made, trust = found(rows)
    assert made["c003"]["share"] == pytest.approx(0.1, abs=1e-6)
    assert trust["h00400"] == pytest.approx(0.9, abs=1e-6)


@pytest.mark.parametrize(("picked", "why"), [(49, "few_seen_again"), (50, None)])
def test_fewer_than_the_rule_asks_take_nothing_off(picked, why):
    made, trust = found([*lots("e001", 10, picked, 0), closed(400, "e001")])
    assert (made["c001"]["why_not"], made["c001"]["applied"]) == (why, why is None)
    assert bool(trust) == (why is None)


def test_the_rule_can_be_switched_off():
    made, trust = found([*lots("e001", 30, 60, 0), closed(400, "e001")], apply=False)
    assert (made["c001"]["why_not"], made["c001"]["share"], trust) == ("off", 0.0, {})


def test_others_hazards_and_disputed_ones_are_not_the_companys_closings():
    rows = [
        *lots("e001", 30, 60, 0),
        closed(400, "e001", responsible_party="owner"),
        closed(401, "e001", objection_open=True),
    ]
    made, trust = found(rows)
    assert made["c001"]["unseen"] == 0 and trust == {}


def test_a_district_without_hazards_has_no_closings():
    made, trust = found([])
    assert made == {} and trust == {}


def test_an_edition_counts_unseen_closings_in_part_and_calls_each_a_throw(demo_root):
    con = editions.open_edition(editions.current(demo_root))
    shares = con.sql("FROM closings").pl()
    assert shares["applied"].all() and shares["undone"].sum() > 0
    parts = con.sql(
        """
        SELECT DISTINCT round(1 - numerator, 6) AS taken FROM evidence
        WHERE metric = 'hazards_fixed_in_time' AND numerator > 0 AND numerator < 1
        """
    ).pl()["taken"]
    assert parts.len() > 3 and set(parts) <= set(shares["share"].round(6))
    told = con.sql("SELECT dispersion, why_not FROM dispersion WHERE metric = 'hazards_fixed_in_time'").fetchall()
    assert told == [(1.0, "as_throws")]


def test_no_hazard_counted_in_part_was_seen_again(demo_root):
    con = editions.open_edition(editions.current(demo_root))
    seen = con.sql(
        """
        SELECT count(*) FILTER (facts ->> '$.verified_result' IS NOT NULL OR facts ->> '$.lot_result' IS NOT NULL) AS seen, count(*) AS n FROM evidence
        WHERE metric = 'hazards_fixed_in_time' AND numerator > 0 AND numerator < 1
        """
    ).pl()
    assert seen["seen"][0] == 0 and seen["n"][0] > 20
