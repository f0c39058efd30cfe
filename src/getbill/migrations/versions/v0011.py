"""Deliveries, imports and SFTP files have the columns of every lease, and are claimed inside one workspace."""

from getbill.migrations import script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
