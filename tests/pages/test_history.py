"""The record of steps of a company, a head and an estate: named, and reached by links, for those who may read it."""

from __future__ import annotations

import pytest

from data import editions
from i18n.words import Words
from tests.pages.test_pages import opened
from tests.pages.test_pages import people as people  # the fixture


@pytest.fixture(scope="module")
def con(demo_root):
    return editions.open_edition(editions.current(demo_root))


@pytest.fixture(scope="module")
def post(con, people) -> dict:
    """A head in office at an estate of the demo manager's company, with the names."""
    return (
        con.sql(
            """
        SELECT t.estate_id, t.company_id, t.head_id, h.name_zh AS head, c.name_zh AS company, e.name_zh AS estate
        FROM tenures AS t JOIN office_heads AS h USING (head_id) JOIN companies AS c ON c.company_id = t.company_id
        JOIN estates AS e ON e.estate_id = t.estate_id AND e.period = (SELECT max(period) FROM periods)
        WHERE t.company_id = $company AND t.valid_to IS NULL ORDER BY t.tenure_id LIMIT 1
        """,
            params={"company": people["manager"].company_id},
        )
        .pl()
        .row(0, named=True)
    )


@pytest.mark.parametrize("kind", ["company", "head", "estate"])
@pytest.mark.parametrize("role", ["supervisor", "manager"])
def test_the_page_names_whose_record_it_shows(demo_root, post, kind, role):
    at = opened(demo_root, "history", role, "zh", **{kind: post[f"{kind}_id"]})
    assert not at.exception
    assert at.title[0].value == Words("zh")("page.history.title_of", name=post[kind])


def test_a_strangers_record_has_no_name_for_a_manager(demo_root, con, people):
    company = people["manager"].company_id
    strange = con.sql(
        "SELECT head_id FROM tenures WHERE head_id IS NOT NULL AND head_id NOT IN "
        "(SELECT head_id FROM tenures WHERE company_id = $c AND head_id IS NOT NULL) ORDER BY 1 LIMIT 1",
        params={"c": company},
    ).pl()["head_id"][0]
    at = opened(demo_root, "history", "manager", "zh", head=strange)
    assert at.title[0].value == Words("zh")("page.history.title") and not at.dataframe


def test_an_estates_page_leads_to_the_records_of_its_heads(demo_root, post):
    at = opened(demo_root, "estate", "supervisor", "zh", estate=post["estate_id"])
    links = [link.proto.label for link in at.get("page_link")]
    assert Words("zh")("page.history.of_head", name=post["head"]) in links
    assert Words("zh")("page.history.of_estate") in links
