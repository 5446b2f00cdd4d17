"""A steward hands in files made to harm; others' pages answer meanwhile, the reason is said, the store is as it was."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from data.uploads import limits
from tests.data.hostile_files import far_cell, laughs, workbook
from tests.data.town import everything
from tests.pages.house import UVICORN, Browser, furnish, serving
from tests.pages.walker import Visitor

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FILES = {
    "吃内存.xlsx": (far_cell, "内存超过单个文件"),
    "实体.xlsx": (laughs, "自行声明了实体"),
    "宏.xlsm": (workbook, "带有宏"),
}


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A small district whose steward's files may use 600 MB."""
    narrow = asdict(replace(limits(), memory_mb=600, seconds=200))
    config = tmp_path / "uploads.toml"
    config.write_text("".join(f"{k} = {v}\n" for k, v in narrow.items()), encoding="utf-8")
    monkeypatch.setenv("STEWARD_UPLOADS", str(config))
    root = tmp_path / "var"
    root.mkdir()
    furnish(root)
    return root


def test_a_hostile_file_stops_nobody_else(root, tmp_path):
    before = everything(root)
    with serving(root, UVICORN) as port, sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        page = chromium.new_context(locale="zh-CN").new_page()
        page.goto(f"http://127.0.0.1:{port}/deliveries")
        page.locator('button[value="demo-steward"]').click()
        other = Browser(port)
        other.get("/signin")
        other.send("/signin", {"person": "demo-supervisor"})
        for name, (make, said) in FILES.items():
            file = make(tmp_path / name)
            page.locator("input[type=file]").set_input_files(file)
            expect(page.get_by_text(name)).to_be_visible()
            page.get_by_role("button", name="装载", exact=True).click()
            answered = 0
            with Visitor(other) as visitor:
                while answered < 3 or (answered < 200 and page.get_by_text(re.compile(said)).count() == 0):
                    assert visitor.open("method").ended_well and other.get("/method").status == 200
                    answered += 1
                    page.wait_for_timeout(200)
            expect(page.get_by_text(re.compile(said)).first).to_be_visible(timeout=120_000)
            expect(page.locator("[data-testid=stException]")).to_have_count(0)
        chromium.close()
    assert list((root / "inbox").iterdir()) == []
    after = everything(root)
    assert after.keys() == before.keys() and all(after[n].equals(before[n]) for n in before)
