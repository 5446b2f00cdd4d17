"""The shape in which scores are computed: one row per unit and period (U), one column per metric (J).

Sums come as a long table; here each takes its cell. A cell without evidence holds 0 exposure, never a value. Rows stand
in the order of the units frame, columns in alphabetical order, so results do not depend on the order of the input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from metrics.terms import Terms

UNIT = ["level", "unit_id", "period"]
CELLS = ("y", "e", "e2", "yy", "records")
BLOCK = (
    2048  # rows worked on at a time: what fits the processor's cache, and bounds memory whatever the district's size
)


class UnitTwice(ValueError):
    """A unit stands twice in one period: the register contradicts itself."""


@dataclass(frozen=True)
class Groups:
    """Rows that belong together (the estates of one class in one period), standing next to each other.

    Attributes:
        of: (rows,) number of each row's group, ascending.
        count: how many groups there are; some may be empty.
    """

    of: np.ndarray
    count: int

    @property
    def sizes(self) -> np.ndarray:
        return np.bincount(self.of, minlength=self.count)

    def slices(self) -> list[slice]:
        """One slice of rows per group."""
        ends = np.cumsum(self.sizes)
        return [slice(int(a), int(b)) for a, b in zip(ends - self.sizes, ends, strict=True)]

    def total(self, x: np.ndarray) -> np.ndarray:
        """Sum rows by group: (rows, ...) to (count, ...)."""
        sizes = self.sizes
        out = np.zeros((self.count, *x.shape[1:]))
        if len(x):
            out[sizes > 0] = np.add.reduceat(x, (np.cumsum(sizes) - sizes)[sizes > 0], axis=0)
        return out


@dataclass(frozen=True)
class Grid:
    """Units by metrics.

    Attributes:
        units: the units frame, sorted by level, unit and period: the rows.
        classes: one row per group (``period, estate_class``), sorted.
        period: (U,) place of each row's period in ``Terms.periods``.
        group: (U,) place of each row's class and period in ``classes``.
        applies: (U, J) whether the metric applies to the unit's estate in that period and its rule was in force.
        y, e, e2, yy, records: (U, J) decayed sums (contract MetricSum); 0 where nothing was collected.
        at_most: (U, J) the most points a cell may earn, as it was withheld (metrics/pending.py), NaN = as recorded; or None.
    """

    units: pl.DataFrame
    classes: pl.DataFrame
    period: np.ndarray
    group: np.ndarray
    applies: np.ndarray
    y: np.ndarray
    e: np.ndarray
    e2: np.ndarray
    yy: np.ndarray
    records: np.ndarray
    at_most: np.ndarray | None = None

    @property
    def withheld(self) -> np.ndarray:
        """(U, J) whether a cell was asked for and not sent."""
        return np.zeros(self.e.shape, dtype=bool) if self.at_most is None else ~np.isnan(self.at_most)

    def held(self, points: np.ndarray) -> np.ndarray:
        """Points (U, J), those of withheld cells no higher than ``at_most``."""
        return points if self.at_most is None else np.where(self.withheld, np.fmin(points, self.at_most), points)

    def estates(self) -> tuple[np.ndarray, Groups]:
        """Rows of level ``estate``, group by group, and their groups: what priors are estimated on."""
        rows = np.flatnonzero((self.units.get_column("level") == "estate").to_numpy())
        rows = rows[np.argsort(self.group[rows], kind="stable")]
        return rows, Groups(self.group[rows], self.classes.height)

    def block(self, rows: slice | np.ndarray) -> Grid:
        """The same grid, of these rows only."""
        cells = ("period", "group", "applies", *CELLS)
        part = {name: getattr(self, name)[rows] for name in cells}
        at_most = None if self.at_most is None else self.at_most[rows]
        return replace(self, units=self.units[rows], at_most=at_most, **part)

    def period_of_group(self, terms: Terms) -> np.ndarray:
        """Place of each group's period in ``Terms.periods``."""
        return _places(self.classes.get_column("period"), terms.periods)


def by_blocks(rows: int, work: Callable[[slice], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Do ``work`` on one block of rows after another and put the blocks' results (same first axis) together."""
    out: dict[str, np.ndarray] = {}
    for start in range(0, max(rows, 1), BLOCK):
        part = slice(start, min(start + BLOCK, rows))
        for name, value in work(part).items():
            if name not in out:
                out[name] = np.empty((rows, *value.shape[1:]), dtype=value.dtype)
            out[name][part] = value
    return out


def _places(column: pl.Series, names: tuple[str, ...]) -> np.ndarray:
    """Position of each value in ``names``; -1 for strangers."""
    return column.replace_strict(list(names), list(range(len(names))), default=-1, return_dtype=pl.Int64).to_numpy()


def _runs(rows: pl.DataFrame, keys: list[str]) -> tuple[np.ndarray, pl.DataFrame]:
    """Number the runs of equal ``keys``: (rows,) run numbers, and one row per run."""
    new = pl.any_horizontal(pl.col(k) != pl.col(k).shift(1) for k in keys).fill_null(True)
    starts = rows.select(new=new).get_column("new").to_numpy()
    return np.cumsum(starts) - 1, rows.select(keys).filter(pl.Series(starts))


def _rows_of(rows: pl.DataFrame, index: pl.DataFrame, keys: list[str]) -> np.ndarray:
    """Row of ``index`` (unique ``keys``, column ``row``) for each row; -1 where there is none."""
    run, heads = _runs(rows, keys)
    found = heads.join(index, on=keys, how="left", maintain_order="left").get_column("row").fill_null(-1)
    return found.to_numpy()[run] if rows.height else np.zeros(0, dtype=np.int64)


def _refuse_twins(units: pl.DataFrame) -> None:
    twins = units.filter(pl.struct(UNIT).is_duplicated())
    if twins.height:
        level, unit_id, period = twins.select(UNIT).row(0)
        raise UnitTwice(
            f"{level} '{unit_id}' stands more than once in {period} ({twins.height} such rows in all), so its score could "
            "not be told from its twin's. An estate or tenure is on the register twice for the same day: end one of the "
            "two entries, load the register again, and compute again."
        )


def grid_of(units: pl.DataFrame, sums: pl.DataFrame, applicable: pl.DataFrame, terms: Terms) -> Grid:
    """Put long tables into cells.

    Args:
        units: one row per level, unit and period (``metrics.units.units``).
        sums: contract MetricSum. Rows of other units, periods or metrics, and of metrics that do not apply, are left out.
        applicable: ``estate_id, period, metric``: one row per estate and metric that applies to it.

    Raises:
        UnitTwice: a unit stands twice in one period.
    """
    units = units.filter(pl.col("period").is_in(terms.periods)).sort(UNIT)
    _refuse_twins(units)
    classes = units.select("period", "estate_class").unique().sort("period", "estate_class")
    group = units.join(
        classes.with_row_index("group"), on=["period", "estate_class"], how="left", maintain_order="left"
    ).get_column("group").to_numpy()  # fmt: skip
    period = _places(units.get_column("period"), terms.periods)

    estates = units.select("estate_id", "period").unique(maintain_order=True).with_row_index("row")
    asked = np.zeros((estates.height, len(terms.names)), dtype=bool)
    row, column = _rows_of(applicable, estates, ["estate_id", "period"]), _places(applicable["metric"], terms.names)
    known = np.flatnonzero((row >= 0) & (column >= 0))
    asked[row[known], column[known]] = True
    own = units.join(estates, on=["estate_id", "period"], how="left", maintain_order="left").get_column("row")

    kinds = dict.fromkeys(CELLS, np.float64) | {"records": np.int64}
    cells = {name: np.zeros((units.height, len(terms.names)), kind) for name, kind in kinds.items()}
    index = units.select(UNIT).with_row_index("row")
    row, column = _rows_of(sums, index, UNIT), _places(sums["metric"], terms.names)
    applies = asked[own.to_numpy()] & terms.in_force[period]
    known = np.flatnonzero((row >= 0) & (column >= 0))
    known = known[applies[row[known], column[known]]]
    place = row[known] * len(terms.names) + column[known]
    for name, cell in cells.items():
        cell.ravel()[place] = sums.get_column(name).to_numpy()[known]
    return Grid(units=units, classes=classes, period=period, group=group, applies=applies, **cells)
