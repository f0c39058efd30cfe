"""How often a contact was in the hands of a worker that died."""

from getbill.migrations import script

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
