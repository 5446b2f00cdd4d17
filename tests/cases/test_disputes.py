"""A company disputes one record beside its score: only its own, marked at once, decided by somebody, with and without."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from cases import acts, rulings
from cases.allowed import NotDue, possible
from cases.tasks import inbox, tasks_of
from data import accounts
from data.events import AlreadyOpen
from data.ledger import addresses, outbox, writing
from data.queries import casefiles
from data.scope import Scope
from tests.cases.casebook import ANNA, START, at, manager_of, own_record, told

OUTCOME = {"score": 61.0, "low": 50.0, "high": 70.0, "rank": 3, "ranked": 9, "band": "attention", "step": "none"}


@pytest.fixture
def party(con, row) -> dict:
    names = ("party_id", "estate_id", "company_id", "head_id", "period", "estate_zh", "company_zh")
    return {k: row[k] for k in names}


@pytest.fixture
def own(con, row) -> dict:
    return own_record(con, row) | {"wish": "exclude"}


def strangers_record(con, row) -> dict:
    """A record another company was scored on and this one was not."""
    found = con.execute(
        "SELECT record_table, record_id FROM evidence WHERE excluded IS NULL AND unit_id <> $unit ORDER BY record_id LIMIT 1",
        {"unit": row["party_id"]},
    ).fetchall()[0]
    return {"table": found[0], "record_id": found[1], "wish": "exclude"}


def disputed(desk, con, row, party, record):
    case_id = acts.dispute(
        at(desk, manager_of(row)), con, party, ground="not_ours", records=[record], reason="业主户内"
    )
    return acts.read(desk, con, case_id)[0]


def test_a_dispute_is_marked_at_once_and_waits_for_somebody_to_decide(desk, con, row, party, own):
    case = disputed(desk, con, row, party, own)
    assert (case.phase, case.step, len(case.open_objections), case.known_to_party) == ("disputed", "dispute", 1, True)
    found = rulings.disputed(desk.ledger)
    assert found.select("record_table", "record_id", "estate_id").rows() == [
        (own["table"], own["record_id"], row["estate_id"])
    ]
    mine = manager_of(row)
    assert casefiles.case_ids(mine, con, desk.ledger) == [case.case_id]
    assert casefiles.case_ids(Scope("x", "manager", company_id="nobody-else"), con, desk.ledger) == []
    rule = desk.asked().rule
    # five working days after Monday 2 November 2026: Monday 9 November
    assert [(t.kind, t.until.isoformat()) for t in tasks_of(case, rule, desk.today, [])] == [
        ("decide_objection", "2026-11-09")
    ]
    assert [t.kind for t in inbox([case], ANNA, rule, desk.today, [])] == ["decide_objection"]
    assert "objected" not in possible(case, at(desk, mine).asked())


def test_a_dispute_upheld_rules_on_the_record_and_is_answered(desk, con, row, party, own):
    case = disputed(desk, con, row, party, own)
    with pytest.raises(NotDue) as refused:
        acts.act(desk, con, case, "objection_decided", facts={"outcome": "upheld"}, reason="属实")
    assert refused.value.code == "weigh_first"
    ruling = {"table": own["table"], "record_id": own["record_id"], "ruling": "exclude", "to_estate": None}
    facts = {"outcome": "upheld", "before": OUTCOME, "after": OUTCOME, "rulings": [ruling]}
    case = acts.act(desk, con, case, "objection_decided", facts=facts, reason="属实")
    assert (case.phase, case.closed_how, case.papers) == ("closed", "answered", ())
    assert rulings.rulings(desk.ledger).select("record_id", "ruling", "case_id").rows() == [
        (own["record_id"], "exclude", case.case_id)
    ]
    assert rulings.disputed(desk.ledger).is_empty()
    # answered, and still owed: the corrected edition, three working days after Monday 2 November
    left = tasks_of(case, desk.asked().rule, desk.today, desk.published())
    assert [(t.kind, t.until.isoformat(), t.roles) for t in left] == [
        ("correct_edition", "2026-11-05", ("supervisor",))
    ]
    assert rulings.sanctions(desk.ledger).is_empty()  # a dispute is no step against anybody


def test_strangers_records_are_neither_disputed_nor_named_in_an_objection(desk, con, row, party, own):
    strange = strangers_record(con, row)
    with pytest.raises(NotDue) as refused:
        disputed(desk, con, row, party, strange)
    assert (refused.value.code, refused.value.params) == ("not_your_records", {"records": strange["record_id"]})
    case = told(desk, con, row)
    mine = at(desk, manager_of(row), 1)
    with pytest.raises(NotDue) as second:
        claim = {"ground": "not_ours", "records": [own, strange]}
        acts.act(mine, con, case, "objected", facts=claim, reason="不是我们的")
    assert second.value.code == "not_your_records"
    assert acts.read(desk, con, case.case_id)[0].objections == ()
    named = acts.act(mine, con, case, "objected", facts={"ground": "not_ours", "records": [own]}, reason="不是我们的")
    assert len(named.objections) == 1


def test_another_company_an_officer_an_empty_claim_and_a_second_one_are_refused(desk, con, row, party, own):
    for scope in (Scope("eve", "manager", company_id="nobody-else"), ANNA):
        with pytest.raises(NotDue) as refused:
            acts.dispute(at(desk, scope), con, party, ground="facts", records=[own], reason="不对")
        assert refused.value.code == "not_your_role"
    for records, reason, code in (([], "不对", "one_at_a_time"), ([own], "  ", "reason_missing")):
        with pytest.raises(NotDue) as refused:
            acts.dispute(at(desk, manager_of(row)), con, party, ground="facts", records=records, reason=reason)
        assert refused.value.code == code
    case = disputed(desk, con, row, party, own)
    with pytest.raises(AlreadyOpen) as again:
        disputed(desk, con, row, party, own)
    assert again.value.case_id == case.case_id


def test_every_supervisor_hears_of_a_dispute_and_the_company_of_its_answer(desk, con, row, party, own):
    people = [("mei", "manager", row["company_id"]), ("anna", "supervisor", None), ("ben", "supervisor", None)]
    for name, role, company in people:
        accounts.create_account(
            desk.ledger,
            account_id=name,
            name_zh=name,
            role=role,
            company_id=company,
            password="four unrelated words",
            now=START,
        )
    with writing(desk.ledger) as ledger_con:
        for name, _, _ in people:
            address = {"account_id": name, "channel": "mail", "to": f"{name}@example.test"}
            ledger_con.execute(sa.insert(addresses).values(address))
    case = disputed(desk, con, row, party, own)
    facts = {"outcome": "rejected", "before": OUTCOME, "after": OUTCOME}
    acts.act(desk, con, case, "objection_decided", facts=facts, reason="记录属实")
    with desk.ledger.connect() as ledger_con:
        told_to = ledger_con.execute(sa.select(outbox.c.to).order_by(outbox.c.message_id)).scalars().all()
    assert told_to == ["anna@example.test", "ben@example.test", "mei@example.test"]
