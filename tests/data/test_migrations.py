"""A ledger of any earlier version is led on to the newest on both databases, with every row it held."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from data import events
from data import ledger as store
from data.ledger import METADATA, URL_VARIABLE, open_ledger, writing
from tests.data import postgres
from tests.data.test_events import add, opened, said

NOW = datetime(2026, 10, 12, 8, 0, 0, 123456, tzinfo=UTC)
REVISIONS = [s.revision for s in ScriptDirectory.from_config(store._migrations()).walk_revisions()][::-1]
ACCOUNT = {
    "account_id": "anna", "name_zh": "安娜", "name_en": None, "role": "supervisor", "language": "zh", "demo": False,
    "created_at": NOW,
}  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path, monkeypatch):
    """A folder whose ledger is on one database or the other, and does not exist yet."""
    if request.param == "sqlite":
        monkeypatch.delenv(URL_VARIABLE, raising=False)
        yield tmp_path
        return
    with postgres.database(request.getfixturevalue("postgres_address")) as url:
        monkeypatch.setenv(URL_VARIABLE, url)
        yield tmp_path


def old_ledger(place, monkeypatch, revision: str) -> sa.Engine:
    """The ledger as the program of that revision made it."""

    def lead_to(engine: sa.Engine) -> None:
        with writing(engine) as con:
            command.upgrade(store._migrations(con), revision)

    with monkeypatch.context() as only_here:
        only_here.setattr(store, "_lead_on", lead_to)
        return open_ledger(place)


def rows_of(engine: sa.Engine) -> dict[str, list[str]]:
    """Every row of every table as the database holds it, in the columns it has now."""
    kept = sa.MetaData()
    kept.reflect(engine)
    with engine.connect() as con:
        return {
            name: sorted(map(repr, con.execute(sa.select(table)).mappings().all()))
            for name, table in kept.tables.items()
            if name != "alembic_version"
        }


def filled(engine: sa.Engine) -> str | None:
    """An account and, where the revision has cases, one of two events with a file; the case's number."""
    tables = set(sa.inspect(engine).get_table_names())
    with writing(engine) as con:
        con.execute(sa.insert(METADATA.tables["accounts"]).values(ACCOUNT))
        con.execute(
            sa.text("INSERT INTO sign_in_attempts (account_typed, address, tried_at, outcome) VALUES ('x', 'y', :at, 'wrong')"),
            {"at": NOW.replace(tzinfo=None)},
        )  # fmt: skip
    if "case_events" not in tables:
        return None
    case_id = opened(engine)
    with writing(engine) as con:
        sha = events.attach(con, b"plan", "\u5e73\u9762\u56fe.pdf", "application/pdf")
    add(engine, case_id, 1, said("taken_up", reason="事实清楚", attachment=sha))
    return case_id


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_an_older_ledger_is_led_on_with_every_row_it_held(place, monkeypatch, revision):
    old = old_ledger(place, monkeypatch, revision)
    case_id = filled(old)
    held = {name: len(rows) for name, rows in rows_of(old).items()}
    end = events.end_of(old) if case_id else None
    with old.connect() as con:
        assert MigrationContext.configure(con).get_current_revision() == revision
    old.dispose()

    new = open_ledger(place)
    with new.connect() as con:
        assert MigrationContext.configure(con).get_current_revision() == REVISIONS[-1]
        assert compare_metadata(MigrationContext.configure(con), METADATA) == []
        account = con.execute(sa.select(METADATA.tables["accounts"])).mappings().one()
    assert {k: account[k] for k in ACCOUNT} == ACCOUNT
    assert {name: len(rows) for name, rows in rows_of(new).items() if name in held} == held
    if case_id:
        assert events.end_of(new) == end and list(events.faults(new)) == []
    else:
        case_id = opened(new)
        add(new, case_id, 1, said("taken_up"))
    add(new, case_id, 2, said("party_told"))
    assert [e.kind for e in events.events_of(new, case_id)] == ["opened", "taken_up", "party_told"]
    assert list(events.faults(new)) == []
    with pytest.raises(sa.exc.DBAPIError), writing(new) as con:
        con.execute(sa.text("UPDATE case_events SET reason = 'x'"))
    new.dispose()


def test_a_ledger_from_before_migrations_were_numbered_is_taken_over(place, monkeypatch):
    """The first programs made their tables without Alembic; the first migration leaves those it finds."""
    old = old_ledger(place, monkeypatch, REVISIONS[0])
    filled(old)
    with writing(old) as con:
        con.execute(sa.text("DROP TABLE alembic_version"))
    old.dispose()
    new = open_ledger(place)
    with new.connect() as con:
        assert compare_metadata(MigrationContext.configure(con), METADATA) == []
        assert con.execute(sa.select(METADATA.tables["accounts"].c.account_id)).scalars().all() == ["anna"]
    new.dispose()


def test_a_migration_that_fails_halfway_leaves_the_older_ledger_as_it_was(place, monkeypatch):
    old = old_ledger(place, monkeypatch, REVISIONS[1])
    filled(old)
    before = rows_of(old)
    old.dispose()
    real = store.command.upgrade

    def breaks(config, target):
        real(config, REVISIONS[-2])
        raise RuntimeError("the machine went down")

    with monkeypatch.context() as only_here:
        only_here.setattr(store.command, "upgrade", breaks)
        with pytest.raises(RuntimeError, match="went down"):
            open_ledger(place)
    again = old_ledger(place, monkeypatch, REVISIONS[1])
    assert rows_of(again) == before
    again.dispose()
    assert list(events.faults(open_ledger(place))) == []
