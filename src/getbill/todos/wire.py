"""Request and response schemas of todos."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from getbill.companies import Workspace
from getbill.kit import http, ids, json
from getbill.kit.http import Currency, Instant, MoneyNumber, Pagination
from getbill.kit.messages import DEFAULT
from getbill.todos.model import Todo
from getbill.todos.queries import TodoFilter

_SORT = "-created_at"
_LIST = "todos"

Type = Literal[
    "unknown_contact",
    "escalation",
    "reopening",
    "overpayment",
    "small_balance",
    "dispute",
    "import_mapping",
    "webhook_rights",
    "set_aside",
]
State = Literal["open", "decided"]


class TodoQuery(BaseModel):
    """Query parameters of the list of todos."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=http.LIMIT_MAX)] = http.LIMIT_DEFAULT
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    type: list[Type] | None = None
    state: State | None = Field(None, description="Only todos in this state; both by default.")
    debt_id: Annotated[str, Field(max_length=64)] | None = None


class TitleShown(BaseModel):
    """The title of a todo."""

    fr: str
    en: str


class FileShown(BaseModel):
    """The file that a todo is about."""

    name: str
    source: Literal["batch", "upload", "sftp"]
    sender: str = Field(description="Sender of the file; for `sftp` the login.")
    received_at: Instant | None
    rows: int | None
    questions: list[TitleShown] = Field(
        description="Questions about its columns; empty if the mapping only needs confirmation."
    )


class TodoShown(BaseModel):
    """A todo."""

    id: str = Field(examples=["todo_01jd3v9wq8e0brt4k2m5n6p7q8"])
    type: Type
    state: State
    title: TitleShown
    subject_id: str = Field(
        description="Id of the subject: the followup for `unknown_contact`, the debt for"
        " `escalation`, `dispute`, `reopening`, `overpayment` and `small_balance`, the import for `import_mapping`, the webhook for"
        " `webhook_rights`, the quarantined item for `set_aside`."
    )
    file: FileShown | None = Field(
        description="File of an `import_mapping` and its questions; null for other types."
    )
    debt_id: str | None
    reason: str | None = Field(
        description="Why the question arose, in the language of the request: for `set_aside`, `reopening`,"
        " `overpayment` and `small_balance`; null for other types."
    )
    amount: MoneyNumber | None = Field(
        description="Amount that the question is about: of an `overpayment` what was paid beyond the claim, of a"
        " `reopening` and a `small_balance` the balance; null for other types."
    )
    currency: Currency | None = Field(description="Currency of `amount`, ISO 4217.")
    decisions: list[str] = Field(description="Possible decisions; empty once decided.")
    created_at: Instant
    decided_at: Instant | None
    decision: str | None = Field(
        description="Decision made; `gone` if none is needed any more; null while open."
    )
    decided_by: str | None = Field(description="Credential that decided; null while open.")


class TodoList(BaseModel):
    """A page of todos, the newest first."""

    data: list[TodoShown]
    pagination: Pagination


def todo_filter(query: TodoQuery, workspace: Workspace) -> TodoFilter:
    """Return the filter of a query; raise BadRequest for a cursor of another list."""
    cursor = http.unseal_optional(query.cursor, workspace.cursor_signer(_LIST))
    after = http.read_time_cursor(cursor, _SORT) if cursor else None
    return TodoFilter(
        types=list(query.type) if query.type else None,
        is_open=None if query.state is None else query.state == "open",
        debt_id=_debt_of(query.debt_id),
        # One more than a page tells whether it is the last.
        limit=query.limit + 1,
        offset=0 if after else (query.page - 1) * query.limit,
        after=after,
    )


def _debt_of(public_id: str | None) -> UUID | None:
    return ids.read("debt", public_id) if public_id else None


def cursor_after(workspace: Workspace, todos: list[Todo], limit: int) -> str | None:
    """Return the cursor after the first `limit` rows; None if there are no more."""
    if len(todos) <= limit:
        return None
    cursor = http.write_time_cursor(_SORT, todos[limit - 1].created_at, todos[limit - 1].id)
    return http.seal_optional(cursor, workspace.cursor_signer(_LIST))


def serialize_todo(todo: Todo, file: dict[str, Any] | None = None, language: str = DEFAULT) -> dict[str, Any]:
    """Return a todo as a response, with its file, and its reason in a language."""
    kind, is_open = todo.kind, todo.decided_at is None
    name = file["name"] if file else "?"
    reasons = {"en": todo.reason, "fr": todo.reason_fr or todo.reason}
    return {
        "id": ids.show("todo", todo.id),
        "type": todo.type,
        "state": "open" if is_open else "decided",
        "title": {
            code: kind.title.filled({"name": name, "reason": reason or "?"}).translated(code)
            for code, reason in reasons.items()
        },
        "subject_id": ids.show(kind.subject, todo.subject_id),
        "file": file,
        "debt_id": ids.show("debt", todo.debt_id) if todo.debt_id else None,
        "reason": reasons[language],
        "amount": todo.amount and todo.amount.decimal,
        "currency": todo.currency,
        "decisions": list(kind.decisions) if is_open else [],
        "created_at": json.instant(todo.created_at),
        "decided_at": json.instant(todo.decided_at),
        "decision": todo.decision,
        "decided_by": todo.decided_by,
    }
