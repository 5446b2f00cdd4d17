"""How sure an index is: posterior draws of every metric, carried through points and sub-indices to the score (method.md
section 9).

Each unit's metrics are drawn from what is known of them (``metrics.priors.posterior``); facts are not drawn. The spread
of the drawn scores is the score's standard deviation. Draws are made metric by metric for a block of units at a time,
blocks side by side on the processor's cores, so memory stays bounded whatever the district's size. Each block's
generator is seeded from period, level and the block's place: the same input gives the same bytes on any number of cores.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from metrics.index import inverse, transform
from metrics.points import SCORES

BLOCK = 128  # units drawn at a time: what fits a core's cache at a thousand draws


@dataclass(frozen=True)
class Drawn:
    """What is drawn from: the units of one level in one period, (U, J) unless said; NaN = unknown.

    Attributes:
        family: (J,) statistical family of each metric.
        a, b, c: parameters of the posterior (``metrics.priors.Posterior``); ``b`` is 0 for a fact.
        points: points of the estimate: what a fact earns.
        share: share of the sub-index; 0 = shown, not scored.
        place: (J,) sub-index of each metric.
        posts: (4, J) goalposts.
        sub_share: (U, K) weight of each sub-index in the index; 0 where it has no points.
    """

    family: np.ndarray
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    points: np.ndarray
    share: np.ndarray
    place: np.ndarray
    posts: np.ndarray
    sub_share: np.ndarray


@dataclass(frozen=True)
class Draws:
    """Drawn scores before caps, (U, draws), and the first two moments of each drawn sub-index, (U, K)."""

    score: np.ndarray
    sub_mean: np.ndarray
    sub_square: np.ndarray

    @property
    def sub_sd(self) -> np.ndarray:
        """(U, K) standard deviation of each sub-index."""
        return np.sqrt(np.maximum(self.sub_square - self.sub_mean**2, 0.0))


def together(parts: list[Draws]) -> Draws:
    """Draws of the same units, one set after another, each of the same number."""
    moments = (np.mean([getattr(p, name) for p in parts], axis=0) for name in ("sub_mean", "sub_square"))
    return Draws(np.concatenate([p.score for p in parts], axis=1), *moments)


def seed_of(*names: object) -> int:
    """A seed that depends on the names alone, on every machine and in every year."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, names)).encode()).digest()[:16], "big")


def _points(x: np.ndarray, posts: np.ndarray) -> np.ndarray:
    """``metrics.points.utility`` of one metric's draws; goalposts are four numbers."""
    sign = 1.0 if posts[3] >= posts[0] else -1.0
    posts = sign * posts
    x = x * np.float32(sign)
    out = np.zeros_like(x)
    for low, high, a, z in zip(posts, posts[1:], SCORES, SCORES[1:], strict=False):
        width = high - low
        if width > 0:
            part = np.subtract(x, np.float32(low))
            part *= np.float32((z - a) / width)
            np.clip(part, np.float32(0), np.float32(z - a), out=part)
        else:
            part = (x >= np.float32(high)) * np.float32(z - a)
        out += part
    return out


def _gamma(rng: np.random.Generator, shape: np.ndarray, draws: int) -> np.ndarray:
    return rng.standard_gamma(shape[:, None], size=(shape.size, draws), dtype=np.float32)


def _values(rng: np.random.Generator, family: str, a: np.ndarray, b: np.ndarray, c: np.ndarray, draws: int):
    """Draws of one metric's level: (units, draws)."""
    if family == "proportion":
        passed, failed = _gamma(rng, a, draws), _gamma(rng, b, draws)
        failed += passed
        return np.divide(passed, failed, out=np.full_like(passed, 0.5), where=failed > 0)
    scale = c / b if family != "mean" else np.sqrt(b)
    if family != "mean":
        return _gamma(rng, a, draws) * scale.astype(np.float32)[:, None]
    drawn = rng.standard_normal((a.size, draws), dtype=np.float32) * scale.astype(np.float32)[:, None]
    return drawn + a.astype(np.float32)[:, None]


def _block(known: Drawn, part: slice, seed: int, draws: int, rho: float, floor: float) -> Draws:
    """Draws of one block of units."""
    rng = np.random.default_rng(seed)
    units = known.a[part].shape[0]
    subs = np.zeros((known.sub_share.shape[1], units, draws), dtype=np.float32)
    for j, family in enumerate(known.family):
        share = known.share[part, j]
        if not (share > 0).any():
            continue
        fact = ~(known.b[part, j] > 0)
        if family == "obligation" or fact.all():
            points = np.nan_to_num(known.points[part, j]).astype(np.float32)[:, None]
        else:
            a, b, c = (np.where(fact, 1.0, x[part, j]) for x in (known.a, known.b, known.c))
            points = _points(_values(rng, str(family), a, b, c, draws), known.posts[:, j])
            points[fact] = np.nan_to_num(known.points[part, j][fact])[:, None]
        subs[known.place[j]] += points * share.astype(np.float32)[:, None]
    mean = subs.mean(axis=2, dtype=np.float64).T
    square = np.einsum("kud,kud->uk", subs, subs, dtype=np.float64) / draws
    np.maximum(subs, np.float32(floor), out=subs)
    total = np.zeros((units, draws), dtype=np.float32)
    for k, sub in enumerate(subs):
        total += transform(sub, rho) * known.sub_share[part, k].astype(np.float32)[:, None]
    return Draws(inverse(total, rho), mean, square)


def draw(known: Drawn, draws: int, seed_names: tuple, rho: float, floor: float) -> Draws:
    """Draw the scores before caps of the units of one level and period.

    Args:
        draws: how many (method.md: 1000).
        seed_names: what the seed is made of (period, level).
        rho, floor: of the power mean (rules/index.toml).
    """
    units, subs = known.sub_share.shape
    out = Draws(np.empty((units, draws), dtype=np.float32), np.empty((units, subs)), np.empty((units, subs)))

    def work(start: int) -> None:
        part = slice(start, min(start + BLOCK, units))
        made = _block(known, part, seed_of(*seed_names, start // BLOCK), draws, rho, floor)
        out.score[part], out.sub_mean[part], out.sub_square[part] = made.score, made.sub_mean, made.sub_square

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(work, range(0, units, BLOCK)))
    return out


def score_draws(known: Drawn, draws: int, seed_names: tuple, rho: float, floor: float) -> np.ndarray:
    """The drawn scores alone: (U, draws), float32."""
    return draw(known, draws, seed_names, rho, floor).score


@dataclass(frozen=True)
class Places:
    """Where units stand in their group over all draws, 1 = best; (U,) each.

    Attributes:
        low, high: best and worst place of the interval.
        upper, lower: share of draws in the best and in the worst third.
    """

    low: np.ndarray
    high: np.ndarray
    upper: np.ndarray
    lower: np.ndarray


def places(drawn: np.ndarray, point: np.ndarray, group: np.ndarray, coverage: float) -> Places:
    """Within which places a unit stands in its group, draw by draw, re-centred on the published score.

    Args:
        drawn: (U, draws) drawn scores. point: (U,) published scores. group: (U,) number of each unit's group.
        coverage: share of draws inside the interval.
    """
    low, high = np.zeros(point.size, dtype=np.int64), np.zeros(point.size, dtype=np.int64)
    upper, lower = np.zeros(point.size), np.zeros(point.size)
    shift = (point - drawn.mean(axis=1, dtype=np.float64)).astype(np.float32)
    draws = drawn.shape[1]
    cut = int(np.floor((1 - coverage) / 2 * draws + 1e-9))
    for g in np.unique(group):
        rows = np.flatnonzero(group == g)
        order = np.argsort(-(drawn[rows] + shift[rows, None]).T, axis=1, kind="stable").astype(np.int32)
        found = np.empty((draws, rows.size), dtype=np.int32)
        np.put_along_axis(found, order, np.broadcast_to(np.arange(1, rows.size + 1, dtype=np.int32), order.shape), 1)
        found = np.ascontiguousarray(found.T)
        upper[rows], lower[rows] = (
            (3 * found <= rows.size).mean(axis=1),
            (3 * (found - 1) >= 2 * rows.size).mean(axis=1),
        )
        found = np.partition(found, (cut, draws - 1 - cut), axis=1)
        low[rows], high[rows] = found[:, cut], found[:, draws - 1 - cut]
    return Places(low, high, upper, lower)
