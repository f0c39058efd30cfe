"""What every process is told to forget when a credential, a sandbox's clock or a company changes."""

from uuid import UUID

from getbill.kit.database import Statement, Transaction

CHANNEL = "getbill_access"

# NOTIFY inside a transaction is sent by its commit and with it: nobody can hear of what was rolled back, and
# a revocation that is committed is never left untold. It takes a lock of the whole database at the commit, which
# these rare changes can afford.
_NOTIFY = Statement(
    "access.notify",
    "Tell every process what to forget, if and when this commits.",
    "SELECT pg_notify($1, $2)",
)


async def invalidate(tx: Transaction, subject_id: UUID) -> None:
    """Have every process forget what it remembers of a credential, token, family, workspace or company."""
    await tx.execute(_NOTIFY, CHANNEL, str(subject_id))


async def invalidate_all(tx: Transaction) -> None:
    """Have every process forget every credential."""
    await tx.execute(_NOTIFY, CHANNEL, "all")
