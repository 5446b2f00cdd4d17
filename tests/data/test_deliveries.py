"""Deliveries judged as wholes: what is odd of one is told beside it; what is suspicious waits for a person."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest
from scipy import stats

from data import waiting as waiting_files
from data.deliveries import Delivery
from data.intake import accept, load_file, refuse_waiting
from data.queries import arrivals
from data.records import attach_records
from data.scope import Scope
from data.shifts import stability
from data.waiting import Decision, DecisionRefused
from tests.data.town import NOW, ORDERS, ask, counts, everything, load, put, registers


@pytest.fixture
def root(tmp_path) -> Path:
    return registers(tmp_path / "var")


def orders(first: int, n: int, day: str) -> str:
    rows = [f"o{i},oak,{day} 09:00:00,110,投诉,," for i in range(first, first + n)]
    return "\n".join([ORDERS, *rows]) + "\n"


def told(root: Path, made) -> dict[str, dict]:
    rows = ask(root, f"SELECT note, params FROM delivery_notes WHERE delivery_id = '{made.delivery_id}'")
    return {n: json.loads(p) for n, p in rows}


def test_an_ordinary_delivery_has_nothing_told_of_it(root, tmp_path):
    assert told(root, load(root, put(tmp_path, "a.csv", orders(0, 5, "2026-01-05")))) == {}


def test_a_large_share_set_aside_is_told_with_its_percent(root, tmp_path):
    text = orders(0, 3, "2026-01-05").replace("o0,oak", "o0,ash")  # an estate nobody knows: 1 of 3 is 33 %
    assert told(root, load(root, put(tmp_path, "a.csv", text))) == {"many_set_aside": {"n": 1, "percent": 33}}


def test_three_times_the_usual_number_of_rows_passes_and_more_is_told(root, tmp_path):
    for i in range(3):
        load(root, put(tmp_path, f"{i}.csv", orders(10 * i, 4, "2026-01-05")))
    assert told(root, load(root, put(tmp_path, "x.csv", orders(100, 12, "2026-01-06")))) == {}
    assert told(root, load(root, put(tmp_path, "y.csv", orders(200, 13, "2026-01-06")))) == {
        "unusual_count": {"n": 13, "usual": 4}
    }


def test_days_without_a_record_before_a_delivery_are_told(root, tmp_path):
    load(root, put(tmp_path, "a.csv", orders(0, 2, "2026-01-05")))
    assert told(root, load(root, put(tmp_path, "b.csv", orders(10, 2, "2026-02-05")))) == {}  # 31 days
    found = told(root, load(root, put(tmp_path, "c.csv", orders(20, 2, "2026-03-09"))))  # 32 days
    assert found == {"period_gap": {"days": 32, "last": "2026-02-05", "first": "2026-03-09"}}


def test_records_dated_after_the_delivery_are_told_and_kept(root, tmp_path):
    made = load(root, put(tmp_path, "a.csv", orders(0, 2, "2026-10-09")))  # received on 8 October 2026
    assert counts(made) == (2, 2, 0, 0, 0)
    assert told(root, made) == {"future_days": {"n": 2, "day": "2026-10-09"}}


def waiting(root: Path) -> list[tuple]:
    return ask(root, "SELECT waiting_id, state, decided_by, why FROM deliveries_waiting ORDER BY 1")


def doubtful(root: Path, tmp_path: Path, name: str = "odd.csv") -> Delivery:
    """A file of 40 rows, 30 of them (75 %, more than half, more than 20 rows) of an estate nobody knows."""
    text = orders(0, 30, "2026-01-05").replace(",oak,", ",ash,") + "\n".join(
        orders(30, 10, "2026-01-05").splitlines()[1:]
    )
    return load(root, put(tmp_path, name, text + "\n"))


def decide(made: Delivery, why: str = "站点确认了") -> Decision:
    return Decision(made.delivery_id, "steward-1", why, NOW)


def test_a_doubtful_delivery_waits_and_none_of_its_rows_counts(root, tmp_path):
    before = everything(root)
    made = doubtful(root, tmp_path)
    assert (made.waits, counts(made)) == ("waiting", (40, 10, 0, 0, 30))
    after = everything(root)
    assert {n for n in after if not after[n].equals(before[n])} == {"deliveries_waiting"}
    other = load(root, put(tmp_path, "other.csv", orders(100, 3, "2026-01-05")))
    assert counts(other) == (3, 3, 0, 0, 0)  # it blocks nothing else


def test_the_same_file_again_still_waits_once(root, tmp_path):
    first, again = doubtful(root, tmp_path), doubtful(root, tmp_path)
    assert (first.already, again.already, again.waits) == (False, True, "waiting")
    assert len(waiting(root)) == 1


def test_an_accepted_delivery_counts_as_if_it_had_never_waited(root, tmp_path):
    made = doubtful(root, tmp_path)
    (tmp_path / "odd.csv").unlink()  # the store keeps its own copy
    (taken,) = accept(root, decide(made))
    assert (taken.waits, counts(taken)) == (None, (40, 10, 0, 0, 30))
    assert told(root, taken)["accepted_by_person"]["why"] == "站点确认了"
    assert waiting(root) == [("W0001", "accepted", "steward-1", "站点确认了")]
    assert ask(root, "SELECT count(DISTINCT line) FROM rows_set_aside") == [(30,)]
    assert doubtful(root, tmp_path).delivery_id == taken.delivery_id  # the same file is known now
    with pytest.raises(DecisionRefused, match="accepted before"):
        accept(root, decide(made))


def test_a_refused_delivery_never_counts_but_its_file_stays_and_may_be_accepted_later(root, tmp_path):
    made = doubtful(root, tmp_path)
    held = refuse_waiting(root, decide(made, "发错了"))
    assert held.kept.read_bytes() == (tmp_path / "odd.csv").read_bytes()
    assert doubtful(root, tmp_path).waits == "refused"
    assert ask(root, "SELECT count(*) FROM complaints") == [(0,)]
    (taken,) = accept(root, decide(made, "没有发错"))
    assert taken.accepted == 10


@pytest.mark.parametrize(("why", "which", "said"), [(" ", "W0001", "No reason"), ("yes", "W0009", "No delivery W0009")])
def test_a_decision_needs_a_reason_and_a_delivery(root, tmp_path, why, which, said):
    doubtful(root, tmp_path)
    before = everything(root)
    for act in (accept, refuse_waiting):
        with pytest.raises(DecisionRefused, match=said):
            act(root, Decision(which, "steward-1", why, NOW))
    after = everything(root)
    assert all(after[n].equals(before[n]) for n in after)


@pytest.mark.parametrize("at", ["copying", "telling"])
def test_killed_while_a_file_is_kept_it_is_absent_and_the_next_load_keeps_it(root, tmp_path, monkeypatch, at):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        if at == "copying":
            broken.setattr(waiting_files.os, "fsync", killed)
        else:  # of this file alone: other files write JSON on the way there
            broken.setattr(waiting_files, "json", SimpleNamespace(dumps=killed, loads=json.loads))
        with pytest.raises(KeyboardInterrupt):
            doubtful(root, tmp_path)
    assert waiting(root) == []
    assert doubtful(root, tmp_path).waits == "waiting"
    assert [r[:2] for r in waiting(root)] == [("W0001", "waiting")]


def test_killed_while_accepting_the_delivery_still_waits(root, tmp_path, monkeypatch):
    made = doubtful(root, tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(waiting_files, "_decided", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            accept(root, decide(made))
    assert ask(root, "SELECT count(*) FROM complaints") == [(0,)]
    assert waiting(root) == [("W0001", "waiting", None, None)]
    assert accept(root, decide(made))[0].accepted == 10


def test_the_same_records_under_new_numbers_wait_as_an_overlap(root, tmp_path):
    load(root, put(tmp_path, "a.csv", orders(0, 25, "2026-01-05")))
    again = load(root, put(tmp_path, "b.csv", orders(500, 25, "2026-01-05")))
    assert again.waits == "waiting"
    assert odd_of(root) == {"period_overlap": {"n": 25, "percent": 100}}
    other_day = load(root, put(tmp_path, "c.csv", orders(900, 25, "2026-01-06")))
    assert other_day.waits is None


def odd_of(root: Path) -> dict[str, dict]:
    ((parts,),) = ask(root, "SELECT parts FROM deliveries_waiting")
    return {x["note"]: x["params"] for p in json.loads(parts) for x in p["doubts"]}


def test_a_column_whose_words_turned_round_waits_by_its_name(root, tmp_path):
    # 100 complaints and 20 requests, then 20 and 100: with half a row added to the bins 投诉, 求决 the shares are
    # 100.5/121 and 20.5/121; PSI = 2 * (100.5 - 20.5)/121 * ln(100.5/20.5) = 1.3223 * 1.5897 = 2.10
    def mixed(first: int, complaints: int, day: str) -> str:
        text = orders(first, 120, day).splitlines()
        return "\n".join([*text[: complaints + 1], *(r.replace("投诉", "求决") for r in text[complaints + 1 :])]) + "\n"

    load(root, put(tmp_path, "a.csv", mixed(0, 100, "2026-01-05")))
    for place, name in enumerate(("b", "bb")):
        alike = load(root, put(tmp_path, f"{name}.csv", mixed(200 + 200 * place, 95, f"2026-01-{6 + place:02d}")))
        assert (alike.waits, told(root, alike)) == (None, {})
    turned = load(root, put(tmp_path, "c.csv", mixed(600, 20, "2026-01-08")))
    assert turned.waits == "waiting"
    # against 95 and 25 of the deliveries between, the likelier one: 2 * ... (95.5-20.5)/121 * (ln(95.5/20.5) + ln(100.5/25.5)) / 2
    shift = (95.5 - 20.5) / 121 * (math.log(95.5 / 20.5) + math.log(100.5 / 25.5))
    assert odd_of(root) == {"column_shift": {"column": "nature", "index": round(shift, 2)}}


def test_a_column_unlike_the_first_sending_or_in_a_small_addition_is_told_and_not_waited_for(root, tmp_path):
    def mixed(first: int, n: int, complaints: int, day: str) -> str:
        text = orders(first, n, day).splitlines()
        return "\n".join([*text[: complaints + 1], *(r.replace("投诉", "求决") for r in text[complaints + 1 :])]) + "\n"

    load(root, put(tmp_path, "a.csv", mixed(0, 400, 380, "2026-01-05")))
    second = load(root, put(tmp_path, "b.csv", mixed(500, 400, 200, "2026-01-06")))  # what came first is no habit yet
    third = load(root, put(tmp_path, "c.csv", mixed(1000, 400, 200, "2026-01-07")))
    assert ([second.waits, third.waits], list(told(root, second))) == ([None, None], ["column_shift"])
    whole = load(root, put(tmp_path, "e.csv", mixed(2000, 400, 3, "2026-01-08")))
    assert whole.waits == "waiting"
    small = load(root, put(tmp_path, "d.csv", mixed(1500, 133, 3, "2026-01-09")))  # less than a third of the usual 400
    assert (small.waits, list(told(root, small))) == (None, ["unusual_count", "column_shift"])


def test_a_late_delivery_is_told_by_its_sources_own_rhythm(root, tmp_path):
    for i in range(3):  # a week apart
        load_file(root, put(tmp_path, f"{i}.csv", orders(10 * i, 4, "2026-01-05")), received_at=NOW + timedelta(7 * i))
    # 7 * 1.5 = 10.5 days are allowed
    (fine,) = load_file(root, put(tmp_path, "d.csv", orders(50, 4, "2026-01-05")), received_at=NOW + timedelta(24))
    (late,) = load_file(root, put(tmp_path, "e.csv", orders(60, 4, "2026-01-05")), received_at=NOW + timedelta(35))
    assert (told(root, fine), told(root, late)) == ({}, {"came_late": {"days": 11, "usual": 7}})


def test_the_index_and_its_chance_agree_with_scipys_own_entropies():
    draw = np.random.default_rng(5)
    for _ in range(50):
        one, two = draw.integers(1, 500, 6), draw.integers(1, 500, 6)
        before, now = ({str(i): int(n) for i, n in enumerate(c)} for c in (one, two))
        p, q = ((c + 0.5) / (c + 0.5).sum() for c in (one, two))
        index, _ = stability(before, now)
        assert index == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p))


def test_like_deliveries_are_seldom_told_to_shift():
    # 500 pairs of like deliveries at .05: binomial, 25 +- 4.9; the half rows added make it a little shyer
    draw = np.random.default_rng(7)
    shares = [0.5, 0.3, 0.15, 0.05]
    drawn = [
        [dict(zip("abcd", map(int, draw.multinomial(n, shares)), strict=True)) for n in (800, 600)] for _ in range(500)
    ]
    assert 8 <= sum(stability(a, b)[1] <= 0.05 for a, b in drawn) <= 42


def test_a_source_is_late_by_its_own_rhythm_and_unknown_before_it_has_one(root, tmp_path):
    for i in range(3):
        load_file(root, put(tmp_path, f"{i}.csv", orders(10 * i, 4, "2026-01-05")), received_at=NOW + timedelta(7 * i))
    con = duckdb.connect()
    attach_records(con, root)
    last = NOW.date() + timedelta(14)
    for days, late in ((10, False), (11, True)):  # 7 * 1.5 = 10.5 days are allowed
        rows = arrivals.rhythms(Scope("s", "supervisor"), con, today=last + timedelta(days))
        found = {r["source"]: (r["usual_days"], r["days"], r["late"]) for r in rows.iter_rows(named=True)}
        assert found["complaints"] == (7.0, days, late)
        assert found["estates"][2] is None
    con.close()
