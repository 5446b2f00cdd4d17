"""Coverage in an edition: what applies and has no record, since when; the same share as indicator D05."""

from __future__ import annotations

import polars as pl
import pytest

import metrics
from data import editions
from data.queries import coverage
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from pages.records.coverage import NAMED, who

STEWARD = Scope("s", "steward")


@pytest.fixture(scope="module")
def con(demo_root):
    return editions.open_edition(editions.current(demo_root))


def test_the_share_of_indicators_with_a_record_is_indicator_d05(con):
    # D05 is measured from its own evidence, one row per applicable scored metric of the period: another way to the same
    period = con.execute("SELECT period FROM edition").fetchall()[0][0]
    d05 = con.sql(
        "SELECT estate_id, sum(numerator) / sum(denominator) AS covered FROM evidence WHERE metric = 'indicator_coverage' "
        "AND period = $p GROUP BY ALL ORDER BY 1",
        params={"p": period},
    ).pl()
    mine = coverage.by_estate(STEWARD, con, limit=1000).select("estate_id", "covered").sort("estate_id")
    assert mine.height == 60
    assert mine["estate_id"].to_list() == d05["estate_id"].to_list()
    assert mine["covered"].to_list() == pytest.approx(d05["covered"].to_list())


def test_what_is_missing_has_no_record_after_its_last_day_and_what_is_there_is_not_listed(con):
    rows = coverage.lacking(STEWARD, con, limit=10_000)
    assert rows.height == rows["total"][0] > 0
    listed = {(r["estate_id"], r["metric"]) for r in rows.iter_rows(named=True)}
    measured = con.sql("SELECT estate_id, metric FROM coverage WHERE measured").pl().rows()
    assert not listed & set(measured)
    last = con.sql(
        "SELECT estate_id, metric, max(occurred_on) AS d FROM evidence WHERE excluded IS NULL GROUP BY ALL"
    ).pl()
    known = {(e, m): d for e, m, d in last.rows()}
    assert all(known.get((r["estate_id"], r["metric"])) == r["last_on"] for r in rows.iter_rows(named=True))


def test_indicators_are_counted_over_the_same_rows(con):
    per_metric = coverage.by_metric(STEWARD, con)
    assert per_metric["lacking"].sum() == coverage.lacking(STEWARD, con, limit=1)["total"][0]
    assert (per_metric["lacking"] <= per_metric["applies"]).all()


def test_a_search_and_an_indicator_narrow_the_list(con):
    everything = coverage.lacking(STEWARD, con, limit=10_000)
    metric, estate = everything["metric"][0], everything["estate_id"][-1]
    assert set(coverage.lacking(STEWARD, con, metric=metric)["metric"]) == {metric}
    found = coverage.lacking(STEWARD, con, search=estate, limit=10_000)
    assert found.height == everything.filter(pl.col("estate_id") == estate).height > 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_scored_metric_has_somebody_to_deliver_it(language):
    t = Words(language)
    names = {f"{k}_{n}": f"{k} name" for k in ("company", "station", "subdistrict") for n in ("zh", "en")}
    for name, metric in metrics.ALL.items():
        told = who({"metric": name, **names}, t)
        assert t(f"body.{metric.source}") in told
        assert (f"{NAMED.get(metric.source)} name" in told) == (metric.source in NAMED)
        assert who({"metric": name, **dict.fromkeys(names)}, t) == t(f"body.{metric.source}")
