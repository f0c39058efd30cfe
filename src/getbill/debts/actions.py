"""Creation and update of debts. One debt is created like many: there is one code path."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from getbill import compliance, creditors, debtors, events, scenarios, vault
from getbill.companies import Workspace
from getbill.creditors import CreditorChoice
from getbill.debtors import Debtor, Identity, IdentityDoubt
from getbill.debts import promises, queries
from getbill.debts.creditor_changes import change_creditor
from getbill.debts.model import INSERT, Debt, Details, NewDebt, Origin, Status
from getbill.debts.person_locks import lock_of_debtors
from getbill.debts.schedule import InitialSchedule, day_zero, hashes_of, moved_day_zero
from getbill.debts.transitions import set_status
from getbill.kit import ids, json
from getbill.kit.database import OptimisticConflict, Transaction
from getbill.kit.errors import Conflict, NotFound, one_field
from getbill.kit.messages import excerpt, message
from getbill.kit.money import AmountHasTooManyDecimals, AmountTooLarge, Money
from getbill.scenarios import Scenario


class ReferenceTaken(Conflict):
    """Another debt of the workspace has this reference and was created from a different body."""

    code = "reference-taken"
    title = message("A debt with this reference already exists")
    way_out = "Read the debt in `id`. Change it with PUT, or create this debt with another reference."

    def __init__(self, reference: str | None, debt_id: UUID) -> None:
        public_id = ids.show("debt", debt_id)
        super().__init__(
            message(
                "The reference '{reference}' belongs to {debt}, which was created with other values."
                " Change that debt with PUT /external-api/v1/debts/{debt}, or send another reference.",
                reference=excerpt(reference),
                debt=public_id,
            ),
            extra={"id": public_id},
        )
        self.debt_id = debt_id


@dataclass(frozen=True, slots=True)
class Created:
    """The result of creating a debt: a new one, or the existing one of an identical body."""

    debt: Debt
    is_new: bool
    # Parts of the debtor's description that were not applied, and why.
    doubts: tuple[IdentityDoubt, ...] = ()
    # The debtor's identity before this debt changed it.
    previous_identity: Identity | None = None


async def create(tx: Transaction, workspace: Workspace, new_debt: NewDebt) -> Created:
    """Create a debt, or return the one of an identical body; raise ReferenceTaken for a different body."""
    outcome = (await create_many(tx, workspace, [new_debt]))[0]
    if isinstance(outcome, ReferenceTaken):
        raise outcome
    return outcome


async def create_many(
    tx: Transaction, workspace: Workspace, new_debts: Sequence[NewDebt], origin: Origin | None = None
) -> list[Created | ReferenceTaken]:
    """Create debts together; each has its own result, in the order given.

    Imported debts have an origin and may be held for a while, so that an import of a wrong file can be
    undone.
    """
    hasher = debtors.Hasher(workspace.lookup)
    hashes = [hasher.hash_identity(new_debt.identity) for new_debt in new_debts]
    existing = await queries.find_existing(
        tx, workspace, [new_debt.reference for new_debt in new_debts], hashes
    )
    debts_by_reference = existing.debts
    source = "api" if origin is None else origin.source
    people = await _lock_changing_people(tx, workspace, existing, new_debts, hashes, source)
    matcher = debtors.DebtorMatcher(tx, workspace, existing.debtors, people=people, source=source)
    scenarios_by_name = {
        name: await scenarios.current(tx, workspace, name)
        for name in {new_debt.scenario for new_debt in new_debts}
    }
    # In order: the first spelling of a new creditor's name is the one that stays.
    choices = dict.fromkeys(
        new_debt.creditor_choice for new_debt in new_debts if new_debt.reference not in debts_by_reference
    )
    creditors_by_choice = await creditors.resolve_choices(tx, workspace, choices)
    initial_schedule = InitialSchedule(tx.now)
    outcomes: list[Created | ReferenceTaken] = []
    created_debts: dict[str, Debt] = {}
    for number, (new_debt, debtor_hashes) in enumerate(zip(new_debts, hashes, strict=True)):
        body_fingerprint = fingerprint(workspace, new_debt)
        if new_debt.reference in created_debts:
            first = created_debts[new_debt.reference]
            outcomes.append(_batch_conflict(first, body_fingerprint) or Created(first, is_new=False))
        elif new_debt.reference in debts_by_reference:
            outcomes.append(
                await _find_existing(tx, workspace, new_debt, body_fingerprint, debts_by_reference)
            )
        else:
            debtor_match, scenario = (
                await matcher.find_or_create(new_debt.identity, debtor_hashes),
                scenarios_by_name[new_debt.scenario],
            )
            started_on = initial_schedule.start_day(new_debt, debtor_match.debtor.identity, scenario)
            debt = _build_debt(workspace, debtor_match.debtor, new_debt, scenario, tx.now, started_on)
            debt.fingerprint = body_fingerprint
            debt.assign_creditor(creditors_by_choice[new_debt.creditor_choice])
            if origin is not None:
                debt.not_before, debt.import_id = origin.not_before, origin.import_id
                debt.import_line = origin.lines[number]
            created_debts[new_debt.reference] = debt
            outcomes.append(
                Created(
                    debt,
                    is_new=True,
                    doubts=debtor_match.doubts,
                    previous_identity=debtor_match.previous_identity,
                )
            )
    known_debtors = [debtor for debtor in matcher.debtors.values() if not debtor.is_new]
    await debtors.lock_unchanged(tx, workspace.id, known_debtors)
    read_addresses = {address for person in hashes for address in (person.email, person.phone)}
    await _plan_first_contacts(tx, workspace, existing, read_addresses, list(created_debts.values()))
    # After all debtors: rows are written in the order in which the first of each kind was deferred.
    for debt in created_debts.values():
        _defer_insert(tx, debt)
    return outcomes


async def _lock_changing_people(
    tx: Transaction,
    workspace: Workspace,
    existing: queries.ExistingRecords,
    new_debts: Sequence[NewDebt],
    hashes: Sequence[debtors.IdentityHashes],
    source: str,
) -> Mapping[UUID, Debtor]:
    """Return the known people of new debts; those to whom a debt may add something are locked with all their debts."""
    changing_ids = {
        debtor.id
        for new_debt, debtor_hashes in zip(new_debts, hashes, strict=True)
        for match in debtor_hashes.matches
        if (debtor := existing.people.get(existing.debtors.get(match))) is not None  # type: ignore[arg-type]
        and debtors.learned(debtor.identity, new_debt.identity, source) != debtor.identity
    }
    if not changing_ids:
        return existing.people
    await lock_of_debtors(tx, workspace, changing_ids)
    return existing.people | await debtors.lock_many(tx, workspace, changing_ids)


async def _plan_first_contacts(
    tx: Transaction,
    workspace: Workspace,
    existing: queries.ExistingRecords,
    read_addresses: Collection[bytes | None],
    created_debts: Sequence[Debt],
) -> None:
    """Set the first contact of new debts, at the preferred addresses of their debtors."""
    suppressed, consents = existing.suppressed, existing.consents
    known_debtors = {debt.debtor.id: debt.debtor for debt in created_debts if not debt.debtor.is_new}
    addresses = [
        address
        for debtor in known_debtors.values()
        for address in hashes_of(workspace, debtor.identity)
        if address is not None and address not in read_addresses
    ]
    if addresses:
        # A known debtor may prefer another address than the new debt names.
        suppressed |= await compliance.suppressed_hashes(tx, workspace.id, addresses)
        consents |= await compliance.granted_consents(tx, workspace.id, addresses)
    schedule = InitialSchedule(tx.now, suppressed, consents)
    for debt in created_debts:
        debt.first_contact = schedule.first_contact(debt)
        debt.next_action_at = debt.first_contact.due_at


def fingerprint(workspace: Workspace, new_debt: NewDebt) -> bytes:
    """Return a hash that identifies the body of a debt, under the company's key."""
    return workspace.lookup.hash("body", new_debt.canonical())


def _batch_conflict(first: Debt, fingerprint: bytes) -> ReferenceTaken | None:
    return None if first.fingerprint == fingerprint else ReferenceTaken(first.reference, first.id)


async def _find_existing(
    tx: Transaction,
    workspace: Workspace,
    new_debt: NewDebt,
    fingerprint: bytes,
    debts_by_reference: dict[str, Any],
) -> Created | ReferenceTaken:
    debt_id, stored_fingerprint = debts_by_reference[new_debt.reference]
    if stored_fingerprint != fingerprint:
        return ReferenceTaken(new_debt.reference, debt_id)
    try:
        return Created(await queries.lock(tx, workspace, debt_id), is_new=False)
    except NotFound:
        # Erased since the look-up: its reference is free.
        raise OptimisticConflict from None


def _defer_insert(tx: Transaction, debt: Debt) -> None:
    debt.key = vault.make_key(tx, debt.workspace.vault, debt.workspace.id, debt.id)
    tx.defer_row(INSERT, debt.row)
    events.record(tx, "debt.created", debt)


def draft(workspace: Workspace, new_debt: NewDebt, scenario: Scenario, now: datetime) -> Debt:
    """Return the debt that would be created for an unknown debtor; nothing is stored."""
    debtor = Debtor(ids.new(), workspace.id, new_debt.identity, vault.Key.new(), now, now, is_new=True)
    started_on = InitialSchedule(now).start_day(new_debt, new_debt.identity, scenario)
    return _build_debt(workspace, debtor, new_debt, scenario, now, started_on)


def _build_debt(
    workspace: Workspace,
    debtor: Debtor,
    new_debt: NewDebt,
    scenario: Scenario,
    now: datetime,
    started_on: date,
) -> Debt:
    return Debt(
        workspace=workspace,
        debtor=debtor,
        key=None,
        id=ids.new(),
        reference=new_debt.reference,
        invoice_reference=new_debt.invoice_reference,
        fingerprint=None,
        status=Status.PENDING,
        resolution=None,
        currency=new_debt.amount.currency,
        amount=new_debt.amount.minor,
        balance=new_debt.amount.minor,
        paid=0,
        due_on=new_debt.due_on,
        scenario=new_debt.scenario,
        scenario_version=scenario.version,
        running_scenario=scenario,
        details=new_debt.details,
        started_on=started_on,
        next_action_at=None,
        run=1,
        contact_epoch=0,
        contacts_count=0,
        answers_count=0,
        has_plan=False,
        event_sequence=0,
        version=1,
        contacted_at=None,
        resolved_at=None,
        created_at=now,
        updated_at=now,
        is_new=True,
    )


@dataclass(frozen=True, slots=True)
class DebtChange:
    """The requested changes of a debt: only named fields change; None clears a field that may be empty."""

    identity: dict[str, str | None]
    details: dict[str, Any]
    columns: dict[str, Any]
    # The version of the scenario to run from now on; the current one if the scenario changes.
    scenario_version: int | None = None
    amount: Money | None = None
    currency: str | None = None
    status: Status | None = None
    # Another creditor, which the name among the details goes with; None leaves the creditor.
    creditor: CreditorChoice | None = None


# The changes after which everything not yet sent is planned again. A contact that a worker has claimed with the
# earlier values is void.
_REPLANNING = {
    "scenario",
    "scenario_version",
    "due_date",
    "amount",
    "currency",
    "company",
    "creditor_id",
    "debtor",
    "debtor_id",
    "promise",
    "accept_expensive_destination",
}


@dataclass(frozen=True, slots=True)
class ReplacementDebtor:
    """The locked new debtor of a debt, and the fields in which they differ from the previous one."""

    debtor: Debtor
    fields: Sequence[str]


async def update(
    tx: Transaction,
    workspace: Workspace,
    debt: Debt,
    change: DebtChange,
    replacement: ReplacementDebtor | None = None,
) -> None:
    """Change a locked debt; raise ReferenceTaken or an error that names the field.

    A `replacement` takes precedence over the identity of the change.
    """
    changes: dict[str, Any] = {}
    await _change_reference(tx, workspace, debt, change)
    _change_columns(debt, change, changes)
    await _change_scenario(tx, workspace, debt, change, changes)
    if replacement is not None:
        _replace_debtor(debt, replacement.debtor, changes)
    elif change.identity:
        debtor = await debtors.lock(tx, workspace, debt.debtor.id)
        before = debtor.identity
        await debtors.update(tx, workspace, debtor, debtors.replaced(before, change.identity, "api"))
        debt.debtor = debtor
        if fields := debtors.shown_differences(before, debtor.identity):
            changes["debtor"] = fields
    _change_amount(debt, change, changes)
    if change.creditor is not None:
        await change_creditor(tx, debt, change.creditor, changes)
    promise_before = debt.details.promise
    details = Details(**(debt.details.present_fields() | _with_promise(debt, change, tx.now)))
    if details != debt.details:
        changes |= {
            name: {"from": before, "to": after}
            for name in change.details
            if name not in {"promise", "creditor"}
            and (before := getattr(debt.details, name)) != (after := getattr(details, name))
        }
        debt.details = details
    if details.promise != promise_before:
        changes["promise"] = {
            "from": promises.promise_terms(debt, promise_before),
            "to": promises.promise_terms(debt, details.promise),
        }
    if changes:
        _replan(debt, tx, changes)
        debt.touch(tx)
        events.record(tx, "debt.updated", debt, {"changes": changes})
    if change.status is not None:
        set_status(tx, debt, change.status)


def _replace_debtor(debt: Debt, debtor: Debtor, changes: dict[str, Any]) -> None:
    if fields := debtors.shown_differences(debt.debtor.identity, debtor.identity):
        changes["debtor"] = fields
    if debtor.id != debt.debtor.id:
        changes["debtor_id"] = {
            "from": ids.show("debtor", debt.debtor.id),
            "to": ids.show("debtor", debtor.id),
        }
    debt.debtor = debtor


def _with_promise(debt: Debt, change: DebtChange, now: datetime) -> dict[str, Any]:
    promise = change.details.get("promise")
    if promise is None:
        return change.details
    return change.details | {"promise": promises.build_promise(debt, promise["date"], promise["amount"], now)}


async def _change_reference(tx: Transaction, workspace: Workspace, debt: Debt, change: DebtChange) -> None:
    reference: str | None = change.columns.get("reference")
    if reference is not None and reference != debt.reference:
        debts_by_reference = await queries.find_references(tx, workspace.id, [reference])
        if reference in debts_by_reference:
            raise ReferenceTaken(reference, debts_by_reference[reference][0])


_WIRE_NAMES = {"due_on": "due_date"}


def _change_columns(debt: Debt, change: DebtChange, changes: dict[str, Any]) -> None:
    for column, value in change.columns.items():
        before = getattr(debt, column)
        if before != value:
            setattr(debt, column, value)
            changes[_WIRE_NAMES.get(column, column)] = {"from": _json_value(before), "to": _json_value(value)}


async def _change_scenario(
    tx: Transaction, workspace: Workspace, debt: Debt, change: DebtChange, changes: dict[str, Any]
) -> None:
    """Switch a debt to another scenario from its start, or to another version at its current step."""
    before, requested_version = debt.scenario_version, change.scenario_version
    if "scenario" in changes and requested_version is None:
        debt.running_scenario = await scenarios.current(tx, workspace, debt.scenario)
    elif "scenario" in changes or requested_version not in {None, before}:
        key = debt.scenario, requested_version or before
        try:
            debt.running_scenario = (await scenarios.load(tx, workspace, [key]))[key]
        except scenarios.ScenarioUnknown as error:
            raise one_field("/scenario_version", "unknown", error.detail) from None
    debt.scenario_version = debt.running_scenario.version
    if debt.scenario_version != before and "scenario" not in changes:
        changes["scenario_version"] = {"from": before, "to": debt.scenario_version}


def _json_value(value: Any) -> Any:
    return json.day(value) if isinstance(value, date) else value


def _change_amount(debt: Debt, change: DebtChange, changes: dict[str, Any]) -> None:
    if change.currency is not None and change.currency != debt.currency:
        if debt.details.promise is not None and "promise" not in change.details:
            detail = message(
                "The debtor's promise is in this currency: also send the promise, or null to remove it."
            )
            raise one_field("/currency", "has-promise", detail)
        _change_currency(debt, change.currency, change.amount, changes)
    elif change.amount is not None and change.amount.minor != debt.amount:
        # The entry of this change is written by the reaction to `debt.updated`, in this transaction.
        changes["amount"] = {"from": debt.money(debt.amount).decimal, "to": change.amount.decimal}


def _change_currency(debt: Debt, currency: str, amount: Money | None, changes: dict[str, Any]) -> None:
    if debt.entries_count:
        raise one_field(
            "/currency", "has-money", message("The currency cannot change once the debt has entries.")
        )
    before = debt.money(debt.amount)
    try:
        after = amount or Money.from_decimal(before.decimal, currency)
    except AmountHasTooManyDecimals as error:
        raise one_field(
            "/amount", "too-many-decimals", message("Also send the amount: {why}", why=error.detail)
        ) from None
    except AmountTooLarge as error:
        raise one_field(
            "/amount", "too-large", message("Also send the amount: {why}", why=error.detail)
        ) from None
    changes["currency"] = {"from": before.currency, "to": currency}
    if after.decimal != before.decimal:
        changes["amount"] = {"from": before.decimal, "to": after.decimal}
    debt.currency = currency
    debt.amount = debt.balance = after.minor


def _replan(debt: Debt, tx: Transaction, changes: dict[str, Any]) -> None:
    if not _REPLANNING & changes.keys():
        return
    if "scenario" in changes:
        debt.run += 1
        debt.started_on = day_zero(debt.debtor.identity, debt.running_scenario, tx.now, debt.due_on)
    elif "due_date" in changes:
        debt.started_on = moved_day_zero(debt, _due_before(changes), tx.now)
    # A held debt gets a day 0 too: it is planned when it is resumed.
    if debt.is_contactable:
        debt.stop_contact()


def _due_before(changes: dict[str, Any]) -> date | None:
    before = changes["due_date"]["from"]
    return date.fromisoformat(before) if before else None
