"""Where an account's notices go, as a form: for its own person, and for the steward for others."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import streamlit as st

from cases import sending
from data import accounts, notices
from data.notices import AddressWrong
from data.scope import Scope
from i18n.words import Words
from pages.shared import format
from pages.shared.viewer import ledger


def configured(t: Words) -> tuple[str, ...]:
    """Say which ways out the office has set up, and give them back."""
    ways = sending.channels(os.environ)
    if ways:
        named = t("common.separator").join(t(f"channel.{way}") for way in ways)
        st.caption(t("notices.configured", ways=named))
    else:
        st.warning(t("notices.not_configured"))
    return ways


def addresses(scope: Scope, account_id: str, t: Words) -> None:
    """The form: one field for each channel; an empty one removes the address. A webhook needs a host the office listed."""
    if accounts.existing(ledger(), account_id).demo:
        st.info(t("notices.demo"))
        return
    hosts, stand = sending.webhook_hosts(os.environ), notices.addresses_of(scope, ledger(), account_id)
    with st.form(f"addresses-{account_id}", enter_to_submit=False):
        typed = {
            channel: st.text_input(
                t(f"notices.{channel}"), value=stand.get(channel, ""), max_chars=notices.LONGEST[channel],
                placeholder=t(f"notices.{channel}_hint"), key=f"{channel}-{account_id}",
                disabled=channel == "webhook" and not hosts,
            )
            for channel in notices.CHANNELS
        }  # fmt: skip
        hooks = ", ".join(hosts)
        st.caption(t("notices.hosts", hosts=format.plain(hooks)) if hosts else t("notices.no_hosts"))
        saved = st.form_submit_button(t("notices.save"), type="primary")
    if not saved:
        return
    for channel in notices.CHANNELS:
        to = (typed[channel] or "").strip()
        if to == stand.get(channel, ""):
            continue
        try:
            notices.set_address(scope, ledger(), account_id, channel, to, hosts=hosts, now=datetime.now(UTC))
        except AddressWrong as wrong:
            st.error(t(f"notices.refused.{wrong.code}"))
        else:
            st.success(t("notices.saved" if to else "notices.removed", channel=t(f"channel.{channel}")))
