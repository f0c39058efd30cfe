"""Processes that hold master keys, and key tables that are vacuumed soon after a key was destroyed."""

from getbill.migrations import script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
