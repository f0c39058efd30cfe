"""The first schema: every table of the first release, and the job queue's own."""

from getbill.migrations import script

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
