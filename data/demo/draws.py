"""Small tools of the demo's random draws: whole tables at a time, days as numbers of the district's calendar."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from data.contracts import TABLES
from data.demo.district import District

NEVER = 10**6  # a day number that no delivery reaches
ZONE_HOURS = 8  # the district's clock runs ahead of UTC


def chance(median: float | np.ndarray, slope: float, level: np.ndarray) -> np.ndarray:
    """Probability ``median`` at level 0, rising (slope > 0) with the level, in logits."""
    return 1 / (1 + np.exp(-(np.log(median / (1 - np.asarray(median))) + slope * level)))


def pick(rng: np.random.Generator, weights: Mapping[str, float], count: int) -> np.ndarray:
    """Codes drawn by weight."""
    share = np.cumsum(list(weights.values()))
    return np.array(list(weights))[np.searchsorted(share / share[-1], rng.random(count), side="right")]


def each(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    """Column number drawn for each row of a matrix of weights."""
    share = np.cumsum(weights, axis=1)
    return (share / share[:, -1:] < rng.random((len(weights), 1))).sum(axis=1)


def maybe(rng: np.random.Generator, share: float | np.ndarray, count: int) -> np.ndarray:
    return rng.random(count) < share


def grid(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column numbers of every cell, as two matrices."""
    cells = np.indices((rows, columns))
    return cells[0], cells[1]


def where(mask: np.ndarray, values: np.ndarray) -> pl.Series:
    """The values where ``mask`` holds, NULL elsewhere."""
    return pl.select(pl.when(pl.Series(mask)).then(pl.Series(values))).to_series()


def ids(prefix: str, count: int) -> np.ndarray:
    """``JC0000001``, ``JC0000002``, ..."""
    return np.char.add(prefix, np.char.mod("%07d", np.arange(1, count + 1)))


def hashes(values: np.ndarray) -> np.ndarray:
    """Sixteen hexadecimal signs for each number (splitmix64: no two numbers share one)."""
    z = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    text = z.astype(">u8").tobytes().hex().encode()
    return np.frombuffer(text, dtype="S16").astype("U16")


def moments(district: District, day: np.ndarray, minute: np.ndarray) -> pl.Series:
    """Minutes (fractions allowed) of local days as moments in UTC."""
    local = district.calendar.dates(day).astype("datetime64[us]") + (np.asarray(minute) * 60e6).astype(
        "timedelta64[us]"
    )
    return pl.Series(local - np.timedelta64(ZONE_HOURS, "h")).dt.replace_time_zone("UTC")


def entered(rng: np.random.Generator, district: District, estate: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The day a record was entered: within three days mostly; offices differ in how often it takes weeks."""
    in_time = maybe(rng, chance(0.94, 0.6, district.level("paperwork", estate, day)), day.size)
    return day + np.where(in_time, rng.integers(0, 4, day.size), 4 + rng.geometric(0.09, day.size))


def scattered(
    rng: np.random.Generator, district: District, expected: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Estate and day numbers of events, Poisson with ``expected`` per estate and period.

    Args:
        expected: estates x periods.
        starts: first days of the periods, the end included.
    """
    counts = rng.poisson(expected)
    estate, period = (np.repeat(i.ravel(), counts.ravel()) for i in grid(*counts.shape))
    day = starts[period] + (rng.random(period.size) * np.diff(starts)[period]).astype(int)
    there = day >= district.opened[estate]
    return estate[there], day[there]


def months(district: District) -> tuple[np.ndarray, np.ndarray]:
    """Estate and middle-day numbers of every estate and month, as two matrices."""
    starts = district.calendar.month_starts
    middle = (starts[:-1] + starts[1:]) // 2
    shape = (district.size, middle.size)
    return np.broadcast_to(np.arange(district.size)[:, None], shape), np.broadcast_to(middle, shape)


def records(table: str, columns: dict) -> pl.DataFrame:
    """A frame in contract order and types; columns whose names start with ``_`` are kept behind for the filing."""
    kinds = TABLES[table].columns
    rows = next(len(v) for v in columns.values() if not isinstance(v, str | int | float | bool))
    made = []
    for name, kind in kinds.items():
        value = columns.get(name)
        if value is None or isinstance(value, str | int | float | bool):
            made.append(pl.Series(name, [value]).cast(kind).new_from_index(0, rows))
        else:
            made.append(pl.Series(name, value).cast(kind))
    made += [pl.Series(name, value) for name, value in columns.items() if name.startswith("_")]
    return pl.DataFrame(made)
