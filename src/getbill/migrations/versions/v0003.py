"""Scenarios and messages of a workspace's own, dated rules, suppression, and what a person has to decide."""

from getbill.migrations import script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
