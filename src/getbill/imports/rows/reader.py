"""Rows on their way in: each read as its plan says, checked as `POST /debts` would, and doubted where a slip is plain.

A row comes out as the debt it asks for, with warnings at most, or with every error that keeps it from being one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import structlog

from getbill import debts, mapping, quarantine, sheets
from getbill.companies import Workspace
from getbill.debts import NewDebt
from getbill.imports import findings
from getbill.imports.findings import Finding, Outcome, Row
from getbill.imports.reading_plan import Plan
from getbill.kit.errors import FieldError
from getbill.mapping import Field

_log = structlog.get_logger(__name__)

# A due date this far ahead is strange, and one twice as far a slip of the pen.
_STRANGE: Final = timedelta(days=2 * 365)
_WRONG: Final = timedelta(days=10 * 365)

# Which columns a body's field may come from.
_COLUMNS: Final[dict[str, tuple[Field, ...]]] = {
    "amount": (Field.AMOUNT, Field.AMOUNT_INVOICED),
    "currency": (Field.CURRENCY,),
    "reference": (Field.REFERENCE, Field.INVOICE_REFERENCE),
    "invoice_reference": (Field.INVOICE_REFERENCE,),
    "due_date": (Field.DUE_DATE,),
    "invoice_date": (Field.INVOICE_DATE,),
    "scenario": (Field.SCENARIO,),
    "object": (Field.OBJECT,),
    "iban": (Field.IBAN,),
    "payment_link": (Field.PAYMENT_LINK,),
    "company": (Field.CREDITOR,),
    "metadata": (Field.METADATA,),
    "debtor/name": (Field.NAME, Field.LAST_NAME, Field.COMPANY, Field.CONTACT),
    "debtor/first_name": (Field.FIRST_NAME,),
    "debtor/last_name": (Field.LAST_NAME, Field.NAME_INFIX),
    "debtor/civility": (Field.CIVILITY,),
    "debtor/birthdate": (Field.BIRTHDATE,),
    "debtor/company": (Field.COMPANY,),
    "debtor/email": (Field.EMAIL,),
    "debtor/phone": (Field.PHONE, Field.MOBILE),
    "debtor/language": (Field.LANGUAGE,),
    "debtor/reference": (Field.DEBTOR_REFERENCE,),
    "debtor/address": (Field.ADDRESS,),
    "debtor/address/street_address": (Field.STREET_ADDRESS, Field.ADDRESS),
    "debtor/address/street_number": (Field.STREET_NUMBER,),
    "debtor/address/postal_code": (Field.POSTAL_CODE, Field.POSTAL_CITY),
    "debtor/address/city": (Field.CITY, Field.POSTAL_CITY),
    "debtor/address/country": (Field.COUNTRY,),
}


@dataclass(slots=True)
class Line:
    """One row as it came: of a file its cells, of a batch its body."""

    line: int
    index: int
    cells: Sequence[sheets.Cell] | None
    body: Mapping[str, Any]
    temp_id: Any = None
    new: NewDebt | None = None
    findings: list[Finding] = field(default_factory=list)
    is_sure: bool = False
    # The reference that the row's debt may have from a file in which its invoice had more instalments, or fewer.
    other_reference: str | None = None
    # The line whose debt has this instalment in its amount.
    merged_into: int | None = None

    @property
    def has_errors(self) -> bool:
        """Whether something said of the row keeps it from being a debt."""
        return any(finding.severity == "error" for finding in self.findings)

    def about(self, outcome: Outcome, *more: Finding, debt_id: Any = None) -> Row:
        """Return the row with what is said of it."""
        return Row(
            line=self.line,
            index=self.index,
            outcome=outcome,
            findings=[*self.findings, *more],
            temp_id=self.temp_id,
            reference=findings.reference_of(self.body),
            cells=self.cells,
            body=None if self.cells is not None else self.body,
            debt_id=debt_id,
            is_sure=self.is_sure,
            read=self.body,
        )


def _failed(line: Line, error: Exception) -> Line:
    _log.error("import_row_failed", line=line.line, exc_info=quarantine.unexplained(error))
    line.findings.append(findings.said("row-failed", {"why": quarantine.reason_of(error)}))
    return line


class Reader:
    """Reads the rows of one import; made once, since a file has a million of them."""

    def __init__(self, workspace: Workspace, today: date, plan: Plan | None) -> None:
        self._workspace = workspace
        self._strange_on, self._wrong_on = today + _STRANGE, today + _WRONG
        self._headers = plan.headers if plan else {}
        self._composer = mapping.compose(plan.mapping, plan.profile) if plan else None
        self._columns: dict[Field, int] = {}
        if plan:
            self._columns = {one.field: one.index for one in plan.mapping.columns if one.field}

    def compose(self, row: sheets.Row, index: int, *, is_sure: bool = False) -> Line:
        """Return a file's row as a body, with what is wrong with its cells."""
        assert self._composer is not None  # noqa: S101 - a file has a plan
        try:
            body, wrong = self._composer.body(row)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's own
            return _failed(Line(row.line, index, row.cells, {}, is_sure=is_sure), error)
        line = Line(row.line, index, row.cells, body, is_sure=is_sure)
        if wrong:
            line.findings = [findings.of_cell(one, self._headers) for one in wrong]
        return line

    def check(self, lines: Sequence[Line]) -> None:
        """Give every line its debt, or what is wrong with it."""
        try:
            read = debts.read_many(self._workspace, [line.body for line in lines])
        except Exception as error:  # noqa: BLE001 - one of them fails, and no other
            if len(lines) == 1:
                _failed(lines[0], error)
                return
            for line in lines:
                self.check([line])
            return
        for line, found in zip(lines, read, strict=True):
            if isinstance(found, list):
                self._refuse(line, found)
            elif not line.findings and self._is_plain(found):
                line.new = found
            else:
                self._doubt(line, found)

    def _is_plain(self, new: NewDebt) -> bool:
        """Say whether there is nothing to doubt, as in nearly every row."""
        email = new.identity.email
        return (email is None or findings.meant(email.rpartition("@")[2]) is None) and (
            new.due_on is None or new.due_on <= self._strange_on
        )

    def _refuse(self, line: Line, errors: list[FieldError]) -> None:
        told = {one.column for one in line.findings}
        whole = any(one.column is None and one.severity == "error" for one in line.findings)
        for error in errors:
            found = findings.of_error(error, line.body, is_cell=line.cells is not None)
            self._place(found)
            # What could not be read is missing, and that was said already.
            if not (whole or (found.column is not None and found.column in told)):
                line.findings.append(found)

    def _place(self, found: Finding) -> None:
        """Say which column a field of the body comes from."""
        for wanted in _COLUMNS.get((found.pointer or "").strip("/"), ()):
            column = self._columns.get(wanted)
            if column is not None:
                found.column, found.header = column, self._headers.get(column)
                return

    def _doubt(self, line: Line, new: NewDebt) -> None:
        if not line.is_sure:
            line.findings += self._slips(new)
        if not any(one.severity == "error" for one in line.findings):
            line.new = new

    def _slips(self, new: NewDebt) -> Iterator[Finding]:
        email = new.identity.email
        if email is not None:
            local, _, domain = email.rpartition("@")
            meant = findings.meant(domain)
            if meant is not None:
                about = {"domain": domain, "meant": meant}
                found = findings.said(
                    "email-typo", about, pointer="/debtor/email", value=email, suggestion=f"{local}@{meant}"
                )
                self._place(found)
                yield found
        due_on = new.due_on
        if due_on is not None and due_on > self._strange_on:
            is_wrong = due_on > self._wrong_on
            facts: dict[str, Any] = {"date": due_on.isoformat(), "years": 10 if is_wrong else 2}
            found = findings.said("date-far", facts, pointer="/due_date", value=due_on.isoformat())
            found.severity = "error" if is_wrong else "warning"
            self._place(found)
            yield found
