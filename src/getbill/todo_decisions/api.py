"""The route by which a person decides a todo."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from getbill import access, imports, todos
from getbill.access import Change
from getbill.kit import ids
from getbill.kit.database import Transaction
from getbill.kit.http import Route, answer, body, language_headers, language_of, problems
from getbill.todo_decisions import actions
from getbill.todo_decisions.actions import Decision
from getbill.todo_decisions.wire import DecisionBody
from getbill.todos import TodoShown

router = APIRouter(prefix="/external-api/v1/todos", tags=["Todos"], route_class=Route)

Writes = Annotated[Change, Depends(access.change("debts:write", read_scope="debts:read"))]


@router.post("/{todo_id}/decide", response_model=TodoShown, responses=problems(404, 409, 415, 422))
async def decide_todo(
    change: Writes, todo_id: str, payload: Annotated[DecisionBody, body(DecisionBody)]
) -> Response:
    """Decide a todo; the effects of the decision are applied in the same transaction.

    For `unknown_contact`, `sent` counts the message as having reached the debtor, unconfirmed; `not_sent`
    repeats its step, if the scenario still requires it. For `escalation`, `escalate` hands the debt to legal
    action and names the person (`decided_by`) and the `reason`; `continue` runs the scenario once more;
    `write_off` and `archive` end it. For `dispute`, `continue` ends the hold and the scenario goes on;
    `write_off` and `archive` end it. For `reopening`, `resume` continues contact where it had stopped, `keep`
    leaves the debt as it is. For `overpayment`, `refund` enters the refund of the difference; GetBill moves no
    money. For `small_balance`, `write_off` writes the balance off. For `webhook_rights`, `send_data` sends data to the webhook again on
    this credential's scopes (it needs `webhooks:write` and `debts:read`), `ids_only` keeps it at ids. For
    `set_aside`, `retry` retries the failed item, `dismiss` leaves it as it is; for a contact the debt
    continues with the next step. A second decision is refused.
    """
    decision = Decision(
        payload.decision, change.caller.actor.public_id, payload.decided_by, payload.reason, change.caller
    )

    async def decide(tx: Transaction) -> access.Reply:
        case = await actions.decide(tx, change.workspace, ids.read("todo", todo_id), decision)
        change.debt_id = case.todo.debt_id
        files = await imports.summaries(tx, change.workspace, [case.todo.subject_id])
        language = language_of(change.request)
        document = todos.serialize_todo(case.todo, files.get(case.todo.subject_id), language)
        return lambda: answer(200, document, language_headers(language))

    return await change.commit(decide)
