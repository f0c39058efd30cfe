"""The route by which a person decides what waits for one."""

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
    """Decide what waits for a person; what follows from it is done in the same transaction.

    Of `unknown_contact`, `sent` counts the message as having reached the debtor, unconfirmed; `not_sent` has its step
    taken again, where the scenario still wants it. Of `escalation`, `escalate` hands the debt to legal action and names
    the person (`decided_by`) and the `reason`; `continue` runs the scenario once more; `write_off` and `archive` end it. Of
    `webhook_rights`, `send_data` sends the webhook data again on this credential's right (it needs `webhooks:write` and
    `debts:read`), `ids_only` leaves it at ids. Of `set_aside`, `retry` puts back what failed, `dismiss` leaves it; of a
    contact its debt goes on with the next step. A second decision is refused.
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
