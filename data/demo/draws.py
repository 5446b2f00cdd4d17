"""Small tools of the demo's random draws: whole tables at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from data.demo.district import LAST, District


@dataclass(frozen=True)
class Ground:
    """One row per estate and quarter, as arrays: what every event is drawn on."""

    estate_id: np.ndarray
    start: np.ndarray  # datetime64[D]
    quality: np.ndarray
    homes: np.ndarray
    residents: np.ndarray
    estate_class: np.ndarray
    managed: np.ndarray
    highrise_blocks: np.ndarray
    key_unit: np.ndarray
    subdistrict_id: np.ndarray

    def take(self, index: np.ndarray) -> Ground:
        return Ground(*[getattr(self, f)[index] for f in self.__dataclass_fields__])

    @property
    def size(self) -> int:
        return self.estate_id.size


def ground(district: District) -> Ground:
    """Join truth and register."""
    rows = district.truth.join(
        district.estates.select(
            "estate_id", "households", "residents", "estate_class", "highrise_blocks", "key_fire_unit", "subdistrict_id"
        ),
        on="estate_id",
    ).sort("estate_id", "start")
    return Ground(
        rows["estate_id"].to_numpy(),
        rows["start"].to_numpy().astype("datetime64[D]"),
        rows["quality"].to_numpy(),
        rows["households"].to_numpy(),
        rows["residents"].to_numpy(),
        rows["estate_class"].to_numpy(),
        rows["company_id"].is_not_null().to_numpy(),
        rows["highrise_blocks"].to_numpy(),
        rows["key_fire_unit"].to_numpy(),
        rows["subdistrict_id"].to_numpy(),
    )


def chance(base: float, slope: float, quality: np.ndarray) -> np.ndarray:
    """Probability that grows (slope > 0) with quality, ``base`` at quality 0."""
    return 1 / (1 + np.exp(-(np.log(base / (1 - base)) + slope * quality)))


def repeat(g: Ground, counts: np.ndarray) -> Ground:
    """Each row ``counts`` times: the ground of the events drawn."""
    return g.take(np.repeat(np.arange(g.size), counts))


def some_day(rng: np.random.Generator, g: Ground) -> np.ndarray:
    """A day inside each row's quarter."""
    return g.start + rng.integers(0, 90, g.size)


def recorded(rng: np.random.Generator, day: np.ndarray) -> np.ndarray:
    """Entered within two days mostly, days or weeks later sometimes."""
    late = rng.random(day.size) < 0.06
    return day + np.where(late, rng.integers(4, 40, day.size), rng.integers(0, 3, day.size))


def known(days: np.ndarray, last: date = LAST) -> pl.Series:
    """Days up to the last delivered one; later ones are not known yet (NULL)."""
    series = pl.Series(days.astype("datetime64[D]")).cast(pl.Date)
    return pl.select(pl.when(series <= last).then(series)).to_series()


def ids(prefix: str, count: int) -> np.ndarray:
    return np.char.add(prefix, np.char.zfill(np.arange(1, count + 1).astype(str), 7))


def pick(rng: np.random.Generator, weights: dict[str, float], count: int) -> np.ndarray:
    """Draw codes by weight."""
    p = np.array(list(weights.values()), float)
    return rng.choice(list(weights), count, p=p / p.sum())


def maybe(rng: np.random.Generator, share: float | np.ndarray, count: int) -> np.ndarray:
    return rng.random(count) < share


def moment(rng: np.random.Generator, day: np.ndarray) -> pl.Series:
    """A moment of that local day between 7:00 and 22:00, in UTC (the district's zone is UTC+8)."""
    minutes = rng.integers(7 * 60, 22 * 60, day.size)
    local = day.astype("datetime64[m]") + minutes
    return pl.Series((local - np.timedelta64(8, "h")).astype("datetime64[us]")).dt.replace_time_zone("UTC")


def months_missing(rng: np.random.Generator, frame: pl.DataFrame, day: str, subdistrict: np.ndarray, months: int) -> pl.DataFrame:
    """Drop one sub-district's rows of a few months: deliveries that never came."""
    where = str(rng.choice(np.unique(subdistrict)))
    first = LAST - timedelta(days=int(rng.integers(200, 500)))
    gone = pl.Series(subdistrict == where) & frame[day].is_between(first, first + timedelta(days=30 * months))
    return frame.filter(~gone)


def only(mask: np.ndarray, values: np.ndarray) -> pl.Series:
    """The values where ``mask`` holds, NULL elsewhere."""
    return pl.select(pl.when(pl.Series(mask)).then(pl.Series(values))).to_series()
