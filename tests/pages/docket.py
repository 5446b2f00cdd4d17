"""Cases in a district where every name means harm: opened, told, replied to and disputed, each text with a mark of its own.

One about an estate of the demo manager's company, one of the demo station's area, one of a head, one of strangers to all
three, and one nobody was told of; each step by the code that people's presses run (``cases.acts``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from cases import acts
from cases.acts import Desk, Handed
from cases.papers.press import Press
from data import accounts, editions, notices
from data.ledger import open_ledger
from data.queries import casefiles, rankings
from data.scope import Scope
from rules.book import Book
from tests.pages.hostile import NAME_LONGEST, mark, name_of
from tests.pages.house import PASSWORD

SPELLS = """
    SELECT t.tenure_id, t.head_id, t.estate_id, t.company_id, e.subdistrict_id, e.station_id, e.name_zh AS estate_zh,
           e.name_en AS estate_en, c.name_zh AS company_zh, c.name_en AS company_en, h.name_zh AS head_zh, h.name_en AS head_en,
           m.unit_id, e.period
    FROM tenures AS t
    JOIN estates AS e ON e.estate_id = t.estate_id AND e.company_id = t.company_id
    JOIN companies AS c ON c.company_id = t.company_id
    JOIN office_heads AS h ON h.head_id = t.head_id
    JOIN index_scores AS s ON s.level = 'head' AND s.unit_id = t.tenure_id AND s.period = e.period
    JOIN management AS m ON m.estate_id = t.estate_id AND m.company_id = t.company_id AND m.valid_to = DATE '9999-12-31'
    WHERE e.period = (SELECT max(period) FROM periods) AND t.valid_to IS NULL
    ORDER BY t.estate_id, t.tenure_id
"""


@dataclass
class Docket:
    """The cases opened.

    Attributes:
        cases: what it is about (``manager``, ``station``, ``head``, ``stranger``, ``untold``) -> case id.
        marks: case id -> the marks of what was written in it. codes: case id -> check codes of its papers.
        readers: case id -> the roles that may read it. hashes: of every paper and file handed in. texts: mark -> what
            was written.
    """

    cases: dict[str, str] = field(default_factory=dict)
    marks: dict[str, set[str]] = field(default_factory=dict)
    codes: dict[str, list[str]] = field(default_factory=dict)
    hashes: dict[str, set[str]] = field(default_factory=dict)
    estates: dict[str, str] = field(default_factory=dict)
    readers: dict[str, set[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def hidden_from(self, role: str) -> set[str]:
        """Marks, ids, codes and hashes of the cases a role may not read."""
        closed = [c for c in self.cases.values() if role not in self.readers[c]]
        return {s for c in closed for s in {c, *self.marks[c], *self.codes[c], *self.hashes[c]}}

    def strangers(self, role: str) -> list[str]:
        return [c for c in self.cases.values() if role not in self.readers[c]]


class Clerk:
    """Opens cases and moves them through their steps."""

    def __init__(self, root: Path) -> None:
        self.root, self.ledger, self.press = root, open_ledger(root), Press()
        current = editions.current(root)
        assert current
        self.con = editions.open_edition(current)
        self.people = {p.account_id: p.scope for p in accounts.demo_people(self.ledger)}
        self.edition = rankings.edition(self.people["demo-supervisor"], self.con)["edition_id"]
        due = rankings.due_list(self.people["demo-supervisor"], self.con, step="attention", limit=1)
        self.like = due.row(0, named=True)
        self.texts = 0

    def desk(self, who: Scope, days: int) -> Desk:
        return Desk(self.root, self.ledger, Book(), self.press, datetime.now(UTC) + timedelta(days=days), who)

    def text(self, docket: Docket, case_id: str) -> str:
        """A hostile text nobody else wrote."""
        self.texts += 1
        key = f"written {self.texts}"
        docket.marks.setdefault(case_id, set()).add(mark(key))
        docket.texts[mark(key)] = name_of(key)
        return name_of(key)

    def open(self, docket: Docket, about: str, row: dict, step: str, days: int) -> str:
        party, unit = ("head", row["tenure_id"]) if step == "replacement" else ("estate", row["unit_id"])
        shown = ("estate_id", "company_id", "estate_zh", "estate_en", "company_zh", "company_en")
        due = self.like | {k: row[k] for k in shown} | {"party": party, "party_id": unit, "step": step}
        due |= {k: row[k] if party == "head" else None for k in ("head_id", "head_zh", "head_en")}
        self.texts += 1
        said = f"opened {self.texts}"
        case_id = acts.open_case(
            self.desk(self.people["demo-supervisor"], days), due, edition=self.edition, reason=name_of(said)
        )
        docket.cases[about], docket.estates[about] = case_id, row["estate_id"]
        docket.marks[case_id] = {mark(said)}
        docket.texts[mark(said)] = name_of(said)
        return case_id

    def act(self, docket: Docket, case_id: str, who: Scope, days: int, kind: str, **facts) -> None:
        """One act, its reason hostile, with a file of a hostile name where a party says something."""
        desk = self.desk(who, days)
        handed = None
        if kind in ("replied", "proof_given", "objected"):
            content = self.text(docket, case_id)
            handed = Handed(f"{self.text(docket, case_id)}.txt", "text/html", content.encode())
        acts.act(
            desk, self.con, acts.read(desk, self.con, case_id)[0], kind, facts=facts, handed=handed,
            reason=self.text(docket, case_id),
        )  # fmt: skip


def opened(root: Path) -> Docket:
    """Open the cases of a district of ``hostile.town``; see the module."""
    clerk, docket = Clerk(root), Docket()
    first, second = clerk.people["demo-supervisor"], clerk.people["demo-supervisor-2"]
    manager, station = clerk.people["demo-manager"], clerk.people["demo-station"]
    sub = clerk.people["demo-subdistrict"]
    reader = Scope("mei", "manager", company_id=manager.company_id)  # to whom mails go
    accounts.create_account(
        clerk.ledger, account_id="mei", name_zh=name_of("mei")[-NAME_LONGEST:], role="manager", company_id=manager.company_id,
        password=PASSWORD, now=datetime.now(UTC),
    )  # fmt: skip
    notices.set_address(reader, clerk.ledger, "mei", "mail", "mei@example.com", hosts=(), now=datetime.now(UTC))
    rows = clerk.con.sql(SPELLS).pl().unique("estate_id", maintain_order=True)
    ours = rows.filter(pl.col("company_id") == manager.company_id)
    near = rows.filter((pl.col("station_id") == station.area_id) & (pl.col("company_id") != manager.company_id))
    far = rows.filter(
        (pl.col("station_id") != station.area_id) & (pl.col("subdistrict_id") != sub.area_id)
        & (pl.col("company_id") != manager.company_id)
    )  # fmt: skip
    assert ours.height > 1 and near.height and far.height > 1, "the demo must hold estates of all three kinds"
    said = {"outcome": "accept"}
    for about, row in (
        ("manager", ours.row(0, named=True)),
        ("stranger", far.row(0, named=True)),
        ("station", near.row(0, named=True)),
    ):
        case = clerk.open(docket, about, row, "listing", -20)
        clerk.act(docket, case, first, -19, "decided", step="listing", **said)
        clerk.act(docket, case, first, -18, "served")
        its = Scope("company", "manager", company_id=row["company_id"])
        clerk.act(docket, case, its, -15, "replied")
        clerk.act(docket, case, its, -14, "objected", ground="not_ours", records=[])
    talk = clerk.open(docket, "talk", far.row(1, named=True), "interview", -9)
    clerk.act(docket, talk, first, -8, "decided", step="interview", **said)
    clerk.act(docket, talk, first, -7, "served", place=clerk.text(docket, talk))
    head = clerk.open(docket, "head", ours.row(1, named=True), "replacement", -9)
    clerk.act(docket, head, first, -8, "heard", said=clerk.text(docket, head))
    clerk.act(docket, head, second, -7, "decided", step="replacement", **said)
    clerk.act(docket, head, second, -6, "served")
    clerk.open(docket, "untold", ours.row(0, named=True), "attention", -3)
    _read(clerk, docket, clerk.con)
    clerk.ledger.dispose()
    return docket


def _read(clerk: Clerk, docket: Docket, con: duckdb.DuckDBPyConnection) -> None:
    """What stands in the cases, and who may read them by the plain rule: area, company once told, supervisor."""
    whole = Scope("x", "supervisor")
    newest = (
        "SELECT estate_id, subdistrict_id, station_id FROM estates WHERE period = (SELECT max(period) FROM periods)"
    )
    areas = {estate: (sub, station) for estate, sub, station in con.sql(newest).pl().iter_rows()}
    for about, case_id in docket.cases.items():
        papers = casefiles.case_papers(whole, con, clerk.ledger, case_id=case_id)
        docket.codes[case_id] = papers["check_code"].to_list()
        events = casefiles.case_file(whole, con, clerk.ledger, case_id=case_id)
        docket.hashes[case_id] = {h for c in ("sha256_zh", "sha256_en") for h in papers[c]}
        docket.hashes[case_id] |= {e.attachment for e in events if e.attachment}
        sub, station = areas[docket.estates[about]]
        readers = {"supervisor"}
        readers |= {"subdistrict"} if sub == clerk.people["demo-subdistrict"].area_id else set()
        readers |= {"station"} if station == clerk.people["demo-station"].area_id else set()
        readers |= {"manager"} if about in ("manager", "head") else set()
        docket.readers[case_id] = readers
