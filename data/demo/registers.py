"""The invented registers: areas, estates, and who managed which estate from when to when."""

from __future__ import annotations

import numpy as np
import polars as pl

from data.demo.calendar import Calendar
from data.demo.names import NUMBERS, SUBDISTRICTS, addresses, estate_names

CLASSES = ("HR", "SH", "MR", "OD", "UV", "MX", "NP")
SHARES = (0.38, 0.06, 0.22, 0.15, 0.09, 0.07, 0.03)
#: Per class: median homes, homes a block, share of homes let.
MEDIAN_HOMES = (800, 450, 420, 330, 800, 360, 90)
BLOCK_HOMES = (160, 240, 42, 36, 12, 190, 28)
RENTAL = (0.22, 0.30, 0.20, 0.30, 0.78, 0.65, 0.30)
#: Metres: the lowest and highest building of a class (27 and 100 m are the law's limits).
HEIGHTS = ((28, 99), (101, 220), (9, 26), (12, 24), (14, 26), (12, 24), (9, 21))
BUILT = ((2000, 2021), (2008, 2022), (1998, 2016), (1981, 1999), (1988, 2010), (2001, 2020), (1979, 1998))
GATED = (0.97, 1.0, 1.0, 0.25, 0.40, 0.80, 0.0)
#: Shares of estates, and how many at least in the smallest district.
TINY, REVISED, NEW = (0.05, 3), (0.02, 1), (0.015, 1)
MOVES, HEAD_CHANGES, GAPS, VACANT = (0.03, 3), (0.045, 3), (0.12, 1), (0.008, 1)
SHARED_HEADS = 0.08
REGISTER_FROM, LATEST_TAKEOVER = -1369, -60  # day numbers: the register begins long before the records do


def areas() -> pl.DataFrame:
    """Ten sub-districts with two or three police stations each."""
    rows: list[tuple[str, str, str, str, str | None]] = []
    for i, (zh, en) in enumerate(SUBDISTRICTS, 1):
        rows.append((f"SD{i:02d}", "subdistrict", f"{zh}街道", f"{en} Sub-district", None))
        rows += [
            (f"PS{i:02d}{j}", "station", f"{zh}{n}派出所", f"{en} {m} Police Station", f"SD{i:02d}")
            for j, (n, m) in enumerate(NUMBERS[: 2 + i % 2], 1)
        ]
    return pl.DataFrame(rows, schema=["area_id", "kind", "name_zh", "name_en", "parent_id"], orient="row")


def quota(share: tuple[float, int], count: int) -> int:
    """How many of ``count``: the share, at least the number named, at most all."""
    return min(count, max(share[1], round(share[0] * count)))


def some(rng: np.random.Generator, among: np.ndarray, share: tuple[float, int]) -> np.ndarray:
    """Indexes drawn from a mask, as many as ``quota`` of it says."""
    pool = np.flatnonzero(among)
    return rng.choice(pool, quota(share, pool.size), replace=False)


def _classes(rng: np.random.Generator, count: int) -> np.ndarray:
    """A class number for each estate, by the shares; none is missing in the smallest district."""
    counts = np.maximum(2 if count >= 30 else 1, np.round(np.array(SHARES) * count).astype(int))
    counts[0] += count - counts.sum()
    return rng.permutation(np.repeat(np.arange(len(CLASSES)), counts))


def _built(rng: np.random.Generator, kind: np.ndarray) -> dict[str, np.ndarray]:
    """Homes, blocks, heights and equipment of estates of these classes."""
    n = kind.size

    def of(table) -> np.ndarray:
        return np.array(table)[kind]

    homes = np.clip(np.exp(rng.normal(np.log(of(MEDIAN_HOMES)), 0.65)), 45, 6000).astype(int)
    tiny = some(rng, np.isin(kind, [2, 3, 5, 6]), TINY)
    homes[tiny] = rng.integers(8, 41, tiny.size)
    blocks = np.maximum(1, np.round(homes / of(BLOCK_HOMES) * np.exp(rng.normal(0, 0.2, n))).astype(int))
    tall = np.isin(kind, [0, 1]) | ((kind == 5) & (rng.random(n) < 0.6))
    low, high = of(HEIGHTS).T
    height = np.where(tall & (kind == 5), rng.integers(28, 99, n), rng.integers(low, high + 1))
    first, last = of(BUILT).T
    return {
        "households": homes,
        "residents": (homes * np.clip(rng.normal(2.5, 0.3, n), 1.6, 3.4)).astype(int),
        "blocks": blocks,
        "highrise_blocks": np.where(tall, np.maximum(1, np.round(blocks * rng.uniform(0.7, 1, n))), 0).astype(int),
        "max_height_m": np.round(height + rng.integers(0, 10, n) / 10, 1),
        "built_year": rng.integers(first, last),
        "rental_share": np.round(np.clip(rng.normal(of(RENTAL), 0.08), 0.02, 0.97), 2),
        "has_control_room": tall & ((kind == 1) | (rng.random(n) < 0.95)),
        "key_fire_unit": rng.random(n)
        < np.select([kind == 1, tall & (kind == 5), homes > 1500], [0.6, 0.35, 0.3], 0.0),
        "has_automatic_systems": tall,
        "gated": rng.random(n) < of(GATED),
    }


def estates(rng: np.random.Generator, calendar: Calendar, count: int) -> pl.DataFrame:
    """The estate register: one row per validity period, first periods first, in order of estates."""
    kind = _classes(rng, count)
    names = estate_names(rng, np.array(CLASSES)[kind])
    sub = rng.permutation(np.arange(count) % len(SUBDISTRICTS))
    station = 1 + (rng.random(count) * (2 + (sub + 1) % 2)).astype(int)
    opened = np.full(count, REGISTER_FROM)
    late = some(rng, np.isin(kind, [0, 2]), NEW)
    opened[late] = rng.integers(1, calendar.quarter_starts[calendar.quarters // 2], late.size)
    frame = pl.DataFrame(
        {
            "estate_id": np.char.mod("E%05d", np.arange(1, count + 1)),
            "valid_from": calendar.series(opened),
            "valid_to": calendar.series(opened, np.zeros(count, bool)),
            "name_zh": names[0],
            "name_en": names[1],
            "address": addresses(rng, sub),
            "estate_class": np.array(CLASSES)[kind],
            "subdistrict_id": np.char.mod("SD%02d", sub + 1),
            "station_id": np.char.add(np.char.mod("PS%02d", sub + 1), station.astype(str)),
            **_built(rng, kind),
            # a grid in the open ocean, nowhere near a city
            "longitude": np.round(0.2 + 0.04 * (sub % 5) + rng.normal(0, 0.008, count), 5),
            "latitude": np.round(0.05 * (sub // 5) + rng.normal(0, 0.01, count), 5),
        }
    )
    return _counted_again(rng, calendar, frame)


def _counted_again(rng: np.random.Generator, calendar: Calendar, frame: pl.DataFrame) -> pl.DataFrame:
    """A second validity period for a few estates, after a census found more or fewer homes."""
    chosen = some(rng, (frame["valid_from"] < calendar.date(0)).to_numpy(), REVISED)
    day = calendar.series(rng.integers(calendar.size // 4, 3 * calendar.size // 4, chosen.size))
    grown = pl.Series(rng.uniform(0.9, 1.2, chosen.size))
    again = frame[chosen].with_columns(
        valid_from=day,
        households=pl.max_horizontal(1, (pl.col("households") * grown).cast(pl.Int64)),
        residents=(pl.col("residents") * grown).cast(pl.Int64),
    )
    closed = frame.join(
        again.select("estate_id", ends="valid_from"), on="estate_id", how="left", maintain_order="left"
    ).with_columns(valid_to=pl.coalesce("ends", "valid_to"))
    return pl.concat([closed.drop("ends"), again])


def _changes(rng: np.random.Generator, calendar: Calendar, count: int, leaving: np.ndarray) -> pl.DataFrame:
    """Days on which an estate's company or head changed, anywhere in the quarter; ``leaving`` makes a move likelier."""
    cells = count * calendar.quarters
    weight = np.repeat(leaving, calendar.quarters)
    moves = rng.choice(cells, quota(MOVES, cells), replace=False, p=weight / weight.sum())
    heads = rng.choice(cells, quota(HEAD_CHANGES, cells), replace=False)
    gone = some(rng, np.ones(count, bool), VACANT)  # left without a successor just before the last day
    cell = np.concatenate([moves, heads])
    start = calendar.quarter_starts[cell % calendar.quarters]
    days = np.concatenate([start + rng.integers(3, 88, cell.size), calendar.size - rng.integers(5, 60, gone.size)])
    gap = np.zeros(cell.size + gone.size, int)
    without = some(rng, np.arange(moves.size) >= 0, GAPS)
    gap[without] = rng.integers(20, 150, without.size)
    gap[cell.size :] = 10_000
    rows = pl.DataFrame(
        {
            "estate": np.concatenate([cell // calendar.quarters, gone]),
            "day": days,
            "gap": gap,
            "move": np.arange(days.size) < moves.size,
        }
    )
    return rows.with_columns(pl.col("move") | (pl.col("gap") > 0)).remove(_after(gone, calendar.size - 62))


def _after(estates: np.ndarray, day: int) -> pl.Expr:
    """Other changes at these estates after ``day``, which must not undo the last one."""
    return pl.col("estate").is_in(estates.tolist()) & (pl.col("day") > day) & (pl.col("gap") < 10_000)


def _first_companies(rng: np.random.Generator, size: np.ndarray, count: int) -> np.ndarray:
    """Every company gets an estate while there are enough; the rest go by size."""
    m = size.size
    rest = rng.choice(m, max(0, count - m), p=size)
    return rng.permutation(np.concatenate([rng.permutation(m)[:count], rest]))


def tenures(
    rng: np.random.Generator, calendar: Calendar, estates: pl.DataFrame, company_quality: np.ndarray
) -> pl.DataFrame:
    """One row per company and head at an estate: ``estate`` and ``company`` numbers, ``head``, ``since``, ``until``.

    Day numbers; an open end is NULL. Estates of class NP have none; others may have gaps.
    """
    open_ = estates.unique("estate_id", keep="first", maintain_order=True)
    ids = np.flatnonzero((open_["estate_class"] != "NP").to_numpy())
    opened = (open_["valid_from"].to_numpy() - calendar.first).astype(int)[ids]
    size = np.exp(rng.normal(0, 1.1, company_quality.size) + 0.2 * company_quality)
    size /= size.sum()
    company = _first_companies(rng, size, ids.size)
    since = np.where(opened > 0, opened, rng.integers(REGISTER_FROM, LATEST_TAKEOVER, ids.size))
    changes = _changes(rng, calendar, ids.size, np.exp(-0.5 * company_quality[company]))
    n = changes.height
    rows = pl.concat(
        [
            pl.DataFrame({"estate": np.arange(ids.size), "day": since, "gap": 0, "company": company}),
            changes.with_columns(
                company=pl.when("move").then(pl.Series(rng.choice(size.size, n, p=size)))
            ).drop("move"),
        ],
        how="vertical_relaxed",
    )  # fmt: skip
    rows = rows.join(pl.DataFrame({"estate": np.arange(ids.size), "opens": since}), on="estate")
    rows = rows.filter(pl.col("day") >= pl.col("opens")).sort("estate", "day", maintain_order=True)
    rows = rows.with_columns(
        company=pl.col("company").forward_fill().over("estate"), until=pl.col("day").shift(-1).over("estate"),
        since=pl.col("day") + pl.col("gap"),
    )  # fmt: skip
    rows = rows.filter(pl.col("since") < pl.col("until").fill_null(calendar.size))
    return _headed(rng, rows.with_columns(estate=pl.Series(ids).gather(rows["estate"])))


def _headed(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    """Number the heads; a few run two estates of their company at once."""
    head = pl.int_range(pl.len())
    shares = pl.Series(rng.random(rows.height) < SHARED_HEADS)
    by_company = rows.with_row_index("at").with_columns(head=head, shares=shares).sort("company", "since", "at")
    neighbour = pl.col("head").shift(1).over("company")
    numbered = by_company.with_columns(
        head=pl.when("shares").then(pl.coalesce(neighbour, "head")).otherwise("head")
    ).sort("at")
    rank = numbered["head"].rank("dense").cast(pl.Int64) - 1
    return numbered.select("estate", "company", "since", "until", head=rank)
