"""The index of due work, and leases that are found inside one workspace."""

from getbill.migrations import script

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
