"""The invented district's registers and its hidden quality."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

FIRST, QUARTERS = date(2021, 10, 1), 20  # 2021Q4 to 2026Q3
LAST = date(2026, 9, 30)
FOUNDED = date(2018, 1, 1)  # the register's first day
SUBDISTRICTS = (
    ("晴川", "Qingchuan"), ("松涛", "Songtao"), ("碧岩", "Biyan"), ("朝露", "Zhaolu"), ("锦溪", "Jinxi"),
    ("鹤鸣", "Heming"), ("望舒", "Wangshu"), ("云麓", "Yunlu"), ("星渚", "Xingzhu"), ("栖霞坪", "Qixiaping"),
)  # fmt: skip
NUMBERS = (("一", "First"), ("二", "Second"), ("三", "Third"))
FIRST_WORDS = (("青", "Qing"), ("明", "Ming"), ("嘉", "Jia"), ("瑞", "Rui"), ("安", "An"), ("景", "Jing"), ("和", "He"),
               ("锦", "Jin"), ("云", "Yun"), ("悦", "Yue"), ("金", "Jin"), ("碧", "Bi"), ("朗", "Lang"), ("辰", "Chen"),
               ("翠", "Cui"), ("兰", "Lan"), ("沐", "Mu"), ("晨", "Chen"), ("逸", "Yi"), ("远", "Yuan"))  # fmt: skip
SECOND_WORDS = (("禾", "he"), ("岚", "lan"), ("屿", "yu"), ("舟", "zhou"), ("泽", "ze"), ("庭", "ting"), ("柏", "bai"),
                ("桐", "tong"), ("溪", "xi"), ("川", "chuan"), ("澜", "lan"), ("樾", "yue"), ("苑", "yuan"), ("麓", "lu"),
                ("汀", "ting"), ("谷", "gu"), ("林", "lin"), ("洲", "zhou"), ("堂", "tang"), ("邑", "yi"))  # fmt: skip
KINDS = {"HR": ("花园", "Gardens"), "SH": ("中心", "Towers"), "MR": ("家园", "Court"), "OD": ("旧里", "Old Lanes"),
         "UV": ("村", "Village"), "MX": ("公寓", "Apartments"), "NP": ("院", "Yard")}  # fmt: skip
CLASSES = ("HR", "SH", "MR", "OD", "UV", "MX", "NP")
SHARES = (0.38, 0.06, 0.22, 0.16, 0.09, 0.07, 0.02)
CLASS_QUALITY = {"HR": 0.15, "SH": 0.3, "MR": 0.05, "OD": -0.25, "UV": -0.3, "MX": 0.0, "NP": -0.6}
SURNAMES = ("言", "风", "云", "乐", "青", "墨", "禾", "舟", "岳", "朗")  # rare or invented on purpose
GIVEN = ("示一", "示二", "示三", "示安", "示宁", "示和", "示远", "示明", "示文", "示齐", "示川", "示岚")
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z
WEIGHTS = np.array([pow(3, i, 31) for i in range(17)])


@dataclass(frozen=True)
class District:
    """Registers in contract columns, and ``truth``: one row per estate and quarter with its hidden quality."""

    seed: int
    areas: pl.DataFrame
    companies: pl.DataFrame
    office_heads: pl.DataFrame
    estates: pl.DataFrame
    tenures: pl.DataFrame
    truth: pl.DataFrame

    def rng(self, name: str) -> np.random.Generator:
        """A generator of its own for each table, so that one table's change moves no other."""
        return np.random.default_rng([self.seed, *name.encode()])


def quarter_starts(quarters: int = QUARTERS) -> list[date]:
    """First days of the quarters, oldest first; the last quarter ends on LAST."""
    index = [LAST.year * 4 + (LAST.month - 1) // 3 - i for i in range(quarters - 1, -1, -1)]
    return [date(i // 4, 3 * (i % 4) + 1, 1) for i in index]


def credit_codes(count: int) -> list[str]:
    """Unified social credit codes of the right shape and check digit, on a division code that does not exist."""
    bodies = [f"91999999MA{i:07d}" for i in range(1, count + 1)]
    values = np.array([[ALPHABET.index(c) for c in body] for body in bodies])
    checks = (31 - values @ WEIGHTS % 31) % 31
    return [body + ALPHABET[c] for body, c in zip(bodies, checks, strict=True)]


def _names(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct-looking two-character names, Chinese and pinyin, with a number where the pool runs out."""
    zh = np.array([a[0] + b[0] for a in FIRST_WORDS for b in SECOND_WORDS])
    en = np.array([a[1] + b[1] for a in FIRST_WORDS for b in SECOND_WORDS])
    order = np.concatenate([rng.permutation(zh.size) for _ in range(-(-count // zh.size))])[:count]
    round_ = np.arange(count) // zh.size
    suffix_zh = np.array(["", "二期", "三期", "四期", "五期", "六期"])[np.minimum(round_, 5)]
    suffix_en = np.array(["", " II", " III", " IV", " V", " VI"])[np.minimum(round_, 5)]
    return np.char.add(zh[order], suffix_zh), np.char.add(en[order], suffix_en)


def _areas() -> pl.DataFrame:
    rows = []
    for i, (zh, en) in enumerate(SUBDISTRICTS, 1):
        rows.append((f"SD{i:02d}", "subdistrict", f"{zh}街道", f"{en} Sub-district", None))
        rows += [
            (f"PS{i:02d}{j}", "station", f"{zh}{n}派出所", f"{en} {m} Station", f"SD{i:02d}")
            for j, (n, m) in enumerate(NUMBERS[: 2 + i % 2], 1)
        ]
    return pl.DataFrame(rows, schema=["area_id", "kind", "name_zh", "name_en", "parent_id"], orient="row")


def _estates(rng: np.random.Generator, count: int) -> pl.DataFrame:
    classes = rng.choice(CLASSES, count, p=SHARES)
    classes[: len(CLASSES)] = CLASSES  # every class in the smallest district
    homes = np.clip(np.exp(rng.normal(np.log(600), 0.85, count)), 40, 6000).astype(int)
    tiny = rng.random(count) < 0.05
    tiny[7:9] = True
    homes = np.where(tiny, rng.integers(8, 41, count), homes)
    tall = np.isin(classes, ["HR", "SH", "MX"])
    blocks = np.maximum(1, homes // rng.integers(80, 240, count))
    height = np.where(classes == "SH", rng.integers(102, 180, count), np.where(tall, rng.integers(30, 99, count),
                      rng.integers(12, 26, count)))  # fmt: skip
    sub = rng.integers(1, len(SUBDISTRICTS) + 1, count)
    station = rng.integers(1, 3, count)
    zh, en = _names(rng, count)
    kind_zh = np.array([KINDS[c][0] for c in classes])
    kind_en = np.array([KINDS[c][1] for c in classes])
    rental = np.round(np.clip(np.where(classes == "UV", 0.75, 0.3) + rng.normal(0, 0.1, count), 0.02, 0.95), 2)
    big = homes > 1200
    return pl.DataFrame(
        {
            "estate_id": [f"E{i:05d}" for i in range(1, count + 1)],
            "valid_from": [FOUNDED] * count,
            "valid_to": pl.Series([None] * count, dtype=pl.Date),
            "name_zh": np.char.add(zh, kind_zh),
            "name_en": np.char.add(np.char.add(en, " "), kind_en),
            "estate_class": classes,
            "subdistrict_id": np.char.mod("SD%02d", sub),
            "station_id": np.char.add(np.char.mod("PS%02d", sub), np.char.mod("%d", station)),
            "households": homes,
            "residents": (homes * rng.uniform(1.9, 3.2, count)).astype(int),
            "blocks": blocks,
            "highrise_blocks": np.where(tall, blocks, 0),
            "max_height_m": height.astype(float),
            "built_year": np.where(classes == "OD", rng.integers(1982, 1999, count), rng.integers(1999, 2019, count)),
            "rental_share": rental,
            "has_control_room": tall,
            "key_fire_unit": (classes == "SH") | (big & (rng.random(count) < 0.4)),
            "has_automatic_systems": tall,
            "gated": ~np.isin(classes, ["OD", "NP"]),
            "longitude": np.round(200.0 / 1000 + rng.normal(0, 0.03, count), 5),  # an ocean grid: nowhere near a city
            "latitude": np.round(rng.normal(0, 0.03, count), 5),
        }
    ).with_columns(pl.col(pl.Int32).cast(pl.Int64))


def _tenures(rng: np.random.Generator, estates: pl.DataFrame, codes: list[str], starts: list[date]) -> pl.DataFrame:
    """Company spells with changes in mid-quarter (3 % a quarter), changes of head (4 %), some unmanaged gaps."""
    managed = estates.filter(pl.col("estate_class") != "NP")
    n, quarters, m = managed.height, len(starts), len(codes)
    size = rng.dirichlet(np.full(m, 0.6))
    company = rng.choice(m, n, p=size)
    company[: min(m, n)] = rng.permutation(m)[: min(m, n)] if n >= m else company[: min(m, n)]
    moves, heads = rng.random((n, quarters)) < 0.03, rng.random((n, quarters)) < 0.04
    moves[2, quarters // 2] = heads[3, quarters // 2] = True
    estate_i, quarter_i = np.nonzero(moves | heads)
    is_move = moves[estate_i, quarter_i]
    offset = rng.integers(5, 85, estate_i.size)
    day0 = np.array(starts, dtype="datetime64[D]")
    estate_all = np.concatenate([np.arange(n), estate_i])
    day_all = np.concatenate([np.full(n, np.datetime64(FOUNDED)), day0[quarter_i] + offset])
    company_all = np.concatenate([company, np.where(is_move, rng.choice(m, estate_i.size, p=size), -1)])
    gap_all = np.concatenate([np.zeros(n, int), np.where(is_move & (rng.random(estate_i.size) < 0.2),
                                                         rng.integers(15, 70, estate_i.size), 0)])  # fmt: skip
    ids = managed.get_column("estate_id").to_numpy()
    rows = pl.DataFrame({"estate_id": ids[estate_all], "day": day_all, "company": company_all, "gap": gap_all})
    rows = rows.sort("estate_id", "day").with_columns(
        company=pl.when(pl.col("company") >= 0).then("company").forward_fill().over("estate_id")
    )
    rows = rows.with_columns(
        valid_from=pl.col("day").cast(pl.Date) + pl.duration(days=pl.col("gap")),
        valid_to=pl.col("day").cast(pl.Date).shift(-1).over("estate_id"),
    ).filter((pl.col("valid_to") > pl.col("valid_from")).fill_null(True))
    return rows.with_row_index("i").select(
        tenure_id=pl.format("T{}", (pl.col("i") + 1).cast(pl.String).str.zfill(5)),
        estate_id="estate_id",
        company_id=pl.col("company").replace_strict(dict(enumerate(codes)), return_dtype=pl.String),
        head_id=pl.format("H{}", (pl.col("i") + 1).cast(pl.String).str.zfill(5)),
        valid_from="valid_from",
        valid_to="valid_to",
    )


def _quality(rng: np.random.Generator, estates: pl.DataFrame, tenures: pl.DataFrame, codes: list[str], starts) -> pl.DataFrame:
    """Hidden quality per estate and quarter: class + company in charge + the estate's own AR(1)."""
    n, quarters = estates.height, len(starts)
    company = dict(zip(codes, rng.normal(0, 0.55, len(codes)), strict=True))
    own = np.empty((n, quarters))
    own[:, 0] = rng.normal(0, 0.6, n)
    for t in range(1, quarters):
        own[:, t] = 0.95 * own[:, t - 1] + rng.normal(0, 0.6 * np.sqrt(1 - 0.95**2), n)
    base = np.array([CLASS_QUALITY[c] for c in estates.get_column("estate_class")])
    grid = pl.DataFrame(
        {
            "estate_id": np.repeat(estates.get_column("estate_id").to_numpy(), quarters),
            "start": np.tile(np.array(starts, dtype="datetime64[D]"), n),
            "own": (own + base[:, None]).ravel(),
        }
    ).with_columns(pl.col("start").cast(pl.Date))
    middle = grid.with_columns(middle=pl.col("start") + pl.duration(days=45)).sort("middle")
    held = middle.join_asof(
        tenures.sort("valid_from"), left_on="middle", right_on="valid_from", by="estate_id", check_sortedness=False
    )
    inside = (pl.col("middle") < pl.col("valid_to")).fill_null(True) & pl.col("tenure_id").is_not_null()
    return held.with_columns(company_id=pl.when(inside).then("company_id")).select(
        "estate_id",
        "start",
        "company_id",
        company_quality=pl.col("company_id").replace_strict(company, default=0.0, return_dtype=pl.Float64),
        quality=pl.col("own") + pl.col("company_id").replace_strict(company, default=-0.3, return_dtype=pl.Float64),
    ).sort("estate_id", "start")  # fmt: skip


def draw(*, seed: int = 2016, estates: int = 1200, companies: int = 563, quarters: int = QUARTERS) -> District:
    """Draw the registers and the hidden quality; the same arguments give the same district."""
    rng = np.random.default_rng(seed)
    codes = credit_codes(companies)
    zh, en = _names(rng, companies)
    starts = quarter_starts(quarters)
    register = _estates(rng, estates)
    tenures = _tenures(rng, register, codes, starts)
    heads = tenures.height
    surname, given = rng.integers(0, len(SURNAMES), heads), rng.integers(0, len(GIVEN), heads)
    return District(
        seed=seed,
        areas=_areas(),
        companies=pl.DataFrame(
            {
                "company_id": codes,
                "name_zh": np.char.add(np.char.add("示例", zh), "物业服务有限公司"),
                "name_en": np.char.add(np.char.add("Demo ", en), " Property Services"),
            }
        ),
        office_heads=pl.DataFrame(
            {
                "head_id": tenures.get_column("head_id"),
                "name_zh": np.char.add(np.array(SURNAMES)[surname], np.array(GIVEN)[given]),
                "name_en": [f"Demo Head {i}" for i in range(1, heads + 1)],
            }
        ),
        estates=register,
        tenures=tenures,
        truth=_quality(rng, register, tenures, codes, starts),
    )


def people(district: District) -> list[dict]:
    """One demo sign-in per role, chosen from the district: the manager's company runs several estates, one taken over."""
    current = district.tenures.filter(pl.col("valid_to").is_null())
    taken_over = current.filter(pl.col("valid_from") > LAST - timedelta(days=900)).select("company_id").unique()
    sizes = current.group_by("company_id").agg(n=pl.col("estate_id").n_unique()).join(taken_over, on="company_id", how="semi")
    company = sizes.sort((pl.col("n") - 6).abs(), "company_id").item(0, "company_id")
    station = district.estates.group_by("station_id").len().sort("len", "station_id", descending=True).item(0, "station_id")
    subdistrict = district.areas.filter(pl.col("area_id") == station).item(0, "parent_id")
    rows = [
        ("demo-supervisor", "区级督导 示一", "District supervisor (demo)", "supervisor", None, None),
        ("demo-subdistrict", "街道专员 示二", "Sub-district officer (demo)", "subdistrict", subdistrict, None),
        ("demo-station", "派出所民警 示三", "Station officer (demo)", "station", station, None),
        ("demo-manager", "物业经理 示安", "Property manager (demo)", "manager", None, company),
        ("demo-steward", "数据专员 示宁", "Data steward (demo)", "steward", None, None),
    ]
    keys = ("account_id", "name_zh", "name_en", "role", "area_id", "company_id")
    return [dict(zip(keys, row, strict=True)) for row in rows]
