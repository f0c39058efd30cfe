"""The log of anonymous requests, and indexes that find what is over in one workspace."""

from getbill.migrations import script

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
