"""Questions about the row status of a column's values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from getbill import sheets
from getbill.mapping.columns import Candidate
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field
from getbill.mapping.model import ColumnMapping, Question
from getbill.mapping.row_status.words import STATUSES
from getbill.mapping.values import text_of


def status_question(
    column: ColumnMapping,
    profile: sheets.ColumnProfile,
    readings: Mapping[str, str | None],
    rows: Mapping[str, str],
) -> Question:
    """Return the question about the row status of a column's values, with counts and an example of each."""
    values = [
        {
            "value": value,
            "rows": profile.values.get(value, 0),
            "status": status,
            "example": rows.get(value, ""),
        }
        for value, status in readings.items()
    ]
    unclear = [
        f"{value} ({profile.values.get(value, 0)})" for value, status in readings.items() if not status
    ]
    facts: dict[str, Any] = {"header": column.header or column.letter, "unclear": unclear, "values": values}
    return Question("row_status", (column.index,), None, STATUSES, None, facts)


def examples(columns: Sequence[ColumnMapping], candidate: Candidate, head: SampleRows) -> dict[str, str]:
    """Return, for each value of a column, one of its rows: reference, name and amount as written."""
    example_columns = [
        column.index
        for column in columns
        if column.field
        in {
            Field.REFERENCE,
            Field.INVOICE_REFERENCE,
            Field.NAME,
            Field.COMPANY,
            Field.LAST_NAME,
            Field.AMOUNT,
        }
        | {Field.AMOUNT_INVOICED, Field.AMOUNT_PAID}
    ]
    rows: dict[str, str] = {}
    for cells in head.rows:
        value = text_of(cells[candidate.column.index])
        if value and value not in rows:
            rows[value] = " · ".join(text for index in example_columns if (text := text_of(cells[index])))
    return rows


def remaining_question(question: Question, statuses: Mapping[str, str]) -> Question | None:
    """Return the question about the values still unknown; None where none is left."""
    statuses_by_value = {value.strip().casefold(): status for value, status in statuses.items()}
    values = [
        {**value, "status": statuses_by_value.get(str(value["value"]).strip().casefold(), value["status"])}
        for value in question.facts["values"]
    ]
    unclear = [f"{value['value']} ({value['rows']})" for value in values if not value["status"]]
    return (
        replace(question, facts={**question.facts, "unclear": unclear, "values": values}) if unclear else None
    )
