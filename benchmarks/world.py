"""Invented districts whose truth is known: what method.md section 15 judges the method on.

An estate's quality is that of its class, of the company in charge and of the estate itself (an AR(1) from quarter to
quarter); each metric follows it in part and has a course of its own. Records are drawn from the true levels: by size,
by who happened to inspect and by how readily people report. Section 15 does not print every number of its worlds;
those it leaves open are in ``METRICS`` and ``World``, set so that the raw rates (not the method) do as it says.

Axes: T quarters, N estates, J metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

QUARTER = 0.25  # years
CLASSES = ("affordable", "commercial", "old", "village")
SEVERITY = np.array([60.0, 14.8, 5.5, 2.4])  # HUD NSPIRE, unit values
SEVERITY_MIX = np.array([0.01, 0.09, 0.30, 0.60])


@dataclass(frozen=True)
class Invented:
    """One metric of method.md 2.1.

    Attributes:
        family, subindex, weight: as in a metric's rule. source: who records it.
        level: usual level (fires: ``World.fires``): events per thousand homes and year, share done well, share of points failing.
        spread: sd of the level between estates of one class, on the log (rates, failing shares) or the logit.
        opportunities: records per quarter: per visit (inspected), per thousand homes (drawn Poisson), or as they are.
    """

    family: str
    subindex: str
    weight: float
    source: str
    level: float
    spread: float
    opportunities: float = 0.0


METRICS: dict[str, Invented] = {
    "check": Invented("mean", "drills", 0.60, "inspection", 0.14, 0.45, 18.0),
    "defect": Invented("severity", "fire", 0.50, "inspection", 0.12, 0.45, 18.0),
    "drill": Invented("proportion", "drills", 0.40, "company", 0.85, 0.80, 2.0),
    "facility": Invented("proportion", "fire", 0.30, "testing", 0.90, 0.70, 11.0),
    "fire": Invented("rate", "fire", 0.20, "fire_service", np.nan, 0.50),
    "incident": Invented("rate", "security", 1.00, "police", 8.0, 0.45),
    "issue": Invented("rate", "residents", 0.60, "hotline", 25.0, 0.45),
    "norecur": Invented("proportion", "rectification", 0.40, "hazards", 0.88, 0.65, 5.5),
    "ontime": Invented("proportion", "rectification", 0.60, "hazards", 0.85, 0.70, 5.5),
    "reply": Invented("proportion", "residents", 0.40, "hotline", 0.88, 0.65),
}
NAMES = tuple(METRICS)
AT = {name: j for j, name in enumerate(NAMES)}
RATES = [AT["fire"], AT["incident"], AT["issue"]]


@dataclass(frozen=True)
class World:
    """What a district is drawn from.

    Attributes:
        alike: share of each metric's variance that is the estate's common quality: the true correlation of metrics.
        evidence: share of the records that is kept: of what a visit looks at, of events, of what falls due.
        fires: per thousand homes and year; section 15 does not say how rare they are.
        visits: share of the visits that is made, one a quarter.
        company_share: share of the common quality's variance that is the company's.
        stays: correlation of an estate's quality from quarter to quarter.
        class_level: quality of each class, in standard deviations within a class.
        reporting_village: mean log propensity to report in villages; elsewhere 0.
    """

    estates: int = 1000
    companies: int = 100
    quarters: int = 16
    alike: float = 0.74
    evidence: float = 1.0
    fires: float = 0.4
    visits: float = 1.0
    company_share: float = 0.25
    stays: float = 0.95
    moves: float = 0.03
    homes_median: float = 600.0
    homes_sd: float = 1.0
    class_share: tuple[float, ...] = (0.15, 0.45, 0.25, 0.15)
    class_level: tuple[float, ...] = (0.0, 0.30, -0.20, -0.50)
    inspectors: int = 12
    strictness_sd: float = 0.22
    reporting_sd: float = 0.45
    reporting_village: float = -0.30
    open_days: float = 10.0
    again_per_day: float = 0.05

    def per_visit(self, name: str) -> int:
        """Points of a metric looked at on each visit."""
        return max(1, round(METRICS[name].opportunities * self.evidence))


@dataclass(frozen=True)
class Records:
    """What the office sees, quarter by quarter, (T, N, J) unless said; sums within the quarter.

    Attributes:
        y, e, yy, records: as contract MetricSum, before decay.
        inspector: (T, N) who visited; -1 = nobody. failed, looked: (T, N) failing points and points looked at.
        duplicates, open_days: (T, N) further reports while a matter was open, and the days matters stood open.
    """

    y: np.ndarray
    e: np.ndarray
    yy: np.ndarray
    records: np.ndarray
    inspector: np.ndarray
    failed: np.ndarray
    looked: np.ndarray
    duplicates: np.ndarray
    open_days: np.ndarray


@dataclass(frozen=True)
class District:
    """One drawn district: its truth and its records.

    Attributes:
        estate_class: (N,) place in CLASSES. homes: (N,). company, tenure: (T, N) who was in charge, and the number of
            its spell there (0 = first).
        level: (T, N, J) true level of each metric, in the unit of its raw record.
        strictness: (I,) log, mean 0. reporting: (N,) log propensity.
    """

    world: World
    estate_class: np.ndarray
    homes: np.ndarray
    company: np.ndarray
    tenure: np.ndarray
    level: np.ndarray
    strictness: np.ndarray
    reporting: np.ndarray
    records: Records = field(repr=False)


def _course(rng: np.random.Generator, quarters: int, shape: tuple[int, ...], stays: float) -> np.ndarray:
    """(T, ...) stationary AR(1) of variance 1."""
    out = np.empty((quarters, *shape))
    out[0] = rng.standard_normal(shape)
    for t in range(1, quarters):
        out[t] = stays * out[t - 1] + np.sqrt(1 - stays**2) * rng.standard_normal(shape)
    return out


def _in_charge(rng: np.random.Generator, world: World) -> tuple[np.ndarray, np.ndarray]:
    """(T, N) company and number of its spell: each quarter a few estates pass to another company."""
    company = np.empty((world.quarters, world.estates), dtype=np.int64)
    company[0] = rng.integers(world.companies, size=world.estates)
    passed = rng.random(company.shape) < world.moves
    passed[0] = False
    for t in range(1, world.quarters):
        other = (company[t - 1] + rng.integers(1, world.companies, size=world.estates)) % world.companies
        company[t] = np.where(passed[t], other, company[t - 1])
    return company, np.cumsum(passed, axis=0)


def _levels(rng: np.random.Generator, world: World, estate_class: np.ndarray, company: np.ndarray) -> np.ndarray:
    """(T, N, J) true levels."""
    shape = (world.estates,)
    of_company = rng.standard_normal(world.companies)[company]
    common = np.sqrt(world.company_share) * of_company
    common = common + np.sqrt(1 - world.company_share) * _course(rng, world.quarters, shape, world.stays)
    own = _course(rng, world.quarters, (world.estates, len(NAMES)), world.stays)
    good = np.sqrt(world.alike) * common[..., None] + np.sqrt(1 - world.alike) * own
    good = good + np.array(world.class_level)[estate_class][:, None]
    out = np.empty_like(good)
    for j, (name, metric) in enumerate(METRICS.items()):
        moved, usual = metric.spread * good[..., j], world.fires if name == "fire" else metric.level
        if metric.family == "proportion":
            out[..., j] = 1 / (1 + (1 - usual) / usual * np.exp(-moved))
        else:
            out[..., j] = usual * np.exp(-moved)
    out[..., AT["check"]] = 100 * (1 - np.minimum(out[..., AT["check"]], 0.9))
    out[..., AT["defect"]] *= SEVERITY @ SEVERITY_MIX
    return out


def _inspected(rng: np.random.Generator, world: World, level: np.ndarray, strictness: np.ndarray, cells: dict) -> dict:
    """Fill what routine visits find and return who came."""
    there = rng.random(level.shape[:2]) < world.visits
    who = rng.integers(world.inspectors, size=there.shape)
    strict = np.exp(strictness)[who]
    points, items, devices = (world.per_visit(name) for name in ("defect", "check", "facility"))
    mean_severity = SEVERITY @ SEVERITY_MIX
    rate = level[..., AT["defect"]] / mean_severity * points * strict * there
    found = rng.poisson(rate[..., None] * SEVERITY_MIX)
    failing = np.minimum((100 - level[..., AT["check"]]) / 100 * strict, 0.97)
    failed = rng.binomial(items, failing) * there
    seen = 100.0 * (1 - failed / items) * there
    tested = rng.binomial(devices, level[..., AT["facility"]]) * there
    parts = {
        "defect": (found @ SEVERITY, points * there, found @ SEVERITY**2),
        "check": (seen, 1.0 * there, seen**2),
        "facility": (tested, devices * there, tested),
    }
    for name, (y, e, yy) in parts.items():
        for cell, value in zip(("y", "e", "yy"), (y, e, yy), strict=True):
            cells[cell][..., AT[name]] = value
        cells["records"][..., AT[name]] = there
    usual = np.array([METRICS["check"].level, METRICS["defect"].level])
    looked = there * (items * usual[0] + points * usual[1])
    return {"inspector": np.where(there, who, -1), "failed": failed + found.sum(axis=-1), "looked": looked}


def _counted(rng: np.random.Generator, world: World, level: np.ndarray, homes: np.ndarray, cells: dict) -> None:
    """Fill events per homes and year."""
    years = np.broadcast_to(homes / 1000 * QUARTER * world.evidence, level.shape[:2])
    for j in RATES:
        events = rng.poisson(level[..., j] * years)
        for cell, value in {"y": events, "e": years, "yy": events, "records": events}.items():
            cells[cell][..., j] = value


def _done_well(rng: np.random.Generator, world: World, level: np.ndarray, homes: np.ndarray, cells: dict) -> None:
    """Fill what is done or not: hazards and drills fall due, issues are to be answered."""
    size = np.broadcast_to(np.sqrt(homes / world.homes_median), level.shape[:2])
    hazards = rng.poisson(METRICS["ontime"].opportunities * size * world.evidence)
    due = {
        "ontime": hazards,
        "norecur": hazards,
        "drill": rng.binomial(int(METRICS["drill"].opportunities), world.evidence, size=size.shape),
        "reply": cells["y"][..., AT["issue"]].astype(np.int64),
    }
    for name, n in due.items():
        k = rng.binomial(n, level[..., AT[name]])
        for cell, value in {"y": k, "e": n, "yy": k, "records": n}.items():
            cells[cell][..., AT[name]] = value


def _reported(rng: np.random.Generator, world: World, level: np.ndarray, loud: np.ndarray, cells: dict) -> dict:
    """Let quiet estates report less of what happens, and count who reports again while a matter is open."""
    j, readily = AT["issue"], np.exp(loud)
    issues = rng.poisson(level[..., j] * readily * cells["e"][..., j])
    for cell in ("y", "yy", "records"):
        cells[cell][..., j] = issues
    days = issues * world.open_days
    return {"open_days": days, "duplicates": rng.poisson(days * world.again_per_day * readily)}


def draw(world: World, seed: int) -> District:
    """One district; the same world and seed give the same one."""
    rng = np.random.default_rng(seed)
    estate_class = np.sort(rng.choice(len(CLASSES), size=world.estates, p=world.class_share))
    homes = np.round(world.homes_median * np.exp(world.homes_sd * rng.standard_normal(world.estates))).clip(30)
    company, tenure = _in_charge(rng, world)
    level = _levels(rng, world, estate_class, company)
    strictness = world.strictness_sd * rng.standard_normal(world.inspectors)
    strictness -= strictness.mean()
    loud = world.reporting_sd * rng.standard_normal(world.estates)
    loud += world.reporting_village * (estate_class == CLASSES.index("village"))
    cells = {name: np.zeros(level.shape) for name in ("y", "e", "yy", "records")}
    visits = _inspected(rng, world, level, strictness, cells)
    _counted(rng, world, level, homes, cells)
    calls = _reported(rng, world, level, loud, cells)
    _done_well(rng, world, level, homes, cells)
    return District(
        world, estate_class, homes, company, tenure, level, strictness, loud, Records(**cells, **visits, **calls)
    )


def split(district: District, seed: int) -> tuple[District, District]:
    """The same district with its records dealt out by chance: visits whole, events one by one, time in halves."""
    rng, seen = np.random.default_rng(seed), district.records
    first = {name: np.array(getattr(seen, name), dtype=float) for name in ("y", "e", "yy", "records")}
    visited = rng.random(seen.inspector.shape) < 0.5
    for j, metric in enumerate(METRICS.values()):
        if metric.source in ("inspection", "testing"):
            for cell in first.values():
                cell[..., j] *= visited
        elif metric.family == "rate":
            first["y"][..., j] = rng.binomial(seen.y[..., j].astype(np.int64), 0.5)
            first["e"][..., j] /= 2
        else:
            k, n = (x[..., j].astype(np.int64) for x in (seen.y, seen.e))
            drawn = rng.binomial(n, 0.5)
            first["e"][..., j] = drawn
            first["y"][..., j] = rng.hypergeometric(k, n - k, drawn)
        if metric.source not in ("inspection", "testing"):
            first["yy"][..., j] = first["y"][..., j]
            first["records"][..., j] = first["e" if metric.family == "proportion" else "y"][..., j]
    second = {name: getattr(seen, name) - first[name] for name in first}
    who = (np.where(mine, seen.inspector, -1) for mine in (visited, ~visited))
    one, other = (
        replace(district, records=replace(seen, **cells, inspector=inspector))
        for cells, inspector in zip((first, second), who, strict=True)
    )
    return one, other
