"""A small district's surveys: 20 estates a year, six questions each. Chance holds nothing up; a true shift does."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data.deliveries import rule_on
from data.shifts import SHEET, shifts, stability
from tests.data.town import ask, counts, load, put, registers

QUESTIONS = ("总体", "安全", "秩序", "维修", "保洁", "响应")
ESTATES = 20


@pytest.fixture
def root(tmp_path) -> Path:
    """The town with 20 estates of 100 to 1,050 homes."""
    place = registers(tmp_path / "var")
    lines = [f"e{i},2020-01-01,,小区{i},高层住宅,S1,{100 + 50 * i}" for i in range(ESTATES)]
    load(
        place,
        put(
            tmp_path,
            "more.csv",
            "\n".join(["小区编号,生效日期,失效日期,小区名称,小区类别,街道编号,户数", *lines]) + "\n",
        ),
    )
    return place


def survey(year: int, times: float = 1.0, kind: str = "是") -> str:
    """One spring's surveys: a tenth of the homes asked, some two in three answer (``times`` as many), most are satisfied."""
    rng = np.random.default_rng(year)
    lines = ["测评编号,小区编号,测评日期,测评项目,发放份数,有效份数,满意份数,第三方实施"]
    for i in range(ESTATES):
        asked = 10 + 5 * i
        answered = int(min(rng.binomial(asked, 0.65) * times, 5 * asked))
        for question in QUESTIONS:
            pleased = rng.binomial(answered, 0.8)
            lines.append(
                f"C{year}{i},e{i},{year}-04-{1 + i % 28:02d},{question},{asked * 5},{answered},{pleased},{kind}"
            )
    return "\n".join(lines) + "\n"


def years(root: Path, tmp_path: Path, *texts: str) -> list:
    return [load(root, put(tmp_path, f"{i}.csv", text)) for i, text in enumerate(texts)]


def test_like_surveys_of_twenty_estates_are_let_in_year_after_year(root, tmp_path):
    made = years(root, tmp_path, *(survey(y) for y in range(2020, 2027)))
    assert [m.waits for m in made] == [None] * 7
    assert counts(made[-1]) == (120, 120, 0, 0, 0)  # 20 estates x 6 questions
    assert ask(root, "SELECT * FROM delivery_notes WHERE note = 'column_shift'") == []


@pytest.mark.parametrize(
    ("odd", "column"),
    [({"times": 5.0}, "answered"), ({"kind": "否"}, "third_party"), ({"kind": ""}, "third_party")],
    ids=["five times the answers", "no third party any more", "left empty"],
)
def test_a_true_shift_of_a_small_survey_waits(root, tmp_path, odd, column):
    *_, last = years(root, tmp_path, *(survey(y) for y in range(2020, 2024)), survey(2024, **odd))
    assert last.waits == "waiting"
    ((parts,),) = ask(root, "SELECT parts FROM deliveries_waiting")
    told = [d["params"]["column"] for p in json.loads(parts) for d in p["doubts"] if d["waits"]]
    assert column in told


def test_rows_of_one_sheet_that_say_the_same_are_one_thing_said():
    # 30 and 10 of 40, then 10 and 30: index (30.5 - 10.5) / 41 * 2 * ln(30.5 / 10.5); its statistic is index * n * m / (n + m)
    before, now = {"a": 30, "b": 10}, {"a": 10, "b": 30}
    alone, sheets = stability(before, now), stability(before, now, (0.1, 0.1))
    assert alone[0] == sheets[0] == pytest.approx(2 * (20 / 41) * np.log(30.5 / 10.5))
    # a tenth of the rows: a tenth of the statistic; of one degree, 20.8 is no chance and 2.1 is
    assert alone[1] < 1e-4 and sheets[1] > 0.1


def profile(counts: dict[str, int], **more) -> pl.DataFrame:
    rows = sum(counts.values())
    said = {"rows": rows, "counts": {"\0missing": 0, **counts, "\0other": 0}, **more}
    return pl.DataFrame({"delivery_id": ["d"], "column_name": ["x"], "profile": [json.dumps(said)]})


def test_words_that_never_come_again_are_no_shift_and_a_word_that_stays_away_is():
    rule = rule_on(date(2026, 1, 1))
    names = profile({f"place {i}": 3 for i in range(40)})  # 120 rows, no word on five of them
    others = pl.DataFrame({"x": [f"spot {i % 40}" for i in range(120)]})
    assert shifts(others, names, rule) == {}
    usual = profile({"joint": 60, "fire": 60})
    assert shifts(pl.DataFrame({"x": ["joint"] * 120}), usual, rule)["x"] > 0.5


def test_a_profile_kept_by_an_earlier_version_serves_too():
    rule = rule_on(date(2026, 1, 1))
    old = profile({str(10 * i): 6 for i in range(1, 19)})  # 18 numbers as words, and no word of how many sheets
    near = pl.DataFrame(
        {"x": [10 * i + 3 for i in range(18) for _ in range(6)], SHEET: [i for i in range(18) for _ in range(6)]}
    )
    far = near.with_columns(x=pl.col("x") * 20)
    assert shifts(near, old, rule) == {}
    assert list(shifts(far, old, rule)) == ["x"]
