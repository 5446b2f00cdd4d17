"""Who may sign in, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from commands import now
from data import accounts, duties
from data.grants import Grant
from data.ledger import open_ledger
from data.scope import ROLES, Role


@click.group()
def account() -> None:
    """Who may sign in."""


@account.command("add")
@click.argument("account_id")
@click.option("--name", "name_zh", required=True)
@click.option("--name-en")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--area", help="Sub-district or station, for officers.")
@click.option("--company", help="Credit code, for managers.")
@click.password_option()
@click.pass_obj
def account_add(root: Path, account_id: str, name_zh: str, name_en: str | None, role: Role, area: str | None,
                company: str | None, password: str) -> None:  # fmt: skip
    """Create an account."""
    accounts.create_account(
        open_ledger(root), account_id=account_id, name_zh=name_zh, name_en=name_en, role=role, area_id=area,
        company_id=company, password=password, now=now(), by="steward",
    )  # fmt: skip
    click.echo(f"Account '{account_id}' may sign in; its person chooses a password of their own first.")


@account.command("password")
@click.argument("account_id")
@click.password_option()
@click.pass_obj
def account_password(root: Path, account_id: str, password: str) -> None:
    """Set a new password; every session of the account ends."""
    accounts.set_password(open_ledger(root), account_id, password, now(), by="steward")
    click.echo(f"Password of '{account_id}' given, its lock lifted, its sessions ended; its person must change it.")


@account.command("disable")
@click.argument("account_id")
@click.pass_obj
def account_disable(root: Path, account_id: str) -> None:
    """Close an account; every session of it ends."""
    accounts.disable(open_ledger(root), account_id, now())
    click.echo(f"Account '{account_id}' is disabled.")


@account.command("enable")
@click.argument("account_id")
@click.pass_obj
def account_enable(root: Path, account_id: str) -> None:
    """Open a disabled account again."""
    accounts.enable(open_ledger(root), account_id, now())
    click.echo(f"Account '{account_id}' may sign in again.")


@account.command("duties")
@click.argument("account_id")
@click.argument("duty", nargs=-1, required=True)
@click.pass_obj
def account_duties(root: Path, account_id: str, duty: tuple[str, ...]) -> None:
    """Give an account several duties, each ROLE or ROLE:AREA or manager:COMPANY; its person chooses after signing in."""
    grants = []
    for text in duty:
        role, _, where = text.partition(":")
        if role not in ROLES:
            raise accounts.AccountWrong(f"'{text}' names no role. Roles are: {', '.join(ROLES)}.")
        company = role == "manager"
        grants.append(Grant(cast(Role, role), None if company else where or None, where or None if company else None))
    duties.grant_roles(open_ledger(root), account_id, grants, by="steward", now=now())
    click.echo(f"Account '{account_id}' has {len(grants)} duties now; its sessions ended.")


@account.command("role")
@click.argument("account_id")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--area", help="Sub-district or station, for officers.")
@click.option("--company", help="Credit code, for managers.")
@click.pass_obj
def account_role(root: Path, account_id: str, role: Role, area: str | None, company: str | None) -> None:
    """Give an account another duty; every session of it ends."""
    accounts.change_role(
        open_ledger(root), account_id, role, area_id=area, company_id=company, by="steward", now=now()
    )  # fmt: skip
    click.echo(f"Account '{account_id}' is {role} now; its sessions ended.")
