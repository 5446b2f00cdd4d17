"""Registers that name companies by text: a misspelt name is no change of hands, another company is one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from data.intake import load_file
from tests.data.town import ask, put

HEADINGS = (
    "RSN,SITE_ADDRESS,PROP_MANAGEMENT_COMPANY_NAME,CONFIRMED_STOREYS,CONFIRMED_UNITS,YEAR_BUILT,PROPERTY_TYPE,WARD"
)
DAYS = ("2025-01-01", "2025-06-01", "2026-01-01")


@pytest.fixture
def registers(tmp_path):
    """Loads one register after the other; ``registers({"1": "NAME", ...}, ...)`` returns the store."""

    def load(*named: dict[str, str]):
        root = tmp_path / "var"
        for day, managers in zip(DAYS, named, strict=False):
            rows = [f"{n},{n} ELM ST,{name},5,50,1970,PRIVATE,1" for n, name in managers.items()]
            path = put(tmp_path, f"{day}.csv", "\n".join([HEADINGS, *rows]) + "\n")
            load_file(root, path, received_at=datetime(2026, 6, 1, tzinfo=UTC))
        return root

    return load


def tenures(root) -> list[tuple]:
    return ask(
        root,
        "SELECT estate_id, company_id, valid_from::VARCHAR, valid_to::VARCHAR FROM tenures WHERE revised_by_seq IS NULL ORDER BY ALL",
    )


FIRST = {"1": "STERLING KARAMA PROPERTY MANAGEMENT", "2": "STERLING KARAMAR PROPERTY MANAGEMENT",
         "3": "STERLING KARAMAR PROPERTY MANAGEMENT", "4": "METCAP LIVING"}  # fmt: skip


def test_a_misspelt_name_put_right_ends_no_tenure_and_the_commoner_spelling_stands(registers):
    root = registers(FIRST, FIRST | {"1": "STERLING KARAMAR PROPERTY MANAGEMENT"})
    assert tenures(root) == [
        ("1", "STERLING KARAMAR PROPERTY MANAGEMENT", "2025-01-01", None),
        ("2", "STERLING KARAMAR PROPERTY MANAGEMENT", "2025-01-01", None),
        ("3", "STERLING KARAMAR PROPERTY MANAGEMENT", "2025-01-01", None),
        ("4", "METCAP LIVING", "2025-01-01", None),
    ]
    ((said, linked, confidence, reason, n),) = ask(
        root, "SELECT said, linked_id, confidence, reason, row_count FROM reference_links"
    )
    assert (said, linked, reason, n) == (
        "STERLING KARAMA PROPERTY MANAGEMENT", "STERLING KARAMAR PROPERTY MANAGEMENT", "respelled", 1,
    )  # fmt: skip
    assert 0.9 < confidence < 1


def test_the_misspelling_met_again_is_the_same_company(registers):
    right = FIRST | {"1": "STERLING KARAMAR PROPERTY MANAGEMENT"}
    root = registers(
        FIRST, right, right | {"3": "STERLING KARAMA PROPERTY MANAGEMENT", "5": "STERLING KARAMA PROPERTY MANAGEMENT"}
    )
    assert {(e, c) for e, c, _, end in tenures(root) if end is None} == {
        (e, "STERLING KARAMAR PROPERTY MANAGEMENT") for e in "1235"
    } | {("4", "METCAP LIVING")}
    assert [t for t in tenures(root) if t[3]] == []
    assert len(ask(root, "SELECT * FROM reference_links")) == 1


def test_another_company_ends_the_tenure(registers):
    root = registers(FIRST, FIRST | {"4": "STERLING KARAMAR PROPERTY MANAGEMENT"})
    assert [t for t in tenures(root) if t[0] == "4"] == [
        ("4", "METCAP LIVING", "2025-01-01", "2025-06-01"),
        ("4", "STERLING KARAMAR PROPERTY MANAGEMENT", "2025-06-01", None),
    ]
    assert ask(root, "SELECT * FROM reference_links") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [("2054128 ONTARIO", "2054138 ONTARIO"), ("GREENWIN 1", "GREENWIN 2"), ("ELM HOMES", "OAK HOMES")],
)
def test_names_that_differ_in_a_number_or_in_the_word_that_counts_are_two_companies(registers, before, after):
    root = registers({"1": before, "2": "METCAP LIVING"}, {"1": after, "2": "METCAP LIVING"})
    assert [(c, end) for e, c, _, end in tenures(root) if e == "1"] == [(before, "2025-06-01"), (after, None)]


def test_a_likely_spelling_below_the_rule_is_told_and_changes_nothing(registers):
    others = {
        str(n): f"{name} PROPERTY MANAGEMENT" for n, name in enumerate(("DAVIS", "WILSTAR", "KIEPURA", "RANEE"), 10)
    }
    root = registers({"1": "COGIR MANAGEMENT", **others}, {"1": "COGIR REAL ESTATE", **others})
    assert [(c, end) for e, c, _, end in tenures(root) if e == "1"] == [
        ("COGIR MANAGEMENT", "2025-06-01"), ("COGIR REAL ESTATE", None)
    ]  # fmt: skip
    notes = ask(root, "SELECT params FROM delivery_notes WHERE note = 'perhaps_respelled'")
    assert len(notes) == 1 and "COGIR MANAGEMENT → COGIR REAL ESTATE" in notes[0][0]


def test_every_row_of_a_register_is_still_counted(registers):
    root = registers(FIRST, FIRST | {"1": "STERLING KARAMAR PROPERTY MANAGEMENT", "4": "ELM HOMES"})
    made = ask(
        root,
        "SELECT rows_read, accepted, revised, unchanged, set_aside FROM deliveries WHERE source = 'toronto_tenures' ORDER BY seq",
    )
    # estate 1 is revised (its company's spelling), 2 and 3 are unchanged, 4 has a new tenure
    assert made == [(4, 4, 0, 0, 0), (4, 1, 1, 2, 0)]
