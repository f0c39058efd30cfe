"""The hand-over of a contact, by which a worker's journal knows it."""

from getbill.migrations import script

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
