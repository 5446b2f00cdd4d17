"""A form's empty workbook for estates of one's own area, to fill in with a spreadsheet program."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import partial

import polars as pl
import streamlit as st

from data import form_book, forms
from pages.records import visit_items
from pages.shared import downloads, format

MOST = 60  # estates of one workbook


def show(scope, own: dict[str, dict], t) -> None:
    """Choose form, class and estates; the workbook is made when pressed."""
    with st.expander(t("page.visit.template")):
        st.caption(t("page.visit.template_lead", n=MOST))
        known = forms.in_force(datetime.now(format.DISTRICT_ZONE).date())
        name = st.selectbox(
            t("field.form"), list(known), format_func=lambda n: visit_items.form_name(known[n], t), key="template-form"
        )
        form = known[name]
        fitting = {i: row for i, row in own.items() if form.items_for(row["estate_class"])}
        classes = sorted({row["estate_class"] for row in fitting.values()})
        one = st.selectbox(
            t("column.class"), classes, index=None, format_func=lambda c: t(f"estate_class.{c}"), placeholder=t("page.visit.all_classes"),
            key="template-class",
        )  # fmt: skip
        offered = [i for i, row in fitting.items() if one in (None, row["estate_class"])]
        chosen = st.multiselect(
            t("page.visit.estates"), offered, format_func=lambda i: format.name(own[i], t), key="template-estates",
            placeholder=t("page.visit.all_estates"), max_selections=MOST,
        )  # fmt: skip
        taken = pl.DataFrame(
            [
                {"estate_id": i, "name": own[i]["name_zh"], "estate_class": own[i]["estate_class"]}
                for i in (chosen or offered)[:MOST]
            ]
        )
        st.download_button(
            t("page.visit.download"), data=partial(form_book.template, form, taken, secrets.token_hex(4)),
            file_name=f"{visit_items.form_name(form, t)}-{form.version}.xlsx", mime=downloads.XLSX, key="template-download",
            on_click="ignore", icon="⬇️", width="stretch", disabled=taken.is_empty(),
        )  # fmt: skip
