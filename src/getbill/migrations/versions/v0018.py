"""The channels that have a provider, and the debts that are to be planned anew after a change."""

from getbill.migrations import script

revision = "0018"
down_revision = "0016"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
