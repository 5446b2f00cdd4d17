"""What must hold of any district whatever its records (method.md section 16), from sums to scores, on random small ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.edition_tables import TABLES
from metrics import caps, priors, scores
from metrics.cells import cells_of
from metrics.certainty import Ways
from metrics.grid import UNIT, Grid
from metrics.index import power_mean
from metrics.priors import effective_metrics
from metrics.terms import Terms
from rules.book import Book
from tests.metrics.scoring import (
    PERIOD,
    RATE,
    RATE_POSTS,
    SHARE,
    grid_for,
    index_rule,
    sums_frame,
    terms_for,
    unit_row,
    units_frame,
)

#: Small classes count, few draws, and everybody is rated who has the evidence.
RULE = index_rule(
    pair_units_min=3, class_pooled_below=3, class_blended_below=6, draws=50, reliability_rated=0.0,
    reliability_provisional=0.0,
)  # fmt: skip
LOW = Book().on(date(2026, 9, 30), "caps")
SEVERE, SLIGHT = 14.8, 2.4
METRICS = {
    "events": RATE,
    "defects": RATE | {"family": "severity", "weight": 0.5, "source": "inspection", "fail": 20.0, "minimum": 8.0,
                       "target": 3.0, "best": 1.0},
    "penalties": RATE | {"subindex": "security", "when_empty": 0.0},
    "passed": SHARE,
    "drills": SHARE | {"family": "obligation", "subindex": "drills", "source": "company"},
    "visits": SHARE | {"family": "mean", "subindex": "residents", "source": "survey", "fail": 40.0, "minimum": 60.0,
                       "target": 85.0, "best": 95.0},
}  # fmt: skip
WEIGHTS = {"fire": 0.3, "rectification": 0.25, "drills": 0.15, "security": 0.15, "residents": 0.15}
#: What does not rest on draws.
SETTLED = ["raw", "estimate", "points", "own_points", "weight", "points_lost", "gap_to_class"]


@dataclass
class District:
    """Units in any order, and each metric's sums in theirs: y, e, e2, yy and records."""

    rows: list[dict]
    sums: dict[str, dict[str, np.ndarray]]
    metrics: dict[str, dict] = field(default_factory=lambda: dict(METRICS))

    def grid(self, order: np.ndarray | None = None) -> tuple[Grid, Terms]:
        order = np.arange(len(self.rows)) if order is None else order
        units, terms = units_frame([self.rows[i] for i in order]), terms_for(self.metrics, WEIGHTS)
        frames = [
            sums_frame(name, units=units, **{k: v[order] for k, v in cells.items()})
            for name, cells in self.sums.items()
        ]
        frames = frames if order[0] == 0 else frames[::-1]
        return grid_for(terms, units, pl.concat(frames)), terms


def _sums(rng: np.random.Generator, units: int, family: str) -> dict[str, np.ndarray]:
    """Decayed sums of one metric; about a fifth of the units have none."""
    w = rng.uniform(0.3, 1, units)  # all records of a unit are of one age
    n = rng.integers(1, 12, units).astype(float) * (rng.random(units) > 0.2)
    if family == "rate":
        count, square = rng.poisson(1.5 * n).astype(float), 0 * n
    elif family == "severity":
        slight, severe = rng.poisson(n), rng.poisson(0.3 * n)
        count, square = SLIGHT * slight + SEVERE * severe, SLIGHT**2 * slight + SEVERE**2 * severe
    elif family == "mean":
        level, spread = rng.normal(70, 12, units), rng.uniform(1, 8, units)
        count, square = n * level, n * level**2 + np.maximum(n - 1, 0) * spread**2
    else:
        count = rng.binomial(n.astype(int), rng.beta(4, 1.5, units)).astype(float)
        square = count
    if family == "obligation":
        w = np.ones(units)
    return {"y": w * count, "e": w * n, "e2": w**2 * n, "yy": w * square, "records": n.astype(int)}


@st.composite
def districts(draw) -> District:
    """Four to fourteen estates of two classes, some with a company's tenure beside them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(4, 14))
    rows = [unit_row(f"e{i:02}", estate_class=rng.choice(["HR", "MR"]), inspected=rng.random() > 0.1) for i in range(n)]
    rows += [r | unit_row(r["estate_id"], "tenure", estate_class=r["estate_class"]) for r in rows if rng.random() < 0.5]
    return District(rows, {name: _sums(rng, len(rows), m["family"]) for name, m in METRICS.items()})


def judged(district: District, order=None, caps_now: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
    grid, terms = district.grid(order)
    none = pl.DataFrame(schema=caps.CAPS)
    ways = Ways(priors.estimate(grid, terms, RULE), RULE, low=LOW)
    return scores.score(grid, terms, none if caps_now is None else caps_now, ways)


def settled(made: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Every cell's numbers and its unit's score, none of which rest on draws."""
    index = made["index_scores"].select(*UNIT, "score", "own_score", "coverage", "sources")
    cells = made["metric_scores"].select(*UNIT, "metric", "state", *SETTLED)
    return cells.join(index, on=UNIT).sort(*UNIT, "metric")


def assert_same(found: pl.DataFrame, expected: pl.DataFrame, but: tuple[str, ...] = ()) -> None:
    for column in (c for c in expected.columns if c not in but):
        ours, theirs = found[column].to_list(), expected[column].to_list()
        if expected[column].dtype == pl.Float64:
            assert [x is None for x in ours] == [x is None for x in theirs], column
            ours, theirs = ([x for x in side if x is not None] for side in (ours, theirs))
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9), column
        else:
            assert ours == theirs, column


# --- sums, order, names, units ---------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(districts())
def test_contributions_sum_to_the_score_of_every_unit(district):
    made = judged(district)
    score = made["index_scores"].select(*UNIT, "score")
    for table in ("metric_scores", "subindex_scores"):
        lost = made[table].group_by(UNIT).agg(pl.col("points_lost").sum()).join(score, on=UNIT)
        assert (100 + lost["points_lost"] - lost["score"]).abs().max() < 1e-9
    # the gap leads to the index that a unit would have at its class's points
    cells = made["metric_scores"].filter(pl.col("weight") > 0).join(score, on=UNIT)
    level = made["metric_scores"].filter(pl.col("level") == "estate", pl.col("state") == "measured")
    names = {r["unit_id"]: r["estate_class"] for r in district.rows}
    level = level.with_columns(of=pl.col("unit_id").replace_strict(names)).group_by("of", "metric").agg(
        peer=pl.col("points").mean()
    )  # fmt: skip
    cells = cells.with_columns(of=pl.col("unit_id").replace_strict(names)).join(level, on=["of", "metric"], how="left")
    subs = {n: list(WEIGHTS).index(m["subindex"]) for n, m in METRICS.items()}
    for _, unit in cells.group_by(UNIT):
        points = unit["peer"].fill_null(unit["points"]).to_numpy()
        place = unit["metric"].replace_strict(subs).to_numpy()
        u = np.full(len(WEIGHTS), np.nan)
        for k in set(place):
            at = place == k
            u[k] = (unit["weight"].to_numpy()[at] * points[at]).sum()
        peer = power_mean(u, np.array(list(WEIGHTS.values())), RULE["rho"], RULE["floor"])
        assert unit["score"][0] - unit["gap_to_class"].sum() == pytest.approx(float(peer), abs=1e-8)


@settings(max_examples=40, deadline=None)
@given(district=districts(), data=st.data())
def test_the_same_records_in_any_order_give_the_same_bytes(district, data):
    order = np.array(data.draw(st.permutations(range(len(district.rows)))))
    straight, again, mixed = judged(district), judged(district), judged(district, order)
    for name, frame in straight.items():
        assert frame.equals(again[name]) and frame.equals(mixed[name]), name
        assert frame.write_csv() == mixed[name].write_csv()


@settings(max_examples=40, deadline=None)
@given(district=districts(), seed=st.integers(0, 1000))
def test_names_of_estates_classes_and_metrics_do_not_matter(district, seed):
    rng = np.random.default_rng(seed)
    ids = sorted({r["estate_id"] for r in district.rows})
    estate = dict(zip(ids, (f"x{i:03}" for i in rng.permutation(len(ids))), strict=True))
    metric = dict(zip(METRICS, (f"m{i}" for i in rng.permutation(len(METRICS))), strict=True))
    kind = {"HR": "ZZ", "MR": "AA"}

    def renamed(r: dict) -> dict:
        new = estate[r["estate_id"]]
        own = new if r["level"] == "estate" else f"tenure-{new}"
        return r | {"estate_id": new, "unit_id": own, "estate_class": kind[r["estate_class"]]}

    other = District(
        [renamed(r) for r in district.rows],
        {metric[n]: s for n, s in district.sums.items()},
        {metric[n]: m for n, m in METRICS.items()},
    )
    unit = {r["unit_id"]: renamed(r)["unit_id"] for r in district.rows}
    expected = settled(judged(district)).with_columns(
        pl.col("unit_id").replace_strict(unit), pl.col("metric").replace_strict(metric)
    )
    assert_same(settled(judged(other)), expected.sort(*UNIT, "metric"))


@settings(max_examples=40, deadline=None)
@given(district=districts(), factor=st.sampled_from([1e-3, 0.3048, 1000.0]))
def test_units_of_measurement_do_not_matter(district, factor):
    sums, rescaled = dict(district.sums), dict(METRICS)
    for name in ("events", "penalties"):  # exposure in homes instead of thousands
        s = sums[name]
        sums[name] = s | {"e": s["e"] * factor, "e2": s["e2"] * factor}
        rescaled[name] = METRICS[name] | {k: METRICS[name][k] / factor for k in RATE_POSTS}
    for name in ("defects", "visits"):  # points on another scale
        s = sums[name]
        sums[name] = s | {"y": s["y"] * factor, "yy": s["yy"] * factor**2}
        rescaled[name] = METRICS[name] | {k: METRICS[name][k] * factor for k in RATE_POSTS}
    found = settled(judged(District(district.rows, sums, rescaled)))
    assert_same(found, settled(judged(district)), but=("raw", "estimate"))


# --- priors ----------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(districts())
def test_the_strength_of_a_districts_priors_lies_between_one_and_its_number_of_metrics(district):
    grid, terms = district.grid()
    strength = priors.estimate(grid, terms, RULE).strength
    assert (strength >= 1).all()
    assert (strength <= np.maximum(1.0, effective_metrics(terms.overall)) + 1e-12).all()


def scaled(grid: Grid, u: int, factor: float) -> Grid:
    """The same bare record of one unit, on ``factor`` times as much."""
    cells = {name: getattr(grid, name).copy() for name in ("y", "e", "e2", "yy")}
    for x in cells.values():
        x[u] *= factor
    return replace(grid, **cells)


@settings(max_examples=40, deadline=None)
@given(district=districts(), which=st.integers(0, 3))
def test_no_evidence_gives_the_class_level_and_endless_evidence_the_bare_record(district, which):
    grid, terms = district.grid()
    prior = priors.estimate(grid, terms, RULE)
    level = (prior.m * np.where(terms.family == "severity", prior.c, 1.0))[grid.group[which]]
    cols = np.flatnonzero((terms.family != "obligation") & (grid.e[which] > 0))
    little, much = (priors.posterior(scaled(grid, which, f), terms, prior) for f in (1e-9, 1e10))
    assert little.estimate[which, cols] == pytest.approx(level[cols], rel=1e-5)
    assert much.estimate[which, cols] == pytest.approx(much.raw[which, cols], rel=1e-5, abs=1e-6)


# --- better and worse records, priors fixed --------------------------------------------------------------------------


def with_more(grid: Grid, u: int, j: int, y: float, e: float) -> Grid:
    cells = {"y": grid.y.copy(), "e": grid.e.copy(), "e2": grid.e2.copy()}
    cells["y"][u, j] += y
    cells["e"][u, j] += e
    cells["e2"][u, j] += e
    return replace(grid, **cells)


#: Per metric: what one bad record adds to y and to e.
BAD = {
    "events": (1, 0),
    "defects": (SEVERE, 0),
    "penalties": (1, 0),
    "passed": (0, 1),
    "drills": (0, 1),
    "visits": (0, 1),
}
#: What a spell without anything bad adds; a metric counts where its record is flawless so far.
CLEAN = {"events": (0, 1), "defects": (0, 1), "penalties": (0, 1), "passed": (1, 1), "drills": (1, 1)}


def scores_of(grid: Grid, terms: Terms, prior: priors.Priors) -> tuple[np.ndarray, np.ndarray]:
    cells = cells_of(grid, terms, prior, RULE)
    return cells.points, cells.score


@settings(max_examples=40, deadline=None)
@given(district=districts(), which=st.integers(0, 3))
def test_one_more_bad_record_raises_neither_points_nor_score(district, which):
    grid, terms = district.grid()
    prior = priors.estimate(grid, terms, RULE)
    points, score = scores_of(grid, terms, prior)
    others = np.arange(len(score)) != which
    for j, name in enumerate(terms.names):
        if grid.e[which, j] == 0:  # something is known of it
            continue
        worse, lower = scores_of(with_more(grid, which, j, *BAD[name]), terms, prior)
        assert worse[which, j] <= points[which, j] + 1e-9, name
        assert lower[which] <= score[which] + 1e-9, name
        assert lower[others].tolist() == score[others].tolist()  # nobody else moves


@settings(max_examples=40, deadline=None)
@given(district=districts(), which=st.integers(0, 3), more=st.floats(0.01, 50))
def test_a_longer_flawless_record_lowers_neither_points_nor_score(district, which, more):
    for name in CLEAN:
        flawless = district.sums[name]
        flawless["y"][which] = flawless["e"][which] if name in ("passed", "drills") else 0.0
        flawless["yy"][which] = flawless["y"][which]
    grid, terms = district.grid()
    prior = priors.estimate(grid, terms, RULE)
    points, score = scores_of(grid, terms, prior)
    for name, (y, e) in CLEAN.items():
        j = terms.names.index(name)
        if (grid.e[which, j] == 0 and name in ("drills", "penalties")) or np.isnan(points[which, j]):
            continue  # a duty nobody had; a silence that already stands as a fact; what no estate was measured on
        better, higher = scores_of(with_more(grid, which, j, more * y, more * e), terms, prior)
        assert better[which, j] >= points[which, j] - 1e-9, name
        assert higher[which] >= score[which] - 1e-9, name


# --- caps ----------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(district=districts(), data=st.data())
def test_the_final_score_stands_above_no_cap_in_force(district, data):
    keys = [(r["level"], r["unit_id"]) for r in district.rows]
    held = data.draw(st.dictionaries(st.sampled_from(keys), st.sampled_from([59.0, 69.0]), max_size=6))
    rows = [
        {"level": level, "unit_id": u, "period": PERIOD, "cap": c, "cap_reason": "fatal_fire"}
        for (level, u), c in held.items()
    ]
    index = judged(district, caps_now=pl.DataFrame(rows, schema=caps.CAPS))["index_scores"]
    for row in index.iter_rows(named=True):
        limits = [held[k] for k in [(row["level"], row["unit_id"])] if k in held]
        limits += [float(LOW[code]["cap"]) for code in ("low_safety", "low_subindex") if row[code]]
        assert row["cap"] == min(limits, default=None)
        assert row["final"] == min([row["score"], *limits])
        assert row["hi"] <= min([100.0, *limits])


@settings(max_examples=30, deadline=None)
@given(districts())
def test_every_table_of_any_district_meets_its_contract(district):
    for name, frame in judged(district).items():
        contract = TABLES[name]
        contract.validate(frame.select(list(contract.to_schema().columns)), lazy=True)
