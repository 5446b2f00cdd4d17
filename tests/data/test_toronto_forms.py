"""Toronto's forms as mapping files read them, on invented buildings: 1 Oak Street (RSN 1) and 2 Elm Road (RSN 2)."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from data.intake import load_file
from data.reading import WrongFile
from data.records import open_store

NOW = datetime(2026, 10, 1, tzinfo=UTC)
OAK = {
    "RSN": "1", "SITE_ADDRESS": "1 OAK ST", "PROP_MANAGEMENT_COMPANY_NAME": "ACME INC", "CONFIRMED_STOREYS": "10",
    "CONFIRMED_UNITS": "90", "YEAR_BUILT": "1970", "YEAR_REGISTERED": "2017", "WARD": "03",
}  # fmt: skip
ELM = OAK | {
    "RSN": "2",
    "SITE_ADDRESS": "2 ELM RD",
    "PROP_MANAGEMENT_COMPANY_NAME": "BEST CO",
    "CONFIRMED_STOREYS": "9",
}
OLD_FORM = {"RSN": "1", "SITE_ADDRESS": "1 OAK ST", "EVALUATION_COMPLETED_ON": "2022-05-02"}
NEW_FORM = {"RSN": "1", "SITE ADDRESS": "1 OAK ST", "EVALUATION COMPLETED ON": "2024-05-02"}


@pytest.fixture
def town(tmp_path: Path):
    """``town.load(name, rows)`` writes one CSV and loads it; ``town.ask(sql)`` queries the store."""
    return Town(tmp_path)


class Town:
    def __init__(self, folder: Path):
        self.folder, self.root = folder, folder / "var"

    def load(self, name: str, rows: list[dict]) -> dict:
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return {d.source: d for d in load_file(self.root, path, received_at=NOW)}

    def ask(self, sql: str) -> list[tuple]:
        con = open_store(self.root)
        try:
            return con.execute(sql).fetchall()
        finally:
            con.close()

    def tenures(self) -> list[tuple]:
        return self.ask(
            "SELECT estate_id, company_id, valid_from, valid_to FROM tenures WHERE revised_by_seq IS NULL ORDER BY 1, 3"
        )

    def items(self, of: str) -> dict[str, tuple]:
        rows = self.ask(f"SELECT item_code, checked, passed FROM inspection_items WHERE inspection_id = '{of}'")
        return {code: (checked, passed) for code, checked, passed in rows}


def test_one_register_file_gives_wards_buildings_companies_and_who_managed(town):
    done = town.load("2026-03-01.csv", [OAK, ELM])
    assert {s: d.accepted for s, d in done.items()} == {
        "toronto_wards": 1, "toronto_estates": 2, "toronto_companies": 2, "toronto_tenures": 2,
    }  # fmt: skip
    # 10 storeys x 3 m = 30 m, over 27 m: high-rise; 9 storeys are 27 m, not over it, and built before 1980: old
    kept = "estate_id, estate_class, max_height_m, highrise_blocks, valid_from"
    assert town.ask(f"SELECT {kept} FROM estates ORDER BY 1") == [
        ("1", "HR", 30.0, 1, date(2017, 1, 1)), ("2", "OD", 27.0, 0, date(2017, 1, 1)),
    ]  # fmt: skip
    assert town.tenures() == [("1", "ACME", date(2026, 3, 1), None), ("2", "BEST", date(2026, 3, 1), None)]


def test_a_respelled_manager_is_no_change_and_another_one_is(town):
    town.load("2026-03-01.csv", [OAK, ELM])
    done = town.load("2026-06-01.csv", [OAK | {"PROP_MANAGEMENT_COMPANY_NAME": "Acme, Incorporated"},
                                        ELM | {"PROP_MANAGEMENT_COMPANY_NAME": "Acme Inc."}])  # fmt: skip
    tenures = done["toronto_tenures"]
    assert (tenures.accepted, tenures.unchanged, tenures.set_aside) == (1, 1, 0)
    assert town.tenures() == [
        ("1", "ACME", date(2026, 3, 1), None), ("2", "BEST", date(2026, 3, 1), date(2026, 6, 1)),
        ("2", "ACME", date(2026, 6, 1), None),
    ]  # fmt: skip


def test_a_blank_manager_is_said_and_bridged_when_the_name_returns(town):
    town.load("2026-03-01.csv", [OAK, ELM])
    blank = town.load("2026-06-01.csv", [OAK | {"PROP_MANAGEMENT_COMPANY_NAME": "N/A"}, ELM])
    assert blank["toronto_tenures"].set_aside == 1
    assert town.ask("SELECT DISTINCT reason FROM rows_set_aside") == [("nobody_named",)]
    assert town.tenures()[0] == ("1", "ACME", date(2026, 3, 1), date(2026, 6, 1))
    town.load("2026-09-01.csv", [OAK, ELM])
    assert town.tenures() == [("1", "ACME", date(2026, 3, 1), None), ("2", "BEST", date(2026, 3, 1), None)]


def test_a_doubled_register_counts_every_building_once(town):
    town.load("2026-03-01.csv", [OAK, ELM])
    done = town.load("2026-06-01.csv", [OAK, ELM, OAK, ELM])
    assert {(d.accepted, d.revised, d.unchanged, d.set_aside) for d in done.values()} == {(0, 0, 4, 0)}


def test_a_register_without_its_day_in_the_name_is_refused(town):
    with pytest.raises(WrongFile, match="its name carries no day"):
        town.load("register.csv", [OAK, ELM])


def test_a_register_older_than_the_newest_is_refused_and_changes_nothing(town):
    town.load("2026-06-01.csv", [OAK, ELM])
    with pytest.raises(WrongFile, match="oldest first"):
        town.load("2026-03-01.csv", [OAK, ELM | {"PROP_MANAGEMENT_COMPANY_NAME": "ACME"}])
    assert len(town.tenures()) == 2


def test_a_register_of_less_than_half_the_size_waits_for_a_person_and_ends_nothing(town):
    rows = [OAK | {"RSN": str(i), "SITE_ADDRESS": f"{i} OAK ST"} for i in range(10)]
    town.load("2026-03-01.csv", rows)
    assert {one.waits for one in town.load("2026-06-01.csv", rows[:4]).values()} == {"waiting"}
    assert town.ask("SELECT count(*) FROM estates WHERE valid_to IS NULL AND revised_by_seq IS NULL") == [(10,)]
    assert town.load("2026-09-01.csv", rows[:5])["toronto_estates"].unchanged == 5


def test_a_building_gone_from_the_register_ends(town):
    town.load("2026-03-01.csv", [OAK, ELM])
    town.load("2026-06-01.csv", [OAK])
    assert town.ask("SELECT estate_id, valid_to FROM estates WHERE revised_by_seq IS NULL ORDER BY 1") == [
        ("1", None), ("2", date(2026, 6, 1)),
    ]  # fmt: skip


def test_the_old_form_gives_part_scores_of_one_to_five(town):
    town.load("2022-03-01.csv", [OAK, ELM])
    town.load("old.csv", [OLD_FORM | {"ENTRANCE_LOBBY": "5", "STAIRWELLS": " 3", "SECURITY": "4", "GRAFFITI": "N/A"}])
    # escape routes: (5-1)/4 + (3-1)/4 = 1.5 of 2; access: (4-1)/4 = .75 of 1; graffiti is not applicable
    assert town.items("1@2022-05-02") == {"escape_routes": (2, 1.5), "access_control": (1, 0.75)}


def test_the_new_form_gives_part_scores_of_one_to_three_and_zero_is_the_worst(town):
    town.load("2022-03-01.csv", [OAK, ELM])
    form = {"NUMBERING OF PROPERTY": "3", "GRAFFITI": "2", "FENCING": "1", "CLEANING LOG": "0", "MAINTENANCE LOG": " 3"}
    town.load("new.csv", [NEW_FORM | form])
    # access: 1 of 1; condition: .5 + 0 of 2; files: 0 + 1 of 2
    assert town.items("1@2024-05-02") == {
        "access_control": (1, 1.0), "building_condition": (2, 0.5), "files_and_plans": (2, 1.0),
    }  # fmt: skip


def test_a_score_off_the_scale_sets_the_sheets_items_aside_by_name(town):
    town.load("2022-03-01.csv", [OAK, ELM])
    done = town.load("new.csv", [NEW_FORM | {"NUMBERING OF PROPERTY": "7", "GRAFFITI": "2"}])
    assert done["toronto_evaluation_items"].accepted == 0
    assert town.ask("SELECT DISTINCT reason FROM rows_set_aside") == [("sense.passed_exceeds_checked",)]


def test_an_evaluation_created_in_error_is_set_aside_for_that_reason(town):
    town.load("2022-03-01.csv", [OAK, ELM])
    void = OLD_FORM | {"SITE_ADDRESS": "** CREATED IN ERROR ** 1 OAK ST", "ENTRANCE_LOBBY": "5"}
    done = town.load("old.csv", [void])
    assert [(d.accepted, d.set_aside) for d in done.values()] == [(0, 1), (0, 1)]
    assert town.ask("SELECT DISTINCT reason FROM rows_set_aside") == [("created_in_error",)]


def test_a_fire_finding_goes_to_the_building_at_its_address(town):
    town.load("2026-03-01.csv", [OAK, ELM])
    seen = {
        "_id": "7", "inspections.OpenedDate": "2018-01-05T10:00:00", "Inspections.ClosedDate": "2018-02-06T10:00:00",
        "propertyAddress": "1 Oak Street", "violations.violationDescription": "2.7.1.7 Exits",
        "violations.violationFireCode": "2.7.1.7",
    }  # fmt: skip
    nowhere = seen | {"_id": "8", "propertyAddress": "3 Fir Ave"}
    clean = seen | {"_id": "9", "violations.violationDescription": "", "violations.violationFireCode": ""}
    done = town.load("fire.csv", [seen, nowhere, clean])["toronto_fire"]
    assert (done.accepted, done.set_aside) == (1, 2)
    assert town.ask("SELECT estate_id, hazard_type, found_on, rectified_on FROM hazards") == [
        ("1", "escape_route", date(2018, 1, 5), date(2018, 2, 6)),
    ]  # fmt: skip
    assert town.ask("SELECT line, reason, found FROM rows_set_aside ORDER BY line") == [
        (3, "no_estate_at_address", "3 Fir Ave"), (4, "no_finding", ""),
    ]  # fmt: skip
