"""Composition of a file's row into the body of POST /debts, with each cell read by its column's mapping.

An unreadable cell becomes a finding and its field is left out: no value is guessed. The readers of all
columns are created once, because a file may have a million rows.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from getbill import sheets
from getbill.mapping import row_status, values
from getbill.mapping.fields import TEXTS, Field
from getbill.mapping.model import ColumnMapping, Mapping
from getbill.mapping.rows import amounts, labels, people, places
from getbill.mapping.values import BodyDraft, CellFinding, Step


class Composer:
    """Composes the bodies of rows; one for a whole file, in one thread."""

    def __init__(self, mapping: Mapping, profile: sheets.Profile) -> None:
        self._columns = {column.field: column for column in mapping.columns if column.field}
        self._mapping = mapping
        self._profile = profile
        self._steps = self._build_steps()
        self._finish = places.address_finisher(self._columns, values.home_country(mapping, profile))

    def compose(self, row: sheets.Row) -> tuple[dict[str, Any], list[CellFinding]]:
        """Return the row as a body of POST /debts, and the findings of its cells."""
        if row.wrong is not None:
            return {}, [CellFinding(None, None, None, row.wrong.code, wrong=row.wrong)]
        draft = BodyDraft()
        values = row.cells
        for step in self._steps:
            step(values, draft)
        self._finish(draft)
        body = draft.body
        if draft.debtor:
            body["debtor"] = draft.debtor
        if draft.metadata:
            body["metadata"] = draft.metadata
        return body, draft.findings

    def _build_steps(self) -> list[Step]:
        headers = {column.index: column.header or column.letter for column in self._mapping.columns}
        refusal = row_status.refusal_step(
            self._mapping.row_status,
            headers,
            has_remainder=amounts.has_remainder(self._columns, self._profile),
        )
        steps = [
            *([refusal] if refusal else []),
            *labels.steps(self._mapping.columns, self._profile),
            *self._references(),
            *amounts.steps(self._columns, self._mapping, self._profile),
        ]
        for field, name in ((Field.INVOICE_DATE, "invoice_date"), (Field.DUE_DATE, "due_date")):
            if column := self._columns.get(field):
                shape = self._profile.column(column.index).date
                has_some_midnights = shape is not None and shape.midnights == "some"
                steps.append(
                    values.date_into_body(column, self._date(column), name, has_midnights=has_some_midnights)
                )
        for field, name in TEXTS.items():
            if column := self._columns.get(field):
                steps.append(values.text_into_body(column, name))
        if column := self._columns.get(Field.IBAN):
            steps.append(values.iban_into_body(column))
        if column := self._columns.get(Field.BIRTHDATE):
            steps.append(values.birthdate_into_debtor(column, self._date(column)))
        steps += people.steps(self._columns, self._profile) + places.steps(self._columns)
        steps += self._metadata_steps()
        return steps

    def _references(self) -> list[Step]:
        reference, invoice = self._columns.get(Field.REFERENCE), self._columns.get(Field.INVOICE_REFERENCE)
        steps: list[Step] = []
        if invoice:
            steps.append(
                values.code_into_body(
                    invoice, self._are_floats(invoice), "invoice_reference", also="reference"
                )
            )
        if reference:
            steps.append(values.code_into_body(reference, self._are_floats(reference), "reference"))
        if self._mapping.reference_from:
            steps.append(values.codes_into_body(self._mapping.reference_from, "reference"))
        if column := self._columns.get(Field.DEBTOR_REFERENCE):
            steps.append(values.code_into_debtor(column, self._are_floats(column), "reference"))
        return steps

    def _are_floats(self, column: ColumnMapping) -> bool:
        return self._profile.column(column.index).kinds.get(sheets.CellKind.WHOLE_FLOAT, 0) > 0

    def _date(self, column: ColumnMapping) -> Callable[[sheets.Cell], str]:
        shape = self._profile.column(column.index).date
        order = self._mapping.dates.get(column.index)
        if shape is None:
            shape = sheets.DateShape("dmy", is_certain=False, why="nothing_seen", has_serials=False)
        if order in {"turned", "kept"}:
            shape = replace(shape, is_certain=True, why="answered", is_turned=order == "turned")
        elif order and order != shape.order:
            shape = replace(shape, order=order, is_certain=True, why="answered")  # type: ignore[arg-type]
        return values.cached_date_reader(sheets.date_reader(shape))

    def _metadata_steps(self) -> list[Step]:
        columns_by_name: dict[str, ColumnMapping] = {}
        for column in self._mapping.columns:
            if column.field == Field.METADATA:
                name = column.header.strip()[:100] or f"column {column.letter}"
                columns_by_name[name if name not in columns_by_name else f"{name} ({column.letter})"] = column
        return [values.cell_into_metadata(column, name) for name, column in columns_by_name.items()]


def compose(mapping: Mapping, profile: sheets.Profile) -> Composer:
    """Return the composer of a file's rows; the mapping has no open questions."""
    return Composer(mapping, profile)
