"""Names in turn as the steward meets them: the pairs, the two answers with a reason, and what was decided."""

from __future__ import annotations

import pytest

from data.intake import load_file
from i18n.words import LANGUAGES, Words
from tests.data.test_respelled import HEADINGS
from tests.data.test_same_company import AFTER, BEFORE, LONG, SHORT, at
from tests.data.town import ask, put
from tests.pages.house import furnish
from tests.pages.test_pages import opened, texts

EN = Words("en")
PAIR = f"{LONG} → {SHORT}"


@pytest.fixture
def root(tmp_path):
    place = tmp_path / "var"
    place.mkdir()
    furnish(place)
    for day, managers in (("2025-01-01", BEFORE), ("2025-06-01", AFTER)):
        rows = [f"{n},{n} ELM ST,{name},5,50,1970,PRIVATE,1" for n, name in managers.items()]
        load_file(place, put(tmp_path, f"{day}.csv", "\n".join([HEADINGS, *rows]) + "\n"), received_at=at(1))
    return place


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pairs_are_seen_by_both_and_decided_by_the_steward_alone(root, language):
    t = Words(language)
    mine, theirs = (opened(root, "spellings", who, language, pair=PAIR) for who in ("steward", "supervisor"))
    for shown in (mine, theirs):
        assert not shown.exception
        assert shown.dataframe[0].value["before"].to_list() == [LONG]
    answers = [t("desk.kinds.same_company"), t("desk.kinds.two_companies")]
    assert [b.label for b in mine.button] == answers
    assert [b.label for b in theirs.button] == []


def test_an_answer_needs_a_reason_and_then_stands_among_the_decided(root):
    shown = opened(root, "spellings", "steward", "en", pair=PAIR)
    shown.button[0].click().run(timeout=60)
    assert EN("desk.why_missing") in [w.value for w in shown.warning]
    assert ask(root, "SELECT * FROM desk_acts") == []
    shown.text_input[0].set_value("asked the company")
    shown.button[0].click().run(timeout=60)
    assert not shown.exception
    assert any("desk-0001" in s.value and SHORT in s.value for s in shown.success)
    assert EN("page.spellings.none.open") in [i.value for i in shown.info]
    decided = opened(root, "spellings", "steward", "en", state="decided", pair=PAIR)
    assert "asked the company" in decided.dataframe[0].value["decision"][0]
    assert [b.label for b in decided.button] == [EN("desk.kinds.two_companies")]  # it can be taken back
    acts = opened(root, "set_aside", "steward", "en")
    assert EN("desk.kinds.same_company") in acts.dataframe[-1].value["what"].to_list()
    assert any(LONG in a and SHORT in a for a in acts.dataframe[-1].value["altered"])


def test_where_nothing_is_in_turn_the_page_says_so(root):
    shown = opened(root, "spellings", "steward", "en", state="linked")
    assert EN("page.spellings.none.linked") in texts(shown)
