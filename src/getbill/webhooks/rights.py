"""The right on which an endpoint is sent debtors' data, and the ids it is sent without that right.

An endpoint's owner is the credential that created it or last set where its data goes. Once the owner may no
longer read debts (revoked, or its scope removed), the endpoint is sent ids only, its log says so, and a todo
requests a decision.
"""

from typing import Final
from uuid import UUID

from getbill import access, todos
from getbill.access import Actor
from getbill.kit import ids, json
from getbill.kit.database import Statement, Transaction

# The todo that requests a decision on an endpoint whose owner lost the right.
TODO: Final = "webhook_rights"
READ_DEBTS: Final = "debts:read"

# SQL condition on an endpoint's row `w`: whether it is sent debtors' data.
MAY_READ: Final = f"NOT w.is_ids_only AND {access.holding('w.owner_kind', 'w.owner', READ_DEBTS)}"

_TAKE_OVER = Statement(
    "webhooks.take_over",
    "Send an endpoint data on somebody's right from now on.",
    """
    UPDATE webhook_endpoints SET owner_kind = $3, owner = $4, is_ids_only = false
    WHERE workspace_id = $1 AND id = $2
    """,
)
_WITHHOLD = Statement(
    "webhooks.withhold",
    "Send an endpoint ids only, because a person decided so.",
    "UPDATE webhook_endpoints SET is_ids_only = true WHERE workspace_id = $1 AND id = $2",
)

_IS_DECIDED = Statement(
    "webhooks.is_withheld_on_purpose",
    "The endpoint, if a person decided that it is sent ids only.",
    "SELECT id FROM webhook_endpoints WHERE workspace_id = $1 AND id = $2 AND is_ids_only",
)


async def take_over(tx: Transaction, workspace_id: UUID, endpoint_id: UUID, by: Actor) -> None:
    """Make `by`, who may read debts, the owner on whose right the endpoint is sent data."""
    await tx.execute(_TAKE_OVER, workspace_id, endpoint_id, by.kind, by.id)
    todos.withdraw(tx, workspace_id, TODO, endpoint_id)


async def withhold(tx: Transaction, workspace_id: UUID, endpoint_id: UUID) -> None:
    """Restrict an endpoint to ids until a caller with the right takes it over."""
    await tx.execute(_WITHHOLD, workspace_id, endpoint_id)


async def request_decision(tx: Transaction, workspace_id: UUID, endpoint_id: UUID) -> None:
    """Request a decision on whether an endpoint is to be sent data again, unless one was made."""
    if await tx.fetchval(_IS_DECIDED, workspace_id, endpoint_id) is None:
        todos.create(tx, workspace_id, TODO, endpoint_id, None)


def withheld_data(debt_id: UUID) -> bytes:
    """Return the `data` of an event for an endpoint that is sent ids only."""
    return json.write({"debt_id": ids.show("debt", debt_id), "withheld": True})


def is_about_a_debt(kind: str) -> bool:
    """Return whether an event is about a debt, rather than about an endpoint."""
    return not kind.startswith("webhook.")
