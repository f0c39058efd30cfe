"""Secret rotation of an endpoint: begin, cut over, and end on request or on time.

webhooks/secret_rotation.py decides which secrets sign at an instant; this module stores the rows it is
derived from.
"""

from datetime import datetime
from uuid import UUID

from getbill import access, companies
from getbill.access import Actor
from getbill.companies import Workspace
from getbill.kit import clock, json, signing
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.messages import message
from getbill.webhooks import secret_rotation
from getbill.webhooks.endpoints import queries
from getbill.webhooks.endpoints.actions import CreatedEndpoint
from getbill.webhooks.model import Endpoint, NoRotation, RotationUnderWay, secret_context

_ROTATE = Statement(
    "webhooks.rotate_secret",
    "Set the next secret of an endpoint; one that was next before becomes the current one.",
    """
    UPDATE webhook_endpoints SET next_secret = $3, rotation_ends_at = $4, cut_over_at = NULL, updated_at = $5,
        secret = CASE WHEN next_secret IS NOT NULL THEN next_secret ELSE secret END
    WHERE workspace_id = $1 AND id = $2
    """,
)
_CUT_OVER = Statement(
    "webhooks.cut_over",
    "Sign the plain header with the next secret from an instant on.",
    """
    UPDATE webhook_endpoints SET cut_over_at = coalesce(cut_over_at, $3), updated_at = $4
    WHERE workspace_id = $1 AND id = $2
    """,
)
_END_ROTATION = Statement(
    "webhooks.end_rotation",
    "Replace the secret of an endpoint by the next one.",
    """
    UPDATE webhook_endpoints SET secret = next_secret, next_secret = NULL, rotation_ends_at = NULL, cut_over_at = NULL,
        updated_at = $3
    WHERE workspace_id = $1 AND id = $2 AND next_secret IS NOT NULL
    """,
)
_END_ALL = Statement(
    "webhooks.end_rotations",
    "Replace the secrets of a workspace whose overlap is over by the next ones.",
    """
    UPDATE webhook_endpoints SET secret = next_secret, next_secret = NULL, rotation_ends_at = NULL, cut_over_at = NULL
    WHERE workspace_id = $1 AND rotation_ends_at <= $2 AND next_secret IS NOT NULL
    RETURNING id
    """,
)


async def rotate(
    tx: Transaction, workspace: Workspace, endpoint_id: UUID, overlap_hours: int, by: Actor
) -> CreatedEndpoint:
    """Create a secret that signs beside the old one for the overlap; raise RotationUnderWay."""
    now = clock.wall()
    before = await queries.lock(tx, workspace, endpoint_id)
    rotation = before.rotation(now)
    if rotation is not None:
        raise RotationUnderWay(
            message(
                "A rotation of the secret is in progress until {ends_at}. A second rotation would"
                " leave receivers that know only the first secret without a valid signature.",
                ends_at=json.instant(rotation.ends_at),
            ),
            extra={"overlap_ends_at": json.instant(rotation.ends_at)},
        )
    secret = signing.new_secret()
    sealed = workspace.vault.seal(secret.encode(), secret_context(workspace.id, endpoint_id))
    new_rotation = secret_rotation.begin_rotation(now, overlap_hours)
    await tx.execute(_ROTATE, workspace.id, endpoint_id, sealed, new_rotation.ends_at, tx.now)
    access.record_use(tx, workspace.id, endpoint_id, by)
    if overlap_hours == 0:
        await tx.execute(_END_ROTATION, workspace.id, endpoint_id, tx.now)
    return CreatedEndpoint(await queries.lock(tx, workspace, endpoint_id), secret)


async def cut_over(
    tx: Transaction, workspace: Workspace, endpoint_id: UUID, *, ends_overlap: bool
) -> Endpoint:
    """Sign `X-GetBill-Signature` with the next secret, or drop the old secret altogether.

    Raises NoRotation if no rotation is under way. A repeated cut-over changes nothing.
    """
    now = clock.wall()
    before = await queries.lock(tx, workspace, endpoint_id)
    if before.rotation(now) is None:
        raise NoRotation(message("No secret rotation of this webhook is in progress."))
    if ends_overlap:
        await tx.execute(_END_ROTATION, workspace.id, endpoint_id, tx.now)
    else:
        await tx.execute(_CUT_OVER, workspace.id, endpoint_id, now, tx.now)
    return await queries.lock(tx, workspace, endpoint_id)


async def end_rotations(database: Database, now: datetime) -> None:
    """Delete old secrets whose overlap ended by a wall-time instant; they have not signed since then."""

    async def end(workspace_id: UUID) -> int:
        return len(await database.fetch(_END_ALL, workspace_id, now))

    await companies.visit_workspaces(database, "rotations", end)
