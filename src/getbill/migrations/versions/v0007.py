"""What failed and was set aside, so that nothing waits behind it."""

from getbill.migrations import script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
