"""What an estate page says of inspectors' eyes and of how readily residents report."""

import pytest

from data import editions
from i18n.words import LANGUAGES, Words
from pages.shared import format
from tests.pages.test_pages import opened, texts


@pytest.fixture(scope="module")
def con(demo_root):
    return editions.open_edition(editions.current(demo_root))


def told(at) -> str:
    return " ".join(texts(at))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_records_of_a_visit_say_by_what_failed_points_were_divided(demo_root, con, language):
    estate, factor = con.sql(
        "SELECT estate_id, factor FROM evidence WHERE metric = 'escape_routes_clear' AND factor > 1.05 "
        "AND period = '2026Q3' ORDER BY ALL LIMIT 1"
    ).fetchall()[0]
    at = opened(demo_root, "estate", "supervisor", language, estate=estate, metric="escape_routes_clear")
    table = next(t.value for t in at.dataframe if "adjusted" in t.value.columns)
    t = Words(language)
    assert t("adjustment.strict", factor=format.number(factor, t, 2)) in table["adjusted"].tolist()


def test_metrics_no_inspector_has_a_hand_in_have_no_such_column(demo_root, con):
    estate = con.sql("SELECT min(estate_id) FROM evidence WHERE metric = 'monthly_fire_check_rate'").fetchall()[0][0]
    at = opened(demo_root, "estate", "supervisor", "zh", estate=estate, metric="monthly_fire_check_rate")
    assert not any("adjusted" in t.value.columns for t in at.dataframe)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("side", "word", "order"), [("> 1.05", "loud", "DESC"), ("< 0.95", "quiet", "ASC")])
def test_an_estate_whose_people_report_readily_or_rarely_is_told_so(demo_root, con, language, side, word, order):
    estate, pi = con.sql(
        f"""
        SELECT estate_id, propensity FROM propensity
        WHERE period = '2026Q3' AND propensity {side} ORDER BY propensity {order}, estate_id
        """
    ).fetchall()[0]
    t = Words(language)
    said = t(f"adjustment.{word}", factor=format.number(pi, t, 2))
    assert said in told(opened(demo_root, "estate", "supervisor", language, estate=estate))


def test_an_inspectors_name_or_number_stands_on_no_estate_page(demo_root, con):
    inspectors = con.sql("SELECT inspector_id FROM inspectors").pl()["inspector_id"]
    facts = " ".join(con.sql("SELECT DISTINCT facts FROM evidence WHERE factor IS NOT NULL").pl()["facts"].drop_nulls())
    assert len(inspectors) > 30
    assert not [i for i in inspectors if i in facts]
