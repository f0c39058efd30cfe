"""Codes that identify nobody, and what imports changed on debts that existed before."""

from getbill.migrations import script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
