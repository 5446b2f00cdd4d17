"""The chain of case events, on both databases: nothing is lost, nothing is altered unseen, the second writer is told."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from click.testing import CliRunner

import steward
from data import events
from data.events import AlreadyOpen, Event, Overtaken
from data.ledger import METADATA, LedgerTooNew, open_ledger, writing

NOW = datetime(2026, 10, 12, 8, 0, 0, 123456, tzinfo=UTC)
IDENTITY = {
    "party": "estate", "party_id": "oak@2020", "estate_id": "oak", "company_id": "acme", "head_id": "zhao",
    "period": "2026Q3", "step": "listing", "matter": "", "edition": "2026Q3-1",
}  # fmt: skip


def said(kind: str, **changed) -> Event:
    return Event("", 0, kind, NOW, "anna", "supervisor", "2026Q3-1", "GDP 30", **changed)


def opened(ledger, **identity) -> str:
    who = IDENTITY | identity
    facts = {k: v for k, v in who.items() if k != "edition"}
    with writing(ledger) as con:
        case_id = events.new_case(con, who, NOW)
        events.append(con, case_id, 0, [said("opened", facts=facts)])
    return case_id


def add(ledger, case_id: str, expected: int, *new: Event) -> list[Event]:
    with writing(ledger) as con:
        return events.append(con, case_id, expected, new)


def tamper(ledger, *statements: str) -> None:
    """Change rows behind the program's back, as someone who owns the database could."""
    with writing(ledger) as con:
        if ledger.dialect.name == "postgresql":
            con.execute(sa.text("SET session_replication_role = replica"))
        else:
            names = con.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                con.execute(sa.text(f"DROP TRIGGER {name}"))
            con.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
        for statement in statements:
            con.execute(sa.text(statement))
        if ledger.dialect.name == "postgresql":
            con.execute(sa.text("SET session_replication_role = DEFAULT"))


def whats(ledger, **kwargs) -> list[str]:
    return [f.what for f in events.faults(ledger, **kwargs)]


@pytest.fixture
def told(ledger):
    """A ledger with a case of four events."""
    case_id = opened(ledger)
    add(ledger, case_id, 1, said("taken_up", reason="事实清楚", facts={"step": "listing"}), said("party_told"))
    add(ledger, case_id, 3, said("replied", facts={"text": "我们的 “说明” \u2028"}))
    return ledger


def test_events_come_back_as_they_were_written(told):
    rows = events.events_of(told, "2026Q3-0001")
    assert [(e.seq, e.version, e.kind) for e in rows] == [
        (1, 1, "opened"), (2, 2, "taken_up"), (3, 3, "party_told"), (4, 4, "replied"),
    ]  # fmt: skip
    assert rows[0].at == NOW
    assert rows[0].previous == events.GENESIS
    assert [e.previous for e in rows[1:]] == [e.hash for e in rows[:-1]]
    assert rows[1].reason == "事实清楚"
    assert rows[3].facts == {"text": "我们的 “说明” \u2028"}


def test_an_untouched_ledger_has_no_fault(told):
    assert whats(told) == []
    assert whats(told, noted=events.end_of(told)) == []


def test_the_migrations_lead_to_the_schema_the_program_expects(ledger):
    with ledger.connect() as con:
        assert compare_metadata(MigrationContext.configure(con), METADATA) == []


def test_opening_a_ledger_again_changes_nothing(told, tmp_path):
    again = open_ledger(tmp_path)
    assert events.end_of(again) == events.end_of(told)
    again.dispose()


def test_a_ledger_of_a_newer_program_is_refused_and_says_so(ledger, tmp_path):
    tamper(ledger, "UPDATE alembic_version SET version_num = 'cases_9999'")
    with pytest.raises(LedgerTooNew, match="cases_9999"):
        open_ledger(tmp_path)


@pytest.mark.parametrize("table", ["case_events", "cases"])
def test_the_database_itself_refuses_to_change_or_remove_a_row(told, table):
    for statement in (f"UPDATE {table} SET edition = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(sa.exc.DBAPIError, match="never changed or removed"), writing(told) as con:
            con.execute(sa.text(statement))
    assert len(events.events_of(told, "2026Q3-0001")) == 4


@pytest.mark.parametrize(
    "column, value",
    [("kind", "'declined'"), ("\"by\"", "'eve'"), ("reason", "'another'"), ("facts", "'{}'"), ("law", "'none'"),
     ("role", "'manager'"), ("edition", "'2026Q3-9'")],
)  # fmt: skip
def test_a_change_behind_the_programs_back_is_found(told, column, value):
    tamper(told, f"UPDATE case_events SET {column} = {value} WHERE seq = 2")
    found = list(events.faults(told))
    assert [(f.what, f.seq) for f in found] == [("changed", 2)]


def test_a_moment_moved_by_a_microsecond_is_found(told):
    moved = "2026-10-12 08:00:00.123457"
    tamper(told, f"UPDATE case_events SET at = '{moved}' WHERE seq = 3")
    assert whats(told) == ["changed"]


def test_a_missing_event_is_found(told):
    tamper(told, "DELETE FROM case_events WHERE seq = 3")
    assert whats(told) == ["gap", "order", "case"]  # after event 2 comes 4; its link; the case jumps from 2 to 4


def test_a_cut_off_end_is_found(told):
    tamper(told, "DELETE FROM case_events WHERE seq = 4")
    assert whats(told) == ["cut"]


def test_events_put_in_another_order_are_found(told):
    tamper(
        told,
        "UPDATE case_events SET seq = 99 WHERE seq = 2",
        "UPDATE case_events SET seq = 2 WHERE seq = 3",
        "UPDATE case_events SET seq = 3 WHERE seq = 99",
    )
    assert {"order", "changed"} <= set(whats(told))


def test_a_chain_written_anew_is_found_by_the_end_noted_elsewhere(told):
    """Whoever rewrites every hash makes a chain that holds together; the noted end does not fit it."""
    noted = events.end_of(told)
    rows = events.events_of(told, "2026Q3-0001")
    previous, statements = events.GENESIS, []
    for event in rows:
        event = replace(event, previous=previous, reason="another" if event.seq == 2 else event.reason)
        previous = events.hash_of(event, events.canonical(event.facts))
        statements.append(
            f"UPDATE case_events SET previous = '{event.previous}', hash = '{previous}', reason = '{event.reason}' "
            f"WHERE seq = {event.seq}"
        )
    tamper(told, *statements, f"UPDATE chain SET hash = '{previous}'")
    assert whats(told) == []
    assert whats(told, noted=noted) == ["changed"]


def test_a_file_that_was_altered_or_removed_is_found(ledger):
    case_id = opened(ledger)
    with writing(ledger) as con:
        sha = events.attach(con, b"photo", "a.jpg", "image/jpeg")
        events.append(con, case_id, 1, [said("proof_shown", attachment=sha)])
    assert events.attachment(ledger, sha) == ("a.jpg", "image/jpeg", b"photo")
    assert whats(ledger) == []
    tamper(ledger, "UPDATE attachments SET name = 'b.jpg'")
    assert whats(ledger) == []  # a name is what the uploader called it; the bytes are the proof
    content = "'\\x00'::bytea" if ledger.dialect.name == "postgresql" else "x'00'"
    tamper(ledger, f"UPDATE attachments SET content = {content}")
    assert whats(ledger) == ["attachment"]


def test_a_case_entered_otherwise_than_it_was_opened_is_found(told):
    tamper(told, "UPDATE cases SET company_id = 'best'")
    assert whats(told) == ["case"]


def test_one_recommendation_has_one_case(ledger):
    case_id = opened(ledger)
    with pytest.raises(AlreadyOpen, match=case_id):
        opened(ledger)
    assert opened(ledger, step="attention") == "2026Q3-0002"


def test_the_second_of_two_officers_is_told_who_did_what(told):
    add(told, "2026Q3-0001", 4, said("heard"))
    with pytest.raises(Overtaken, match=r"anna: heard \(2026-10-12 08:00 UTC\)") as refused:
        add(told, "2026Q3-0001", 4, said("decided"))
    assert [e.kind for e in refused.value.since] == ["heard"]
    assert [e.kind for e in events.events_of(told, "2026Q3-0001")][-1] == "heard"
    assert whats(told) == []


def test_of_many_officers_at_once_exactly_one_gets_each_version(told):
    """Eight officers see version 4 and act at the same moment: one event is written, seven are told."""
    ready, outcomes = threading.Barrier(8), []

    def act(name: str) -> None:
        ready.wait()
        try:
            add(told, "2026Q3-0001", 4, replace(said("noted"), by=name))
            outcomes.append("written")
        except Overtaken:
            outcomes.append("told")

    threads = [threading.Thread(target=act, args=(f"officer-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["told"] * 7 + ["written"]
    assert whats(told) == []


def test_officers_in_different_cases_all_get_through_into_one_chain(ledger):
    names = [opened(ledger, party_id=f"unit-{n}") for n in range(6)]
    ready = threading.Barrier(6)

    def act(case_id: str) -> None:
        ready.wait()
        for version in range(1, 6):
            add(ledger, case_id, version, said("noted"))

    threads = [threading.Thread(target=act, args=(n,)) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert events.end_of(ledger)[0] == 36  # six cases of six events
    assert whats(ledger) == []


def test_a_failure_halfway_leaves_nothing_behind(told):
    before = events.end_of(told)
    with pytest.raises(RuntimeError), writing(told) as con:
        events.append(con, "2026Q3-0001", 4, [said("noted")])
        raise RuntimeError("the power went")
    assert events.end_of(told) == before
    assert whats(told) == []


def test_what_the_ledger_knew_at_a_point_can_be_read_again(told):
    add(told, "2026Q3-0001", 4, said("decided"))
    assert [e.kind for e in events.events_where(told, upto=2)] == ["opened", "taken_up"]


def test_an_end_noted_by_hand_must_have_its_form():
    assert events.noted_end(f" 36:{'a' * 64}\n") == (36, "a" * 64)
    with pytest.raises(ValueError, match="NUMBER:HASH"):
        events.noted_end("36:abc")


def test_verify_tells_an_altered_ledger_before_it_asks_for_an_edition(told, tmp_path):
    run = CliRunner().invoke(steward.main, ["--root", str(tmp_path), "verify"])
    assert "ledger: 4 events, unaltered" in run.output
    tamper(told, "UPDATE case_events SET reason = 'another' WHERE seq = 2")
    run = CliRunner().invoke(steward.main, ["--root", str(tmp_path), "verify"])
    assert "event 2 (taken_up) is not as it was written" in run.output
    assert "4 events, altered" in run.output
