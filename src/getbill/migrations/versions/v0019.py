"""Grouped contact: one message about several debts of a person, and the distance between contacts."""

from getbill.migrations import script

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
