"""Plainly invented names and numbers: nobody and nothing outside the demo bears them.

Sub-districts and stations of no real city; estates called after a colour and a beast; companies that say 示例 (Demo)
in their own name, on credit codes of an administrative division that does not exist; office heads with rare or
invented surnames and a name out of the sixty-year cycle, as if numbered.
"""

from __future__ import annotations

import numpy as np

SUBDISTRICTS = (
    ("晴川", "Qingchuan"), ("松涛", "Songtao"), ("碧岩", "Biyan"), ("朝露", "Zhaolu"), ("锦溪", "Jinxi"),
    ("鹤鸣", "Heming"), ("望舒", "Wangshu"), ("云麓", "Yunlu"), ("星渚", "Xingzhu"), ("栖霞坪", "Qixiaping"),
)  # fmt: skip
NUMBERS = (("一", "First"), ("二", "Second"), ("三", "Third"))
COLOURS = (
    ("银", "Silver"), ("金", "Golden"), ("碧", "Jade"), ("赤", "Crimson"), ("青", "Azure"), ("紫", "Violet"),
    ("玄", "Ebony"), ("橙", "Amber"), ("雪", "Snow"), ("云", "Cloud"), ("星", "Star"), ("月", "Moon"), ("晨", "Dawn"),
    ("暮", "Dusk"), ("风", "Wind"), ("雨", "Rain"), ("雷", "Thunder"), ("霜", "Frost"), ("露", "Dew"), ("纸", "Paper"),
    ("玉", "Jasper"), ("墨", "Ink"), ("铜", "Copper"), ("彩", "Rainbow"), ("绒", "Velvet"), ("瓷", "Porcelain"),
)  # fmt: skip
BEASTS = (
    ("鲸", "Whale"), ("鹿", "Deer"), ("鲤", "Carp"), ("狐", "Fox"), ("鹤", "Crane"), ("兔", "Hare"), ("象", "Elephant"),
    ("豹", "Leopard"), ("鸮", "Owl"), ("蟹", "Crab"), ("龟", "Tortoise"), ("雁", "Goose"), ("鹭", "Heron"),
    ("獭", "Otter"), ("貂", "Marten"), ("蛙", "Frog"), ("蝉", "Cicada"), ("鸽", "Dove"), ("鹰", "Eagle"),
    ("羚", "Antelope"), ("驼", "Camel"), ("獾", "Badger"), ("鳐", "Ray"), ("鲨", "Shark"), ("鲟", "Sturgeon"),
    ("螺", "Conch"), ("贝", "Shell"), ("萤", "Firefly"), ("蝶", "Butterfly"), ("雀", "Sparrow"), ("猫", "Cat"),
    ("犀", "Rhino"),
)  # fmt: skip
THINGS = (
    ("帆", "Sail"), ("舟", "Boat"), ("塔", "Tower"), ("桥", "Bridge"), ("灯", "Lamp"), ("钟", "Bell"), ("犁", "Plough"),
    ("梭", "Shuttle"), ("鼓", "Drum"), ("笛", "Flute"), ("琴", "Zither"), ("伞", "Parasol"), ("扇", "Fan"),
    ("镜", "Mirror"), ("轮", "Wheel"), ("锚", "Anchor"), ("风筝", "Kite"), ("罗盘", "Compass"), ("沙漏", "Hourglass"),
    ("算盘", "Abacus"), ("茶壶", "Teapot"), ("竹篮", "Basket"), ("木屐", "Clog"), ("铃铛", "Chime"),
    ("棋盘", "Chessboard"), ("画轴", "Scroll"), ("火镰", "Flint"), ("水车", "Waterwheel"), ("石磨", "Millstone"),
    ("纺锤", "Spindle"), ("摇椅", "Rocker"), ("信鸽", "Pigeon Post"),
)  # fmt: skip
KINDS = {
    "HR": (("花园", "Gardens"), ("雅苑", "Court"), ("名庭", "Residences"), ("家园", "Homes")),
    "SH": (("天际", "Skyline"), ("中心", "Towers"), ("云阁", "Heights"), ("峰汇", "Summit")),
    "MR": (("小筑", "Lodge"), ("庭院", "Close"), ("里", "Terrace"), ("新居", "New Homes")),
    "OD": (("旧里", "Old Lanes"), ("老街坊", "Old Quarter"), ("大院", "Old Yard"), ("宿舍", "Dormitory Row")),
    "UV": (
        ("围村", "Walled Village"),
        ("坡村", "Slope Village"),
        ("埔村", "Field Village"),
        ("坑村", "Hollow Village"),
    ),
    "MX": (("公寓", "Apartments"), ("广场", "Plaza"), ("商邸", "Arcade Flats"), ("坊", "Works")),
    "NP": (("杂院", "Yard"), ("散楼", "Scattered Blocks"), ("巷", "Alley"), ("坪", "Green")),
}
SURNAMES = (
    ("言", "Yan"), ("风", "Feng"), ("乐", "Yue"), ("青", "Qing"), ("墨", "Mo"), ("禾", "He"), ("舟", "Zhou"),
    ("岳", "Yue"), ("朗", "Lang"), ("星", "Xing"), ("松", "Song"), ("竹", "Zhu"), ("石", "Shi"), ("川", "Chuan"),
    ("雷", "Lei"), ("霜", "Shuang"), ("晴", "Qing"), ("砚", "Yan"), ("帆", "Fan"), ("鹭", "Lu"),
)  # fmt: skip
STEMS = (("甲", "Jia"), ("乙", "Yi"), ("丙", "Bing"), ("丁", "Ding"), ("戊", "Wu"), ("己", "Ji"), ("庚", "Geng"),
         ("辛", "Xin"), ("壬", "Ren"), ("癸", "Gui"))  # fmt: skip
BRANCHES = (("子", "zi"), ("丑", "chou"), ("寅", "yin"), ("卯", "mao"), ("辰", "chen"), ("巳", "si"), ("午", "wu"),
            ("未", "wei"), ("申", "shen"), ("酉", "you"), ("戌", "xu"), ("亥", "hai"))  # fmt: skip
ROADS = ("灯芯", "纸鸢", "渡鸦", "琥珀", "回声", "砂糖", "拨浪鼓", "木马", "蒲公英", "量角器", "万花筒", "积木")

#: GB 32100-2015: 31 signs (no I, O, S, V, Z), weights 3**i mod 31. GB 11714: weights of the body's own check sign.
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CODE_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)])
BODY_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
BODY_SIGNS = "0123456789X"
NO_SUCH_DIVISION = "999999"


def _signs(texts: np.ndarray, values: dict[str, int]) -> np.ndarray:
    """Texts of one length as a matrix of their signs' values."""
    table = np.zeros(128, dtype=int)
    table[[ord(c) for c in values]] = list(values.values())
    return table[np.array(texts).astype("U").view(np.uint32).reshape(len(texts), -1)]


def credit_codes(count: int) -> np.ndarray:
    """Unified social credit codes with correct check signs, on a division code that does not exist.

    91 (company) + 999999 + MA + serial + check sign of the body (GB 11714) + check sign of the whole (GB 32100).
    """
    serial = np.char.add("MA", np.char.zfill(np.arange(1, count + 1).astype(str), 6))
    letters = {c: i for i, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    body_check = (11 - _signs(serial, letters) @ BODY_WEIGHTS % 11) % 11
    body = np.char.add(serial, np.array(list(BODY_SIGNS))[body_check])
    code = np.char.add(f"91{NO_SUCH_DIVISION}", body)
    values = {c: i for i, c in enumerate(ALPHABET)}
    check = (31 - _signs(code, values) @ CODE_WEIGHTS % 31) % 31
    return np.char.add(code, np.array(list(ALPHABET))[check])


def _pairs(rng: np.random.Generator, second: tuple, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``count`` pairs of a colour and a second word, all different until the pool runs out; and the round of each."""
    pool = len(COLOURS) * len(second)
    order = rng.permutation(pool)[np.arange(count) % pool]
    first, last = np.array(COLOURS)[order // len(second)], np.array(second)[order % len(second)]
    en = np.char.add(np.char.add(first[:, 1], " "), last[:, 1])
    return np.char.add(first[:, 0], last[:, 0]), en, np.arange(count) // pool


def _numbered(names: np.ndarray, number: np.ndarray, form: str) -> np.ndarray:
    """Names with ``form`` filled by the number where it is above 1."""
    return np.where(number > 1, np.char.add(names, np.char.mod(form, number)), names)


def estate_names(rng: np.random.Generator, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chinese and English names of estates, no two alike: ``银鲸花园``, ``Silver Whale Gardens``."""
    zh, en, round_ = _pairs(rng, BEASTS, classes.size)
    kinds = np.array([KINDS[c] for c in classes])[np.arange(classes.size), round_ % 4]
    phase = round_ // 4 + 1
    zh = _numbered(np.char.add(zh, kinds[:, 0]), phase, "%d期")
    return zh, _numbered(np.char.add(np.char.add(en, " "), kinds[:, 1]), phase, " Phase %d")


def company_names(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Names that say they are examples: ``银帆示例物业服务有限公司``, ``Demo Silver Sail Property Services``."""
    zh, en, round_ = _pairs(rng, THINGS, count)
    zh, en = _numbered(zh, round_ + 1, "%d号"), _numbered(en, round_ + 1, " No. %d")
    return np.char.add(zh, "示例物业服务有限公司"), np.char.add(np.char.add("Demo ", en), " Property Services")


def head_names(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Names of people who do not exist: ``星甲子``, ``Xing Jiazi``."""
    pool = len(SURNAMES) * 60
    order = rng.permutation(pool)[np.arange(count) % pool]
    surname, cycle = np.array(SURNAMES)[order // 60], order % 60
    stem, branch = np.array(STEMS)[cycle % 10], np.array(BRANCHES)[cycle % 12]
    en = np.char.add(np.char.add(surname[:, 1], " "), np.char.add(stem[:, 1], branch[:, 1]))
    return np.char.add(surname[:, 0], np.char.add(stem[:, 0], branch[:, 0])), en


def addresses(rng: np.random.Generator, subdistrict: np.ndarray) -> np.ndarray:
    """Addresses in roads that no map shows; ``subdistrict`` counts from 0."""
    road = np.array(ROADS)[rng.integers(0, len(ROADS), subdistrict.size)]
    place = np.char.add(np.array([zh for zh, _ in SUBDISTRICTS])[subdistrict], "街道")
    number = np.char.mod("路%d号", rng.integers(1, 400, subdistrict.size))
    return np.char.add(np.char.add(place, road), number)
