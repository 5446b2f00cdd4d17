"""Nothing kept between two runs holds anybody's rows: whoever asks next could be somebody else.

Pages keep no answers at all (queries take milliseconds). What is kept in a process stands below with what it holds; a new
cache fails until it is named here (a cached property goes with its object), and one that takes a scope, a connection or a person is refused whatever its name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOMS = ("cases", "commands", "data", "i18n", "metrics", "pages", "rules")
CACHES = ("cache", "lru_cache", "cache_data", "cache_resource", "experimental_memo", "memo")
#: Whose answer depends on who asks.
ASKED_BY = {"scope", "con", "viewer", "account", "account_id", "session", "stay", "desk", "role", "t"}
KEPT = {
    "metrics/surveillance.py:threshold": "arithmetic", "data/breaches.py:_filled_part": "contracts", "data/mapping.py:sources": "mapping files",
    "rules/laws.py:laws": "rule files", "pages/shared/rule.py:book": "rule files", "data/deliveries.py:_book": "rule files",
    "data/forms.py:forms": "rule files", "data/form_rows.py:_known": "rule files", "i18n/words.py:table": "words",
    "data/suggest.py:synonyms": "words", "data/own_mappings.py:_read": "mapping files",
    "data/uploads.py:limits": "configuration", "data/accounts.py:_hasher": "a hash nobody has the password of",
    "data/editions.py:_connection": "an edition's connection; what is asked of it is not kept",
    "data/editions.py:lacking": "names of tables and columns",
    "data/editions.py:_published": "what an edition's file says of itself", "pages/shared/viewer.py:_opened": "the ledger's connections",
    "pages/shared/service.py:_signer": "a key", "pages/shared/downloads.py:press": "the typesetter; no paper is kept in it",
    "pages/shared/downloads.py:fonts_here": "yes or no", "pages/shared/signin.py:turnstile": "a counter",
    "pages/shared/signin.py:_is_demo": "whether an edition is invented", "pages/shared/entry.py:settle": "nothing",
}  # fmt: skip


def cached(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """(name, parameters) of every function some cache stands over, by whatever module it is called from."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        named = {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "")
                 for d in node.decorator_list for part in ast.walk(d)}  # fmt: skip
        if named & set(CACHES):
            a = node.args
            yield node.name, {p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)}


def found() -> dict[str, set[str]]:
    paths = [p for room in ROOMS for p in sorted((REPOSITORY / room).rglob("*.py"))]
    return {
        f"{path.relative_to(REPOSITORY)}:{name}": asked
        for path in paths
        for name, asked in cached(ast.parse(path.read_text(encoding="utf-8")))
    }


def test_every_cache_is_known_and_none_depends_on_who_asks():
    caches = found()
    assert not {name for name, asked in caches.items() if asked & ASKED_BY}
    assert set(caches) == set(KEPT), "name it above with what it holds, or do without"


def test_no_module_hands_a_function_to_a_cache_or_keeps_answers_with_streamlit():
    """``kept = lru_cache(ask)`` and ``st.cache_data(ask)`` too."""
    for room in ROOMS:
        for path in sorted((REPOSITORY / room).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            over = {
                id(part) for node in ast.walk(tree) for d in getattr(node, "decorator_list", ()) for part in ast.walk(d)
            }
            for call in ast.walk(tree):
                if isinstance(call, ast.Call) and id(call) not in over:
                    said = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                    assert said not in CACHES, f"{path.name}:{call.lineno}"
                if isinstance(call, ast.Attribute):
                    assert call.attr not in ("cache_data", "cache_resource"), f"{path.name}:{call.lineno}"


@pytest.mark.parametrize(
    "source",
    ["@cache\ndef rows(scope, con): ...", "@functools.lru_cache(maxsize=8)\ndef rows(con, *, period): ...",
     "@st.cache_data(ttl=60)\ndef rows(_con, scope): ..."],
)  # fmt: skip
def test_a_cached_question_is_found(source):
    """The detector itself."""
    ((name, asked),) = cached(ast.parse(source))
    assert name == "rows" and asked & ASKED_BY
