"""Lists of debts and debtors as callers ask for them: filters, order, page or cursor."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from getbill import scenarios
from getbill.companies import Workspace
from getbill.debtors import words
from getbill.debts.model import Debt
from getbill.debts.queries import Wanted
from getbill.debts.wire.bodies import Currency, Status
from getbill.kit import http, phones
from getbill.kit.errors import one_parameter
from getbill.kit.http import DayAsked, InstantAsked, refuse_empty_range
from getbill.kit.text import emails

Clean = Annotated[str, Field(min_length=1, max_length=200)]
Amount = Annotated[Decimal, Field(ge=0, le=10**12, max_digits=20)]


class PageQuery(BaseModel):
    """Which page of a list: by number, or after a cursor."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=http.LIMIT_MAX)] = http.LIMIT_DEFAULT
    cursor: Clean | None = None


class DebtQuery(PageQuery):
    """What a list of debts can be asked for."""

    status: list[Status] | None = None
    scenario: Clean | None = None
    reference: Clean | None = None
    currency: Currency | None = None
    amount: Amount | None = None
    amount_min: Amount | None = None
    amount_max: Amount | None = None
    due_from: DayAsked | None = None
    due_to: DayAsked | None = None
    created_from: InstantAsked | None = None
    created_to: InstantAsked | None = None
    updated_after: InstantAsked | None = None
    q: Annotated[
        Clean | None,
        Field(
            description="Search by reference, by exact e-mail address or phone number, or by words of the debtor's"
            " name."
        ),
    ] = None
    sort: Literal["date", "-date", "amount", "-amount"] = "-date"


_DEBTS = "debts"
_DEBTORS = "debtors"
_FILTERS = [
    "status",
    "scenario",
    "reference",
    "currency",
    "amount",
    "amount_min",
    "amount_max",
    "due_from",
    "due_to",
    "created_from",
    "created_to",
    "updated_after",
]


def wanted(query: DebtQuery, workspace: Workspace) -> Wanted:
    """Return what a query asks of the book, and one row more to tell whether it is the end.

    Raises BadRequest for a cursor that is not of this list, and for a range that nothing can be in.
    """
    _refuse_unknown_scenario(query.scenario, workspace)
    refuse_empty_range("amount_min", query.amount_min, "amount_max", query.amount_max)
    refuse_empty_range("due_from", query.due_from, "due_to", query.due_to)
    refuse_empty_range("created_from", query.created_from, "created_to", query.created_to)
    most = query.limit + 1
    filters = {name: value for name in _FILTERS if (value := getattr(query, name)) is not None}
    if query.q is not None:
        filters["q_reference"] = query.q.strip()
        hashes = _hashes(query.q.strip(), workspace)
        if hashes:
            filters["q_debtor"] = hashes
    cursor = http.opened(query.cursor, workspace.mark_of(_DEBTS))
    if cursor is None:
        return Wanted(filters, query.sort, most, (query.page - 1) * query.limit)
    return Wanted(filters, query.sort, most, after=_place(cursor, query.sort))


def _refuse_unknown_scenario(name: str | None, workspace: Workspace) -> None:
    try:
        scenarios.resolve(workspace, name, None)
    except scenarios.ScenarioUnknown as error:
        raise one_parameter("scenario", "unknown", error.detail) from None


def _hashes(text: str, workspace: Workspace) -> list[bytes]:
    lookup = workspace.lookup
    if "@" in text:
        try:
            return [lookup.hash("email", emails.normalise(text).lower())]
        except ValueError:
            return []
    if sum(character.isdigit() for character in text) >= 6:
        try:
            return [lookup.hash("phone", phones.parse(text))]
        except ValueError:
            pass  # Not a number: its words may still be a name's.
    return [lookup.hash("word", word) for word in words(text)]


def _place(cursor: str, sort: str) -> tuple[datetime | int, UUID]:
    if sort.endswith("date"):
        return http.read_place(cursor, sort)
    amount, identifier = http.read_cursor(cursor, sort, 2)
    if type(amount) is not int or not 0 < amount < 2**63:
        raise http.not_ours()
    return amount, http.read_identifier(identifier)


def cursor_after(workspace: Workspace, last: Debt, sort: str) -> str | None:
    """Return the cursor after the last debt of a page."""
    if sort.endswith("date"):
        cursor = http.write_place(sort, last.created_at, last.id)
    else:
        cursor = http.write_cursor(sort, [last.amount, last.id.hex])
    return http.sealed(cursor, workspace.mark_of(_DEBTS))


def debtors_after(workspace: Workspace, cursor: str | None) -> tuple[datetime, UUID] | None:
    """Return the place in the list of debtors that a cursor names."""
    plain = http.opened(cursor, workspace.mark_of(_DEBTORS))
    return None if plain is None else http.read_place(plain, "-date")


def debtors_cursor(workspace: Workspace, created_at: datetime, debtor_id: UUID) -> str | None:
    """Return the cursor after a debtor."""
    cursor = http.write_place("-date", created_at, debtor_id)
    return http.sealed(cursor, workspace.mark_of(_DEBTORS))
