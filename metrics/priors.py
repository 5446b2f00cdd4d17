"""What is known of a class before looking at an estate (method.md 2.2 to 2.4), and what is known after (posterior).

Priors are estimated once per period and class, from estates, and hold for every level. Classes of few estates borrow the
spread of all; a strength factor widens every prior so that the spread of the *whole index*, not of each metric alone,
comes out right; floors and ceilings keep a prior usable. Obligations are facts and have none.

Axes: U units and periods, G classes in periods, P periods, J metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from metrics import moments
from metrics.grid import Grid, Groups
from metrics.moments import Moments, ratio
from metrics.terms import Terms
from rules.book import Rule

GAMMA, BETA, NORMAL, FACT = ("rate", "severity"), ("proportion",), ("mean",), ("obligation",)


@dataclass(frozen=True)
class Priors:
    """Priors of every class, period and metric, (G, J); NaN where nobody was measured, and for obligations.

    Attributes:
        m: class level (severity: in units of ``c``).
        tau2: variance between estates after the strength factor (proportions: rho).
        strength: (P,) lambda of each period.
        units: estates measured.
        c: severity: class constant; mean: variance within estates; else 1.
    """

    m: np.ndarray
    tau2: np.ndarray
    strength: np.ndarray
    units: np.ndarray
    c: np.ndarray

    def frame(self, grid: Grid, terms: Terms) -> pl.DataFrame:
        """Contract Prior."""
        g, j = np.nonzero(np.isfinite(self.m))
        names = grid.classes[g]
        return names.with_columns(
            metric=pl.Series(np.array(terms.names, dtype=object)[j], dtype=pl.String),
            family=pl.Series(terms.family.astype(object)[j], dtype=pl.String),
            m=self.m[g, j],
            tau2=self.tau2[g, j],
            strength=self.strength[grid.period_of_group(terms)[g]],
            units=self.units[g, j].astype(np.int64),
            c=self.c[g, j],
        )


@dataclass(frozen=True)
class Posterior:
    """What is known of each unit, (U, J). NaN = unknown.

    Attributes:
        raw: the bare record, y / e.
        estimate: after the pull to the class; where nothing was collected, the class level.
        a, b: Gamma (shape, rate) of ``estimate / c``; Beta (a, b); Normal (mean, variance); a fact has variance 0.
    """

    raw: np.ndarray
    estimate: np.ndarray
    a: np.ndarray
    b: np.ndarray


def effective_metrics(weights: np.ndarray) -> np.ndarray:
    """J_eff = 1 / sum w^2 of overall weights, which sum to 1 along the last axis (T7: .1126 gives 8.880995)."""
    return ratio(np.ones(weights.shape[:-1]), (weights**2).sum(axis=-1), 1.0)  # without weights: one


def strength_factor(correlation: np.ndarray, j_eff: np.ndarray) -> np.ndarray:
    """lambda = 1 + (J_eff - 1) r, clipped to [1, J_eff] (T7: r = .74 and J_eff = 8.880995 give 6.8319)."""
    return np.clip(1 + (j_eff - 1) * correlation, 1.0, np.maximum(j_eff, 1.0))


def pair_correlations(d: np.ndarray, n: np.ndarray, tau: np.ndarray, least: int = 1) -> np.ndarray:
    """True between-estate correlations of one class by moments (method.md 2.3).

    Args:
        d: (U, J) signed deviations from the class level, better = greater; anything where ``n`` is 0.
        n: (U, J) evidence; 0 where nothing was collected.
        tau: (J,) spread between estates before the strength factor.
        least: estates that must have both metrics of a pair.

    Returns:
        (J, J), each within -1 and 1 (an estimate outside is noise in tau); NaN where it cannot be told.
    """
    root = np.sqrt(n)
    weighed = np.where(n > 0, root * d, 0.0)
    product = "ui,uj->ij"  # einsum, not BLAS: the same to the last bit on any number of cores
    covariance = ratio(np.einsum(product, weighed, weighed), np.einsum(product, root, root))
    seen = (n > 0).astype(float)
    with np.errstate(invalid="ignore"):
        known = (np.einsum(product, seen, seen) >= least) & (np.minimum.outer(tau, tau) > 0)
        return np.where(known, np.clip(ratio(covariance, np.outer(tau, tau)), -1.0, 1.0), np.nan)


def mean_correlation(
    d: np.ndarray, n: np.ndarray, tau: np.ndarray, groups: Groups, period: np.ndarray, periods: int, least: int
) -> np.ndarray:
    """r-bar per period: mean over pairs of metrics and over classes by their size, clipped to [0, .95].

    Args:
        d, n: (rows of groups, J) as in ``pair_correlations``.
        tau: (G, J). period: (G,) place of each group's period, of ``periods``.
    """
    above = np.triu(np.ones((d.shape[1], d.shape[1]), dtype=bool), 1)
    total, weight = np.zeros(periods), np.zeros(periods)
    for g, part in enumerate(groups.slices()):
        size = part.stop - part.start
        pairs = pair_correlations(d[part], n[part], tau[g], least)[above] if size >= least else np.zeros(0)
        pairs = pairs[np.isfinite(pairs)]
        total[period[g]] += size * pairs.sum()
        weight[period[g]] += size * pairs.size
    return np.clip(ratio(total, weight, 0.0), 0.0, 0.95)


@dataclass(frozen=True)
class Estates:
    """The estates' own sums, class by class: what priors are estimated on.

    Attributes:
        y, e, e2, yy: (rows, J).
        groups: the classes of each period, G in all.
        period: (G,) place of each class's period.
        district: the same rows by period alone, for what a class cannot tell by itself.
    """

    y: np.ndarray
    e: np.ndarray
    e2: np.ndarray
    yy: np.ndarray
    groups: Groups
    period: np.ndarray
    district: Groups

    def at(self, columns: np.ndarray) -> Estates:
        cells = {name: getattr(self, name)[:, columns] for name in ("y", "e", "e2", "yy")}
        return replace(self, **cells)

    def scaled(self, c: np.ndarray) -> Estates:
        """Divide ``y`` by the class constant (G, J)."""
        return replace(self, y=self.y / c[self.groups.of])

    def or_district(self, own: np.ndarray, district: np.ndarray, default: float = np.nan) -> np.ndarray:
        """The class's own number (G, J); the district's (P, J) where it has none; else ``default``."""
        found = np.where(np.isnan(own), district[self.period], own)
        return np.where(np.isnan(found), default, found)


def estates_of(grid: Grid, terms: Terms) -> Estates:
    """Take the estates' rows of a grid."""
    rows, groups = grid.estates()
    period = grid.period_of_group(terms)
    cells = {name: getattr(grid, name)[rows] for name in ("y", "e", "e2", "yy")}
    return Estates(groups=groups, period=period, district=Groups(period[groups.of], len(terms.periods)), **cells)


def severity_constant(own: Estates) -> np.ndarray:
    """(G, J) class constant of severity metrics; a class without an event takes the district's."""
    classes, district = (moments.class_constant(own.y, own.yy, g) for g in (own.groups, own.district))
    return own.or_district(classes, district, default=1.0)


def visit_variance(own: Estates) -> np.ndarray:
    """(G, J) variance of visits within estates; where no estate had two, the district's; else that between estates."""
    parts = [moments.within_variance(own.y, own.e, own.e2, own.yy, g) for g in (own.groups, own.district)]
    mean, weight = ratio(own.y, own.e, 0.0), (own.e > 0).astype(float)
    n = np.maximum(own.district.total(weight), 1.0)
    centre = own.district.total(weight * mean) / n
    between = own.district.total(weight * (mean - centre[own.district.of]) ** 2) / np.maximum(n - 1, 1.0)
    classes, district, between = (np.where(p > 0, p, np.nan) for p in (*parts, between))
    return own.or_district(own.or_district(classes, district), between, default=1.0)


def class_moments(
    own: Estates, terms: Terms, rule: Rule, constants: np.ndarray | None = None
) -> tuple[Moments, np.ndarray]:
    """Moments of every class and metric (obligations: NaN), and each estate's deviation from its class, better = greater.

    Args:
        constants: (G, J) class constants and visit variances known already; None = from the same estates.
    """
    shape = (own.groups.count, len(terms.names))
    found = Moments(np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape), np.zeros(shape), np.ones(shape))
    deviation = np.zeros(own.y.shape)
    for families in (GAMMA, BETA, NORMAL):
        columns = terms.columns(*families)
        part = own.at(columns)
        if families == GAMMA:
            known = severity_constant(part) if constants is None else constants[:, columns]
            c = np.where(terms.family[columns] == "severity", known, 1.0)
            part = part.scaled(c)
            made = moments.rates(part.y, part.e, part.e2, part.groups, rule["winsorise"])
        elif families == BETA:
            made = moments.proportions(part.y, part.e, part.e2, part.groups)
            c = made.c
        else:
            c = visit_variance(part) if constants is None else constants[:, columns]
            made = moments.means(part.y, part.e, part.e2, c, part.groups)
        for name in ("m", "tau2", "total", "units"):
            getattr(found, name)[:, columns] = getattr(made, name)
        found.c[:, columns] = c
        deviation[:, columns] = ratio(part.y, part.e, 0.0) - np.nan_to_num(made.m)[part.groups.of]
    better = np.where(terms.higher_better, 1.0, -1.0)[own.period][own.groups.of]
    return found, better * deviation


def steady_level(found: Moments, family: np.ndarray, by_period: Groups) -> np.ndarray:
    """Class level (G, J), kept off the edge: a class without one event is not a class without risk.

    At least half an event is counted, on top of as much exposure as brings half an event in the whole district; so a
    class nobody measured stands at the district's level. Proportions are kept off 1 in the same way.
    """
    of = by_period.of
    events = np.where(found.total > 0, np.nan_to_num(found.m) * found.total, 0.0)
    whole, exposure = by_period.total(events), by_period.total(found.total)
    beta, normal = family == "proportion", family == "mean"
    district = np.where(beta | normal, whole, np.maximum(whole, 0.5)) / np.where(exposure > 0, exposure, np.nan)
    edge = 0.5 / (exposure + 1)
    district = np.where(beta, np.clip(district, edge, 1 - edge), district)[of]
    with np.errstate(divide="ignore", invalid="ignore"):
        low = 0.5 / (found.total + 0.5 / district)
        high = np.where(beta, 1 - 0.5 / (found.total + 0.5 / (1 - district)), np.inf)
    m = np.where(np.isnan(found.m), district, found.m)
    return np.where(normal, m, np.minimum(np.maximum(m, low), high))


def shared_spread(found: Moments, family: np.ndarray, by_period: Groups, rule: Rule) -> np.ndarray:
    """Spread (G, J) before the strength factor: small classes take it from all classes, middling ones in part (2.4).

    Rates share the variation relative to the level (CV^2 = tau2 / m^2); proportions share rho and means tau2 as they are.
    """
    few, enough = rule["class_pooled_below"], rule["class_blended_below"]
    relative = np.isin(family, GAMMA)
    scale = np.where(relative, found.m**2, 1.0)
    own = ratio(found.tau2, scale)
    weight = np.where(np.isnan(own), 0.0, found.units)
    large = np.where(found.units >= few, weight, 0.0)
    weight = np.where(by_period.total(large)[by_period.of] > 0, large, weight)
    pooled = ratio(by_period.total(weight * np.nan_to_num(own)), by_period.total(weight), 0.0)[by_period.of]
    own = np.where(np.isnan(own), pooled, own)
    blended = (found.units * own + few * pooled) / np.maximum(found.units + few, 1)
    return np.where(found.units < few, pooled, np.where(found.units < enough, blended, own))


def bounded_spread(spread: np.ndarray, m: np.ndarray, within: np.ndarray, family: np.ndarray, rule: Rule) -> np.ndarray:
    """Turn a shared, strengthened spread into tau2 (rho), within the floors and ceilings of the rule.

    A mean has the floor of a correlation too, tau2 / (tau2 + within): without one, a class that differs no more than by
    chance would stand at its level as a fact, whatever an estate's own record says.
    """
    rho = np.clip(spread, rule["rho_floor"], rule["rho_ceiling"])
    rate = np.clip(spread, rule["cv_floor"] ** 2, rule["cv_ceiling"] ** 2) * m**2
    mean = np.maximum(spread, within * rule["rho_floor"] / (1 - rule["rho_floor"]))
    return np.where(family == "proportion", rho, np.where(family == "mean", mean, rate))


@dataclass(frozen=True)
class Learned:
    """What the estates' records say of every class, before it is made into priors.

    Attributes:
        own: the estates' sums. found: moments, (G, J). strength: (P,) lambda of each period; correlation: (P,) of
            metrics, on which it rests.
        asked: (G, J) whether the metric applies to any estate of the class.
    """

    own: Estates
    found: Moments
    strength: np.ndarray
    correlation: np.ndarray
    asked: np.ndarray

    def priors(self, terms: Terms, rule: Rule) -> Priors:
        """Share spreads between classes, strengthen them, and keep level and spread within the rule's bounds."""
        by_period = Groups(self.own.period, len(terms.periods))
        spread = shared_spread(self.found, terms.family, by_period, rule) * self.strength[self.own.period][:, None]
        m = np.where(self.asked, steady_level(self.found, terms.family, by_period), np.nan)
        tau2 = bounded_spread(spread, m, self.found.c, terms.family, rule)
        return Priors(m, tau2, self.strength, self.found.units, self.found.c)


def learn(grid: Grid, terms: Terms, rule: Rule) -> Learned:
    """Moments of every period, class and metric, and each period's strength factor."""
    own = estates_of(grid, terms)
    found, deviation = class_moments(own, terms, rule)
    proportion = terms.family == "proportion"
    variance = np.where(proportion, found.tau2 * found.m * (1 - found.m), found.tau2)
    scored = np.flatnonzero((terms.weight > 0).any(axis=0) & (terms.family != "obligation"))
    correlation = mean_correlation(
        deviation[:, scored], own.e[:, scored], np.sqrt(np.nan_to_num(variance[:, scored])), own.groups, own.period,
        len(terms.periods), rule["pair_units_min"],
    )  # fmt: skip
    strength = strength_factor(correlation, effective_metrics(terms.overall))
    rows, groups = grid.estates()
    return Learned(own, found, strength, correlation, groups.total(grid.applies[rows].astype(float)) > 0)


def estimate(grid: Grid, terms: Terms, rule: Rule) -> Priors:
    """Priors of every period, class and metric at once.

    Args:
        grid: units by metrics; its estates are what is learned from.
        rule: the index rule in force.
    """
    return learn(grid, terms, rule).priors(terms, rule)


def posterior(grid: Grid, terms: Terms, priors: Priors) -> Posterior:
    """Pull every unit's record to its class, by as much as the class says and the record is thin.

    Gamma (alpha + y, beta + e), Beta (m M + k, (1 - m) M + n - k), Normal; an obligation is done / required as it is. A
    metric's ``when_empty`` stands as a fact where it applies and nothing was recorded.
    """
    raw = ratio(grid.y, grid.e)
    estimate, a, b = (np.full(raw.shape, np.nan) for _ in range(3))
    for families in (GAMMA, BETA, NORMAL):
        at = terms.columns(*families)
        y, e = grid.y[:, at], grid.e[:, at]
        m, tau2, c = (x[:, at][grid.group] for x in (priors.m, priors.tau2, priors.c))
        if families == GAMMA:
            first, second = m**2 / tau2 + y / c, m / tau2 + e
            value = c * first / second
        elif families == BETA:
            first, second = m * (1 / tau2 - 1) + y, (1 - m) * (1 / tau2 - 1) + (e - y)
            value = first / (first + second)
        else:
            share = ratio(tau2 * e, tau2 * e + c, 0.0)  # R = tau2 / (tau2 + sigma2 / n)
            first = value = share * np.nan_to_num(ratio(y, e)) + (1 - share) * m
            second = (1 - share) * tau2
        estimate[:, at], a[:, at], b[:, at] = value, first, second
    fact = np.broadcast_to(terms.family == "obligation", raw.shape)
    empty = grid.applies & (grid.e == 0) & ~np.isnan(terms.when_empty)
    raw = np.where(empty, terms.when_empty, raw)
    known = np.where(fact | empty, raw, estimate)
    return Posterior(raw, known, np.where(fact | empty, raw, a), np.where(fact | empty, 0.0, b))
