"""My notices: where the viewer's own notices go."""

from __future__ import annotations

import streamlit as st

from data.scope import ROLES
from i18n.words import Words
from pages.shared import notice_form


def show(scope, con, t: Words) -> None:
    """The viewer's addresses; what a notice says and what it does not."""
    scope.require(*ROLES)
    st.title(t("page.notices.title"))
    st.caption(t("page.notices.lead"))
    notice_form.configured(t)
    notice_form.addresses(scope, scope.viewer_id, t)
