"""Versions of debtors, merges of two into one, and the history of both."""

from getbill.migrations import script

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
