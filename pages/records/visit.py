"""A visit, written down on the phone where it takes place; kept as a draft at each change, handed in as a form's workbook."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime
from typing import Any

import streamlit as st

from data import drafts, form_book, forms, uploads
from data.queries import visits
from pages.records import handed_in, visit_items, visit_template
from pages.shared import format, place
from rules.book import RuleNotInForce

#: The body an officer's role stands for, in the codes of inspections.
BODY = {"station": "police", "subdistrict": "subdistrict"}
KINDS = ("routine", "case", "campaign", "joint", "night", "reinspection")
TRIGGERS = ("routine", "follow_up", "complaint")
HERE = "visit"
STYLE = """<style>
[data-testid="stMain"] button, [data-testid="stMain"] input { min-height: 48px; }
[data-testid="stMain"] [data-testid="stButtonGroup"] button { min-width: 5.2rem; font-size: 1.05rem; }
</style>"""


def show(scope, con, t) -> None:
    """Begin a visit, or go on with the one under way."""
    scope.require("subdistrict", "station")
    st.html(STYLE)
    st.title(t("page.visit.title"))
    handed_in.show_result(t)
    own = {row["estate_id"]: row for row in visits.estates(scope, con).iter_rows(named=True)}
    if not own:
        st.info(t("page.visit.no_estates"))
        return
    draft = st.session_state.get(HERE) or _offered(scope, own, t)
    if draft is None:
        _begin(scope, own, t)
        visit_template.show(scope, own, t)
        return
    st.session_state[HERE] = draft
    _record(scope, own[draft["estate_id"]], draft, t)


def _today() -> date:
    return datetime.now(format.DISTRICT_ZONE).date()


def _offered(scope, own: dict[str, dict], t) -> dict[str, Any] | None:
    """The draft of an earlier stay, where its person wants to go on with it."""
    draft = drafts.kept(place.root(), scope.viewer_id)
    if draft is None or draft.get("estate_id") not in own:
        return None
    saved = format.moment(datetime.fromisoformat(draft["saved_at"]), t)
    name = format.plain(format.name(own[draft["estate_id"]], t))
    with st.container(border=True):
        st.markdown(
            f"**{t('page.visit.draft', estate=name, day=format.day(date.fromisoformat(draft['day']), t), saved=saved)}**"
        )
        go_on = st.button(t("page.visit.go_on"), type="primary", width="stretch", key="visit-go-on")
        away = st.button(t("page.visit.throw_away"), width="stretch", key="visit-throw-away")
    if away:
        drafts.drop(place.root(), scope.viewer_id)
        st.rerun()
    return draft if go_on else None


def _begin(scope, own: dict[str, dict], t) -> None:
    """Choose estate, day and form."""
    st.caption(t("page.visit.lead"))
    with st.container(border=True):
        estate_id = st.selectbox(
            t("column.estate"), list(own), format_func=lambda i: format.name(own[i], t), key="visit-estate"
        )
        day = st.date_input(t("field.inspected_on"), value=_today(), max_value=_today(), key="visit-day")
        known = {
            n: f for n, f in forms.in_force(day).items() if f.items_for(own[estate_id]["estate_class"])
        }  # fmt: skip
        if not known:
            st.info(t("page.visit.no_form"))
            return
        form = st.radio(
            t("field.form"), list(known), format_func=lambda n: visit_items.form_name(known[n], t), key="visit-form"
        )
        if st.button(t("page.visit.begin"), type="primary", width="stretch", key="visit-begin"):
            draft = {
                "estate_id": estate_id, "form": form, "version": known[form].version, "day": day.isoformat(),
                "mark": secrets.token_hex(4), "visit": {}, "answers": {},
            }  # fmt: skip
            _keep(scope, draft)
            st.session_state.pop(handed_in.KEPT, None)
            st.session_state[HERE] = draft
            st.rerun()


def _keep(scope, draft: dict[str, Any]) -> None:
    draft["saved_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    drafts.keep(place.root(), scope.viewer_id, draft)


def _record(scope, estate: dict, draft: dict[str, Any], t) -> None:
    """The form with what was answered so far; every change is kept before anything else happens."""
    try:
        form = forms.form_on(draft["form"], date.fromisoformat(draft["day"]))
    except RuleNotInForce:
        st.error(t("page.visit.no_form"))
        return
    before = repr(draft)
    day = format.day(date.fromisoformat(draft["day"]), t)
    st.subheader(format.plain(format.name(estate, t)))
    st.caption(t("page.visit.on_form", form=visit_items.form_name(form, t), version=form.version, day=day))
    _circumstances(draft, t)
    items = form.items_for(estate["estate_class"])
    for item in items:
        visit_items.ask(draft, item, t)
    if repr(draft) != before:
        _keep(scope, draft)
    st.caption(t("page.visit.saved", at=format.moment(datetime.fromisoformat(draft["saved_at"]), t)))
    _sign(scope, form, estate, draft, len(items), t)


def _circumstances(draft: dict[str, Any], t) -> None:
    visit, mark = draft["visit"], draft["mark"]
    with st.expander(t("page.visit.circumstances")):
        visit["kind"] = st.selectbox(
            t("field.kind"), KINDS, index=KINDS.index(visit.get("kind", "routine")),
            format_func=lambda c: t(f"visit.kind.{c}"), key=f"{mark}-kind",
        )  # fmt: skip
        visit["trigger"] = st.selectbox(
            t("field.trigger"), TRIGGERS, index=TRIGGERS.index(visit.get("trigger", "routine")),
            format_func=lambda c: t(f"visit.trigger.{c}"), key=f"{mark}-trigger",
        )  # fmt: skip
        visit["officers"] = st.number_input(
            t("field.officers"),
            0,
            form_book.MOST_OFFICERS,
            value=visit.get("officers", 2),
            step=1,
            key=f"{mark}-officers",
        )
        visit["inspector_id"] = st.text_input(
            t("field.inspector_id"), value=visit.get("inspector_id", ""), max_chars=32, key=f"{mark}-inspector"
        )


def _sign(scope, form: forms.Form, estate: dict, draft: dict[str, Any], asked: int, t) -> None:
    """Signing hands it in; what was signed first stays signed then, however often it is pressed."""
    done = sum(visit_items.complete(a) for a in draft["answers"].values())
    wrong = [c for c, a in draft["answers"].items() if visit_items.begun(a) and not visit_items.complete(a)]
    st.progress(done / asked, text=t("page.visit.answered", n=done, of=asked))
    if wrong:
        st.warning(t("page.visit.incomplete", items=format.codes("fact.item_code", ",".join(wrong), t)))
    sure = st.checkbox(t("page.visit.sign"), key=f"{draft['mark']}-sign")
    pressed = st.button(
        t("page.visit.hand_in"),
        type="primary",
        width="stretch",
        disabled=not sure or not done or bool(wrong),
        key="visit-hand-in",
    )
    if st.button(t("page.visit.later"), width="stretch", key="visit-later"):
        st.session_state.pop(HERE, None)
        st.rerun()
    if pressed:
        _hand_in(scope, form, estate, draft, t)


def _hand_in(scope, form: forms.Form, estate: dict, draft: dict[str, Any], t) -> None:
    draft.setdefault("signed_at", datetime.now(UTC).isoformat(timespec="seconds"))
    _keep(scope, draft)
    path = (
        place.root()
        / "inbox"
        / uploads.own_name(f"{form_book.visit_id(form, estate['estate_id'], draft['mark'])}.xlsx")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_workbook(scope, form, estate, draft))
    handed_in.load(path, t)
    if st.session_state[handed_in.KEPT]["code"] in (0, 1):
        drafts.drop(place.root(), scope.viewer_id)
        st.session_state.pop(HERE, None)
        st.rerun()
    handed_in.show_result(t)
    st.info(t("page.visit.kept_as_draft"))


def _workbook(scope, form: forms.Form, estate: dict, draft: dict[str, Any]) -> bytes:
    said, signed = draft["visit"], datetime.fromisoformat(draft["signed_at"]).astimezone(format.DISTRICT_ZONE)
    word = {c: form_book.labels("form_visits", c) for c in ("kind", "trigger", "body")}
    visit = {
        "检查日期": date.fromisoformat(draft["day"]), "检查类型": word["kind"][said["kind"]], "检查缘由": word["trigger"][said["trigger"]],
        "检查主体": word["body"][BODY[scope.role]], "执法证号": said["inspector_id"].strip() or None, "执法人数": said["officers"],
        "主管签字": form_book.SIGNED[0], "录入日期": signed.date(), "签字时间": f"{signed:%Y-%m-%d %H:%M:%S}", "签字账号": scope.viewer_id,
    }  # fmt: skip
    severity = form_book.labels("form_items", "severity")
    answers = {c: visit_items.cells(a, severity) for c, a in draft["answers"].items() if visit_items.complete(a)}
    known = {"estate_id": estate["estate_id"], "name": estate["name_zh"], "estate_class": estate["estate_class"]}
    return form_book.filled(form, known, draft["mark"], visit, answers)
