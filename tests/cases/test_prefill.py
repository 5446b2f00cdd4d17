"""From a row of the due list to a paper: what the edition knows stands on it, number by number."""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO

import polars as pl
import pypdf
import pytest

from cases.papers import prefill, shapes
from cases.papers.blocks import Both
from cases.papers.extracts import Source, in_force
from cases.papers.press import Press
from data import editions
from data.queries import files, rankings
from data.scope import Scope
from i18n.words import LANGUAGES
from rules.book import Book
from tests.cases.case_town import ANNA, BEN, OUTSIDE, Run
from tests.cases.paper_samples import SAMPLES

SUPERVISOR = Scope("anna", "supervisor")
KINDS = {"attention": "attention", "listing": "listing", "interview": "interview", "replacement": "recommendation",
         "commendation": "commendation"}  # fmt: skip
PREFILLED = ("edition", "pass_mark", "to", "rule", "facts", "for_party", "chart", "records", "records_total")


@pytest.fixture(scope="module")
def con(demo_root):
    return editions.open_edition(editions.current(demo_root))


@pytest.fixture(scope="module")
def source(con) -> Source:
    edition = rankings.edition(SUPERVISOR, con)
    return Source(edition, edition["period"], Book())


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


def found(con, due: dict) -> prefill.Found:
    level = "head" if due["party"] == "head" else "tenure"
    unit = {"level": level, "unit_id": due["party_id"]}
    scores = files.metric_scores(SUPERVISOR, con, **unit, period=due["period"])
    return prefill.Found(
        due, files.unit(SUPERVISOR, con, **unit, period=due["period"]), files.history(SUPERVISOR, con, **unit), scores,
        {m: files.evidence(SUPERVISOR, con, **unit, metric=m, period=due["period"])
         for m in prefill.metrics_named(due, scores)},
    )  # fmt: skip


def rows_by_step(con) -> dict[str, dict]:
    due = rankings.due_list(SUPERVISOR, con, limit=10_000).filter(pl.col("party") != "company")
    first = due.unique("step", keep="first", maintain_order=True)
    return {r["step"]: r for r in first.iter_rows(named=True)}


def test_every_step_of_the_demo_becomes_a_paper_in_both_languages(con, source, press):
    steps = rows_by_step(con)
    assert {"attention", "commendation"} <= set(steps)
    for step, due in steps.items():
        kind = KINDS[step]
        parts = prefill.step_parts(source, found(con, due))
        fields = {f: parts[f] for f in PREFILLED if f in shapes.PAPERS[kind].__dataclass_fields__}
        sample = SAMPLES[kind].__dict__
        paper = shapes.PAPERS[kind](**{**sample, **fields})
        for language in LANGUAGES:
            text = re.sub(r"[\s\u200b]+", "", "".join(
                p.extract_text() for p in pypdf.PdfReader(BytesIO(press.print(paper, language).pdf)).pages
            ))  # fmt: skip
            name = due[f"estate_{language}"] or due["estate_zh"]
            assert re.sub(r"\s+", "", name) in text
            assert f"{found(con, due).unit['final']:.1f}" in text


def test_the_numbers_are_the_editions_own(con, source):
    due = rows_by_step(con)["attention"]
    known = found(con, due)
    parts = prefill.step_parts(source, known)
    assert parts["facts"][0].value == f"{known.unit['final']:.1f}"
    assert parts["pass_mark"] == 60.0  # rules/index.toml, band attention
    assert parts["rule"].since == due["rule_from"]
    assert parts["chart"][-1].label == due["period"]
    names = prefill.metrics_named(due, known.scores)
    assert len(parts["facts"]) == 2 + (known.unit["cap"] is not None) + len(names)  # score, chance, cap if any
    assert parts["records_total"] == sum(known.evidence[m].height for m in names)
    assert {r.record_id for r in parts["records"]} == {i for m in names for i in known.evidence[m]["record_id"]}


def test_what_speaks_for_the_party_is_every_metric_at_its_target(con):
    scores = pl.DataFrame(
        {
            "metric": ["guards_certified", "drill_records_complete", "owner_survey", "escape_routes_clear"],
            "state": ["measured", "measured", "not_collected", "measured"],
            "weight": [0.2, 0.4, 0.3, 0.0],
            "points": [90.0, 95.5, 99.0, 99.0],  # on the line; above; never measured; shown but not scored
            "records": [3, 8, 0, 5],
        }
    )
    said = prefill.speaks_for(scores)
    assert [s.en.split(":")[0] for s in said] == ["Drill records complete", "Guards certified"]
    just_below = scores.with_columns(points=pl.lit(89.99))
    assert prefill.speaks_for(just_below) == ()


def test_a_step_names_the_duties_missed_first():
    scores = pl.DataFrame(
        {"metric": ["a", "b", "c", "d", "e"], "points_lost": [-0.2, -4.0, None, -3.0, -0.04]}
    )  # e is below what is shown
    due = {"params": '{"missed": ["d"]}'}
    assert prefill.metrics_named(due, scores) == ["d", "b", "a"]


def test_a_row_that_says_nothing_is_on_record_says_so_in_the_annex():
    rows = pl.DataFrame(
        {"record_id": ["x"], "decided_on": [date(2026, 9, 30)], "facts": ["{}"], "excluded": [None], "file": [None],
         "line": [None], "numerator": [0.0], "denominator": [1.0]}
    )  # fmt: skip
    [record] = prefill.record_rows("yearly_evacuation_drill_held", rows)
    assert record.what == Both("无记录", "nothing on record")
    assert record.file is None


def test_grounds_offered_are_articles_read_at_their_source(source):
    offered = prefill.grounds(source, ["daily_fire_patrol_rate", "guards_certified"])
    assert "HR5 34" in offered
    assert any(g.startswith("SEC 16") for g in offered)
    rule = source.book.metric(date(2026, 9, 30), "complaints_closed_in_time")["law"]
    assert "WFH 20" in rule  # Weifang's, an example
    assert not [g for g in prefill.grounds(source, ["complaints_closed_in_time"]) if g.startswith("WFH")]


def test_a_probability_is_cut_and_never_rounded_up():
    assert [prefill.sure(p) for p in (0.9999, 1.0, 0.925, 0.0)] == ["99%", "100%", "92%", "0%"]


def test_the_annex_begins_with_what_fell_short_and_ends_with_what_was_left_out():
    rows = pl.DataFrame(
        {
            "record_id": ["done", "short", "left-out", "short-older"],
            "decided_on": [date(2026, 9, d) for d in (30, 20, 10, 1)],
            "facts": ["{}"] * 4,
            "excluded": [None, None, "disputed", None],
            "file": ["f.csv"] * 4,
            "line": [1, 2, 3, 4],
            "numerator": [7.0, 6.0, 0.0, 0.0],
            "denominator": [7.0] * 4,
        }
    )
    share = prefill.record_rows("daily_fire_patrol_rate", rows)
    assert [r.record_id for r in share] == ["short", "short-older", "done", "left-out"]
    count = prefill.record_rows("valid_matters_per_100_homes", rows)  # a matter counted is one too many
    assert [r.record_id for r in count] == ["done", "short", "short-older", "left-out"]


def test_a_bulletin_lists_what_is_in_effect_and_nothing_under_objection():
    listing = Run("listing", date(2026, 3, 2))
    listing.do(ANNA, "decided", outcome="accept", step="listing")
    listing.do(ANNA, "served")
    assert in_force([listing.case], "listing", date(2026, 3, 16)) == ()  # told, not published
    listing.on(date(2026, 3, 16)).do(OUTSIDE, "objected", ground="facts")
    listing.on(date(2026, 3, 17)).do(BEN, "objection_decided", objection=1, outcome="rejected")
    listing.do(ANNA, "published")
    one = in_force([listing.case], "listing", date(2026, 3, 17))
    # told on 2 March, ten working days to 16 March, six months of listing from there
    assert [(e.on, e.until) for e in one] == [(date(2026, 3, 17), date(2026, 9, 16))]
    assert in_force([listing.case], "listing", date(2026, 9, 17)) == ()
    assert in_force([listing.case], "commendation", date(2026, 3, 17)) == ()
