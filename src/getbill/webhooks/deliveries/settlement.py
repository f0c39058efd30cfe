"""Writing down what came of attempts: all together, and apart where one of them cannot be written.

What a receiver took must not be sent again because of another delivery: one that cannot be logged as it is, is settled
without what its receiver said; one that cannot be settled at all is set aside.
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
from getbill.webhooks import replays
from getbill.webhooks.deliveries import ledger
from getbill.webhooks.deliveries.ledger import Ailing, Tried
from getbill.webhooks.fan_out import WAKE
from getbill.webhooks.replays import Again

_HOLD = Statement(
    "webhooks.hold",
    "Have a delivery not be sent that cannot be settled: it is nobody's turn until it is put back.",
    "UPDATE webhook_deliveries SET lease_until = NULL, next_try_at = 'infinity' WHERE workspace_id = $1 AND id = $2",
)
_DUE = Statement(
    "webhooks.due",
    "Have a delivery be sent that was held.",
    """
    UPDATE webhook_deliveries SET next_try_at = $3 WHERE workspace_id = $1 AND id = $2 AND next_try_at = 'infinity'
    RETURNING id
    """,
)
_ENDPOINT_OF = Statement(
    "webhooks.endpoint_of",
    "Whose is a delivery that was given up?",
    "SELECT endpoint_id FROM webhook_log WHERE workspace_id = $1 AND id = $2",
)
_NOT_LOGGED = "What came of it could not be logged."


async def settle(database: Database, tried: Sequence[Tried]) -> list[Ailing]:
    """Log attempts and note what becomes of them; return the endpoints that may have to be disabled."""
    ailing: list[Ailing] = []

    async def work(some: Sequence[Tried]) -> None:
        ailing.extend(await ledger.settle(database, some))

    async def put_aside(one: Tried, error: Exception) -> None:
        try:
            plain = replace(one.outcome, error=_NOT_LOGGED if one.outcome.error else None, response=None)
            ailing.extend(await ledger.settle(database, [replace(one, outcome=plain, response=None)]))
        except Exception:
            if quarantine.is_passing(error):
                raise
            place = one.claimed.target.workspace_id, one.claimed.id
            await database.execute(_HOLD, *place)
            await quarantine.put_alone(database, Item(place[0], "delivery", place[1]), error)

    await quarantine.isolated(tried, work, put_aside)
    return ailing


async def send_again(tx: Transaction, workspace: Workspace, delivery_id: UUID) -> bool:
    """Owe a delivery that was set aside once more; tell whether there is one. Raises WebhookDisabled as a replay does."""
    if await tx.fetchval(_DUE, workspace.id, delivery_id, clock.wall()) is not None:
        tx.wakes.add(WAKE)
        return True
    endpoint_id = await tx.fetchval(_ENDPOINT_OF, workspace.id, delivery_id)
    if endpoint_id is None:
        return False
    done = await replays.replay(
        tx, workspace, Again(endpoint_id, endpoint_id, deliveries=[delivery_id]), OPERATOR
    )
    return bool(done.replayed or done.already_pending)
