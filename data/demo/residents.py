"""Invented cases, checks of residents, surveys and mediations."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.codes import SURVEY_QUESTIONS
from data.demo.district import District
from data.demo.draws import NEVER, chance, entered, ids, maybe, moments, months, pick, records, scattered, where

#: Cases per 1,000 residents and year at quality 0, and how much quality moves them (in logs).
CASES = {"burglary": (0.58, -0.50), "vehicle_theft": (1.25, -0.45), "other_theft": (0.35, -0.10), "assault": (0.15, 0.0),
         "dispute": (0.80, -0.15), "fire": (0.65, -0.50), "falling_object": (0.12, -0.35), "noise": (0.60, -0.05),
         "telecom_fraud": (0.45, 0.0), "invalid": (0.60, 0.0)}  # fmt: skip
SHARED_PARTS = 0.38  # fires in shared parts at quality 0
OTHER_CAUSES = {"private_home": 70, "arson": 3, "outside": 9, "unknown": 18}
MANAGED = {"burglary": 0.5, "vehicle_theft": 0.6, "falling_object": 0.4, "dispute": 0.15}
ESTATE_SPREAD = 0.35  # what the neighbourhood adds, whoever manages
SURVEY_SHARE, SURVEY_LEAST, ANSWERED = 0.15, 60, 0.72
SATISFIED = {"overall": 0.86, "safety": 0.88, "order": 0.86, "repairs": 0.80, "cleaning": 0.87, "response": 0.82}
RENTALS_AT_QUALITY_0, REPORTED = 0.30, 0.64


def incidents(district: District) -> pl.DataFrame:
    """One row per fire or police case; noise, fraud and invalid calls are many and say nothing of the firm."""
    rng, calendar = district.rng("incidents"), district.calendar
    estate, middle = months(district)
    quality = district.quality(estate, middle)
    place = np.exp(rng.normal(0, ESTATE_SPREAD, district.size))[:, None] * district.of("residents")[:, None] / 12_000
    drawn = [
        scattered(rng, district, rate * place * np.exp(slope * quality), calendar.month_starts)
        for rate, slope in CASES.values()
    ]
    kind = np.repeat(list(CASES), [e.size for e, _ in drawn])
    estate, day = (np.concatenate([d[i] for d in drawn]) for i in (0, 1))
    order = np.argsort(day, kind="stable")
    estate, day, kind = estate[order], day[order], kind[order]
    n = order.size
    fire = kind == "fire"
    shared = maybe(rng, chance(SHARED_PARTS, -0.5, district.quality(estate, day)), n)
    cause = np.where(shared, "shared_parts", pick(rng, OTHER_CAUSES, n))
    likely = np.select([fire & shared, *[kind == k for k in MANAGED]], [0.85, *MANAGED.values()], 0.0)
    grave = np.where(np.isin(kind, ["fire", "assault", "falling_object"]), 0.05, 0.015)
    serious = np.where(maybe(rng, grave, n), "serious", "minor")
    severity = np.where(fire & maybe(rng, 0.004, n), "fatal", serious)
    objected = day + rng.integers(3, 20, n)
    contest = maybe(rng, 0.012, n) & (likely > 0)
    return records(
        "incidents",
        {
            "incident_id": ids("JQ", n), "estate_id": district.of("estate_id")[estate],
            "occurred_on": calendar.series(day), "occurred_at": moments(district, day, rng.integers(0, 24 * 60, n)),
            "kind": kind, "severity": severity, "cause": where(fire, cause),
            "management_related": where(likely > 0, maybe(rng, likely, n)),
            "recorded_on": calendar.series(entered(rng, district, estate, day)),
            "_objected_on": calendar.series(objected, contest),
            "_decided_on": calendar.series(objected + rng.integers(15, 60, n), contest),
        },
    )  # fmt: skip


def population_checks(district: District) -> pl.DataFrame:
    """One row per check, about three a year; group rentals turn up where flats are let."""
    rng, calendar = district.rng("population"), district.calendar
    starts = calendar.quarter_starts
    estate, quarter = np.nonzero(maybe(rng, 0.8, district.own.size).reshape(district.own.shape))
    day = starts[quarter] + (rng.random(estate.size) * np.diff(starts)[quarter]).astype(int)
    order = np.argsort(day, kind="stable")
    order = order[day[order] >= district.opened[estate[order]]]
    estate, day = estate[order], day[order]
    n = order.size
    residents = district.of("residents")[estate]
    sampled = np.minimum(residents, rng.integers(25, 110, n))
    level = district.level("registration", estate, day) + rng.normal(0, 0.3, n)
    let = district.of("rental_share")[estate] / 0.3 * (district.of("households")[estate] / 600) ** 0.5
    found = rng.poisson(RENTALS_AT_QUALITY_0 * let * np.exp(-0.2 * level))
    reported = rng.binomial(found, chance(REPORTED, 0.9, district.level("rental reports", estate, day)))
    return records(
        "population_checks",
        {
            "check_id": ids("RK", n), "estate_id": district.of("estate_id")[estate], "checked_on": calendar.series(day),
            "sampled": sampled, "registered": rng.binomial(sampled, chance(0.938, 0.75, level)),
            "rentals_found": found, "rentals_reported": reported,
            "recorded_on": calendar.series(entered(rng, district, estate, day)),
        },
    )  # fmt: skip


def surveys(district: District) -> pl.DataFrame:
    """One row per question: every estate each spring, by a third party in all but a few cases."""
    rng, calendar = district.rng("surveys"), district.calendar
    spring = np.flatnonzero(calendar.month_of_year[::3] == 3)
    estate = np.tile(np.arange(district.size), spring.size)
    day = calendar.quarter_starts[np.repeat(spring, district.size)] + rng.integers(0, 80, estate.size)
    kept = (district.in_charge(estate, day) >= 0) & (day >= district.opened[estate]) & maybe(rng, 0.96, estate.size)
    order = np.flatnonzero(kept)[np.argsort(day[kept], kind="stable")]
    estate, day = estate[order], day[order]
    homes = district.of("households")[estate]
    asked = np.minimum(homes, np.maximum(SURVEY_LEAST, (SURVEY_SHARE * homes).astype(int)))
    answered = rng.binomial(asked, ANSWERED)
    k = len(SURVEY_QUESTIONS)
    outside = maybe(rng, 0.93, estate.size)
    level = district.level("survey", estate, day)
    # firms that ask their own residents hear kinder answers
    kind_of = chance(np.array(list(SATISFIED.values())), 0.5, (level + np.where(outside, 0.0, 0.9))[:, None])
    n = estate.size * k
    entered_on = entered(rng, district, estate, day)
    return records(
        "surveys",
        {
            "survey_id": np.repeat(ids("CP", estate.size), k), "estate_id": np.repeat(district.of("estate_id")[estate], k),
            "surveyed_on": calendar.series(np.repeat(day, k)), "question": np.tile(list(SATISFIED), estate.size),
            "asked": np.repeat(asked, k), "answered": np.repeat(answered, k),
            "satisfied": rng.binomial(np.repeat(answered, k), kind_of.reshape(n)), "third_party": np.repeat(outside, k),
            "recorded_on": calendar.series(np.repeat(entered_on, k)),
        },
    )  # fmt: skip


def mediations(district: District) -> pl.DataFrame:
    """One row per dispute taken up."""
    rng, calendar = district.rng("mediations"), district.calendar
    homes = (district.of("households")[:, None] / 600) ** 0.7
    estate, day = scattered(
        rng, district, 0.4 * homes * np.ones(district.own.shape), calendar.quarter_starts
    )  # fmt: skip
    order = np.argsort(day, kind="stable")
    estate, day = estate[order], day[order]
    n = order.size
    settled = maybe(rng, chance(0.76, 0.5, district.level("mediation", estate, day)), n)
    ended = np.where(maybe(rng, 0.95, n), day + 2 + rng.exponential(18, n).astype(int), NEVER)
    outcome = np.where(settled, "settled", pick(rng, {"failed": 65, "referred": 35}, n))
    return records(
        "mediations",
        {
            "mediation_id": ids("TJ", n), "estate_id": district.of("estate_id")[estate],
            "opened_on": calendar.series(day), "settled_on": calendar.series(ended, ended < NEVER),
            "outcome": where(ended < NEVER, outcome),
            "recorded_on": calendar.series(entered(rng, district, estate, day)),
        },
    )  # fmt: skip
