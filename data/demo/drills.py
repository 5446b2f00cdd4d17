"""Invented fire drills: the yearly ones and those nobody counts, with papers in and out of order."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.demo.district import HABIT_SPREAD, District
from data.demo.draws import NEVER, chance, entered, grid, hashes, ids, maybe, moments, pick, records, where
from data.demo.registers import quota

HELD, WHOLE, HALF_YEARLY, TABLETOP, EXTRA = 0.92, 0.88, 0.93, 0.10, 0.12
COPIED = (0.006, 2)  # records copied from another estate's drill, photograph and all
COMPLETE = 0.975  # chance of each field being there, at level 0
WITNESSES = {"fire": 24, "police": 28, "subdistrict": 18, "none": 30}
PLACES = ("中心广场", "首层架空层", "东门集合点", "会所前空地", "地下车库出口")
CONTENTS = (
    "疏散逃生与集合清点",
    "灭火器与消火栓操作",
    "报警、广播、疏散、灭火联动",
    "电动自行车起火处置",
    "楼道烟雾逃生",
)


def _scheduled(rng: np.random.Generator, district: District) -> dict[str, np.ndarray]:
    """Drills held: each duty in the same quarter of every year, on a day of that quarter."""
    n, quarters = district.own.shape
    estate, quarter = grid(n, quarters)
    starts = district.calendar.quarter_starts
    middle = starts[:-1][quarter] + 45
    level = district.quality(estate, middle) + district.rng("habit of drills").normal(0, HABIT_SPREAD, (n, 1))
    turn = (quarter + rng.integers(0, 4, (n, 1))) % 4
    blocks = district.of("highrise_blocks")[:, None]
    high, key = blocks > 0, district.of("key_fire_unit")[:, None]
    many = blocks > 3  # half the blocks at a time, half a year apart
    parts = {
        "full_element": high & ((turn == 0) | (many & (turn == 2))) & maybe_at(rng, chance(WHOLE, 1.0, level)),
        "evacuation": ((turn == 1) | (~high & (rng.random((n, quarters)) < EXTRA / 4)))
        & maybe_at(rng, chance(HELD, 1.1, level)),
        "firefighting": key & (turn % 2 == 0) & maybe_at(rng, chance(HALF_YEARLY, 1.0, level)),
        "tabletop": maybe_at(rng, np.full((n, quarters), TABLETOP / 2)),
    }
    at = [np.nonzero(held) for held in parts.values()]
    estate = np.concatenate([a[0] for a in at])
    quarter = np.concatenate([a[1] for a in at])
    day = starts[quarter] + (rng.random(estate.size) * np.diff(starts)[quarter]).astype(int)
    kind = np.repeat(list(parts), [a[0].size for a in at])
    there = (district.in_charge(estate, day) >= 0) & (day >= district.opened[estate])
    volunteers = maybe(rng, 0.3, estate.size) & (kind == "evacuation") & (day >= district.opened[estate])
    kept = there | volunteers
    order = np.flatnonzero(kept)[np.argsort(day[kept], kind="stable")]
    return {"estate": estate[order], "day": day[order], "kind": kind[order]}


def maybe_at(rng: np.random.Generator, share: np.ndarray) -> np.ndarray:
    """True by chance, cell by cell."""
    return rng.random(share.shape) < share


def _papers(rng: np.random.Generator, district: District, drills: dict[str, np.ndarray]) -> dict:
    """What the record says of each drill, and what is missing."""
    estate, day = drills["estate"], drills["day"]
    n = estate.size
    level = district.level("drill papers", estate, day)

    def written(median: float) -> np.ndarray:
        return maybe(rng, chance(median, 0.85, level), n)

    homes, indoors = district.of("households")[estate], drills["kind"] == "tabletop"
    residents = rng.poisson(np.clip(homes * rng.beta(1.5, 14, n), 2, 300))
    blocks = district.of("highrise_blocks")[estate]
    whole = drills["kind"] == "full_element"
    asked = np.where(blocks > 3, np.ceil(blocks / 2), blocks).astype(int)
    drilled = np.where(whole, rng.binomial(asked, chance(0.95, 0.8, level)), np.minimum(blocks, 1))
    departments = np.array(["物业", "物业、社区", "物业、社区、派出所", "物业、微型消防站"])
    return {
        "place": where(written(COMPLETE + 0.01), np.array(PLACES)[rng.integers(0, 5, n)]),
        "content": where(written(COMPLETE), np.array(CONTENTS)[rng.integers(0, 5, n)]),
        "departments": where(written(COMPLETE), departments[rng.integers(0, 4, n)]),
        "blocks_drilled": where(whole | maybe(rng, 0.3, n), drilled),
        "staff": rng.integers(3, 22, n),
        "residents": np.where(indoors, 0, np.where(written(0.985), residents, 0)),
        "evacuation_minutes": where(~indoors, np.round(rng.gamma(6, 1.2, n) + 1, 1)),
        "announced": written(COMPLETE), "marked": written(COMPLETE - 0.01), "reviewed": written(COMPLETE - 0.015),
        "witness": np.where(indoors, "none", pick(rng, WITNESSES, n)),
    }  # fmt: skip


def _verified(rng: np.random.Generator, district: District, drills: dict, witness: np.ndarray) -> dict:
    """Verification: witnessed drills soon, others by spot check or never; some are not accepted."""
    estate, day = drills["estate"], drills["day"]
    n = estate.size
    level = district.level("drill truthfulness", estate, day)
    accepted = maybe(rng, chance(0.98, 0.9, level), n)
    looked = maybe(rng, np.where(witness == "none", 0.30, 0.95), n) & (drills["kind"] != "tabletop")
    on = np.where(looked, day + np.where(witness == "none", rng.integers(10, 90, n), rng.integers(1, 9, n)), NEVER)
    return {
        "verification": np.where(looked, np.where(accepted, "verified", "rejected"), "unverified"),
        "_verified_on": district.calendar.series(on, on < NEVER),
    }  # fmt: skip


def _copies(rng: np.random.Generator, district: District, frame: pl.DataFrame, estates: np.ndarray) -> pl.DataFrame:
    """Records copied from one estate's drill to another estate of the same company: text, counts and photograph."""
    tenure = district.in_charge(estates, frame["_day"].to_numpy())
    company = district.spells["company"].to_numpy()[tenure]
    rows = frame.with_columns(_company=pl.Series(np.where(tenure >= 0, company, -1))).filter(pl.col("_company") >= 0)
    ids_ = district.of("estate_id")
    last = district.in_charge(np.arange(district.size), np.full(district.size, district.calendar.size - 1))
    runs = pl.DataFrame({"other": ids_, "_company": district.spells["company"].to_numpy()[last], "_in": last >= 0})
    pairs = rows.join(runs.filter("_in"), on="_company").filter(pl.col("other") != pl.col("estate_id"))
    pairs = pairs.unique("drill_id", keep="first", maintain_order=True)
    chosen = pairs[np.sort(rng.choice(pairs.height, quota(COPIED, pairs.height), replace=False))]
    copy = chosen.with_columns(
        drill_id=pl.format("{}F", "drill_id"), estate_id="other", verification=pl.lit("unverified"),
        _verified_on=pl.lit(None, pl.Date), witness=pl.lit("none"),
    )  # fmt: skip
    return copy.select(frame.columns)


def fire_drills(district: District) -> pl.DataFrame:
    """One row per drill on record."""
    rng, calendar = district.rng("drills"), district.calendar
    drills = _scheduled(rng, district)
    n = drills["day"].size
    papers = _papers(rng, district, drills)
    verified = _verified(rng, district, drills, papers["witness"])
    noted = entered(rng, district, drills["estate"], drills["day"])
    minute = district.rng("drills entered").integers(
        8 * 60 + 30, 18 * 60, n
    )  # a stream of its own: the other draws stay
    frame = records(
        "fire_drills",
        {
            "drill_id": ids("YL", n), "estate_id": district.of("estate_id")[drills["estate"]],
            "held_on": calendar.series(drills["day"]), "kind": drills["kind"], **papers,
            **verified,
            "evidence_hash": hashes(np.arange(n) + 10**12 + 10**9 * (district.seed % 1000)),
            "recorded_on": calendar.series(noted), "recorded_at": moments(district, noted, minute),
            "_day": drills["day"],
        },
    )  # fmt: skip
    return pl.concat([frame, _copies(rng, district, frame, drills["estate"])]).drop("_day")
