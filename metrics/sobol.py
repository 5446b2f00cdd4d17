"""Which input matters: first-order and total Sobol indices by a Saltelli design (method.md section 11).

A design holds N (d + 2) points of the unit cube: N points A, N independent points B, and for each input i the points
AB_i, which are A with the column of input i taken from B. The share of the variance of a result that input i makes by
itself is S_i, with everything it does together with others S_Ti. Estimators as in COINr's ``get_sensitivity``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc


@dataclass(frozen=True)
class Indices:
    """Sobol indices of each input, (d,); NaN where the result does not vary at all.

    Attributes:
        first: share of the variance an input makes by itself; slightly below 0 is noise.
        total: share it has a hand in.
    """

    first: np.ndarray
    total: np.ndarray


def design(inputs: int, n: int, seed: int) -> np.ndarray:
    """Points at which a result is to be worked out: (N (d + 2), d) in [0, 1), rows A, then B, then AB_1 to AB_d.

    Args:
        n: size of A and of B; a power of two, as the Sobol sequence is balanced only there.

    Raises:
        ValueError: ``n`` is not a power of two, or there is no input.
    """
    if inputs < 1 or n < 2 or n & (n - 1):
        raise ValueError(f"A Sobol design needs at least one input and a power of two of points, not {inputs}, {n}.")
    points = qmc.Sobol(2 * inputs, scramble=True, rng=np.random.default_rng(seed)).random_base2(n.bit_length() - 1)
    a, b = points[:, :inputs], points[:, inputs:]
    mixed = np.repeat(a[None], inputs, axis=0)
    for i in range(inputs):
        mixed[i, :, i] = b[:, i]
    return np.concatenate([a, b, mixed.reshape(-1, inputs)])


def indices(result: np.ndarray, inputs: int) -> Indices:
    """First-order S_i = mean(f_B (f_ABi - f_A)) / V and total S_Ti = sum (f_A - f_ABi)^2 / (2 N V).

    V is the variance of all 2N values of f_A and f_B, with 2N - 1 in the divisor, as in COINr's published run. A result
    of several numbers (the places of all units) has one index for them together: numerators and variances are summed
    over the numbers (Gamboa, Janon, Klein, Lagnoux 2014, doi:10.1214/14-EJS895). Centre a result far from 0 first: the
    indices stay, their noise shrinks.

    Args:
        result: (N (d + 2),) or (N (d + 2), numbers) in the order of ``design``.

    Raises:
        ValueError: the length does not fit the number of inputs.
    """
    rows = len(result)
    if inputs < 1 or rows % (inputs + 2) or not rows:
        raise ValueError(f"{rows} results do not fit a design of {inputs} inputs: it has N x {inputs + 2} rows.")
    parts = np.asarray(result, dtype=float).reshape(inputs + 2, rows // (inputs + 2), -1)
    a, b, mixed = parts[0], parts[1], parts[2:]
    variance = np.var(parts[:2].reshape(-1, parts.shape[2]), axis=0, ddof=1).sum()
    if variance <= 1e-12 * max(1.0, float(np.abs(parts[:2]).max())) ** 2:
        return Indices(np.full(inputs, np.nan), np.full(inputs, np.nan))
    first = (b * (mixed - a)).mean(axis=1).sum(axis=1) / variance
    total = ((a - mixed) ** 2).sum(axis=(1, 2)) / (2 * len(a) * variance)
    return Indices(first, total)


def total_intervals(
    result: np.ndarray, inputs: int, *, resamples: int, coverage: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Within which bounds the total indices lie, by the bootstrap: lowest and highest, (d,) each.

    The design's N rows (a point of A, its partner in B and their mixtures together) are drawn again with replacement.

    Args:
        result: as for ``indices``, centred.
        resamples: how many bootstrap draws. coverage: share of them inside the bounds.
    """
    parts = np.asarray(result, dtype=float).reshape(inputs + 2, len(result) // (inputs + 2), -1)
    a, b, mixed = parts[0], parts[1], parts[2:]
    n = len(a)
    apart = ((a - mixed) ** 2).sum(axis=2).T  # (N, d)
    square, plain = (a**2 + b**2).sum(axis=1), a + b
    times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
    product = "rn,nk->rk"  # einsum, not BLAS: the same to the last bit on any number of cores
    sums = np.einsum(product, times, plain)
    variance = (np.einsum("rn,n->r", times, square) - (sums**2).sum(axis=1) / (2 * n)) / (2 * n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.einsum(product, times, apart) / (2 * n * variance[:, None])
    if not np.isfinite(drawn).all():
        return np.full(inputs, np.nan), np.full(inputs, np.nan)
    low, high = np.quantile(drawn, ((1 - coverage) / 2, (1 + coverage) / 2), axis=0)
    return low, high
