"""The corrected edition owed from a decision until one that took it is published."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import icalendar
import pytest
import sqlalchemy as sa

from cases import corrected, notices
from cases.case import Case
from cases.tasks import calendar, inbox, tasks_of
from data import accounts, editions, events
from data.editions import Published
from data.ledger import addresses, outbox, writing
from i18n.words import Words
from tests.cases.case_town import ANNA, BEN, BOOK, OUTSIDE, STATION, Run
from tests.cases.test_rulings import written

DAY = date(2026, 2, 12)  # Thursday before the Spring Festival: 1 is the 13th, 2 the worked 14th, 3 Tuesday 24 February
PROMISED = date(2026, 2, 24)
OUT = {"table": "hazards", "record_id": "H1", "ruling": "exclude", "to_estate": None}
MOVED = {"table": "complaints", "record_id": "C1", "ruling": "reassign", "to_estate": "elm"}


def decided(outcome: str = "upheld", *rulings: dict, step: str = "listing") -> Run:
    """Events 1 to 5: opened, decided, served, objected, objection decided."""
    run = Run(step, DAY)
    run.do(ANNA, "decided", outcome="accept", step=step)
    run.do(ANNA, "served")
    run.do(OUTSIDE, "objected", ground="not_ours")
    run.do(BEN, "objection_decided", objection=1, outcome=outcome, rulings=list(rulings))
    return run


def edition(seq: int, *periods: str, name: str = "2025Q4-2") -> Published:
    at = datetime(2026, 2, 24, 8, tzinfo=UTC)
    return Published(name, at, frozenset(periods or ("2025Q3", "2025Q4")), seq, f"hash of {seq}")


def owed(case: Case, *published: Published, today: date = DAY) -> list[date]:
    found = tasks_of(case, BOOK.on(today, "cases"), today, published)
    return [t.until for t in found if t.kind == "correct_edition"]


@pytest.mark.parametrize("outcome", ["upheld", "partly"])
@pytest.mark.parametrize("ruling", [OUT, MOVED])
def test_a_ruling_on_a_record_owes_an_edition_by_the_day_told(outcome, ruling):
    assert owed(decided(outcome, ruling).case) == [PROMISED]


def test_a_rejected_objection_and_one_that_touches_no_record_owe_none():
    assert owed(decided("rejected", OUT).case) == []
    assert owed(decided("upheld").case) == [] == owed(decided("partly").case)


def test_before_the_decision_nothing_is_owed():
    run = decided("upheld", OUT)
    run.rows.pop()
    assert owed(run.case) == []


@pytest.mark.parametrize(
    ("published", "still"),
    [((), True),
     ((edition(4),), True),  # drafted before the decision, whenever it was published
     ((edition(5),), False),
     ((edition(9),), False),
     ((edition(9, "2025Q3"),), True),  # of an earlier quarter
     ((edition(9, "2025Q4", "2026Q1", name="2026Q1-1"),), False),  # the next quarter's shows this one corrected
     ((edition(4), edition(5, name="2025Q4-3")), False)],
)  # fmt: skip
def test_it_stands_until_an_edition_that_took_the_decision_is_published(published, still):
    assert bool(owed(decided("upheld", OUT).case, *published)) is still


def test_a_second_ruling_is_owed_its_own_edition_and_names_its_own_day():
    run = decided("partly", OUT)
    run.on(date(2026, 2, 25)).do(OUTSIDE, "objected", ground="facts")
    run.do(BEN, "objection_decided", objection=2, outcome="partly", rulings=[MOVED])
    # from Wednesday 25 February: 26, 27, and the worked Saturday 28
    assert owed(run.case) == [PROMISED] and owed(run.case, edition(6)) == [date(2026, 2, 28)]
    assert owed(run.case, edition(7)) == []
    made = [edition(5), edition(6, name="2025Q4-3"), edition(7, name="2025Q4-4")]
    assert [p.edition_id for p in corrected.corrected_by(run.case, made)] == ["2025Q4-4"]


def test_it_outlives_the_withdrawal_and_is_all_that_is_left_to_do():
    run = decided("upheld", OUT)
    run.do(ANNA, "withdrawn")
    left = tasks_of(run.case, BOOK.on(DAY, "cases"), DAY, [])
    assert [(t.kind, t.until) for t in left] == [("correct_edition", PROMISED)]
    assert list(tasks_of(run.case, BOOK.on(DAY, "cases"), DAY, [edition(5)])) == []


def test_whoever_publishes_has_it_in_the_inbox_and_the_calendar_and_it_falls_overdue():
    run, rule = decided("partly", OUT), BOOK.on(DAY, "cases")
    mine = {
        who.viewer_id: [t.kind for t in inbox([run.case], who, rule, DAY, [])] for who in (ANNA, BEN, STATION, OUTSIDE)
    }
    assert {who for who, kinds in mine.items() if "correct_edition" in kinds} == {"anna", "ben"}
    (task,) = [t for t in inbox([run.case], ANNA, rule, DAY, []) if t.kind == "correct_edition"]
    assert [task.overdue(day) for day in (PROMISED, date(2026, 2, 25))] == [False, True]
    raw = calendar([task], Words("zh"), datetime(2026, 2, 12, 4, tzinfo=UTC), "https://steward.example/case?case=")
    (entry,) = icalendar.Calendar.from_ical(raw).walk("VEVENT")
    assert entry["DTSTART"].dt == PROMISED and "公布更正后的版本" in str(entry["SUMMARY"])


def test_a_decision_made_before_days_were_stated_counts_them_from_its_own_day():
    run = decided("upheld", OUT)
    del run.rows[-1].facts["withdraw_by"]
    assert owed(run.case) == [PROMISED]


def test_editions_say_what_they_read_and_drafts_are_not_among_them(demo_root):
    con = editions.open_edition(editions.current(demo_root))
    (one,) = editions.published(demo_root)
    said = con.execute("SELECT edition_id, period, ledger_seq, ledger_hash FROM edition").fetchall()[0]
    assert (one.edition_id, one.ledger_seq, one.ledger_hash) == (said[0], *said[2:])
    assert said[1] in one.periods and len(one.periods) == con.execute("SELECT count(*) FROM periods").fetchall()[0][0]
    assert [n for n in editions.list_editions(demo_root) if n.startswith("draft-")], "a draft stands beside it"


def test_an_edition_made_on_another_ledger_has_taken_nothing_of_this_one(ledger, tmp_path, monkeypatch):
    written(ledger, decided("upheld", OUT))
    seq, own = events.end_of(ledger)
    here, elsewhere = replace(edition(seq), ledger_hash=own), edition(seq, name="2025Q4-9")
    monkeypatch.setattr(corrected, "published", lambda root: [elsewhere, here])
    assert seq == 5 and corrected.on_this_ledger(tmp_path, ledger) == [here]


def test_the_first_edition_with_a_ruling_tells_everyone_who_knows_of_the_case_once(ledger, tmp_path, monkeypatch):
    case_id = written(ledger, decided("partly", OUT))
    _, own = events.end_of(ledger)
    made = [replace(edition(5, name=f"2025Q4-{n}"), ledger_hash=own) for n in (2, 3)]
    monkeypatch.setattr(corrected, "published", lambda root: made)
    (case,) = corrected.first_shown(tmp_path, ledger, "2025Q4-2")
    assert case.case_id == case_id and corrected.first_shown(tmp_path, ledger, "2025Q4-3") == []
    at = datetime(2026, 2, 24, 8, tzinfo=UTC)
    people = {"mei": ("manager", "acme"), "lin": ("manager", "other"), "anna": ("supervisor", None), "ben": ("supervisor", None),
              "cora": ("supervisor", None), "tao": ("station", None)}  # fmt: skip
    for name, (role, company) in people.items():
        accounts.create_account(
            ledger, account_id=name, name_zh=name, role=role, company_id=company, password="four unrelated words", now=at,
            area_id="north-1" if role == "station" else None,
        )  # fmt: skip
    with writing(ledger) as con:
        rows = [{"account_id": name, "channel": "mail", "to": f"{name}@example.test"} for name in people]
        con.execute(sa.insert(addresses), rows)
        # the company, tao who opened, anna who decided, ben who decided the objection; not cora, not anna where she publishes
        assert notices.tell_corrected(con, case, "2025Q4-2", "anna", at) == 3
        assert notices.tell_corrected(con, case, "2025Q4-2", "anna", at) == 0
        told = con.execute(sa.select(outbox.c.to, outbox.c.subject)).all()
    assert {row.to.split("@")[0] for row in told} == {"mei", "tao", "ben"}
    assert all("更正后的版本已公布" in row.subject for row in told)
