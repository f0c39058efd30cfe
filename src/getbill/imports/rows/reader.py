"""Reader of import rows: parsed by the plan, validated like `POST /debts`, checked for typing errors.

A row results in the requested debt with at most warnings, or in every error that rejects it.
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
from getbill.imports.findings import Finding, ImportRow, RowOutcome
from getbill.imports.reading_plan import ReadingPlan
from getbill.kit.errors import FieldError
from getbill.mapping import Field

_log = structlog.get_logger(__name__)

# A due date this far ahead is suspicious; one twice as far is treated as a typing error.
_STRANGE: Final = timedelta(days=2 * 365)
_WRONG: Final = timedelta(days=10 * 365)

# The columns that may supply a field of the body, where it is not the one column of its name.
_OTHER_COLUMNS: Final[dict[str, tuple[Field, ...]]] = {
    "amount": (Field.AMOUNT, Field.AMOUNT_INVOICED),
    "reference": (Field.REFERENCE, Field.INVOICE_REFERENCE),
    "company": (Field.CREDITOR,),
    "debtor/name": (Field.NAME, Field.LAST_NAME, Field.COMPANY, Field.CONTACT),
    "debtor/last_name": (Field.LAST_NAME, Field.NAME_INFIX),
    "debtor/phone": (Field.PHONE, Field.MOBILE),
    "debtor/reference": (Field.DEBTOR_REFERENCE,),
    "debtor/address/street_address": (Field.STREET_ADDRESS, Field.ADDRESS),
    "debtor/address/postal_code": (Field.POSTAL_CODE, Field.POSTAL_CITY),
    "debtor/address/city": (Field.CITY, Field.POSTAL_CITY),
}
_FIELDS: Final = {field.value: field for field in Field}


def _columns_of(path: str) -> tuple[Field, ...]:
    name = path.rpartition("/")[2]
    return _OTHER_COLUMNS.get(path) or ((_FIELDS[name],) if name in _FIELDS else ())


@dataclass(slots=True)
class Line:
    """One source row: cells of a file, or the body of a batch row."""

    line: int
    index: int
    cells: Sequence[sheets.Cell] | None
    body: Mapping[str, Any]
    temp_id: Any = None
    new: NewDebt | None = None
    findings: list[Finding] = field(default_factory=list)
    is_sure: bool = False
    # The reference of the row's debt from a file in which its invoice had more instalments, or fewer.
    other_reference: str | None = None
    # The line whose debt includes this instalment in its amount.
    merged_into: int | None = None

    @property
    def has_errors(self) -> bool:
        """Whether a finding rejects the row."""
        return any(finding.severity == "error" for finding in self.findings)

    def row_result(self, outcome: RowOutcome, *extra_findings: Finding, debt_id: Any = None) -> ImportRow:
        """Return the row with its outcome and findings."""
        return ImportRow(
            line=self.line,
            index=self.index,
            outcome=outcome,
            findings=[*self.findings, *extra_findings],
            temp_id=self.temp_id,
            reference=findings.reference_of(self.body),
            cells=self.cells,
            body=None if self.cells is not None else self.body,
            debt_id=debt_id,
            is_sure=self.is_sure,
            parsed_body=self.body,
        )


def _fail_line(line: Line, error: Exception) -> Line:
    _log.error("import_row_failed", line=line.line, exc_info=quarantine.unexpected(error))
    line.findings.append(findings.from_code("row-failed", {"why": quarantine.reason_of(error)}))
    return line


class RowReader:
    """Reader of one import's rows; created once per import, because a file may have a million rows."""

    def __init__(self, workspace: Workspace, today: date, plan: ReadingPlan | None) -> None:
        self._workspace = workspace
        self._strange_on, self._wrong_on = today + _STRANGE, today + _WRONG
        self._headers = plan.headers if plan else {}
        self._composer = mapping.compose(plan.mapping, plan.profile) if plan else None
        self._columns: dict[Field, int] = {}
        if plan:
            self._columns = {column.field: column.index for column in plan.mapping.columns if column.field}

    def compose(self, row: sheets.Row, index: int, *, is_sure: bool = False) -> Line:
        """Return a file's row as a body, with findings for its cells."""
        assert self._composer is not None  # noqa: S101 - a file has a plan
        try:
            body, cell_findings = self._composer.compose(row)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's own
            return _fail_line(Line(row.line, index, row.cells, {}, is_sure=is_sure), error)
        line = Line(row.line, index, row.cells, body, is_sure=is_sure)
        if cell_findings:
            line.findings = [
                findings.from_cell(cell_finding, self._headers) for cell_finding in cell_findings
            ]
        return line

    def check(self, lines: Sequence[Line]) -> None:
        """Set the debt of every line, or its errors."""
        try:
            outcomes = debts.parse_bodies(self._workspace, [line.body for line in lines])
        except Exception as error:  # noqa: BLE001 - one of them fails, and no other
            if len(lines) == 1:
                _fail_line(lines[0], error)
                return
            for line in lines:
                self.check([line])
            return
        for line, outcome in zip(lines, outcomes, strict=True):
            if isinstance(outcome, list):
                self._add_errors(line, outcome)
            elif not line.findings and self._is_plain(outcome):
                line.new = outcome
            else:
                self._add_warnings(line, outcome)

    def _is_plain(self, new: NewDebt) -> bool:
        """Return whether the row needs no checks for typing errors, as nearly every row does."""
        email = new.identity.email
        return (email is None or findings.suggest_domain(email.rpartition("@")[2]) is None) and (
            new.due_on is None or new.due_on <= self._strange_on
        )

    def _add_errors(self, line: Line, errors: list[FieldError]) -> None:
        reported_columns = {entry.column for entry in line.findings}
        has_row_error = any(entry.column is None and entry.severity == "error" for entry in line.findings)
        for error in errors:
            finding = findings.from_error(error, line.body, is_cell=line.cells is not None)
            self._set_column(finding)
            # An unreadable value is missing from the body, and was reported already.
            if not (has_row_error or (finding.column is not None and finding.column in reported_columns)):
                line.findings.append(finding)

    def _set_column(self, finding: Finding) -> None:
        """Set the column from which a finding's field comes."""
        for source_field in _columns_of((finding.pointer or "").strip("/")):
            column = self._columns.get(source_field)
            if column is not None:
                finding.column, finding.header = column, self._headers.get(column)
                return

    def _add_warnings(self, line: Line, new: NewDebt) -> None:
        if not line.is_sure:
            line.findings += self._warnings(new)
        if not any(finding.severity == "error" for finding in line.findings):
            line.new = new

    def _warnings(self, new: NewDebt) -> Iterator[Finding]:
        email = new.identity.email
        if email is not None:
            local, _, domain = email.rpartition("@")
            suggested_domain = findings.suggest_domain(domain)
            if suggested_domain is not None:
                typo_facts = {"domain": domain, "meant": suggested_domain}
                finding = findings.from_code(
                    "email-typo",
                    typo_facts,
                    pointer="/debtor/email",
                    value=email,
                    suggestion=f"{local}@{suggested_domain}",
                )
                self._set_column(finding)
                yield finding
        due_on = new.due_on
        if due_on is not None and due_on > self._strange_on:
            is_wrong = due_on > self._wrong_on
            facts: dict[str, Any] = {"date": due_on.isoformat(), "years": 10 if is_wrong else 2}
            finding = findings.from_code("date-far", facts, pointer="/due_date", value=due_on.isoformat())
            finding.severity = "error" if is_wrong else "warning"
            self._set_column(finding)
            yield finding
