"""Memory of a load is bounded by the chunk: what was staged is let go while the transaction is still open."""

import gc
import weakref

import duckdb
import polars as pl

from data.mapping import sources
from data.reading import LINE
from data.records import setting, staging_sql
from data.staging import insert_staged


class Watched:
    """Rows that remember the table they were handed over as."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self.rows, self.kept = rows, []

    def to_arrow(self, **how):
        table = self.rows.to_arrow(**how)
        self.kept.append(weakref.ref(table))
        return table


def test_a_chunk_is_let_go_once_it_is_staged_though_the_transaction_is_open():
    source = next(s for s in sources().values() if s.table.name == "companies")
    con = duckdb.connect()
    for statement in staging_sql(source.table):
        con.execute(statement)
    con.begin()
    rows = pl.DataFrame({"company_id": ["a"], "name_zh": ["甲"], "name_en": ["A"], LINE: [2]})
    watched = Watched(rows)
    insert_staged(con, source, watched)
    gc.collect()
    assert [kept() for kept in watched.kept] == [None]
    assert con.execute("SELECT record_id, line FROM staged").fetchall() == [("a", 2)]
    con.rollback()
    con.close()


def test_a_setting_is_put_back_also_where_the_transaction_failed():
    con = duckdb.connect()
    (before,) = con.execute("SELECT current_setting('threads')").fetchall()
    con.begin()
    try:
        with setting(con, "threads", "1"):
            assert con.execute("SELECT current_setting('threads')").fetchall() == [(1,)]
            con.execute("SELECT nothing FROM nowhere")
    except duckdb.Error:
        con.rollback()
    assert con.execute("SELECT current_setting('threads')").fetchall() == [before]
    con.close()
