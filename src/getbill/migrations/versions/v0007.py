"""Rate counts that a crash of the database does not empty."""

from getbill.migrations import script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
