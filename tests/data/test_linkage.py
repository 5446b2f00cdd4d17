"""Company names to the registry: by code, by evened name, by likeness; and the check character of a credit code."""

from __future__ import annotations

import polars as pl
import pytest

from data.credit_code import check_sign, is_credit_code
from data.linkage import LINKS, link
from tests.data.town import ask, counts, load, put

REGISTRY = pl.DataFrame(
    {
        "company_id": ["919999997000000013", "k", "m", "n", "w"],
        "name": ["甲甲物业管理有限公司", "Sterling Karamar Property Management", "MetCap Living Management Inc.",
                 "Neighbours Property Management", "Weston Property Management"],
    }
)  # fmt: skip


def linked(name: str) -> dict:
    return link(pl.Series([name], dtype=pl.String), REGISTRY).row(0, named=True)


def test_the_check_sign_is_that_of_the_sum_by_hand():
    # an invented code of a division that does not exist: 9 1 9 9 9 9 9 9 7 0 0 0 0 0 0 0 1
    # times 1 3 9 27 19 26 16 17 20 29 25 13 8 24 10 30 28 = 9+3+81+243+171+234+144+153+140+28 = 1206
    # = 38 * 31 + 28; 31 - 28 = 3
    assert check_sign("91999999700000001") == "3"


@pytest.mark.parametrize(
    ("code", "right"),
    [("919999997000000013", True), ("919999997000000014", False), ("919999997000000103", False),
     ("acme", None), ("9199999970000000", None), ("9199999970000000I3", None)],
)  # fmt: skip
def test_a_code_is_right_wrong_or_no_credit_code_at_all(code, right):
    assert pl.select(is_credit_code(pl.lit(code))).item() is right


def test_a_code_names_its_company_outright():
    assert (linked("919999997000000013")["linked_name"], linked("919999997000000013")["reason"]) == (
        "甲甲物业管理有限公司", "code",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "company"),
    [("METCAP LIVING MANAGEMENT", "m"), ("The Metcap Living Management, Ltd.", "m"),
     ("甲甲物业管理公司", "919999997000000013"), ("甲甲物业管理有限公司（分部）", "919999997000000013")],
)  # fmt: skip
def test_a_name_that_differs_in_habits_of_spelling_alone_is_the_same_name(name, company):
    found = linked(name)
    assert (found["company_id"], found["confidence"], found["reason"]) == (company, 1.0, "same_name")


def test_a_misspelt_rare_word_links_with_less_than_certainty():
    found = linked("Sterling Karama Property Management")
    assert (found["company_id"], found["reason"]) == ("k", "likeness")
    assert 0.9 < found["confidence"] < 1
    assert found["runner_up"] < 0.3


def test_words_that_all_companies_share_make_no_link():
    assert linked("Davis Property Management")["confidence"] < 0.5


def test_a_number_that_differs_is_another_company():
    registry = pl.DataFrame({"company_id": ["a", "b"], "name": ["1351 Ontario", "Elm Homes"]})
    assert link(pl.Series(["1352 Ontario"]), registry)["confidence"].item() < 0.7


@pytest.mark.parametrize("name", ["N/A", "self managed", "", " "])
def test_a_name_that_says_nobody_is_linked_to_nobody(name):
    assert link(pl.Series([name]), REGISTRY).is_empty()


def test_an_empty_registry_links_nothing():
    found = link(pl.Series(["Elm"]), REGISTRY.clear())
    assert found.is_empty()
    assert dict(found.schema) == LINKS


def test_a_common_word_misspelt_in_the_registry_weighs_as_little_as_the_word_it_stands_for():
    registry = REGISTRY.with_columns(pl.col("name").replace("Weston Property Management", "Hannah Property Managemet"))
    assert link(pl.Series(["Davis Property Managemet"]), registry)["confidence"].item() < 0.5


def test_a_company_whose_code_has_a_wrong_check_character_is_set_aside_with_its_code(tmp_path):
    # 91350100M000100Y43 is the standard's own example; with two digits changed places its sum does not fit
    rows = "91350100M000100Y43,甲物业\n91350100M000010Y43,乙物业\nacme,丙物业\n"
    made = load(tmp_path / "var", put(tmp_path, "c.csv", "统一社会信用代码,企业名称\n" + rows))
    assert counts(made) == (3, 2, 0, 0, 1)
    assert ask(tmp_path / "var", "SELECT line, column_name, found, reason FROM rows_set_aside") == [
        (3, "company_id", "company_id 91350100M000010Y43", "sense.company_id_has_a_wrong_check_character")
    ]
