"""Rank sets against the published PISA 2018 example (tests/reference/README.md) and by their properties."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.ranks import rank_bounds, rank_bounds_of

PISA = Path(__file__).parents[1] / "reference" / "csranks" / "pisa2018.csv"
TOP_FIVE = {
    "Belgium", "Canada", "Denmark", "Estonia", "Finland", "Japan", "Korea", "Netherlands", "Poland", "Slovenia",
    "Switzerland",
}  # fmt: skip


@pytest.fixture(scope="module")
def maths() -> tuple[list[str], np.ndarray, np.ndarray]:
    with PISA.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [r["jurisdiction"] for r in rows], *(
        np.array([float(r[c]) for r in rows]) for c in ("math_score", "math_se")
    )


def test_the_united_kingdom_ranks_13th_and_might_be_anywhere_from_7th_to_23rd(maths):
    names, score, error = maths
    uk = names.index("United Kingdom")
    assert 1 + (score > score[uk]).sum() == 13
    low, high = rank_bounds_of(uk, score, error, draws=20_000)
    # published: [7, 23]; another build of the same package prints [8, 23]
    assert low in (7, 8)
    assert high == 23


def test_eleven_countries_might_be_among_the_best_five(maths):
    names, score, error = maths
    low, _ = rank_bounds(score, error, coverage=0.90, side="lower")
    assert {n for n, first in zip(names, low, strict=True) if first <= 5} == TOP_FIVE


def test_surer_sets_are_wider(maths):
    names, score, error = maths
    low, _ = rank_bounds(score, error, coverage=0.95, side="lower")
    # published: 12 or 13 at 95 %, Sweden beside the eleven
    assert {n for n, first in zip(names, low, strict=True) if first <= 5} == TOP_FIVE | {"Sweden"}
    (low90, high90), (low99, high99) = (rank_bounds(score, error, coverage=c) for c in (0.90, 0.99))
    assert (low99 <= low90).all() and (high90 <= high99).all()


def test_scores_far_apart_have_one_place_each():
    low, high = rank_bounds(np.array([70.0, 90.0, 50.0]), np.full(3, 0.1))
    assert low.tolist() == high.tolist() == [2, 1, 3]


def test_equal_scores_cannot_be_told_apart():
    low, high = rank_bounds(np.full(5, 70.0), np.full(5, 3.0))
    assert low.tolist() == [1] * 5
    assert high.tolist() == [5] * 5


def test_one_company_alone_is_first_and_last():
    low, high = rank_bounds(np.array([70.0]), np.array([3.0]))
    assert (low.tolist(), high.tolist()) == ([1], [1])


def test_the_same_seed_gives_the_same_sets(maths):
    _, score, error = maths
    first, again = (rank_bounds(score, error, seed=5) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))


def plain(theta: np.ndarray, sd: np.ndarray, coverage: float, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The same sets by the plainest reading of the paper: every pair of every draw, every step anew."""
    p = theta.size
    se = np.sqrt(sd[:, None] ** 2 + sd**2)
    t = (theta[None, :] - theta[:, None]) / se
    z = np.random.default_rng(seed).standard_normal((draws, p), dtype=np.float32) * sd.astype(np.float32)
    d = (z[:, None, :] - z[:, :, None]) / se
    above, off = np.zeros((p, p), dtype=bool), ~np.eye(p, dtype=bool)
    while True:
        critical = np.quantile(np.where(off & ~above, d, -np.inf).max(axis=(1, 2)), coverage)
        more = above | (off & (t > critical))
        if (more == above).all():
            return 1 + above.sum(axis=1), p - above.sum(axis=0)
        above = more


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 14), st.integers(0, 10_000))
def test_the_short_cuts_change_nothing(p, seed):
    rng = np.random.default_rng(seed)
    theta, sd = rng.normal(70, 8, p), rng.uniform(0.5, 4, p)
    for fast, slow in zip(rank_bounds(theta, sd, coverage=0.9, draws=300, seed=seed), plain(theta, sd, 0.9, 300, seed), strict=True):  # fmt: skip
        assert fast.tolist() == slow.tolist()
