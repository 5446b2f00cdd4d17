"""The command line of the nightly job: load deliveries, draft an edition, publish it, verify it.

Exit codes: 0 done; 1 done, and some rows were set aside or a file waits for a person (load) or numbers differ (verify);
2 refused, with the reason; 3 out of memory, nothing stored. The pages use the same functions.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

import click

#: Each command and where it stands. Loaded when asked for: a load needs none of what computes an edition.
COMMANDS = {
    "load": "commands.deliveries.load",
    "delivery": "commands.deliveries.delivery",
    "draft": "commands.editions.draft",
    "publish": "commands.editions.publish",
    "verify": "commands.editions.verify",
    "effect": "commands.editions.effect_of",
    "demo": "commands.demo.demo",
    "backup": "commands.keeping.make_backup",
    "restore": "commands.keeping.restore",
    "send": "commands.keeping.send",
    "signing-key": "commands.keeping.signing_key",
    "account": "commands.accounts.account",
}


def refusal(e: Exception) -> bool:
    """Is it told in plain words, without where in the program it came up?"""
    if isinstance(e, ValueError):  # asked first: with a rule file that cannot be read nothing below can be imported
        return True
    from cases.publish import NoSuchEdition
    from data.records import StoreBusy, StoreUnwritable
    from rules.book import RuleNotInForce

    return isinstance(e, StoreBusy | StoreUnwritable | NoSuchEdition | RuleNotInForce)


def memory_ran_out(e: Exception) -> bool:
    import duckdb

    return isinstance(e, MemoryError | duckdb.OutOfMemoryException)


class Doors(click.Group):
    """Commands found in their files; their refusals told in plain words, with exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].rsplit(".", 1)
        return getattr(import_module(module), name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Exception as e:
            if memory_ran_out(e):
                click.echo(f"There was not enough memory, so nothing was stored. {e}", err=True)
                sys.exit(3)
            if refusal(e):
                click.echo(str(e), err=True)
                sys.exit(2)
            raise


@click.group(cls=Doors)
@click.option("--root", type=click.Path(path_type=Path), default=lambda: Path(os.environ.get("STEWARD_ROOT", "var")),
              show_default="var", help="The folder of the three stores.")  # fmt: skip
@click.pass_context
def main(context: click.Context, root: Path) -> None:
    """Steward: property management index (物业管理水平指数)."""
    context.obj = root


if __name__ == "__main__":
    main()
