"""One browser over every page of a district where every name means harm: nothing runs, nothing leaves, text is text.

The network is recorded the whole way. Chromium may reach this server alone; whatever it asks of another fails the test.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from data import editions
from pages.shared.registry import PAGES
from tests.pages.docket import Docket, opened
from tests.pages.hostile import ALL_AT_ONCE, NAME_LONGEST, PAYLOADS, mark, name_of, town
from tests.pages.house import UVICORN, serving

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
OURS = re.compile(r"(https?|wss?)://127\.0\.0\.1:\d+/|data:|blob:|about:")
#: What has run, what a browser would follow, and all text, of the page and of its charts.
LOOK = """() => {
  const bad = [];
  if (window.__ran !== undefined) bad.push('ran ' + window.__ran);
  for (const e of document.querySelectorAll('[src],[href],[action],[data]')) {
    for (const a of ['src', 'href', 'xlink:href', 'action', 'data', 'srcset']) {
      const v = e.getAttribute(a) || '';
      if (/^\\s*javascript:/i.test(v) || /evil\\.example/i.test(v) || v === 'x') bad.push(e.tagName + ' ' + a + '=' + v);
    }
  }
  for (const e of document.querySelectorAll('*')) for (const a of e.getAttributeNames())
    if (/^on/i.test(a)) bad.push(e.tagName + ' has ' + a);
  const text = [document.body.innerText, document.title];
  for (const e of document.querySelectorAll('svg text, canvas td, option, [title], [aria-label]'))
    text.push(e.textContent, e.getAttribute('title') || '', e.getAttribute('aria-label') || '');
  return {bad, text: text.join('\\n')};
}"""


def bare(text: str) -> str:
    """Without blanks and unseen characters: what a browser draws differs from what was meant only in those."""
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf"))


@pytest.fixture(scope="module")
def root(demo_root, tmp_path_factory) -> Path:
    return town(demo_root, tmp_path_factory.mktemp("hostile") / "var")


@pytest.fixture(scope="module")
def docket(root) -> Docket:
    return opened(root)


@pytest.fixture(scope="module")
def names(root, docket) -> dict[str, str]:
    """Mark -> the whole name it belongs to."""
    current = editions.current(root)
    assert current
    con = editions.open_edition(current)
    keys = con.sql(
        "SELECT estate_id FROM estates UNION SELECT company_id FROM companies UNION SELECT head_id FROM office_heads "
        "UNION SELECT area_id FROM areas UNION SELECT delivery_id FROM deliveries"
    ).pl().to_series().to_list()  # fmt: skip
    people = ["demo-supervisor", "demo-manager", "demo-steward"]
    return {mark(k): name_of(k) for k in keys} | {mark(k): name_of(k)[-NAME_LONGEST:] for k in people} | docket.texts


@pytest.fixture(scope="module")
def addresses(root, docket) -> list[tuple[str, str]]:
    """(role, address): every page of the registry, an estate and a company of each, as the first role it is for; and every
    case, as officer and as company."""
    current = editions.current(root)
    assert current
    con = editions.open_edition(current)
    rows = con.sql(
        "SELECT m.estate_id, m.company_id FROM management AS m JOIN index_scores AS s ON s.level = 'estate' AND "
        "s.unit_id = m.estate_id AND s.state = 'rated' WHERE m.valid_to = DATE '9999-12-31' ORDER BY ALL"
    ).pl().unique(maintain_order=True)  # fmt: skip
    worst = [(e, c) for e, c in rows.rows() if ALL_AT_ONCE in name_of(e) and ALL_AT_ONCE in name_of(c)]
    estate, company = worst[0]
    more = {
        "estate": f"?estate={estate}&metric=hazards_fixed_in_time",
        "company": f"?company={company}",
        "case": f"?case={docket.cases['stranger']}",
        "history": f"?company={company}",
        "tasks": f"?code={docket.codes[docket.cases['stranger']][0]}",
    }
    cases = [
        (role, f"case?case={c}")
        for role in ("supervisor", "manager")
        for c in docket.cases.values()
        if role in docket.readers[c]
    ]
    cases += [("manager", "tasks"), ("manager", f"history?estate={docket.estates['manager']}")]
    return sorted({(page.roles[0], page.url_path + more.get(page.url_path, "")) for page in PAGES} | set(cases))


def settled(page: Page) -> None:
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]", timeout=90_000)
    page.wait_for_timeout(500)


def test_hostile_names_are_text_on_every_page_and_nothing_is_asked_of_another_host(root, names, addresses):
    asked: Counter[str] = Counter()
    outside: list[str] = []
    dialogs: list[str] = []
    wrong: list[str] = []
    refused: list[str] = []
    shown: set[str] = set()
    with serving(root, UVICORN) as port, sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        role_now, page = "", None
        for role, address in addresses:
            if role != role_now:
                context = chromium.new_context(viewport={"width": 1440, "height": 2600}, locale="zh-CN")
                page = context.new_page()
                for happening, note in (
                    ("request", lambda r: (asked.update([r.url]), OURS.match(r.url) or outside.append(r.url))),
                    ("websocket", lambda w: OURS.match(w.url) or outside.append(w.url)),
                    ("dialog", lambda d: (dialogs.append(d.message), d.dismiss())),
                    ("console", lambda m: "Content Security Policy" in m.text and refused.append(m.text)),
                ):
                    page.on(happening, note)
                page.goto(f"http://127.0.0.1:{port}/")
                page.locator(f'button[value="demo-{role}"]').click()
                settled(page)
                role_now = role
            assert page
            answer = page.goto(f"http://127.0.0.1:{port}/{address}")
            assert answer and "default-src 'self'" in answer.headers["content-security-policy"]
            settled(page)
            assert page.locator("[data-testid=stException]").count() == 0, address
            looked = page.evaluate(LOOK)
            wrong += [f"/{address}: {bad}" for bad in looked["bad"]]
            text = bare(looked["text"])
            for found in set(re.findall(r"qx[0-9a-f]{8}", text)) & set(names):
                whole = bare(names[found])
                if whole not in text:
                    wrong.append(
                        f"/{address}: {names[found]!r} is shown as ...{text[max(0, text.find(found) - len(whole) - 9) :][: len(whole) + 20]}"
                    )
                shown.add(names[found].rsplit(" ", 1)[0])
        chromium.close()
    assert not wrong, "\n".join(wrong)
    assert not outside, f"asked of other hosts: {sorted(set(outside))[:5]}"
    assert not dialogs
    assert not refused, f"the content policy had to stop: {refused[:3]}"
    print(
        f"\n{len(addresses)} pages, {asked.total()} requests, {len(shown)} hostile texts of {len(PAYLOADS)} kinds seen"
    )
    assert len(shown) >= len(PAYLOADS) // 2, "too few hostile names were on screen: this proves little"
    log = (root / "server.log").read_text(encoding="utf-8", errors="replace")
    assert not [line for line in log.splitlines() if re.match(r"(2026-11-23 00:00:00 WARNING forged|Bcc:)", line)]
    assert "Traceback" not in log
