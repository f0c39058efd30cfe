"""The responses of simulated debtors in sandboxes, each at its own instant."""

from getbill.migrations import script

revision = "0020"
down_revision = "0018"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
