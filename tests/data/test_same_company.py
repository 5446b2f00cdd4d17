"""What a person says of two names at one estate: it counts from then on, corrects the past, and overwrites nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pytest

from data.intake import load_file
from data.mending import Act, MendRefused
from data.queries import arrivals
from data.records import attach_records
from data.same_company import decide
from data.scope import Scope
from tests.data.test_respelled import HEADINGS, tenures
from tests.data.town import ask, put

LONG, SHORT = "REALSTAR MANAGEMENT PARTNERSHIP", "REALSTAR"
BEFORE = {"1": LONG, "2": LONG, "3": "METCAP LIVING", "4": "OAK HOMES", "5": "ELM RESIDENTIAL"}
AFTER = BEFORE | {"1": SHORT, "2": SHORT}
KARAMA, KARAMAR = "STERLING KARAMA PROPERTY MANAGEMENT", "STERLING KARAMAR PROPERTY MANAGEMENT"


def at(day: int) -> datetime:
    return datetime(2026, 6, day, tzinfo=UTC)


def act(day: int = 20) -> Act:
    return Act("lin", at(day), "asked the company")


@pytest.fixture
def register(tmp_path):
    """``register(day, {"1": "NAME", ...})`` loads one register and returns the store."""
    root = tmp_path / "var"

    def load(day: str, managers: dict[str, str], received: int = 1):
        rows = [f"{n},{n} ELM ST,{name},5,50,1970,PRIVATE,1" for n, name in managers.items()]
        path = put(tmp_path, f"{day}.csv", "\n".join([HEADINGS, *rows]) + "\n")
        load_file(root, path, received_at=at(received))
        return root

    return load


@pytest.fixture
def renamed(register):
    """Two estates told as gone from LONG to SHORT on 2025-06-01."""
    register("2025-01-01", BEFORE)
    return register("2025-06-01", AFTER, 2)


def of(root, *estates: str) -> list[tuple]:
    return [t for t in tenures(root) if t[0] in estates]


def pairs(root, who: str = "steward"):
    con = duckdb.connect()
    attach_records(con, root)
    rows = arrivals.names_in_turn(Scope("lin", who), con, today=date(2026, 6, 30))
    con.close()
    return {(r["before"], r["after"]): r for r in rows.iter_rows(named=True)}


def test_a_pair_is_shown_with_its_estates_of_one_day_its_likeness_and_what_the_rule_says(renamed):
    one = pairs(renamed)[LONG, SHORT]
    assert (one["estates"], one["day"], one["state"], one["rule"]) == (2, date(2025, 6, 1), "open", "asks")
    assert 0.35 <= one["likeness"] < 0.7


def test_one_company_corrects_the_tenures_and_what_was_known_before_still_reads_as_it_did(renamed):
    done = decide(renamed, LONG, SHORT, "same_company", act())
    # SHORT runs two estates now, LONG none: SHORT is kept; both closed tenures of LONG read SHORT
    assert (done.company, done.tenures) == (SHORT, 2)
    assert of(renamed, "1", "2") == [
        ("1", SHORT, "2025-01-01", "2025-06-01"), ("1", SHORT, "2025-06-01", None),
        ("2", SHORT, "2025-01-01", "2025-06-01"), ("2", SHORT, "2025-06-01", None),
    ]  # fmt: skip
    seq = ask(renamed, "SELECT max(seq) FROM deliveries")[0][0]
    con = duckdb.connect()
    attach_records(con, renamed, as_of=seq - 1)
    then = con.sql("SELECT company_id FROM tenures WHERE estate_id = '1' ORDER BY valid_from").fetchall()
    assert then == [(LONG,), (SHORT,)]
    con.close()
    kept = ask(renamed, "SELECT kind, done_by, why, row_count FROM desk_acts")
    assert kept == [("same_company", "lin", "asked the company", 2)]
    assert ask(renamed, "SELECT rows_read, accepted, revised, unchanged FROM deliveries WHERE source = 'desk'") == [
        (2, 0, 2, 0)
    ]
    assert pairs(renamed)[LONG, SHORT]["state"] == "same_company"


def test_one_company_counts_for_later_registers(renamed, register):
    decide(renamed, LONG, SHORT, "same_company", act())
    register("2026-01-01", AFTER | {"1": LONG, "3": LONG}, 21)
    # estate 1 under the old spelling again: no change; estate 3 really changed hands, to the company under its kept name
    assert of(renamed, "1")[-1] == ("1", SHORT, "2025-06-01", None)
    assert of(renamed, "3") == [
        ("3", "METCAP LIVING", "2025-01-01", "2026-01-01"), ("3", SHORT, "2026-01-01", None)
    ]  # fmt: skip


def test_a_decision_taken_back_parts_the_names_as_the_registers_told_them(renamed, register):
    before = tenures(renamed)
    decide(renamed, LONG, SHORT, "same_company", act())
    register("2026-01-01", AFTER | {"1": LONG}, 21)
    decide(renamed, SHORT, LONG, "two_companies", act(22))
    # as told on 2025-06-01; and estate 1 was LONG's again from 2026-01-01
    told = [t for t in before if t != ("1", SHORT, "2025-06-01", None)]
    assert sorted(tenures(renamed)) == sorted(
        [*told, ("1", SHORT, "2025-06-01", "2026-01-01"), ("1", LONG, "2026-01-01", None)]
    )
    assert len(ask(renamed, "SELECT * FROM desk_acts")) == 2


def linked(register, first: str, second: str, *others: str):
    """Estate 1 turns from one spelling to the other, which the rule links; KARAMAR has two more estates."""
    town = {"1": first, "2": KARAMAR, "3": KARAMAR, "4": "METCAP LIVING"}
    register("2025-01-01", town)
    return register("2025-06-01", town | {"1": second}, 2)


@pytest.mark.parametrize(("first", "second"), [(KARAMA, KARAMAR), (KARAMAR, KARAMA)])
def test_a_link_made_by_rule_and_found_wrong_is_parted_on_the_day_the_name_turned(register, first, second):
    root = linked(register, first, second)
    assert of(root, "1") == [("1", KARAMAR, "2025-01-01", None)]
    assert pairs(root)[KARAMA, KARAMAR]["state"] == "linked"
    done = decide(root, KARAMA, KARAMAR, "two_companies", act())
    assert done.company is None
    parted = [("1", first, "2025-01-01", "2025-06-01"), ("1", second, "2025-06-01", None)]
    assert of(root, "1") == sorted(parted)
    assert of(root, "2", "3") == [("2", KARAMAR, "2025-01-01", None), ("3", KARAMAR, "2025-01-01", None)]
    assert pairs(root)[KARAMA, KARAMAR]["state"] == "two_companies"


def test_two_companies_are_not_linked_by_the_rule_again(register):
    root = linked(register, KARAMA, KARAMAR)
    decide(root, KARAMA, KARAMAR, "two_companies", act())
    register("2026-01-01", {"1": KARAMA, "2": KARAMA, "3": KARAMAR, "4": "METCAP LIVING"}, 21)
    assert of(root, "1", "2")[-2:] == [("2", KARAMA, "2026-01-01", None), ("2", KARAMAR, "2025-01-01", "2026-01-01")]
    assert of(root, "1")[-1] == ("1", KARAMAR, "2025-06-01", "2026-01-01")
    assert len(ask(root, "SELECT * FROM reference_links")) == 1  # the rule's own link stays on record


def test_a_decision_needs_a_reason_and_says_what_is_so_already(renamed):
    with pytest.raises(MendRefused, match="No reason"):
        decide(renamed, LONG, SHORT, "same_company", Act("lin", at(20), "  "))
    assert ask(renamed, "SELECT * FROM desk_acts") == []
    decide(renamed, LONG, SHORT, "same_company", act())
    with pytest.raises(MendRefused, match="one company already"):
        decide(renamed, LONG, SHORT, "same_company", act(21))
    decide(renamed, LONG, SHORT, "two_companies", act(22))
    with pytest.raises(MendRefused, match="earlier decision"):
        decide(renamed, LONG, SHORT, "two_companies", act(23))
    assert len(ask(renamed, "SELECT * FROM desk_acts")) == 2


def test_a_very_file_loaded_again_changes_nothing_after_a_decision(renamed, register):
    decide(renamed, LONG, SHORT, "same_company", act())
    told = tenures(renamed)
    register("2025-06-01", AFTER, 21)
    assert tenures(renamed) == told
