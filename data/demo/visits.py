"""Invented visits with their items, and the companies' monthly self-checks.

Every body has its own form and inspectors; one inspector is strict, one lenient. Routine visits look at any estate;
visits after a complaint or to follow one up find more. Equipment that is not there is noted as 0 points checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.codes import ITEM_CODES
from data.demo.district import HABIT_SPREAD, District
from data.demo.draws import chance, each, entered, grid, ids, maybe, pick, records, scattered, where
from data.demo.registers import some

BODIES = {"police": 35, "fire": 28, "housing": 14, "subdistrict": 23}
INSPECTORS = {"police": 14, "fire": 12, "housing": 6, "subdistrict": 8}
STRICTNESS_SPREAD, STRICT, LENIENT = 0.15, 0.75, -0.85  # in logits of a point failing
#: Chance that a body's form asks for an item (columns as ITEM_CODES); a joint visit asks for all.
FORMS = {
    "police": (0.90, 0.80, 0.95, 0.40, 0.40, 0.70, 0.50, 0.95, 0.90, 0.80, 0.20),
    "fire": (1.00, 1.00, 0.30, 0.90, 0.95, 0.80, 0.80, 0.20, 0.30, 0.90, 0.40),
    "housing": (0.90, 0.90, 0.50, 0.50, 0.60, 0.70, 0.50, 0.50, 0.60, 0.90, 1.00),
    "subdistrict": (0.95, 0.90, 0.60, 0.40, 0.60, 0.90, 0.70, 0.50, 0.60, 0.80, 0.70),
}
#: Per item: share of points that fail at quality 0, and points looked at in a middling estate.
FAILING = (0.020, 0.029, 0.007, 0.03, 0.04, 0.07, 0.03, 0.04, 0.05, 0.05, 0.06)
POINTS = (11, 18, 7, 4, 6, 5, 4, 4, 4, 5, 5)
SLOPE, NOISE, TRIGGERED = 0.85, 0.5, 0.8
SEVERITIES = ("low", "moderate", "severe", "life_threatening")
SEVERITY_WEIGHTS = (0.53, 0.40, 0.064, 0.006)
UNVISITED = (0.012, 1)  # estates no routine visit has reached for the last five quarters


@dataclass(frozen=True)
class Visits:
    """Visits of authorities as arrays (``estate``, ``day``, ``body``, ...), and the frames made of them."""

    estate: np.ndarray
    day: np.ndarray
    body: np.ndarray
    entered: np.ndarray
    inspections: pl.DataFrame
    items: pl.DataFrame
    item_visit: np.ndarray  # visit number of each row of ``items``


def inspectors(district: District) -> pl.DataFrame:
    """Who inspects for whom, and how strictly (hidden): ``inspector_id, body, strictness``."""
    body = np.repeat(list(INSPECTORS), list(INSPECTORS.values()))
    strictness = district.rng("inspectors").normal(0, STRICTNESS_SPREAD, body.size)
    first_fire = INSPECTORS["police"]
    strictness[first_fire], strictness[first_fire + 1] = STRICT, LENIENT
    return pl.DataFrame(
        {"inspector_id": np.char.mod("示%03d", np.arange(1, body.size + 1)), "body": body, "strictness": strictness}
    )


def _drawn(rng: np.random.Generator, district: District) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estate and day of every visit, and whether it was routine."""
    calendar, starts = district.calendar, district.calendar.quarter_starts
    n, quarters = district.own.shape
    larger = np.clip(district.of("households") / 700, 0.5, 1.8)[:, None]
    routine = 1.0 + 1.05 * larger * np.ones((n, quarters))
    unseen = some(rng, np.ones(n, bool), UNVISITED)
    routine[unseen, -min(5, quarters - 1) :] = 0.0
    estate, middle = grid(n, quarters)
    quality = district.quality(estate, (starts[:-1] + 45)[middle])
    called = 0.40 * larger * np.exp(-0.4 * quality)
    a, b = scattered(rng, district, routine, starts), scattered(rng, district, called, starts)
    estate, day = np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]])
    order = np.argsort(day, kind="stable")
    weekday = (calendar.dates(day).astype(int) + 3) % 7  # 0 = Monday; visits of a Sunday are made on the Friday
    day = np.maximum(day - np.where(weekday == 6, 2, 0), 0)
    return estate[order], day[order], (np.arange(day.size) < a[0].size)[order]


def visits(district: District) -> Visits:
    """All visits of authorities with their items; ``inspections`` also holds the companies' self-checks."""
    rng = district.rng("visits")
    estate, day, routine = _drawn(rng, district)
    n = estate.size
    body = pick(rng, BODIES, n)
    staff = inspectors(district)
    first = np.cumsum([0, *INSPECTORS.values()])[:-1]
    body_number = np.select([body == b for b in INSPECTORS], list(range(len(INSPECTORS))))
    inspector = first[body_number] + (rng.random(n) * np.array(list(INSPECTORS.values()))[body_number]).astype(int)
    noted = day + rng.integers(0, 3, n) + 9 * maybe(rng, 0.04, n)
    kind = np.where(routine, pick(rng, {"routine": 62, "joint": 18, "campaign": 12, "night": 8}, n),
                    pick(rng, {"case": 6, "reinspection": 4}, n))  # fmt: skip
    trigger = np.where(routine, "routine", np.where(kind == "reinspection", "follow_up", "complaint"))
    frame = records(
        "inspections",
        {
            "inspection_id": ids("JC", n), "estate_id": district.of("estate_id")[estate],
            "inspected_on": district.calendar.series(day), "kind": kind, "trigger": trigger, "body": body,
            "inspector_id": staff["inspector_id"].to_numpy()[inspector],
            "officers": np.where(kind == "joint", rng.integers(3, 8, n), rng.integers(2, 4, n)),
            "signed": maybe(rng, 0.98, n),
            "recorded_on": district.calendar.series(noted),
        },
    )  # fmt: skip
    harsh = staff["strictness"].to_numpy()[inspector] + np.where(routine, 0.0, TRIGGERED)
    items, item_visit = _items(rng, district, frame, estate, day, body_number, harsh)
    checks = self_checks(district)
    return Visits(estate, day, body, noted, pl.concat([frame, checks]), items, item_visit)


def _items(
    rng: np.random.Generator, district: District, frame: pl.DataFrame, estate: np.ndarray, day: np.ndarray,
    body: np.ndarray, harsh: np.ndarray,
) -> tuple[pl.DataFrame, np.ndarray]:  # fmt: skip
    """One row per item a visit's form asked for."""
    asked = np.array(list(FORMS.values()))[body]
    asked[(frame["kind"] == "joint").to_numpy()] = 1.0
    asked[district.in_charge(estate, day) < 0, ITEM_CODES.index("guards_certified")] = 0.0
    absent = ~district.of("has_control_room")[estate]
    asked[absent, ITEM_CODES.index("control_room")] *= 0.3
    visit, item = np.nonzero(rng.random(asked.shape) < asked)
    n, at, on = visit.size, estate[visit], day[visit]
    size = np.clip((district.of("households")[at] / 600) ** 0.4, 0.3, 2.2)
    checked = 1 + rng.poisson(np.array(POINTS)[item] * size)
    checked[absent[visit] & (item == ITEM_CODES.index("control_room"))] = 0
    habits = np.stack([district.rng(f"habit of item {c}").normal(0, HABIT_SPREAD, district.size) for c in ITEM_CODES])
    level = district.quality(at, on) + habits[item, at]
    odds = harsh[visit] + rng.normal(0, NOISE, n)
    slope = np.where(item == ITEM_CODES.index("guards_certified"), 1.1, SLOPE)
    failed = rng.binomial(checked, chance(np.array(FAILING)[item], 1.0, odds - slope * level))
    worse = np.array(SEVERITY_WEIGHTS) * np.exp(-np.array([0, 0.1, 0.3, 0.3]) * level[:, None])
    severity = np.array(SEVERITIES)[each(rng, worse)]
    made = records(
        "inspection_items",
        {
            "inspection_id": frame["inspection_id"].gather(visit), "item_code": np.array(ITEM_CODES)[item],
            "checked": checked, "passed": checked - failed, "severity": where(failed > 0, severity),
        },
    )  # fmt: skip
    return made, visit


def self_checks(district: District) -> pl.DataFrame:
    """Monthly fire checks by the companies; the conscientious miss none."""
    rng, calendar = district.rng("self checks"), district.calendar
    starts = calendar.month_starts
    estate, month = (i.ravel() for i in grid(district.size, starts.size - 1))
    day = starts[month] + (rng.random(estate.size) * (np.diff(starts)[month] - 1)).astype(int)
    level = district.level("self check", estate, day)
    done = maybe(rng, chance(0.986, 0.95, level), estate.size) & (district.in_charge(estate, day) >= 0)
    done &= day >= district.opened[estate]
    order = np.flatnonzero(done)[np.argsort(day[done], kind="stable")]
    estate, day, level = estate[order], day[order], level[order]
    return records(
        "inspections",
        {
            "inspection_id": ids("ZC", order.size), "estate_id": district.of("estate_id")[estate],
            "inspected_on": calendar.series(day), "kind": "self_check", "trigger": "routine", "body": "company",
            "officers": 0, "signed": maybe(rng, chance(0.992, 0.5, level), order.size),
            "recorded_on": calendar.series(entered(rng, district, estate, day)),
        },
    )  # fmt: skip
