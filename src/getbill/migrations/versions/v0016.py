"""Where a debt stood when it was resolved, chargebacks and reversals, and a minimum balance."""

from getbill.migrations import script

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
