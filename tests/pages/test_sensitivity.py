"""The page on how far the index depends on its method: what it says is what the numbers say."""

from __future__ import annotations

import re

import polars as pl
import pytest

from data import editions
from data.queries import studies
from data.scope import Scope
from data.study_tables import INPUTS
from i18n.words import LANGUAGES, Words
from pages.about.sensitivity import by_pairs, largest, pair, stays, tried, what_if
from tests.pages.test_pages import opened, texts

ROW = {"first": 0.1, "total": 0.1, "mean_shift": 5.3, "low": 6.0, "high": 24.0, "published": 12.0, "shift_low": 35.35,
       "shift_high": 22.55}  # fmt: skip


def rows(**totals: float | None) -> list[dict]:
    found = {name: totals.get(name, 0.01) for name in INPUTS}
    bounds = {name: {"total_lo": x - 0.02, "total_hi": x + 0.02} if x is not None else {} for name, x in found.items()}
    return [ROW | {"input": name, "total": x} | bounds[name] for name, x in found.items()]


@pytest.fixture(scope="module")
def told(demo_root) -> tuple[list[dict], dict, list[str]]:
    """The demo edition's own numbers, and what its page says of them."""
    con = editions.open_edition(editions.current(demo_root))
    facts = con.sql("FROM sensitivity_facts").pl().row(0, named=True)
    return (
        con.sql("FROM sensitivity").pl().to_dicts(),
        facts,
        texts(opened(demo_root, "sensitivity", "supervisor", "en")),
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", INPUTS)
def test_the_choice_named_first_is_the_one_with_the_greatest_share(language, name):
    t = Words(language)
    second = INPUTS[INPUTS.index(name) - 1]
    said = largest(rows(**{name: 0.41, second: 0.33}), t)
    names = re.findall(r"\*\*(.+?)\*\*", said)
    assert names == [t(f"sensitivity.{name}.name"), t(f"sensitivity.{second}.name")]
    assert said.index("41%") < said.index("33%")
    assert t("page.sensitivity.close") not in said


def test_two_choices_whose_bounds_overlap_are_said_to_be_close():
    t = Words("en")  # bounds lie .02 to either side
    assert t("page.sensitivity.close") in largest(rows(weights=0.32, half_life=0.29), t)
    assert t("page.sensitivity.close") not in largest(rows(weights=0.35, half_life=0.29), t)


def test_an_index_no_choice_can_move_is_said_to_be_so():
    assert largest([r | {"total": None} for r in rows()], Words("en")) == "None of the choices tried changed any place."


def test_the_sentence_on_those_below_names_both_numbers():
    facts = {"below": 80, "below_robust": 46, "robust_share": 0.8}
    said = stays(facts, Words("zh"))
    assert "80个小区中，46个在至少80%的算法下仍低于60分" in said
    assert stays(facts | {"below": 0, "below_robust": 0}, Words("en")) == "No estate is published below 60."


def test_another_half_life_is_said_in_months_and_places():
    said = what_if(ROW | {"input": "half_life"}, Words("zh"))
    assert said == ["如果把半衰期改为6个月，名次平均变动35.4位。", "如果把半衰期改为24个月，名次平均变动22.6位。"]
    assert tried(ROW | {"input": "half_life"}, Words("zh")) == "6至24个月（公布：12个月）"


def test_stricter_and_laxer_goalposts_are_told_apart():
    goalposts = ROW | {"input": "goalposts", "low": -0.1, "high": 0.1, "published": 0.0}
    laxer, stricter = what_if(goalposts, Words("en"))
    assert "laxer (moved 10% of the way towards failing), places would change by 35.4" in laxer
    assert "stricter (moved 10% of the way towards the best, never beyond it), places would change by 22.6" in stricter


def test_weights_have_no_end_and_tell_their_average():
    weights = ROW | {"input": "weights", "low": 0.75, "high": 1.25, "shift_low": None, "shift_high": None}
    assert what_if(weights, Words("en")) == [
        "If the weights of metrics and sub-indices varied at random within 25%, places would change by 5.3 on average."
    ]


def test_a_pair_that_contradicts_itself_is_named_with_its_number():
    row = {"finding": "opposed", "subindex": "fire", "metric": "escape_routes_clear", "other": "fires_per_1000_homes",
           "value": -0.456}  # fmt: skip
    said = pair(row, Words("en"))
    assert Words("en")("metric.escape_routes_clear.name") in said
    assert "-0.46" in said


def test_the_sentence_on_pairwise_wins_names_its_two_numbers_and_is_silent_for_an_older_edition():
    rows = pl.DataFrame({"measure": ["alpha", "pairwise_order", "settled_pairs"], "value": [0.7, 0.934, 0.256]})
    said = by_pairs(rows, Words("en"))
    assert "a rank correlation of 0.93 with" in said and "In 26% of all pairs" in said
    assert "等级相关为0.93" in by_pairs(rows, Words("zh"))
    assert by_pairs(rows[:1], Words("zh")) is None


def test_the_page_says_the_editions_own_numbers(told):
    numbers, facts, written = told
    first = max(numbers, key=lambda r: r["total"])
    name = Words("en")(f"sensitivity.{first['input']}.name")
    sentence = next(text for text in written if "matters most for the places" in text)
    assert f"**{name}** matters most" in sentence
    assert f"about {first['total']:.0%}" in sentence
    half_life = next(r for r in numbers if r["input"] == "half_life")
    six = next(text for text in written if "If the half-life were 6 months" in text)
    assert f"6 months, places would change by {half_life['shift_low']:.1f} on average" in six
    assert any(
        f"{facts['runs']:,} other ways" in text and f"the {facts['units']:,} estates" in text for text in written
    )


def test_the_page_shows_five_subindices_and_the_whole(demo_root):
    at = opened(demo_root, "sensitivity", "manager", "zh")
    table = at.dataframe[0].value
    assert table["part"].iloc[-1] == "全部分项" and len(table) == 6
    assert table["weight"].iloc[:5].tolist() == ["30%", "25%", "15%", "15%", "15%"]


def test_an_edition_that_rates_nobody_says_why_there_is_nothing(tmp_path):
    from tests.pages.house import furnish

    furnish(tmp_path)
    at = opened(tmp_path, "sensitivity", "supervisor", "en")
    assert not at.exception
    assert "Fewer than two estates are rated" in at.info[0].value


def test_one_units_robust_share_is_read_by_its_own_company_and_no_other(demo_root):
    con = editions.open_edition(editions.current(demo_root))
    pairs = con.sql(
        "SELECT unit_id, company_id FROM robustness JOIN management USING (unit_id) WHERE level = 'tenure' ORDER BY ALL"
    ).pl()
    unit, company = pairs.row(0)
    other = next(c for _, c in pairs.iter_rows() if c != company)
    asked = {"level": "tenure", "unit_id": unit, "period": "2026Q3"}
    own = studies.robust_share(Scope("a", "manager", company_id=company), con, **asked)
    assert own == studies.robust_share(Scope("s", "supervisor"), con, **asked)
    assert 0 <= own["share_below"] <= 1
    assert studies.robust_share(Scope("b", "manager", company_id=other), con, **asked) is None
