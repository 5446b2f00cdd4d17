"""Cases on screen: the desk a viewer acts at, what an act's refusal says, names and days of a case in words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import duckdb
import streamlit as st

from cases.acts import Desk, EditionGone, Handed, act
from cases.allowed import NotDue
from cases.case import Case
from cases.papers.press import FieldMissing, FontsMissing, PaperWrong
from data.accounts import names_of
from data.events import AlreadyOpen, Event, Overtaken
from data.scope import Scope
from i18n.words import Words
from pages.shared import downloads, format, place, rule, viewer


def desk(scope: Scope) -> Desk:
    """Where this viewer acts, now."""
    here = str(st.context.url or "/").split("?")[0].rsplit("/", 1)[0]
    link = f"{here}/case?case="
    return Desk(place.root(), viewer.ledger(), rule.book(), downloads.press(), datetime.now(UTC), scope, link)


def about(case: Case, t: Words) -> str:
    """Whom a case is about: the estate and its company, the head, or the company alone."""
    names = [format.name(case.due, t, prefix) for prefix in ("estate", "head") if case.due.get(f"{prefix}_zh")]
    company = [format.name(case.due, t, "company")] if case.due.get("company_zh") else []
    return " · ".join([*names, *company]) or case.party_id


def title(case: Case, t: Words) -> str:
    """Such as ``挂牌督办 · 示例小区 · 示例物业``."""
    return f"{t(f'ladder.step.{case.step or case.recommended}.name')} · {about(case, t)}"


def refusal_words(refused: NotDue, t: Words) -> str:
    """Why something may not be done, in the viewer's language."""
    said = {k: format.day(v, t) if isinstance(v, date) else v for k, v in refused.params.items()}
    return t(f"case.refused.{refused.code}", **said)


def people(rows: list[Event], t: Words) -> dict[str, str]:
    """Account id to name, for everyone who acted."""
    found = names_of(viewer.ledger(), {e.by for e in rows})
    return {by: (en if t.language == "en" and en else zh) for by, (zh, en) in found.items()}


def done(
    scope: Scope, con: duckdb.DuckDBPyConnection, case: Case, kind: str, facts: dict, reason: str, handed: Handed | None, t: Words
) -> bool:  # fmt: skip
    """Do it, or say in words why not; True = written."""
    try:
        act(desk(scope), con, case, kind, facts=facts, reason=reason, handed=handed)
    except NotDue as e:
        st.warning(refusal_words(e, t))
    except Overtaken as e:
        st.warning(t("page.case.overtaken", done=overtaken_words(e, t)))
    except FontsMissing:
        st.error(t("page.case.no_fonts"))
    except (FieldMissing, PaperWrong) as e:
        st.error(paper_words(e, t))
    except EditionGone as e:
        st.error(t("page.case.edition_gone", edition=format.plain(case.edition), why=format.plain(str(e))))
    else:
        return True
    return False


def tried(do: Callable[[], str], t: Words) -> str | None:
    """What ``do`` answers, or None with the reason on screen."""
    try:
        return do()
    except NotDue as e:
        st.warning(format.plain(refusal_words(e, t)))
    except Overtaken as e:
        st.warning(t("page.case.overtaken", done=overtaken_words(e, t)))
    except FontsMissing:
        st.error(t("page.case.no_fonts"))
    except (FieldMissing, PaperWrong) as e:
        st.error(paper_words(e, t))
    return None


def paper_words(e: FieldMissing | PaperWrong, t: Words) -> str:
    """Why a paper cannot be set; a field nobody filled by the name its form gives it."""
    if not isinstance(e, FieldMissing):
        return t("page.case.paper_wrong", why=format.plain(str(e)))
    named = t(f"form.{e.field}") if t.has(f"form.{e.field}") else e.field
    return t("page.case.field_missing", template=format.plain(e.template), field=format.plain(named))


def overtaken_words(e: Overtaken, t: Words) -> str:
    """What somebody else did meanwhile."""
    names = people(list(e.since), t)
    return t("common.semicolon").join(
        f"{format.moment(row.at, t)} {format.plain(names.get(row.by, row.by))} {t(f'case.event.{row.kind}')}"
        for row in e.since
    )


def already_open(e: AlreadyOpen, t: Words) -> str:
    return t("page.case.already_open", case=format.plain(e.case_id))
