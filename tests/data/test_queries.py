"""Every query, asked as every role, about their own and about strangers': no stranger's row, id or name comes back.

How many were asked, and with what answer, is printed at the end (``pytest -s``).
"""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from data.queries import casefiles, desk, rankings, watching
from data.scope import Scope
from tests.data.querying import HELPERS, MODULES, ON_RECORDS, QUERIES, Town, arguments, build, case_asked, column, said

PAGES = Path(__file__).parents[2] / "pages"
ROLES = ("supervisor", "subdistrict", "station", "manager", "steward")
ASKED: Counter[tuple[str, str, str]] = Counter()  # (query, role, how it was answered)
HOW = ("with an answer", "empty", "refused")


@pytest.fixture(scope="module")
def town(demo_root, tmp_path_factory) -> Town:
    return build(demo_root, tmp_path_factory.mktemp("cases"))


def _ask(town: Town, name: str, role: str, estates: set, companies: set, level: str):
    f = QUERIES[name]
    con = town.records if name in ON_RECORDS else town.con
    try:
        answer = f(town.scopes[role], con, **arguments(town, f, estates, companies, role, level))
    except PermissionError:
        ASKED[name, role, "refused"] += 1
        raise
    ASKED[name, role, "with an answer" if said(answer) else "empty"] += 1
    return answer


@pytest.fixture(scope="module", autouse=True)
def report():
    yield
    queries, roles = ({key[i] for key in ASKED} for i in (0, 1))
    print(f"\n{len(queries)} queries x {len(roles)} roles: {ASKED.total()} asks")
    for role in sorted(roles):
        by = Counter({how: sum(n for (_, r, h), n in ASKED.items() if (r, h) == (role, how)) for how in HOW})
        print(f"{role:12}" + ", ".join(f"{by[how]} {how}" for how in HOW))


def questions(module: ModuleType) -> dict:
    """The functions a module of queries offers."""
    found = inspect.getmembers(module, inspect.isfunction)
    return {name: f for name, f in found if f.__module__ == module.__name__ and not name.startswith("_")}


def takes_scope(f) -> bool:
    first = next(iter(inspect.signature(f, eval_str=True).parameters.values()), None)
    return first is not None and (first.name, first.annotation) == ("scope", Scope)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__)
def test_every_question_takes_the_viewers_scope_first(module):
    asked = questions(module)
    assert asked, f"{module.__name__} asks nothing"
    for name, f in asked.items():
        assert takes_scope(f), f"{module.__name__}.{name} takes no scope: nobody could tell which rows it may show"


def test_a_question_without_a_scope_is_found():
    """The detector itself: of a module like those asked, the one question that forgot it."""
    module = ModuleType("data.queries.made_up")
    exec(  # a module of this test's own
        "from data.scope import Scope\n"
        "def honest(scope: Scope, con): ...\ndef forgetful(con, *, estate_id: str): ...\ndef _within(con): ...",
        module.__dict__,
    )
    assert {name: takes_scope(f) for name, f in questions(module).items()} == {"honest": True, "forgetful": False}


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
        f(Scope("nobody", role), con, **arguments(town, f, own["estates"], own["companies"], "steward", "estate"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", sorted(set(QUERIES) - HELPERS))
def test_no_query_tells_anybody_who_complained(town, name, role):
    """Not even by what only tells callers apart: of the estate and company with most set aside, in the table they stand in."""
    callers = column(town.records, "SELECT caller_hash FROM complaints")
    assert len(callers) > 100
    own = town.own.get(role, town.own["station"])
    try:
        answer = _ask(town, name, role, own["estates"], own["companies"], "tenure")
    except PermissionError:
        return
    assert not said(answer) & callers, f"{name} tells the {role} callers apart"


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
        leaked = said(answer) & town.secrets[role]
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
    classes = column(town.con, "SELECT DISTINCT estate_class FROM estates WHERE period = $p", p=town.period)
    for estate_class in sorted(classes):
        everybody = column(
            town.con,
            "SELECT unit_id FROM index_scores WHERE level = 'estate' AND state = 'rated' AND period = $p AND estate_class = $c",
            p=town.period,
            c=estate_class,
        )
        mine = column(
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
    strange = sorted(town.foreign[role]["estates"] & column(town.con, "SELECT estate_id FROM management"))
    asked = case_asked(town, strange[0], None)
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
    strange = sorted(town.foreign["station"]["estates"] & column(con, "SELECT estate_id FROM management"))[0]
    sha = case_asked(town, strange, None)["sha256"]
    assert casefiles.case_attachment(scope, con, ledger, case_id=mine, sha256=sha) is None


def test_ranks_are_the_districts_though_only_own_rows_are_shown(town):
    of_all = rankings.companies(town.scopes["supervisor"], town.con, period=town.period, limit=5000)
    own = rankings.companies(town.scopes["manager"], town.con, period=town.period, limit=5000)
    company = town.scopes["manager"].company_id
    assert own["company_id"].to_list() == [company]
    assert own.row(0, named=True)["rank"] == of_all.filter(pl.col("company_id") == company)["rank"][0]


@pytest.mark.parametrize("role", ["subdistrict", "station"])
def test_an_estates_place_is_that_among_all_of_its_class_though_only_the_area_is_shown(town, role):
    keys = ("estate_id", "rank_in_class", "class_size", "rank_lo", "rank_hi")
    of_all, own = (
        rankings.estates(town.scopes[r], town.con, period=town.period, limit=5000).select(keys).sort("estate_id")
        for r in ("supervisor", role)
    )
    assert 0 < own.height < of_all.height
    assert own.equals(of_all.filter(pl.col("estate_id").is_in(own["estate_id"].to_list())))
    assert (own["class_size"] > own.height).any(), "places are counted over more than the area"


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
    assert said(answer) & town.secrets["station"]
    assert said(answer) & town.secrets["manager"]


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
