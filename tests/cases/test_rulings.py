"""What decided cases say to an edition, read from the ledger on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from cases import rulings
from data import events
from data.ledger import writing
from tests.cases.case_town import ANNA, BEN, IDENTITY, OUTSIDE, Run

MONDAY = date(2026, 3, 2)  # no holiday from here to Qingming (Monday 6 April)
PLAN = {"table": "hazards", "record_id": "H1"}
PIPE = {"table": "complaints", "record_id": "C7"}


def told(step: str) -> Run:
    run = Run(step, MONDAY)
    if step == "replacement":
        run.do(ANNA, "heard", said="说明")
    run.do(ANNA, "decided", outcome="accept", step=step)
    run.do(ANNA, "served")
    return run


def listed() -> Run:
    """A listing told on Monday 2 March, published on Tuesday 17 March, the day after the ten working days to object."""
    run = told("listing").on(date(2026, 3, 17))
    run.do(ANNA, "published")
    return run


def written(ledger, run: Run, party: dict | None = None) -> str:
    """Put a case moved by hand into the ledger."""
    opened, *rest = run.rows
    identity = IDENTITY | {"step": run.step, "edition": "2025Q4-1"} | (party or {})
    with writing(ledger) as con:
        case_id = events.new_case(con, identity, opened.at)
        first = replace(opened, facts={k: v for k, v in identity.items() if k != "edition"})
        events.append(con, case_id, 0, [first, *rest])
    return case_id


def only(frame: pl.DataFrame) -> dict:
    assert frame.height == 1
    return frame.row(0, named=True)


def objection(run: Run, *records: dict) -> Run:
    run.do(OUTSIDE, "objected", ground="not_ours", records=[r | {"wish": "exclude"} for r in records])
    return run


def ruling(record: dict, kind: str = "exclude", to: str | None = None) -> dict:
    return record | {"ruling": kind, "to_estate": to}


def test_a_district_without_cases_has_decided_nothing(ledger):
    found = rulings.decided(ledger)
    assert (found.rulings.height, found.sanctions.height, found.seq, found.hash) == (0, 0, 0, events.GENESIS)
    assert rulings.disputed(ledger).is_empty()


def test_a_listing_stands_from_its_publication_until_the_day_told(ledger):
    case_id = written(ledger, listed())
    row = only(rulings.sanctions(ledger))
    assert (row["sanction_id"], row["kind"], row["status"], row["law"]) == (case_id, "listing", "final", "GDP 30")
    assert (row["decided_on"], row["repaired_on"]) == (date(2026, 3, 17), None)
    assert row["stands_until"] == date(2026, 9, 16)  # six months from 16 March, the last day to object
    assert (row["estate_id"], row["company_id"], row["head_id"], row["party"]) == ("oak", "acme", "zhao", "estate")
    # opened, decided, served, published: the fourth event of the ledger is the one it holds from
    assert (row["origin"], row["delivery_id"], row["line"]) == ("ledger", "ledger", 4)


def test_a_listing_told_and_not_published_is_not_in_the_history(ledger):
    written(ledger, told("listing"))
    assert rulings.sanctions(ledger).is_empty()


def test_a_case_declined_leaves_nothing(ledger):
    run = Run("attention", MONDAY)
    run.do(ANNA, "decided", outcome="decline")
    written(ledger, run)
    assert rulings.sanctions(ledger).is_empty()


def test_a_reminder_holds_from_the_day_it_is_told_for_twelve_months(ledger):
    written(ledger, told("attention"))
    row = only(rulings.sanctions(ledger))
    assert (row["decided_on"], row["stands_until"]) == (MONDAY, date(2027, 3, 2))


def test_a_lower_step_counts_as_the_step_taken(ledger):
    run = Run("listing", MONDAY)
    run.do(ANNA, "decided", outcome="lower", step="attention")
    run.do(ANNA, "served")
    written(ledger, run)
    assert only(rulings.sanctions(ledger))["kind"] == "attention"


def test_an_interview_counts_from_the_day_it_was_held(ledger):
    run = told("interview").on(date(2026, 3, 5))
    run.do(ANNA, "held", on="2026-03-05")
    written(ledger, run)
    row = only(rulings.sanctions(ledger))
    assert (row["kind"], row["decided_on"], row["stands_until"]) == ("interview", date(2026, 3, 5), None)


def test_a_replacement_of_a_head_names_the_head(ledger):
    written(ledger, told("replacement"), {"party": "head", "party_id": "t-zhao"})
    row = only(rulings.sanctions(ledger))
    assert (row["party"], row["head_id"], row["kind"]) == ("head", "zhao", "replacement")


def test_an_objection_marks_the_step_the_same_day_and_its_rejection_frees_it(ledger):
    case_id = written(ledger, objection(told("attention").later(1), PLAN))
    assert only(rulings.sanctions(ledger))["status"] == "appealed"
    run = objection(told("attention").later(1), PLAN)
    run.do(BEN, "objection_decided", objection=1, outcome="rejected")
    with writing(ledger) as con:
        events.append(con, case_id, 4, run.rows[4:])
    assert only(rulings.sanctions(ledger))["status"] == "final"


def test_an_objection_upheld_overturns_at_once_and_the_withdrawal_keeps_it_so(ledger):
    run = objection(told("attention").later(1), PLAN)
    run.do(BEN, "objection_decided", objection=1, outcome="upheld", rulings=[ruling(PLAN)])
    case_id = written(ledger, run)
    assert only(rulings.sanctions(ledger))["status"] == "overturned"
    run.do(BEN, "withdrawn")
    with writing(ledger) as con:
        events.append(con, case_id, 5, run.rows[5:])
    assert only(rulings.sanctions(ledger))["status"] == "overturned"


def test_a_listing_withdrawn_before_its_publication_never_stood(ledger):
    run = objection(told("listing").later(1), PLAN)
    run.do(BEN, "objection_decided", objection=1, outcome="upheld", rulings=[ruling(PLAN)])
    run.do(BEN, "withdrawn")
    written(ledger, run)
    assert rulings.sanctions(ledger).is_empty()
    assert only(rulings.rulings(ledger))["record_id"] == "H1"


@pytest.mark.parametrize(("how", "repaired"), [("rectified", date(2026, 5, 7)), ("expired", None)])
def test_a_listing_is_repaired_where_it_was_closed_on_evidence_and_not_where_it_ran_out(ledger, how, repaired):
    run = listed()
    if how == "rectified":
        run.on(date(2026, 5, 6)).do(ANNA, "reinspected", on="2026-05-06", passed=True)
        run.later(1)
    else:
        run.on(date(2026, 9, 17))
    run.do(ANNA, "closed", how=how)
    written(ledger, run)
    assert only(rulings.sanctions(ledger))["repaired_on"] == repaired


def test_a_listing_extended_stands_until_the_new_day(ledger):
    run = listed()
    run.do(OUTSIDE, "extension_asked")
    run.do(ANNA, "extension_answered", granted=True, until="2026-12-16")
    written(ledger, run)
    assert only(rulings.sanctions(ledger))["stands_until"] == date(2026, 12, 16)


def test_a_commendation_counts_from_its_award_as_long_as_told(ledger):
    run = Run("commendation", MONDAY)
    run.do(ANNA, "decided", outcome="accept", step="commendation")
    run.do(ANNA, "shown")
    run.on(date(2026, 3, 10)).do(ANNA, "awarded")
    written(ledger, run)
    row = only(rulings.sanctions(ledger))
    assert (row["kind"], row["decided_on"], row["stands_until"]) == (
        "commendation",
        date(2026, 3, 10),
        date(2027, 3, 10),
    )


def test_rulings_upheld_in_part_count_and_those_of_a_rejected_objection_do_not(ledger):
    run = objection(told("attention").later(1), PLAN, PIPE)
    run.do(BEN, "objection_decided", objection=1, outcome="partly", rulings=[ruling(PIPE, "reassign", "elm")])
    written(ledger, run)
    other = objection(told("interview").later(1), PLAN)
    other.do(BEN, "objection_decided", objection=1, outcome="rejected", rulings=[])
    written(ledger, other)
    row = only(rulings.rulings(ledger))
    assert (row["record_table"], row["record_id"], row["ruling"], row["to_estate"]) == (
        "complaints", "C7", "reassign", "elm",
    )  # fmt: skip
    assert (row["case_id"], row["objection"], row["decided_on"], row["company_id"]) == (
        "2025Q4-0001", 1, date(2026, 3, 3), "acme",
    )  # fmt: skip


def test_of_two_rulings_on_one_record_the_later_holds(ledger):
    first = objection(told("attention").later(1), PIPE)
    first.do(BEN, "objection_decided", objection=1, outcome="upheld", rulings=[ruling(PIPE)])
    written(ledger, first)
    second = objection(told("interview").later(1), PIPE)
    second.do(BEN, "objection_decided", objection=1, outcome="partly", rulings=[ruling(PIPE, "reassign", "elm")])
    written(ledger, second)
    assert only(rulings.rulings(ledger))["ruling"] == "reassign"
    assert only(rulings.rulings(ledger, upto=5))["ruling"] == "exclude"


def test_what_was_known_at_a_place_in_the_chain_can_be_read_again(ledger):
    run = objection(told("attention").later(1), PLAN)
    run.do(BEN, "objection_decided", objection=1, outcome="upheld", rulings=[ruling(PLAN)])
    written(ledger, run)
    # opened 1, decided 2, served 3, objected 4, objection_decided 5
    told_at = {seq: rulings.sanctions(ledger, upto=seq)["status"].to_list() for seq in (2, 3, 4, 5)}
    assert told_at == {2: [], 3: ["final"], 4: ["appealed"], 5: ["overturned"]}
    assert rulings.rulings(ledger, upto=4).is_empty() and not rulings.rulings(ledger, upto=5).is_empty()


def test_records_of_an_open_objection_are_disputed_from_the_first_day_until_it_is_decided(ledger):
    run = objection(told("attention").later(1), PLAN)
    objection(run.later(1), PLAN, PIPE)
    case_id = written(ledger, run)
    found = rulings.disputed(ledger)
    assert found.rows() == [("hazards", "H1", "oak", date(2026, 3, 3)), ("complaints", "C7", "oak", date(2026, 3, 4))]
    run.do(BEN, "objection_decided", objection=1, outcome="rejected")
    run.do(BEN, "objection_decided", objection=2, outcome="rejected")
    with writing(ledger) as con:
        events.append(con, case_id, 5, run.rows[5:])
    assert rulings.disputed(ledger).is_empty()


def test_what_an_edition_kept_is_compared_with_the_ledger_up_to_its_own_place(ledger):
    run = objection(told("attention").later(1), PLAN)
    run.do(BEN, "objection_decided", objection=1, outcome="upheld", rulings=[ruling(PLAN)])
    case_id = written(ledger, run)
    kept = rulings.decided(ledger)
    assert (kept.seq, rulings.differs(ledger, kept)) == (5, False)
    run.do(BEN, "withdrawn")
    with writing(ledger) as con:
        events.append(con, case_id, 5, run.rows[5:])
    assert not rulings.differs(ledger, kept)  # what came later is none of the edition's
    assert rulings.differs(ledger, replace(kept, hash="0" * 64))
    assert rulings.differs(ledger, replace(kept, rulings=kept.rulings.clear()))
    assert rulings.differs(ledger, replace(kept, sanctions=kept.sanctions.with_columns(status=pl.lit("final"))))
    assert not rulings.differs(ledger, rulings.nothing())
