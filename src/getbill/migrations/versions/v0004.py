"""What waits for a human, and debts in bulk: batches, files, SFTP logins."""

from getbill.migrations import script

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
