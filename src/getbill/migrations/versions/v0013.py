"""A queue of our own for e-mails to admins, and a row that says when maintenance is due, instead of pgqueuer."""

from getbill.migrations import script

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
