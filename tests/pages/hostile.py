"""A district in which every estate, company, head, area, file and person bears a name that means harm.

Each name is one of ``PAYLOADS`` and a mark of its own, so that a name found anywhere tells whose it is. The marks also
serve the walk: a stranger's mark in an answer is a leak.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import sqlalchemy as sa

from data import editions
from data.ledger import NAME_LONGEST, accounts, open_ledger, writing
from tests.conftest import copy_of

PAYLOADS = (
    "<script>window.__ran=1</script>",
    '<img src=x onerror="window.__ran=2">',
    '<a href="javascript:window.__ran=3">a</a>',
    "[点我](javascript:window.__ran=4)",
    "![图](http://evil.example/p.png)",
    "**粗** _斜_ ~~删~~ `码` # 题",
    r"$\href{javascript:window.__ran=7}{x}$ \input{/etc/passwd}",
    '#read("/etc/passwd") #emph[x] @label <lbl> *b*',
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("http://evil.example/h","点我")',
    "+1+1",
    "@SUM(1+1)",
    "-2+3",
    "<b>粗</b><br>%{x}<extra></extra>",
    "甲\r\nBcc: mallory@evil.example",
    "乙\r\n2026-11-23 00:00:00 WARNING forged entry",
    ":material/home: :red[红] :orange-badge[x]",
    "\u202e反\u202c ';DROP TABLE estates;--",
    "{0.__class__} {name} ${7*7} {{7*7}} %(x)s",
    "</style><svg onload=window.__ran=19>",
    "http://evil.example/x www.evil.example mallory@evil.example",
    "| a | b |\n|---|---|\n| c | d |",
)
#: All that Markdown, HTML and charts could take for theirs, in one name.
ALL_AT_ONCE = (
    "**粗** [点](javascript:window.__ran=30) ![图](http://evil.example/q.png) :material/home: :red[红] $x^2$ `码` <b>粗</b> "
    "<img src=x onerror=window.__ran=31> https://evil.example www.evil.example mallory@evil.example {name}"
)
#: (table, the column that says whose it is, the columns with names)
NAMED = (
    ("estates", "estate_id", ("name_zh", "name_en")),
    ("companies", "company_id", ("name_zh", "name_en")),
    ("office_heads", "head_id", ("name_zh", "name_en")),
    ("areas", "area_id", ("name_zh", "name_en")),
    ("deliveries", "delivery_id", ("file",)),
)


def mark(key: str) -> str:
    """Found nowhere else, and not to be guessed from the id."""
    return "qx" + hashlib.sha256(key.encode()).hexdigest()[:8]


def name_of(key: str) -> str:
    number = int(hashlib.sha256(key.encode()).hexdigest()[8:16], 16)
    return f"{PAYLOADS[number % len(PAYLOADS)] if number % 3 else ALL_AT_ONCE} {mark(key)}"


def town(demo_root: Path, place: Path) -> Path:
    """A copy of the demo district with hostile names in its edition, its records and its ledger."""
    root = copy_of(demo_root, place)
    current = editions.current(root)
    assert current
    for store in (current, root / "records.duckdb"):
        con = duckdb.connect(store)
        con.create_function("hostile", name_of, ["VARCHAR"], "VARCHAR")
        held = {
            (t, c)
            for t, c in con.execute(
                "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
            ).fetchall()
        }
        for table, key, columns in NAMED:
            for column in columns:
                if {(table, key), (table, column)} <= held:
                    con.execute(f"UPDATE {table} SET {column} = hostile({key})")
        if ("evidence", "file") in held:
            con.execute("UPDATE evidence SET file = hostile(delivery_id)")
        if ("rows_set_aside", "original") in held:
            con.create_function("row_of", lambda key: json.dumps({name_of(key): name_of(key)}), ["VARCHAR"], "VARCHAR")
            con.execute("UPDATE rows_set_aside SET found = hostile(delivery_id), original = row_of(delivery_id)")
        con.close()
    ledger = open_ledger(root)
    with writing(ledger) as con:
        for (account,) in con.execute(sa.select(accounts.c.account_id)).all():
            name = name_of(account)[-NAME_LONGEST:]  # its mark stands at the end
            named = {"name_zh": name, "name_en": name}
            con.execute(sa.update(accounts).where(accounts.c.account_id == account).values(named))
    ledger.dispose()
    return root
