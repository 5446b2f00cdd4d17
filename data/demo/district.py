"""The invented district: registers, who was in charge on every day, and the hidden quality that drives all records."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from data.demo import names, registers
from data.demo.calendar import Calendar

FIRST_QUARTER, QUARTERS = "2021Q4", 20  # to 2026Q3
#: Hidden quality = class + company in charge + the estate's own AR(1) (method.md section 15), in logits of a duty met.
CLASS_QUALITY = {"HR": 0.04, "SH": 0.20, "MR": 0.02, "OD": -0.22, "UV": -0.34, "MX": 0.0, "NP": -0.4}
COMPANY_SPREAD, OWN_SPREAD, PERSISTENCE = 0.52, 0.54, 0.95
HABIT_SPREAD = 0.24  # what an estate is better or worse at than it is on the whole
NOBODY = -0.8  # quality of an estate that nobody manages, in place of a company's


@dataclass(frozen=True)
class District:
    """Everything drawn before the records.

    Attributes:
        estates: the register (contract Estate); its first ``size`` rows are the first period of each estate.
        tenures: ``estate, company, head`` numbers and ``since, until`` day numbers; row number = tenure number.
        own: class and estate part of the hidden quality, estates x quarters.
        company_quality: the companies' part.
    """

    seed: int
    calendar: Calendar
    size: int
    areas: pl.DataFrame
    companies: pl.DataFrame
    estates: pl.DataFrame
    spells: pl.DataFrame
    own: np.ndarray
    company_quality: np.ndarray
    habits: dict[str, np.ndarray] = field(default_factory=dict)

    def rng(self, name: str) -> np.random.Generator:
        """A generator for each purpose, so that a change to one table moves no other."""
        return np.random.default_rng([self.seed, *name.encode()])

    def of(self, column: str) -> np.ndarray:
        """A register column, one value per estate (its first period)."""
        return self.estates[column].head(self.size).to_numpy()

    @cached_property
    def opened(self) -> np.ndarray:
        """First day of each estate on the register."""
        return (self.of("valid_from") - self.calendar.first).astype(int)

    @cached_property
    def subdistrict(self) -> np.ndarray:
        """Number of each estate's sub-district (0 = the first)."""
        return self.estates["subdistrict_id"].head(self.size).str.slice(2).cast(pl.Int64).to_numpy() - 1

    @cached_property
    def tenure_on(self) -> np.ndarray:
        """Tenure number per estate and day; -1 where nobody is in charge."""
        days = self.calendar.size
        since = np.clip(self.spells["since"].to_numpy(), 0, days)
        until = np.clip(self.spells["until"].fill_null(days).to_numpy(), 0, days)
        length = np.maximum(until - since, 0)
        table = np.full(self.size * days, -1, dtype=np.int32)
        before = np.cumsum(length) - length
        at = np.repeat(self.spells["estate"].to_numpy() * days + since - before, length) + np.arange(length.sum())
        table[at] = np.repeat(np.arange(length.size), length)
        return table.reshape(self.size, days)

    def in_charge(self, estate: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Tenure number on that day (days outside the calendar count as its nearest); -1 = nobody."""
        return self.tenure_on[estate, np.clip(day, 0, self.calendar.size - 1)]

    def quality(self, estate: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Hidden quality of estates on days."""
        day = np.clip(day, 0, self.calendar.size - 1)
        tenure = self.tenure_on[estate, day]
        company = self.spells["company"].to_numpy()[tenure]
        managed = np.where(tenure >= 0, self.company_quality[company], NOBODY)
        return self.own[estate, self.calendar.quarter_of[day]] + managed

    def level(self, habit: str, estate: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Quality in one respect: the hidden quality and the estate's lasting habit in it."""
        if habit not in self.habits:
            self.habits[habit] = self.rng(f"habit of {habit}").normal(0, HABIT_SPREAD, self.size)
        return self.quality(estate, day) + self.habits[habit][estate]

    @cached_property
    def tenures(self) -> pl.DataFrame:
        """The tenures register (contract Tenure)."""
        rows = self.spells
        return pl.DataFrame(
            {
                "tenure_id": np.char.mod("T%05d", np.arange(1, rows.height + 1)),
                "estate_id": self.of("estate_id")[rows["estate"]],
                "company_id": self.companies["company_id"].to_numpy()[rows["company"]],
                "head_id": np.char.mod("H%05d", rows["head"].to_numpy() + 1),
                "valid_from": self.calendar.series(rows["since"].to_numpy()),
                "valid_to": self.calendar.series(rows["until"].fill_null(0).to_numpy(), rows["until"].is_not_null()),
            }
        )

    @cached_property
    def office_heads(self) -> pl.DataFrame:
        """The register of office heads (contract OfficeHead)."""
        count = self.spells["head"].n_unique()
        zh, en = names.head_names(self.rng("heads"), count)
        return pl.DataFrame({"head_id": np.char.mod("H%05d", np.arange(1, count + 1)), "name_zh": zh, "name_en": en})

    @cached_property
    def truth(self) -> pl.DataFrame:
        """Hidden quality, one row per estate and quarter (mean over its days).

        ``company_id`` is who was in charge on the quarter's last day (NULL = nobody), ``start`` its first day.
        """
        starts = self.calendar.quarter_starts
        tenure = self.tenure_on
        company = self.spells["company"].to_numpy()[tenure]
        part = np.where(tenure >= 0, self.company_quality[company], NOBODY)
        days = np.add.reduceat(part, starts[:-1], axis=1) / np.diff(starts)
        last = tenure[:, starts[1:] - 1]
        ids = np.where(last >= 0, self.companies["company_id"].to_numpy()[company[:, starts[1:] - 1]], "")
        n, quarters = self.own.shape
        return pl.DataFrame(
            {
                "estate_id": np.repeat(self.of("estate_id"), quarters),
                "period": np.tile(self.calendar.labels, n),
                "start": np.tile(self.calendar.dates(starts[:-1]), n).astype("datetime64[D]"),
                "company_id": ids.ravel(),
                "company_quality": days.ravel(),
                "quality": (self.own + days).ravel(),
            }
        ).with_columns(pl.col("start").cast(pl.Date), pl.when(pl.col("company_id") != "").then("company_id"))


def _own(rng: np.random.Generator, classes: np.ndarray, quarters: int) -> np.ndarray:
    """Class level plus the estate's own AR(1), stationary from the first quarter on."""
    own = np.empty((classes.size, quarters))
    own[:, 0] = rng.normal(0, OWN_SPREAD, classes.size)
    for t in range(1, quarters):
        shock = rng.normal(0, OWN_SPREAD * np.sqrt(1 - PERSISTENCE**2), classes.size)
        own[:, t] = PERSISTENCE * own[:, t - 1] + shock
    return own + np.array([CLASS_QUALITY[c] for c in classes])[:, None]


def draw(
    *, seed: int = 2016, estates: int = 1200, companies: int = 563, first_quarter: str = FIRST_QUARTER,
    quarters: int = QUARTERS,
) -> District:  # fmt: skip
    """Draw registers and hidden quality; the same arguments give the same district."""
    calendar = Calendar(first_quarter, quarters)

    def rng(name: str) -> np.random.Generator:
        return np.random.default_rng([seed, *name.encode()])

    codes = names.credit_codes(companies)
    zh, en = names.company_names(rng("companies"), companies)
    quality = rng("company quality").normal(0, COMPANY_SPREAD, companies)
    register = registers.estates(rng("estates"), calendar, estates)
    return District(
        seed=seed,
        calendar=calendar,
        size=estates,
        areas=registers.areas(),
        companies=pl.DataFrame({"company_id": codes, "name_zh": zh, "name_en": en}),
        estates=register,
        spells=registers.tenures(rng("tenures"), calendar, register, quality),
        own=_own(rng("own quality"), register["estate_class"].head(estates).to_numpy(), quarters),
        company_quality=quality,
    )


def people(district: District) -> list[dict]:
    """One demo sign-in per role, and a second supervisor (some decisions need two people); the manager's company runs several estates, one of them taken over lately."""
    current = district.tenures.filter(pl.col("valid_to").is_null())
    spells = district.tenures.group_by("estate_id", "company_id").agg(since=pl.col("valid_from").min())
    lately = district.calendar.date(district.calendar.size - 900)
    took_over = spells.filter(pl.col("since") > lately).join(current, on=["estate_id", "company_id"], how="semi")
    sizes = current.group_by("company_id").agg(n=pl.col("estate_id").n_unique())
    able = sizes.join(took_over, on="company_id", how="semi")
    company = able.sort((pl.col("n") - 6).abs(), "company_id")["company_id"].first()
    first = district.estates.head(district.size)
    at = first.join(current.filter(pl.col("company_id") == company), on="estate_id")
    station = at.group_by("station_id").len().sort("len", "station_id", descending=[True, False])["station_id"].first()
    subdistrict = district.areas.filter(pl.col("area_id") == station)["parent_id"].first()
    rows = [
        ("demo-supervisor", "区级督导 示一", "District supervisor (demo)", "supervisor", None, None),
        ("demo-supervisor-2", "区级督导 示六", "Second district supervisor (demo)", "supervisor", None, None),
        ("demo-subdistrict", "街道专员 示二", "Sub-district officer (demo)", "subdistrict", subdistrict, None),
        ("demo-station", "派出所民警 示三", "Station officer (demo)", "station", station, None),
        ("demo-manager", "物业经理 示四", "Property manager (demo)", "manager", None, company),
        ("demo-steward", "数据专员 示五", "Data steward (demo)", "steward", None, None),
    ]
    keys = ("account_id", "name_zh", "name_en", "role", "area_id", "company_id")
    return [dict(zip(keys, row, strict=True)) for row in rows]
