"""Files that wait for a person, as the steward meets them on the deliveries page."""

from __future__ import annotations

import pytest

from i18n.words import LANGUAGES, Words
from pages.shared import format
from tests.data.test_deliveries import orders
from tests.data.town import ORDERS, ask, load, put, registers
from tests.pages.house import furnish
from tests.pages.test_pages import opened, texts

EN = Words("en")


@pytest.fixture
def root(tmp_path):
    """A store with one file of 40 rows of which 30 name an estate nobody knows."""
    place = tmp_path / "var"
    place.mkdir()
    furnish(place)
    registers(place)
    text = orders(0, 30, "2026-01-05").replace(",oak,", ",ash,") + "\n".join(
        orders(30, 10, "2026-01-05").splitlines()[1:]
    )
    assert load(place, put(tmp_path, "odd.csv", text + "\n")).waits == "waiting"
    return place


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_that_waits_stands_above_with_why_it_waits(root, language):
    t = Words(language)
    mine, theirs = opened(root, "deliveries", "steward", language), opened(root, "deliveries", "supervisor", language)
    for at in (mine, theirs):
        assert not at.exception
        assert t("page.deliveries.waiting", n=1) in [s.value for s in at.subheader]
        assert any("30" in m and "75" in m for m in texts(at))
    labels = [[b.label for b in at.button] for at in (mine, theirs)]
    assert t("page.deliveries.accept") in labels[0]
    assert t("page.deliveries.accept") not in labels[1]  # a supervisor sees it and does not decide


def test_letting_a_file_in_needs_a_reason_and_then_its_rows_count(root):
    at = opened(root, "deliveries", "steward", "en")
    button = next(b for b in at.button if b.label == EN("page.deliveries.accept"))
    button.click().run(timeout=60)
    assert EN("desk.why_missing") in [w.value for w in at.warning]
    assert ask(root, "SELECT count(*) FROM complaints") == [(0,)]
    at.text_input[-1].set_value("the station confirmed it")
    next(b for b in at.button if b.label == EN("page.deliveries.accept")).click().run(timeout=60)
    assert not at.exception
    assert EN("page.deliveries.accepted", id="W0001") in [s.value for s in at.success]
    assert ask(root, "SELECT count(*) FROM complaints") == [(10,)]
    assert ask(root, "SELECT decided_by, why FROM deliveries_waiting") == [("demo-steward", "the station confirmed it")]


def test_a_refused_file_leaves_the_list_and_stands_among_the_decided(root):
    at = opened(root, "deliveries", "steward", "en")
    at.text_input[-1].set_value("sent by mistake")
    next(b for b in at.button if b.label == EN("page.deliveries.refuse")).click().run(timeout=60)
    assert EN("page.deliveries.refused_one", id="W0001") in [s.value for s in at.success]
    assert EN("page.deliveries.waiting", n=1) not in [s.value for s in at.subheader]
    assert ask(root, "SELECT state FROM deliveries_waiting") == [("refused",)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_and_likely_records_are_shown_with_how_sure_they_are(root, language):
    t = Words(language)
    rows = [f"n{i},{name},2026-01-06 09:00:00,110,投诉,," for i, name in enumerate(("橡园", "榆园（东区）"))]
    load(root, put(root.parent, "named.csv", "\n".join([ORDERS, *rows]) + "\n"))
    at = opened(root, "deliveries", "steward", language)
    assert not at.exception
    assert t("page.deliveries.links", n=1) in [e.label for e in at.expander]
    table = next(d.value for d in at.dataframe if "how" in d.value.columns)
    assert table[["said", "record", "how", "sure"]].to_numpy().tolist() == [
        ["橡园", "橡园 oak", t("intake.link.same_name"), 100]
    ]
    aside = opened(root, "set_aside", "steward", language, source="complaints", reason="who_is_this")
    assert not aside.exception
    said = [v for d in aside.dataframe if "why" in d.value.columns for v in d.value["why"]]
    assert any("榆园 (elm)" in v or "榆园（elm）" in v for v in said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_file_with_a_renamed_column_offers_the_page_of_mappings_to_the_steward_alone(root, language):
    t = Words(language)
    (root / "inbox").mkdir()
    row = "n{i},oak,2026-01-06 09:00:00,110,投诉,2026-01-07,"
    load(root, put(root.parent, "first.csv", "\n".join([ORDERS, row.format(i=1)]) + "\n"))
    renamed = "\n".join([ORDERS.replace("办结日期", "结案日期"), row.format(i=1)]) + "\n"
    assert load(root, put(root / "inbox", "20260110T080000_b.csv", renamed)).waits == "waiting"
    mine, theirs = (opened(root, "deliveries", role, language) for role in ("steward", "supervisor"))
    said = t("intake.note.column_renamed", old="办结日期", new="结案日期", percent=100)
    for at in (mine, theirs):
        assert not at.exception
        assert any(format.plain(said) in m for m in texts(at))
    labels = [[link.proto.label for link in at.get("page_link")] for at in (mine, theirs)]
    assert t("page.deliveries.map_instead") in labels[0]
    assert t("page.deliveries.map_instead") not in labels[1]
