"""Cache invalidation in every process when a credential, a sandbox's clock or a company changes."""

from uuid import UUID

from getbill.kit.database import Statement, Transaction

CHANNEL = "getbill_access"

# NOTIFY inside a transaction is sent with its commit: a change that is rolled back is never notified, and a
# committed revocation always is. It takes a database-wide lock at the commit, which these rare changes can
# afford.
_NOTIFY = Statement(
    "access.notify",
    "Tell every process what to forget, if and when this commits.",
    "SELECT pg_notify($1, $2)",
)


async def invalidate(tx: Transaction, subject_id: UUID) -> None:
    """Make every process drop its cache of a credential, token, family, workspace or company."""
    await tx.execute(_NOTIFY, CHANNEL, str(subject_id))


async def invalidate_all(tx: Transaction) -> None:
    """Make every process drop its cache of all credentials."""
    await tx.execute(_NOTIFY, CHANNEL, "all")
