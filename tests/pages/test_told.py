"""What counts as an address the server told, and for how long it is kept."""

from __future__ import annotations

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from pages.shared import told
from pages.shared.told import Told

FILE = "/media/" + "a" * 56 + ".pdf"
UPLOAD = "/_stcore/upload_file/session/file"


def message(fill) -> bytes:
    made = ForwardMsg()
    fill(made)
    return made.SerializeToString()


def button(made):
    made.delta.new_element.download_button.url = FILE


def picture(made):
    made.delta.new_element.imgs.imgs.add().url = FILE


def asked_for(made):
    made.backend_operation_response.deferred_file.url = FILE


def upload(made):
    made.file_urls_response.file_urls.add().upload_url = UPLOAD


def typed(made):
    made.delta.new_element.markdown.body = f"nothing found for {FILE} and {UPLOAD}"


def linked(made):
    made.delta.new_element.link_button.url = FILE


@pytest.mark.parametrize(
    ("fill", "path"), [(button, FILE), (picture, FILE), (asked_for, FILE), (upload, UPLOAD)], ids=lambda p: getattr(p, "__name__", "")
)  # fmt: skip
def test_an_address_the_server_tells_a_stay_is_that_stays_alone(fill, path):
    known = Told()
    known.hear("one", message(fill))
    assert known.to("one", path)
    assert not known.to("another", path)
    assert not known.to("one", path + "x")


@pytest.mark.parametrize("fill", [typed, linked], ids=lambda f: f.__name__)
def test_what_a_page_only_repeats_is_not_told(fill):
    known = Told()
    known.hear("one", message(fill))
    assert not known.to("one", FILE) and not known.to("one", UPLOAD)


def test_the_newest_are_kept_and_no_more(monkeypatch):
    monkeypatch.setattr(told, "MOST_OF_A_STAY", 2)
    monkeypatch.setattr(told, "MOST_STAYS", 2)
    known = Told()
    paths = [f"/media/{n}" for n in range(3)]
    for path in (paths[0], paths[1], paths[0], paths[2]):  # the first is told again: 1 is the oldest then
        known.hear("one", message(lambda made, path=path: setattr(made.delta.new_element.download_button, "url", path)))
    assert [known.to("one", path) for path in paths] == [True, False, True]
    for stay in ("two", "three"):
        known.hear(stay, message(button))
    assert [known.to(stay, FILE) for stay in ("two", "three")] == [True, True]
    assert not known.to("one", paths[2])
