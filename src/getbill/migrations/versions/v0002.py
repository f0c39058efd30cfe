"""Webhooks that keep a log of 90 days, rotate their secrets and say what came before."""

from getbill.migrations import script

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
