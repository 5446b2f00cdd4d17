"""Texts a mapping makes: keys, classes by number, names and addresses in one spelling."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from data.addresses import address_key, company_key
from data.making import FOUND, file_day, headings_of, located, made


def one(rule: dict, day: date | None = None, **texts: str | None) -> str | None:
    """What one rule makes of one row."""
    frame = pl.DataFrame(
        {k: [v] for k, v in texts.items()} or {"_": [None]}, schema_overrides=dict.fromkeys(texts, pl.String)
    )
    return frame.select(made(rule, {h: pl.col(h) for h in texts}, day).alias("made")).item()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Oak Property Management Inc.", "OAK PROPERTY MANAGEMENT"),
        ("OAK PROPERTY MANAGEMENT", "OAK PROPERTY MANAGEMENT"),
        ("The Oak Property  Management Co. Ltd.", "OAK PROPERTY MANAGEMENT"),
        ("Oak & Elm Limited", "OAK AND ELM"),
        ("O'Ak Corp", "OAK"),
        ("N/A", None),
        (" none ", None),
        ("Self-Managed", None),
        ("", None),
        (None, None),
    ],
)
def test_spellings_of_one_company_give_one_key(name, key):
    assert pl.DataFrame({"n": [name]}, schema={"n": pl.String}).select(company_key(pl.col("n"))).item() == key


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("170  Islington Avenue ", "170 ISLINGTON AVE"),
        ("170 ISLINGTON AVE.", "170 ISLINGTON AVE"),
        ("525 Lawrence Avenue West", "525 LAWRENCE AVE W"),
        ("25 Cougar Crt - B", "25 COUGAR CRT"),
        ("650 Sheppard Ave E- A", "650 SHEPPARD AVE E"),
        ("68-72 Spadina Rd", "68-72 SPADINA RD"),
        ("** CREATED IN ERROR ** 9 Elm Court", "9 ELM CRT"),
        ("  ", None),
    ],
)
def test_spellings_of_one_address_give_one_key(address, key):
    assert pl.DataFrame({"a": [address]}).select(address_key(pl.col("a"))).item() == key


def test_headings_are_put_into_a_text_and_an_empty_one_empties_it():
    rule = {"text": "{RSN}@{DAY}"}
    assert headings_of(rule) == {"RSN", "DAY"}
    assert one(rule, RSN="7", DAY="2026-01-02") == "7@2026-01-02"
    assert one(rule, RSN="7", DAY=None) is None


def test_a_number_is_scaled():
    assert one({"number": "STOREYS", "times": 3.0}, STOREYS="10") == "30.0"  # 10 storeys x 3 m


@pytest.mark.parametrize(("storeys", "year", "code"), [("10", "1960", "HR"), ("9", "1960", "OD"), ("9", "1980", "MR"),
                                                       ("9", None, "MR"), (None, None, "MR")])  # fmt: skip
def test_the_first_condition_that_holds_chooses(storeys, year, code):
    rule = {
        "choose": [{"heading": "S", "from": 10, "value": "HR"}, {"heading": "Y", "below": 1980, "value": "OD"}],
        "otherwise": "MR",
    }
    assert one(rule, S=storeys, Y=year) == code


def test_a_pattern_chooses_by_text():
    rule = {"choose": [{"heading": "C", "pattern": "^2[.]7", "value": "escape_route"}], "otherwise": "fire_equipment"}
    assert [one(rule, C=c) for c in ("2.7.1.7", "12.7", None)] == ["escape_route", "fire_equipment", "fire_equipment"]


def test_the_day_of_a_files_name():
    assert file_day(Path("2026-06-06_v2.csv")) == date(2026, 6, 6)
    assert file_day(Path("register.csv")) is None
    assert one({"file_day": True}, date(2026, 6, 6)) == "2026-06-06"


def test_a_range_of_house_numbers_stands_for_each_of_its_side_and_a_number_on_record_stays_its_own():
    places = pl.DataFrame(
        {
            "estate_id": ["range", "seventy", "corner", "other", "street"],
            "address": ["66-72 Oak St", "70 Oak Street", "8-10 Elm Rd", "10-12 Elm Road", "2-98 Fir Ave"],
        }
    )
    asked = [
        "68 Oak St",
        "70 Oak St",
        "71 Oak St",
        "72 OAK STREET",
        "8 Elm Rd",
        "10 Elm Rd",
        "66-72 Oak St",
        "4 Fir Ave",
    ]
    # 71 stands across the street; 10 Elm lies in two ranges, so in none for sure; 2-98 is a street, not a building
    expected = ["range", "seventy", "", "range", "corner", "", "range", ""]
    assert located(pl.DataFrame({"a": asked}), "a", places)[FOUND].to_list() == expected


def test_an_address_finds_its_one_estate():
    places = pl.DataFrame(
        {"estate_id": ["oak", "oak", "elm", "ash"], "address": ["1 Oak Street", "1 OAK ST", "2 Elm Rd", "2 ELM ROAD"]}
    )
    chunk = pl.DataFrame({"a": ["1 Oak St.", "2 Elm Rd", "3 Fir Ave"]})
    # two estates stand at 2 Elm Rd, none at 3 Fir Ave: neither is guessed
    assert located(chunk, "a", places)[FOUND].to_list() == ["oak", "", ""]
