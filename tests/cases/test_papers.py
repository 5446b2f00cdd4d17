"""Papers as they leave the press: everything a party must be told is in the text of the PDF, in both languages."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pypdf
import pypdfium2 as pdfium
import pytest

from cases.papers import numbers, shapes
from cases.papers.press import (
    TEMPLATES,
    FieldMissing,
    FontsMissing,
    PaperWrong,
    Press,
    day_in_words,
    moment_in_words,
    own_templates,
)
from cases.papers.shapes import PAPERS, Both
from i18n.words import LANGUAGES
from rules.book import Book, RuleFileWrong, RuleNotInForce
from rules.laws import laws
from tests.cases.paper_samples import ACME, DECIDER, INSPECTORS, SAMPLES, attention, rectification

A4_POINTS = (595.28, 841.89)  # 210 mm x 297 mm at 72 points to 25.4 mm
EVERY = [(kind, language) for kind in PAPERS for language in LANGUAGES]
#: Fields whose value is for the reader's machine, not the eye.
UNSEEN = {"kind", "demo", "sequence", "grounds", "mark", "pass_mark", "outcome", "how", "law", "on_short", "median"}
BARRED = ("警告", "通报批评", "造假", "作弊", "弄虚", "fraud", "cheat", "warning", "public criticism")


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


@pytest.fixture(scope="module")
def printed(press):
    return {(kind, language): press.print(SAMPLES[kind], language) for kind, language in EVERY}


def bare(text: str) -> str:
    """Text without spaces and breaks, as a PDF breaks lines where it likes."""
    return re.sub(r"[\s\u200b]+", "", text)


def text_of(pdf: bytes) -> str:
    return bare("".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages))


def words_in(value, language: str):
    """Every text and day a paper holds, as it must be readable in a language."""
    if isinstance(value, Both):
        yield value.zh if language == "zh" or value.en is None else value.en
    elif isinstance(value, datetime):
        yield moment_in_words(value, language)
    elif isinstance(value, date):
        yield day_in_words(value, language)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from words_in(item, language)
    elif is_dataclass(value):
        for f in fields(value):
            if f.name not in UNSEEN:
                yield from words_in(getattr(value, f.name), language)


def expected(paper, language: str) -> set[str]:
    found = set()
    for f in fields(paper):
        if f.name in UNSEEN or f.name in ("records", "edition", "shown"):
            continue
        found |= set(words_in(getattr(paper, f.name), language))
    for row in (*getattr(paper, "records", ()), *(getattr(paper, "shown", ()))):
        day = row.on.isoformat()  # tables of many rows write days short
        found |= {day, *words_in(replace(row, on=None), language)}
    return {bare(word) for word in found}


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_everything_given_can_be_read_in_the_pdf(printed, kind, language):
    text = text_of(printed[kind, language].pdf)
    hidden = {"case_id"} if kind == "scorecard" else set()
    wanted = expected(SAMPLES[kind], language) - {bare(str(getattr(SAMPLES[kind], f))) for f in hidden}
    if kind == "scorecard":  # an extract is not signed, and names the company in its title
        wanted -= expected(DECIDER, language) | {ACME.code}
    assert wanted and not {word for word in wanted if word not in text}


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_number_check_code_law_and_demo_mark_stand_on_the_paper(press, printed, kind, language):
    made, paper = printed[kind, language], SAMPLES[kind]
    pages = pypdf.PdfReader(BytesIO(made.pdf)).pages
    text = text_of(made.pdf)
    assert bare(made.number) in text
    assert all(bare(cited) in text for cited in numbers.cites(paper, Book(), language))
    assert numbers.cites(paper, Book(), language)
    for i, page in enumerate(pages, 1):
        seen = bare(page.extract_text())
        assert bare(made.check_code) in seen
        assert f"—{i}/{len(pages)}—" in seen
        assert "DEMO" in seen
    assert ("虚构的演示数据" if language == "zh" else "inventeddata") in text


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_every_page_is_a4_without_pictures_and_every_font_is_embedded(printed, kind, language):
    reader = pypdf.PdfReader(BytesIO(printed[kind, language].pdf))
    fonts = set()
    for page in reader.pages:
        assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(A4_POINTS, abs=0.1)
        for font in page["/Resources"]["/Font"].values():
            [inner] = font.get_object()["/DescendantFonts"]
            descriptor = inner.get_object()["/FontDescriptor"]
            assert "/FontFile3" in descriptor or "/FontFile2" in descriptor
            fonts.add(str(descriptor["/FontName"]))
        assert not list(page.images)  # charts and marks are drawn, not photographed
    assert any("NotoSerifCJK" in name for name in fonts)
    assert all("CJK" in name for name in fonts)
    assert "pdfaid" in reader.xmp_metadata.stream.get_data().decode()  # PDF/A: a typesetter's own check passed


@pytest.mark.parametrize("kind", PAPERS)
def test_the_same_paper_gives_the_same_bytes_in_another_press(printed, kind):
    again = Press().print(SAMPLES[kind], "zh")
    assert again == printed[kind, "zh"]
    assert again.sha256 == hashlib.sha256(again.pdf).hexdigest()


def test_both_languages_carry_one_check_code_and_another_paper_another(press, printed):
    assert printed["listing", "zh"].check_code == printed["listing", "en"].check_code
    assert press.identity(attention()) == press.identity(attention())
    codes = {
        press.identity(p).check_code
        for p in (attention(), attention(sequence=8), attention(stands_until=date(2027, 11, 21)))
    }
    assert len(codes) == 3
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)


def test_the_number_follows_the_rule_in_force_and_the_offices_own_mark(press):
    assert press.identity(attention()).number == "物督提〔2026〕7号"
    assert press.identity(attention()).number_en == "WD A [2026] No. 7"
    office = replace(attention().office, mark=Both("罗物", "LW"))
    assert press.identity(attention(office=office)).number == "罗物提〔2026〕7号"
    assert press.identity(SAMPLES["scorecard"]).number == "物督评〔2026Q3-0001〕91440300MA5EXAMP1X"
    with pytest.raises(RuleNotInForce):
        press.identity(attention(issued_on=date(2021, 12, 31)))  # the day before its first version


def test_a_paper_without_a_running_number_is_marked_a_draft(press):
    draft = press.print(attention(sequence=None, demo=False), "zh")
    text = text_of(draft.pdf)
    assert draft.number == "物督提〔2026〕（未编号）"
    assert "草稿：尚未编号" in text
    assert "演示" not in text


def blanked(kind: str):
    """Every required text of a paper, blanked in turn: the paper and the field's path."""
    paper = SAMPLES[kind]
    for f in fields(paper):
        value = getattr(paper, f.name)
        if isinstance(value, str | Both) and f.name != "outcome":
            yield replace(paper, **{f.name: "  "}), f.name
        elif is_dataclass(value):
            inner = next(g.name for g in fields(value) if isinstance(getattr(value, g.name), str | Both))
            yield replace(paper, **{f.name: replace(value, **{inner: Both("　", "x")})}), f"{f.name}.{inner}"
        elif "None" not in f.type and f.name not in ("grounds", "demo"):
            yield replace(paper, **{f.name: None}), f.name


@pytest.mark.parametrize("kind", PAPERS)
def test_a_blank_or_missing_field_is_an_error_that_names_template_and_field(press, kind):
    tried = 0
    for paper, name in blanked(kind):
        with pytest.raises(FieldMissing) as caught:
            press.print(paper, "en")
        assert (caught.value.template, caught.value.field) == (f"en/{kind}.typ", name)
        tried += 1
    assert tried >= 8


def test_an_empty_list_that_a_paper_needs_is_an_error_too(press):
    with pytest.raises(FieldMissing, match=r"zh/attention\.typ: the field 'asked'"):
        press.print(attention(asked=()), "zh")


def edited(tmp_path: Path, old: str, new: str) -> Press:
    folder = tmp_path / "templates"
    shutil.copytree(TEMPLATES, folder)
    path = folder / "zh/attention.typ"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return Press(templates=folder)


def test_an_office_edits_a_template_and_the_paper_says_what_it_wrote(tmp_path, press):
    own = edited(tmp_path, "请及时核对并改进", "请于收到后核对，并告知*联系人*")
    made = own.print(attention(), "zh")
    assert "请于收到后核对，并告知联系人" in text_of(made.pdf)
    assert made.made_with != press.made_with
    assert made.check_code == press.identity(attention()).check_code  # of what is said in the case, not of its dress


def test_the_office_keeps_its_templates_beside_its_stores(tmp_path):
    assert own_templates(tmp_path) is None
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    assert own_templates(tmp_path) == tmp_path / "templates"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [('#need("to.telephone")', "to.telephone"), ('#for r in need("records") { r.colour }', "colour")],
)
def test_a_template_that_asks_for_a_field_nobody_gives_is_refused_by_name(tmp_path, wrong, field):
    with pytest.raises(FieldMissing) as caught:
        edited(tmp_path, "#parties()", wrong).print(attention(), "zh")
    assert (caught.value.template, caught.value.field) == ("zh/attention.typ", field)


def test_a_template_that_cannot_be_read_is_refused_with_its_place(tmp_path):
    with pytest.raises(PaperWrong, match=r"zh/attention\.typ cannot be set"):
        edited(tmp_path, "#parties()", "#partys()").print(attention(), "zh")


def test_a_template_never_fetches_a_package(tmp_path):
    with pytest.raises(PaperWrong, match=r"zh/attention\.typ imports a package from the network"):
        edited(tmp_path, "#parties()", '#import "@preview/cetz:0.3.0"').print(attention(), "zh")


HOSTILE = [
    '#panic("x") *bold* _it_ $x^2$ <label> @ref `raw`',
    '#include "/etc/passwd" #read("../house.typ") #eval("1+1")',
    "\\textbf{x} {x} ^~& % // comment /* more */",
    "= heading - item + item https://example.org",
    '"quoted" \\u{41} \\n #{',
    "]]) #let x = 1; ((",
    "''--...~",
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HOSTILE)
def test_markup_in_a_hostile_name_is_printed_as_it_stands(press, name, language):
    made = press.print(attention(to=replace(ACME, company=name, estate=name), officer_reason=name), language)
    assert text_of(made.pdf).count(bare(name)) >= 3


def test_what_cannot_be_seen_or_drawn_is_printed_by_its_number(press):
    name = "晨\u202e光\u200b物业😀公司\x07"
    text = text_of(press.print(attention(to=replace(ACME, company=name)), "zh").pdf)
    assert "晨[U+202E]光[U+200B]物业[U+1F600]公司[U+0007]" in text


def lengthened(value, times: int):
    """A paper whose every bilingual text is many times as long."""
    if isinstance(value, Both):
        return Both(value.zh * times, (value.en or "") * times)
    if isinstance(value, tuple):
        return tuple(lengthened(v, times) for v in value)
    if is_dataclass(value):
        return replace(value, **{f.name: lengthened(getattr(value, f.name), times) for f in fields(value) if f.init})
    return value


def outside(pdf: bytes) -> list[str]:
    """Texts that leave the type area: 28 mm from the left, 26 mm from the right, 12 mm from head and foot."""
    mm, slack = 72 / 25.4, 3
    left, right, low, high = 28 * mm - slack, (210 - 26) * mm + slack, 12 * mm, (297 - 12) * mm
    document, found = pdfium.PdfDocument(pdf), []
    for number, page in enumerate(document, 1):
        text = page.get_textpage()
        for i in range(text.count_rects()):
            a, b, c, d = text.get_rect(i)
            if a < left or c > right or b < low or d > high:
                said = text.get_text_bounded(a, b, c, d).strip()
                found.append(f"page {number}: {said[:20]} from {a:.0f} to {c:.0f}, {b:.0f} to {d:.0f}")
    document.close()
    return found


def test_the_search_for_what_leaves_the_page_finds_it(tmp_path):
    folder = edited(tmp_path, "#parties()", "#box(width: 400mm)[#h(170mm) too far]")
    assert any("too far" in line for line in outside(folder.print(attention(demo=False), "zh").pdf))


@pytest.mark.parametrize("times", [1, 25])
@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_nothing_leaves_the_page_however_long_the_texts(press, kind, language, times):
    paper = replace(lengthened(SAMPLES[kind], times), demo=False)  # without the mark across the page
    pdf = press.print(paper, language).pdf
    assert outside(pdf) == []


def test_a_long_objection_goes_on_over_pages_with_every_word(press):
    lines = tuple(f"第{i}条说明：请写明记录编号和理由。" for i in range(120))
    objection = replace(attention().objection, how="\n".join(lines))
    pdf = press.print(attention(objection=objection, demo=False, sequence=1), "zh").pdf
    assert outside(pdf) == []
    text = text_of(pdf)
    assert all(line in text for line in lines)


def test_a_long_annex_is_cut_and_says_how_many_there_are(press):
    records = attention().records * 4  # 104 rows; rules/papers.toml prints 60
    text = text_of(press.print(attention(records=records, records_total=104), "zh").pdf)
    assert "共104条，列出60条" in text


def test_one_person_cannot_prepare_and_decide(press):
    with pytest.raises(PaperWrong, match="prepared_by and signed_by are the same person"):
        press.print(replace(SAMPLES["recommendation"], prepared_by=DECIDER), "zh")
    with pytest.raises(PaperWrong, match="first_decided_by"):
        press.print(replace(SAMPLES["appeal"], first_decided_by=DECIDER), "zh")


def test_an_order_names_two_officers_with_certificates(press):
    with pytest.raises(PaperWrong, match="1 officers with a certificate"):
        press.print(rectification(officers=INSPECTORS[:1]), "zh")


def test_a_moment_without_a_zone_is_refused(press):
    with pytest.raises(PaperWrong, match="no time zone"):
        press.print(replace(SAMPLES["interview"], at=datetime(2026, 11, 27, 14, 30)), "zh")


def test_moments_are_shown_on_the_districts_clock():
    late = datetime(2026, 11, 27, 16, 5, tzinfo=UTC)  # 8 hours later it is 00:05 of the next day
    assert moment_in_words(late, "zh") == "2026年11月28日 00:05"
    assert moment_in_words(late, "en") == "28 November 2026, 00:05"


def test_a_machine_without_the_fonts_is_told_what_to_install(tmp_path):
    with pytest.raises(FontsMissing, match="fonts-noto-cjk"):
        Press(fonts=tmp_path).print(attention(), "zh")


def test_a_law_is_cited_in_words():
    assert numbers.cite("FL 16(6)", "zh") == "《中华人民共和国消防法》（2021-04-29修正）第十六条第（六）项"
    assert numbers.cite("CC 946", "zh").endswith("第九百四十六条")
    assert numbers.cite("FL 16(6)", "en") == ("Fire Protection Law of the PRC, art. 16(6) (as amended 2021-04-29)")
    assert numbers.cite(["SZC 29", "SZC 50"], "zh").endswith("第二十九条、第五十条")
    assert numbers.cite(["SZC 29", "SZC 50"], "en") == (
        "Shenzhen Special Economic Zone Regulations on Social Credit, art. 29, 50 (2023-01-06)"
    )
    for wrong in ("XYZ 3", "FL", "FL sixteen"):
        with pytest.raises(RuleFileWrong, match=r"rules/laws\.toml"):
            numbers.cite(wrong, "zh")


def test_articles_are_numbered_as_chinese_law_writes_them():
    written = {
        1: "一",
        10: "十",
        11: "十一",
        20: "二十",
        101: "一百零一",
        110: "一百一十",
        1002: "一千零二",
        1254: "一千二百五十四",
    }
    assert {n: numbers.numeral(n) for n in written} == written


def test_a_party_is_told_only_law_read_at_its_source():
    for version in Book().file("papers").versions:
        assert set(version["cites"]) == set(version["letter"]) == set(version["letter_en"]) == set(PAPERS)
        keys = {key.split()[0] for cites in version["cites"].values() for key in cites}
        assert {laws()[key].grade for key in keys} == {"A"}
        assert keys <= set(version["laws_here"]) <= set(laws())
        assert {laws()[key].grade for key in version["laws_here"]} == {"A"}
        assert not {"BJH", "BJP", "WFH", "ZJS", "SHP", "QDP"} & set(
            version["laws_here"]
        )  # Beijing, Weifang, Zhejiang ...
        assert len(set(version["letter"].values())) == len(set(version["letter_en"].values())) == len(PAPERS)


@pytest.mark.parametrize("elsewhere", ["BJH 11", "WFH 20", "ZJS 29"])
def test_the_law_of_another_place_is_never_cited_to_a_party(press, elsewhere):
    with pytest.raises(RuleFileWrong, match=f"{elsewhere}, which does not stand in laws_here"):
        press.print(attention(grounds=(elsewhere,)), "zh")
    hazard = replace(SAMPLES["rectification"].hazards[0], law=elsewhere)
    with pytest.raises(RuleFileWrong, match=elsewhere):
        press.print(rectification(hazards=(hazard,)), "zh")


def test_every_paper_has_a_template_in_both_languages_and_no_other():
    for language in LANGUAGES:
        assert {p.stem for p in (TEMPLATES / language).glob("*.typ")} == set(PAPERS)


def test_templates_never_run_text_and_never_name_a_penalty_or_guilt():
    for path in TEMPLATES.rglob("*.typ"):
        code = "\n".join(line.split("// ")[0] for line in path.read_text(encoding="utf-8").splitlines())
        assert not re.search(r"\b(eval|read|plugin|include|csv|yaml|json)\((?!bytes\(sys)", code), path
        assert "@preview" not in code, path
        assert not re.search(r"#[a-z]+\([^\n]*\);\s+\w", code), f"{path}: a semicolon after #f(...) is swallowed"
        assert not [word for word in BARRED if word in code.lower()], path


def test_the_words_of_the_papers_hold_no_barred_word(printed):
    for key, made in printed.items():
        text = text_of(made.pdf).lower()
        assert not [word for word in BARRED if bare(word) in text], key


def test_a_decision_says_in_words_how_the_appeal_ended(press):
    said = {"upheld": "申诉成立。", "partly": "申诉部分成立。", "rejected": "申诉不成立。"}
    for outcome, words in said.items():
        text = text_of(press.print(replace(SAMPLES["appeal"], outcome=outcome), "zh").pdf)
        assert [w for w in said.values() if w in text] == [words]


def test_every_shape_says_what_it_is():
    assert all(shape.__doc__ and shape.kind == kind for kind, shape in PAPERS.items())
    assert set(SAMPLES) == set(PAPERS)
    assert shapes.Paper.kind == ""
