"""Effects of decisions: one table from a todo's type and the answer to the change, with the debt locked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from getbill import contacts, debts, imports, payments, quarantine, todos, webhooks
from getbill.access import Actor, Caller
from getbill.companies import Workspace
from getbill.debts import Debt
from getbill.kit.database import Transaction
from getbill.kit.errors import one_field
from getbill.kit.messages import message
from getbill.payments import NewEntry
from getbill.quarantine import QuarantineEntry
from getbill.todo_decisions import retries
from getbill.todos import Todo


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: the answer, the credential that sends it, and optionally who decided and why."""

    word: str
    credential: str
    decided_by: str = ""
    reason: str = ""
    # The caller whose scopes are checked for a decision that needs more than the right to decide.
    caller: Caller | None = None

    def by(self, *scopes: str) -> Actor:
        """Return the deciding actor, who holds these scopes; raise ScopeMissing for the first it lacks."""
        if self.caller is None:
            raise LookupError("this decision is made by a credential only")
        self.caller.require(*scopes)
        return self.caller.actor


@dataclass(frozen=True, slots=True)
class Case:
    """A todo that is being decided, with its debt locked."""

    workspace: Workspace
    todo: Todo
    decision: Decision
    locked_debt: Debt | None

    @property
    def debt(self) -> Debt:
        """The debt of a todo that is about one."""
        assert self.locked_debt is not None  # noqa: S101 - the type's questions are each about a debt
        return self.locked_debt


# Each one locks and reschedules a debt.
_DISMISSED_MAX: Final = 200

Act = Callable[[Transaction, Case], Awaitable[None]]


async def confirm_contact(tx: Transaction, case: Case) -> None:
    """Settle an in-doubt message as sent."""
    await contacts.settle_unknown(tx, case.debt, case.todo.subject_id, was_sent=True)


async def deny_contact(tx: Transaction, case: Case) -> None:
    """Settle an in-doubt message as not sent, and reschedule its step if its rules still allow it."""
    await contacts.settle_unknown(tx, case.debt, case.todo.subject_id, was_sent=False)


async def confirm_mapping(tx: Transaction, case: Case) -> None:
    """Import a file with the proposed mapping."""
    await imports.confirm(tx, case.workspace, case.todo.subject_id)


async def discard_import(tx: Transaction, case: Case) -> None:
    """Discard an import."""
    await imports.discard(tx, case.workspace, case.todo.subject_id)


async def send_data(tx: Transaction, case: Case) -> None:
    """Send data to a webhook again, on the scopes of the deciding credential."""
    by = case.decision.by("webhooks:write", "debts:read")
    await webhooks.take_over(tx, case.workspace.id, case.todo.subject_id, by)


async def send_ids_only(tx: Transaction, case: Case) -> None:
    """Send a webhook ids only from now on, without a new todo."""
    case.decision.by("webhooks:write")
    await webhooks.withhold(tx, case.workspace.id, case.todo.subject_id)


async def escalate(tx: Transaction, case: Case) -> None:
    """Escalate the debt to legal action, with the deciding person and the reason."""
    debts.escalate(tx, case.debt, case.decision.reason, case.decision.decided_by)


async def restart_scenario(tx: Transaction, case: Case) -> None:
    """Run the debt's scenario once more, from its first step."""
    debts.resume(tx, case.debt)


async def continue_scenario(tx: Transaction, case: Case) -> None:
    """Continue the debt's scenario where it was held."""
    debts.resume(tx, case.debt)


async def write_off(tx: Transaction, case: Case) -> None:
    """Write off the outstanding balance."""
    note = case.decision.reason.strip() or None
    await payments.enter(tx, case.debt, NewEntry("write_off", case.debt.money(case.debt.balance), note=note))


async def resume_contact(tx: Transaction, case: Case) -> None:
    """Contact the debtor of a reopened debt again, from where its scenario stopped."""
    debts.resume_reopened(tx, case.debt)


async def refund(tx: Transaction, case: Case) -> None:
    """Enter the refund of what was overpaid."""
    overpaid = debts.overpaid(case.debt)
    if overpaid.minor:
        note = case.decision.reason.strip() or None
        await payments.enter(tx, case.debt, NewEntry("refund", overpaid, note=note))


async def keep(_tx: Transaction, _case: Case) -> None:
    """Leave the debt as it is."""


async def archive(tx: Transaction, case: Case) -> None:
    """Archive the debt."""
    debts.archive(tx, case.debt)


async def retry_item(tx: Transaction, case: Case) -> None:
    """Retry a quarantined item."""
    entry = await quarantine.find(tx, case.workspace.id, case.todo.subject_id)
    if entry is not None:
        await retries.requeue(tx, entry, case.workspace)
    elif case.todo.reason is not None:
        await contacts.requeue_contacts(tx, case.workspace.id, case.todo.reason)


async def dismiss_item(tx: Transaction, case: Case) -> None:
    """Leave a failed item as it is; for a contact, continue with the next step."""
    entry = await quarantine.find(tx, case.workspace.id, case.todo.subject_id)
    if entry is not None:
        await _dismiss(tx, case, entry)
    elif case.todo.reason is not None:
        await _dismiss_all(tx, case, case.todo.reason)


async def _dismiss(tx: Transaction, case: Case, entry: QuarantineEntry) -> None:
    if entry.kind == "contact":
        await contacts.skip_quarantined(tx, case.workspace, entry.subject_id)
    await quarantine.dismiss(tx, entry)


async def _dismiss_all(tx: Transaction, case: Case, reason: str) -> None:
    """Dismiss the items that failed for one reason; if there are too many for one change, reopen the todo."""
    some = await quarantine.of_reason(tx, case.workspace.id, reason, _DISMISSED_MAX + 1)
    for entry in some[:_DISMISSED_MAX]:
        await _dismiss(tx, case, entry)
    if len(some) > _DISMISSED_MAX:
        todos.ask_again(tx, case.todo)


# Decided without a lock: the sealed data of the debt may be unreadable.
_UNLOCKED = frozenset({"set_aside"})

TABLE: Mapping[str, Mapping[str, Act]] = {
    "unknown_contact": {"sent": confirm_contact, "not_sent": deny_contact},
    "import_mapping": {"confirm": confirm_mapping, "discard": discard_import},
    "webhook_rights": {"send_data": send_data, "ids_only": send_ids_only},
    "escalation": {
        "escalate": escalate,
        "continue": restart_scenario,
        "write_off": write_off,
        "archive": archive,
    },
    "reopening": {"resume": resume_contact, "keep": keep},
    "overpayment": {"refund": refund, "keep": keep},
    "small_balance": {"write_off": write_off, "keep": keep},
    "dispute": {"continue": continue_scenario, "write_off": write_off, "archive": archive},
    "set_aside": {"retry": retry_item, "dismiss": dismiss_item},
}


async def decide(tx: Transaction, workspace: Workspace, todo_id: UUID, decision: Decision) -> Case:
    """Close a todo and apply the decision; raise NotFound, TodoDecided, or Invalid for an invalid answer."""
    todo = await todos.find(tx, workspace.id, todo_id)
    choices = TABLE[todo.type]
    if decision.word not in choices:
        raise one_field("/decision", "unknown", message("Valid decisions: {choices}.", choices=list(choices)))
    is_locked = todo.debt_id is not None and todo.type not in _UNLOCKED
    debt = await debts.lock(tx, workspace, todo.debt_id) if todo.debt_id and is_locked else None
    closed_todo = await todos.close(tx, todo, decision.word, decision.credential)
    case = Case(workspace, closed_todo, decision, debt)
    await choices[decision.word](tx, case)
    return case
