"""Findings about a row's debtor that neither a customer code nor a known debtor resolved."""

from typing import Final

from getbill import debts
from getbill.debtors import IdentityDoubt
from getbill.imports import findings
from getbill.imports.findings import Finding
from getbill.imports.rows.reader import Line
from getbill.kit import ids

_POINTERS: Final = {"address": "/debtor/address/street_address", "country": "/debtor/address/country"}


def identity_findings(line: Line, outcome: debts.Created) -> list[Finding]:
    """Return findings for doubts about the identity of a new debt's debtor."""
    return [_identity_finding(line, doubt, ids.show("debt", outcome.debt.id)) for doubt in outcome.doubts]


def _identity_finding(line: Line, doubt: IdentityDoubt, public_id: str) -> Finding:
    assert line.new is not None  # noqa: S101 - only such a row has a person
    code = line.new.identity.reference
    facts = {"customer": code, "debt": public_id, "fields": findings.field_names(doubt.fields)}
    if doubt.code in {"debtor-differs", "address-added"}:
        name = doubt.fields[0]
        pointer, value = _POINTERS.get(name, f"/debtor/{name}"), getattr(line.new.identity, name, None)
    else:
        pointer, value = "/debtor/reference", code
    return findings.from_code(doubt.code, facts, pointer=pointer, value=value, severity="warning")
