"""The demo district: invented, seeded, driven by a hidden quality, and as difficult as life."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from data import intake
from data.breaches import broken
from data.contracts import TABLES
from data.demo import District, draw, people, write_demo
from data.demo.filing import draw_records, known_at, register_frames
from data.demo.mistakes import SPOILT
from data.mapping import sources
from data.parsing import typed
from data.reading import LINE, open_file

# Sub-districts of the real Luohu and its neighbours, which the invented one must not bear.
REAL_AREAS = (
    "桂园",
    "黄贝",
    "东门",
    "翠竹",
    "南湖",
    "笋岗",
    "东湖",
    "莲塘",
    "东晓",
    "清水河",
    "罗湖",
    "福田",
    "南山",
    "盐田",
    "深圳",
)
END = date(2026, 9, 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo") / "deliveries"


@pytest.fixture(scope="module")
def small(folder) -> District:
    return write_demo(folder, estates=60, companies=20)


@pytest.fixture(scope="module")
def records(small) -> dict[str, pl.DataFrame]:
    return draw_records(small)


@pytest.fixture(scope="module")
def whole() -> District:
    return draw()


@pytest.fixture(scope="module")
def whole_records(whole) -> dict[str, pl.DataFrame]:
    return draw_records(whole)


def files(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def read(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A delivered file as intake reads it: typed rows, and what breaks the contract."""
    reading = open_file(path)
    (source,) = [s for s in sources().values() if s.matches(reading.headings)]
    chunk = pl.concat(list(reading.chunks)).with_columns(pl.exclude(LINE).fill_null(""))
    rows, unparsed = typed(chunk, source)
    return rows, pl.concat([unparsed, broken(rows, source)], how="vertical_relaxed")


def deliveries(folder: Path, table: str) -> list[pl.DataFrame]:
    """All good rows of one table, delivery by delivery."""
    order = f"_{sources()[table].order:02d}_{table}"
    read_ = [read(p) for p in sorted(folder.iterdir()) if order in p.name]
    return [rows.join(bad.select(LINE).unique(), on=LINE, how="anti") for rows, bad in read_]


def by_estate(truth: pl.DataFrame, frame: pl.DataFrame, **measure: pl.Expr) -> dict[str, float]:
    """Spearman's correlation over estates of mean hidden quality with each measure of a table."""
    level = truth.group_by("estate_id").agg(quality=pl.col("quality").mean())
    joined = frame.group_by("estate_id").agg(**measure).join(level, on="estate_id")
    return {name: joined.select(pl.corr(name, "quality", method="spearman")).item() for name in measure}


# Sameness


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(tmp_path):
    for place, seed in (("one", 7), ("two", 7), ("other", 8)):
        write_demo(tmp_path / place / "deliveries", seed=seed, estates=24, companies=8, quarters=6)
    one, two, other = (files(tmp_path / place / "deliveries") for place in ("one", "two", "other"))
    assert one == two
    # the list of areas is the same in every district; every other file differs
    assert [name for name in one if one[name] == other.get(name)] == ["2021-10-09_01_areas.csv"]


def test_the_period_follows_from_the_first_quarter_and_the_number_of_quarters():
    district = draw(estates=24, companies=8, first_quarter="2019Q2", quarters=3)
    assert district.calendar.labels == ["2019Q2", "2019Q3", "2019Q4"]
    assert (district.calendar.date(0), district.calendar.last) == (date(2019, 4, 1), date(2019, 12, 31))


# Size


def test_the_whole_district_has_the_size_of_luohu_and_about_a_million_records(whole, whole_records):
    assert whole.estates["estate_id"].n_unique() == 1200
    assert whole.companies.height == 563
    assert whole.tenures["company_id"].n_unique() == 563
    assert whole.calendar.last == END
    sizes = {name: frame.height for name, frame in whole_records.items()}
    assert 900_000 <= sum(sizes.values()) <= 1_500_000
    assert 280_000 <= sizes["patrols"] <= 340_000
    assert 400_000 <= sizes["inspection_items"] <= 500_000
    assert 120_000 <= sizes["complaints"] <= 210_000  # a sixth of them others calling about an open matter
    assert 60_000 <= sizes["hazards"] <= 85_000


def test_the_smallest_district_fills_every_table(small, records):
    for name, frame in (register_frames(small) | records).items():
        assert frame.height > 0, name
    assert set(records) | set(register_frames(small)) == set(TABLES)


# Names and numbers


def check_sign(code: str) -> str:
    """GB 32100-2015, by hand: weights 3**i mod 31 over 31 signs without I, O, S, V, Z."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(signs.index(c) * (3**i % 31) for i, c in enumerate(code[:17]))
    return signs[(31 - total % 31) % 31]


def body_sign(body: str) -> str:
    """GB 11714, by hand: weights 3 7 9 10 5 8 4 2, 11 less the remainder by 11; 10 is X, 11 is 0."""
    signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = sum(signs.index(c) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    rest = 11 - total % 11
    return {10: "X", 11: "0"}.get(rest, str(rest))


def test_the_arithmetic_of_check_signs_agrees_with_the_standards_own_example():
    # GB 32100-2015's example code
    assert check_sign("91350100M000100Y43") == "3"
    # body M000100Y: 22*3 + 0 + 0 + 0 + 1*5 + 0 + 0 + 34*2 = 139 = 12*11 + 7, 11 - 7 = 4
    assert body_sign("M000100Y") == "4"


def test_every_credit_code_has_the_right_shape_and_check_signs_on_a_division_that_does_not_exist(whole):
    codes = whole.companies["company_id"].to_list()
    assert len(set(codes)) == 563
    assert all(len(c) == 18 and c.startswith("91999999MA") for c in codes)
    assert [c[17] for c in codes] == [check_sign(c) for c in codes]
    assert [c[16] for c in codes] == [body_sign(c[8:16]) for c in codes]


def test_no_name_is_real_or_used_twice(whole):
    names = pl.concat([whole.areas["name_zh"], whole.companies["name_zh"], whole.estates["name_zh"].unique()])
    assert not names.str.contains_any(list(REAL_AREAS)).any()
    assert whole.companies["name_zh"].str.contains("示例").all()
    assert whole.companies["name_zh"].str.ends_with("物业服务有限公司").all()
    assert whole.companies["name_en"].str.starts_with("Demo ").all()
    assert whole.companies["name_zh"].is_unique().all()
    first = whole.estates.head(whole.size)
    assert first["name_zh"].is_unique().all()
    assert first["name_en"].is_unique().all()
    assert first["name_zh"].str.contains(r"^\p{Han}+$").all()
    assert first["name_en"].str.contains(r"^[A-Za-z ]+$").all()


def test_addresses_and_positions_lie_nowhere_near_a_city(whole):
    # an ocean grid beside 0 degrees north, 0 degrees east: some 600 km from the nearest coast
    assert whole.estates["longitude"].is_between(0.1, 0.5).all()
    assert whole.estates["latitude"].is_between(-0.1, 0.2).all()


# Registers


def test_every_class_is_present_with_the_attributes_its_law_names(whole, small):
    for district in (whole, small):
        rows = district.estates
        assert set(rows["estate_class"]) == {"HR", "SH", "MR", "OD", "UV", "MX", "NP"}
        tallest = dict(rows.group_by("estate_class").agg(pl.col("max_height_m").max()).iter_rows())
        lowest = dict(rows.group_by("estate_class").agg(pl.col("max_height_m").min()).iter_rows())
        assert lowest["HR"] > 27  # HR5 50: over 27 m
        assert tallest["HR"] <= 100  # GDH 32: over 100 m is SH
        assert lowest["SH"] > 100
        assert tallest["MR"] <= 27
        assert rows.filter(pl.col("estate_class") == "MR")["gated"].all()
        assert not rows.filter(pl.col("estate_class") == "NP")["gated"].any()
        assert (rows.filter(pl.col("max_height_m") <= 27)["highrise_blocks"] == 0).all()
        assert rows["key_fire_unit"].any()
        assert rows.filter(pl.col("estate_class") == "UV")["rental_share"].median() > 0.6


def test_some_estates_are_tiny(whole, small):
    for district, least in ((whole, 20), (small, 2)):
        tiny = district.estates.filter(pl.col("households").is_between(8, 40))
        assert tiny["estate_id"].n_unique() >= least


def test_some_estates_change_in_the_register_and_their_periods_join(small):
    periods = small.estates.filter(pl.col("estate_id").is_duplicated()).sort("estate_id", "valid_from")
    assert periods.height >= 2
    ends = periods.filter(pl.col("valid_to").is_not_null())["valid_to"].to_list()
    starts = periods.filter(pl.col("valid_to").is_null())["valid_from"].to_list()
    assert ends == starts


def test_no_estate_has_two_tenures_at_once(whole):
    rows = whole.tenures.sort("estate_id", "valid_from").with_columns(
        next_from=pl.col("valid_from").shift(-1).over("estate_id")
    )
    overlap = rows.filter(
        (pl.col("valid_to").is_null() & pl.col("next_from").is_not_null()) | (pl.col("valid_to") > pl.col("next_from"))
    )
    assert overlap.is_empty()
    assert (rows["valid_to"] > rows["valid_from"]).drop_nulls().all()


def test_companies_change_in_mid_quarter_for_about_three_percent_of_estates_a_quarter(whole):
    rows = whole.tenures.sort("estate_id", "valid_from").with_columns(
        before=pl.col("company_id").shift(1).over("estate_id")
    )
    moves = rows.filter(pl.col("before").is_not_null() & (pl.col("company_id") != pl.col("before")))
    share = moves.height / (whole.size * 20)
    assert 0.02 < share < 0.04
    first_days = moves["valid_from"].dt.day().is_in([1]) & moves["valid_from"].dt.month().is_in([1, 4, 7, 10])
    assert first_days.mean() < 0.02


def test_heads_change_under_the_same_company(small):
    rows = small.tenures.sort("estate_id", "valid_from")
    again = rows.with_columns(
        same=pl.col("company_id") == pl.col("company_id").shift(1).over("estate_id"),
        other=pl.col("head_id") != pl.col("head_id").shift(1).over("estate_id"),
    )
    assert again.filter("same", "other").height >= 2


def test_some_estates_are_unmanaged_for_good_and_some_for_a_while(small):
    never = small.estates.filter(pl.col("estate_class") == "NP")["estate_id"].unique()
    assert small.tenures.filter(pl.col("estate_id").is_in(never.implode())).is_empty()
    rows = small.tenures.sort("estate_id", "valid_from").with_columns(
        next_from=pl.col("valid_from").shift(-1).over("estate_id")
    )
    assert rows.filter(pl.col("next_from") > pl.col("valid_to")).height >= 1
    last = rows.group_by("estate_id").agg(open=pl.col("valid_to").is_null().any())
    assert (~last["open"]).sum() >= 1


# Hidden quality


def test_better_quality_leaves_better_records(whole, whole_records):
    managed = whole.truth.filter(pl.col("company_id").is_not_null())
    homes = whole.estates.head(whole.size).select("estate_id", "households")
    fire = whole_records["patrols"].filter((pl.col("kind") == "fire") & (pl.col("by") == "guards"))
    found = by_estate(managed, fire, rate=pl.col("days_signed").sum() / pl.col("days_required").sum())
    assert found["rate"] > 0.8
    hazards = whole_records["hazards"].filter(pl.col("responsible_party") == "company")
    in_time = pl.col("rectified_on") <= pl.coalesce("extended_to", "due_on")
    assert by_estate(managed, hazards, in_time=in_time.mean())["in_time"] > 0.6
    calls = whole_records["complaints"].filter(pl.col("matter_id").is_null()).join(homes, on="estate_id")
    per_home = by_estate(managed, calls, calls=pl.len() / pl.col("households").first())
    assert -0.8 < per_home["calls"] < -0.3  # loud and quiet estates blur it
    assert by_estate(managed, calls, closed=(pl.col("closed_on") <= pl.col("due_on")).mean())["closed"] > 0.5
    surveys = whole_records["surveys"]
    assert by_estate(managed, surveys, s=pl.col("satisfied").sum() / pl.col("answered").sum())["s"] > 0.6
    visited = whole_records["inspections"].select("inspection_id", "estate_id", "trigger")
    items = whole_records["inspection_items"].join(visited.filter(pl.col("trigger") == "routine"), on="inspection_id")
    routes = items.filter(pl.col("item_code") == "escape_routes")
    assert by_estate(managed, routes, clear=pl.col("passed").sum() / pl.col("checked").sum())["clear"] > 0.6
    drills = whole_records["fire_drills"].filter(pl.col("kind") == "evacuation")
    assert by_estate(managed, drills, held=pl.len())["held"] > 0.15
    checks = whole_records["population_checks"]
    assert by_estate(managed, checks, r=pl.col("registered").sum() / pl.col("sampled").sum())["r"] > 0.6


def test_a_company_carries_its_quality_to_every_estate_it_manages(whole):
    # variance of company means of estate quality is well above what the estates' own part would give
    truth = whole.truth.filter(pl.col("company_id").is_not_null())
    company = dict(zip(whole.companies["company_id"], whole.company_quality, strict=True))
    means = truth.group_by("company_id").agg(pl.col("quality").mean(), n=pl.col("estate_id").n_unique())
    means = means.filter(pl.col("n") >= 4).with_columns(own=pl.col("company_id").replace_strict(company))
    assert means.select(pl.corr("quality", "own", method="spearman")).item() > 0.8


def test_quality_moves_slowly_from_quarter_to_quarter(whole):
    steady = whole.own
    # AR(1) with 0.95 a quarter: correlation 0.95 after one quarter, 0.95**8 = 0.66 after eight (class level adds a little)
    assert 0.93 < np.corrcoef(steady[:, 0], steady[:, 1])[0, 1] < 0.98
    assert 0.60 < np.corrcoef(steady[:, 0], steady[:, 8])[0, 1] < 0.82


def test_the_truth_lies_beside_the_deliveries_and_not_among_them(small, folder):
    assert (folder.parent / "truth" / "truth.parquet").is_file()
    assert pl.read_parquet(folder.parent / "truth" / "truth.parquet").equals(small.truth)
    assert not [p.name for p in folder.iterdir() if "truth" in p.name]
    assert small.truth.height == 60 * 20


# Difficulties of life


def test_one_inspector_is_strict_and_one_lenient(whole, whole_records):
    items = whole_records["inspection_items"].join(
        whole_records["inspections"].filter(pl.col("trigger") == "routine"), on="inspection_id"
    )
    rates = items.group_by("inspector_id", "body").agg(failed=1 - pl.col("passed").sum() / pl.col("checked").sum())
    fire = rates.filter(pl.col("body") == "fire")["failed"].sort()
    middle = fire.median()
    assert fire[-1] > 1.5 * middle  # exp(0.75) = 2.1 on the odds
    assert fire[0] < 0.7 * middle  # exp(-0.85) = 0.43
    assert fire[-2] < 1.45 * middle  # the others differ by some 15 %


def test_visits_after_a_complaint_find_more_than_routine_ones(whole_records):
    items = whole_records["inspection_items"].join(whole_records["inspections"], on="inspection_id")
    failed = items.group_by(routine=pl.col("trigger") == "routine").agg(
        f=1 - pl.col("passed").sum() / pl.col("checked").sum()
    )
    rate = dict(failed.iter_rows())
    assert rate[False] > 1.4 * rate[True]


def test_summer_brings_more_complaints(whole_records):
    months = (
        whole_records["complaints"]
        .filter(pl.col("received_on") >= date(2022, 1, 1))
        .group_by(pl.col("received_on").dt.month())
        .agg(pl.len() / pl.col("received_on").dt.year().n_unique())
    )
    count = dict(months.iter_rows())
    assert count[7] > 1.3 * count[2]
    typhoon = whole_records["complaints"].filter(pl.col("category") == "台风积水树倒")
    assert typhoon["received_on"].dt.month().is_between(5, 10).mean() > 0.8


def test_estates_differ_in_how_readily_they_call_and_villages_call_less(whole, whole_records):
    from data.demo.hotline import loudness

    loud = loudness(whole)
    assert 0.35 < np.log(loud).std() < 0.6
    village = whole.of("estate_class") == "UV"
    assert np.median(loud[village]) < 0.75 * np.median(loud[~village])


def test_loud_estates_report_an_open_matter_again_more_often(whole, whole_records):
    from data.demo.hotline import loudness

    rows = whole_records["complaints"].filter(pl.col("estate_id").is_not_null())
    first = rows.filter(pl.col("matter_id").is_null()).select(
        matter_id="complaint_id", first_caller="caller_hash", closed="closed_on", since="received_on"
    )
    again = rows.join(first, on="matter_id").filter(
        (pl.col("caller_hash") != pl.col("first_caller")) & (pl.col("received_on") <= pl.col("closed"))
    )
    opened = rows.filter(pl.col("matter_id").is_null()).group_by("estate_id").agg(
        days=(pl.col("closed_on") - pl.col("received_on")).dt.total_days().clip(0, 30).sum()
    )  # fmt: skip
    loud = pl.DataFrame({"estate_id": whole.of("estate_id"), "loudness": loudness(whole)})
    both = opened.join(again.group_by("estate_id").len(), on="estate_id").join(loud, on="estate_id")
    thirds = both.with_columns(third=(pl.col("loudness").rank("ordinal") - 1) * 3 // pl.len())
    rate = dict(thirds.group_by("third").agg(pl.col("len").sum() / pl.col("days").sum()).iter_rows())
    assert rate[2] > 1.8 * rate[0]  # loudness itself differs some 2.7 times between outer thirds


def test_calls_repeat_a_matter_and_name_its_first_order(records):
    rows = records["complaints"]
    again = rows.filter(pl.col("matter_id").is_not_null())
    first = rows.select(matter_id="complaint_id", first_on="received_on", first_matter="matter_id")
    joined = again.join(first, on="matter_id", how="inner")
    assert joined.height > 50
    assert (joined["received_on"] > joined["first_on"]).all()
    assert joined["first_matter"].is_null().all()


def test_complaints_include_unreasonable_demands_others_duties_unknown_estates_and_disputes(records):
    rows = records["complaints"]
    assert rows["unreasonable"].sum() >= 5
    assert {"owner", "utility"} <= set(rows["responsibility"])
    assert rows["estate_id"].null_count() >= 5
    assert rows["_objected_on"].drop_nulls().len() >= 3
    heavy = rows.group_by("caller_hash").len()["len"].max()
    assert heavy >= 5  # some people call often


def test_hazards_include_those_of_owners_recurrences_and_open_objections(records):
    rows = records["hazards"]
    assert {"company", "owner", "utility", "subdistrict"} <= set(rows["responsible_party"])
    again = rows.join(rows, on=["estate_id", "hazard_type", "location"], suffix="_again").filter(
        (pl.col("found_on_again") > pl.col("rectified_on"))
        & (pl.col("found_on_again") <= pl.col("rectified_on").dt.offset_by("180d"))
    )
    assert again.height > 30
    assert known_at(rows, "hazards", END)["objection_open"].sum() >= 1
    assert (rows.filter(pl.col("verified_result") == "fail")["rectified_on"] > date(2026, 7, 1)).all()


def test_hazards_found_on_a_visit_name_it_and_are_never_entered_before_it(whole_records):
    rows = whole_records["hazards"].filter(pl.col("inspection_id").is_not_null())
    visits = whole_records["inspections"].select("inspection_id", "inspected_on", entered="recorded_on")
    joined = rows.join(visits, on="inspection_id", how="left")
    assert joined["inspected_on"].equals(joined["found_on"].alias("inspected_on"))
    assert (joined["recorded_on"] >= joined["entered"]).all()


def test_some_drills_are_table_top_and_some_records_are_copies_with_the_same_photograph(records):
    rows = records["fire_drills"]
    assert (rows["kind"] == "tabletop").sum() >= 5
    twice = rows.filter(pl.col("evidence_hash").is_duplicated()).sort("evidence_hash", "drill_id")
    assert twice.height >= 4
    pairs = twice.group_by("evidence_hash").agg(
        estates=pl.col("estate_id").n_unique(), days=pl.col("held_on").n_unique()
    )
    assert (pairs["estates"] == 2).all()
    assert (pairs["days"] == 1).all()


def test_incidents_include_invalid_calls_fraud_and_fires_in_shared_parts(records):
    rows = records["incidents"]
    assert {"invalid", "telecom_fraud", "burglary", "vehicle_theft", "fire"} <= set(rows["kind"])
    assert rows.filter(pl.col("kind") != "fire")["cause"].null_count() == rows.filter(pl.col("kind") != "fire").height
    assert "shared_parts" in set(rows["cause"])


def test_sanctions_hold_every_kind_and_finding_some_appealed_or_overturned(small, records):
    rows = known_at(records["sanctions"], "sanctions", END)
    assert set(rows["kind"]) >= {"finding", "penalty", "attention", "listing", "commendation"}
    assert set(rows["finding"].drop_nulls()) == {
        "fatal_fire",
        "systems_disabled",
        "routes_blocked",
        "records_falsified",
    }
    assert {"final", "appealed", "overturned"} <= set(rows["status"])
    blocked = rows.filter(pl.col("finding") == "routes_blocked").group_by("estate_id").len()
    assert blocked["len"].max() >= 3


def test_every_rung_of_the_ladder_stands_on_record_in_the_whole_district(whole_records):
    rows = whole_records["sanctions"].filter(pl.col("decided_on") > date(2025, 9, 30))
    assert {"attention", "listing", "interview"} <= set(rows["kind"])
    listed = rows.filter(
        (pl.col("kind") == "listing") & (pl.col("stands_until") < END) & pl.col("repaired_on").is_null()
    )
    assert listed.height >= 3  # listings past their target date


def test_a_sub_district_lost_two_months_of_patrol_sheets(small, records):
    area = small.estates.select("estate_id", "subdistrict_id").unique("estate_id")
    rows = records["patrols"].join(area, on="estate_id").filter(pl.col("by") == "guards")
    seen = rows.group_by("subdistrict_id", month=pl.col("ended_on").dt.truncate("1mo")).len()
    months = seen.group_by("subdistrict_id").agg(pl.col("month").n_unique())
    count = dict(months.iter_rows())
    assert count["SD05"] == 58  # of 60
    assert count["SD01"] == 60


def test_few_records_are_entered_late(whole_records):
    for name, day in (("hazards", "found_on"), ("fire_drills", "held_on"), ("patrols", "ended_on")):
        rows = whole_records[name]
        late = (rows["recorded_on"] - rows[day]).dt.total_days() > 3
        assert 0.03 < late.mean() < 0.15, name
        assert (rows["recorded_on"] >= rows[day]).all()


# Deliveries


def test_every_record_keeps_its_contract_as_it_will_stand_and_as_it_was_known(small, records):
    for name, frame in (register_frames(small) | records).items():
        for day in (date(2022, 6, 30), END, date(2027, 6, 30)):
            rows = known_at(frame, name, day)
            kinds = TABLES[name].columns
            empty = [pl.lit(None).alias(c) for c in kinds if c not in rows.columns]
            rows = rows.with_columns(*empty).select(pl.col(c).cast(k) for c, k in kinds.items())
            TABLES[name].contract.validate(rows, lazy=True)
            assert not rows.select(TABLES[name].key).is_duplicated().any(), name


def test_only_planned_mistakes_break_a_contract_and_every_table_has_some(small, folder):
    spoilt = dict.fromkeys(TABLES, 0)
    for path in sorted(folder.iterdir()):
        bad = read(path)[1]
        table = path.stem.split("_", 2)[2].removesuffix("_late")
        lines = bad[LINE].n_unique()
        assert lines <= 3, (path.name, bad)
        assert set(bad["column_name"].drop_nulls()) <= {column for column, _ in SPOILT.get(table, ())}, path.name
        spoilt[table] += lines
    assert {name for name, count in spoilt.items() if count == 0} == {"areas"}
    assert max(spoilt.values()) <= 40


def test_file_names_sort_in_the_order_of_sending_and_the_last_delivery_is_late_and_small(small, folder):
    names = sorted(p.name for p in folder.iterdir())
    assert names[0] == "2021-10-09_01_areas.csv"
    late = [n for n in names if "_late" in n]
    assert late
    assert names[-len(late) :] == late
    assert all(n.startswith("2026-10-26") for n in late)
    rows = deliveries(folder, "hazards")
    assert rows[-1].height < rows[-2].height / 2
    # what is late was entered after the end, or is news of an earlier hazard
    news = rows[-1]
    earlier = pl.concat(rows[:-1])["hazard_id"]
    assert ((news["recorded_on"] > END) | news["hazard_id"].is_in(earlier.implode())).all()
    assert (news["found_on"] <= END).all()


def test_files_come_as_csv_workbook_and_parquet_one_in_the_old_encoding(small, folder):
    endings = {p.suffix for p in folder.iterdir()}
    assert endings == {".csv", ".xlsx", ".parquet"}
    old = folder / "2022-01-08_13_complaints.csv"
    assert open_file(old).encoding == "gb18030"
    assert open_file(folder / "2026-10-08_13_complaints.csv").encoding == "utf-8"
    assert "工单编号" in open_file(old).headings


def test_an_open_hazard_comes_again_once_it_is_put_right(small, folder):
    first, second = deliveries(folder, "hazards")[:2]
    was_open = first.filter(pl.col("rectified_on").is_null()).select("hazard_id", "found_on")
    now = second.filter(pl.col("rectified_on").is_not_null()).select("hazard_id", "rectified_on", was_found="found_on")
    mended = was_open.join(now, on="hazard_id")
    assert mended.height >= 5
    assert (mended["rectified_on"] > date(2021, 12, 31)).all()
    assert (mended["rectified_on"] <= date(2022, 6, 30)).all()
    assert mended["found_on"].equals(mended["was_found"].alias("found_on"))


def test_no_delivery_tells_the_future(small, folder):
    for name, columns in (
        ("hazards", ("found_on", "rectified_on", "verified_on")),
        ("complaints", ("received_on", "closed_on")),
    ):
        for rows, cut in zip(deliveries(folder, name), (date(2021, 12, 31), date(2022, 6, 30)), strict=False):
            for column in columns:
                assert (rows[column].drop_nulls() <= cut).all(), (name, column)


def test_the_last_version_of_every_delivered_record_is_the_record_as_known_at_the_end(small, records, folder):
    name = "hazards"
    rows = pl.concat(deliveries(folder, name)).drop(LINE)
    rows = rows.filter(~pl.col("hazard_id").str.ends_with("X")).unique("hazard_id", keep="last", maintain_order=True)
    final = known_at(records[name], name, date(2026, 10, 18)).filter(pl.col("recorded_on") <= date(2026, 10, 18))
    assert rows.sort("hazard_id").equals(final.sort("hazard_id"), null_equal=True)


def test_decisions_change_on_review_and_after_an_appeal(records):
    rows = records["complaints"].filter(pl.col("_reviewed_on") < date(2026, 6, 1))
    assert rows.height >= 3
    before = known_at(rows, "complaints", rows["_reviewed_on"].min() - (END - date(2026, 9, 29)))
    assert set(before["upheld"].drop_nulls()) <= {"yes"}
    assert set(known_at(rows, "complaints", END)["upheld"]) == {"no"}


def test_a_delivery_every_year_makes_fewer_files(tmp_path):
    write_demo(tmp_path / "a", estates=24, companies=8, quarters=8, months=12)
    write_demo(tmp_path / "b", estates=24, companies=8, quarters=8, months=6)
    assert len(files(tmp_path / "a")) < len(files(tmp_path / "b"))


# People


def test_the_whole_districts_registers_and_patrols_come_in_and_none_waits_for_a_person(tmp_path):
    write_demo(tmp_path / "deliveries", first_quarter="2025Q1", quarters=7)
    wanted = [
        p for p in intake.files_in([tmp_path / "deliveries"]) if p.name[11:13] in ("01", "02", "03", "04", "05", "18")
    ]
    done, refused = intake.load_files(tmp_path / "var", wanted, received_at=datetime(2026, 11, 23, tzinfo=UTC))
    assert (refused, [d.file for d in done if d.waits]) == ([], [])
    changes = [d for d in done if d.source == "tenures"]
    assert len(changes) >= 4 and all(d.revised for d in changes[1:]), "handovers end the tenure before"


def test_each_role_has_its_person_two_supervise_and_the_manager_has_several_estates_one_taken_over(whole, small):
    for district, least in ((whole, 4), (small, 2)):
        rows = people(district)
        assert [p["role"] for p in rows] == ["supervisor", "supervisor", "subdistrict", "station", "manager", "steward"]
        by_role = {p["role"]: p for p in rows}
        areas = dict(district.areas.select("area_id", "kind").iter_rows())
        assert areas[by_role["subdistrict"]["area_id"]] == "subdistrict"
        assert areas[by_role["station"]["area_id"]] == "station"
        company = by_role["manager"]["company_id"]
        now = district.tenures.filter((pl.col("company_id") == company) & pl.col("valid_to").is_null())
        assert now["estate_id"].n_unique() >= least
        before = district.tenures.filter(
            pl.col("estate_id").is_in(now["estate_id"].implode()) & (pl.col("company_id") != company)
        )
        assert before.height >= 1
    assert people(draw(estates=60, companies=20)) == people(small)
