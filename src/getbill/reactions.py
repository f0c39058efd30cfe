"""The table of consequences: what follows from each event, and where.

`BY_THE_ACTION` is what the action that records the event does itself, and the columns of the debt's row it may change.
`IN_TRANSACTION` are the reactions of other packages before the commit, under the debt's lock. `AFTER` is the work after the commit, which the
worker reads from here: every step is safe to repeat. `WHEN_READ` needs no write: it is computed from the row whenever
somebody looks.

A debt that is paid has four rows: `debt.payment_received` changes the balance; `debt.resolved` records the
resolution and where the debt stood; `debt.status_changed` raises the contact epoch, which voids contacts already
claimed, stops the planned ones and withdraws the todos that it answers. Its promise is then kept. Lower packages record what happened; only this module
connects it to what follows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from getbill import (
    compliance,
    contacts,
    debts,
    events,
    followups,
    imports,
    payments,
    quarantine,
    sandbox,
    sftp,
    streams,
    todos,
    webhooks,
)
from getbill.channels import Channel
from getbill.contacts import SendingContext
from getbill.debts import Debt, ErasureJournal
from getbill.events import HighWaterMarks, RecordedEvent
from getbill.kit import work
from getbill.kit.database import Transaction
from getbill.kit.messages import message
from getbill.kit.money import Money
from getbill.webhooks import AdminNotifier, WebhookDispatcher

Reaction = Callable[[Transaction, Debt, Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class OwnChange:
    """What the action that records the event does itself, and the columns of the debt's row it may change."""

    action: Callable[..., object]
    columns: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """The dependencies of the work after a commit; a worker without a journal or marks has no such file."""

    sending: SendingContext
    dispatcher: WebhookDispatcher
    stop: asyncio.Event
    marks: HighWaterMarks | None = None
    journal: ErasureJournal | None = None

    def should_continue(self) -> bool:
        """Return whether the worker is not being stopped."""
        return not self.stop.is_set()


@dataclass(frozen=True, slots=True)
class LoopStep:
    """Work of one of the worker's loops, which runs its steps in order; it returns whether more is waiting."""

    loop: str
    run: Callable[[WorkerContext], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class WorkspaceStep:
    """Work inside each workspace that has due work of a kind; it returns how much was done."""

    kind: work.Kind
    run: Callable[[WorkerContext, UUID], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class ChannelListener:
    """A part of a process that listens on a channel of the database and is woken by it."""

    channel: str
    run: Callable[..., object]


AfterCommit = LoopStep | WorkspaceStep | ChannelListener


async def start_timeline(tx: Transaction, debt: Debt, _detail: Mapping[str, Any]) -> None:
    """Schedule the first contact in the ledger."""
    contacts.start(tx, debt.workspace, debt)


async def replan_contacts(tx: Transaction, debt: Debt, _detail: Mapping[str, Any]) -> None:
    """Stop contacts that the debt's status no longer allows, and reschedule those it allows."""
    await contacts.replan_contacts(tx, debt.workspace, debt)


async def replan_address(tx: Transaction, change: compliance.PermissionChange) -> None:
    """Plan the debts of an address anew, whose owner allows more or less than before."""
    await contacts.replan_address(tx, change.workspace, change.address_hash)


async def create_escalation_todo(tx: Transaction, debt: Debt, _detail: Mapping[str, Any]) -> None:
    """Create the todo to decide on a debt whose scenario is over."""
    todos.create(tx, debt.workspace_id, "escalation", debt.id, debt.id)


async def ask_about_reopening(tx: Transaction, debt: Debt, detail: Mapping[str, Any]) -> None:
    """Ask a person about contact with a debt that has a balance again, unless it was being collected."""
    is_moved = "status" in detail["changes"]
    if not debt.is_reopened or (not is_moved and debt.status != debts.Status.ARCHIVED):
        return
    if debt.status == debts.Status.UNRESOLVED:
        todos.create(tx, debt.workspace_id, "escalation", debt.id, debt.id)
    elif not debt.is_contactable:
        reason, balance = message("the debt is {status}", status=debt.status), debt.money(debt.balance)
        todos.ask_about_amount(tx, debt.workspace_id, "reopening", debt.id, balance, reason)


async def withdraw_other_todos(tx: Transaction, debt: Debt, detail: Mapping[str, Any]) -> None:
    """Withdraw what a changed status answers: contact with a reopened debt, and a small balance."""
    change = detail["changes"]["status"]
    if change["from"] not in debts.CONTACTABLE | {debts.Status.RESOLVED, debts.Status.UNRESOLVED}:
        todos.withdraw(tx, debt.workspace_id, "reopening", debt.id)
    if change["to"] == debts.Status.ARCHIVED:
        payments.withdraw_small_balance(tx, debt)


async def withdraw_escalation_todo(tx: Transaction, debt: Debt, detail: Mapping[str, Any]) -> None:
    """Withdraw that todo once the debt's status has changed otherwise."""
    if detail["changes"]["status"]["from"] == debts.Status.UNRESOLVED:
        todos.withdraw(tx, debt.workspace_id, "escalation", debt.id)


async def withdraw_dispute_todo(tx: Transaction, debt: Debt, detail: Mapping[str, Any]) -> None:
    """Withdraw the todo to decide on a dispute once the debt is no longer on hold."""
    if detail["changes"]["status"]["from"] == debts.Status.ON_HOLD:
        todos.withdraw(tx, debt.workspace_id, "dispute", debt.id)


async def book_adjustment(tx: Transaction, debt: Debt, detail: Mapping[str, Any]) -> None:
    """Record a changed claim as an adjustment entry, so that the balance still equals its entries."""
    changes = detail["changes"]
    amount = changes.get("amount")
    # A change of currency needs no adjustment: the claim was replaced before any entry.
    if amount is not None and "currency" not in changes:
        change = Money.from_decimal(amount["to"] - amount["from"], debt.currency)
        await payments.write_adjustment(tx, debt, change.minor)


async def erase_the_rest(tx: Transaction, debt: Debt, _detail: Mapping[str, Any]) -> None:
    """Delete what the other packages store of an erased debt."""
    await payments.anonymise(tx, debt.workspace_id, debt.id)
    await followups.erase(tx, debt.workspace_id, debt.id)
    await contacts.erase(tx, debt.workspace_id, debt.id)
    await todos.erase(tx, debt.workspace_id, debt.id)
    await quarantine.erase(tx, debt.workspace_id, debt.id)
    assert debt.erased_person is not None  # noqa: S101 - an erasure names the person
    for import_id in await imports.erase(tx, debt.workspace, debt.id, debt.import_id, debt.erased_person):
        await sftp.erase(tx, debt.workspace_id, import_id)
    await imports.erase_changes(tx, debt)


async def assign_positions(context: WorkerContext, workspace_id: UUID) -> int:
    """Assign committed events their positions in the stream, which `GET /events` reads."""
    sequenced_count = await streams.sequence_events(context.sending.database, workspace_id, context.marks)
    # None: another process holds the stream for a moment, and it is visited again soon.
    return 1 if sequenced_count is None else sequenced_count


async def enqueue_deliveries(context: WorkerContext, workspace_id: UUID) -> int:
    """Enqueue a delivery for each endpoint that subscribes to an event's kind, and what enabled ones missed."""
    fan_out = await webhooks.enqueue_deliveries(context.sending.database, workspace_id)
    if fan_out.is_complete:
        return fan_out.range_count
    return fan_out.range_count + await webhooks.catch_up(context.sending.database, workspace_id)


async def post_deliveries(context: WorkerContext) -> bool:
    """Post pending deliveries to their endpoints until the worker stops."""
    await context.dispatcher.run(context.stop)
    return False


async def save_high_water_marks(context: WorkerContext) -> bool:
    """Save the ends of the streams beside the database, so that a restore reveals which events it lost."""
    if context.marks is not None:
        await context.marks.save(context.sending.database)
    return False


async def write_erasure_journal(context: WorkerContext) -> bool:
    """Write erasures beside the database that the API could not write before it answered."""
    if context.journal is not None:
        await context.journal.write(context.sending.database)
    return False


async def send_live_contacts(context: WorkerContext) -> bool:
    """Send live contacts that are due."""
    return bool(await contacts.send_due(context.sending, context.should_continue))


async def send_sandbox_contacts(context: WorkerContext) -> bool:
    """Send contacts that are due by the clocks of their sandboxes."""
    return bool(await sandbox.send_due(context.sending, context.should_continue))


async def send_admin_notifications(context: WorkerContext) -> bool:
    """Send the e-mails that tell admins of a disabled endpoint."""
    sending = context.sending
    mail = sending.senders.for_channel(Channel.EMAIL, is_live=True)
    return await AdminNotifier(sending.database, sending.vault, mail).send_due()


_ENTRY_COLUMNS: Final = frozenset({"amount", "balance", "paid", "entries_count"})

_MONEY_MOVED: Final = (
    OwnChange(debts.enter_money, _ENTRY_COLUMNS - {"amount"}),
    OwnChange(payments.ask_about_overpayment),
    OwnChange(payments.review_small_balance),
)

BY_THE_ACTION: Final[Mapping[str, Sequence[OwnChange]]] = {
    "debt.contacted": [OwnChange(debts.mark_contacted, frozenset({"contacts_count", "contacted_at"}))],
    "debt.payment_received": _MONEY_MOVED,
    "debt.resolved": [
        OwnChange(debts.resolve, frozenset({"resolution", "resolved_at", "status_before_resolution"}))
    ],
    "debt.escalated": [OwnChange(debts.escalate, frozenset({"details"}))],
    "debt.status_changed": [
        OwnChange(debts.move, frozenset({"status"})),
        OwnChange(Debt.stop_contact, frozenset({"contact_epoch", "next_action_at"})),
    ],
    "payment.refunded": _MONEY_MOVED,
    "payment.charged_back": _MONEY_MOVED,
    "debt.escalation_requested": [OwnChange(debts.end_scenario, frozenset({"next_action_at"}))],
    # For an endpoint of a live workspace.
    "webhook.disabled": [OwnChange(webhooks.notify_admins)],
}

IN_TRANSACTION: Final[Mapping[str, Sequence[Reaction]]] = {
    "debt.created": [start_timeline],
    "debt.updated": [book_adjustment, ask_about_reopening, replan_contacts],
    "debt.status_changed": [
        replan_contacts,
        withdraw_escalation_todo,
        withdraw_dispute_todo,
        withdraw_other_todos,
        ask_about_reopening,
    ],
    "debt.escalation_requested": [create_escalation_todo],
    "debt.deleted": [erase_the_rest],
}

# Changes that are the event of no debt.
OF_CHANGES: Final[Mapping[type, Callable[[Transaction, Any], Awaitable[None]]]] = {
    compliance.PermissionChange: replan_address,
}

WHEN_READ: Final[Mapping[str, Sequence[Callable[..., object]]]] = {
    "debt.payment_received": [debts.promise_state, debts.condition_facts, contacts.crossed_by],
    "debt.status_changed": [contacts.crossed_by],
}

AFTER_EVERY: Final[Sequence[AfterCommit]] = (
    WorkspaceStep("stream", assign_positions),
    ChannelListener(events.STREAM_CHANNEL, streams.LongPolling),
    ChannelListener(events.STREAM_CHANNEL, HighWaterMarks.on_notification),
    WorkspaceStep("stream", enqueue_deliveries),
    LoopStep("deliveries", post_deliveries),
    LoopStep("journal", save_high_water_marks),
)
_SEND_CONTACTS: Final = (
    LoopStep("live_contacts", send_live_contacts),
    LoopStep("sandbox_contacts", send_sandbox_contacts),
)
_AFTER_SOME: Final[Mapping[str, Sequence[AfterCommit]]] = {
    "debt.created": _SEND_CONTACTS,
    "debt.updated": _SEND_CONTACTS,
    "debt.status_changed": _SEND_CONTACTS,
    "debt.deleted": [LoopStep("journal", write_erasure_journal)],
    "webhook.disabled": [LoopStep("notifications", send_admin_notifications)],
}
AFTER: Final[Mapping[str, Sequence[AfterCommit]]] = {
    kind: [*AFTER_EVERY, *_AFTER_SOME.get(kind, ())] for kind in events.KINDS
}


def loop_steps() -> dict[str, list[LoopStep]]:
    """Return the steps of each loop that works after commits, in the order of the table."""
    steps_by_loop: dict[str, list[LoopStep]] = {}
    for step in _distinct_steps():
        if isinstance(step, LoopStep):
            steps_by_loop.setdefault(step.loop, []).append(step)
    return steps_by_loop


def workspace_steps() -> dict[work.Kind, list[WorkspaceStep]]:
    """Return the steps inside workspaces by the kind of work, in the order of the table."""
    steps_by_kind: dict[work.Kind, list[WorkspaceStep]] = {}
    for step in _distinct_steps():
        if isinstance(step, WorkspaceStep):
            steps_by_kind.setdefault(step.kind, []).append(step)
    return steps_by_kind


def _distinct_steps() -> dict[AfterCommit, None]:
    return dict.fromkeys(step for steps in AFTER.values() for step in steps)


async def before_commit(tx: Transaction) -> None:
    """Run the reactions to a transaction's events, and to the events they record, then store all events."""
    await debts.announce_people(tx)
    next_index = 0
    while next_index < len(tx.recorded_events):
        event: RecordedEvent = tx.recorded_events[next_index]
        next_index += 1
        for react in IN_TRANSACTION.get(event.kind, ()):
            # A subject other than a debt has no reactions.
            await react(tx, cast("Debt", event.subject), event.detail)
    for change in tx.changes:
        await OF_CHANGES[type(change)](tx, change)
    events.store(tx)
