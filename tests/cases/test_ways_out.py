"""The ways out: TLS with its certificate checked, sign-in, settings, secrets that stand nowhere, and webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from cases import sending
from cases.mail import Mail
from cases.sending import SettingsWrong, send_waiting
from cases.webhook import Webhook
from data import accounts, notices, outbox
from data.ledger import METADATA, writing
from data.notices import AddressWrong
from data.outbox import Waits
from data.scope import Scope
from rules.book import Book
from tests.cases.dying_sender import INSTANTS
from tests.cases.post_office import PASSWORD, SECRET, USER, Hook, Post, certificate, mail_server, web_server

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
RULE = Book().on(NOW.date(), "outbox")
WAITS = Waits.of(RULE)
SMTP = {"STEWARD_SMTP_HOST": "mail.example", "STEWARD_SMTP_FROM": "office@example.com"}
SIGNED_IN = {"STEWARD_SMTP_USER": USER, "STEWARD_SMTP_PASSWORD": PASSWORD}
MEI = Scope("mei", "supervisor")
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


def told(ledger, channel: notices.Channel = "mail", to: str = "mei@example.com", hosts: tuple[str, ...] = ()):
    """mei has an address and one message waits for her there."""
    accounts.create_account(ledger, account_id="mei", name_zh="梅", role="supervisor", now=NOW)
    notices.set_address(MEI, ledger, "mei", channel, to, hosts=hosts, now=NOW)
    with writing(ledger) as con:
        assert outbox.put(con, "case_event:1", "mei", "案件通知", "请查看。", NOW) == 1
    return ledger


def row(ledger) -> dict:
    with ledger.connect() as con:
        return dict(con.execute(sa.text("SELECT * FROM outbox")).mappings().one())


def everything(ledger) -> str:
    with ledger.connect() as con:
        return "\n".join(str(r) for table in METADATA.sorted_tables for r in con.execute(sa.select(table)))


def passed(ledger, senders, at: datetime = NOW) -> dict[str, int]:
    return dict(send_waiting(ledger, senders, lambda: at, WAITS))


#: The server's library warns that a sign-in without STARTTLS is open; here TLS is there from the first byte.
ALREADY_TLS = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@ALREADY_TLS
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_out_signed_in_over_tls_to_a_server_whose_certificate_is_trusted(ledger, pair, security):
    told(ledger)
    post = Post()
    with mail_server(post, pair, from_the_first_byte=security == "tls") as port:
        way = Mail("127.0.0.1", port, security, "office@example.com", USER, PASSWORD, str(pair[0]), 20, 20)
        assert passed(ledger, {"mail": way}) == {"sent": 1}
    assert post.users == [USER]


@ALREADY_TLS
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_whose_certificate_nobody_vouches_for_gets_neither_password_nor_message(ledger, pair, security):
    told(ledger)
    post = Post()
    with mail_server(post, pair, from_the_first_byte=security == "tls") as port:
        way = Mail("127.0.0.1", port, security, "office@example.com", USER, PASSWORD, None, 20, 20)
        assert passed(ledger, {"mail": way}) == {"later": 1}
    assert (post.users, post.asked) == ([], 0)
    assert "SSLCertVerificationError" in row(ledger)["error"]


def test_a_server_under_another_name_is_not_trusted_either(ledger, pair):
    told(ledger)
    post = Post()
    with mail_server(post, pair) as port:  # its certificate says 127.0.0.1
        way = Mail("localhost", port, "starttls", "office@example.com", USER, PASSWORD, str(pair[0]), 20, 20)
        assert passed(ledger, {"mail": way}) == {"later": 1}
    assert post.users == []


def test_a_server_without_tls_is_told_nothing_where_tls_is_configured(ledger):
    told(ledger)
    post = Post()
    with mail_server(post) as port:
        way = Mail("127.0.0.1", port, "starttls", "office@example.com", USER, PASSWORD, None, 20, 20)
        assert passed(ledger, {"mail": way}) == {"later": 1}
    assert (post.users, post.asked) == ([], 0)


def test_a_wrong_password_stands_in_no_table_no_log_and_no_error(ledger, pair, caplog):
    told(ledger)
    caplog.set_level(logging.DEBUG)
    wrong = "wrong-password-of-the-office"
    with mail_server(Post(), pair) as port:
        way = Mail("127.0.0.1", port, "starttls", "office@example.com", USER, wrong, str(pair[0]), 20, 20)
        assert passed(ledger, {"mail": way}) == {"later": 1}
    assert "535" in row(ledger)["error"]
    for secret in (wrong, base64.b64encode(f"\0{USER}\0{wrong}".encode()).decode()):
        assert secret not in everything(ledger) + caplog.text + repr(way)


def test_nothing_is_configured_until_the_office_does_and_then_nothing_is_sent(ledger):
    told(ledger)
    assert sending.channels({}) == () and sending.senders({}, RULE) == {}
    assert passed(ledger, {}) == {}
    assert row(ledger)["sent_at"] is None


def test_the_settings_make_a_mail_server():
    way = sending.senders(SMTP | SIGNED_IN, RULE)["mail"]
    assert way == Mail("mail.example", 587, "starttls", "office@example.com", USER, PASSWORD, None, 300, 600)
    assert PASSWORD not in repr(way)
    assert sending.mail(SMTP | {"STEWARD_SMTP_SECURITY": "tls"}).port == 465


@pytest.mark.parametrize("wrong, told", [
    ({"STEWARD_SMTP_FROM": ""}, "STEWARD_SMTP_FROM"),
    ({"STEWARD_SMTP_FROM": "a@b.example\r\nBcc: c@d.example"}, "STEWARD_SMTP_FROM"),
    ({"STEWARD_SMTP_PORT": "70000"}, "STEWARD_SMTP_PORT"),
    ({"STEWARD_SMTP_SECURITY": "ssl"}, "starttls, tls, none"),
    ({"STEWARD_SMTP_USER": "x"}, "go together"),
    ({"STEWARD_SMTP_SECURITY": "none", **SIGNED_IN}, "in the clear"),
    ({"STEWARD_SMTP_USER": "x", "STEWARD_SMTP_PASSWORD": "密码"}, "ASCII"),
    ({"STEWARD_WEBHOOK_HOSTS": "h.example"}, "STEWARD_WEBHOOK_SECRET"),
    ({"STEWARD_WEBHOOK_HOSTS": "h.example", "STEWARD_WEBHOOK_SECRET": "short"}, "32 characters"),
])  # fmt: skip
def test_settings_that_cannot_be_used_say_which(wrong, told):
    with pytest.raises(SettingsWrong, match=told) as refused:
        sending.senders(SMTP | wrong, RULE)
    assert PASSWORD not in str(refused.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_password_file_that_others_may_read_is_refused(tmp_path, mode):
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    environ = SMTP | {"STEWARD_SMTP_USER": USER, "STEWARD_SMTP_PASSWORD_FILE": str(file)}
    file.chmod(mode)
    with pytest.raises(SettingsWrong, match="0600") as refused:
        sending.mail(environ)
    assert PASSWORD not in str(refused.value)
    file.chmod(0o600)
    assert sending.mail(environ).password == PASSWORD
    file.unlink()
    with pytest.raises(SettingsWrong, match="cannot be read"):
        sending.mail(environ)


@contextmanager
def hooked(ledger, hook: Hook, pair=None, trusted: str | None = None):
    """A web server with a webhook of mei's, a message waiting for it; yields the way to it."""
    with web_server(hook, pair) as port:
        host = f"127.0.0.1:{port}"
        told(ledger, "webhook", f"http{'s' if pair else ''}://{host}/hook?x=1", (host,))
        yield {"webhook": Webhook((host,), SECRET.encode(), trusted, 20, 20)}


def test_a_webhook_is_called_once_over_tls_and_its_signature_holds(ledger, pair):
    hook = Hook()
    with hooked(ledger, hook, pair, str(pair[0])) as ways:
        assert passed(ledger, ways) == {"sent": 1}
        assert passed(ledger, ways, NOW + timedelta(days=9)) == {}
    ((headers, body),) = hook.got
    assert json.loads(body) == {
        "type": "notice", "timestamp": NOW.isoformat(), "data": {"subject": "案件通知", "text": "请查看。"},
    }  # fmt: skip
    assert headers["idempotency-key"] == headers["webhook-id"]
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    # As a receiver does it by the specification of Standard Webhooks: HMAC-SHA256 over id.timestamp.body, in base64.
    key = base64.b64decode(ways["webhook"].signing_key(row(ledger)["to"]).removeprefix("whsec_"))
    whole = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, whole, hashlib.sha256)).decode()


def test_a_webhook_whose_certificate_nobody_vouches_for_gets_nothing(ledger, pair):
    hook = Hook()
    with hooked(ledger, hook, pair) as ways:
        assert passed(ledger, ways) == {"later": 1}
    assert hook.got == [] and "SSLCertVerificationError" in row(ledger)["error"]


@pytest.mark.parametrize("status, came", [
    (200, "sent"), (202, "sent"), (301, "refused"), (307, "refused"), (400, "refused"), (404, "refused"), (410, "refused"),
    (408, "later"), (429, "later"), (503, "later"), (500, "unsure"), (502, "unsure"), (504, "unsure"), (0, "unsure"),
])  # fmt: skip
def test_what_a_webhooks_answer_means(ledger, status, came):
    hook = Hook(status=status)
    with hooked(ledger, hook) as ways:
        assert passed(ledger, ways) == {came: 1}
        assert len(hook.got) == 1
        hook.status = 204
        again = passed(ledger, ways, NOW + timedelta(hours=1))
    assert again == ({"sent": 1} if came == "later" else {})
    assert len({headers["idempotency-key"] for headers, _ in hook.got}) == 1


def test_a_webhook_gets_no_whole_request_before_the_last_word(ledger):
    hook = Hook()
    with hooked(ledger, hook) as ways:
        message = outbox.claim(ledger, "a", ("webhook",), NOW, WAITS)
        assert ways["webhook"].send(message, lambda: False, NOW).kind == "lost"
        deadline = time.monotonic() + 10  # the server may be a moment behind
        while not hook.unfinished and time.monotonic() < deadline:
            time.sleep(0.02)
    assert (hook.got, hook.unfinished) == ([], 1)


@pytest.mark.parametrize("instant", INSTANTS[:-1])
def test_a_sender_killed_at_any_instant_calls_no_webhook_twice(ledger, tmp_path, instant):
    hook, unsure = Hook(), instant in INSTANTS[3:]
    with hooked(ledger, hook) as ways:
        port = row(ledger)["to"].split(":")[2].split("/")[0]
        command = [
            sys.executable,
            "-m",
            "tests.cases.dying_sender",
            instant,
            tmp_path,
            port,
            NOW.isoformat(),
            "webhook",
        ]
        assert subprocess.run(command, cwd=REPOSITORY).returncode == -9
        deadline = time.monotonic() + 10  # the server may be a moment behind
        while instant in INSTANTS[4:] and not hook.got and time.monotonic() < deadline:
            time.sleep(0.02)
        for later in (timedelta(minutes=31), timedelta(days=9)):
            passed(ledger, ways, NOW + later)
    assert len(hook.got) == (0 if instant == "note_written" else 1)
    assert (row(ledger)["unsure_at"] is not None, row(ledger)["sent_at"] is not None) == (unsure, not unsure)


def test_an_answer_is_noted_though_the_ledger_is_busy_for_a_while(ledger, monkeypatch):
    hook, real, busy = Hook(), outbox.note, [1, 2, 3]

    def note(*args):
        if busy:
            busy.pop()
            raise sa.exc.OperationalError("UPDATE", {}, Exception("database is locked"))
        return real(*args)

    monkeypatch.setattr(outbox, "note", note)
    with hooked(ledger, hook) as ways:
        assert passed(ledger, ways) == {"sent": 1}
    assert row(ledger)["sent_at"] is not None and len(hook.got) == 1


@pytest.mark.parametrize("to, code", [
    ("https://elsewhere.example/x", "host"), ("https://169.254.169.254/latest/meta-data", "host"),
    ("http://hooks.example/x", "webhook"), ("ftp://hooks.example/x", "webhook"), ("https://u:p@hooks.example/x", "webhook"),
    ("https://hooks.example/x#y", "webhook"), ("https://hooks.example/x\r\nX: y", "webhook"), ("https:///x", "webhook"),
    ("https://hooks.example:99999/x", "webhook"), ("https://hooks.example:8443/x", "host"), ("https://[::1/x", "webhook"),
    ("https://hooks.example/甲", "webhook"), ("https://hooks.example/" + "x" * 500, "long"),
])  # fmt: skip
def test_a_webhook_may_only_be_at_a_host_the_office_listed(to, code):
    with pytest.raises(AddressWrong) as refused:
        notices.checked("webhook", to, ("hooks.example",))
    assert refused.value.code == code
    assert notices.checked("webhook", " https://Hooks.Example/x ", ("hooks.example",)) == "https://Hooks.Example/x"


def test_a_host_taken_off_the_list_is_not_called_any_more(ledger):
    hook = Hook()
    with hooked(ledger, hook):
        assert passed(ledger, {"webhook": Webhook(("other.example",), SECRET.encode())}) == {"refused": 1}
    assert hook.got == []


def test_each_address_has_a_key_of_its_own():
    way = Webhook((), SECRET.encode())
    assert way.signing_key("https://a.example/1") != way.signing_key("https://a.example/2")
    assert SECRET not in repr(way)
