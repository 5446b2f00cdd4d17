"""Corrections and what was known on a day, as a person sees them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from data.mending import Act, mend
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from pages.records import moves
from tests.conftest import copy_of
from tests.data.town import ask
from tests.pages.test_pages import opened, texts

MOVED = {"estate_id": "oak", "period": "2026Q3", "state": "rated", "state_after": "rated", "band": "good"}
TOLD = {
    "estates": ["oak"], "seconds": 61.5, "rows": 6, "left": 0, "edition": "2026Q3-1",
    "moved": [
        MOVED | {"level": "estate", "unit_id": "oak", "final": 81.26, "final_after": 74.0, "band_after": "attention"},
        MOVED | {"level": "tenure", "unit_id": "t1", "final": 80.0, "final_after": 80.5, "band_after": "good"},
        MOVED | {"level": "estate", "unit_id": "elm", "estate_id": "elm", "final": 70.0, "final_after": 70.3, "band_after": "good"},
        MOVED | {"level": "estate", "unit_id": "ash", "estate_id": "ash", "final": 70.0, "final_after": 70.01, "band_after": "good"},
        MOVED | {"level": "company", "unit_id": "acme", "estate_id": None, "final": 70.0, "final_after": 69.4, "band_after": "good"},
        MOVED | {"level": "estate", "unit_id": "oak", "period": "2026Q2", "final": 60.0, "final_after": 61.0, "band_after": "good"},
    ],
}  # fmt: skip


def drawn(told: str, role: str) -> None:
    """Script run by AppTest: the table of moves alone."""
    import json

    from data.scope import Scope
    from i18n.words import Words
    from pages.records import moves

    moves.show(Scope("x", role), json.loads(told), {"oak": "Oak Court", "elm": "Elm Court"}, Words("en"))


def shown(role: str, told: dict = TOLD):
    from streamlit.testing.v1 import AppTest

    at = AppTest.from_function(drawn, kwargs={"told": json.dumps(told), "role": role}).run(timeout=30)
    assert not at.exception, at.exception
    return at


def test_a_steward_sees_the_estates_touched_before_and_after_and_of_others_only_how_many():
    at = shown("steward")
    (own,) = at.dataframe
    assert own.value["name"].to_list() == ["Oak Court", "Oak Court"]
    assert own.value["final"].to_list() == [81.26, 80.0] and own.value["final_after"].to_list() == [74.0, 80.5]
    assert own.value["band"].to_list() == ["Good → Attention", "Good"]
    said = " ".join(texts(at))
    # elm by .3 and acme by .6; ash moves by .01, which rounds to nothing
    assert "2 others move" in said and "the most by 0.6 points" in said
    assert "1 scores of 1 quarters" in said
    assert "Elm" not in said


def test_a_supervisor_may_open_the_others_too():
    assert [t.value["name"].to_list() for t in shown("supervisor").dataframe][1] == ["acme", "Elm Court"]


def test_nothing_moved_is_said():
    assert Words("en")("moves.nothing") in texts(shown("steward", TOLD | {"moved": []}))


@pytest.fixture(scope="module")
def corrected(demo_root, tmp_path_factory):
    """The demo district with one order mended after its edition was published."""
    root = copy_of(demo_root, tmp_path_factory.mktemp("corrections") / "var")
    ((delivery, line, original, record),) = ask(
        root,
        "SELECT delivery_id, line, original, record_id FROM rows_set_aside WHERE reason = 'unknown_code' "
        "AND column_name = 'nature' ORDER BY 1 LIMIT 1",
    )
    after = json.dumps(json.loads(original) | {"诉求性质": "投诉"}, ensure_ascii=False)
    edits = pl.DataFrame({"delivery_id": [delivery], "line": [line], "after": [after]})
    mend(root, edits, Act("demo-steward", datetime.now(UTC), "按录音改"))
    return root, record


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_edition_lists_what_came_after_it(corrected, language):
    at = opened(corrected[0], "corrections", "steward", language)
    assert not at.exception
    editions, came = (t.value for t in at.dataframe)
    assert editions[["added", "revised"]].values.tolist() == [[1, 0]]
    assert came["record_table"].to_list() == [Words(language)("table.complaints")]
    assert not at.button[0].disabled


def test_an_edition_nothing_came_after_has_nothing_to_work_out(demo_root):
    at = opened(demo_root, "corrections", "supervisor", "en")
    assert Words("en")("page.corrections.nothing") in [i.value for i in at.info]
    assert at.button[0].disabled


def test_a_record_is_found_as_known_today_and_not_as_known_before_it_came(corrected):
    root, record = corrected
    today = opened(root, "known", "steward", "en", table="complaints", q=record)
    assert not today.exception
    table = next(t.value for t in today.dataframe if "said" in t.value.columns)
    assert table["record_id"].to_list() == [record]
    before = opened(root, "known", "steward", "en", table="complaints", q=record, day="2020-01-01")
    assert Words("en")("page.known.nothing") in [i.value for i in before.info]


def test_a_day_that_is_none_is_taken_as_today(corrected):
    at = opened(corrected[0], "known", "supervisor", "zh", day="yesterday")
    assert not at.exception and at.dataframe


def test_what_the_program_refused_is_said_and_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("STEWARD_ROOT", str(tmp_path))
    assert moves.worked_out(Scope("x", "steward"), Words("en"), edition="2026Q3-1") is None


def test_a_move_too_small_to_show_has_no_minus_before_its_nought():
    small = MOVED | {"level": "estate", "unit_id": "oak", "final": 70.0, "final_after": 69.999, "band_after": "good"}
    (own,) = shown("steward", TOLD | {"moved": [small]}).dataframe
    assert [str(c) for c in own.value["change"]] == ["0.0"]
