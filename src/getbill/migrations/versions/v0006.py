"""States of an import with one meaning each, people found in what imports keep, and dropped files of one name."""

from getbill.migrations import script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
