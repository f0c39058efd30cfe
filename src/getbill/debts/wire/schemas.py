"""Response schemas of debts and debtors, as published in OpenAPI."""

from typing import Literal

from pydantic import BaseModel, Field

from getbill.debts.model import ResolutionName, StatusName
from getbill.debts.wire.fields import ADDRESS_FIELDS, DEBT_FIELDS, DEBTOR_FIELDS, DETAIL_FIELDS, answer_fields
from getbill.kit.http import Currency, Day, Instant, MoneyNumber, Pagination, with_fields


@with_fields(answer_fields(ADDRESS_FIELDS))
class AddressShown(BaseModel):
    """A postal address."""


class ContactPointShown(BaseModel):
    """An e-mail address or phone number of a debtor."""

    value: str = Field(description="The address or number.", examples=["jean.dupont@email.com"])
    source: Literal["api", "file", "staff", "debtor", "unknown"] = Field(
        description="Where the address comes from; `unknown` if it was stored before sources were."
    )
    health: Literal["unknown", "delivered", "bounced", "suppressed"] = Field(
        description="Whether it accepts messages: `bounced` addresses are not used."
    )
    preferred: bool = Field(description="Whether contacts go to this address.")


@with_fields(answer_fields(DEBTOR_FIELDS))
class DebtorShown(BaseModel):
    """The debtor."""

    id: str = Field(examples=["debtor_01m804scmte4gbpp4yw1mc91gy"])
    address: AddressShown
    emails: list[ContactPointShown] = Field(description="E-mail addresses, the preferred one first.")
    phones: list[ContactPointShown] = Field(description="Phone numbers, the preferred one first.")
    other_names: list[str] = Field(description="Other spellings of the name that recognise the debtor.")
    other_references: list[str] = Field(description="Your other references for the debtor.")
    other_addresses: list[str] = Field(
        description="Postal addresses of later debts that differ from `address`, to which no letter goes."
    )


class PromiseShown(BaseModel):
    """The debtor's promise to pay, and whether it was kept."""

    date: Day
    amount: MoneyNumber | None = Field(description="Promised amount; null for the full balance.")
    state: Literal["open", "kept", "broken"]


@with_fields(answer_fields(DEBT_FIELDS + DETAIL_FIELDS))
class DebtShown(BaseModel):
    """A debt: amounts, debtor and progress of collection."""

    id: str = Field(examples=["debt_01m804scmte4gbpp4yw1mc91gy"])
    status: StatusName
    amount: MoneyNumber = Field(examples=[2340.00])
    currency: Currency
    balance: MoneyNumber = Field(
        description="Outstanding balance, in the debt's currency; negative after an overpayment."
    )
    amount_paid: MoneyNumber = Field(description="Payments less refunds and chargebacks.")
    amount_written_off: MoneyNumber = Field(description="Amount the creditor waived.")
    scenario_version: int = Field(description="Version of the scenario that the debt runs.", examples=[1])
    timeline_id: str = Field(description="Id of the scenario.")
    creditor_id: str | None = Field(
        description="Id of the creditor; null if that is your company.",
        examples=["creditor_01m804scmte4gbpp4yw1mc91gy"],
    )
    company: str | None = Field(
        description="Name of the creditor; null if that is your company.", examples=["Garage Martin SARL"]
    )
    debtor: DebtorShown
    next_action_at: Instant | None = Field(
        description="Due time of the next contact, in UTC; null if none is planned, or while the balance is below the workspace's minimum."
    )
    contacted_at: Instant | None = Field(
        description="Time of the first contact that reached the debtor, in UTC; null if none has."
    )
    resolved_at: Instant | None
    resolution: ResolutionName | None = Field(
        description="Kind of resolution: `paid`, `settled` if a part was paid and the rest waived, or `written_off`; null while it has a balance."
    )
    payment_plan_active: bool
    promise: PromiseShown | None
    followups_count: int
    created_at: Instant
    updated_at: Instant


class DebtList(BaseModel):
    """A page of debts."""

    data: list[DebtShown]
    pagination: Pagination


class DebtorList(BaseModel):
    """A page of debtors."""

    data: list[DebtorShown]
    pagination: Pagination


class TotalsShown(BaseModel):
    """Amounts owed and paid by a debtor in one currency."""

    currency: Currency
    amount: MoneyNumber
    balance: MoneyNumber
    amount_paid: MoneyNumber


class DebtorWithTotals(DebtorShown):
    """A debtor with amounts owed and paid."""

    debts_count: int
    totals: list[TotalsShown]
    created_at: Instant
    updated_at: Instant


class HistoryShown(BaseModel):
    """A change, split or merge of a debtor."""

    action: Literal["updated", "split", "split_from", "merged"] = Field(
        description="What was done; `split_from` on the debtor who came out of a split."
    )
    at: Instant = Field(description="When it was done.")
    by: str | None = Field(description="Id of the credential that asked for it; null for the program itself.")
    other_debtor_id: str | None = Field(description="The other debtor of a split or merge.")
    fields: list[str] = Field(description="Names of the changed fields.")
    debts: list[str] = Field(description="Ids of the debts that moved.")


class DebtorDetail(DebtorWithTotals):
    """A debtor with amounts owed and paid, and their history."""

    history: list[HistoryShown] = Field(description="The newest 100 changes, newest first.")


class ErasureShown(BaseModel):
    """The result of an erasure."""

    id: str
    erased_at: Instant
    erased: list[str]
    kept: list[str]
    is_debtor_erased: bool
