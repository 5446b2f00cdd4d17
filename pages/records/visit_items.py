"""One item of a form on the phone: how it came out, what was seen, photos of it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from data import codes, form_book, forms, photos
from pages.shared import format, place
from pages.shared import photos as pictures
from pages.shared.held import let_go

RESULTS = ("pass", "fail", "not_applicable")
WORD = dict(zip(RESULTS, form_book.RESULTS, strict=True))
MOST_TEXT = 500
TAKEN = "visit_photos_taken"
TYPES = ["jpg", "jpeg", "png"]


def form_name(form: forms.Form, t) -> str:
    return form.name_zh if t.language == "zh" else form.name_en


def ask(draft: dict[str, Any], item: forms.Item, t) -> None:
    """Draw one item and put what is answered into the draft."""
    answer, key = draft["answers"].setdefault(item.code, {}), f"{draft['mark']}-{item.code}"
    with st.container(border=True):
        st.markdown(f"**{t(f'fact.item_code.{item.code}')}**")
        st.write(format.plain(item.text_zh if t.language == "zh" else item.text_en))
        unsure = f" · {t('page.visit.to_confirm')}" if item.unconfirmed else ""
        st.caption(f"{format.plain(item.law)}{unsure}")
        if item.answered == "count":
            _count(answer, key, t)
        else:
            _result(answer, key, RESULTS, t)
        if failed(answer):
            _failed(answer, item, key, t)
        if begun(answer):
            _photos(draft, answer, key, t)


def begun(answer: dict[str, Any]) -> bool:
    return any(answer.get(k) not in (None, "", []) for k in ("result", "checked", "passed"))


def complete(answer: dict[str, Any]) -> bool:
    """Answered in words, or by two counts that can be."""
    if answer.get("result"):
        return True
    checked, passed = answer.get("checked"), answer.get("passed")
    return checked is not None and passed is not None and passed <= checked


def failed(answer: dict[str, Any]) -> bool:
    if answer.get("result"):
        return answer["result"] == "fail"
    return complete(answer) and answer["passed"] < answer["checked"]


def _result(answer: dict[str, Any], key: str, results: tuple[str, ...], t) -> None:
    answer["result"] = st.segmented_control(
        t("page.visit.result"), results, default=answer.get("result"), format_func=lambda r: t(f"visit.result.{r}"),
        key=f"{key}-result", label_visibility="collapsed",
    )  # fmt: skip


def _count(answer: dict[str, Any], key: str, t) -> None:
    """Two counts, or that the item does not apply."""
    _result(answer, key, RESULTS[2:], t)
    if answer.get("result"):
        answer["checked"] = answer["passed"] = None
        return
    left, right = st.columns(2)
    for box, name in ((left, "checked"), (right, "passed")):
        answer[name] = box.number_input(
            t(f"field.{name}"), 0, form_book.MOST_POINTS, value=answer.get(name), step=1, key=f"{key}-{name}"
        )
    if None not in (answer["checked"], answer["passed"]) and answer["passed"] > answer["checked"]:
        st.error(t("intake.reason.sense.passed_exceeds_checked"))


def _failed(answer: dict[str, Any], item: forms.Item, key: str, t) -> None:
    answer["severity"] = st.selectbox(
        t("field.severity"), codes.SEVERITIES, index=codes.SEVERITIES.index(answer.get("severity", item.severity)),
        format_func=lambda s: t(f"fact.severity.{s}"), key=f"{key}-severity",
    )  # fmt: skip
    answer["remark"] = st.text_area(
        t("field.remark"),
        value=answer.get("remark", ""),
        max_chars=MOST_TEXT,
        key=f"{key}-remark",
        help=t("page.visit.no_names"),
    )


def _photos(draft: dict[str, Any], answer: dict[str, Any], key: str, t) -> None:
    """Photos taken in as soon as they arrive; each stays with the item under its hash."""
    held = answer.setdefault("photos", [])
    turn = answer.setdefault("turn", 0)
    came = st.file_uploader(
        t("page.visit.photos", megabytes=photos.LARGEST_MB),
        type=TYPES,
        accept_multiple_files=True,
        key=f"{key}-photos-{turn}",
        max_upload_size=photos.LARGEST_MB,
    )
    taken = st.session_state.setdefault(TAKEN, set())  # each file is looked at once, not at every click
    for file in came:
        if file.file_id in taken:
            continue
        if sum(len(a.get("photos", ())) for a in draft["answers"].values()) >= photos.MOST:
            st.warning(t("page.visit.photo_refused.many", n=photos.MOST))
            break
        taken.add(file.file_id)
        content = file.getvalue()
        let_go(file)  # kept or refused, memory need not hold it until the page is closed
        try:
            name = photos.keep(place.root(), content)
        except photos.NoPhoto as e:
            st.warning(t(f"page.visit.photo_refused.{e.kind}", mb=photos.LARGEST_MB, file=format.plain(file.name)))
            continue
        if name not in held:
            held.append(name)
    if held:
        st.html(pictures.shown(held, t("page.visit.photo_of", item=t("visit.photo"))))
        if st.button(t("page.visit.remove_photos"), key=f"{key}-remove"):
            held.clear()
            answer["turn"] = turn + 1
            st.rerun()


def cells(answer: dict[str, Any], severity: dict[str, str]) -> dict[str, Any]:
    """What the workbook's line of an item says."""
    bad = failed(answer)
    passed, names = answer.get("passed"), answer.get("photos", ())
    return {
        "结果": WORD.get(answer.get("result") or ""), "检查点数": answer.get("checked"), "合格点数": float(passed) if passed is not None else None,
        "问题严重程度": severity[answer["severity"]] if bad else None, "问题描述": (answer.get("remark") or "").strip() or None if bad else None,
        "照片指纹": " ".join(names) or None, "照片相似码": " ".join(photos.print_of(place.root(), n) for n in names) or None,
    }  # fmt: skip
