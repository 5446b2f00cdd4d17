"""A published demo district with cases, what each role may and may not see there, and how to ask it every query there is."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import sqlalchemy as sa

from data import accounts, editions, events, papers, queries, views
from data.ledger import open_ledger, writing
from data.queries import casefiles
from data.records import attach_records
from data.scope import Scope

#: Found, not listed: a new file of queries is asked from its first day.
MODULES = tuple(importlib.import_module(m.name) for m in pkgutil.walk_packages(queries.__path__, "data.queries."))
QUERIES = {
    f"{m.__name__.rsplit('.', 1)[1]}.{name}": f
    for m in MODULES
    for name, f in inspect.getmembers(m, inspect.isfunction)
    if f.__module__ == m.__name__ and next(iter(inspect.signature(f).parameters)) == "scope"
}
HELPERS = {"rankings.level_of"}  # takes a scope, reads nothing
ON_RECORDS = {name for name in QUERIES if name.startswith(("arrivals.", "desk.", "history.", "onrecord."))}


@dataclass
class Town:
    """A published demo edition, its people's scopes, and what each may and may not see, told by plain SQL."""

    con: duckdb.DuckDBPyConnection
    records: duckdb.DuckDBPyConnection
    scopes: dict[str, Scope]
    period: str
    ledger: sa.Engine
    own: dict[str, dict] = field(default_factory=dict)
    foreign: dict[str, dict] = field(default_factory=dict)
    secrets: dict[str, set] = field(default_factory=dict)


def column(con, sql: str, **params) -> set:
    return set(con.sql(sql, params=params).pl().to_series().drop_nulls().to_list())


OWN_ESTATES = {
    "subdistrict": "SELECT estate_id FROM estates WHERE period = $period AND subdistrict_id = $key",
    "station": "SELECT estate_id FROM estates WHERE period = $period AND station_id = $key",
    "manager": "SELECT estate_id FROM management WHERE company_id = $key AND $period <> ''",
}


def _with_cases(con, root: Path, period: str) -> sa.Engine:
    """A ledger with a case told to the party at every estate, each with a paper, a file handed in and a reading."""
    ledger = open_ledger(root)
    at = datetime(2026, 11, 2, 8, tzinfo=UTC)
    rows = con.sql(
        """
        SELECT m.unit_id AS party_id, e.estate_id, e.name_zh AS estate_zh, c.company_id, c.name_zh AS company_zh
        FROM estates AS e JOIN management AS m USING (estate_id) JOIN companies AS c ON c.company_id = m.company_id
        WHERE e.period = $period ORDER BY ALL
        """,
        params={"period": period},
    ).pl()
    with writing(ledger) as ledger_con:
        for row in rows.to_dicts():
            who = {"party": "estate", "head_id": None, "period": period, "step": "attention", "matter": ""}
            who |= {k: row[k] for k in ("party_id", "estate_id", "company_id")}
            case_id = events.new_case(ledger_con, who | {"edition": "2026Q3-1"}, at)
            file = events.attach(ledger_con, f"{row['estate_id']} proof".encode(), row["estate_zh"], "text/plain")
            told = [
                events.Event(case_id, 0, kind, at, "anna", "supervisor", "2026Q3-1", "SZC 29", "x", facts, sha)
                for kind, facts, sha in (
                    ("opened", who | {"due": row}, None), ("decided", {"outcome": "accept", "step": "attention"}, None),
                    ("served", {}, None), ("proof_given", {}, file), ("replied", {}, None),
                )
            ]  # fmt: skip
            events.append(ledger_con, case_id, 0, told)
            number = papers.next_sequence(ledger_con, "attention", 2026)
            both = {t: (f"{t}.pdf", f"{case_id} {t}".encode()) for t in ("zh", "en")}
            sent = papers.Sent("attention", 2026, number, f"{row['estate_zh']}{number}", "", f"CODE-{number:04d}", both)
            papers.keep(ledger_con, case_id, sent, at)
    read = [views.Party(r["estate_id"], r["company_id"]) for r in rows.to_dicts()]
    read += [
        views.Party("", *r) for r in con.sql("SELECT DISTINCT company_id, head_id FROM tenures").pl().rows() if all(r)
    ]
    views.enter(ledger, Scope("s", "supervisor"), "office_heads", read, about="x", how="page", at=at)
    for case_id in casefiles.case_ids(Scope("s", "supervisor"), con, ledger):
        casefiles.note_reading(Scope("s", "supervisor"), con, ledger, case_id=case_id, at=at)
    return ledger


def build(demo_root: Path, place: Path) -> Town:
    """The town of a demo district; its cases stand in a ledger of their own in ``place``."""
    current = editions.current(demo_root)
    assert current
    con = editions.open_edition(current)
    records = duckdb.connect()
    attach_records(records, demo_root)
    scopes: dict[str, Scope] = {
        p.role: Scope(p.account_id, p.role, area_id=p.area_id, company_id=p.company_id)
        for p in accounts.demo_people(open_ledger(demo_root))
    }
    period = max(column(con, "SELECT period FROM periods"))
    town = Town(con, records, scopes, period, _with_cases(con, place, period))
    everything = {
        "estates": column(con, "SELECT estate_id FROM estates"),
        "companies": column(con, "SELECT company_id FROM companies"),
        "heads": column(con, "SELECT head_id FROM office_heads"),
    }
    inspectors = column(
        con, "SELECT inspector_id FROM inspectors"
    )  # persons: for none of the roles below, their own area's neither
    assert len(inspectors) > 10
    for role, sql in OWN_ESTATES.items():
        scope = scopes[role]
        estates = column(con, sql, period=period, key=scope.area_id or scope.company_id)
        asked = ", ".join(f"'{e}'" for e in estates)
        if role == "manager":
            companies = {scope.company_id}
            heads = column(con, "SELECT head_id FROM tenures WHERE company_id = $key", key=scope.company_id)
        else:
            companies = column(con, f"SELECT company_id FROM tenures WHERE estate_id IN ({asked})")
            heads = column(con, f"SELECT head_id FROM tenures WHERE estate_id IN ({asked})")
        own = {"estates": estates, "companies": companies, "heads": heads}
        strange = {kind: everything[kind] - own[kind] for kind in own}
        assert all(own.values()) and all(strange.values()), f"{role}: the demo must hold own and strangers' rows"
        town.own[role], town.foreign[role] = own, strange
        town.secrets[role] = set().union(*strange.values()) | _names(con, own, strange) | inspectors
    return town


def _names(con, own: dict, strange: dict) -> set:
    """Names only strangers bear."""
    found: set = set()
    for table, key, kind in (("estates", "estate_id", "estates"), ("companies", "company_id", "companies"),
                             ("office_heads", "head_id", "heads")):  # fmt: skip
        rows = con.sql(f"SELECT DISTINCT {key} AS k, name_zh, name_en FROM {table}").pl()
        mine = rows.filter(pl.col("k").is_in(list(own[kind])))
        theirs = rows.filter(pl.col("k").is_in(list(strange[kind])))
        for name in ("name_zh", "name_en"):
            found |= set(theirs[name].drop_nulls()) - set(mine[name].drop_nulls())
    return found


def _unit_of(town: Town, estate: str, company: str | None) -> str:
    rows = town.con.sql(
        "SELECT unit_id, company_id FROM management WHERE estate_id = $e ORDER BY valid_from DESC", params={"e": estate}
    ).pl()
    if company:
        rows = rows.filter(pl.col("company_id") == company)
    return rows["unit_id"][0]


def arguments(town: Town, f, estates: set, companies: set, role: str, level: str) -> dict:
    """Arguments for every parameter the function has; an unknown parameter fails the test."""
    managed = sorted(estates & column(town.con, "SELECT estate_id FROM management"))
    estate = managed[0]
    company = sorted(companies)[0]
    own_company = (
        town.scopes[role].company_id if role == "manager" and company == town.scopes[role].company_id else None
    )
    unit = estate if level == "estate" else _unit_of(town, estate, own_company)
    values = {
        "period": town.period, "level": level, "unit_id": unit, "estate_id": estate, "company_id": company,
        "photo": "0" * 64, "metric": "complaints_closed_in_time", "estate_class": None, "subdistrict": None, "station": None, "size": None,
        "step": None, "company": None, "search": "", "worst_first": False, "limit": 5000, "offset": 0, "counted": None,
        "delivery_id": None, "reason": None, "detector": None, "ledger": town.ledger, "case_id": None, "check_code": None,
        "sha256": "", "channels": ("mail", "webhook"), "at": datetime(2026, 11, 3, 8, tzinfo=UTC),
        "state": None, "source": None, "table": "complaints", "record_id": None, "as_of": 0, "last": date(2026, 9, 30),
        "today": date(2026, 11, 3), "known": None,
    }  # fmt: skip
    if f.__module__.endswith("queries.sanctions"):  # one party at a time
        values |= {"head_id": None, "company_id": None} if level == "estate" else {"head_id": None, "estate_id": None}
    if f.__module__.endswith("casefiles"):
        values["head_id"] = None
        values |= case_asked(town, estate, company if "company_id" in inspect.signature(f).parameters else None)
    if f.__module__.endswith("watching"):
        values["table"] = None
    if "quantiles" in f.__name__:
        values["estate_class"] = "HR"
    wanted = list(inspect.signature(f).parameters)[2:]
    unknown = set(wanted) - set(values)
    assert not unknown, f"{f.__name__} has new parameters {unknown}: teach this test what a stranger's value is"
    return {k: values[k] for k in wanted}


def case_asked(town: Town, estate: str, company: str | None) -> dict:
    """A case about the estate, its paper's code and its file's hash, as an address would name them."""
    everyone = Scope("s", "supervisor")
    rows = casefiles.case_file(everyone, town.con, town.ledger, estate_id=estate)
    paper = casefiles.case_papers(everyone, town.con, town.ledger, case_id=rows[0].case_id).row(0, named=True)
    return {
        "case_id": rows[0].case_id, "check_code": paper["check_code"], "sha256": paper["sha256_zh"],
        "unit_id": rows[0].facts["party_id"], "step": "attention", "company_id": company,
    }  # fmt: skip


def said(answer) -> set:
    """Every text in an answer, also inside lists and JSON texts."""
    if answer is None:
        return set()
    rows = (
        answer.to_dicts()
        if isinstance(answer, pl.DataFrame)
        else [answer]
        if isinstance(answer, dict)
        else [{"v": json.dumps(asdict(e), default=str, ensure_ascii=False)} for e in answer]
        if isinstance(answer, list) and answer and isinstance(answer[0], events.Event)
        else [{"v": list(answer) if isinstance(answer, tuple) else answer}]
    )
    texts: set = set()
    for row in rows:
        for value in row.values():
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, str):
                    texts.add(part)
                    texts |= set(part.replace('"', " ").replace(",", " ").split())
    return texts
