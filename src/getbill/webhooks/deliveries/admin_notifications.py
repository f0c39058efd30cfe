"""E-mails to a company's admins when one of its endpoints is disabled, with what to do about it.

The transaction that disables the endpoint queues one e-mail per admin, which carries ids, never an address. A
mail whose fate is unknown is sent again: a duplicate is better than a missing notification. One that fails for
good is held and quarantined.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from getbill import companies, quarantine
from getbill.channels import Channel, language_of
from getbill.channels.senders import Fate, MessageAuthor, Outgoing, Sender
from getbill.companies import User, Workspace
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.messages import locale_of, message, template
from getbill.quarantine import Item
from getbill.vault import Vault
from getbill.webhooks.deliveries import notification_queue
from getbill.webhooks.deliveries.notification_queue import Notification

# Retries span a day and a half; then the e-mail is held for a person.
RETRY_MINUTES: Final = (1, 10, 60, 300, 720, 1200)
# Of one workspace in a row.
WORKSPACE_SHARE: Final = 10

_log = structlog.get_logger(__name__)

_ENDPOINT = Statement(
    "webhooks.find_disabled",
    "Endpoint of a notification, if it is still disabled.",
    """
    SELECT url, disabled_reason, disabled_at FROM webhook_endpoints
    WHERE workspace_id = $1 AND id = $2 AND NOT is_enabled AND deleted_at IS NULL
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
    """The notification of an admin failed for good; it is held in the queue."""


async def notify_admins(tx: Transaction, workspace: Workspace, endpoint_id: UUID) -> None:
    """Queue an e-mail to each admin of the company, sent once the transaction commits."""
    admins = await companies.admins(tx, workspace.company.id)
    if not admins:
        _log.warning("webhook_notice_without_recipient", endpoint_id=ids.show("we", endpoint_id))
        return
    await notification_queue.enqueue(tx, workspace.id, endpoint_id, [admin.id for admin in admins])


@dataclass(frozen=True, slots=True)
class AdminNotifier:
    """The sender of queued notifications, over the installation's mail server, if any."""

    database: Database
    vault: Vault
    mail: Sender | None

    async def send_due(self) -> bool:
        """Send due notifications, a few of each workspace, and return whether there were any."""
        workspace_ids = await notification_queue.due_workspaces(self.database)
        for workspace_id in workspace_ids:
            for _ in range(WORKSPACE_SHARE):
                notification = await notification_queue.claim(self.database, workspace_id)
                if notification is None:
                    break
                await self._send_claimed(notification)
        return bool(workspace_ids)

    async def _send_claimed(self, notification: Notification) -> None:
        """Send a claimed notification; one that fails for good is held, and a person requests the retry."""
        try:
            again_after = await self.send(notification)
        except Exception as error:
            if quarantine.is_transient(error):
                raise  # It is due again when the lease ends.
            item = Item(notification.workspace_id, "job", notification.endpoint_id)
            await quarantine.add_separately(self.database, item, error)
            await notification_queue.hold(self.database, notification)
        else:
            await notification_queue.settle(self.database, notification, again_after)

    async def send(self, notification: Notification) -> timedelta | None:
        """Notify one admin; return the delay of another attempt if one is needed.

        Raises NotificationFailed if no further attempt is worthwhile.
        """
        workspace = await companies.workspace(self.database, self.vault, notification.workspace_id)
        row = await self.database.fetchrow(_ENDPOINT, workspace.id, notification.endpoint_id)
        users = await companies.users(self.database, workspace.company.id)
        admin = next((user for user in users if user.id == notification.user_id and user.is_active), None)
        if row is None or admin is None:
            return None
        public_id = ids.show("we", notification.endpoint_id)
        if self.mail is None:
            _log.warning("webhook_notice_without_mail_server", endpoint_id=public_id)
            return None
        outcome = await self.mail.send(_disabled_mail(workspace, public_id, row, admin))
        if outcome.fate not in {Fate.FAILED, Fate.UNKNOWN}:
            return None
        attempts = notification.attempts
        _log.warning("webhook_notice_not_sent", endpoint_id=public_id, fate=outcome.fate, attempts=attempts)
        if attempts > len(RETRY_MINUTES) or (outcome.fate == Fate.FAILED and outcome.is_permanent):
            raise NotificationFailed(f"The admin could not be told of {public_id}.")
        return timedelta(minutes=RETRY_MINUTES[attempts - 1])


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
