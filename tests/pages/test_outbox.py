"""The outbox and the form for addresses, as a person uses them; and `steward.py send`."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from cases.sending import send_waiting
from data import accounts, notices, outbox
from data.ledger import open_ledger, outbox_decisions, writing
from data.outbox import Outcome, Waits
from data.scope import Scope
from i18n.words import LANGUAGES, Words
from rules.book import Book
from tests.cases.post_office import Post, mail_server
from tests.conftest import copy_of
from tests.pages.test_pages import opened, texts

REPOSITORY = Path(__file__).parents[2]
EN = Words("en")
MADE = datetime.now(UTC) - timedelta(hours=3)  # the page asks the clock whether something is late
WAITS = Waits.of(Book().on(MADE.date(), "outbox"))


class Answering:
    """A way out that answers as told, one answer a message."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = list(kinds)

    def send(self, message, last_word, now) -> Outcome:
        last_word()
        return Outcome(self.kinds.pop(0), "said by the server <b>x</b>")


@pytest.fixture
def root(demo_root, tmp_path, monkeypatch):
    """The demo district with two real people, and four messages: sent, given up, unsure, waiting."""
    for name in [n for n in os.environ if n.startswith(("STEWARD_SMTP", "STEWARD_WEBHOOK"))]:
        monkeypatch.delenv(name)
    place = copy_of(demo_root, tmp_path / "var")
    ledger = open_ledger(place)
    for name in ("wei", "mei"):
        accounts.create_account(ledger, account_id=name, name_zh=f"{name}<i>", role="supervisor", now=MADE)
    notices.set_address(Scope("wei", "supervisor"), ledger, "wei", "mail", "wei@example.com", hosts=(), now=MADE)
    with writing(ledger) as con:
        for number in range(3):
            outbox.put(con, f"case_event:{number}", "wei", f"案件 {number} 有新的通知", "请查看。", MADE)
    send_waiting(ledger, {"mail": Answering("sent", "refused", "unsure")}, lambda: MADE, WAITS)
    with writing(ledger) as con:
        outbox.put(con, "case_event:3", "wei", "案件 3 有新的通知", "请查看。", MADE)
    ledger.dispose()
    yield place


def ask(root, query):
    ledger = open_ledger(root)
    with ledger.connect() as con:
        found = con.execute(query).all()
    ledger.dispose()
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_steward_sees_what_waits_went_out_failed_or_needs_a_person(root, language):
    t = Words(language)
    for state, n in (("unsure", 1), ("failed", 1), ("waiting", 1), ("under_way", 0), ("sent", 1)):
        at = opened(root, "outbox", "steward", language, state=state)
        assert not at.exception
        assert at.selectbox[0].value == state
        assert t("page.outbox.counted", state=t(f"message_state.{state}"), n=n) in at.selectbox[0].options
        listed = [f.value for f in at.dataframe if "subject" in f.value.columns]
        assert [len(f) for f in listed] == ([1] if n else [])
        assert "请查看" not in " ".join(texts(at)) + " ".join(str(f) for f in listed)


def test_the_page_says_that_nothing_is_configured_and_that_something_is_late(root, monkeypatch):
    said = texts(opened(root, "outbox", "steward", "en"))
    assert EN("notices.not_configured") in said
    late = EN("page.outbox.late", n=1, minutes=60)
    assert late not in said  # nothing could be
    monkeypatch.setenv("STEWARD_SMTP_HOST", "mail.example")
    said = texts(opened(root, "outbox", "steward", "en"))
    assert late in said
    assert EN("notices.not_configured") not in said
    assert EN("notices.configured", ways=EN("channel.mail")) in said


def test_a_person_sets_changes_and_removes_their_own_address(root):
    at = opened(root, "notices", "supervisor", "en")
    assert EN("notices.demo") in texts(at) and not at.text_input  # a demo person has none
    at = opened(root, "outbox", "steward", "en", account="mei")
    field = next(i for i in at.text_input if i.label == EN("notices.mail"))
    field.set_value("no address\r\nBcc: x@y.example")
    at.button[-1].click().run(timeout=60)
    assert EN("notices.refused.mail") in texts(at)
    next(i for i in at.text_input if i.label == EN("notices.mail")).set_value("mei@example.com")
    at.button[-1].click().run(timeout=60)
    assert EN("notices.saved", channel=EN("channel.mail")) in texts(at)
    steward = Scope("demo-steward", "steward")
    assert notices.addresses_of(steward, open_ledger(root), "mei") == {"mail": "mei@example.com"}
    next(i for i in at.text_input if i.label == EN("notices.mail")).set_value("")
    at.button[-1].click().run(timeout=60)
    assert notices.addresses_of(steward, open_ledger(root), "mei") == {}


def test_a_webhook_can_be_entered_only_where_the_office_listed_hosts(root, monkeypatch):
    def hook(at):
        return next(i for i in at.text_input if i.label == EN("notices.webhook"))

    assert hook(opened(root, "outbox", "steward", "en", account="mei")).disabled
    monkeypatch.setenv("STEWARD_WEBHOOK_HOSTS", "hooks.example")
    at = opened(root, "outbox", "steward", "en", account="mei")
    assert not hook(at).disabled
    hook(at).set_value("https://169.254.169.254/latest")
    at.button[-1].click().run(timeout=60)
    assert EN("notices.refused.host") in texts(at)


def steward(root: Path, *words: str, **settings: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(REPOSITORY / "steward.py"), "--root", str(root), *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, env=os.environ | settings)


def test_send_says_that_nothing_is_configured_and_sends_nothing(root):
    done = steward(root, "send")
    assert (done.returncode, "so nothing is sent" in done.stdout) == (0, True)
    assert ask(root, sa.select(outbox.outbox.c.attempts).where(outbox.outbox.c.key.startswith("case_event:3:"))) == [
        (0,)
    ]


def test_send_sends_what_is_due_once(root):
    post = Post()
    with mail_server(post) as port:
        settings = {
            "STEWARD_SMTP_HOST": "127.0.0.1", "STEWARD_SMTP_PORT": str(port), "STEWARD_SMTP_SECURITY": "none",
            "STEWARD_SMTP_FROM": "office@example.com",
        }  # fmt: skip
        first, second = (steward(root, "send", **settings) for _ in range(2))
    assert (first.returncode, first.stdout.strip()) == (0, "1 sent"), first.stderr
    assert (second.returncode, second.stdout.strip()) == (0, "nothing was due")
    assert [mail["Subject"] for mail in post.taken] == ["案件 3 有新的通知"]


def test_send_refuses_settings_it_cannot_use_without_quoting_the_password(root):
    done = steward(root, "send", STEWARD_SMTP_HOST="mail.example", STEWARD_SMTP_PASSWORD="secret-of-the-office")
    assert done.returncode == 2
    assert "STEWARD_SMTP_FROM" in done.stderr
    assert "secret-of-the-office" not in done.stdout + done.stderr


def test_a_receivers_key_is_printed_for_a_listed_host_alone(root):
    settings = {"STEWARD_WEBHOOK_HOSTS": "hooks.example", "STEWARD_WEBHOOK_SECRET": "x" * 32}
    done = steward(root, "signing-key", "https://hooks.example/a", **settings)
    assert done.returncode == 0 and done.stdout.startswith("whsec_")
    assert steward(root, "signing-key", "https://other.example/a", **settings).returncode == 2


def test_a_decision_is_kept_with_its_reason_and_its_person(root):
    (message_id,) = ask(root, sa.select(outbox.outbox.c.message_id).where(outbox.outbox.c.unsure_at.is_not(None)))[0]
    outbox.decide(open_ledger(root), message_id, "arrived", reason="电话确认", by="demo-steward", now=MADE)
    at = opened(root, "outbox", "steward", "en")
    (kept,) = [f.value for f in at.dataframe if "reason" in f.value.columns]
    assert kept["reason"].to_list() == ["电话确认"] and kept["what"].to_list() == [EN("page.outbox.done.arrived")]
    assert ask(root, sa.select(outbox_decisions.c.by)) == [("demo-steward",)]
