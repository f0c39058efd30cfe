"""Creditors as rows, and the particulars of a company that collects for them."""

from getbill.migrations import script

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
