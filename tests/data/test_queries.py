"""Every query, asked as every role, about their own and about strangers': no stranger's row, id or name comes back.

How many were asked, and with what answer, is printed at the end (``pytest -s``).
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
import sqlalchemy as sa

from data import accounts, editions, events, papers, queries, views
from data.ledger import open_ledger, writing
from data.queries import casefiles, desk, rankings, watching
from data.records import attach_records
from data.scope import Scope

#: Found, not listed: a new file of queries is asked from its first day.
MODULES = tuple(importlib.import_module(m.name) for m in pkgutil.walk_packages(queries.__path__, "data.queries."))
PAGES = Path(__file__).parents[2] / "pages"
QUERIES = {
    f"{m.__name__.rsplit('.', 1)[1]}.{name}": f
    for m in MODULES
    for name, f in inspect.getmembers(m, inspect.isfunction)
    if f.__module__ == m.__name__ and next(iter(inspect.signature(f).parameters)) == "scope"
}
HELPERS = {"rankings.level_of"}  # takes a scope, reads nothing
ON_RECORDS = {name for name in QUERIES if name.startswith(("arrivals.", "desk.", "history.", "onrecord."))}
ROLES = ("supervisor", "subdistrict", "station", "manager", "steward")
ASKED: Counter[tuple[str, str, str]] = Counter()  # (query, role, how it was answered)
HOW = ("with an answer", "empty", "refused")


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


def _column(con, sql: str, **params) -> set:
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


@pytest.fixture(scope="module")
def town(demo_root, tmp_path_factory) -> Town:
    con = editions.open_edition(editions.current(demo_root))
    records = duckdb.connect()
    attach_records(records, demo_root)
    scopes = {
        p.role: Scope(p.account_id, p.role, area_id=p.area_id, company_id=p.company_id)
        for p in accounts.demo_people(open_ledger(demo_root))
    }
    period = max(_column(con, "SELECT period FROM periods"))
    town = Town(con, records, scopes, period, _with_cases(con, tmp_path_factory.mktemp("cases"), period))
    everything = {
        "estates": _column(con, "SELECT estate_id FROM estates"),
        "companies": _column(con, "SELECT company_id FROM companies"),
        "heads": _column(con, "SELECT head_id FROM office_heads"),
    }
    for role, sql in OWN_ESTATES.items():
        scope = scopes[role]
        estates = _column(con, sql, period=period, key=scope.area_id or scope.company_id)
        asked = ", ".join(f"'{e}'" for e in estates)
        if role == "manager":
            companies = {scope.company_id}
            heads = _column(con, "SELECT head_id FROM tenures WHERE company_id = $key", key=scope.company_id)
        else:
            companies = _column(con, f"SELECT company_id FROM tenures WHERE estate_id IN ({asked})")
            heads = _column(con, f"SELECT head_id FROM tenures WHERE estate_id IN ({asked})")
        own = {"estates": estates, "companies": companies, "heads": heads}
        strange = {kind: everything[kind] - own[kind] for kind in own}
        assert all(own.values()) and all(strange.values()), f"{role}: the demo must hold own and strangers' rows"
        town.own[role], town.foreign[role] = own, strange
        town.secrets[role] = set().union(*strange.values()) | _names(con, own, strange)
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


def _arguments(town: Town, f, estates: set, companies: set, role: str, level: str) -> dict:
    """Arguments for every parameter the function has; an unknown parameter fails the test."""
    managed = sorted(estates & _column(town.con, "SELECT estate_id FROM management"))
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
        values |= _case_asked(town, estate, company if "company_id" in inspect.signature(f).parameters else None)
    if f.__module__.endswith("watching"):
        values["table"] = None
    if "quantiles" in f.__name__:
        values["estate_class"] = "HR"
    wanted = list(inspect.signature(f).parameters)[2:]
    unknown = set(wanted) - set(values)
    assert not unknown, f"{f.__name__} has new parameters {unknown}: teach this test what a stranger's value is"
    return {k: values[k] for k in wanted}


def _case_asked(town: Town, estate: str, company: str | None) -> dict:
    """A case about the estate, its paper's code and its file's hash, as an address would name them."""
    everyone = Scope("s", "supervisor")
    rows = casefiles.case_file(everyone, town.con, town.ledger, estate_id=estate)
    paper = casefiles.case_papers(everyone, town.con, town.ledger, case_id=rows[0].case_id).row(0, named=True)
    return {
        "case_id": rows[0].case_id, "check_code": paper["check_code"], "sha256": paper["sha256_zh"],
        "unit_id": rows[0].facts["party_id"], "step": "attention", "company_id": company,
    }  # fmt: skip


def _said(answer) -> set:
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


def _ask(town: Town, name: str, role: str, estates: set, companies: set, level: str):
    f = QUERIES[name]
    con = town.records if name in ON_RECORDS else town.con
    try:
        answer = f(town.scopes[role], con, **_arguments(town, f, estates, companies, role, level))
    except PermissionError:
        ASKED[name, role, "refused"] += 1
        raise
    ASKED[name, role, "with an answer" if _said(answer) else "empty"] += 1
    return answer


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    queries, roles = ({key[i] for key in ASKED} for i in (0, 1))
    print(f"\n{len(queries)} queries x {len(roles)} roles: {ASKED.total()} asks")
    for role in sorted(roles):
        by = Counter({how: sum(n for (_, r, h), n in ASKED.items() if (r, h) == (role, how)) for how in HOW})
        print(f"{role:12}" + ", ".join(f"{by[how]} {how}" for how in HOW))


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_every_question_takes_the_viewers_scope_first(module):
    asked = [
        (name, f)
        for name, f in inspect.getmembers(module, inspect.isfunction)
        if f.__module__ == module.__name__ and not name.startswith("_")
    ]
    assert asked, f"{module.__name__} asks nothing"
    for name, f in asked:
        first = next(iter(inspect.signature(f, eval_str=True).parameters.values()), None)
        assert first is not None and (first.name, first.annotation) == ("scope", Scope), (
            f"{module.__name__}.{name} takes no scope: nobody could tell which rows it may show"
        )


@pytest.mark.parametrize("path", sorted(PAGES.rglob("*.py")), ids=lambda p: str(p.relative_to(PAGES)))
def test_no_page_asks_the_database_past_the_scope(path):
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not calls & {"sql", "execute", "executemany", "from_query"}, f"{path.name} runs SQL of its own"


@pytest.mark.parametrize("role", ["subdistrict", "station", "manager", "mayor", ""])
@pytest.mark.parametrize("name", sorted(set(QUERIES) - HELPERS))
def test_an_account_without_its_area_company_or_role_is_told_nothing(town, name, role):
    own = town.own["station"]
    f = QUERIES[name]
    con = town.records if name in ON_RECORDS else town.con
    with pytest.raises(PermissionError):
        f(Scope("nobody", role), con, **_arguments(town, f, own["estates"], own["companies"], "steward", "estate"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", sorted(set(QUERIES) - HELPERS))
def test_no_query_tells_anybody_who_complained(town, name, role):
    """Not even by what only tells callers apart: of the estate and company with most set aside, in the table they stand in."""
    callers = _column(town.records, "SELECT caller_hash FROM complaints")
    assert len(callers) > 100
    own = town.own.get(role, town.own["station"])
    try:
        answer = _ask(town, name, role, own["estates"], own["companies"], "tenure")
    except PermissionError:
        return
    assert not _said(answer) & callers, f"{name} tells the {role} callers apart"


@pytest.mark.parametrize("level", ["estate", "tenure"])
@pytest.mark.parametrize("role", ["subdistrict", "station", "manager"])
@pytest.mark.parametrize("name", sorted(set(QUERIES) - HELPERS))
def test_no_query_tells_a_role_of_strangers(town, name, role, level):
    strange = town.foreign[role]
    for estates, companies in (
        (strange["estates"], strange["companies"]),
        (town.own[role]["estates"], town.own[role]["companies"]),
    ):
        try:
            answer = _ask(town, name, role, estates, companies, level)
        except PermissionError:
            assert role != "supervisor"
            continue
        leaked = _said(answer) & town.secrets[role]
        assert not leaked, f"{name} told the {role} of {sorted(leaked)[:5]}"


@pytest.mark.parametrize("role", ["subdistrict", "station", "manager"])
@pytest.mark.parametrize(
    "name", ["files.unit", "files.history", "files.metric_scores", "files.subindices", "files.evidence", "files.tenures",
             "files.company", "files.company_history", "sanctions.periods", "files.company_units", "files.units_of_estate"],
)  # fmt: skip
def test_a_strangers_file_comes_back_empty(town, name, role):
    strange = town.foreign[role]
    answer = _ask(town, name, role, strange["estates"], strange["companies"], "tenure")
    assert answer is None or answer.is_empty()


@pytest.mark.parametrize("role", ["supervisor", "subdistrict", "station", "manager"])
@pytest.mark.parametrize(
    "name", ["rankings.companies", "rankings.estates", "files.metric_scores", "files.evidence", "files.tenures"]
)
def test_each_role_sees_its_own(town, name, role):
    own = town.own.get(role, town.own["station"])
    answer = _ask(town, name, role, own["estates"], own["companies"], "tenure")
    assert answer.height > 0, f"{name} shows the {role} nothing of their own: the test above would prove nothing"


@pytest.mark.parametrize("role", ["subdistrict", "station", "manager"])
def test_no_spread_of_a_class_lets_a_rivals_number_be_found_by_taking_off_ones_own(town, role):
    """Of every class of the demo: what the queries show has five strangers' estates behind it, what they hide has not."""
    scope, hidden, shown = town.scopes[role], 0, 0
    classes = _column(town.con, "SELECT DISTINCT estate_class FROM estates WHERE period = $p", p=town.period)
    for estate_class in sorted(classes):
        everybody = _column(
            town.con,
            "SELECT unit_id FROM index_scores WHERE level = 'estate' AND state = 'rated' AND period = $p AND estate_class = $c",
            p=town.period,
            c=estate_class,
        )
        mine = _column(
            town.con, "SELECT estate_id FROM estates WHERE period = $p AND estate_class = $c", p=town.period, c=estate_class
        ) & town.own[role]["estates"]  # fmt: skip
        answer = QUERIES["files.quantiles"](scope, town.con, estate_class=estate_class, period=town.period)
        index = answer.filter(pl.col("metric") == "index")
        assert index.is_empty() == (len(everybody) < 5 or len(everybody) - len(mine) < 5), estate_class
        assert (answer["units"] >= 5).all()
        shown += not index.is_empty()
        hidden += index.is_empty()
    assert shown and hidden, "the demo must hold both, or this proves nothing"


@pytest.mark.parametrize("role", ["subdistrict", "station", "manager"])
def test_a_strangers_case_its_paper_and_its_file_do_not_exist(town, role):
    strange = sorted(town.foreign[role]["estates"] & _column(town.con, "SELECT estate_id FROM management"))
    asked = _case_asked(town, strange[0], None)
    scope, con, ledger = town.scopes[role], town.con, town.ledger
    if role == "manager":  # an estate of strangers is one the company never managed
        assert strange[0] not in town.own["manager"]["estates"]
    assert casefiles.case_file(scope, con, ledger, case_id=asked["case_id"]) == []
    assert casefiles.case_papers(scope, con, ledger, check_code=asked["check_code"]).is_empty()
    answer = casefiles.case_attachment(scope, con, ledger, case_id=asked["case_id"], sha256=asked["sha256"])
    assert answer is None
    assert casefiles.readings(scope, con, ledger, case_id=asked["case_id"]).is_empty()
    mine = casefiles.case_file(scope, con, ledger)
    assert {e.case_id for e in mine} == set(casefiles.case_ids(scope, con, ledger)) != set()


def test_a_file_of_one_case_does_not_open_through_another(town):
    scope, con, ledger = town.scopes["station"], town.con, town.ledger
    mine = casefiles.case_ids(scope, con, ledger)[0]
    strange = sorted(town.foreign["station"]["estates"] & _column(con, "SELECT estate_id FROM management"))[0]
    sha = _case_asked(town, strange, None)["sha256"]
    assert casefiles.case_attachment(scope, con, ledger, case_id=mine, sha256=sha) is None


def test_ranks_are_the_districts_though_only_own_rows_are_shown(town):
    of_all = rankings.companies(town.scopes["supervisor"], town.con, period=town.period, limit=5000)
    own = rankings.companies(town.scopes["manager"], town.con, period=town.period, limit=5000)
    company = town.scopes["manager"].company_id
    assert own["company_id"].to_list() == [company]
    assert own.row(0, named=True)["rank"] == of_all.filter(pl.col("company_id") == company)["rank"][0]


def test_a_steward_reads_no_scores(town):
    for name in ("rankings.companies", "rankings.estates", "rankings.due_list", "files.unit", "files.evidence"):
        with pytest.raises(PermissionError):
            _ask(town, name, "steward", town.own["station"]["estates"], town.own["station"]["companies"], "estate")


def test_only_steward_and_supervisor_read_rows_set_aside_and_a_manager_never(town):
    with pytest.raises(PermissionError):
        desk.set_aside(town.scopes["manager"], town.records)
    assert desk.set_aside(town.scopes["steward"], town.records).height > 0


def test_text_a_person_typed_is_only_searched_for(town):
    hostile = "'; DROP TABLE estates; --"
    found = rankings.estates(town.scopes["supervisor"], town.con, period=town.period, search=hostile)
    assert found.is_empty()
    assert rankings.estates(town.scopes["supervisor"], town.con, period=town.period).height > 0


def test_callers_stand_in_no_evidence(town):
    facts = town.con.sql("SELECT facts FROM evidence WHERE facts IS NOT NULL USING SAMPLE 20000 ROWS").pl()["facts"]
    assert not facts.str.contains("caller_hash").any()


def test_the_search_for_strangers_finds_them_where_they_are(town):
    """The detector itself: a supervisor's ranking does name what a station officer must not see."""
    answer = rankings.companies(town.scopes["supervisor"], town.con, period=town.period, limit=5000)
    assert _said(answer) & town.secrets["station"]
    assert _said(answer) & town.secrets["manager"]


def test_a_company_reads_its_own_views_and_no_rivals(town):
    scope = town.scopes["manager"]
    rows = watching.view_log(scope, town.con, town.ledger, at=datetime(2026, 11, 3, 8, tzinfo=UTC), limit=5000)
    own = town.own["manager"]
    assert rows.height > 0
    assert set(rows["estate_id"]) - {""} <= own["estates"]
    assert set(rows["head_id"]) - {""} <= own["heads"]
    every = watching.view_log(
        town.scopes["steward"], town.con, town.ledger, at=datetime(2026, 11, 3, 8, tzinfo=UTC), limit=50_000
    )
    assert set(every["company_id"]) & town.foreign["manager"]["companies"]
    assert every.filter(pl.col("company_id") == scope.company_id).height == rows.height
