"""Rights to data and who created a credential, zones of expensive numbers, lasting rate counts, and a quarantine."""

from getbill.migrations import script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
