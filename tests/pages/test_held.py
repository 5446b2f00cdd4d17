"""What people's uploads may take of the server's memory, counted before a byte is read and given back when it is let go of."""

from __future__ import annotations

import http.client

import pytest

from pages.shared import held
from pages.shared.held import UPLOAD, Held
from tests.pages.house import UVICORN, Browser, furnish, serving
from tests.pages.walker import Visitor

MB = 1_048_576


@pytest.fixture
def there() -> set[str]:
    """Addresses whose file is still in memory."""
    return set()


@pytest.fixture
def book(there) -> Held:
    return Held(there.__contains__)


def arrives(book: Held, there: set, person: str, name: str, size: int, *, deliveries: bool = False) -> bool:
    path = UPLOAD + name
    taken = book.takes(person, path, size * MB, deliveries=deliveries)
    if taken:
        there.add(path)
        book.came(path)
    return taken


def test_one_person_fills_the_own_share_and_no_more(book, there):
    assert arrives(book, there, "anna", "s/1", 390)
    assert not arrives(book, there, "anna", "s/2", 11)  # 401 of 400
    assert arrives(book, there, "anna", "s/3", 10)
    assert arrives(book, there, "bo", "t/1", 390), "another person has another share"


def test_who_hands_in_deliveries_has_room_for_two_of_the_largest(book, there):
    assert [arrives(book, there, "wei", f"s/{n}", 400, deliveries=True) for n in range(3)] == [True, True, False]


def test_all_together_have_a_limit_of_their_own(book, there):
    held = [arrives(book, there, f"p{n}", f"s/{n}", 400) for n in range(6)]
    assert held == [True] * 3 + [False] * 3  # 3 x 400 = 1,200


def test_what_was_let_go_of_counts_no_more(book, there):
    assert arrives(book, there, "anna", "s/1", 400)
    assert not arrives(book, there, "anna", "s/2", 1)
    there.clear()
    assert arrives(book, there, "anna", "s/2", 400)


def test_what_is_still_on_its_way_counts(book):
    """Many begun at once, none of them there yet."""
    begun = [book.takes("anna", f"{UPLOAD}s/{n}", 150 * MB, deliveries=False) for n in range(3)]
    assert begun == [True, True, False]
    book.came(UPLOAD + "s/0")  # it broke off: Streamlit never got it
    assert book.takes("anna", UPLOAD + "s/3", 150 * MB, deliveries=False)


def test_the_same_address_sent_again_is_counted_once(book, there):
    assert arrives(book, there, "anna", "s/1", 300)
    assert arrives(book, there, "anna", "s/1", 310)


def test_a_real_server_refuses_before_reading(tmp_path):
    """3 x 400 MB are announced by a steward whose share is 800, none of it ever sent."""
    furnish(tmp_path)
    with serving(tmp_path, UVICORN) as port:
        browser = Browser(port)
        browser.get("/signin")
        assert browser.send("/signin", {"person": "demo-steward"}).status == 303
        browser.get("/_stcore/health")
        waiting, answers = [], []
        with Visitor(browser) as visitor:
            for address in visitor.upload_addresses(3):
                con = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                con.putrequest("PUT", address)
                con.putheader("Cookie", "; ".join(f"{k}={v}" for k, v in browser.cookies.items()))
                con.putheader("X-Xsrftoken", browser.cookies["_streamlit_xsrf"])
                con.putheader("Content-Length", str(400 * MB))
                con.putheader("Content-Type", "multipart/form-data; boundary=x")
                con.endheaders(b"--x\r\n")
                con.sock.settimeout(1.5)
                try:
                    answers.append(con.getresponse().status)
                except TimeoutError:
                    answers.append("reads on")
                waiting.append(con)
        for con in waiting:
            con.close()
    assert answers[2] == 413 and answers[:2] == ["reads on"] * 2


def test_outside_a_page_there_is_nothing_to_let_go_of():
    assert held.let_go(object()) is None
    assert held.stands(UPLOAD + "s/1") is False
