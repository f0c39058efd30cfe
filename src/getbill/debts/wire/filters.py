"""List queries of debts and debtors: filters, order, page or cursor."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from getbill import scenarios
from getbill.companies import Workspace
from getbill.debtors import comparable_words
from getbill.debts.model import Debt
from getbill.debts.queries import DebtFilter
from getbill.debts.wire.bodies import RequestedStatus
from getbill.debts.wire.field_types import Currency
from getbill.kit import http, phones
from getbill.kit.errors import one_parameter
from getbill.kit.http import PageQuery, QueryDay, QueryInstant, QueryText, refuse_empty_range
from getbill.kit.text import emails

Amount = Annotated[Decimal, Field(ge=0, le=10**12, max_digits=20)]


class DebtQuery(PageQuery):
    """Filters of a list of debts."""

    status: list[RequestedStatus] | None = None
    scenario: QueryText | None = None
    reference: QueryText | None = None
    currency: Currency | None = None
    amount: Amount | None = None
    amount_min: Amount | None = None
    amount_max: Amount | None = None
    due_from: QueryDay | None = None
    due_to: QueryDay | None = None
    created_from: QueryInstant | None = None
    created_to: QueryInstant | None = None
    updated_after: QueryInstant | None = None
    q: Annotated[
        QueryText | None,
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


@dataclass(frozen=True, slots=True)
class DebtOwner:
    """The creditor or the debtor to whom a list of debts is limited."""

    condition: Literal["creditor", "debtor"]
    id: UUID

    @property
    def listing(self) -> str:
        """The name of the list, which its cursors are bound to."""
        return f"{_DEBTS} of {self.condition} {self.id}"


def build_filter(query: DebtQuery, workspace: Workspace, owner: DebtOwner | None = None) -> DebtFilter:
    """Return the filter of a query, with one extra row that shows whether another page follows.

    Raises BadRequest for a cursor of another list and for an empty range.
    """
    _refuse_unknown_scenario(query.scenario, workspace)
    refuse_empty_range("amount_min", query.amount_min, "amount_max", query.amount_max)
    refuse_empty_range("due_from", query.due_from, "due_to", query.due_to)
    refuse_empty_range("created_from", query.created_from, "created_to", query.created_to)
    limit = query.limit + 1
    conditions = {name: value for name in _FILTERS if (value := getattr(query, name)) is not None}
    if owner is not None:
        conditions[owner.condition] = owner.id
    if query.q is not None:
        conditions["q_reference"] = query.q.strip()
        hashes = _search_hashes(query.q.strip(), workspace)
        if hashes:
            conditions["q_debtor"] = hashes
    cursor = http.unseal_optional(query.cursor, workspace.cursor_signer(owner.listing if owner else _DEBTS))
    if cursor is None:
        return DebtFilter(conditions, query.sort, limit, (query.page - 1) * query.limit)
    return DebtFilter(conditions, query.sort, limit, after=_read_position(cursor, query.sort))


def _refuse_unknown_scenario(name: str | None, workspace: Workspace) -> None:
    try:
        scenarios.resolve(workspace, name, None)
    except scenarios.ScenarioUnknown as error:
        raise one_parameter("scenario", "unknown", error.detail) from None


def _search_hashes(text: str, workspace: Workspace) -> list[bytes]:
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
            pass  # Not a number: it may still be words of a name.
    return [lookup.hash("word", word) for word in comparable_words(text)]


def _read_position(cursor: str, sort: str) -> tuple[datetime | int, UUID]:
    if sort.endswith("date"):
        return http.read_time_cursor(cursor, sort)
    amount, identifier = http.read_cursor(cursor, sort, 2)
    if type(amount) is not int or not 0 < amount < 2**63:
        raise http.foreign_cursor()
    return amount, http.read_identifier(identifier)


def cursor_after(workspace: Workspace, last: Debt, sort: str, owner: DebtOwner | None = None) -> str | None:
    """Return the cursor after the last debt of a page."""
    if sort.endswith("date"):
        cursor = http.write_time_cursor(sort, last.created_at, last.id)
    else:
        cursor = http.write_cursor(sort, [last.amount, last.id.hex])
    return http.seal_optional(cursor, workspace.cursor_signer(owner.listing if owner else _DEBTS))


def debtors_after(workspace: Workspace, cursor: str | None) -> tuple[datetime, UUID] | None:
    """Return the position in the list of debtors that a cursor names."""
    position = http.unseal_optional(cursor, workspace.cursor_signer(_DEBTORS))
    return None if position is None else http.read_time_cursor(position, "-date")


def debtors_cursor(workspace: Workspace, created_at: datetime, debtor_id: UUID) -> str | None:
    """Return the cursor after a debtor."""
    cursor = http.write_time_cursor("-date", created_at, debtor_id)
    return http.seal_optional(cursor, workspace.cursor_signer(_DEBTORS))
