"""Confirmations of wordings by administrators."""

from getbill.migrations import script

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
