"""Cases in which every text means harm: their papers, workbook, mails and files are text and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZipFile

import openpyxl
import pypdf
import pytest
import sqlalchemy as sa

from cases.acts import Desk
from cases.mail import letter
from data import editions
from data.ledger import open_ledger, outbox
from data.outbox import Message
from data.queries import casefiles
from data.scope import Scope
from i18n.words import Words
from pages.shared import downloads, place
from rules.book import Book
from tests.cases.test_hostile_texts import ACTIVE, bare, keys_of
from tests.pages.docket import Docket, opened
from tests.pages.hostile import mark, town

EVERYONE = Scope("demo-supervisor", "supervisor")
MARK = re.compile(r"qx[0-9a-f]{8}")
KINDS = ("manager", "stranger", "station", "talk", "head", "untold")


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory):
    return town(demo_root, tmp_path_factory.mktemp("harm") / "var")


@pytest.fixture(scope="module")
def docket(root) -> Docket:
    return opened(root)


@pytest.fixture(scope="module")
def stores(root, docket):
    current = editions.current(root)
    assert current
    ledger = open_ledger(root)
    yield editions.open_edition(current), ledger
    ledger.dispose()


def test_the_papers_of_a_case_hold_its_texts_and_nothing_that_acts(docket, stores):
    con, ledger = stores
    seen = 0
    for about, case_id in docket.cases.items():
        for row in casefiles.case_papers(EVERYONE, con, ledger, case_id=case_id).iter_rows(named=True):
            for language in ("zh", "en"):
                kept = casefiles.case_attachment(
                    EVERYONE, con, ledger, case_id=case_id, sha256=row[f"sha256_{language}"]
                )
                assert kept
                name, media, pdf = kept
                assert media == "application/pdf" and not set(name) & set('/\\:*?"<>|\r\n')
                document = pypdf.PdfReader(BytesIO(pdf))
                active = {k for k in keys_of(document.trailer, set()) if ACTIVE.match(k)}
                assert not active, f"{about}: the paper holds {active}"
                said = bare("".join(page.extract_text() for page in document.pages))
                assert "root:x:0" not in said, "a file of this machine was read"
                assert mark(docket.estates[about]) in said, "the estate is named"
                others = set(MARK.findall(said)) & set(docket.texts) - docket.marks[case_id]
                assert not others, "a text of another case"
                seen += len(set(MARK.findall(said)) & docket.marks[case_id])
    assert seen >= 10, "what people wrote is in the papers, or this proves little"


@pytest.mark.parametrize("about", KINDS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_workbook_of_a_case_holds_its_texts_and_no_formula_or_link(
    root, docket, stores, monkeypatch, about, language
):
    con, ledger = stores
    monkeypatch.setattr(place, "root", lambda: root)
    desk = Desk(root, ledger, Book(), downloads.press(), datetime.now(UTC), EVERYONE)
    made = downloads.case_book(EVERYONE, con, desk, docket.cases[about], Words(language))
    with ZipFile(BytesIO(made)) as z:
        for part in z.namelist():
            assert not re.search(rb"<f[ >]|<hyperlink|<externalReference|vbaProject", z.read(part)), part
    cells = [
        c for sheet in openpyxl.load_workbook(BytesIO(made)) for row in sheet.iter_rows() for c in row
        if c.value is not None
    ]  # fmt: skip
    assert {c.data_type for c in cells} <= {"s", "n", "d", "b"}
    said = {bare(str(c.value).replace("_x000D_", "")) for c in cells}
    reasons = [e.reason for e in casefiles.case_file(EVERYONE, con, ledger, case_id=docket.cases[about])]
    assert reasons and {bare(r) for r in reasons} <= said


def test_a_mail_about_a_case_names_nobody_and_has_one_reader(docket, stores):
    """Mails leave the house: a line and a link, no name, no reason, nothing anybody wrote."""
    _, ledger = stores
    with ledger.connect() as con:
        rows = [dict(r) for r in con.execute(sa.select(outbox)).mappings()]
    assert len(rows) >= 2, "the company was told of its two cases"
    for row in rows:
        said = f"{row['subject']} {row['body']} {row['to']}"
        assert not MARK.search(said), said
        message = Message(1, row["key"], "mail", row["to"], row["subject"], row["body"], datetime.now(UTC), 0, "w")
        mail = letter(message, "steward@example.org", datetime.now(UTC))
        assert mail["To"] == "mei@example.com" and mail["Bcc"] is None and mail.get_content_type() == "text/plain"
