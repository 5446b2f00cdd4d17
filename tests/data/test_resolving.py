"""Names where a code is expected: linked with a confidence and a reason, asked about, or unknown."""

from __future__ import annotations

import json

import polars as pl
import pytest

from data.mending import Act, mend
from tests.data.town import AREAS, COMPANIES, NOW, ORDERS, ask, counts, load, put

WIDE = str.maketrans("（）", "()")  # a key is read with the usual signs
ESTATES = (
    "小区编号,生效日期,失效日期,小区名称,小区类别,街道编号,户数,地址\n"
    "oak,2020-01-01,,橡树湾花园,高层住宅,S1,500,170 Islington Avenue\n"
    "elm,2020-01-01,,榆林雅苑一期,多层封闭,S1,200,9 Elm Street\n"
    "ash,2020-01-01,,白蜡山庄,多层封闭,S1,200,\n"
    "as2,2020-01-01,,白蜡山庄,多层封闭,S1,200,\n"
)


@pytest.fixture
def root(tmp_path):
    place = tmp_path / "var"
    for name, text in (("areas", AREAS), ("estates", ESTATES), ("companies", COMPANIES)):
        load(place, put(tmp_path, f"{name}.csv", text))
    return place


def order(i: int, estate: str) -> str:
    return f"o{i},{estate},2026-01-05 09:00:00,110,投诉,,"


def delivered(root, tmp_path, *estates: str, name: str = "a.csv"):
    return load(root, put(tmp_path, name, "\n".join([ORDERS, *(order(i, e) for i, e in enumerate(estates))]) + "\n"))


def links(root) -> dict[str, tuple]:
    return {s: (i, r, c) for s, i, r, c in ask(root, "SELECT said, linked_id, reason, confidence FROM reference_links")}


@pytest.mark.parametrize(
    ("said", "estate", "reason"),
    [("橡树湾花园", "oak", "same_name"), ("橡树湾 花园", "oak", "same_name"), ("170 ISLINGTON AVE", "oak", "same_address"),
     ("9  Elm St", "elm", "same_address")],
)  # fmt: skip
def test_a_name_or_an_address_without_habits_of_spelling_is_linked_with_its_reason(
    root, tmp_path, said, estate, reason
):
    made = delivered(root, tmp_path, said)
    assert counts(made) == (1, 1, 0, 0, 0)
    assert ask(root, "SELECT estate_id FROM complaints") == [(estate,)]
    assert links(root) == {said: (estate, reason, 1.0)}


def test_a_code_is_never_linked_by_its_likeness(root, tmp_path):
    made = delivered(root, tmp_path, "oakk", "0ak")
    assert made.set_aside == 2
    assert ask(root, "SELECT DISTINCT reason FROM rows_set_aside") == [("unknown_reference",)]


@pytest.mark.parametrize(
    ("said", "likely", "how"),
    [("白蜡山庄", {"ash", "as2"}, "likeness"),  # two estates of one name: nobody can tell which
     ("榆林雅苑二期", {"elm"}, "other_number"),  # another phase is another estate
     ("橡树湾花园（东区）", {"oak"}, "other_number"), ("橡树湾小区", {"oak"}, "likeness")],
)  # fmt: skip
def test_a_doubtful_name_waits_with_the_likely_estate(root, tmp_path, said, likely, how):
    made = delivered(root, tmp_path, said, "oak")
    assert counts(made) == (2, 1, 0, 0, 1)
    ((reason, found, params, original),) = ask(
        root, "SELECT reason, found, reason_params, original FROM rows_set_aside"
    )
    assert (reason, found.translate(WIDE), json.loads(original)["小区编号"]) == (
        "who_is_this",
        said.translate(WIDE),
        said,
    )
    asked = json.loads(params)
    assert asked["id"] in likely
    assert asked["how"] == how
    assert links(root) == {}


def test_a_name_like_nothing_on_record_is_an_unknown_reference(root, tmp_path):
    delivered(root, tmp_path, "云顶天宫")
    assert ask(root, "SELECT reason FROM rows_set_aside") == [("unknown_reference",)]


def test_two_rows_of_one_record_by_code_and_by_name_are_told_as_one(root, tmp_path):
    rows = "\n".join([ORDERS, order(1, "oak"), order(1, "橡树湾花园")]) + "\n"
    made = load(root, put(tmp_path, "twice.csv", rows))
    assert counts(made) == (2, 1, 0, 1, 0)
    assert ask(root, "SELECT count(*) FROM complaints WHERE revised_by_seq IS NULL") == [(1,)]


def test_the_same_complaint_named_by_its_estate_is_unchanged_beside_its_code(root, tmp_path):
    delivered(root, tmp_path, "oak")
    assert counts(delivered(root, tmp_path, "橡树湾花园", name="b.csv")) == (1, 0, 0, 1, 0)


def test_a_name_set_aside_passes_as_it_came_once_the_register_knows_it(root, tmp_path):
    made = delivered(root, tmp_path, "橡树湾小区")
    renamed = ESTATES.splitlines()[0] + "\nbay,2020-01-01,,橡树湾小区,高层住宅,S1,50,\n"
    load(root, put(tmp_path, "more.csv", renamed + ESTATES.split("\n", 1)[1]))
    ((original,),) = ask(root, "SELECT original FROM rows_set_aside")
    edits = pl.DataFrame({"delivery_id": [made.delivery_id], "line": [2], "after": [original]})
    (done,) = mend(root, edits, Act("demo-steward", NOW, "台账已补"), kind="again")
    assert done.rows == 1
    assert ask(root, "SELECT estate_id FROM complaints") == [("bay",)]
    assert links(root)["橡树湾小区"][:2] == ("bay", "same_name")


def meant(root, made, line: int, estate: str):
    """The row of a doubtful name mended to the estate a person says is meant."""
    ((original,),) = ask(
        root, f"SELECT DISTINCT original FROM rows_set_aside WHERE delivery_id = '{made.delivery_id}' AND line = {line}"
    )
    edits = pl.DataFrame(
        {
            "delivery_id": [made.delivery_id],
            "line": [line],
            "after": [json.dumps(json.loads(original) | {"小区编号": estate})],
        }
    )
    (done,) = mend(root, edits, Act("demo-steward", NOW, "现场核实"))
    return done


def test_what_a_person_said_is_meant_is_kept_and_links_the_next_delivery(root, tmp_path):
    made = delivered(root, tmp_path, "橡树湾小区")
    assert meant(root, made, 2, "oak").rows == 1
    assert links(root) == {"橡树湾小区": ("oak", "confirmed", 1.0)}
    again = load(
        root, put(tmp_path, "b.csv", "\n".join([ORDERS, order(7, "橡树湾小区"), order(8, "橡树湾 小区")]) + "\n")
    )
    assert counts(again) == (2, 2, 0, 0, 0)
    assert ask(root, "SELECT DISTINCT estate_id FROM complaints") == [("oak",)]


def test_a_name_two_estates_share_is_asked_about_again_whatever_was_said_once(root, tmp_path):
    made = delivered(root, tmp_path, "白蜡山庄")
    meant(root, made, 2, "ash")
    again = load(root, put(tmp_path, "b.csv", "\n".join([ORDERS, order(7, "白蜡山庄")]) + "\n"))
    assert counts(again) == (1, 0, 0, 0, 1)


def test_a_mistyped_code_mended_is_no_name_of_the_estate(root, tmp_path):
    made = delivered(root, tmp_path, "oakk")
    assert meant(root, made, 2, "oak").rows == 1
    assert links(root) == {}
