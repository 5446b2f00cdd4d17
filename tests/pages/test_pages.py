"""Every page as every role that may open it, in both languages: what a person would see."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from data import accounts, editions
from data.ledger import open_ledger
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from pages.shared.registry import PAGES

RAW_KEY = re.compile(r"^[a-z_]+(\.[a-z0-9_]+)+$")
OPENED = [(p.url_path, role) for p in PAGES for role in p.roles]
ROLES = ("supervisor", "subdistrict", "station", "manager", "steward")


def screen(root: str, url_path: str, role: str, language: str) -> None:
    """Script run by AppTest: one page for one role, the others registered beside it."""
    import os
    from functools import partial
    from pathlib import Path

    import streamlit as st

    from data import accounts, editions
    from data.ledger import open_ledger
    from i18n.words import Words
    from pages.shared.registry import PAGES

    os.environ["STEWARD_ROOT"] = root
    scope = next(p for p in accounts.demo_people(open_ledger(Path(root))) if p.role == role).scope
    current = editions.current(Path(root))
    con = editions.open_edition(current) if current else None
    made = {
        p.url_path: st.Page(
            partial(p.show, scope, con, Words(language)),
            title=p.url_path,
            url_path=p.url_path,
            default=p.url_path == url_path,
        )
        for p in PAGES
        if role in p.roles or p.url_path == url_path
    }
    st.session_state["pages"] = made
    st.navigation(list(made.values())).run()


def opened(root, url_path: str, role: str, language: str = "zh", **params: str) -> AppTest:
    at = AppTest.from_function(
        screen, kwargs={"root": str(root), "url_path": url_path, "role": role, "language": language}
    )
    for key, value in params.items():
        at.query_params[key] = value
    return at.run(timeout=60)


def texts(at: AppTest) -> list[str]:
    """Everything written on the page outside tables and charts."""
    parts = [*at.title, *at.subheader, *at.markdown, *at.caption, *at.info, *at.warning, *at.success, *at.error]
    return [p.value for p in parts] + [str(m.label) for m in at.metric] + [str(s.label) for s in at.selectbox]


@pytest.fixture(scope="module")
def people(demo_root) -> dict[str, Scope]:
    return {p.role: p.scope for p in accounts.demo_people(open_ledger(demo_root))}


@pytest.fixture(scope="module")
def own_estate(demo_root, people) -> str:
    """An estate the demo manager's company runs now."""
    con = editions.open_edition(editions.current(demo_root))
    rows = con.sql(
        "SELECT estate_id FROM management WHERE company_id = $c AND valid_to = DATE '9999-12-31' ORDER BY 1",
        params={"c": people["manager"].company_id},
    ).pl()
    return rows["estate_id"][0]


@pytest.fixture(scope="module")
def strange_estate(demo_root, people) -> str:
    con = editions.open_edition(editions.current(demo_root))
    rows = con.sql(
        "SELECT DISTINCT estate_id FROM management WHERE estate_id NOT IN (SELECT estate_id FROM management WHERE company_id = $c) "
        "ORDER BY 1",
        params={"c": people["manager"].company_id},
    ).pl()
    return rows["estate_id"][0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("url_path", "role"), OPENED)
def test_each_page_opens_for_its_roles_in_both_languages(demo_root, own_estate, url_path, role, language):
    params = {"estate": own_estate} if url_path == "estate" else {}
    at = opened(demo_root, url_path, role, language, **params)
    assert not at.exception, at.exception
    assert at.title, "a page has a title"
    raw = [text for text in texts(at) if RAW_KEY.match(text.strip())]
    assert not raw, f"raw word keys on screen: {raw}"


@pytest.mark.parametrize(("url_path", "role"), [(p.url_path, r) for p in PAGES for r in ROLES if r not in p.roles])
def test_a_page_refuses_a_role_it_is_not_for_even_when_called(demo_root, people, url_path, role):
    page = next(p for p in PAGES if p.url_path == url_path)
    with pytest.raises(PermissionError, match=role):
        page.show(people[role], None, Words("en"))


def test_a_manager_at_a_strangers_estate_is_told_it_is_not_theirs(demo_root, strange_estate):
    at = opened(demo_root, "estate", "manager", "en", estate=strange_estate)
    assert at.title[0].value == "No such estate"
    assert not at.metric and not at.dataframe


def test_a_manager_at_another_companys_address_is_told_it_is_not_theirs(demo_root, people):
    con = editions.open_edition(editions.current(demo_root))
    others = con.sql(
        "SELECT company_id FROM companies WHERE company_id <> $c", params={"c": people["manager"].company_id}
    ).pl()
    at = opened(demo_root, "company", "manager", "zh", company=others["company_id"][0])
    assert at.title[0].value == "没有这家企业"
    assert not at.metric


def test_an_estate_opens_down_to_file_and_line(demo_root, own_estate):
    at = opened(demo_root, "estate", "manager", "en", estate=own_estate, metric="monthly_fire_check_rate")
    evidence = next(t.value for t in at.dataframe if "file" in t.value.columns)
    assert evidence["file"].str.contains(".", regex=False).any()
    assert (evidence["line"].dropna() > 0).all()
    assert any("rules/metrics/monthly\\_fire\\_check\\_rate" in c.value for c in at.caption)


def test_the_points_lost_on_the_estate_page_sum_to_the_distance_from_100(demo_root, own_estate, people):
    con = editions.open_edition(editions.current(demo_root))
    at = opened(demo_root, "estate", "manager", "en", estate=own_estate)
    table = next(t.value for t in at.dataframe if "lost" in t.value.columns)
    score = con.sql(
        "SELECT score FROM index_scores WHERE level = 'tenure' AND estate_id = $e AND company_id = $c AND period = (SELECT max(period) "
        "FROM periods)",
        params={"e": own_estate, "c": people["manager"].company_id},
    ).pl()["score"][0]
    assert table["lost"].sum() == pytest.approx(100 - score, abs=1e-6)


def test_the_points_of_the_records_and_of_the_class_sum_to_what_the_metric_costs(demo_root, own_estate):
    # a duty of few rows, all on one screen: what is written per record adds up to what the sentence says
    at = opened(demo_root, "estate", "manager", "en", estate=own_estate, metric="monthly_fire_check_rate")
    said = next(c.value for c in at.caption if "points this metric costs" in c.value)
    lost, records, peers = (float(x) for x in re.findall(r"-?\d+\.\d+", said)[:3])
    assert lost == pytest.approx(records + peers, abs=0.02)
    evidence = next(t.value for t in at.dataframe if "lost_points" in t.value.columns)
    assert len(evidence) < 50  # one screen
    assert evidence["lost_points"].sum() == pytest.approx(-records, abs=0.01)
    costs = next(t.value for t in at.dataframe if "lost" in t.value.columns).set_index("metric")["lost"]
    assert lost == pytest.approx(costs["Monthly fire check rate"], abs=0.01)


def test_rankings_show_how_far_a_score_and_a_place_can_be_trusted(demo_root):
    for url_path, key in (("companies", "company"), ("estates", "estate")):
        at = opened(demo_root, url_path, "supervisor", "en")
        table = next(t.value for t in at.dataframe if "interval" in t.value.columns)
        rated = table[table["final"].notna() & table["ranks"].notna()]
        assert len(rated) > 5, key
        for score, said in zip(rated["final"], rated["interval"], strict=True):
            low, high = map(float, said.split("–"))
            assert 0 <= low <= score <= high <= 100
        assert any("whose intervals overlap cannot be told apart" in c.value for c in at.caption)


def test_above_the_due_list_stands_how_many_of_each_step_are_expected_wrong(demo_root):
    con = editions.open_edition(editions.current(demo_root))
    rows = con.sql("SELECT step, count(p) AS n, sum(1 - p) AS wrong FROM due WHERE p IS NOT NULL GROUP BY step").pl()
    assert rows.height > 0
    said = next(i.value for i in opened(demo_root, "due", "supervisor", "en").info if "expected" in i.value)
    t = Words("en")
    for row in rows.to_dicts():
        line = next(x for x in said.splitlines() if t(f"ladder.step.{row['step']}.name") in x)
        assert str(row["n"]) in line
        if row["wrong"] >= 0.1:
            assert f"{row['wrong']:.1f}" in line


def test_below_the_due_list_officers_see_who_is_watched_ahead_of_a_listing_and_managers_do_not(demo_root, people):
    con = editions.open_edition(editions.current(demo_root))
    # the demo's watched spells: persistent by the numbers, at most a reminder due, no listing or graver step standing
    [[watched]] = con.sql(
        """
        SELECT count(*) FROM flags AS f JOIN due AS d ON d.party_id = f.unit_id AND d.period = f.period AND d.party = 'estate'
        WHERE f.level = 'tenure' AND f.stage <> 'none' AND d.step IN ('none', 'attention')
          AND (d.params LIKE '%"stands":null%' OR d.params NOT LIKE '%"stands"%' OR d.params LIKE '%"stands":"attention"%')
        """
    ).fetchall()
    assert watched > 0, "the demo must hold some, or this proves nothing"
    heading = Words("en")("candidate.title", n=str(watched))
    at = opened(demo_root, "due", "supervisor", "en")
    assert heading in [s.value for s in at.subheader]
    assert at.dataframe[-1].value.shape[0] == watched
    assert heading in [s.value for s in opened(demo_root, "due", "supervisor", "en", step="listing").subheader]
    assert not [s.value for s in opened(demo_root, "due", "manager", "en").subheader if "Candidates" in s.value]


@pytest.mark.parametrize(("state", "said"), [("rated", "with 90 % confidence"), ("provisional", "Provisional:"), ("not_rated", "Not rated:")])  # fmt: skip
def test_an_estate_page_says_how_sure_its_score_is(demo_root, state, said):
    con = editions.open_edition(editions.current(demo_root))
    row = con.sql(
        "SELECT unit_id, period, lo, hi FROM index_scores WHERE level = 'estate' AND state = $state ORDER BY period DESC, unit_id",
        params={"state": state},
    ).pl().row(0, named=True)  # fmt: skip
    at = opened(demo_root, "estate", "supervisor", "en", estate=row["unit_id"], period=row["period"])
    written = texts(at)
    assert any(said in text for text in written), written
    sure = [text for text in written if "The chance that it is below 60 is" in text]
    assert bool(sure) == (state != "not_rated")
    if sure:
        assert f"between {row['lo']:.1f} and {row['hi']:.1f} with" in sure[0]


def test_before_the_first_edition_the_desk_pages_say_what_to_do(tmp_path):
    from datetime import UTC, datetime

    accounts.ensure_demo_people(
        open_ledger(tmp_path),
        [
            {
                "account_id": "demo-steward",
                "name_zh": "数据专员",
                "name_en": "Steward",
                "role": "steward",
                "area_id": None,
                "company_id": None,
            }
        ],
        datetime(2026, 11, 23, tzinfo=UTC),
    )
    for url_path, said in (("deliveries", "Nothing has been delivered yet"), ("editions", "There is no edition yet")):
        at = opened(tmp_path, url_path, "steward", "en")
        assert not at.exception
        assert any(said in i.value for i in at.info)


def test_text_from_records_is_never_read_as_markup():
    from pages.shared.format import plain

    hostile = "<script>alert(1)</script> **bold** [link](javascript:1) $x$ :material/home: `code`"
    shown = plain(hostile)
    for mark in ("<", "*", "[", "]", "(", "$", ":", "`"):
        assert mark not in re.sub(r"\\.", "", shown)


def test_addresses_and_icons_are_parted_unseen_and_times_are_not():
    from pages.shared.format import plain

    assert plain("http://a www.b c@d :material/home: :smile:") == (
        "http\u2060\\://a www\u2060\\.b c\u2060@d \\:\u2060material/home\\: \\:\u2060smile\\:"
    )
    assert "\u2060" not in plain("2026-11-23 10:30:45, a:b, 8:30")
