"""Points and index against COINr's stored ASEM index, 51 countries by 49 indicators (tests/reference/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from metrics.index import Membership, power_mean
from metrics.points import utility

COINR = Path(__file__).parents[1] / "reference" / "coinr"
EXACT = 1e-9


def _read(stage: str) -> pl.DataFrame:
    return pl.read_csv(COINR / f"asem_{stage}.csv", infer_schema_length=None)


@pytest.fixture(scope="module")
def structure() -> pl.DataFrame:
    """One indicator: IndCode, its pillar Agg1, sub-index Agg2, and the index Agg3."""
    return _read("coin_structure")


def _values(stage: str, columns: list[str]) -> np.ndarray:
    return _read(stage).select(columns).to_numpy().astype(float)


def test_goalposts_along_the_range_are_min_max(structure):
    # 0 at the least, 60 at .6 of the range, 90 at .9, 100 at the greatest: one straight line from 0 to 100
    codes = structure["IndCode"].to_list()
    direction = dict(_read("imeta").select("iCode", "Direction").iter_rows())
    treated, published = _values("coin_treated", codes), _values("coin_normalised", codes)
    assert treated.shape == (51, 49)
    sign = np.array([direction[c] for c in codes])
    assert (sign == -1).sum() == 14
    fail, best = ((s * treated).min(axis=0) * s for s in (sign, -sign))  # lower is better: the greatest fails
    points = utility(treated, fail, fail + 0.6 * (best - fail), fail + 0.9 * (best - fail), best)
    assert np.abs(points - published).max() < EXACT


def _up(values: np.ndarray, names: list[str], parent: dict[str, str], upper: list[str]) -> np.ndarray:
    """Plain means of one level for the next, by our own sub-indices (equal weights, as published)."""
    place = np.tile([upper.index(parent[n]) for n in names], (len(values), 1))
    member = Membership(place, np.ones(values.shape), np.ones((len(values), len(upper))))
    return member.subindices(values, member.share(values))


def test_means_over_three_levels_are_those_published(structure):
    codes = structure["IndCode"].to_list()
    pillars, halves = (structure[c].unique(maintain_order=True).to_list() for c in ("Agg1", "Agg2"))
    points = _values("coin_normalised", codes)
    by_pillar = _up(points, codes, dict(structure.select("IndCode", "Agg1").iter_rows()), pillars)
    by_half = _up(by_pillar, pillars, dict(structure.select("Agg1", "Agg2").iter_rows()), halves)
    index = power_mean(by_half, np.ones(2), rho=1.0, floor=0.0)
    assert (len(pillars), len(halves)) == (8, 2)
    for found, columns in ((by_pillar, pillars), (by_half, halves), (index[:, None], ["Index"])):
        assert np.abs(found - _values("coin_aggregated", columns)).max() < EXACT


def test_the_five_best_countries_are_those_published(structure):
    # the whole way by power means, from indicators: a mean of means is a mean by products of weights
    codes = structure["IndCode"].to_list()
    size = structure.with_columns(
        in_pillar=pl.len().over("Agg1"),
        in_half=pl.col("Agg1").n_unique().over("Agg2"),
        halves=pl.col("Agg2").n_unique(),
    )
    weights = size.select(1 / (pl.col("in_pillar") * pl.col("in_half") * pl.col("halves"))).to_series().to_numpy()
    index = power_mean(_values("coin_normalised", codes), weights, rho=1.0, floor=0.0)
    best = np.argsort(-index)[:5]
    assert np.array(_read("coin_normalised")["UnitCode"])[best].tolist() == ["CHE", "NLD", "DNK", "NOR", "BEL"]
    assert index[best].round(2).tolist() == [68.38, 64.82, 64.80, 64.47, 63.54]
    ours = dict(zip(_read("coin_normalised")["UnitCode"], index.round(2), strict=True))
    assert ours == pytest.approx(dict(_read("coin_scores").select("UnitCode", "Index").iter_rows()), abs=0.0051)


@pytest.mark.parametrize(
    ("rho", "mean"),
    [
        (-1.0, 1.411765),  # 4 / (2 + 1/2 + 1/3)
        (0.0, 1.565085),  # (1 x 1 x 2 x 3) ^ (1/4)
        (1.0, 1.75),  # (2 + 2 + 3) / 4
    ],
)
def test_weighted_means_of_every_kind_are_those_of_coinrs_tests(rho, mean):
    assert power_mean(np.array([1.0, 2, 3]), np.array([2.0, 1, 1]), rho, floor=0.0) == pytest.approx(mean, abs=1e-6)
