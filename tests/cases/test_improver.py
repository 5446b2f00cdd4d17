"""The best improver of a class: only a rise told apart from noise, by the interval of the difference."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from cases.sentences import sentence
from i18n.words import LANGUAGES, Words
from rules.book import Book
from tests.cases.ladder_town import decide, duty, sanction, scores, small_book

PERIOD, YEAR_AGO = "2026Q3", "2025Q3"


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return small_book(tmp_path, "probability")


def unit(name: str, then: float, now: float, sd: float = 2.0, band: str = "good", **given) -> list[dict]:
    own = {"unit_id": name, "estate_id": f"e-{name}", "sd": sd} | given
    return [
        *scores("attention", period=YEAR_AGO, final=then, **own),
        *scores(band, period=PERIOD, final=now, **own),
    ]


def town(*units: list[dict]) -> list[dict]:
    """The units asked about and five of the same class that stood still."""
    still = [unit(f"still-{i}", 75.0, 75.0) for i in range(5)]
    return [row for rows in (*units, *still) for row in rows]


def commended(rows, book, **given) -> dict[str, dict]:
    found = decide(rows, book=book, period=PERIOD, **given)
    return {r["party_id"]: r for r in found.iter_rows(named=True) if r["step"] == "commendation"}


def test_the_greatest_sure_rise_of_a_class_is_due_for_commendation_with_its_interval(book):
    found = commended(town(unit("most", 60.0, 80.0), unit("some", 60.0, 72.0)), book)
    assert list(found) == ["most"] and found["most"]["reason"] == "surely_improved"
    # 20 points, spread sqrt(2^2 + 2^2) = 2.8284, times 1.6449 = 4.6524: 15.3476 to 24.6524
    given = json.loads(found["most"]["params"])
    assert given["gain"] == pytest.approx(20.0)
    assert (given["gain_lo"], given["gain_hi"]) == (pytest.approx(15.3476, abs=1e-4), pytest.approx(24.6524, abs=1e-4))
    assert found["most"]["p"] == given["improved_p"] > 0.999
    for language in LANGUAGES:
        said = sentence(Words(language), found["most"]["reason"], found["most"]["params"])
        assert "20.0" in said and "15.3" in said and "24.7" in said and "{" not in said


def test_a_greater_but_less_certain_rise_yields_to_the_one_told_apart_from_noise(book):
    # 22 points with spread sqrt(2 * 10^2) = 14.1 reach down to -1.3; 12 points with 2.83 only to 7.3
    assert list(commended(town(unit("wild", 58.0, 80.0, sd=10.0), unit("firm", 66.0, 78.0)), book)) == ["firm"]


def test_a_rise_within_noise_is_nobodys_merit(book):
    # 2 points, spread 2.83: P(rise) = Phi(.71) = .76 < .80
    assert commended(town(unit("noise", 74.0, 76.0)), book) == {}


def test_a_rise_likely_enough_for_a_flag_but_with_zero_inside_its_interval_is_no_merit(book):
    # 3 points, spread 2.8284: P(rise) = Phi(1.0607) = .856 >= .80, yet 3 - 4.6524 = -1.65 < 0; 5 points reach 0.3476
    assert commended(town(unit("likely", 74.0, 77.0)), book) == {}
    assert list(commended(town(unit("sure", 74.0, 79.0)), book)) == ["sure"]


@pytest.mark.parametrize(
    "changed",
    [{"band": "attention"}, {"company_id": None}],
)
def test_a_rise_to_no_good_band_or_of_nobody_is_not_commended(book, changed):
    assert commended(town(unit("most", 40.0, 68.0, **changed)), book) == {}


def test_a_duty_unmet_a_standing_step_or_a_cap_bars_it_as_it_bars_the_top_band(book):
    rows = town(unit("most", 60.0, 80.0))
    missed = duty("missed", "guards_certified", "security", unit_id="most")
    assert commended(rows, book, duties=[missed]) == {}
    entry = sanction("listing", date(2026, 6, 1), estate_id="e-most")
    assert commended(rows, book, sanctions=[entry]) == {}
    capped = town(unit("most", 60.0, 80.0, cap=89.0, cap_reason="fatal_fire"))
    assert "most" not in commended(capped, book)


def test_a_new_companys_spell_is_not_compared_with_the_one_before(book):
    before = scores("attention", period=YEAR_AGO, unit_id="most-old", estate_id="e-most", final=60.0, sd=2.0)
    after = scores("good", period=PERIOD, unit_id="most-new", estate_id="e-most", company_id="best", final=80.0, sd=2.0)
    assert commended(town(before, after), book) == {}


def test_best_of_a_handful_is_no_distinction(book):
    # four units in the class: five are needed
    few = [unit("most", 60.0, 80.0), *(unit(f"still-{i}", 75.0, 75.0) for i in range(3))]
    assert commended([row for rows in few for row in rows], book) == {}
    enough = [*few, unit("still-3", 75.0, 75.0)]
    assert list(commended([row for rows in enough for row in rows], book)) == ["most"]


def test_each_class_has_its_own(book):
    other = [
        unit("tower", 60.0, 75.0, estate_class="LR"),
        *(unit(f"low-{i}", 75.0, 75.0, estate_class="LR") for i in range(4)),
    ]
    assert sorted(commended(town(unit("most", 60.0, 80.0), *other), book)) == ["most", "tower"]
