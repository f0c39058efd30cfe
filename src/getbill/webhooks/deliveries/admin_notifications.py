"""E-mails to a company's admins when one of its endpoints is disabled, with what to do about it.

The transaction that disables the endpoint queues one job per admin. A job carries ids, never an address. A
mail whose fate is unknown is sent again: a duplicate is better than a missing notification.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast
from uuid import UUID

import asyncpg
import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.errors import RetryRequested

from getbill import companies
from getbill.channels import Channel, language_of
from getbill.channels.senders import Fate, MessageAuthor, Outgoing, Sender
from getbill.companies import User, Workspace
from getbill.kit import clock, ids, json
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.messages import locale_of, message, template
from getbill.vault import Vault

# Entrypoint of these jobs in the queue.
NOTIFICATION_JOB: Final = "webhook_notice"
# Retries span a day and a half; then the job is held for inspection.
RETRY_MINUTES: Final = (1, 10, 60, 300, 720, 1200)

_log = structlog.get_logger(__name__)

_ENDPOINT = Statement(
    "webhooks.find_disabled",
    "Endpoint of a notification, if it is still disabled.",
    """
    SELECT url, disabled_reason, disabled_at FROM webhook_endpoints
    WHERE workspace_id = $1 AND id = $2 AND NOT is_enabled AND deleted_at IS NULL
    """,
)

_REQUEUE = Statement(
    "webhooks.requeue_jobs",
    "Requeue the jobs that failed.",
    """
    UPDATE pgqueuer SET status = 'queued', attempts = 0, execute_after = $2
    WHERE entrypoint = $1 AND status = 'failed'
    """,
)

_REASONS: Final = {
    "gone": message("Your system answered 410 (Gone): it no longer accepts events at this address."),
    "failing": message("Your system has accepted no delivery for five days."),
}
_TEXT: Final = template(
    """Hello,

GetBill no longer sends events of {company} to {url}.
{reason}

No event is lost. As soon as your system is ready, enable the webhook again:

    PUT /external-api/v1/webhooks/{webhook_id}  {{"enabled": true, "send_missed": true}}

The missed events are then sent in order. Until then, read all events by GET /external-api/v1/events, and the
last delivery attempts by GET /external-api/v1/webhooks/{webhook_id}/deliveries.

GetBill
"""
)


class NotificationFailed(RuntimeError):
    """The notification of an admin failed for good; its job is held in the queue."""


async def notify_admins(tx: Transaction, workspace: Workspace, endpoint_id: UUID) -> None:
    """Queue an e-mail to each admin of the company, sent once the transaction commits."""
    # The pool's proxy behaves as a connection but has another type.
    connection = cast("asyncpg.Connection[asyncpg.Record]", await tx.connection())
    admins = await companies.admins(tx, workspace.company.id)
    if not admins:
        _log.warning("webhook_notice_without_recipient", endpoint_id=ids.show("we", endpoint_id))
        return
    payloads: list[bytes | None] = [
        json.write(
            {"workspace_id": str(workspace.id), "endpoint_id": str(endpoint_id), "user_id": str(admin.id)}
        )
        for admin in admins
    ]
    count = len(payloads)
    await Queries(AsyncpgDriver(connection)).enqueue([NOTIFICATION_JOB] * count, payloads, [0] * count)


async def requeue_notifications(tx: Transaction) -> None:
    """Requeue the notifications that are held."""
    await tx.execute(_REQUEUE, NOTIFICATION_JOB, clock.wall())


@dataclass(frozen=True, slots=True)
class AdminNotifier:
    """The handler of queued notifications; sends over the installation's mail server, if any."""

    database: Database
    vault: Vault
    mail: Sender | None

    async def send(self, payload: bytes, attempts: int) -> None:
        """Notify one admin; raise RetryRequested to be called again later, NotificationFailed to be held."""
        job = json.read_texts(payload)
        endpoint_id, user_id = UUID(job["endpoint_id"]), UUID(job["user_id"])
        workspace = await companies.workspace(self.database, self.vault, UUID(job["workspace_id"]))
        row = await self.database.fetchrow(_ENDPOINT, workspace.id, endpoint_id)
        users = await companies.users(self.database, workspace.company.id)
        admin = next((user for user in users if user.id == user_id and user.is_active), None)
        if row is None or admin is None:
            return
        public_id = ids.show("we", endpoint_id)
        if self.mail is None:
            _log.warning("webhook_notice_without_mail_server", endpoint_id=public_id)
            return
        outcome = await self.mail.send(_disabled_mail(workspace, public_id, row, admin))
        if outcome.fate in {Fate.FAILED, Fate.UNKNOWN}:
            _log.warning(
                "webhook_notice_not_sent", endpoint_id=public_id, fate=outcome.fate, attempts=attempts + 1
            )
            if attempts < len(RETRY_MINUTES) and not (outcome.fate == Fate.FAILED and outcome.is_permanent):
                raise RetryRequested(timedelta(minutes=RETRY_MINUTES[attempts]))
            raise NotificationFailed(f"The admin could not be told of {public_id}.")


def _disabled_mail(workspace: Workspace, webhook_id: str, row: Any, admin: User) -> Outgoing:
    company = workspace.company
    language = locale_of(language_of(company.language, company.country))
    reason = _REASONS.get(row["disabled_reason"], "")
    facts = {"company": company.name, "url": row["url"], "reason": reason, "webhook_id": webhook_id}
    return Outgoing(
        # The same key for every retry, another one for each time the endpoint is disabled.
        key=f"{webhook_id}-{admin.id}-{row['disabled_at']:%Y%m%d%H%M%S}",
        channel=Channel.EMAIL,
        address=admin.email,
        writer=MessageAuthor("GetBill"),
        subject=message("GetBill: a webhook of {company} is disabled", company=company.name).translated(
            language
        ),
        text=_TEXT.filled(facts).translated(language),
        language=language,
    )
