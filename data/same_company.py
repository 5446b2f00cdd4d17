"""What a person says of two names that follow each other at estates: one company, or two.

A decision is an act of the desk (``desk_acts``: who, when, why) and stands before the rule of ``data/respelled.py`` from then
on. It corrects the tenures on record, too: a name that is another's spelling gives way to it; names that are two companies
are parted on the days the registers turned from one to the other. Corrected tenures are new versions in a delivery of the
desk, so what was known before still reads as it did. Tenures that follow each other under one company are one spell
wherever they are counted (``metrics/evidence.py``), so none has to go.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from data.contracts import TABLES
from data.deliveries import Delivery, enter, next_seq
from data.mapping import Source
from data.mending import DESK, Act, MendRefused, act_number, acting, note_act
from data.reading import LINE
from data.records import staging_sql
from data.respelled import SAME, TWO, joined, kept, observe
from data.staging import insert_staged, store

KINDS = (SAME, TWO)
TENURES = TABLES["tenures"]
#: How tenures made at the desk are stored.
RETOLD = Source(DESK, DESK, TENURES, {})


@dataclass(frozen=True)
class Decided:
    """What a decision did: the act, the name kept for both (of two companies: none), and the tenures it corrected."""

    act_id: str
    company: str | None
    tenures: int


def decide(root: Path, before: str, after: str, kind: str, act: Act) -> Decided:
    """Keep that two names are one company, or two, and correct the tenures on record.

    Args:
        before, after: company ids as they stand in tenures, or a spelling and the company it was taken for.
        kind: one of KINDS.

    Raises:
        MendRefused: no reason given, or it is so already; nothing was stored.
        StoreBusy: somebody else is loading.
    """
    with acting(root, act) as con:
        return _decide(con, before, after, kind, act)


def _decide(con: duckdb.DuckDBPyConnection, before: str, after: str, kind: str, act: Act) -> Decided:
    links = kept(con)
    roots = joined(pl.Series([before, after], dtype=pl.String), links).to_list()
    if kind == SAME and roots[0] == roots[1]:
        raise MendRefused(f"{before} and {after} are one company already. Nothing was changed.")
    if kind == TWO and roots[0] == roots[1] and links.get(before) != after and links.get(after) != before:
        raise MendRefused(
            f"{before} and {after} are one company through a third name, so parting these two would change nothing. Part the "
            "two names that were linked. Nothing was changed."
        )
    said, company = _kept_name(con, *roots) if kind == SAME else (before, after)
    new = kept(con, kind, said, company)
    if kind == TWO and new == links and _decided_two(con, before, after):
        raise MendRefused(f"{before} and {after} are two companies by an earlier decision. Nothing was changed.")
    seq = next_seq(con)
    delivery_id, act_id = f"{seq:05d}-{DESK}", act_number(con)
    periods = retold(con, [said, company, *roots], new)
    if kind == SAME:
        _observe_old_names(con, delivery_id, said)
    changed = _store(con, delivery_id, seq, periods, act_id, act)
    told = json.dumps({"column": "company_id", "from": said, "to": company}, ensure_ascii=False)
    note_act(con, act_id, seq, kind, act, delivery_id, changed, told)
    return Decided(act_id, company if kind == SAME else None, changed)


def _decided_two(con: duckdb.DuckDBPyConnection, before: str, after: str) -> bool:
    """Was this said of the pair before?"""
    return bool(
        con.execute(
            f"""
            SELECT 1 FROM desk_acts
            WHERE kind = '{TWO}' AND json_extract_string(changes, '$.from') IN ($a, $b)
              AND json_extract_string(changes, '$.to') IN ($a, $b) LIMIT 1
            """,
            {"a": before, "b": after},
        ).fetchall()
    )


def _kept_name(con: duckdb.DuckDBPyConnection, before: str, after: str) -> tuple[str, str]:
    """(the name that gives way, the name kept): the one more estates have now is kept, of two equally common the earlier."""
    sizes = dict(
        con.execute(
            """
            SELECT company_id, count(DISTINCT estate_id) FROM tenures
            WHERE revised_by_seq IS NULL AND valid_to IS NULL AND company_id IN ($a, $b) GROUP BY ALL
            """,
            {"a": before, "b": after},
        ).fetchall()
    )
    return (before, after) if sizes.get(after, 0) > sizes.get(before, 0) else (after, before)


def retold(con: duckdb.DuckDBPyConnection, names: list[str], links: dict[str, str]) -> pl.DataFrame:
    """The tenures of these companies as the links tell them, where that is otherwise than on record: contract columns.

    A tenure is cut where its register's name became another company's; its first part keeps its id.
    """
    asked_of = {"names": names}
    now = con.sql(
        "SELECT * FROM tenures WHERE revised_by_seq IS NULL AND list_contains($names, company_id)", params=asked_of
    ).pl()
    read = con.sql(
        """
        SELECT t.record_id, r.day, r.said
        FROM tenures AS t JOIN names_read AS r USING (estate_id)
        WHERE t.revised_by_seq IS NULL AND list_contains($names, t.company_id)
          AND r.day >= t.valid_from AND (t.valid_to IS NULL OR r.day < t.valid_to)
        ORDER BY r.delivery_id
        """,
        params=asked_of,
    ).pl()
    own = now.select("record_id", day="valid_from", said="company_id")
    told = (
        pl.concat([own, read]).unique(["record_id", "day"], keep="last", maintain_order=True).sort("record_id", "day")
    )
    told = told.with_columns(company=joined(told["said"], links))
    turned = pl.col("company") != pl.col("company").shift().over("record_id")
    parts = told.filter(turned.fill_null(True)).with_columns(until=pl.col("day").shift(-1).over("record_id"))
    both = parts.select("record_id", "day", "until", "company").join(now, on="record_id")
    otherwise = (pl.col("company") != pl.col("company_id")) | (pl.len().over("record_id") > 1)
    first = pl.col("day") == pl.col("valid_from")
    name = pl.format("{}@{}", "estate_id", pl.col("day").cast(pl.String))
    return (
        both.filter(otherwise)
        .with_columns(
            tenure_id=pl.when(first).then("tenure_id").otherwise(name),
            company_id="company",
            valid_from="day",
            valid_to=pl.coalesce("until", "valid_to"),
        )
        .select(list(TENURES.columns))
        .sort("tenure_id")
    )


def _observe_old_names(con: duckdb.DuckDBPyConnection, delivery_id: str, said: str) -> None:
    """Keep that the registers said ``said`` where tenures are about to lose that name, so that they can be parted again."""
    rows = con.sql(
        """
        SELECT t.estate_id, t.valid_from AS day, t.company_id AS said FROM tenures AS t
        WHERE t.revised_by_seq IS NULL AND t.company_id = $said
          AND NOT EXISTS (SELECT 1 FROM names_read AS r WHERE r.estate_id = t.estate_id AND r.day = t.valid_from)
        """,
        params={"said": said},
    ).pl()
    observe(con, delivery_id, rows)


def _store(
    con: duckdb.DuckDBPyConnection, delivery_id: str, seq: int, periods: pl.DataFrame, act_id: str, act: Act
) -> int:
    """Store corrected tenures as a delivery of the desk; returns how many."""
    for statement in staging_sql(TENURES):
        con.execute(statement)
    insert_staged(con, RETOLD, periods.with_row_index(LINE, offset=1).with_columns(pl.col(LINE).cast(pl.Int64)))
    accepted, revised, unchanged = store(con, RETOLD, delivery_id, seq)
    if periods.height != accepted + revised + unchanged:
        raise RuntimeError(
            f"{periods.height} tenures became {accepted + revised + unchanged}; nothing was stored. Report this."
        )
    text = json.dumps(periods.rows(), default=str, ensure_ascii=False).encode()
    made = Delivery(
        delivery_id, seq, DESK, TENURES.name, act_id, hashlib.sha256(text).hexdigest(), len(text), act.at,
        periods.height, accepted, revised, unchanged, 0,
    )  # fmt: skip
    enter(con, made)
    return periods.height
