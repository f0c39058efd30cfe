"""Who created each credential, on whose rights endpoints are sent debtors' data, and scopes for SFTP logins."""

from getbill.migrations import script

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the revision's SQL files."""
    script.run(revision)
