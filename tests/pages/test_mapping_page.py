"""A file whose headings nobody knows, as the steward meets it: what each column most likely is, a trial, save and load."""

from __future__ import annotations

import pytest

from data import own_mappings
from data.ledger import open_ledger
from i18n.words import LANGUAGES, Words
from tests.data.town import ask, load, put, registers
from tests.pages.house import furnish
from tests.pages.test_pages import opened, texts

EN = Words("en")
RENAMED = "工单号,小区编号,来电时间,受理渠道,诉求性质,办结日期,经办人\n"
ROWS = "".join(f"o{i},oak,2026-01-0{i} 09:00:00,110,投诉,,甲\n" for i in range(1, 6))
NAME = "20260110T080000_orders.csv"


@pytest.fixture
def root(tmp_path):
    place = tmp_path / "var"
    place.mkdir()
    furnish(place)
    registers(place)
    (place / "inbox").mkdir()
    (place / "inbox" / NAME).write_text(RENAMED + ROWS, encoding="utf-8")
    return place


def box(at, label: str):
    return next(s for s in at.selectbox if s.label.startswith(label))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_renamed_column_is_named_and_the_mapping_comes_filled_in(root, language):
    t = Words(language)
    at = opened(root, "mapping", "steward", language, file=NAME)
    assert not at.exception
    said = " ".join(i.value for i in at.info)
    assert "工单编号" in said and "工单号" in said and "经办人" in said
    assert box(at, t("field.complaint_id")).value == "工单号"
    assert box(at, t("field.channel")).value == "受理渠道"
    assert t("page.mapping.would", rows=5, accepted=5, aside=0) in [s.value for s in at.success]


def test_saving_and_loading_takes_one_press_as_name_and_reason_are_filled_in(root):
    at = opened(root, "mapping", "steward", "en", file=NAME)
    next(b for b in at.button if b.label == EN("page.mapping.save_load")).click().run(timeout=90)
    assert not at.exception
    assert ask(root, "SELECT complaint_id, estate_id, source FROM complaints JOIN deliveries USING (delivery_id) ORDER BY 1")[0] == (
        "o1", "oak", "complaints_2"
    )  # fmt: skip
    (one,) = own_mappings.noted(open_ledger(root))
    assert (one.name, one.version, one.by, one.reason) == ("complaints_2", 1, "demo-steward", "工单编号 → 工单号")
    assert EN("page.mapping.nothing") in [i.value for i in at.info]  # the file is loaded, so it waits no more
    made = load(root, put(root.parent, "next.csv", RENAMED + ROWS.replace("2026-01", "2026-02")))
    assert (made.source, made.revised) == ("complaints_2", 5)  # the next file is read without being asked


def test_without_a_reason_or_under_a_shipped_name_nothing_is_saved(root):
    at = opened(root, "mapping", "steward", "en", file=NAME)
    press = lambda: next(b for b in at.button if b.label == EN("page.mapping.save_load")).click().run(timeout=90)  # noqa: E731
    next(i for i in at.text_input if i.label == EN("desk.why")).set_value(" ")
    press()
    assert EN("desk.why_missing") in [w.value for w in at.warning]
    next(i for i in at.text_input if i.label == EN("desk.why")).set_value("renamed")
    next(i for i in at.text_input if i.label == EN("page.mapping.name")).set_value("complaints")
    press()
    assert any("shipped source" in e.value for e in at.error)
    assert own_mappings.versions(root) == {} and ask(root, "SELECT count(*) FROM complaints") == [(0,)]


def test_a_column_taken_for_another_shows_at_once_which_rows_would_be_set_aside(root):
    at = opened(root, "mapping", "steward", "en", file=NAME)
    box(at, EN("field.nature")).set_value("经办人").run(timeout=60)
    assert not at.exception
    assert EN("page.mapping.would", rows=5, accepted=0, aside=5) in [w.value for w in at.warning]
    table = next(d.value for d in at.dataframe if "why" in d.value.columns)
    assert table[["column", "rows", "found"]].to_numpy().tolist() == [[EN("field.nature"), 5, "甲"]]
    box(at, "甲").set_value("complaint").run(timeout=60)  # the word is given a code, and the rows are good
    assert EN("page.mapping.would", rows=5, accepted=5, aside=0) in [s.value for s in at.success]


def test_a_needed_column_the_file_lacks_takes_one_value_for_every_row(root):
    (root / "inbox" / NAME).write_text(
        "工单号,小区编号,来电时间,诉求性质\nq1,elm,2026-01-05 09:00,投诉\n", encoding="utf-8"
    )
    at = opened(root, "mapping", "steward", "en", file=NAME, **{"as": "complaints"})
    assert EN("page.mapping.would", rows=1, accepted=0, aside=1) in [w.value for w in at.warning]
    [c for c in at.selectbox if c.label == EN("field.channel")][-1].set_value("web").run(timeout=60)
    assert EN("page.mapping.would", rows=1, accepted=1, aside=0) in [s.value for s in at.success]
    next(i for i in at.text_input if i.label == EN("desk.why")).set_value("a website's export")
    next(b for b in at.button if b.label == EN("page.mapping.save_load")).click().run(timeout=90)
    assert ask(root, "SELECT complaint_id, channel FROM complaints") == [("q1", "web")]


def test_nobody_but_a_steward_opens_the_page_and_a_name_outside_the_inbox_is_not_opened(root):
    at = opened(root, "mapping", "supervisor", "en", file=NAME)
    assert at.exception and not at.selectbox and RENAMED.split(",")[0] not in " ".join(texts(at))
    (root / "secret.csv").write_text("a,b\nSECRET,2\n", encoding="utf-8")
    mine = opened(root, "mapping", "steward", "en", file="../secret.csv")
    assert not mine.exception and "SECRET" not in " ".join(texts(mine))


def test_a_file_that_is_no_table_is_refused_in_its_own_words(root):
    (root / "inbox" / NAME).write_text("<html><body>error</body></html>", encoding="utf-8")
    at = opened(root, "mapping", "steward", "en", file=NAME)
    assert not at.exception
    assert any("web page" in e.value for e in at.error)
