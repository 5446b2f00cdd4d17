"""An invented district judged by the method itself, and by what offices do without one.

Only the records' sums are made here, quarter by quarter; priors, posteriors, draws, states, selection, stages, company
means, inspectors' factors and propensities are the product's own functions, called as ``metrics.edition`` calls them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from benchmarks.world import AT, CLASSES, METRICS, NAMES, District
from metrics import bootstrap, priors, scores
from metrics.calendar import Quarter, quarters_up_to
from metrics.caps import CAPS
from metrics.cells import Cells, cells_of
from metrics.certainty import Ways
from metrics.grid import Grid, Groups, grid_of
from metrics.index import Membership, power_mean
from metrics.leniency import Leniency, leniency
from metrics.points import utility
from metrics.propensity import propensities
from metrics.terms import Terms
from rules.book import Book, Rule

LAST = Quarter(2026, 3)
SUMS = ("y", "e", "e2", "yy", "records")
DAYS = 365.25 / 4
#: Goalposts as method.md 3 first sets them: quantiles of the base year, best to fail (the last stretched by 1.2).
QUANTILES = (0.03, 0.30, 0.72, 0.995)
STRETCH = 1.2
NO_CAPS = pl.DataFrame(schema=CAPS)
LOWER_BETTER = np.array([m.family in ("rate", "severity") for m in METRICS.values()])
CEILING = np.array([100.0 if m.family == "mean" else 1.0 for m in METRICS.values()])


def index_rule() -> Rule:
    return Book().on(date(2026, 9, 30), "index")


def ladder_rule() -> Rule:
    return Book().on(date(2026, 9, 30), "ladder")


def ages(rule: Rule, half_life: float | None = None) -> np.ndarray:
    """Weight of each quarter's records, newest first, at mid-quarter; as many as the window has."""
    months = 1.5 + 3 * np.arange(rule["window_quarters"])
    return 2.0 ** (-months / (half_life or rule["half_life_months"]))


def windowed(x: np.ndarray, weight: np.ndarray, t: int) -> np.ndarray:
    """Sum of ``weight`` x the quarters up to ``t``, newest first; quarters before the first are left out."""
    part = x[max(0, t + 1 - len(weight)) : t + 1]
    return np.einsum("t,t...->...", weight[: len(part)][::-1], part)


def goalposts(level: np.ndarray) -> np.ndarray:
    """(4, J) fail, minimum, target, best from true levels (N, J)."""
    bad = np.where(LOWER_BETTER, level, CEILING - level)
    best, target, minimum, fail = np.quantile(bad, QUANTILES, axis=0)
    return np.where(LOWER_BETTER, 1.0, -1.0) * np.array([STRETCH * fail, minimum, target, best]) + np.where(
        LOWER_BETTER, 0.0, CEILING
    )


def terms_of(posts: np.ndarray, rule: Rule, periods: tuple[str, ...]) -> Terms:
    """Terms of the invented metrics, the same in every period."""
    subs, shape = tuple(rule["weights"]), (len(periods), len(NAMES))
    chosen = list(METRICS.values())
    return Terms(
        periods=periods, names=NAMES, subindices=subs,
        family=np.array([m.family for m in chosen]), source=np.array([m.source for m in chosen]),
        when_empty=np.full(len(NAMES), np.nan), in_force=np.ones(shape, dtype=bool),
        subindex=np.tile([subs.index(m.subindex) for m in chosen], (len(periods), 1)),
        weight=np.tile([m.weight for m in chosen], (len(periods), 1)),
        sub_weight=np.tile(list(rule["weights"].values()), (len(periods), 1)),
        posts=np.repeat(posts[:, None, :], len(periods), axis=1),
    )  # fmt: skip


@dataclass(frozen=True)
class Court:
    """A district, the terms it is judged by, and what is true of it.

    Attributes:
        places: the quarters scored, oldest first, as places in the district's T.
    """

    district: District
    rule: Rule
    places: tuple[int, ...]
    adjusted: bool = True

    @cached_property
    def terms(self) -> Terms:
        last = len(self.district.level) - 1
        names = [str(q) for q in quarters_up_to(LAST, last + 1)]
        posts = goalposts(self.record(last))
        return terms_of(posts, self.rule, tuple(names[t] for t in self.places))

    def record(self, t: int, weight: np.ndarray | None = None) -> np.ndarray:
        """(N, J) true levels over the window, weighted as records are: what the index means to tell."""
        weight = ages(self.rule) if weight is None else weight
        level = self.district.level
        return windowed(level, weight, t) / windowed(np.ones(len(level)), weight, t)

    def index(self, level: np.ndarray) -> np.ndarray:
        """Index of known levels (..., J)."""
        return index_of(level, self.terms, self.rule)

    def truth(self, t: int) -> np.ndarray:
        """(N,) true record index at quarter ``t``."""
        return self.index(self.record(t))

    @cached_property
    def factors(self) -> Leniency:
        """What the records say of each inspector."""
        seen, terms = self.district.records, Book().on(LAST.last, "adjustments")["inspectors"]
        estate = np.broadcast_to(np.arange(seen.inspector.shape[1]), seen.inspector.shape)
        there = seen.inspector >= 0
        return leniency(
            estate[there], seen.inspector[there], seen.failed[there], seen.looked[there],
            self.district.world.inspectors, least_estates=terms["estates_min"], rounds=terms["rounds"],
        )  # fmt: skip

    @cached_property
    def records(self) -> dict[str, np.ndarray]:
        """(T, N, J) sums within each quarter, failed points divided by the inspector's factor."""
        seen = self.district.records
        cells = {name: getattr(seen, name).astype(float) for name in ("y", "e", "yy", "records")}
        if not self.adjusted:
            return cells
        divided = np.where(seen.inspector >= 0, self.factors.factor[seen.inspector], 1.0)
        for name in ("y", "yy"):
            cells[name][..., AT["defect"]] /= divided
        there = cells["e"][..., AT["check"]]
        seen_score = there * (100 - (100 - cells["y"][..., AT["check"]]) / divided)
        cells["y"][..., AT["check"]], cells["yy"][..., AT["check"]] = seen_score, seen_score**2
        return cells

    def sums(self, t: int, weight: np.ndarray) -> dict[str, np.ndarray]:
        """(N, J) decayed sums of the window up to ``t``."""
        cells, plain = self.records, np.ones(len(weight))
        out = {name: windowed(cells[name], weight, t) for name in ("y", "e", "yy")}
        return out | {"e2": windowed(cells["e"], weight**2, t), "records": windowed(cells["records"], plain, t)}

    @cached_property
    def readiness(self) -> np.ndarray:
        """(P, N) estimated propensity to report."""
        seen, plain = self.district.records, np.ones(self.rule["window_quarters"])
        parts = [[windowed(x, plain, t) for x in (seen.duplicates, seen.open_days)] for t in self.places]
        again, days = (np.concatenate(x) for x in zip(*parts, strict=True))
        classes, periods = len(CLASSES), len(self.places)
        of = np.concatenate([self.district.estate_class + p * classes for p in range(periods)])
        by_period = Groups(np.repeat(np.arange(periods), classes), periods)
        terms = Book().on(LAST.last, "adjustments")["reporting"]
        pi = propensities(
            again, days, Groups(of, classes * periods), by_period, self.rule, terms["least"], terms["most"]
        )
        return pi.reshape(periods, -1)


def index_of(level: np.ndarray, terms: Terms, rule: Rule) -> np.ndarray:
    """(N,) index of levels (N, J); NaN = not known, its weight goes to the others."""
    points = utility(level, *terms.posts[:, 0])
    wide = (np.broadcast_to(x[0], (len(level), x.shape[1])) for x in (terms.subindex, terms.weight, terms.sub_weight))
    member = Membership(*wide)
    return power_mean(member.subindices(points, member.share(points)), member.sub_weight, rule["rho"], rule["floor"])


def _long(units: pl.DataFrame, cells: dict[str, np.ndarray]) -> pl.DataFrame:
    """Contract MetricSum from cells (U, J)."""
    u, j = np.nonzero(cells["e"] > 0)
    columns = {name: pl.Series(cells[name][u, j]) for name in SUMS}
    columns["records"] = columns["records"].cast(pl.Int64)
    return units.select("level", "unit_id", "period")[u].with_columns(metric=pl.Series(NAMES)[j], **columns)


def names(kind: str, numbers: np.ndarray) -> pl.Series:
    """Identifiers of numbered things."""
    return pl.select(pl.lit(kind) + pl.Series(numbers.astype(np.int64)).cast(pl.String).str.zfill(5)).to_series()


def _units(court: Court, t: int, level: str, rows: np.ndarray, **more) -> pl.DataFrame:
    """The frame of ``metrics.units.units`` at quarter ``t`` for these estates (numbers, repeated where need be)."""
    district = court.district
    year = (district.records.inspector[max(0, t - 3) : t + 1] >= 0).any(axis=0)
    columns = {
        "level": pl.repeat(level, len(rows), eager=True), "unit_id": names("e", rows), "estate_id": names("e", rows),
        "company_id": names("c", district.company[t, rows]), "head_id": pl.repeat(None, len(rows), dtype=pl.String, eager=True),
        "period": pl.repeat(str(LAST - (len(district.level) - 1 - t)), len(rows), eager=True),
        "estate_class": pl.Series(CLASSES)[district.estate_class[rows]],
        "households": pl.Series(district.homes[rows].astype(np.int64)),
        "in_charge_days": pl.repeat(None, len(rows), dtype=pl.Int64, eager=True),
        "current": pl.repeat(True, len(rows), eager=True), "inspected": pl.Series(year[rows]),
        "household_days": pl.Series(district.homes[rows]),
    }  # fmt: skip
    return pl.DataFrame(columns | more)


def _readily(court: Court, cells: dict[str, np.ndarray], pi: np.ndarray) -> dict[str, np.ndarray]:
    """Count homes by how readily they report (``metrics.adjust.with_propensity``)."""
    if court.adjusted:
        for name in ("e", "e2"):
            cells[name][:, AT["issue"]] *= pi
    return cells


def estates_rows(court: Court, weight: np.ndarray) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Units and sums of every estate in every scored quarter."""
    everyone, units, sums = np.arange(court.district.world.estates), [], []
    for p, t in enumerate(court.places):
        units.append(_units(court, t, "estate", everyone))
        sums.append(_long(units[-1], _readily(court, court.sums(t, weight), court.readiness[p])))
    return pl.concat(units), pl.concat(sums)


def grid_from(court: Court, units: pl.DataFrame, sums: pl.DataFrame) -> Grid:
    """The grid of these units; every metric applies everywhere."""
    everywhere = units.select("estate_id", "period").unique().sort("estate_id", "period")
    asked = everywhere.join(pl.DataFrame({"metric": list(NAMES)}), how="cross")
    return grid_of(units, sums, asked, court.terms)


def estates_grid(court: Court, weight: np.ndarray) -> Grid:
    """Every estate in every scored quarter."""
    return grid_from(court, *estates_rows(court, weight))


def spells_of(court: Court, t: int, weight: np.ndarray) -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    """Every company's spell at an estate inside the window: units and sums, and its true levels (U, J).

    Rows stand in the order of the units frame, sorted by unit.
    """
    district, first = court.district, max(0, t + 1 - len(weight))
    units, sums, truth = [], [], []
    for k in range(int(district.tenure[t].max()) + 1):
        own = (district.tenure == k) & (np.arange(len(district.tenure)) <= t)[:, None]
        rows = np.flatnonzero(own[first : t + 1].any(axis=0))
        part = own[:, rows]
        end = len(part) - 1 - part[::-1].argmax(axis=0)
        homes = district.homes[rows]
        more = {
            "unit_id": pl.select(names("e", rows) + f"-{k:02d}").to_series(),
            "company_id": names("c", district.company[end, rows]),
            "in_charge_days": pl.Series((part.sum(axis=0) * DAYS).astype(np.int64)),
            "current": pl.Series(end == t),
            "household_days": pl.Series(homes * DAYS * windowed(part, weight, t)),
        }
        units.append(_units(court, t, "tenure", rows, **more))
        cells = {n: windowed(x[:, rows] * part[..., None], weight, t) for n, x in court.records.items()}
        cells["e2"] = windowed(court.records["e"][:, rows] * part[..., None], weight**2, t)
        place = court.places.index(t)
        sums.append(_long(units[-1], _readily(court, cells, court.readiness[place, rows])))
        true = windowed(district.level[:, rows] * part[..., None], weight, t)
        truth.append(true / windowed(part, weight, t)[:, None])
    frame = pl.concat(units).with_row_index("row").sort("unit_id")
    return frame.drop("row"), pl.concat(sums), np.concatenate(truth)[frame["row"].to_numpy()]


@dataclass(frozen=True)
class Judged:
    """What the method says: contract IndexScore beside the units frame, in the grid's order, and its priors."""

    grid: Grid
    cells: Cells
    index: pl.DataFrame
    strength: np.ndarray
    correlation: np.ndarray

    def column(self, name: str, periods: int = 1) -> np.ndarray:
        """(P, N) of level ``estate``; NaN = none."""
        found = self.index.filter(pl.col("level") == "estate").get_column(name).cast(pl.Float64)
        return found.fill_null(np.nan).to_numpy().reshape(-1, periods).T


def judge(court: Court, grid: Grid, strength: float | None = None) -> Judged:
    """Score a grid as ``metrics.edition`` does; caps are off.

    Args:
        strength: a strength factor for every prior; None = the method's own.
    """
    terms, rule = court.terms, court.rule
    learned = priors.learn(grid, terms, rule)
    if strength is not None:
        learned = replace(learned, strength=np.full(len(terms.periods), float(strength)))
    prior = learned.priors(terms, rule)
    again = bootstrap.priors_again(learned, terms, rule)
    ways = Ways(prior, rule, again, bootstrap.small_classes(learned, rule), low=None)
    cells = cells_of(grid, terms, prior, rule)
    index = scores.frames(grid, terms, cells, NO_CAPS, ways)["index_scores"]
    return Judged(grid, cells, index, learned.strength, learned.correlation)


# --- what offices do without a method: the last twelve months, undecayed and unadjusted ------------------------------

#: Points taken off per event: what a ledger of deductions counts, whatever the estate's size. Defects at HUD's values / 10.
DEDUCTED = {
    "check": 1.0, "defect": 0.1, "drill": 2.0, "facility": 1.0, "fire": 20.0, "incident": 2.0, "issue": 1.0,
    "norecur": 2.0, "ontime": 2.0, "reply": 1.0,
}  # fmt: skip
YEAR = np.ones(4)


def raw_year(district: District, t: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, J) bare sums and exposures of the last four quarters."""
    return windowed(district.records.y, YEAR, t), windowed(district.records.e, YEAR, t)


def deductions(district: District, t: int) -> np.ndarray:
    """(N,) 100 less points for everything counted in the last year."""
    y, e = raw_year(district, t)
    bad = np.where(LOWER_BETTER, y, CEILING * e - y)
    bad[:, AT["check"]] *= district.world.per_visit("check") / 100  # failing items
    return 100 - bad @ np.array([DEDUCTED[name] for name in NAMES])


def min_max(district: District, t: int, weight: np.ndarray) -> np.ndarray:
    """(N,) weighted mean of last year's bare rates, each stretched from the worst estate to the best."""
    y, e = raw_year(district, t)
    rate = np.divide(y, e, out=np.full(y.shape, np.nan), where=e > 0) * np.where(LOWER_BETTER, -1.0, 1.0)
    low, high = np.nanmin(rate, axis=0), np.nanmax(rate, axis=0)
    part, weight = (rate - low) / (high - low), np.where(np.isnan(rate), 0.0, weight)
    return 100 * np.nansum(part * weight, axis=1) / weight.sum(axis=1)


def anchored(court: Court, t: int) -> np.ndarray:
    """(N,) index of last year's bare rates against the goalposts."""
    y, e = raw_year(court.district, t)
    return court.index(np.divide(y, e, out=np.full(y.shape, np.nan), where=e > 0))
