"""What each decision does: the one table from a todo's type and the answer to the change, made with the debt locked."""

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
    """What a person answers: the word, the credential that sends it, and, where it is said, who decided and why."""

    word: str
    credential: str
    decided_by: str = ""
    reason: str = ""
    # Whose rights a decision is held to that needs more than deciding does.
    caller: Caller | None = None

    def by(self, *scopes: str) -> Actor:
        """Return who decides, who holds these scopes; raise ScopeMissing for the first that is lacking."""
        if self.caller is None:
            raise LookupError("this decision is made by a credential only")
        self.caller.require(*scopes)
        return self.caller.actor


@dataclass(frozen=True, slots=True)
class Case:
    """A question that is being decided, with the debt it is about, locked."""

    workspace: Workspace
    todo: Todo
    decision: Decision
    locked_debt: Debt | None

    @property
    def debt(self) -> Debt:
        """The debt of a question that is about one."""
        assert self.locked_debt is not None  # noqa: S101 - the type's questions are each about a debt
        return self.locked_debt


# Each is a debt that is locked and planned anew.
_DISMISSED_MAX: Final = 200

Act = Callable[[Transaction, Case], Awaitable[None]]


async def confirm_contact(tx: Transaction, case: Case) -> None:
    """Count a message of which nobody knew whether it left as sent."""
    await contacts.settle_unknown(tx, case.debt, case.todo.subject_id, was_sent=True)


async def deny_contact(tx: Transaction, case: Case) -> None:
    """Write down that a message did not leave, and plan its step again where its rules still want it."""
    await contacts.settle_unknown(tx, case.debt, case.todo.subject_id, was_sent=False)


async def confirm_mapping(tx: Transaction, case: Case) -> None:
    """Have a file imported as it is proposed."""
    await imports.confirm(tx, case.workspace, case.todo.subject_id)


async def discard_import(tx: Transaction, case: Case) -> None:
    """Put a file away that nobody wants imported."""
    await imports.discard(tx, case.workspace, case.todo.subject_id)


async def send_data(tx: Transaction, case: Case) -> None:
    """Have a webhook sent data again, on the right of the credential that decides so."""
    by = case.decision.by("webhooks:write", "debts:read")
    await webhooks.take_over(tx, case.workspace.id, case.todo.subject_id, by)


async def send_ids_only(tx: Transaction, case: Case) -> None:
    """Have a webhook sent ids only from now on, without asking again."""
    case.decision.by("webhooks:write")
    await webhooks.withhold(tx, case.workspace.id, case.todo.subject_id)


async def escalate(tx: Transaction, case: Case) -> None:
    """Hand the debt over to legal action, with the person who decided so and why."""
    debts.escalate(tx, case.debt, case.decision.reason, case.decision.decided_by)


async def restart_scenario(tx: Transaction, case: Case) -> None:
    """Have the debt's scenario run once more, from its first step."""
    debts.resume(tx, case.debt)


async def write_off(tx: Transaction, case: Case) -> None:
    """Write off all that is owed."""
    note = case.decision.reason.strip() or None
    await payments.enter(tx, case.debt, NewEntry("write_off", case.debt.money(case.debt.balance), note=note))


async def archive(tx: Transaction, case: Case) -> None:
    """Put the debt away."""
    debts.archive(tx, case.debt)


async def retry_item(tx: Transaction, case: Case) -> None:
    """Put back what was set aside."""
    entry = await quarantine.find(tx, case.workspace.id, case.todo.subject_id)
    if entry is not None:
        await retries.requeue(tx, entry, case.workspace)
    elif case.todo.reason is not None:
        await contacts.put_all_back(tx, case.workspace.id, case.todo.reason)


async def dismiss_item(tx: Transaction, case: Case) -> None:
    """Leave what failed as it is; of a contact, go on with the step after it."""
    entry = await quarantine.find(tx, case.workspace.id, case.todo.subject_id)
    if entry is not None:
        await _dismiss(tx, case, entry)
    elif case.todo.reason is not None:
        await _dismiss_all(tx, case, case.todo.reason)


async def _dismiss(tx: Transaction, case: Case, aside: QuarantineEntry) -> None:
    if aside.kind == "contact":
        await contacts.skip_set_aside(tx, case.workspace, aside.subject_id)
    await quarantine.dismiss(tx, aside)


async def _dismiss_all(tx: Transaction, case: Case, reason: str) -> None:
    """Leave aside what failed for one reason; of more than one change bears, the rest is asked about again."""
    some = await quarantine.of_reason(tx, case.workspace.id, reason, _DISMISSED_MAX + 1)
    for aside in some[:_DISMISSED_MAX]:
        await _dismiss(tx, case, aside)
    if len(some) > _DISMISSED_MAX:
        todos.ask_again(tx, case.todo)


# Decided with nothing locked: what is sealed of the debt may not open.
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
    "set_aside": {"retry": retry_item, "dismiss": dismiss_item},
}


async def decide(tx: Transaction, workspace: Workspace, todo_id: UUID, decision: Decision) -> Case:
    """Close a question and do what was decided; raise NotFound, TodoDecided, or Invalid for what is no answer to it."""
    todo = await todos.find(tx, workspace.id, todo_id)
    choices = TABLE[todo.type]
    if decision.word not in choices:
        raise one_field("/decision", "unknown", message("Decide one of: {choices}.", choices=list(choices)))
    is_locked = todo.debt_id is not None and todo.type not in _UNLOCKED
    debt = await debts.lock(tx, workspace, todo.debt_id) if todo.debt_id and is_locked else None
    closed_todo = await todos.close(tx, todo, decision.word, decision.credential)
    case = Case(workspace, closed_todo, decision, debt)
    await choices[decision.word](tx, case)
    return case
