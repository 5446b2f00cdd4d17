"""The invented hotline: seasonal complaints, loud and quiet estates, repeated calls, demands found unreasonable."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.demo.district import District
from data.demo.draws import (
    NEVER,
    chance,
    each,
    entered,
    hashes,
    ids,
    maybe,
    moments,
    months,
    pick,
    records,
    scattered,
    where,
)
from data.demo.names import SUBDISTRICTS

PER_HOME_YEAR = 0.032  # matters per home and year at quality 0
LOUDNESS_SPREAD, QUIET_VILLAGES = 0.45, -0.55  # reporting propensity, in logs
CATEGORIES = (
    "物业服务",
    "消防安全",
    "电梯故障",
    "噪音扰民",
    "环境卫生",
    "停车管理",
    "违规装修",
    "空调滴水外机",
    "台风积水树倒",
    "高空抛物",
)
#: Weight of each category by month of the year (January first): air conditioners and typhoons make the summer.
USUAL = (30, 12, 11, 12, 11, 10, 6, 2, 0.5, 4)
SUMMER = (0.05, 0.05, 0.1, 0.2, 0.6, 1.2, 1.8, 2.0, 1.6, 0.6, 0.1, 0.05)
SUMMER_CATEGORIES = np.array([0, 0, 2, 0, 3, 0, 0, 14, 12, 0], float)
SEASON = (0.85, 0.75, 0.9, 0.95, 1.05, 1.2, 1.4, 1.4, 1.2, 0.95, 0.9, 0.85)
NATURES = {"complaint": 58, "request": 27, "question": 8, "suggestion": 3, "thanks": 2.5, "report": 1, "other": 0.5}
PARTIES = {"company": 72, "owner": 12, "utility": 8, "developer": 2, "subdistrict": 6}
CHANNELS = {"hotline": 68, "app": 16, "web": 6, "police": 7, "visit": 3}
REPEATED = 0.11  # matters raised again at least once, at level 0
UNREASONABLE, UNKNOWN_ESTATE, OBJECTED, NEVER_CLOSED = 0.018, 0.015, 0.010, 0.004
RECONSIDERED = 0.003  # orders whose "upheld" was changed on review
JOINED_PER_DAY = 0.03  # other callers reporting an open matter, per day at loudness 1
CALLERS = 400  # callers an estate's orders are drawn from, a few of them calling often


def loudness(district: District) -> np.ndarray:
    """How readily an estate's people call, whatever the quality (hidden): a factor around 1."""
    drawn = district.rng("loudness").normal(0, LOUDNESS_SPREAD, district.size)
    return np.exp(drawn + QUIET_VILLAGES * (district.of("estate_class") == "UV"))


def _matters(rng: np.random.Generator, district: District) -> dict[str, np.ndarray]:
    """First orders of each matter."""
    calendar = district.calendar
    estate, middle = months(district)
    season = np.array(SEASON)[calendar.month_of_year]
    people = (PER_HOME_YEAR / 12 * loudness(district) * district.of("households"))[:, None]
    expected = people * season * np.exp(-0.45 * district.quality(estate, middle))
    estate, day = scattered(rng, district, expected, calendar.month_starts)
    n = estate.size
    month = calendar.month_of_year[calendar.month_of[day]]
    category = each(rng, np.array(USUAL) + np.array(SUMMER)[month][:, None] * SUMMER_CATEGORIES)
    nature = pick(rng, NATURES, n)
    unreasonable = maybe(rng, UNREASONABLE, n) & np.isin(nature, ["complaint", "request"])
    caller = (rng.random(n) ** 2.2 * CALLERS).astype(int)
    return {
        "estate": estate, "day": day, "category": category, "nature": nature,
        "party": pick(rng, PARTIES, n), "unreasonable": unreasonable,
        "caller": np.where(unreasonable, 0, 1 + caller), "matter": np.arange(n),
    }  # fmt: skip


def _handled(rng: np.random.Generator, district: District, orders: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """First contact, deadline and closing of each order."""
    estate, day = orders["estate"], orders["day"]
    n = estate.size
    term = rng.choice([3, 5, 7, 10], n, p=[0.1, 0.35, 0.4, 0.15])
    extended = maybe(rng, 0.03, n)
    allowed = term + np.where(extended, 5, 0)
    level = district.level("hotline", estate, day)
    in_time = maybe(rng, chance(0.93, 0.85, level), n)
    late = 1 + rng.exponential(7 * np.exp(-0.3 * level), n)
    took = np.where(in_time, allowed * rng.beta(1.6, 1.4, n), allowed + late).astype(int)
    closed = np.where(maybe(rng, NEVER_CLOSED, n), NEVER, day + took)
    soon = maybe(rng, chance(0.95, 0.8, district.level("first contact", estate, day)), n)
    hours = np.where(soon, np.minimum(rng.lognormal(1.0, 0.9, n), 23.9), 24.1 + rng.exponential(20, n))
    minute = rng.integers(7 * 60, 22 * 60, n) + rng.integers(0, 60, n) / 60
    return {
        "due": day + term, "extended": np.where(extended, day + allowed, NEVER), "closed": closed,
        "minute": minute, "contact": minute + hours * 60,
    }  # fmt: skip


def _raised_again(rng: np.random.Generator, district: District, first: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Later orders of matters already raised: mostly the same caller, some before and some after the closing."""
    level = district.level("repeats", first["estate"], first["day"])
    usual = np.isin(first["nature"], ["complaint", "request"])
    p = np.where(usual, chance(REPEATED, -0.5, level) + 0.25 * first["unreasonable"], 0.0)
    extra = np.where(maybe(rng, p, p.size), rng.geometric(0.8, p.size), 0)
    at = np.repeat(np.arange(p.size), extra)
    again = {name: values[at] for name, values in first.items()}
    n = at.size
    again["day"] = again["day"] + 1 + rng.exponential(24, n).astype(int)
    neighbour = 1 + (rng.random(n) * CALLERS).astype(int)
    again["caller"] = np.where(maybe(rng, 0.72, n), again["caller"], neighbour)
    again |= _handled(rng, district, again)
    inside = again["day"] < district.calendar.size
    return {name: values[inside] for name, values in again.items()}


def _joined(rng: np.random.Generator, district: District, first: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Calls of others about a matter still open: how many tells how readily an estate's people call.

    Such an order is joined to the first: it falls due and is closed with it.
    """
    usual = np.isin(first["nature"], ["complaint", "request"]) & ~first["unreasonable"]
    open_days = np.minimum(first["closed"] - first["day"], 30)
    extra = rng.poisson(JOINED_PER_DAY * loudness(district)[first["estate"]] * np.where(usual, open_days, 0))
    at = np.repeat(np.arange(extra.size), extra)
    again = {name: values[at] for name, values in first.items()}
    again["day"] = again["day"] + 1 + (rng.random(at.size) * open_days[at]).astype(int)
    again["caller"] = 1 + (again["caller"] - 1 + rng.integers(1, CALLERS, at.size)) % CALLERS
    own = _handled(rng, district, again)
    again |= {"minute": own["minute"], "contact": own["contact"], "due": np.maximum(again["due"], again["day"])}
    inside = again["day"] < district.calendar.size
    return {name: values[inside] for name, values in again.items()}


def _called_back(rng: np.random.Generator, district: District, orders: dict[str, np.ndarray]) -> dict[str, pl.Series]:
    """What the call-back heard, and whether the complaint was upheld; NULL where nobody was asked."""
    estate, day = orders["estate"], orders["day"]
    n = estate.size
    demand = np.isin(orders["nature"], ["complaint", "request"])
    reached = maybe(rng, 0.76, n)
    solved = maybe(rng, chance(0.865, 0.6, district.level("solving", estate, day)), n)
    upheld = pick(rng, {"yes": 58, "partly": 17, "no": 25}, n)
    upheld = np.where(orders["unreasonable"], "no", upheld)
    review = demand & maybe(rng, RECONSIDERED, n) & (orders["closed"] < NEVER)
    return {
        "reached": where(demand, reached), "solved": where(demand & reached, solved),
        "satisfied": where(demand & reached, maybe(rng, np.where(solved, 0.92, 0.18), n)),
        "upheld": where(demand, np.where(review, "no", upheld)), "unreasonable": where(demand, orders["unreasonable"]),
        "_first_upheld": where(review, np.full(n, "yes")),
        "_reviewed_on": district.calendar.series(orders["closed"] + rng.integers(40, 200, n), review),
    }  # fmt: skip


def complaints(district: District) -> pl.DataFrame:
    """One row per order, in the order they came in."""
    rng, calendar = district.rng("complaints"), district.calendar
    first = _matters(rng, district)
    first |= _handled(rng, district, first)
    again = _raised_again(rng, district, first)
    joined = _joined(district.rng("joined calls"), district, first)
    orders = {name: np.concatenate([first[name], again[name], joined[name]]) for name in first}
    repeated = np.arange(orders["day"].size) >= first["day"].size
    order = np.lexsort((orders["minute"], orders["day"]))
    orders = {name: values[order] for name, values in orders.items()}
    n, number = order.size, ids("GD", order.size)
    first_number = np.empty(first["day"].size, dtype=number.dtype)
    first_number[order[~repeated[order]]] = number[~repeated[order]]
    late = orders["closed"] > np.where(orders["extended"] < NEVER, orders["extended"], orders["due"])
    objected = orders["closed"] + rng.integers(1, 10, n)
    decided = np.where(maybe(rng, OBJECTED, n), objected + rng.integers(10, 60, n), NEVER)
    contest = (decided < NEVER) & (orders["closed"] < NEVER)
    known = ~maybe(rng, UNKNOWN_ESTATE, n)
    estate = orders["estate"]
    return records(
        "complaints",
        {
            "complaint_id": number, "estate_id": where(known, district.of("estate_id")[estate]),
            "matter_id": where(repeated[order], first_number[orders["matter"]]),
            "received_on": calendar.series(orders["day"]),
            "received_at": moments(district, orders["day"], orders["minute"]),
            "channel": pick(rng, CHANNELS, n), "nature": orders["nature"],
            "category": np.array(CATEGORIES)[orders["category"]],
            "subdistrict": np.array([f"{zh}街道" for zh, _ in SUBDISTRICTS])[district.subdistrict[estate]],
            "unit": pick(rng, {"示例住建窗口": 60, "示例街道窗口": 30, "示例公安窗口": 10}, n),
            "responsibility": np.where(district.in_charge(estate, orders["day"]) >= 0, orders["party"],
                                       np.where(orders["party"] == "company", "subdistrict", orders["party"])),
            "first_contact_at": moments(district, orders["day"], orders["contact"]),
            "due_on": calendar.series(orders["due"]),
            "extended_to": calendar.series(orders["extended"], orders["extended"] < NEVER),
            "closed_on": calendar.series(orders["closed"], orders["closed"] < NEVER), "overdue": late,
            "caller_hash": hashes(estate * 1000 + orders["caller"] + 10**9 * (district.seed % 1000)),
            "recorded_on": calendar.series(entered(rng, district, estate, orders["day"])),
            "_objected_on": calendar.series(objected, contest), "_decided_on": calendar.series(decided, contest),
            **_called_back(rng, district, orders),
        },
    )  # fmt: skip
