"""The invented district's events: patrols, visits, hazards, drills, incidents and the rest, driven by hidden quality."""

from __future__ import annotations

import numpy as np
import polars as pl

from data import codes
from data.demo.district import District
from data.demo.draws import (
    Ground, chance, ground, ids, known, maybe, moment, months_missing, only, pick, recorded, repeat, some_day,
)  # fmt: skip

CORE_ITEMS = ("escape_routes", "fire_equipment", "guards_certified")
OTHER_ITEMS = tuple(c for c in codes.ITEM_CODES if c not in CORE_ITEMS)
SEVERITY = {"low": 0.52, "moderate": 0.36, "severe": 0.105, "life_threatening": 0.015}


def patrols(district: District) -> pl.DataFrame:
    """Weekly fire patrol sheets where the duty applies; monthly security patrol sheets; some by volunteers."""
    rng, all_ = district.rng("patrols"), ground(district)
    duty = all_.managed & (np.isin(all_.estate_class, ["HR", "SH"]) | all_.key_unit)
    g = repeat(all_, np.where(duty, 13, 0))
    week = np.tile(np.arange(13), int(duty.sum()))
    start = g.start + 7 * week
    fire = pl.DataFrame(
        {
            "estate_id": g.estate_id, "kind": ["fire"] * g.size, "by": ["guards"] * g.size,
            "started_on": start, "ended_on": start + 6,
            "days_required": np.full(g.size, 7), "days_signed": rng.binomial(7, chance(0.972, 1.0, g.quality)),
            "points_planned": np.full(g.size, 70), "points_reached": rng.binomial(70, chance(0.96, 0.8, g.quality)),
            "recorded_on": recorded(rng, start + 6),
        }
    )  # fmt: skip
    h = repeat(all_, np.where(all_.managed, 3, 0))
    month = np.tile(np.arange(3), int(all_.managed.sum()))
    start = (h.start.astype("datetime64[M]") + month).astype("datetime64[D]")
    end = (h.start.astype("datetime64[M]") + month + 1).astype("datetime64[D]") - 1
    security = pl.DataFrame(
        {
            "estate_id": h.estate_id, "kind": ["security"] * h.size,
            "by": np.where(maybe(rng, 0.06, h.size), "volunteers", "guards"),
            "started_on": start, "ended_on": end, "days_required": np.full(h.size, 28),
            "days_signed": rng.binomial(28, chance(0.96, 0.9, h.quality)), "points_planned": np.full(h.size, 240),
            "points_reached": rng.binomial(240, chance(0.95, 0.8, h.quality)), "recorded_on": recorded(rng, end),
        }
    )  # fmt: skip
    fire = months_missing(rng, _dated(fire), "ended_on", g.subdistrict_id, 2)
    rows = pl.concat([fire, _dated(security)])
    return rows.with_columns(patrol_id=pl.Series(ids("P", rows.height)))


def _dated(frame: pl.DataFrame) -> pl.DataFrame:
    """Days as dates, counts as 64-bit integers."""
    return frame.with_columns(
        *[pl.col(c).cast(pl.Date) for c in frame.columns if c.endswith("_on") or c == "extended_to"],
        *[pl.col(c).cast(pl.Int64) for c, t in frame.schema.items() if t in (pl.Int32, pl.Int64, pl.UInt32)],
    )


def inspections(district: District) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Visits with their items, and monthly self-checks. One inspector is strict, one lenient."""
    rng, all_ = district.rng("inspections"), ground(district)
    g = repeat(all_, 1 + rng.poisson(0.9, all_.size))
    inspector = rng.integers(1, 43, g.size)
    strictness = np.where(inspector == 1, 1.9, np.where(inspector == 2, 0.4, 1.0))
    complaint = maybe(rng, 0.1, g.size)
    day = some_day(rng, g)
    visits = pl.DataFrame(
        {
            "inspection_id": ids("V", g.size), "estate_id": g.estate_id, "inspected_on": day,
            "kind": np.where(complaint, "case", pick(rng, {"routine": 5, "joint": 3, "night": 1, "campaign": 1}, g.size)),
            "trigger": np.where(complaint, "complaint", "routine"),
            "body": pick(rng, {"police": 4, "fire": 3, "housing": 1, "subdistrict": 2}, g.size),
            "inspector_id": np.char.add("OFF", np.char.zfill(inspector.astype(str), 3)),
            "officers": rng.integers(2, 5, g.size), "signed": np.full(g.size, True), "recorded_on": recorded(rng, day),
        }
    )  # fmt: skip
    items = _items(rng, g, visits, strictness * np.where(complaint, 1.8, 1.0))
    h = repeat(all_, np.where(all_.managed, 3, 0))
    month = np.tile(np.arange(3), int(all_.managed.sum()))
    day = (h.start.astype("datetime64[M]") + month).astype("datetime64[D]") + rng.integers(0, 27, h.size)
    checks = pl.DataFrame(
        {
            "inspection_id": ids("K", h.size), "estate_id": h.estate_id, "inspected_on": day,
            "kind": ["self_check"] * h.size, "trigger": ["routine"] * h.size, "body": ["company"] * h.size,
            "inspector_id": pl.Series([None] * h.size, dtype=pl.String), "officers": np.zeros(h.size, int),
            "signed": maybe(rng, chance(0.975, 0.8, h.quality), h.size), "recorded_on": recorded(rng, day),
        }
    ).filter(pl.Series(maybe(rng, chance(0.97, 1.0, h.quality), h.size)))  # fmt: skip
    return pl.concat([_dated(visits), _dated(checks)]), items


def _items(rng: np.random.Generator, g: Ground, visits: pl.DataFrame, harshness: np.ndarray) -> pl.DataFrame:
    """Seven items a visit: the three core ones and four others."""
    n, k = g.size, len(CORE_ITEMS) + 4
    others = np.argsort(rng.random((n, len(OTHER_ITEMS))), axis=1)[:, :4]
    chosen = np.concatenate([np.tile(np.arange(3), (n, 1)), others + 3], axis=1).ravel()
    names = np.array(CORE_ITEMS + OTHER_ITEMS)[chosen]
    big = np.repeat(np.sqrt(g.homes), k)
    checked = np.select(
        [names == "escape_routes", names == "fire_equipment", names == "guards_certified"],
        [3 + (big * 0.5).astype(int), 6 + (big * 1.6).astype(int), 2 + (big * 0.3).astype(int)],
        default=rng.integers(2, 8, n * k),
    )
    base = np.select([names == "escape_routes", names == "fire_equipment", names == "guards_certified"],
                     [0.035, 0.022, 0.02], default=0.06)  # fmt: skip
    quality, harsh = np.repeat(g.quality, k), np.repeat(harshness, k)
    fails = np.clip(harsh / (1 + np.exp(-(np.log(base / (1 - base)) - 0.85 * quality))), 0, 0.9)
    failed = rng.binomial(checked, fails)
    severity = pick(rng, SEVERITY, n * k)
    return pl.DataFrame(
        {
            "inspection_id": np.repeat(visits["inspection_id"].to_numpy(), k), "item_code": names,
            "checked": checked.astype(int), "passed": (checked - failed).astype(float),
            "severity": only(failed > 0, severity),
        }
    )  # fmt: skip


def hazards(district: District) -> pl.DataFrame:
    """Hazards with deadlines, rectification and verification; some found again in the same place."""
    rng, all_ = district.rng("hazards"), ground(district)
    size = np.sqrt(all_.homes / 600)
    g = repeat(all_, rng.poisson(2.5 * size * np.exp(-0.3 * all_.quality)))
    found = some_day(rng, g)
    due = found + rng.choice([7, 10, 15, 30], g.size, p=[0.3, 0.2, 0.3, 0.2])
    in_time = maybe(rng, chance(0.91, 0.95, g.quality), g.size)
    fixed = np.where(in_time, found + ((due - found).astype(int) * rng.uniform(0.2, 1, g.size)).astype(int),
                     due + 1 + rng.exponential(25 * np.exp(-0.3 * g.quality), g.size).astype(int))  # fmt: skip
    verified = fixed + rng.integers(1, 10, g.size)
    by = pick(rng, {"self": 30, "police": 25, "fire": 15, "housing": 8, "subdistrict": 15, "complaint": 5, "sensor": 2}, g.size)
    security = maybe(rng, 0.3, g.size) & (by == "police")
    kind = np.where(security, pick(rng, dict.fromkeys(codes.SECURITY_HAZARD_TYPES, 1.0), g.size),
                    pick(rng, {"escape_route": 20, "fire_equipment": 24, "control_room": 5, "ebike": 18, "fire_electric_gas": 10,
                               "gas": 4, "facade_insulation": 2, "shaft_sealing": 4, "falling_object": 5,
                               "management_system": 8}, g.size))  # fmt: skip
    extended = maybe(rng, 0.04, g.size)
    return _dated(pl.DataFrame(
        {
            "hazard_id": ids("Z", g.size), "estate_id": g.estate_id, "found_on": found, "found_by": by,
            "hazard_type": kind, "severity": pick(rng, {"general": 86, "key": 12.5, "major": 1.5}, g.size),
            "responsible_party": pick(rng, {"company": 79, "owner": 13, "utility": 4, "developer": 3, "subdistrict": 1}, g.size),
            "location": np.char.add(rng.integers(1, 9, g.size).astype(str), "栋"),
            "due_on": due, "extended_to": pl.Series(np.where(extended, due + 10, np.datetime64("NaT")).astype("datetime64[D]")),
            "rectified_on": known(fixed), "verified_on": known(verified),
            "verified_result": np.where(maybe(rng, chance(0.96, 0.5, g.quality), g.size), "pass", "fail"),
            "objection_open": maybe(rng, 0.006, g.size), "recorded_on": recorded(rng, found),
        }
    )).with_columns(
        verified_result=pl.when(pl.col("verified_on").is_not_null()).then("verified_result"),
    )  # fmt: skip


def fire_drills(district: District) -> pl.DataFrame:
    """Yearly evacuation drills, full-element ones in high-rises, half-yearly ones of key units, table-top ones on the side."""
    rng, all_ = district.rng("fire_drills"), ground(district)
    year = (np.char.add(all_.estate_id.astype(str), all_.start.astype("datetime64[Y]").astype(str)))
    _, first = np.unique(year, return_index=True)
    yearly = np.zeros(all_.size, bool)
    yearly[np.minimum(first + rng.integers(0, 4, first.size), all_.size - 1)] = True
    high = all_.highrise_blocks > 0
    held = all_.managed & (
        (yearly & maybe(rng, chance(0.93, 1.0, all_.quality), all_.size))
        | (all_.key_unit & maybe(rng, 0.45 * chance(0.9, 0.8, all_.quality), all_.size))
        | maybe(rng, 0.04, all_.size)
    )
    g = all_.take(np.flatnonzero(held))
    tall = high[held]
    day = some_day(rng, g)
    whole = tall & maybe(rng, chance(0.85, 0.8, g.quality), g.size)
    table_top = maybe(rng, 0.05, g.size)
    kind = np.where(table_top, "tabletop", np.where(whole, "full_element", "evacuation"))
    share = rng.beta(9, 1.2, g.size)
    full = maybe(rng, chance(0.9, 0.9, g.quality), g.size)

    def written(share_of: float) -> np.ndarray:
        return full | maybe(rng, share_of, g.size)

    text = pl.Series(["示例演练方案"] * g.size)
    frame = _dated(pl.DataFrame(
        {
            "drill_id": ids("D", g.size), "estate_id": g.estate_id, "held_on": day, "kind": kind,
            "place": ["小区中心广场"] * g.size, "content": pl.select(pl.when(pl.Series(written(0.6))).then(text)).to_series(),
            "departments": ["物业、消防、居委会"] * g.size,
            "blocks_drilled": np.ceil(g.highrise_blocks * np.where(whole, share, share * 0.6)).astype(int),
            "staff": rng.integers(4, 25, g.size), "residents": np.where(table_top, 0, rng.integers(5, 90, g.size)),
            "evacuation_minutes": np.round(rng.uniform(3, 14, g.size), 1), "announced": written(0.7), "marked": written(0.6),
            "reviewed": written(0.5), "witness": pick(rng, {"fire": 3, "police": 3, "subdistrict": 2, "none": 4}, g.size),
            "verification": pick(rng, {"verified": 90, "unverified": 8.5, "rejected": 1.5}, g.size),
            "evidence_hash": np.char.add("sha-", np.char.zfill(np.arange(g.size).astype(str), 10)),
            "recorded_on": recorded(rng, day),
        }
    ))  # fmt: skip
    copied = frame.sample(max(3, g.size // 150), seed=district.seed).with_columns(
        drill_id=pl.col("drill_id") + "C", estate_id=pl.col("estate_id").shift(1).fill_null(pl.col("estate_id").last())
    )
    return pl.concat([frame, copied])


def incidents(district: District) -> pl.DataFrame:
    """Police and fire cases: location and size matter more than management; noise and invalid calls are many."""
    rng, all_ = district.rng("incidents"), ground(district)
    yearly = {"burglary": 0.5, "vehicle_theft": 0.9, "other_theft": 1.6, "assault": 0.8, "dispute": 3.0, "fire": 0.9,
              "falling_object": 0.5, "noise": 2.2, "telecom_fraud": 1.2, "invalid": 1.5}  # fmt: skip
    driven = {"burglary": -0.45, "vehicle_theft": -0.45, "fire": -0.5, "dispute": -0.2, "falling_object": -0.3}
    expected = {k: v / 4 * all_.residents / 1000 * np.exp(driven.get(k, 0.0) * all_.quality) for k, v in yearly.items()}
    parts = [(k, repeat(all_, rng.poisson(mean))) for k, mean in expected.items()]
    kinds = np.concatenate([[k] * g.size for k, g in parts])
    estate = np.concatenate([g.estate_id for _, g in parts])
    day = np.concatenate([some_day(rng, g) for _, g in parts])
    n = kinds.size
    fire = kinds == "fire"
    cause = pick(rng, {"shared_parts": 45, "private_home": 35, "arson": 3, "outside": 7, "unknown": 10}, n)
    frame = _dated(pl.DataFrame(
        {
            "incident_id": ids("I", n), "estate_id": estate, "occurred_on": day, "occurred_at": moment(rng, day), "kind": kinds,
            "severity": pick(rng, {"minor": 96, "serious": 3.8, "fatal": 0.2}, n),
            "cause": only(fire, cause),
            "management_related": maybe(rng, 0.8, n), "objection_open": maybe(rng, 0.004, n), "recorded_on": recorded(rng, day),
        }
    ))  # fmt: skip
    return frame.sort("occurred_on", "incident_id")


def population_checks(district: District) -> pl.DataFrame:
    """Quarterly samples of residents; group rentals found on the way."""
    rng, all_ = district.rng("population"), ground(district)
    g = all_.take(np.flatnonzero(maybe(rng, 0.9, all_.size)))
    sampled = np.minimum(g.residents, rng.integers(30, 160, g.size))
    found = rng.poisson(0.12 * g.homes / 600 * np.where(g.estate_class == "UV", 3, 1) * np.exp(-0.3 * g.quality))
    day = some_day(rng, g)
    return _dated(pl.DataFrame(
        {
            "check_id": ids("N", g.size), "estate_id": g.estate_id, "checked_on": day, "sampled": sampled,
            "registered": rng.binomial(sampled, chance(0.945, 0.7, g.quality)), "rentals_found": found,
            "rentals_reported": rng.binomial(found, chance(0.6, 0.9, g.quality)), "recorded_on": recorded(rng, day),
        }
    ))  # fmt: skip


def surveys(district: District) -> pl.DataFrame:
    """One survey a year, six questions."""
    rng, all_ = district.rng("surveys"), ground(district)
    spring = all_.start.astype("datetime64[M]").astype(int) % 12 == 3
    g = all_.take(np.flatnonzero(all_.managed & spring))
    day = np.repeat(some_day(rng, g), len(codes.SURVEY_QUESTIONS))
    asked = np.minimum(g.homes, np.maximum(80, (0.16 * g.homes).astype(int)))
    answered = rng.binomial(asked, 0.84)
    k = len(codes.SURVEY_QUESTIONS)
    answers = np.repeat(answered, k)
    return _dated(pl.DataFrame(
        {
            "survey_id": np.repeat(ids("S", g.size), k), "estate_id": np.repeat(g.estate_id, k), "surveyed_on": day,
            "question": np.tile(codes.SURVEY_QUESTIONS, g.size), "asked": np.repeat(asked, k), "answered": answers,
            "satisfied": rng.binomial(answers, np.repeat(chance(0.87, 0.45, g.quality), k)),
            "third_party": np.full(g.size * k, True), "recorded_on": recorded(rng, day),
        }
    ))  # fmt: skip


def mediations(district: District) -> pl.DataFrame:
    """Disputes taken up."""
    rng, all_ = district.rng("mediations"), ground(district)
    g = repeat(all_, rng.poisson(0.25 * np.sqrt(all_.homes / 600)))
    day = some_day(rng, g)
    settled = day + rng.integers(1, 45, g.size)
    return _dated(pl.DataFrame(
        {
            "mediation_id": ids("M", g.size), "estate_id": g.estate_id, "opened_on": day, "settled_on": known(settled),
            "outcome": pick(rng, {"settled": 75, "failed": 15, "referred": 10}, g.size), "recorded_on": recorded(rng, day),
        }
    ))  # fmt: skip
