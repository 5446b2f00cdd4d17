"""Photos of visits that look alike: by the bits in which their prints differ, across estates and days only."""

from __future__ import annotations

from datetime import date

import pytest

from metrics import checks
from metrics.checks import photos, tested
from tests.metrics.test_checks import LAST, RULE, found, store

PRINT = 0x0F0F_0F0F_0F0F_0F0F  # 8 bytes of 4 bits: 32 of 64 set
DAY = date(2026, 8, 1)
#: Bits spread over the print so that with six of them one part of seven is untouched, with seven none is: parts are 9 or 10
#: bits wide and begin at bits 0, 9, 18, 27, 36, 45 and 54 from the left.
SPREAD = [63 - n for n in (0, 9, 18, 27, 36, 45, 54)]


def flipped(*bits: int) -> int:
    made = PRINT
    for bit in bits:
        made ^= 1 << bit
    return made


def visits(*rows: tuple[str, date, list[int | str]]) -> dict:
    """One visit of one item for each ``(estate, day, prints)``: v0, v1, ..."""
    said = [" ".join(p if isinstance(p, str) else f"{p:016x}" for p in prints) or None for _, _, prints in rows]
    return {
        "inspections": [{"inspection_id": f"v{n}", "estate_id": e, "inspected_on": d} for n, (e, d, _) in enumerate(rows)],
        "inspection_items": [{"inspection_id": f"v{n}", "item_code": "fire_doors", "photo_prints": s}
                             for n, s in enumerate(said)],
    }  # fmt: skip


def listed(*rows) -> list[str]:
    return found(photos.photos_alike, store(visits(*rows)))


@pytest.mark.parametrize("bits", [SPREAD[:6], SPREAD[1:], [0, 1, 2, 3, 4, 5], [63, 31, 30, 29, 1, 0], [40]])
def test_prints_six_bits_apart_or_fewer_are_alike_wherever_the_bits_lie(bits):
    assert listed(("e001", DAY, [PRINT]), ("e002", DAY, [flipped(*bits)])) == ["e001", "e002"]


@pytest.mark.parametrize("bits", [SPREAD, [0, 1, 2, 3, 4, 5, 6], [63, 62, 61, 31, 2, 1, 0]])
def test_prints_seven_bits_apart_are_not(bits):
    assert listed(("e001", DAY, [PRINT]), ("e002", DAY, [flipped(*bits)])) == []


def test_photos_of_one_visit_are_not_compared_nor_those_of_two_forms_of_one_round():
    assert listed(("e001", DAY, [PRINT, flipped(3), PRINT])) == []
    assert listed(("e001", DAY, [PRINT]), ("e001", DAY, [flipped(3)])) == []


def test_another_day_at_the_same_estate_is_told_and_the_very_same_photo_too():
    assert listed(("e001", DAY, [PRINT]), ("e001", date(2026, 8, 2), [flipped(3)])) == ["e001"]
    assert listed(("e001", DAY, [PRINT]), ("e003", date(2026, 8, 2), [PRINT])) == ["e001", "e003"]


def test_an_early_photo_is_compared_but_only_recent_visits_are_listed_with_their_numbers():
    """Four quarters up to the end of September 2026 begin in October 2025."""
    rows = [("e001", date(2020, 5, 1), [PRINT]), ("e002", DAY, [flipped(3), flipped(0, 1, 2, 3, 4, 5, 6, 7)]),
            ("e002", date(2026, 8, 9), [flipped(*range(40, 60))])]  # fmt: skip
    made = photos.photos_alike(store(visits(*rows)), RULE, LAST)
    told = tested.selected("photos_alike", made, RULE["q"], str(LAST)).to_dicts()
    assert [(c["unit_id"], c["observed"], c["p"], c["record_ids"]) for c in told] == [("e002", 1.0, None, "v1")]
    assert made.rows["of"].to_list() == [2.0]  # both recent visits of e002 have a photo that could be compared
    assert listed(rows[0], ("e002", date(2020, 6, 1), [PRINT])) == []


def test_plain_pictures_and_photos_without_a_print_tell_nothing():
    """Seven bits set, or all but seven, are below the eight asked for; eight are enough."""
    for plain in (0, 0b111_1111, (1 << 64) - 1, (1 << 64) - 1 - 0b111_1111):
        assert listed(("e001", DAY, [plain]), ("e002", DAY, [plain])) == []
    assert listed(("e001", DAY, [0b1111_1111]), ("e002", DAY, [0b1111_1111])) == ["e001", "e002"]
    assert listed(("e001", DAY, ["-", "zz"]), ("e002", DAY, ["-", "zz"]), ("e003", DAY, [])) == []


def test_it_is_one_of_the_detectors_and_says_how_many_it_looked_at():
    rows = [("e001", DAY, [PRINT]), ("e002", DAY, [flipped(1)]), ("e003", DAY, [flipped(*range(20, 40))])]
    made, runs = checks.find(store(visits(*rows)), RULE, LAST)
    assert made["detector"].to_list() == ["photos_alike"] * 2
    (run,) = [r for r in runs.to_dicts() if r["detector"] == "photos_alike"]
    assert (run["looked_at"], run["selected"]) == (3, 2)
