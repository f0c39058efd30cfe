"""Settlement of attempts: all in one transaction, or in halves where that fails.

A delivery that a receiver accepted must not be sent again because of another one. One that cannot be logged
in full is settled without its response; one that cannot be settled at all is quarantined.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from getbill import quarantine
from getbill.access import OPERATOR
from getbill.companies import Workspace
from getbill.kit import clock
from getbill.kit.database import Database, Statement, Transaction
from getbill.quarantine import Item
from getbill.webhooks import due, replays
from getbill.webhooks.deliveries import ledger
from getbill.webhooks.deliveries.ledger import DeliveryAttempt, FailingEndpoint
from getbill.webhooks.replays import ReplayRequest

_HOLD = Statement(
    "webhooks.hold_delivery",
    "Hold a delivery that cannot be settled.",
    "UPDATE webhook_deliveries SET lease_until = NULL, next_try_at = 'infinity' WHERE workspace_id = $1 AND id = $2",
)
_REQUEUE = Statement(
    "webhooks.requeue_delivery",
    "Requeue a delivery that was held.",
    """
    UPDATE webhook_deliveries SET next_try_at = $3 WHERE workspace_id = $1 AND id = $2 AND next_try_at = 'infinity'
    RETURNING id
    """,
)
_ENDPOINT_OF = Statement(
    "webhooks.find_endpoint_id",
    "Endpoint of a settled delivery.",
    "SELECT endpoint_id FROM webhook_log WHERE workspace_id = $1 AND id = $2",
)
_NOT_LOGGED = "What came of it could not be logged."


async def settle_attempts(database: Database, attempts: Sequence[DeliveryAttempt]) -> list[FailingEndpoint]:
    """Log attempts and settle their deliveries; return the endpoints that may have to be disabled."""
    failing_endpoints: list[FailingEndpoint] = []

    async def record(batch: Sequence[DeliveryAttempt]) -> None:
        failing_endpoints.extend(await ledger.record_attempts(database, batch))

    async def record_without_response(attempt: DeliveryAttempt, error: Exception) -> None:
        try:
            bare_outcome = replace(
                attempt.outcome, error=_NOT_LOGGED if attempt.outcome.error else None, response=None
            )
            failing_endpoints.extend(
                await ledger.record_attempts(
                    database, [replace(attempt, outcome=bare_outcome, response=None)]
                )
            )
        except Exception:
            if quarantine.is_transient(error):
                raise
            delivery_key = attempt.delivery.target.workspace_id, attempt.delivery.id
            await database.execute(_HOLD, *delivery_key)
            await quarantine.add_separately(
                database, Item(delivery_key[0], "delivery", delivery_key[1]), error
            )

    await quarantine.isolate_failures(attempts, record, record_without_response)
    return failing_endpoints


async def retry_delivery(tx: Transaction, workspace: Workspace, delivery_id: UUID) -> bool:
    """Make a quarantined delivery pending again; return whether it exists. Raises WebhookDisabled."""
    now = clock.wall()
    if await tx.fetchval(_REQUEUE, workspace.id, delivery_id, now) is not None:
        due.note_deliveries(tx, workspace.id, now)
        return True
    endpoint_id = await tx.fetchval(_ENDPOINT_OF, workspace.id, delivery_id)
    if endpoint_id is None:
        return False
    replay_result = await replays.replay(
        tx, workspace, ReplayRequest(endpoint_id, endpoint_id, deliveries=[delivery_id]), OPERATOR
    )
    return bool(replay_result.replayed or replay_result.already_pending)
