"""How well the parts hang together: against NumPy, SciPy and hand arithmetic."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr

from data import editions
from data.edition_tables import MetricScore, SubindexScore
from data.study_tables import Coherence
from metrics.coherence import alpha, correlations, covariances, first_component, of_edition
from tests.metrics.scoring import PERIOD, SHARE, terms_for
from tests.metrics.test_sensitivity import VARIED

RNG = np.random.default_rng(11)
GAPPED = RNG.normal(70, 10, (40, 3)) + RNG.normal(0, 8, (40, 1))
GAPPED[:6, 0], GAPPED[20:30, 2] = np.nan, np.nan


def test_covariances_are_numpys_where_nothing_is_missing():
    whole = GAPPED[6:20]
    found, n = covariances(whole)
    assert found == pytest.approx(np.cov(whole, rowvar=False))
    assert (n == 14).all()


def test_two_columns_are_compared_over_the_units_that_have_both():
    r, n = correlations(GAPPED, least=20)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        both = GAPPED[~np.isnan(GAPPED[:, [i, j]]).any(axis=1)]
        assert n[i, j] == len(both)
        assert r[i, j] == r[j, i] == pytest.approx(pearsonr(both[:, i], both[:, j]).statistic)
    # of 40 units 34, 30 and 24 have both
    assert (n[0, 1], n[1, 2], n[0, 2]) == (34, 30, 24)


def test_too_few_units_or_a_column_that_never_varies_have_no_correlation():
    assert np.isnan(correlations(GAPPED, least=25)[0][0, 2])
    flat = np.column_stack([GAPPED[:, 1], np.full(40, 100.0)])
    assert np.isnan(correlations(flat, least=2)[0][0, 1])


def test_cronbachs_alpha_by_hand():
    # items 1 2 3 4 and 2 1 4 3: variances 5/3 each, sums 3 3 7 7 with variance 16/3; 2 (1 - (10/3) / (16/3)) = .75
    assert alpha(np.array([[1, 2], [2, 1], [3, 4], [4, 3]], dtype=float)) == pytest.approx(0.75)
    assert alpha(np.array([[1, 1, 1], [2, 2, 2], [5, 5, 5]], dtype=float)) == pytest.approx(1.0)


def test_one_item_alone_or_beside_a_constant_has_no_alpha():
    assert np.isnan(alpha(np.array([[1.0], [2.0], [3.0]])))
    assert np.isnan(alpha(np.array([[1, 7], [2, 7], [3, 7]], dtype=float)))


def test_the_first_component_of_two_columns_carries_half_of_one_and_their_correlation():
    # eigenvalues of [[1, r], [r, 1]] are 1 + r and 1 - r; r = .6 for 1 2 3 4 and 2 1 4 3
    x = np.array([[1, 2], [2, 1], [3, 4], [4, 3]], dtype=float)
    assert first_component(x, least=2) == pytest.approx(0.8)
    values = np.linalg.svd((GAPPED[6:20] - GAPPED[6:20].mean(axis=0)) / GAPPED[6:20].std(axis=0), compute_uv=False)
    assert first_component(GAPPED[6:20], least=2) == pytest.approx(values[0] ** 2 / (values**2).sum())


def edition(points: dict[str, list[float]], subs: dict[str, list[float]], score: list[float], **more) -> dict:
    """Tables of rated company spells, ``points`` by metric and sub-index."""

    def long(columns: dict[str, list[float]], name: str, contract, **beside) -> pl.DataFrame:
        rows = [
            {"level": "tenure", "unit_id": f"t{u:02d}", "period": PERIOD, name: column, "points": p, "weight": 0.5, **beside}
            for column, values in columns.items() for u, p in enumerate(values)
        ]  # fmt: skip
        kinds = {k: c.dtype.type for k, c in contract.to_schema().columns.items()}
        return pl.DataFrame(rows, schema_overrides={k: kinds[k] for k in ("points", "weight")})

    units = pl.DataFrame({"unit_id": [f"t{u:02d}" for u in range(len(score))], "score": score}).with_columns(
        level=pl.lit("tenure"), period=pl.lit(PERIOD), current=pl.lit(True), state=pl.lit(more.get("state", "rated"))
    )
    return {
        "metric_scores": long(points, "metric", MetricScore, state="measured"),
        "subindex_scores": long(subs, "subindex", SubindexScore),
        "index_scores": units,
    }


def town() -> tuple[dict, np.ndarray]:
    """25 units: two metrics of fire that say the same, and two of rectification that contradict each other."""
    x = np.linspace(40, 95, 25)
    wave = 5 * np.sin(np.arange(25))
    points = {"a": x, "b": x + wave / 5, "c": x, "d": 140 - x + wave}
    fire, fixed = (points["a"] + points["b"]) / 2, (points["c"] + points["d"]) / 2
    score = 0.6 * fire + 0.4 * fixed
    columns = {name: values.tolist() for name, values in points.items()}
    return edition(columns, {"fire": fire.tolist(), "rectification": fixed.tolist()}, score.tolist()), score


HALVES = {"a": SHARE | {"subindex": "fire", "weight": 0.5}, "b": SHARE | {"subindex": "fire", "weight": 0.5},
          "c": SHARE | {"weight": 0.5}, "d": SHARE | {"weight": 0.5}}  # fmt: skip
TERMS = terms_for(HALVES, {"fire": 0.6, "rectification": 0.4})


def test_metrics_that_say_the_same_and_that_contradict_each_other_are_found():
    made, _ = town()
    rows = of_edition(made, TERMS, VARIED).filter(pl.col("measure") == "correlation")
    found = {(r["metric"], r["other"]): r for r in rows.to_dicts()}
    points = {
        m: p["points"].to_numpy() for (m,), p in made["metric_scores"].partition_by("metric", as_dict=True).items()
    }
    assert set(found) == {("a", "b"), ("c", "d")}  # inside a sub-index only
    for (one, other), row in found.items():
        assert row["value"] == pytest.approx(pearsonr(points[one], points[other]).statistic)
    assert found["a", "b"]["finding"] == "close" and found["a", "b"]["value"] > 0.92
    assert found["c", "d"]["finding"] == "opposed" and found["c", "d"]["value"] < -0.4


def test_effective_weights_are_correlations_with_the_index_beside_the_published_weights():
    made, score = town()
    rows = of_edition(made, TERMS, VARIED).filter(pl.col("measure") == "effective_weight")
    found = {r["subindex"]: r for r in rows.to_dicts()}
    assert (found["fire"]["nominal"], found["rectification"]["nominal"]) == (0.6, 0.4)
    for name, row in found.items():
        own = made["subindex_scores"].filter(pl.col("subindex") == name)["points"].to_numpy()
        assert row["value"] == pytest.approx(pearsonr(own, score).statistic)
        assert row["units"] == 25


def test_the_order_by_pairwise_wins_stands_beside_that_of_the_index():
    # 25 units: fire rises with every unit, rectification falls in waves: no pair is settled by both unless the waves say so
    made, score = town()
    rows = of_edition(made, TERMS, VARIED).filter(pl.col("measure").is_in(("pairwise_order", "settled_pairs")))
    found = {r["measure"]: r["value"] for r in rows.iter_rows(named=True)}
    fire, fixed = (
        made["subindex_scores"].filter(pl.col("subindex") == s)["points"].to_numpy() for s in ("fire", "rectification")
    )
    both = sum((fire[i] > fire[j]) & (fixed[i] > fixed[j]) for i in range(25) for j in range(25))
    assert found["settled_pairs"] == pytest.approx(both / 300)  # 25 x 24 / 2 pairs
    # fire weighs .6 of 1, so whoever is better at it wins the pair: the order by wins is that of fire
    assert found["pairwise_order"] == pytest.approx(spearmanr(fire, score).statistic)


def test_points_of_what_was_not_measured_are_left_out():
    made, _ = town()
    absent = (pl.col("metric") == "b") & (pl.col("unit_id") < "t10")
    made["metric_scores"] = made["metric_scores"].with_columns(
        state=pl.when(absent).then(pl.lit("not_collected")).otherwise("state")
    )
    row = of_edition(made, TERMS, VARIED).filter((pl.col("metric") == "a") & (pl.col("measure") == "correlation"))
    # 15 units have both, fewer than the rule's 20
    assert row.select("units", "value", "finding").row(0) == (15, None, None)


def test_an_edition_that_rates_nobody_says_nothing_of_its_coherence():
    made, _ = town()
    made["index_scores"] = made["index_scores"].with_columns(state=pl.lit("provisional"))
    rows = of_edition(made, TERMS, VARIED)
    assert Coherence.validate(rows).is_empty()


def test_an_edition_compares_every_pair_of_metrics_of_a_subindex(demo_root):
    con = editions.open_edition(editions.current(demo_root))
    pairs = con.sql("SELECT subindex, count(*) AS n FROM coherence WHERE measure = 'correlation' GROUP BY ALL").pl()
    # metrics scored in each sub-index in 2026Q3: k (k - 1) / 2 pairs
    scored = con.sql(
        """
        SELECT metric FROM metric_scores WHERE period = '2026Q3' AND weight > 0 GROUP BY ALL
        """
    ).pl()["metric"]
    from metrics import ALL
    from rules.book import Book
    from tests.metrics.test_sensitivity import DAY

    subs = [Book().metric(DAY, n)["subindex"] for n in ALL if n in set(scored)]
    expected = {s: subs.count(s) * (subs.count(s) - 1) // 2 for s in set(subs)}
    assert dict(pairs.iter_rows()) == expected
    score = con.sql(
        """
        SELECT corr(s.points, i.score) AS r
        FROM subindex_scores AS s JOIN index_scores AS i USING (level, unit_id, period)
        WHERE level = 'tenure' AND i.current AND i.state = 'rated' AND period = '2026Q3' AND subindex = 'fire'
        """
    ).pl()["r"][0]
    told = con.sql("SELECT value FROM coherence WHERE measure = 'effective_weight' AND subindex = 'fire'").pl()[
        "value"
    ][0]
    assert told == pytest.approx(score, abs=1e-8)
