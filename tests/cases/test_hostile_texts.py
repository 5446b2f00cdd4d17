"""Every kind of paper, workbook, mail and webhook with hostile names in every text: nothing but text comes out."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from io import BytesIO
from itertools import count
from zipfile import ZipFile

import openpyxl
import polars as pl
import pypdf
import pytest

from cases.mail import letter
from cases.papers import workbooks
from cases.papers.press import Press
from cases.papers.shapes import PAPERS, Both
from cases.papers.workbooks import About, Column, Sheet
from cases.webhook import payload
from data.outbox import Message
from i18n.words import Words
from tests.cases.paper_samples import SAMPLES
from tests.pages.hostile import PAYLOADS

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
#: What makes a PDF do something: scripts, programs, links, forms, files inside.
ACTIVE = re.compile(r"/(JavaScript|JS|Launch|URI|SubmitForm|GoToR|EmbeddedFile|OpenAction|AA|RichMedia)$")


def bare(text: str) -> str:
    return re.sub(r"[\s\u200b]+", "", text)


def harmed(value, number):
    """A paper with a hostile text behind each bilingual one, in turn; what was put in is gathered by ``number``."""
    if isinstance(value, Both):
        put = PAYLOADS[next(number) % len(PAYLOADS)]
        return Both(f"{value.zh} {put}", f"{value.en or value.zh} {put}")
    if isinstance(value, tuple):
        return tuple(harmed(v, number) for v in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: harmed(getattr(value, f.name), number) for f in fields(value) if f.init})
    return value


def keys_of(thing, seen: set[int]) -> set[str]:
    """Every dictionary key in a PDF's objects."""
    thing = thing.get_object() if hasattr(thing, "get_object") else thing
    if id(thing) in seen:
        return set()
    seen.add(id(thing))
    if isinstance(thing, dict):
        return (
            {str(k) for k in thing} | {str(thing.get("/S"))} | set().union(*(keys_of(v, seen) for v in thing.values()))
        )
    return set().union(*(keys_of(v, seen) for v in thing)) if isinstance(thing, list) else set()


@pytest.mark.parametrize(("language", "kind"), [(("zh", "en")[i % 2], kind) for i, kind in enumerate(PAPERS)])
def test_no_paper_runs_or_hides_a_hostile_text(language, kind):
    number = count(sum(map(ord, kind)))  # another payload first in each kind
    first = next(number)
    paper = harmed(SAMPLES[kind], number)
    put = {PAYLOADS[n % len(PAYLOADS)] for n in range(first + 1, next(number))}
    made = Press().print(paper, language)
    document = pypdf.PdfReader(BytesIO(made.pdf))
    said = bare("".join(page.extract_text() for page in document.pages))
    shown = [p for p in put if bare(p.replace("\u202e", "[U+202E]").replace("\u202c", "[U+202C]")) in said]
    assert len(shown) >= min(len(put), 3), f"of {len(put)} texts put in only {len(shown)} are to be read"
    assert "root:x:0" not in said, "a file of this machine was read"
    active = {k for k in keys_of(document.trailer, set()) if ACTIVE.match(k)}
    assert not active, f"the paper holds {active}"


def test_no_cell_of_a_workbook_is_a_formula_or_a_link_whatever_its_text():
    about = About(PAYLOADS[8], tuple((p, p) for p in PAYLOADS), date(2026, 10, 12), demo=False)
    sheet = Sheet("=1+1", pl.DataFrame({"a": PAYLOADS}), (Column("a", PAYLOADS[9]),), PAYLOADS[10])
    data = workbooks.workbook(about, [sheet], Words("zh"))
    with ZipFile(BytesIO(data)) as z:
        for part in z.namelist():
            assert not re.search(rb"<f[ >]|<hyperlink|<externalReference|vbaProject", z.read(part)), part
    cells = [
        c
        for page in openpyxl.load_workbook(BytesIO(data))
        for row in page.iter_rows()
        for c in row
        if c.value is not None
    ]
    assert {c.data_type for c in cells} <= {"s", "n", "d", "b"}
    read = {bare(str(c.value).replace("_x000D_", "")) for c in cells}  # as the format writes CR
    assert {bare(p) for p in PAYLOADS} <= read


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_mail_with_a_hostile_subject_goes_to_its_reader_alone(text):
    message = Message(1, f"key {text}", "mail", "anna@example.org", text, text, NOW, 0, "w")
    mail = letter(message, "steward@example.org", NOW)
    raw = mail.as_bytes().decode("ascii")
    head = raw.split("\r\n\r\n", 1)[0]
    names = [line.split(":")[0] for line in head.split("\r\n") if not line.startswith((" ", "\t"))]
    assert sorted(names) == sorted(set(names)), "no header twice"
    assert set(names) <= {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type",
                          "Content-Transfer-Encoding", "MIME-Version"}  # fmt: skip
    assert mail["To"] == "anna@example.org" and mail["Bcc"] is None
    assert bare(str(mail["Subject"])) == bare(text)
    assert bare(mail.get_content()) == bare(text)
    assert mail.get_content_type() == "text/plain"
    assert bare(json.loads(payload(message))["data"]["subject"]) == bare(text)
