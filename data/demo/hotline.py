"""The invented hotline: seasonal complaints, quiet and loud estates, repeated calls, demands found unreasonable."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.demo.district import District
from data.demo.draws import chance, ground, ids, known, maybe, moment, pick, recorded, repeat, some_day
from data.demo.events import _dated

CATEGORIES = {"物业服务": 30, "消防安全": 14, "电梯故障": 12, "噪音扰民": 12, "环境卫生": 12, "停车管理": 10, "违规装修": 6, "高空抛物": 4}
SEASON = np.array([0.8, 0.75, 0.9, 1.0, 1.1, 1.25, 1.45, 1.4, 1.15, 1.0, 0.85, 0.8])


def complaints(district: District) -> pl.DataFrame:
    """Hotline orders, with repeats of a matter as orders of their own."""
    rng, all_ = district.rng("complaints"), ground(district)
    names = district.estates["estate_id"].to_numpy()
    loud = dict(zip(names, np.exp(rng.normal(0, 0.45, names.size)), strict=True))
    propensity = np.array([loud[e] for e in all_.estate_id]) * np.where(all_.estate_class == "UV", 0.55, 1.0)
    month = all_.start.astype("datetime64[M]").astype(int) % 12
    season = (SEASON[month] + SEASON[(month + 1) % 12] + SEASON[(month + 2) % 12]) / 3
    g = repeat(all_, rng.poisson(4.2 * all_.homes / 600 * propensity * season * np.exp(-0.35 * all_.quality)))
    day = some_day(rng, g)
    n = g.size
    at = moment(rng, day)
    contacted = maybe(rng, chance(0.965, 0.8, g.quality), n)
    hours = np.where(contacted, rng.uniform(0.3, 23, n), rng.uniform(25, 90, n))
    due = day + rng.choice([5, 7, 10], n, p=[0.4, 0.4, 0.2])
    in_time = maybe(rng, chance(0.955, 0.9, g.quality), n)
    closed = np.where(in_time, day + ((due - day).astype(int) * rng.uniform(0.1, 1, n)).astype(int),
                      due + 1 + rng.exponential(9, n).astype(int))  # fmt: skip
    reached = maybe(rng, 0.82, n)
    solved = maybe(rng, chance(0.9, 0.6, g.quality), n)
    none = pl.Series([None] * n, dtype=pl.Boolean)
    frame = _dated(pl.DataFrame(
        {
            "complaint_id": ids("C", n), "estate_id": g.estate_id, "matter_id": pl.Series([None] * n, dtype=pl.String),
            "received_on": day, "received_at": at, "channel": pick(rng, {"hotline": 70, "app": 15, "web": 6, "police": 6, "visit": 3}, n),
            "nature": pick(rng, {"complaint": 55, "request": 28, "question": 10, "suggestion": 4, "thanks": 3}, n),
            "category": pick(rng, CATEGORIES, n),
            "responsibility": pick(rng, {"company": 72, "owner": 15, "utility": 8, "subdistrict": 5}, n),
            "first_contact_at": at + pl.Series((hours * 3600 * 1e6).astype("timedelta64[us]")),
            "due_on": due, "extended_to": pl.Series(np.where(maybe(rng, 0.03, n), due + 5, np.datetime64("NaT")).astype("datetime64[D]")),
            "closed_on": known(closed), "reached": reached, "solved": solved,
            "satisfied": maybe(rng, np.where(solved, 0.93, 0.2), n),
            "upheld": pick(rng, {"yes": 62, "partly": 16, "no": 22}, n), "unreasonable": maybe(rng, 0.02, n),
            "objection_open": maybe(rng, 0.004, n), "caller_hash": np.char.add("h", rng.integers(10**6, 10**7, n).astype(str)),
            "recorded_on": recorded(rng, day),
        }
    ))  # fmt: skip
    open_ = pl.col("closed_on").is_null()
    frame = frame.with_columns(
        *[pl.when(open_ | ~pl.col("reached")).then(None).otherwise(pl.col(c)).alias(c) for c in ("solved", "satisfied")],
        overdue=none,
    )
    again = frame.filter(pl.Series(maybe(rng, 0.11, n)) & pl.col("nature").is_in(["complaint", "request"]))
    wait = pl.Series(rng.integers(1, 110, again.height))
    shift = pl.duration(days=wait)
    again = again.with_columns(
        matter_id="complaint_id",
        complaint_id=pl.col("complaint_id") + "R",
        **{c: pl.col(c) + shift for c in ("received_on", "received_at", "first_contact_at", "due_on", "extended_to", "closed_on", "recorded_on")},
    )  # fmt: skip
    last = district.truth["start"].max()
    again = again.filter(pl.col("received_on") < pl.lit(last).dt.offset_by("3mo")).with_columns(
        closed_on=pl.when(pl.col("closed_on") < pl.lit(last).dt.offset_by("3mo")).then("closed_on")
    )
    return pl.concat([frame, again.select(frame.columns)]).sort("received_on", "complaint_id")


def sanctions(district: District) -> pl.DataFrame:
    """Findings that cap, penalties, commendations; some under appeal or overturned."""
    rng = district.rng("sanctions")
    truth = district.truth.filter(pl.col("company_id").is_not_null()).with_columns(
        head=pl.lit(None, dtype=pl.String)
    )
    worst = truth.filter(pl.col("quality") < truth["quality"].quantile(0.12)).sample(
        fraction=0.05, seed=district.seed
    )  # fmt: skip
    best = truth.filter(pl.col("quality") > truth["quality"].quantile(0.9)).sample(fraction=0.05, seed=district.seed)
    n, m = worst.height, best.height
    kind = np.where(maybe(rng, 0.3, n), "finding", "penalty")
    finding = pick(rng, {"fatal_fire": 1, "systems_disabled": 3, "routes_blocked": 3, "records_falsified": 2}, n)
    bad = worst.select("estate_id", "company_id", start="start").with_columns(
        party=pl.lit("estate"), kind=pl.Series(kind), finding=pl.Series(finding),
        severity=pl.Series(pick(rng, {"minor": 3, "general": 6, "serious": 1}, n)),
        law=pl.Series(pick(rng, {"FL 60": 5, "GDF 44": 3, "SEC 42": 2}, n)),
        status=pl.Series(pick(rng, {"final": 85, "appealed": 10, "overturned": 5}, n)),
        days=pl.Series(rng.integers(0, 85, n)),
    )  # fmt: skip
    good = best.select("estate_id", "company_id", start="start").with_columns(
        party=pl.lit("estate"), kind=pl.lit("commendation"), finding=pl.lit("none"), severity=pl.lit("minor"), law=pl.lit("INT 17"),
        status=pl.lit("final"), days=pl.Series(rng.integers(0, 85, m)),
    )  # fmt: skip
    rows = pl.concat([bad, good], how="vertical_relaxed").with_columns(
        decided_on=pl.col("start") + pl.duration(days="days"),
        finding=pl.when(pl.col("kind") == "finding").then("finding"),
        severity=pl.when(pl.col("kind") == "penalty").then("severity"),
    )
    return rows.with_columns(
        sanction_id=pl.Series(ids("X", rows.height)),
        stands_until=pl.col("decided_on").dt.offset_by("12mo"),
        repaired_on=pl.when(pl.col("finding") == "systems_disabled").then(pl.col("decided_on").dt.offset_by("60d")),
        recorded_on=pl.col("decided_on") + pl.duration(days=2),
    ).drop("start", "days")
