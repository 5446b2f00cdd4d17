"""Why a score moved (method.md section 12): T17, T18, and that every decomposition sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import editions
from metrics.cells import cells_of
from metrics.changes import CAUSES, State, by_metric, changes, shapley
from metrics.index import power_mean, shares
from metrics.priors import estimate
from tests.metrics.scoring import RATE, grid_for, index_rule, sums_frame, terms_for, unit_row, units_frame

T9, LATER = (52.0, 80.0, 90.0, 70.0, 85.0), (61.0, 78.0, 90.0, 70.0, 80.0)
WEIGHTS = np.array([0.30, 0.25, 0.15, 0.15, 0.15])
PERIODS = ("2026Q2", "2026Q3")


def state(points, weights=WEIGHTS, rho=0.5) -> State:
    """One unit whose sub-indices are one metric each."""
    points = np.array([points], dtype=float)
    there = ~np.isnan(points)
    share = np.eye(points.shape[1])[None] * there[..., None]
    score = power_mean(points, weights[None], rho)
    return State(points, share, points, shares(np.broadcast_to(weights, points.shape), there), score)


def test_worked_example_t17_by_metric():
    then, now = state(T9), state(LATER)
    metrics, weights = by_metric(then, now, 0.5, 1.0)
    assert metrics[0] == pytest.approx([3.061225, -0.479044, 0, 0, -0.703226], abs=1e-6)
    assert weights == pytest.approx([0.0], abs=1e-12)
    assert now.score - then.score == pytest.approx([1.878955], abs=1e-6)


def test_worked_example_t17_where_a_metric_stops_applying():
    gone = (61.0, 78.0, np.nan, 70.0, 80.0)
    then, now = state(T9), state(gone)
    metrics, weights = by_metric(then, now, 0.5, 1.0)
    assert now.score == pytest.approx([70.711201], abs=1e-6)
    assert metrics[0] == pytest.approx([3.299709, -0.516364, 0, 0, -0.758010], abs=1e-6)
    assert weights == pytest.approx([-2.891578], abs=1e-6)


def test_worked_example_t18_by_cause():
    v = {"": 70, "E": 66, "D": 72, "P": 70.5, "DE": 67.5, "EP": 66.4, "DP": 72.6, "DEP": 68}
    found = shapley(("E", "D", "P"), lambda s: np.array([float(v["".join(sorted(s))])]))
    assert [found[c][0] for c in "EDP"] == pytest.approx([-4.3, 1.8, 0.5])


@st.composite
def two_states(draw):
    """Two states of one unit: 6 metrics in 3 sub-indices, any of them absent, other weights, another power."""
    place = np.array([0, 0, 1, 1, 2, 2])
    rho = draw(st.sampled_from([-1.0, 0.0, 0.5, 1.0]))

    def one() -> State:
        points = np.array([draw(st.one_of(st.floats(0, 100), st.just(np.nan))) for _ in place])
        points[0] = draw(st.floats(0, 100))  # something is known
        w = np.array([draw(st.floats(0.1, 1)) for _ in place])
        inside = np.eye(3)[place]
        kept = np.where(np.isnan(points), 0, w)[:, None] * inside
        total = kept.sum(axis=0)
        share = np.divide(kept, total, out=np.zeros_like(kept), where=total > 0)
        subs = np.where(total > 0, (share * np.nan_to_num(points)[:, None]).sum(axis=0), np.nan)
        weights = np.array([draw(st.floats(0.1, 1)) for _ in range(3)])
        sub_share = shares(weights, ~np.isnan(subs))
        return State(points[None], share[None], subs[None], sub_share[None], power_mean(subs, weights, rho)[None])

    return one(), one(), rho


@given(two_states())
@settings(max_examples=300, deadline=None)
def test_metrics_and_weights_sum_to_the_difference(states):
    then, now, rho = states
    metrics, weights = by_metric(then, now, rho, 1.0)
    assert metrics.sum() + weights.sum() == pytest.approx((now.score - then.score)[0], abs=1e-9)


@given(two_states())
@settings(max_examples=100, deadline=None)
def test_seen_from_the_other_side_every_line_turns_its_sign(states):
    then, now, rho = states
    (forth, heavy), (back, light) = by_metric(then, now, rho, 1.0), by_metric(now, then, rho, 1.0)
    assert forth == pytest.approx(-back, abs=1e-9) and heavy == pytest.approx(-light, abs=1e-9)


def moved(then, now, new, *, posts=RATE, same_peers=False):
    """Lines of cause of three estates with one rate metric; each (events, exposure) as (y, e) lists."""
    rows = [unit_row(f"e{i}", period=p) for p in PERIODS for i in range(3)]
    units = units_frame(rows)
    sums = sums_frame("events", [*then[0], *now[0]], [*then[1], *now[1]], units)
    terms = terms_for({"events": RATE}, {"fire": 1.0}, PERIODS)
    if posts is not RATE:
        terms.posts[:, 1, 0] = [posts[a] for a in ("fail", "minimum", "target", "best")]
    grid, rule = grid_for(terms, units, sums), index_rule(winsorise=0.0, pair_units_min=1)
    priors = estimate(grid, terms, rule)
    if same_peers:
        priors = replace(priors, m=priors.m[[0, 0]], tau2=priors.tau2[[0, 0]])
    cells = cells_of(grid, terms, priors, rule)
    last = units.filter(pl.col("period") == PERIODS[1])
    newest = grid_for(terms, last, sums_frame("events", *new, last))
    made = changes(grid, terms, priors, cells, newest, cells.score, rule)
    lines = {(r["unit_id"], r["item"]): r["points"] for r in made.filter(pl.col("part") == "cause").to_dicts()}
    score = dict(zip(zip(grid.units["unit_id"], grid.units["period"], strict=True), cells.score, strict=True))
    difference = {f"e{i}": score[f"e{i}", PERIODS[1]] - score[f"e{i}", PERIODS[0]] for i in range(3)}
    return lines, difference


def nothing_but(lines, unit: str, cause: str) -> bool:
    return all(abs(lines[unit, c]) < 1e-9 for c in (*CAUSES, "cap") if c != cause)


def test_new_records_alone_are_the_whole_cause_where_nothing_aged_and_the_peers_stayed():
    lines, difference = moved(([2, 3, 4], [4, 4, 4]), ([2, 9, 4], [4, 6, 4]), ([0, 6, 0], [0, 2, 0]), same_peers=True)
    assert nothing_but(lines, "e1", "records")
    assert lines["e1", "records"] == pytest.approx(difference["e1"]) and difference["e1"] < -1


def test_ageing_alone_is_the_whole_cause_where_nothing_new_came():
    lines, difference = moved(([8, 3, 4], [4, 4, 4]), ([4, 3, 4], [2, 4, 4]), ([0, 0, 0], [0, 0, 0]), same_peers=True)
    assert nothing_but(lines, "e0", "ageing")
    assert lines["e0", "ageing"] == pytest.approx(difference["e0"]) and difference["e0"] > 1


def test_an_estate_whose_record_stood_still_moved_by_its_peers_alone():
    lines, difference = moved(([2, 3, 4], [4, 4, 4]), ([2, 9, 9], [4, 6, 4]), ([0, 6, 5], [0, 2, 0]))
    assert nothing_but(lines, "e0", "peers")
    assert lines["e0", "peers"] == pytest.approx(difference["e0"])


def test_stricter_goalposts_alone_are_the_whole_cause():
    strict = RATE | {"fail": 2.0, "minimum": 0.75, "target": 0.25, "best": 0.1}
    same = ([2, 3, 4], [4, 4, 4])
    lines, difference = moved(same, same, ([0, 0, 0], [0, 0, 0]), posts=strict)
    assert all(nothing_but(lines, f"e{i}", "rules") for i in range(3))
    assert difference["e2"] < -1


def test_every_change_of_a_published_edition_sums_by_metric_and_by_cause(demo_root):
    con = editions.open_edition(editions.current(demo_root))
    worst, units = con.sql(
        """
        WITH lines AS (
            SELECT level, unit_id, period, since, part, sum(points) AS points FROM changes GROUP BY ALL
        )
        SELECT max(abs(lines.points - (now.final - before.final))), count(*)
        FROM lines
        JOIN index_scores AS now USING (level, unit_id, period)
        JOIN index_scores AS before
          ON before.level = lines.level AND before.unit_id = lines.unit_id AND before.period = lines.since
        """
    ).fetchall()[0]
    assert units > 200 and worst < 1e-9
