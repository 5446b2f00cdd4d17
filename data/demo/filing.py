"""The invented district's deliveries: files as offices send them, half-yearly or yearly, in Chinese headings.

Each file holds what was entered since the one before, as far as it was known on the day it was cut: a hazard is first
delivered open and again, revised, once it was put right; a decision under appeal comes again when the appeal has
ended. A last small delivery brings what was entered late. Some sub-districts lost some months.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import xlsxwriter

from data.contracts import TABLES
from data.demo import drills, hotline, patrols, residents, sanctions, visits
from data.demo.district import FIRST_QUARTER, QUARTERS, District, draw
from data.demo.hazards import hazards
from data.demo.mistakes import with_mistakes
from data.demo.registers import SUBDISTRICTS
from data.mapping import Source, sources, to_source_form

REGISTERS = ("areas", "companies", "office_heads", "estates", "tenures")
#: Sent twice as often as the other tables.
BUSY = ("office_heads", "estates", "tenures", "inspections", "inspection_items", "hazards", "complaints", "patrols")
SENT_AFTER_DAYS = 8  # from a delivery's last day to its sending
LATE_DAYS = 18  # from the last day covered to the late delivery's own last day
#: Files that are not plain CSV in UTF-8: (table, deliveries from, to) -> how they come.
PARQUET = ("inspection_items", "patrols")
WORKBOOKS = ("mediations", "sanctions")
OLD_ENCODING = {"complaints": range(0, 5)}  # until the hotline changed its system
DATES = {"incidents": "%Y/%m/%d", "fire_drills": "%Y年%m月%d日"}
WORKBOOK_MADE = datetime(2021, 10, 1, tzinfo=UTC)  # not the clock's: same seed, same bytes
#: Months that never arrived: table, sub-district number, month number, months.
MISSING = (("patrols", 4, 40, 2), ("complaints", 2, 44, 1), ("incidents", 7, 22, 2), ("inspections", 5, 50, 1))
#: Days on which what is known of a record changes.
CHANGES = {
    "tenures": ("valid_to",),
    "hazards": ("rectified_on", "verified_on", "_objected_on", "_decided_on"),
    "complaints": ("closed_on", "_objected_on", "_decided_on", "_reviewed_on"),
    "fire_drills": ("_verified_on",),
    "incidents": ("_objected_on", "_decided_on"),
    "mediations": ("settled_on",),
    "sanctions": ("repaired_on", "_appeal_ends"),
}
#: Columns that stay empty until a day: column -> the day's column.
UNTIL = {
    "estates": {"valid_to": "valid_to"},
    "tenures": {"valid_to": "valid_to"},
    "hazards": {"rectified_on": "rectified_on", "verified_on": "verified_on", "verified_result": "verified_on",
                "lot_result": "verified_on"},
    "complaints": dict.fromkeys(
        ("first_contact_at", "closed_on", "overdue", "reached", "solved", "satisfied", "upheld", "unreasonable"), "closed_on"
    ),
    "mediations": {"settled_on": "settled_on", "outcome": "settled_on"},
    "sanctions": {"repaired_on": "repaired_on"},
}  # fmt: skip


def draw_records(district: District) -> dict[str, pl.DataFrame]:
    """Every table of records as it will stand in the end, with hidden columns (``_...``) for the filing."""
    made = visits.visits(district)
    noted = made.inspections["recorded_on"].head(made.estate.size).gather(made.item_visit)
    frames = {
        "inspections": made.inspections,
        "inspection_items": made.items.with_columns(_known_on=noted),
        "hazards": hazards(district, made),
        "complaints": hotline.complaints(district),
        "fire_drills": drills.fire_drills(district),
        "incidents": residents.incidents(district),
        "population_checks": residents.population_checks(district),
        "surveys": residents.surveys(district),
        "patrols": patrols.patrols(district),
        "mediations": residents.mediations(district),
        "sanctions": sanctions.sanctions(district),
    }
    return {name: _without_missing(district, name, frame) for name, frame in frames.items()}


def _without_missing(district: District, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Leave out the months a sub-district never sent (of inspections: its companies' self-checks)."""
    starts = district.calendar.month_starts
    ids = district.of("estate_id")
    for table, where, month, months in MISSING:
        if table != name:
            continue
        month %= starts.size - 1 - months
        first, end = (district.calendar.date(starts[m]) for m in (month, month + months))
        gone = pl.col(str(TABLES[name].day)).is_between(first, end, closed="left") & pl.col("estate_id").is_in(
            ids[district.subdistrict == where % len(SUBDISTRICTS)].tolist()
        )
        gone &= (pl.col("kind") == "self_check") if name == "inspections" else pl.lit(True)
        frame = frame.remove(gone)
    return frame


def register_frames(district: District) -> dict[str, pl.DataFrame]:
    """The registers with the day each row became known."""
    first = district.tenures.group_by("head_id").agg(_known_on=pl.col("valid_from").min())
    heads = district.office_heads.join(first, on="head_id", maintain_order="left")
    start = pl.lit(district.calendar.date(0))
    return {
        "areas": district.areas.with_columns(_known_on=start),
        "companies": district.companies.with_columns(_known_on=start),
        "office_heads": heads,
        "estates": district.estates.with_columns(_known_on="valid_from"),
        "tenures": district.tenures.with_columns(_known_on="valid_from"),
    }


def known_at(frame: pl.DataFrame, name: str, cut: date) -> pl.DataFrame:
    """The rows as they were known at the end of ``cut``, in contract columns."""
    day = pl.lit(cut)
    now: dict[str, pl.Expr] = {
        column: pl.when(pl.col(of) <= day).then(pl.col(column)) for column, of in UNTIL.get(name, {}).items()
    }
    if "_objected_on" in frame.columns:
        now["objection_open"] = pl.when(pl.col("_objected_on") <= day).then(pl.col("_decided_on") > day)
    if name == "complaints":
        before = pl.when(pl.col("_reviewed_on") > day).then("_first_upheld")
        now["upheld"] = pl.when(pl.col("closed_on") <= day).then(pl.coalesce(before, "upheld"))
    if name == "fire_drills":
        seen = (pl.col("_verified_on") <= day).fill_null(False)
        now["verification"] = pl.when(seen).then("verification").otherwise(pl.lit("unverified"))
    if name == "sanctions":
        under_appeal = (pl.col("_appeal_ends") > day).fill_null(False)
        now["status"] = pl.when(under_appeal).then(pl.lit("appealed")).otherwise("status")
    return frame.with_columns(**now).select([c for c in TABLES[name].columns if c in frame.columns])


def _news(frame: pl.DataFrame, name: str, since: date, cut: date) -> pl.DataFrame:
    """Rows entered after ``since`` and by ``cut``, and earlier ones of which something became known in that time."""
    known = pl.col("_known_on") if "_known_on" in frame.columns else pl.col("recorded_on")
    changed = pl.any_horizontal(
        pl.lit(False),
        *(pl.col(c).is_between(since, cut, closed="right").fill_null(False) for c in CHANGES.get(name, ())),
    )
    if name == "estates":  # the register is sent whole
        return frame.filter(known <= cut)
    return frame.filter(known.is_between(since, cut, closed="right") | ((known <= since) & changed))


def cuts(first: date, last: date, months: int) -> list[date]:
    """Last days of the deliveries: every so many months of the year, the last day covered, and the late one."""
    firsts = [divmod(m, 12) for m in range(first.year * 12, last.year * 12 + 12) if m % months == 0]
    ends = [date(y, m + 1, 1) - timedelta(days=1) for y, m in firsts]
    return [*(e for e in ends if first < e < last), last, last + timedelta(days=LATE_DAYS)]


def _write(rows: pl.DataFrame, path: Path, encoding: str) -> None:
    if path.suffix == ".parquet":
        rows.write_parquet(path)
    elif path.suffix == ".xlsx":
        with xlsxwriter.Workbook(path) as book:
            book.set_properties({"created": WORKBOOK_MADE})
            rows.write_excel(book, worksheet="数据")
    else:
        path.write_bytes(rows.write_csv().encode(encoding))


def _file(folder: Path, source: Source, number: int, sent: date, late: bool) -> tuple[Path, str]:
    """Path and encoding of a delivery; names sort in the order of sending."""
    name = source.table.name
    ending = "parquet" if name in PARQUET else "xlsx" if name in WORKBOOKS else "csv"
    encoding = "gb18030" if number in OLD_ENCODING.get(name, ()) else "utf-8"
    return folder / f"{sent}_{source.order:02d}_{name}{'_late' if late else ''}.{ending}", encoding


def _deliver(
    folder: Path, rng: np.random.Generator, name: str, frame: pl.DataFrame, ends: list[date], last: date
) -> None:
    """Write all deliveries of one table, cut on the days ``ends``."""
    source = sources()[name]
    since = date.min
    for number, cut in enumerate(ends):
        rows = known_at(_news(frame, name, since, cut), name, cut)
        since = cut
        if rows.is_empty() or (name == "estates" and cut > last):
            continue
        rows = to_source_form(rows, source)
        if form := DATES.get(name):
            days = [
                source.columns[c][0] for c, k in source.table.columns.items() if k == pl.Date and c in source.columns
            ]
            rows = rows.with_columns(pl.col(days).str.to_date("%Y-%m-%d").dt.strftime(form))
        late = cut > last
        path, encoding = _file(folder, source, number, cut + timedelta(days=SENT_AFTER_DAYS), late)
        if path.suffix == ".csv":
            rows = rows.with_columns(pl.all().cast(pl.String))
        _write(rows if late else with_mistakes(rng, rows, source, number), path, encoding)


def _write_truth(folder: Path, district: District) -> None:
    """The hidden quality of estates, companies and inspectors; nothing loads it, tests compare with it."""
    folder.mkdir(parents=True, exist_ok=True)
    district.truth.write_parquet(folder / "truth.parquet")
    companies = district.companies.select("company_id", quality=pl.Series(district.company_quality))
    companies.write_parquet(folder / "companies.parquet")
    visits.inspectors(district).write_parquet(folder / "inspectors.parquet")
    estates = pl.DataFrame({"estate_id": district.of("estate_id"), "loudness": hotline.loudness(district)})
    estates.write_parquet(folder / "estates.parquet")


def write_demo(
    folder: Path, *, seed: int = 2016, estates: int = 1200, companies: int = 563, first_quarter: str = FIRST_QUARTER,
    quarters: int = QUARTERS, months: int = 6,
) -> District:  # fmt: skip
    """Write every delivery of the invented district into ``folder``, and its truth into ``truth`` beside it.

    Args:
        folder: made if absent; holds deliveries only. ``folder/../truth/truth.parquet`` holds the hidden quality.
        first_quarter: the first quarter covered; with ``quarters`` it says which is the last.
        months: between two deliveries of a busy table, a divisor of 12; other tables come half as often.

    Returns:
        The district drawn.
    """
    district = draw(seed=seed, estates=estates, companies=companies, first_quarter=first_quarter, quarters=quarters)
    folder.mkdir(parents=True, exist_ok=True)
    _write_truth(folder.parent / "truth", district)
    first, last = district.calendar.date(0), district.calendar.last
    for name, frame in (register_frames(district) | draw_records(district)).items():
        ends = cuts(first, last, months if name in BUSY else min(12, 2 * months))
        if name in REGISTERS:
            ends = [first, *ends] if name in BUSY else [first]
        _deliver(folder, district.rng(f"filing {name}"), name, frame, ends, last)
    return district
