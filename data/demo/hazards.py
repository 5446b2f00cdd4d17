"""Invented hazards: found on visits, by the companies themselves, by callers and sensors; put right or not."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.codes import ITEM_CODES
from data.demo.district import District
from data.demo.draws import NEVER, chance, each, entered, grid, ids, maybe, pick, records, scattered, where
from data.demo.visits import Visits

#: Hazard types of a failed item (one or two, drawn evenly), by ITEM_CODES.
TYPES_OF_ITEM = (
    ("escape_route", "escape_route"), ("fire_equipment", "fire_equipment"), ("guard_management", "guard_management"),
    ("control_room", "control_room"), ("fire_equipment", "shaft_sealing"), ("ebike", "ebike"),
    ("fire_electric_gas", "gas"), ("security_equipment", "security_equipment"),
    ("security_equipment", "guard_management"), ("management_system", "management_system"),
    ("falling_object", "facade_insulation"),
)  # fmt: skip
SELF_TYPES = {"escape_route": 22, "fire_equipment": 24, "ebike": 22, "fire_electric_gas": 9, "security_equipment": 7,
              "falling_object": 6, "shaft_sealing": 4, "management_system": 3, "gas": 3}  # fmt: skip
TYPES = {"escape_route": 18, "ebike": 22, "fire_electric_gas": 10, "rental": 12, "falling_object": 10, "gas": 5,
         "facade_insulation": 5, "fire_equipment": 12, "guard_management": 6}  # fmt: skip
FINDERS = {"police": 40, "subdistrict": 30, "complaint": 20, "sensor": 10}
WRITTEN_UP = 0.27  # failed items that become a hazard with a deadline
SPOTS = ("楼道", "电井", "天台", "首层门厅", "地下车库", "架空层", "消防通道", "配电房")
PARTIES = ("company", "owner", "utility", "developer", "subdistrict")
#: Who must put it right, by class: the company less often where flats are let or pipes belong to others.
PARTY_WEIGHTS = {"HR": (84, 9, 3, 3, 1), "SH": (86, 6, 3, 4, 1), "MR": (82, 11, 4, 1, 2), "OD": (68, 18, 8, 0, 6),
                 "UV": (62, 27, 6, 0, 5), "MX": (76, 17, 4, 2, 1), "NP": (0, 30, 10, 0, 60)}  # fmt: skip
BY_LOT = 0.08  # closings seen again by lot
STUCK = 0.004  # hazards that stay open for months


def _found(rng: np.random.Generator, district: District, made: Visits) -> dict[str, np.ndarray]:
    """Where, when and by whom hazards were found."""
    failed = (made.items["passed"] < made.items["checked"]).to_numpy()
    up = np.flatnonzero(failed & maybe(rng, WRITTEN_UP, failed.size))
    visit = made.item_visit[up]
    item = made.items["item_code"][up].replace_strict({c: i for i, c in enumerate(ITEM_CODES)}).to_numpy()
    worst = made.items["severity"][up].replace_strict({"low": 0, "moderate": 0, "severe": 1, "life_threatening": 2})
    homes = (district.of("households")[:, None] / 600) ** 0.6
    starts = district.calendar.quarter_starts
    estate, quarter = grid(*district.own.shape)
    quality = district.quality(estate, (starts[:-1] + 45)[quarter])
    own = scattered(rng, district, 0.95 * homes * np.exp(0.1 * quality), starts)
    there = district.in_charge(*own) >= 0
    own = own[0][there], own[1][there]
    called = scattered(rng, district, 0.50 * homes * np.exp(-0.35 * quality), starts)
    k, m = own[0].size, called[0].size
    inspection = made.inspections["inspection_id"].head(made.estate.size)
    return {
        "estate": np.concatenate([made.estate[visit], own[0], called[0]]),
        "day": np.concatenate([made.day[visit], own[1], called[1]]),
        "found_by": np.concatenate([made.body[visit], np.full(k, "self"), pick(rng, FINDERS, m)]),
        "hazard_type": np.concatenate([
            np.array(TYPES_OF_ITEM)[item, rng.integers(0, 2, up.size)], pick(rng, SELF_TYPES, k), pick(rng, TYPES, m)
        ]),
        "step": np.concatenate([worst.to_numpy(), each(rng, np.tile([93, 6.5, 0.5], (k + m, 1)))]),
        "inspection_id": np.concatenate([inspection.gather(visit).to_numpy(), np.full(k + m, "")]),
        "visit_entered": np.concatenate([made.entered[visit], np.zeros(k + m, int)]),
    }  # fmt: skip


def _put_right(rng: np.random.Generator, district: District, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Deadlines, extensions, and the day each hazard was put right and verified."""
    estate, day, step = found["estate"], found["day"], found["step"]
    n = estate.size
    term = np.select([step == 2, step == 1], [rng.choice([3, 7], n), rng.choice([7, 10, 15], n)],
                     rng.choice([7, 10, 15, 30], n, p=[0.2, 0.25, 0.35, 0.2]))  # fmt: skip
    extended = maybe(rng, 0.04, n)
    allowed = term + np.where(extended, 10, 0)
    level = district.level("rectification", estate, day)
    ours = np.where(found["party"] == "company", 0.0, -0.9)  # others take longer
    in_time = maybe(rng, chance(0.907, 0.9, level + ours), n)
    late = 1 + rng.exponential(14 * np.exp(-0.35 * level))
    late = np.where(maybe(rng, STUCK, n), rng.uniform(90, 420, n), np.minimum(late, 200))
    took = np.where(in_time, np.ceil(allowed * rng.beta(2.2, 1.3, n)), allowed + np.ceil(late)).astype(int)
    fixed = day + np.clip(took, 1, None)
    verified = np.where(maybe(rng, 0.93, n), fixed + rng.integers(1, 12, n), NEVER)
    undone = (fixed > district.calendar.size - 60) & maybe(rng, chance(0.06, -0.5, level), n)
    return {
        "due": day + term, "extended": np.where(extended, day + allowed, NEVER), "fixed": fixed, "verified": verified,
        "result": np.where(undone, "fail", "pass"),
    }  # fmt: skip


def _parties(rng: np.random.Generator, district: District, estate: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Who must put each hazard right; where nobody manages, never a company."""
    classes = district.of("estate_class")
    weights = np.array([PARTY_WEIGHTS[c] for c in classes], float)[estate]
    alone = district.in_charge(estate, day) < 0
    weights[alone] = PARTY_WEIGHTS["NP"]
    return np.array(PARTIES)[each(rng, weights)]


def _again(rng: np.random.Generator, district: District, first: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Hazards of the same type found again in the same place, within half a year of being put right."""
    level = district.level("recurrence", first["estate"], first["day"])
    back = np.flatnonzero(maybe(rng, chance(0.07, -0.75, level), level.size))
    again = {name: values[back] for name, values in first.items()}
    again["day"] = again["fixed"] + rng.integers(5, 176, back.size)
    again["found_by"] = np.where(again["found_by"] == "self", "police", again["found_by"])
    again["inspection_id"] = np.full(back.size, "")
    again |= _put_right(rng, district, again)
    inside = again["day"] < district.calendar.size
    return {name: values[inside] for name, values in again.items()}


def _by_lot(district: District, every: dict[str, np.ndarray]) -> np.ndarray:
    """What a check by lot found; those found undone were put right since, as their day of rectification says."""
    level = district.level("rectification", every["estate"], every["day"])
    undone = maybe(district.rng("hazards undone"), chance(0.08, -0.5, level), level.size)
    return np.where(undone, "fail", "pass")


def hazards(district: District, made: Visits) -> pl.DataFrame:
    """One row per hazard."""
    rng, calendar = district.rng("hazards"), district.calendar
    found = _found(rng, district, made)
    n = found["day"].size
    blocks = district.of("blocks")[found["estate"]]
    found["place"] = np.char.add(
        np.char.add(
            np.char.mod("%d栋", 1 + (rng.random(n) * blocks).astype(int)), np.array(SPOTS)[rng.integers(0, 8, n)]
        ),
        np.char.mod("%d号", rng.integers(1, 31, n)),
    )
    found["party"] = _parties(rng, district, found["estate"], found["day"])
    found |= _put_right(rng, district, found)
    again = _again(rng, district, found)
    every = {name: np.concatenate([found[name], again[name]]) for name in found}
    order = np.argsort(every["day"], kind="stable")
    every = {name: values[order] for name, values in every.items()}
    n = order.size
    noted = np.maximum(entered(rng, district, every["estate"], every["day"]), every["visit_entered"])
    objected = every["day"] + rng.integers(2, 12, n)
    decided = np.where(maybe(rng, 0.012, n), objected + rng.integers(15, 75, n), NEVER)
    lot = maybe(district.rng("hazards by lot"), BY_LOT, n)  # a stream of its own: the other draws stay as they were
    return records(
        "hazards",
        {
            "hazard_id": ids("YH", n), "estate_id": district.of("estate_id")[every["estate"]],
            "inspection_id": where(every["inspection_id"] != "", every["inspection_id"]),
            "found_on": calendar.series(every["day"]), "found_by": every["found_by"],
            "hazard_type": every["hazard_type"], "severity": np.array(["general", "key", "major"])[every["step"]],
            "responsible_party": every["party"], "location": every["place"], "due_on": calendar.series(every["due"]),
            "extended_to": calendar.series(every["extended"], every["extended"] < NEVER),
            "rectified_on": calendar.series(every["fixed"]),
            "verified_on": calendar.series(every["verified"], every["verified"] < NEVER),
            "verified_result": where(every["verified"] < NEVER, every["result"]),
            "lot_result": where(lot & (every["verified"] < NEVER), _by_lot(district, every)),
            "recorded_on": calendar.series(noted),  # never before its visit
            "_objected_on": calendar.series(objected, decided < NEVER),
            "_decided_on": calendar.series(decided, decided < NEVER),
        },
    )  # fmt: skip
