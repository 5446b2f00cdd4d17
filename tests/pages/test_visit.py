"""The page for phones: a visit written down, a connection lost, handed in once; and who may see its photos."""

from __future__ import annotations

import http.client
import io
import json
import re
from datetime import UTC, datetime

import duckdb
import openpyxl
import pytest
from PIL import Image
from playwright.sync_api import TimeoutError, expect, sync_playwright

from data import accounts, drafts, editions, photos, sessions
from data.ledger import open_ledger
from data.records import open_store
from pages.shared.viewer import SESSION_COOKIE
from tests.conftest import copy_of
from tests.pages.house import PASSWORD, serving
from tests.pages.line import Line

READY = "[data-testid=stApp][data-test-script-state=notRunning]"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory):
    """The demo district, where one record of the station's area names a photo."""
    return copy_of(demo_root, tmp_path_factory.mktemp("visits") / "var")


@pytest.fixture(scope="module")
def shot(root):
    """(photo, the record's estate with its station and company): evidence of an estate that demo-station sees."""
    photo = photos.keep(root, jpeg("blue"))
    ledger = open_ledger(root)
    area = accounts.find(ledger, "demo-station").area_id
    ledger.dispose()
    con = duckdb.connect(editions.current(root))
    ((record, estate, company),) = con.execute(
        "SELECT v.record_id, v.estate_id, m.company_id FROM evidence AS v JOIN management AS m ON m.unit_id = v.unit_id "
        "JOIN estates AS e ON e.estate_id = v.estate_id AND e.period = (SELECT max(period) FROM periods) "
        "WHERE v.metric = 'fire_equipment_sound' AND e.station_id = $area AND m.company_id IS NOT NULL ORDER BY v.decided_on DESC, 1 LIMIT 1",
        {"area": area},
    ).fetchall()
    facts = json.dumps({"form": "fire_visit", "form_version": 1, "photos": photo})
    con.execute("UPDATE evidence SET facts = ? WHERE record_id = ?", [facts, record])
    con.close()
    return photo, estate, company


@pytest.fixture(scope="module")
def base(root, shot):
    with serving(root) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


def ready(page):
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_timeout(400)
    return page


def downloaded(page, name: str):
    """The file a button gives; pressed once more where the page was drawn anew under the first press, as a person would."""
    button = page.get_by_role("button", name=name)
    try:
        with page.expect_download(timeout=20_000) as sent:
            button.click()
    except TimeoutError:
        with page.expect_download(timeout=60_000) as sent:
            button.click()
    return sent.value


def entered(browser, base, who="demo-station", lang="zh"):
    context = browser.new_context(base_url=base, viewport=PHONE)
    page = context.new_page()
    page.goto("/visit")
    page.click(f"button[value={who}]")
    ready(page)
    page.goto(f"/visit?lang={lang}")
    return ready(page)


def begun(page):
    """A visit to the first estate on the first form."""
    page.get_by_role("button", name="开始检查").click()
    expect(page.get_by_role("checkbox", name="以上内容属实")).to_be_attached(timeout=20_000)
    return ready(page)


def counted(page, n: int, checked: str, passed: str) -> None:
    for label, value in (("检查点数", checked), ("合格点数", passed)):
        box = page.get_by_label(label).nth(n)
        box.fill(value)
        box.press("Tab")
        ready(page)


def answered(page, place: int, word: str) -> None:
    page.get_by_role("radio", name=word, exact=True).nth(place).click()
    ready(page)


def jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def items_held(root) -> list[tuple]:
    con = open_store(root)
    try:
        return con.sql(
            "SELECT v.delivery_id, v.estate_id, v.signed, v.body, i.item_code, i.checked, i.passed, i.severity, i.form, "
            "i.form_version, i.remark, i.photos FROM inspection_items AS i JOIN inspections AS v USING (inspection_id) "
            "WHERE i.form IS NOT NULL ORDER BY i.item_code"
        ).fetchall()
    finally:
        con.close()


def test_a_visit_survives_a_lost_connection_and_is_handed_in_once(root, base, browser):
    page = begun(entered(browser, base))
    counted(page, 0, "10", "8")
    page.get_by_role("textbox", name="问题描述").first.fill("三层堆放杂物")
    page.get_by_role("textbox", name="问题描述").first.press("Tab")
    ready(page)
    page.locator("input[type=file]").first.set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg("red")}
    )
    expect(page.locator("img[src*='/photo/']")).to_have_count(1, timeout=20_000)
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    said = page.request.get("/_stcore/metrics").text()
    assert not re.search(r"UploadedFileManager\S* [1-9]", said), "the photo is drawn: its upload is let go of"

    page.context.set_offline(True)
    page.get_by_label("检查点数").nth(1).fill("5")
    page.wait_for_timeout(500)
    page.close()
    page.context.set_offline(False)

    again = page.context.new_page()
    again.goto("/visit")
    ready(again)
    expect(again.get_by_text("有一份未提交的草稿")).to_be_visible(timeout=20_000)
    again.get_by_role("button", name="继续填写").click()
    expect(again.get_by_label("检查点数").first).to_have_value("10", timeout=20_000)
    ready(again)
    expect(again.get_by_label("合格点数").first).to_have_value("8")
    expect(again.get_by_role("textbox", name="问题描述").first).to_have_value("三层堆放杂物")
    expect(again.locator("img[src*='/photo/']")).to_have_count(1)
    answered(again, -1, "合格")  # the last item

    before = items_held(root)
    again.get_by_text("以上内容属实").click()
    ready(again)
    again.get_by_role("button", name="签字并提交").dblclick()
    expect(again.get_by_role("button", name="开始检查")).to_be_visible(timeout=120_000)
    ready(again)
    assert before == []
    made = items_held(root)
    assert [(code, n, p, s) for _, _, _, _, code, n, p, s, *_ in made] == [
        ("escape_routes", 10, 8.0, "severe"), ("files_and_plans", 1, 1.0, None)
    ]  # fmt: skip
    assert {(signed, body, form, version) for _, _, signed, body, *_, form, version, _, _ in made} == {
        (True, "police", "fire_visit", 1)
    }
    assert made[0][-2] == "三层堆放杂物"
    assert photos.path_of(root, made[0][-1]) is not None
    con = open_store(root)
    try:
        sent = con.sql(
            "SELECT source, accepted, file, sha256 FROM deliveries WHERE source LIKE 'form_%' ORDER BY 1"
        ).fetchall()
        prints = con.sql("SELECT photo_prints FROM inspection_items WHERE photo_prints IS NOT NULL").fetchall()
    finally:
        con.close()
    assert [(s, n) for s, n, *_ in sent] == [("form_items", 2), ("form_visits", 1)]  # twice pressed, delivered once
    assert prints == [("0" * 16,)]  # one photo, of one colour: it grows lighter nowhere
    assert drafts.kept(root, "demo-station") is None


def test_a_line_cut_in_the_middle_of_a_word_loses_nothing_and_the_same_page_goes_on(root, base, browser):
    line = Line(int(base.rsplit(":", 1)[1]))
    drafts.drop(root, "demo-station")
    page = begun(entered(browser, f"http://127.0.0.1:{line.port}"))
    counted(page, 0, "12", "9")
    remark = page.get_by_role("textbox", name="问题描述").first
    remark.press_sequentially("五层锁闭")  # and the field is not left
    line.cut()
    expect(remark).to_be_disabled(timeout=20_000)  # so nobody writes what cannot arrive
    assert drafts.kept(root, "demo-station")["answers"]["escape_routes"]["passed"] == 9
    line.mend()
    expect(remark).to_be_enabled(timeout=60_000)
    ready(page)
    expect(remark).to_have_value("五层锁闭")
    expect(page.get_by_label("检查点数").first).to_have_value("12")
    page.get_by_text("以上内容属实").click()
    ready(page)
    page.get_by_role("button", name="签字并提交").click()
    expect(page.get_by_role("button", name="开始检查")).to_be_visible(timeout=120_000)
    line.close()
    assert ("escape_routes", 12, 9.0, "五层锁闭") in [(r[4], r[5], r[6], r[-2]) for r in items_held(root)]


def asked(base: str, address: str, token: str | None) -> tuple[int, str]:
    """Status and type of a plain http answer."""
    host = base.removeprefix("http://")
    con = http.client.HTTPConnection(host, timeout=30)
    con.request("GET", address, headers={"Cookie": f"{SESSION_COOKIE}={token}"} if token else {})
    answer = con.getresponse()
    answer.read()
    con.close()
    return answer.status, answer.headers.get("content-type", "")


def token_of(root, role: str, **where) -> str:
    ledger, now = open_ledger(root), datetime.now(UTC)
    name = f"p-{role}-{'-'.join(map(str, where.values()))}"[:60].lower()
    made = accounts.create_account(
        ledger, account_id=name, name_zh="某人", role=role, password=PASSWORD, now=now, **where
    )
    token = sessions.start(ledger, made, now)
    ledger.dispose()
    return token


def test_a_photo_is_there_only_for_whom_its_record_is(root, base, shot):
    photo, estate, company = shot
    con = duckdb.connect(editions.current(root), read_only=True)
    ask = "SELECT station_id FROM estates WHERE estate_id = ? ORDER BY period DESC LIMIT 1"
    ((station,),) = con.execute(ask, [estate]).fetchall()
    ((other,),) = con.execute("SELECT min(station_id) FROM estates WHERE station_id <> ?", [station]).fetchall()
    ((rival,),) = con.execute(
        "SELECT min(company_id) FROM management WHERE company_id NOT IN "
        "(SELECT company_id FROM management WHERE estate_id = ? AND company_id IS NOT NULL)",
        [estate],
    ).fetchall()
    con.close()
    seen = {
        "station": token_of(root, "station", area_id=station), "supervisor": token_of(root, "supervisor"),
        "manager": token_of(root, "manager", company_id=company),
    }  # fmt: skip
    unseen = {
        "another station": token_of(root, "station", area_id=other), "steward": token_of(root, "steward"),
        "another manager": token_of(root, "manager", company_id=rival),
    }  # fmt: skip
    assert {who: asked(base, f"/photo/{photo}", t) for who, t in seen.items()} == dict.fromkeys(
        seen, (200, "image/jpeg")
    )
    assert {who: asked(base, f"/photo/{photo}", t)[0] for who, t in unseen.items()} == dict.fromkeys(unseen, 404)
    assert asked(base, f"/photo/{photo}", None)[0] == 401
    for name in ("0" * 64, "..%2f..%2fledger.sqlite", photo.upper()):
        assert asked(base, f"/photo/{name}", seen["supervisor"])[0] in (400, 404)


def test_the_evidence_says_the_form_its_version_and_the_photos(base, shot, browser):
    _, estate, _ = shot
    page = entered(browser, base)
    page.goto(f"/estate?estate={estate}&metric=fire_equipment_sound&lang=zh")
    ready(page)
    expect(page.get_by_text("本页记录的照片（1 张）")).to_be_visible(timeout=30_000)
    page.get_by_text("本页记录的照片（1 张）").click()
    expect(page.locator("img[src*='/photo/']")).to_be_visible()


def test_the_empty_form_for_excel_covers_ones_own_estates(root, base, browser):
    page = entered(browser, base)
    page.get_by_text("下载 Excel 检查表").click()
    sent = downloaded(ready(page), "下载空白检查表")
    made = openpyxl.load_workbook(io.BytesIO(sent.path().read_bytes()))
    held = {row[1].value for row in made["检查"].iter_rows(min_row=2)}
    ledger = open_ledger(root)
    area = accounts.find(ledger, "demo-station").area_id
    ledger.dispose()
    con = duckdb.connect(editions.current(root), read_only=True)
    own = "SELECT estate_id FROM estates WHERE station_id = ? AND period = (SELECT max(period) FROM periods)"
    assert held == {i for (i,) in con.execute(own, [area]).fetchall()}
    con.close()
