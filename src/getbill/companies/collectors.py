"""The role in which a company collects: its own debts, or as a third party those of others.

A third party has its particulars on file before it contacts anybody in earnest (in France art. R124-2 CPCE):
registration, address, insurance, an account that holds its clients' money alone, and its declaration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from getbill.companies.model import Company, Workspace
from getbill.companies.replans import request_replan, request_replan_of_company
from getbill.kit import json
from getbill.kit.database import Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message

_OPENING_SCENARIO: Final = "third_party_fr"
_ORDINARY_SCENARIO: Final = "standard_3_waves"

_LOCK_COMPANY = Statement(
    "companies.lock_collector",
    "What a company has on file, locked until the transaction ends.",
    "SELECT * FROM companies WHERE id = $1 FOR NO KEY UPDATE",
)
_LOCK_SANDBOX = Statement(
    "companies.lock_sandbox",
    "The declaration that holds in a sandbox alone, locked until the transaction ends.",
    "SELECT collector_file FROM workspaces WHERE workspace_id = $1 FOR NO KEY UPDATE",
)
_DECLARE = Statement(
    "companies.declare_collector",
    "Set the role in which a company collects, and what it has on file.",
    """
    UPDATE companies SET collector = $2, registration_number = $3, address = $4, insurer = $5, insurance_policy = $6,
        insured_until = $7, client_iban = $8, declared_on = $9, declared_to = $10, scenario = $11
    WHERE id = $1
    """,
)
_FORGET_SANDBOXES = Statement(
    "companies.forget_declarations",
    "Forget the declarations that hold in one sandbox of a company alone.",
    "UPDATE workspaces SET collector_file = NULL WHERE company_id = $1 AND collector_file IS NOT NULL",
)
_DECLARE_IN_SANDBOX = Statement(
    "companies.declare_in_sandbox",
    "Set the role in which the company collects in one sandbox.",
    "UPDATE workspaces SET collector_file = $2 WHERE workspace_id = $1",
)


@dataclass(frozen=True, slots=True)
class CollectorFile:
    """The role of a company, and what it has on file as a third party."""

    collector: str = "creditor"
    registration_number: str | None = None
    address: tuple[str, ...] = ()
    insurer: str | None = None
    insurance_policy: str | None = None
    insured_until: date | None = None
    # The account that holds its clients' money alone.
    client_iban: str | None = None
    # The declaration to the public prosecutor, before the activity began.
    declared_on: date | None = None
    declared_to: str | None = None

    def missing_fields(self, on: date) -> tuple[str, ...]:
        """Return what a third party does not have on file on a day."""
        required = (
            "registration_number",
            "address",
            "insurer",
            "insurance_policy",
            "client_iban",
            "declared_on",
        )
        missing = [name for name in required if not getattr(self, name)]
        if self.insured_until is not None and self.insured_until < on:
            missing.append("insured_until")
        return tuple(missing)


_FIELDS: Final = tuple(field.name for field in fields(CollectorFile))


def collector_file(company: Company) -> CollectorFile:
    """Return what a company has on file."""
    return CollectorFile(**{name: getattr(company, name) for name in _FIELDS})


def with_collector_file(company: Company, stored: str | None) -> Company:
    """Return a company with the declaration of one sandbox, if it has one."""
    if stored is None:
        return company
    declared: dict[str, Any] = json.read(stored.encode())
    for name in ("insured_until", "declared_on"):
        declared[name] = date.fromisoformat(declared[name]) if declared[name] else None
    return replace(company, **declared | {"address": tuple(declared["address"])})


async def declare(tx: Transaction, company_id: UUID, changes: Mapping[str, Any]) -> CollectorFile:
    """Change the role of a company and what it has on file; its sandboxes follow."""
    row = await tx.fetchrow(_LOCK_COMPANY, company_id)
    if row is None:
        raise NotFound(message("This company does not exist."))
    before = CollectorFile(**{name: row[name] for name in _FIELDS} | {"address": tuple(row["address"])})
    new_file = replace(before, **changes)
    values = {name: getattr(new_file, name) for name in _FIELDS} | {"address": list(new_file.address)}
    scenario = _default_scenario(before, new_file, row["scenario"])
    await tx.execute(_DECLARE, company_id, *values.values(), scenario)
    await tx.execute(_FORGET_SANDBOXES, company_id)
    await request_replan_of_company(tx, company_id)
    return new_file


async def declare_in(tx: Transaction, workspace: Workspace, changes: Mapping[str, Any]) -> CollectorFile:
    """Change the role of a company as seen in a workspace: in live for the company, in a sandbox there alone."""
    if workspace.is_live:
        return await declare(tx, workspace.company.id, changes)
    stored_file = await tx.fetchval(_LOCK_SANDBOX, workspace.id)
    company = with_collector_file(workspace.company, stored_file)
    before = collector_file(company)
    new_file = replace(before, **changes)
    stored = {name: getattr(new_file, name) for name in _FIELDS}
    stored["scenario"] = _default_scenario(before, new_file, company.scenario)
    await tx.execute(_DECLARE_IN_SANDBOX, workspace.id, json.write(stored).decode())
    await request_replan(tx, workspace.id)
    return new_file


def _default_scenario(before: CollectorFile, after: CollectorFile, scenario: str) -> str:
    """Return the default scenario: a third party's has to open with the letter that the law requires."""
    if after.collector == "third_party" and before.collector != "third_party":
        return _OPENING_SCENARIO
    if after.collector == "creditor" and scenario == _OPENING_SCENARIO:
        return _ORDINARY_SCENARIO
    return scenario
