"""The outbox and its ways out, on both databases: what is sent is sent once, and what nobody can tell waits for a person."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from cases.mail import Mail
from cases.sending import send_waiting
from data import accounts, notices, outbox
from data.ledger import addresses, outbox_decisions, writing
from data.outbox import DecisionWrong, Waits
from data.scope import Scope
from rules.book import Book
from tests.cases.post_office import Post, mail_server

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
WAITS = Waits.of(Book().on(NOW.date(), "outbox"))
SUBJECT, BODY = (
    "物业督导：案件 2026Q3-0001 有新的通知",
    "请登录查看。\n.\n.以点开头的一行\nhttps://steward.example/case",
)
REPOSITORY = Path(__file__).parents[2]
UNSURE = ("note_written", "last_word_out", "answer_read")


@pytest.fixture
def people(ledger):
    """wei has a mail address, mei none."""
    for name in ("wei", "mei"):
        accounts.create_account(ledger, account_id=name, name_zh=name, role="supervisor", now=NOW)
    notices.set_address(Scope("wei", "supervisor"), ledger, "wei", "mail", "wei@example.com", hosts=(), now=NOW)
    return ledger


def tell(ledger, key: str = "case_event:1", account: str = "wei", subject: str = SUBJECT, body: str = BODY) -> int:
    with writing(ledger) as con:
        return outbox.put(con, key, account, subject, body, NOW)


def rows(ledger) -> list[dict]:
    with ledger.connect() as con:
        return [dict(r) for r in con.execute(sa.select(outbox.outbox).order_by(outbox.outbox.c.message_id)).mappings()]


def state(ledger) -> list[str]:
    return [
        "sent" if r["sent_at"] else "failed" if r["failed_at"] else "unsure" if r["unsure_at"] else "waiting"
        for r in rows(ledger)
    ]


def way(port: int, **settings) -> Mail:
    return Mail("127.0.0.1", port, "none", "office@example.com", command_seconds=20, last_word_seconds=20, **settings)


def sent(ledger, port: int, at: datetime = NOW) -> dict[str, int]:
    return dict(send_waiting(ledger, {"mail": way(port)}, lambda: at, WAITS))


def run(instant: str, root: Path, port: int, at: datetime = NOW) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.cases.dying_sender", instant, str(root), str(port), at.isoformat()]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_the_same_matter_is_told_to_the_same_address_once(people):
    assert [tell(people), tell(people), tell(people, "case_event:2")] == [1, 0, 1]
    assert tell(people, account="mei") == 0  # no address: the tasks page alone tells her
    assert len(rows(people)) == 2


def test_a_message_and_what_it_tells_of_are_written_together_or_not_at_all(people):
    with pytest.raises(RuntimeError), writing(people) as con:
        outbox.put(con, "case_event:1", "wei", SUBJECT, BODY, NOW)
        raise RuntimeError("the event could not be written")
    assert rows(people) == []


def test_a_message_arrives_once_with_its_chinese_words_and_lines_that_begin_with_a_dot(people):
    tell(people)
    post = Post()
    with mail_server(post) as port:
        assert sent(people, port) == {"sent": 1}
        assert sent(people, port, NOW + timedelta(days=9)) == {}
    (mail,) = post.taken
    assert (mail["To"], mail["From"], mail["Subject"]) == ("wei@example.com", "office@example.com", SUBJECT)
    assert mail.get_content().replace("\r\n", "\n") == BODY + "\n"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert all(len(line) <= 998 and line.isascii() for line in post.raw[0].split(b"\r\n"))  # RFC 5321 4.5.3.1.6
    assert state(people) == ["sent"]


@pytest.mark.parametrize(
    "wrong", ["\r\nBcc: all@example.com\r\n\r\nx", "\nX: y", "\u2028X: y", "\x85X: y", "\x00\ud800"]
)
def test_a_name_with_line_breaks_makes_no_header(people, wrong):
    tell(people, subject=f"案件 {wrong} 通知", body=f"名称：{wrong}")
    post = Post()
    with mail_server(post) as port:
        assert sent(people, port) == {"sent": 1}
    (mail,) = post.taken
    assert sorted(mail.keys()) == [
        "Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "MIME-Version", "Message-ID",
        "Subject", "To",
    ]  # fmt: skip
    assert not any(c in mail["Subject"] for c in "\r\n\u2028\x85\x00")


@pytest.mark.parametrize("to", [
    "a@b.example\r\nRCPT TO:<c@d.example>", "a b@c.example", "a@b", "<a@b.example>", "a@b.example,c@d.example", "甲@b.example",
    "@b.example", "a" * 65 + "@b.example", "a@" + "b" * 250 + ".example",
])  # fmt: skip
def test_what_is_no_mail_address_is_not_kept(people, to):
    with pytest.raises(notices.AddressWrong):
        notices.set_address(Scope("mei", "supervisor"), people, "mei", "mail", to, hosts=(), now=NOW)
    assert notices.addresses_of(Scope("mei", "supervisor"), people, "mei") == {}


def test_a_server_that_says_later_is_asked_again_after_ever_longer_waits(people):
    tell(people)
    post, tried = Post(on_data="451 try again later"), []
    with mail_server(post) as port:
        for _ in range(4):
            at = rows(people)[0]["due_at"]
            assert sent(people, port, at - timedelta(seconds=1)) == {}
            assert sent(people, port, at) == {"later": 1}
            tried.append(at - NOW)
        post.on_data = None
        assert sent(people, port, rows(people)[0]["due_at"]) == {"sent": 1}
    minutes = [30, 30 + 60, 30 + 60 + 120]  # RFC 5321 4.5.4.1: half an hour at least
    assert tried == [timedelta(0), *(timedelta(minutes=m) for m in minutes)]
    assert len(post.taken) == 1


def test_it_is_given_up_after_the_fourteenth_try_four_and_a_half_days_on(people):
    tell(people)
    with mail_server(Post(on_rcpt=lambda _: "450 mailbox busy")) as port:
        while state(people) == ["waiting"]:
            last = rows(people)[0]["due_at"]
            assert sent(people, port, last) == {"later": 1}
    (row,) = rows(people)
    assert (row["attempts"], row["error"]) == (14, "450 mailbox busy")
    # 30 min + 1 h + 2 h + 4 h + 8 h = 15.5 h, then eight waits of 12 h
    assert last - NOW == timedelta(hours=15.5 + 8 * 12)


def test_a_server_that_says_never_is_not_asked_again(people):
    tell(people)
    post = Post(on_rcpt=lambda _: "550 no such user 无此用户")
    with mail_server(post) as port:
        assert sent(people, port) == {"refused": 1}
        assert sent(people, port, NOW + timedelta(days=9)) == {}
    assert (state(people), post.asked) == (["failed"], 1)
    assert rows(people)[0]["error"].startswith("550 no such user")


def test_one_address_that_is_refused_keeps_no_other_message_back(people):
    notices.set_address(Scope("mei", "supervisor"), people, "mei", "mail", "mei@example.com", hosts=(), now=NOW)
    tell(people)
    tell(people, account="mei")
    post = Post(on_rcpt=lambda to: "550 no" if to == "wei@example.com" else None)
    with mail_server(post) as port:
        assert sent(people, port) == {"refused": 1, "sent": 1}
    assert state(people) == ["failed", "sent"]


def test_a_line_cut_after_the_last_word_leaves_it_to_a_person(people):
    tell(people)
    post = Post(cut=True)
    with mail_server(post) as port:
        assert sent(people, port) == {"unsure": 1}
        post.cut = False
        assert sent(people, port, NOW + timedelta(days=9)) == {}
    assert (state(people), len(post.taken)) == (["unsure"], 1)


def test_a_server_that_is_not_there_costs_one_message_one_try(people):
    tell(people)
    tell(people, "case_event:2")
    with mail_server(Post()) as port:
        pass
    assert sent(people, port) == {"later": 1}
    assert [r["attempts"] for r in rows(people)] == [1, 0]


def test_a_disabled_account_is_not_told(people):
    tell(people)
    accounts.disable(people, "wei", NOW)
    assert tell(people, "case_event:2") == 0
    post = Post()
    with mail_server(post) as port:
        assert sent(people, port) == {}
    assert (state(people), rows(people)[0]["error"], post.asked) == (["failed"], outbox.DISABLED, 0)


def test_a_mailbox_two_people_share_is_told_though_one_of_them_left(people):
    notices.set_address(Scope("mei", "supervisor"), people, "mei", "mail", "wei@example.com", hosts=(), now=NOW)
    assert [tell(people), tell(people, account="mei")] == [1, 0]
    accounts.disable(people, "wei", NOW)
    with mail_server(Post()) as port:
        assert sent(people, port) == {"sent": 1}


@pytest.mark.parametrize("instant", ["before_claim", "after_claim", "all_but_the_last_word", *UNSURE])
def test_a_sender_killed_at_any_instant_sends_nothing_twice(people, tmp_path, instant):
    tell(people)
    post = Post()
    with mail_server(post) as port:
        assert run(instant, tmp_path, port).wait(timeout=60) == -9
        deadline = time.monotonic() + 10  # the server may be a moment behind the sender that is gone
        while instant in UNSURE[1:] and not post.taken and time.monotonic() < deadline:
            time.sleep(0.05)
        sent(people, port, NOW + timedelta(minutes=29))  # the lease runs: nobody else touches it
        assert len(post.taken) == (1 if instant in UNSURE[1:] or instant == "before_claim" else 0)
        sent(people, port, NOW + timedelta(minutes=31))
        sent(people, port, NOW + timedelta(days=9))
        if instant in UNSURE:
            assert (state(people), len(post.taken)) == (["unsure"], 0 if instant == "note_written" else 1)
        else:
            assert (state(people), len(post.taken)) == (["sent"], 1)


def test_two_senders_at_once_send_each_message_once(people, tmp_path):
    for number in range(30):
        tell(people, f"case_event:{number}")
    post = Post()
    with mail_server(post) as port:
        both = [run("never", tmp_path, port) for _ in range(2)]
        assert [sender.wait(timeout=120) for sender in both] == [0, 0]
    assert state(people) == ["sent"] * 30
    assert len({mail["Message-ID"] for mail in post.taken}) == len(post.taken) == 30


def test_threads_that_race_for_one_message_get_it_once(people):
    tell(people)
    got, start = [], threading.Barrier(4)

    def race(number: int) -> None:
        start.wait()
        got.append(outbox.claim(people, f"sender {number}", ("mail",), NOW, WAITS))

    threads = [threading.Thread(target=race, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(message is not None for message in got) == 1


def test_a_sender_that_was_too_slow_does_not_say_the_last_word(people):
    tell(people)
    slow = outbox.claim(people, "slow", ("mail",), NOW, WAITS)
    later = NOW + WAITS.lease
    quick = outbox.claim(people, "quick", ("mail",), later, WAITS)
    assert quick.message_id == slow.message_id
    assert not outbox.hand_over(people, slow, later)
    assert outbox.hand_over(people, quick, later)
    assert not outbox.hand_over(people, quick, later)  # once
    assert not outbox.note(people, slow, outbox.Outcome("later"), later, WAITS)
    assert outbox.note(people, quick, outbox.Outcome("sent"), later, WAITS)


def test_the_server_gets_no_whole_message_from_a_sender_that_lost_it(people):
    tell(people)
    post = Post()
    with mail_server(post) as port:
        message = outbox.claim(people, "a", ("mail",), NOW, WAITS)
        assert way(port).send(message, lambda: False, NOW).kind == "lost"
    assert (post.asked, post.taken) == (1, [])


def test_an_answer_that_comes_after_all_clears_the_doubt(people):
    tell(people)
    message = outbox.claim(people, "a", ("mail",), NOW, WAITS)
    outbox.hand_over(people, message, NOW)
    assert outbox.settle(people, NOW + WAITS.lease - timedelta(seconds=1), WAITS) == 0
    assert outbox.settle(people, NOW + WAITS.lease, WAITS) == 1
    assert state(people) == ["unsure"]
    assert outbox.note(people, message, outbox.Outcome("sent"), NOW + WAITS.lease, WAITS)
    assert state(people) == ["sent"]


def test_a_person_who_knows_better_marks_it_as_arrived_or_sends_it_again(people):
    tell(people)
    tell(people, "case_event:2")
    decide = partial(outbox.decide, people, by="mei", now=NOW)
    post = Post(cut=True)
    with mail_server(post) as port:
        sent(people, port)  # a line that breaks closes the way for this pass
        sent(people, port)
        first, second = (r["message_id"] for r in rows(people))
        with pytest.raises(DecisionWrong, match="reason"):
            decide(first, "arrived", reason=" ")
        decide(first, "arrived", reason="韦电话确认收到")
        decide(second, "resend", reason="韦没有收到")
        with pytest.raises(DecisionWrong, match="nobody's decision"):
            decide(first, "resend", reason="x")
        post.cut = False
        assert sent(people, port) == {"sent": 1}
    assert state(people) == ["sent", "sent"]
    assert [m["Message-ID"] for m in post.taken][1:] == [post.taken[1]["Message-ID"]] * 2  # a reader can tell the copy
    with people.connect() as con:
        kept = con.execute(sa.select(outbox_decisions.c["what", "reason", "by"]).order_by("decision_id")).all()
    assert kept == [("arrived", "韦电话确认收到", "mei"), ("resend", "韦没有收到", "mei")]
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), writing(people) as con:
        con.execute(sa.update(outbox_decisions).values(reason="x"))


def test_a_message_that_ends_its_sender_every_time_is_given_up(people):
    tell(people)
    at = NOW
    for _ in range(WAITS.attempts_at_most):
        assert outbox.claim(people, "dies", ("mail",), at, WAITS) is not None
        at += WAITS.lease
    assert outbox.claim(people, "dies", ("mail",), at, WAITS) is None
    assert (state(people), rows(people)[0]["error"]) == (["failed"], outbox.OUT_OF_TRIES)


def test_an_address_is_its_persons_own_and_the_stewards(people):
    hers = partial(
        notices.set_address, ledger=people, account_id="mei", channel="mail", to="m@example.com", hosts=(), now=NOW
    )
    with pytest.raises(PermissionError):
        hers(Scope("wei", "supervisor"))
    with pytest.raises(PermissionError):
        notices.addresses_of(Scope("wei", "supervisor"), people, "mei")
    hers(Scope("data", "steward"))
    assert notices.addresses_of(Scope("mei", "supervisor"), people, "mei") == {"mail": "m@example.com"}
    assert accounts.noted(people, "address_set", "mail - -> m@") == ["mail - -> m@example.com"]
    hers(Scope("mei", "supervisor"), to="")
    with people.connect() as con:
        assert con.execute(sa.select(addresses.c.account_id)).scalars().all() == ["wei"]


def test_nothing_is_sent_to_a_demo_person(people):
    person = {"account_id": "demo-x", "name_zh": "示", "role": "supervisor"}
    accounts.ensure_demo_people(people, [person], NOW)
    with pytest.raises(notices.AddressWrong, match="demo"):
        notices.set_address(Scope("demo-x", "supervisor"), people, "demo-x", "mail", "a@b.example", hosts=(), now=NOW)
