"""Weighing an objection: the period once more with its records taken out or given to another estate, beside the edition.

The recomputation is the edition's own in everything else: its deliveries, its rulebook, its earlier rulings and sanctions. It
goes into a temporary folder and is thrown away; an edition changes only by drafting and publishing the next.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from cases.allowed import NotDue
from cases.case import Case
from cases.computing import known_to, score
from cases.publish import NoSuchEdition, saved_book
from cases.rulings import Decided
from data import editions
from data.ruling_tables import Ruling, frame_of
from metrics.edition import Progress

OUTCOME = ("score", "low", "high", "band", "rank", "ranked", "step")
COMPANY = """
    SELECT final AS score, lo AS low, hi AS high, band, rank, ranked
    FROM {schema}.company_scores
    WHERE party = 'company' AND party_id = $party_id AND period = $period
"""
UNIT = """
    SELECT final AS score, lo AS low, hi AS high, band, rank_in_class AS rank, class_size AS ranked
    FROM {schema}.index_scores
    WHERE unit_id = $party_id AND period = $period
      AND level = CASE WHEN $party = 'head' THEN 'head' WHEN unit_id = estate_id THEN 'estate' ELSE 'tenure' END
"""


PROGRAM = Path(__file__).parent.parent


class WeighingFailed(RuntimeError):
    """The period could not be computed again; what the computation said stands in the message."""


@dataclass(frozen=True)
class Weighed:
    """What rulings on some records would do.

    Attributes:
        before, after: of the party asked about: score, low, high (90 % interval), band, rank and ranked (in its class), step.
        others: other parties whose recommended step would change: party, party_id, before, after.
    """

    before: dict
    after: dict
    others: pl.DataFrame


def weigh_case(root: Path, case: Case, rulings: Sequence[dict], progress: Progress | None = None) -> tuple[dict, dict]:
    """A case's party as its edition has it, and with the records as ruled; the same twice where nothing is ruled.

    Computed in a process of its own: it takes as much memory and time as half a draft, and pages go on meanwhile.

    Args:
        rulings: dicts with ``table, record_id, ruling`` (``exclude`` or ``reassign``) and ``to_estate``.

    Raises:
        NoSuchEdition: the case's edition is not in the folder.
        NotDue: a record is reassigned to an estate the edition does not know.
        WeighingFailed: the computation broke off.
    """
    party = (case.party, case.party_id)
    if not rulings:
        found = weigh(root, case.edition, rulings, party)
        return found.before, found.after
    _known_estates(_edition(root, case.edition), rulings)
    asked = {"root": str(root.resolve()), "edition": case.edition, "rulings": list(rulings), "party": party}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        with subprocess.Popen(
            [sys.executable, "-m", "cases.appeal"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
            encoding="utf-8", cwd=PROGRAM,
        ) as other:  # fmt: skip
            answer = _follow(other, json.dumps(asked), progress or (lambda *_: None))
        said.seek(0)
        if answer is None:
            raise WeighingFailed(f"The period could not be computed again: {said.read()[-500:].strip()}")
    return answer["before"], answer["after"]


def _follow(other: subprocess.Popen, asked: str, tell: Progress) -> dict | None:
    """Hand the question to the other process and pass its progress on; its answer, or None where it gave none."""
    if other.stdin is None or other.stdout is None:
        return None
    other.stdin.write(asked)
    other.stdin.close()
    answer = None
    for line in other.stdout:
        told = json.loads(line)
        if "step" in told:
            tell(*told["step"])
        else:
            answer = told
    return answer


def answer_one(asked: str) -> None:
    """Answer one question of ``weigh_case`` on standard output: a line of JSON per step, then the two outcomes."""
    given = json.loads(asked)

    def tell(name: str, step: int, steps: int) -> None:
        print(json.dumps({"step": [name, step, steps]}), flush=True)

    party = (given["party"][0], given["party"][1])
    found = weigh(Path(given["root"]), given["edition"], given["rulings"], party, tell, others=False)
    print(json.dumps({"before": found.before, "after": found.after}), flush=True)


def weigh(
    root: Path, edition_id: str, rulings: Sequence[dict], party: tuple[str, str], progress: Progress | None = None,
    *, others: bool = True,
) -> Weighed:  # fmt: skip
    """An edition beside its recomputation with some records ruled on.

    Args:
        party: kind (``estate``, ``head``, ``company``) and id, as in the due list.
        others: False works out only what the party's own numbers rest on, to the same digits, and tells of nobody else.

    Raises:
        NoSuchEdition, NotDue: as ``weigh_case``.
    """
    con = _edition(root, edition_id)
    period, as_of = con.execute("SELECT period, as_of FROM edition").fetchall()[0]
    before = _outcome(con, "main", period, party)
    if not rulings:
        return Weighed(before, dict(before), _steps(con, "main").clear())
    _known_estates(con, rulings)
    known = known_to(con, "main")
    known = replace(known, decided=with_rulings(known.decided, rulings))
    with tempfile.TemporaryDirectory() as place:
        book = saved_book(con, "main", Path(place) / "rules")
        again = duckdb.connect()
        try:
            again.execute(f"ATTACH '{Path(place) / 'again.duckdb'}' AS edition")
            score(
                again,
                root,
                period,
                as_of,
                book,
                known,
                progress,
                whole=False,
                levels=None if others else _levels(con, party),
            )
            after, steps = _outcome(again, "edition", period, party), _steps(again, "edition")
        finally:
            again.close()
    moved = _changed(_steps(con, "main"), steps, party)
    return Weighed(before, after, moved if others else moved.clear())


def _edition(root: Path, edition_id: str) -> duckdb.DuckDBPyConnection:
    path = editions.path_of(root, edition_id)
    if path is None:
        raise NoSuchEdition(f"No edition '{edition_id}' to weigh against. Restore it from the backup.")
    return editions.open_edition(path)


def _levels(con: duckdb.DuckDBPyConnection, party: tuple[str, str]) -> tuple[str, ...]:
    """The levels a party's numbers rest on; spells always, as the variants of the method are compared on them."""
    kind, party_id = party
    if kind == "head":
        return ("tenure", "head")
    alone = con.execute("SELECT count(*) FROM estates WHERE estate_id = $id", {"id": party_id}).fetchall()[0][0]
    return ("estate", "tenure") if kind == "estate" and alone else ("tenure",)


def with_rulings(decided: Decided, rulings: Sequence[dict]) -> Decided:
    """What an edition was made with, and further rulings, which go before its own on the same record."""
    own = {"case_id": "weighed", "objection": 1, "decided_on": date.min, "seq": decided.seq + 1}
    rows = [
        own
        | {
            "record_table": r["table"],
            "record_id": r["record_id"],
            "ruling": r["ruling"],
            "to_estate": r.get("to_estate"),
        }
        for r in rulings
    ]
    new = frame_of(Ruling, rows)
    old = decided.rulings.join(new, on=["record_table", "record_id"], how="anti")
    return replace(decided, rulings=pl.concat([old, new]).sort("record_table", "record_id"))


def _known_estates(con: duckdb.DuckDBPyConnection, rulings: Sequence[dict]) -> None:
    named = sorted({r["to_estate"] for r in rulings if r["ruling"] == "reassign" and r.get("to_estate")})
    known = {r[0] for r in con.execute("SELECT DISTINCT estate_id FROM estates").fetchall()}
    for estate in named:
        if estate not in known:
            raise NotDue("no_such_estate", estate=estate)


def _outcome(con: duckdb.DuckDBPyConnection, schema: str, period: str, party: tuple[str, str]) -> dict:
    """The party's row; empty values where the edition has none."""
    kind, party_id = party
    asked = {"party_id": party_id, "period": period} | ({} if kind == "company" else {"party": kind})
    rows = con.sql((COMPANY if kind == "company" else UNIT).format(schema=schema), params=asked).pl().to_dicts()
    due = con.sql(
        f"SELECT step FROM {schema}.due WHERE party = $party AND party_id = $party_id AND period = $period",
        params={"party": kind, "party_id": party_id, "period": period},
    ).pl()
    found = rows[0] if rows else {}
    return {k: found.get(k) for k in OUTCOME} | {"step": due["step"][0] if due.height else "none"}


def _steps(con: duckdb.DuckDBPyConnection, schema: str) -> pl.DataFrame:
    return con.sql(f"SELECT party, party_id, step FROM {schema}.due ORDER BY party, party_id").pl()


def _changed(before: pl.DataFrame, after: pl.DataFrame, party: tuple[str, str]) -> pl.DataFrame:
    """Other parties whose step is another one: party, party_id, before, after."""
    both = before.rename({"step": "before"}).join(
        after.rename({"step": "after"}), on=["party", "party_id"], how="full", coalesce=True
    )
    both = both.with_columns(pl.col("before", "after").fill_null("none"))
    other = ~((pl.col("party") == party[0]) & (pl.col("party_id") == party[1]))
    return both.filter(other & (pl.col("before") != pl.col("after"))).sort("party", "party_id")


if __name__ == "__main__":
    answer_one(sys.stdin.read())
