"""How Alembic runs here: on the connection ``data.ledger`` hands over, inside its one transaction."""

from __future__ import annotations

from alembic import context

from data.ledger import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
