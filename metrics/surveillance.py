"""Watching one indicator: who stands out of a funnel plot, and since which month counts run high (method.md 14.5).

Pure arithmetic on arrays of observed and expected counts; who is watched, over what and how strictly is the caller's
(rules). A unit that stands out is a check to make, never a finding.

Sources: Spiegelhalter (2005), doi:10.1002/sim.1970 (over-dispersion); Lucas (1985) (Poisson CUSUM); Benjamini and
Hochberg (1995).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.special import ndtr
from scipy.stats import false_discovery_control, nbinom, poisson

Scale = Literal["root", "log"]
#: Lattice of a run-length chain: the reference value is rounded down by at most this share of itself.
NEAR = 0.01
MOST_STEPS = 10_000  # finest lattice tried, per event
MOST_STATES = 2_000  # a threshold is never sought beyond this many lattice steps


@dataclass(frozen=True)
class Funnel:
    """A funnel plot of observed over expected; (U,) unless said, NaN = nothing expected.

    Attributes:
        raw: z by chance alone. z: z after over-dispersion.
        phi: mean square of the winsorised raw z; 1 = chance alone explains the differences.
        tau2: variance between units on the funnel's scale. spread: the same, of observed / expected itself.
    """

    raw: np.ndarray
    z: np.ndarray
    phi: float
    tau2: float
    spread: float

    @property
    def p(self) -> np.ndarray:
        """(U,) chance of a z as high or higher."""
        return np.where(np.isnan(self.z), np.nan, ndtr(-self.z))


def winsorised(z: np.ndarray, tail: float) -> np.ndarray:
    """Set the ``floor(tail x n)`` greatest and least values to the next one; six values with a tail of .1 stay."""
    known = np.sort(z[~np.isnan(z)])
    cut = math.floor(tail * known.size + 1e-9)
    return np.clip(z, known[cut], known[known.size - 1 - cut]) if known.size > 2 * cut else z


def _place(ratio: np.ndarray, scale: Scale) -> np.ndarray:
    """Observed / expected on the funnel's scale, 0 where as expected."""
    return np.log(ratio) if scale == "log" else np.sqrt(ratio) - 1


def _precision(expected: np.ndarray, scale: Scale) -> np.ndarray:
    """One over the variance of a place by chance alone."""
    return expected if scale == "log" else 4 * expected


def funnel(observed: np.ndarray, expected: np.ndarray, *, tail: float, scale: Scale = "root") -> Funnel:
    """Compare each unit with what was expected of it, allowing for differences between units (DerSimonian-Laird).

    phi = mean z^2 of winsorised z; tau^2 = max(0, (n phi - (n - 1)) / (sum w - sum w^2 / sum w)).

    Args:
        observed, expected: (U,) counts.
        tail: share of units winsorised at either end.

    Raises:
        ValueError: a count of 0 on the log scale, which has no place there; the root scale has one.

    FunnelPlotR's six units on the log scale: phi 2.948033.
    """
    seen = expected > 0
    if scale == "log" and (observed[seen] <= 0).any():
        raise ValueError("A count of 0 has no place on the log scale; ask for the root scale.")
    ratio = np.divide(observed, expected, out=np.full(observed.shape, np.nan), where=seen)
    place, w = _place(ratio, scale), np.where(seen, _precision(expected, scale), 0.0)
    raw = place * np.sqrt(w)
    n = int(seen.sum())
    if n == 0:
        return Funnel(raw, raw, math.nan, math.nan, math.nan)
    phi = float(np.nansum(winsorised(raw, tail) ** 2) / n)
    room = w.sum() - (w**2).sum() / w.sum()
    tau2 = max(0.0, (n * phi - (n - 1)) / room) if room > 0 else 0.0
    z = np.divide(place, np.sqrt(1 / np.where(seen, w, 1.0) + tau2), out=np.full(raw.shape, np.nan), where=seen)
    return Funnel(raw, z, phi, float(tau2), float(tau2 * (1 if scale == "log" else 4)))


def limits(expected: np.ndarray, tau2: float, z: float, scale: Scale = "root") -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper limit of observed / expected, ``z`` standard deviations either side of as expected."""
    half = z * np.sqrt(1 / _precision(expected, scale) + tau2)
    if scale == "log":
        return np.exp(-half), np.exp(half)
    return np.maximum(1 - half, 0.0) ** 2, (1 + half) ** 2


def chance_of_as_many(observed: np.ndarray, expected: np.ndarray, spread: float) -> np.ndarray:
    """P(count >= observed), exact for small counts: Poisson, or Gamma-Poisson where units differ by ``spread``.

    Args:
        observed: (U,) whole counts. spread: variance of observed / expected between units (``Funnel.spread``).
    """
    known = np.where(expected > 0, expected, 1.0)
    above = observed - 1
    alike = spread <= 0
    chance = poisson.sf(above, known) if alike else nbinom.sf(above, 1 / spread, 1 / (1 + spread * known))
    return np.where(expected > 0, chance, np.nan)


def discoveries(p: np.ndarray, q: float) -> np.ndarray:
    """Benjamini-Hochberg: which units stand out if at most a share ``q`` of them may do so by chance; NaN never does."""
    known = ~np.isnan(p)
    out = np.zeros(p.shape, dtype=bool)
    if known.any():
        out[known] = false_discovery_control(p[known]) <= q
    return out


# --- month by month --------------------------------------------------------------------------------------------------


def reference_value(usual: np.ndarray | float, raised: np.ndarray | float) -> np.ndarray:
    """k = (l1 - l0) / ln(l1 / l0): what a month takes off the sum, between the usual and the raised monthly count.

    T22: 2 and 4 give 2.885390.
    """
    usual, raised = np.asarray(usual, dtype=float), np.asarray(raised, dtype=float)
    return (raised - usual) / np.log(raised / usual)


@dataclass(frozen=True)
class Chart:
    """CUSUM of every unit month by month, (U, months): the sum, and the months in which it reached its threshold."""

    total: np.ndarray
    alarm: np.ndarray


def cusum(
    counts: np.ndarray, k: np.ndarray, h: np.ndarray, *, start: np.ndarray | float = 0.0, restart: bool = False
) -> Chart:
    """C = max(0, C + y - k), an alarm at C >= h.

    Args:
        counts: (U, months); NaN = the month was not delivered: the sum stays and does not alarm.
        k, h: (U,) or (U, months).
        start: sum before the first month (a head start).
        restart: begin again from 0 after an alarm, so that each alarm stands for new counts.

    T22: k 2.885390, y = 2, 5, 6, 3 give 0, 2.114610, 5.229220, 5.343830.
    """
    shape = counts.shape
    k, h = (np.broadcast_to(x[:, None] if np.ndim(x) == 1 else x, shape) for x in (np.asarray(k), np.asarray(h)))
    total, alarm = np.zeros(shape), np.zeros(shape, dtype=bool)
    now = np.broadcast_to(np.asarray(start, dtype=float), shape[:1]).copy()
    for month in range(shape[1]):
        y = counts[:, month]
        known = ~np.isnan(y)
        now = np.where(known, np.maximum(0.0, now + np.where(known, y, 0.0) - k[:, month]), now)
        total[:, month], alarm[:, month] = now, known & (now >= h[:, month])
        if restart:
            now = np.where(alarm[:, month], 0.0, now)
    return Chart(total, alarm)


def run_lengths(mean: float, k_steps: int, h_steps: int, steps: int) -> np.ndarray:
    """Mean months to an alarm from every sum below the threshold, (h_steps,), by an exact Markov chain.

    Sums lie on a lattice of ``1 / steps``: k = k_steps / steps, h = h_steps / steps, alarm at C >= h.

    Lucas (1985): mean .25, k = 1/4, h = 40/4: 438.125 from 0, 333.125 from 20/4.
    """
    states = np.arange(h_steps)
    most = (h_steps + k_steps) // steps + 1  # more events than this alarm from any state
    events = np.arange(most + 1)
    goes_to = np.maximum(states[:, None] + events * steps - k_steps, 0)
    stays = goes_to < h_steps
    chain = np.zeros((h_steps, h_steps))
    chance = np.broadcast_to(poisson.pmf(events, mean), goes_to.shape)
    np.add.at(chain, (np.nonzero(stays)[0], goes_to[stays]), chance[stays])
    return np.linalg.solve(np.eye(h_steps) - chain, np.ones(h_steps))


def lattice(k: float, near: float = NEAR) -> tuple[int, int]:
    """The coarsest lattice on which ``k``, rounded down, keeps within ``near`` of itself: its steps, and steps per event.

    Rounding down makes the chain alarm no later than the chart itself, so its run length is a lower bound.
    """
    steps = np.arange(1, MOST_STEPS + 1)
    found = np.floor(steps * k * (1 + 1e-12))
    fits = (found >= 1) & (1 - found / (steps * k) <= near)
    place = int(np.argmax(fits))
    return int(found[place]), int(steps[place])


@lru_cache(maxsize=4096)
def threshold(usual: float, ratio: float, months: float) -> float:
    """Least h at which a unit at its ``usual`` monthly count goes ``months`` or more, on average, without an alarm.

    Args:
        ratio: raised over usual count, for the reference value.
    """
    k_steps, steps = lattice(float(reference_value(usual, usual * ratio)))

    def enough(h_steps: int) -> bool:
        return bool(run_lengths(usual, k_steps, h_steps, steps)[0] >= months)

    high = 1
    while not enough(high):
        high *= 2
        if high > MOST_STATES:
            raise ValueError(
                f"No threshold below {high / steps:.0f} keeps {usual} events a month quiet {months} months."
            )
    low = high // 2  # not enough, or 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high / steps


def rounded_up(level: np.ndarray, digits: int = 2) -> np.ndarray:
    """Round up to so many significant figures: charts of like units share a threshold, and none alarms sooner for it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = 10.0 ** (np.floor(np.log10(level)) - digits + 1)
        return np.where(level > 0, np.ceil(np.round(level / unit, 9)) * unit, np.nan)


def design(usual: np.ndarray, *, ratio: float, months: float) -> tuple[np.ndarray, np.ndarray]:
    """Reference value and threshold (k, h) of each unit's chart, (U,); NaN where nothing is usual.

    Args:
        usual: (U,) usual monthly count; rounded up to two figures first.
        ratio: raised over usual count. months: least average run without an alarm while nothing has changed.
    """
    levels = rounded_up(usual)
    distinct, of = np.unique(levels, return_inverse=True)
    h = np.array([threshold(float(v), ratio, months) if np.isfinite(v) else np.nan for v in distinct])
    return reference_value(levels, levels * ratio), h[of]
