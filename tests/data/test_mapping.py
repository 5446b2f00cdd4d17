"""Mapping files: what they accept, what they refuse, and the way back to a source's own form."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from data.breaches import broken
from data.contracts import TABLES
from data.making import FOUND
from data.mapping import MappingWrong, Source, Unpivot, read_source, sources, to_source_form
from data.parsing import typed
from data.reading import LINE

STANDARD = [s for name, s in sources().items() if name in TABLES]


def test_every_table_of_records_has_a_standard_source():
    assert {s.name: s.table.name for s in STANDARD} == {name: name for name in TABLES}


@pytest.mark.parametrize("source", STANDARD, ids=lambda s: s.name)
def test_a_standard_source_carries_every_column_by_a_chinese_and_by_its_own_name(source):
    assert set(source.columns) == set(source.table.columns)
    for column, headings in source.columns.items():
        assert not headings[0].isascii(), column
        assert column in headings


@pytest.mark.parametrize("source", STANDARD, ids=lambda s: s.name)
def test_no_heading_of_a_source_means_two_columns(source):
    headings = [h for hs in source.columns.values() for h in hs]
    assert sorted(headings) == sorted(set(headings))


@pytest.mark.parametrize("source", STANDARD, ids=lambda s: s.name)
def test_every_code_has_a_chinese_label_and_labels_lead_to_codes_the_contract_knows(source):
    for column, field in source.table.contract.to_schema().columns.items():
        allowed = {v for c in field.checks if c.name == "isin" for v in c.statistics["allowed_values"]}
        labels = source.codes.get(column, {})
        if allowed:
            assert set(labels.values()) == allowed, column
            assert not any(label.isascii() and not label.isdigit() for label in labels), column


@pytest.mark.parametrize("source", STANDARD, ids=lambda s: s.name)
def test_both_the_chinese_and_the_contract_headings_are_recognised_as_this_source_alone(source):
    for pick in (0, -1):
        headings = [hs[pick] for hs in source.columns.values()]
        found = [s.name for s in sources().values() if s.matches(headings)]
        assert source.name in found
        assert [n for n in found if sources()[n].table.name == source.table.name] == [source.name]


@pytest.mark.parametrize("source", sources().values(), ids=lambda s: s.name)
def test_columns_said_to_stay_unfilled_are_empty_whatever_a_file_says(source):
    """Each other heading is left out; the rest hold what reads as a day, a moment, a number, a yes and a text in turn."""
    headings = sorted(source.headings)[::2]
    said = ["2026-03-05", "2026-03-05 08:00:00", "3", "是", "某处"]
    chunk = pl.DataFrame({LINE: range(2, 7), **dict.fromkeys(headings, said)}, schema_overrides={LINE: pl.Int64})
    if source.lookup_address:
        chunk = chunk.with_columns(pl.lit("oak").alias(FOUND))
    rows, _ = typed(chunk, source, date(2026, 3, 5))
    unfilled = source.unfilled(chunk.columns)
    assert [c for c in unfilled if rows[c].null_count() < rows.height] == []
    assert unfilled < set(source.table.columns)


def test_a_frame_in_source_form_reads_back_as_it_was():
    source = sources()["complaints"]
    frame = pl.DataFrame(
        {
            "complaint_id": ["o1", "o2"],
            "estate_id": ["oak", None],
            "received_on": [date(2026, 1, 5), date(2026, 1, 6)],
            "received_at": [datetime(2026, 1, 4, 16, 30, tzinfo=UTC), None],
            "channel": ["hotline", "police"],
            "nature": ["complaint", "question"],
            "upheld": ["partly", None],
            "solved": [True, False],
        },
        schema_overrides={"received_at": pl.Datetime("us", "UTC")},
    )
    sent = to_source_form(frame, source)
    assert sent.select("来电时间", "受理渠道", "诉求属实", "是否解决").row(0) == (
        "2026-01-05 00:30:00",
        "12345热线",
        "部分",
        "是",
    )
    text = sent.select(pl.all().cast(pl.String).fill_null("")).with_row_index(LINE, 2)
    rows, unparsed = typed(text, source)
    assert unparsed.is_empty()
    assert broken(rows, source).is_empty()
    assert rows.select(frame.columns).equals(frame)


def test_two_generations_of_headings_both_load():
    source = sources()["tenures"]
    for heading in ("任职日期", "接管日期"):
        rows, failed = typed(pl.DataFrame({LINE: [2], "任期编号": ["t"], heading: ["2026-01-05"]}), source)
        assert failed.is_empty()
        assert rows["valid_from"].item() == date(2026, 1, 5)


def form(**scale) -> Source:
    return Source(name="form", title="检查表", table=TABLES["inspection_items"], columns={"inspection_id": ("编号",)},
                  unpivot=Unpivot(**scale))  # fmt: skip


def long(source: Source, **texts: str) -> list[tuple]:
    rows, failed = typed(pl.DataFrame({LINE: [2], "编号": ["v1"]} | {k: [v] for k, v in texts.items()}), source)
    assert failed.is_empty()
    return rows.select("inspection_id", "item_code", "checked", "passed").sort("item_code").rows()


def test_a_wide_sheet_becomes_one_row_per_item_and_points_of_one_item_add_up():
    source = form(items={"大堂": "escape_routes", "楼梯": "escape_routes", "门": "fire_doors"}, least=1, greatest=3)
    # scored 1 to 3: 3 gives (3-1)/2 = 1, 2 gives 0.5; together 1.5 of 2 points
    assert long(source, 大堂="3", 楼梯="2", 门="1") == [("v1", "escape_routes", 2, 1.5), ("v1", "fire_doors", 1, 0.0)]


def test_points_that_do_not_apply_are_left_out_and_words_stand_for_scores():
    source = form(
        items={"甲": "fire_doors", "乙": "access_control", "丙": "control_room"},
        values={"合格": 1, "不合格": 0},
        skip=("不涉及",),
    )
    assert long(source, 甲="合格", 乙="不涉及", 丙="不合格") == [
        ("v1", "control_room", 1, 0.0),
        ("v1", "fire_doors", 1, 1.0),
    ]


def test_a_score_outside_the_scale_is_told_with_its_text():
    source = form(items={"甲": "fire_doors"}, least=1, greatest=3)
    rows, failed = typed(pl.DataFrame({LINE: [2], "编号": ["v1"], "甲": ["好"]}), source)
    assert rows.height == 1
    assert failed.select(LINE, "column_name", "found", "reason").row(0) == (2, "passed", "好", "not_number")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("table = ", "not valid TOML"),
        ('table = "areas"\nnulls = [', "the end of the file, line 2"),
        ('table = "trees"', "line 1, table is 'trees'"),
        ('table = "areas"\ncolours = 1', "line 2, unknown key ['colours']"),
        ('table = "areas"\n[columns]\nheight = "高"', "line 3, [columns] names ['height']"),
        ('table = "areas"\n[codes.height]\n"高" = "x"', "line 2, [codes] names ['height']"),
        ('table = "areas"\n[columns]\nkind = "a"\n[fixed]\nkind = "x"\nsize = 2', "line 6, [fixed] names ['size']"),
        ('table = "areas"\n[make]\nkind = { guess = 1 }', "line 3, [make] kind holds"),
        ('table = "areas"\nzone = "Asia/Nowhere"', "line 2, zone is 'Asia/Nowhere'"),
        ('table = "areas"\n[derive]\nkind = { copy_of = "sort" }', "line 3, [derive] kind takes ['sort']"),
    ],
)
def test_a_mapping_file_that_cannot_be_used_says_which_key_is_wrong(tmp_path: Path, text: str, said: str):
    path = tmp_path / "odd.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingWrong) as wrong:
        read_source(path)
    assert "odd.toml" in str(wrong.value)
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('table = "companies"\n[columns]\nname_zh = 3\n', "line 3, columns.name_zh: 3 is not valid"),
        ('table = "companies"\norder = "first"\n', "line 2, order: 'first' is not of type 'integer'"),
        ('title = "x"\n', "'table' is a required property"),
        ('table = "companies"\n[expect]\nrow = 5\n', "line 3, expect.row: .*'row' was unexpected"),
        (
            'table = "companies"\n[[set_aside]]\nheading = "x"\nreason = "y"\npattern = "a"\n[[set_aside]]\nheading = "x"\n'
            'reason = "y"\npattern = "("\n',
            "line 9, set_aside.1.pattern",
        ),
        (
            'table = "companies"\n[[set_aside]]\nheading = "x"\nreason = "y"\npattern = "("\n',
            "line 5, set_aside.0.pattern",
        ),
    ],
)
def test_each_mistake_of_a_mapping_file_is_named_with_its_line_and_key(tmp_path, text, said):
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(MappingWrong, match=said) as refused:
        read_source(path)
    assert str(refused.value).startswith("data/sources/mine.toml")
