"""Serializers of imports: progress, row counts, mapping and problems."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request

from getbill import sheets
from getbill.companies import Workspace
from getbill.imports.model import Import, ImportOptions, State, problem_context, public_id
from getbill.imports.reading_plan import ReadingPlan
from getbill.imports.wire import UploadQuery
from getbill.kit import clock, json
from getbill.kit.messages import Message, counted, locale_of, message, preferred, template
from getbill.mapping import ColumnReason
from getbill.mapping import Field as MappedField
from getbill.vault import Key

_HIDDEN_SHOWN = 20
_LAYOUT_CHANGES: Final = {
    "added": template("{header} is new"),
    "missing": template("{header} is missing"),
    "moved": template("{header} has moved"),
}


def language(request: Request, otherwise: str) -> str:
    """Return the language of a response: English or French, as the caller accepts, else `otherwise`."""
    return preferred(request.headers.get("accept-language")) or locale_of(otherwise)


def import_options(
    query: UploadQuery, name: str | None, workspace: Workspace, credential_id: UUID
) -> ImportOptions:
    """Return the options of an upload."""
    return ImportOptions(
        name=(query.name or name or "upload")[:200],
        source="upload",
        sender=query.sender or str(credential_id),
        language=workspace.company.language,
        is_auto=query.auto,
        is_dry_run=query.dry_run,
        mode=query.mode,
        on_duplicate=query.on_duplicate,
        grace_hours=query.grace_hours,
    )


_WAITING_FOR = {
    State.NEEDS_MAPPING: "mapping",
    State.MAPPED: "confirmation",
    State.CHECKED: "start",
}
# States in which debts exist, or are being created or undone.
_HAS_DEBTS = frozenset(
    {State.IMPORTING, State.COMPLETED, State.CORRECTING, State.ROLLING_BACK, State.UNDOING}
)


def waiting_for(import_: Import) -> str | None:
    """Return the action that only a person can take next; None where there is none."""
    if import_.source == "batch":
        return None
    if import_.state is State.FAILED and import_.error == "findings":
        return "corrections"
    return _WAITING_FOR.get(import_.state)


def serialize_import(
    import_: Import, now: datetime, language: str, key: Key | None, plan: ReadingPlan | None = None
) -> dict[str, Any]:
    """Return an import as the API shows it."""
    rows_done = import_.rows_done
    share = round(100 * rows_done / import_.rows_total, 1) if import_.rows_total else None
    return {
        "id": import_.public_id,
        "source": import_.source,
        "name": import_.name,
        "sender": import_.sender,
        "state": import_.state,
        "doing": import_.task,
        "waiting_for": waiting_for(import_),
        "auto": import_.is_auto,
        "dry_run": import_.is_dry_run,
        "mode": import_.mode,
        "on_duplicate": import_.on_duplicate,
        "grace_hours": import_.grace_hours,
        "contacts_from": json.instant(_contacts_from(import_, now)),
        "size": import_.size,
        "same_as": public_id(import_.source, import_.same_as) if import_.same_as else None,
        "progress": {
            "rows_total": import_.rows_total,
            "rows_done": rows_done,
            "percent": share,
            "rows_per_second": _rate(import_),
        },
        "would_create": import_.created if import_.is_checked else None,
        "counts": counts(import_, plan),
        "error": _error(import_, language, key),
        "notes": _notes(import_, plan, language),
        "created_at": json.instant(import_.created_at),
        "ended_at": json.instant(import_.ended_at),
        "kept_until": json.instant(import_.drop_at),
    }


def _contacts_from(import_: Import, now: datetime) -> datetime | None:
    """Return the time before which no debt is contacted: the grace period counted from the import's end."""
    if import_.state not in _HAS_DEBTS or not import_.grace_hours:
        return None
    ended_at = import_.ended_at
    # The end is wall time; workspace time is offset from it as `now` is.
    at = now if ended_at is None else now - (clock.wall() - ended_at)
    return at + timedelta(hours=import_.grace_hours)


def counts(import_: Import, plan: ReadingPlan | None) -> dict[str, Any]:
    """Return the counts of an import's rows."""
    return {
        "created": 0 if import_.is_checked else import_.created,
        "updated": 0 if import_.is_checked else import_.updated,
        "unchanged": import_.unchanged,
        "skipped": import_.skipped,
        "rejected": import_.rejected,
        "warnings": import_.warnings,
        "left_out": dict(plan.left_out) if plan else {},
        "undone": import_.undone,
        "kept": import_.kept,
        "restored": import_.restored,
    }


def _rate(import_: Import) -> float | None:
    if import_.begun_at is None or not import_.rows_done:
        return None
    seconds = ((import_.ended_at or clock.wall()) - import_.begun_at).total_seconds()
    return round(import_.rows_done / seconds, 1) if seconds > 0 else None


def _error(import_: Import, language: str, key: Key | None) -> dict[str, Any] | None:
    if import_.error is None:
        return None
    text = way_out = ""
    if import_.problem is not None and key is not None:
        messages = json.read(key.open(import_.problem, problem_context(import_.id)))
        text, way_out = messages[locale_of(language)]
    return {"code": import_.error, "message": text, "way_out": way_out}


def _notes(import_: Import, plan: ReadingPlan | None, language: str) -> list[dict[str, str]]:
    notes: list[tuple[str, Message]] = []
    if import_.same_as is not None:
        identical = message(
            "The file is identical to {other}: rows whose debts already exist create nothing.",
            other=public_id(import_.source, import_.same_as),
        )
        notes.append(("same-file", identical))
    if _leaves_changes(import_):
        kept = counted(
            "{count} change made by on_duplicate=update could not be undone; `kept` in the report says why.",
            "{count} changes made by on_duplicate=update could not be undone; `kept` in the report says why.",
            count=import_.updated - import_.restored,
        )
        notes.append(("changes-stay", kept))
    if plan:
        notes += [(code, layout_warning(facts)) for code, facts in plan.warnings]
        notes += [(note.code.replace("_", "-"), note.message) for note in plan.layout.notes]
    return [{"code": code, "message": text.translated(language)} for code, text in notes]


def layout_warning(facts: Mapping[str, Any]) -> Message:
    """Return the message of a plan's warning: how the layout differs from the sender's earlier files."""
    changes = [
        _LAYOUT_CHANGES[change["code"]].filled({"header": change["header"] or "?"})
        for change in facts["changes"][:10]
    ]
    return message(
        "The layout differs from this sender's earlier files: {changes}. Check the mapping before you confirm it.",
        changes=changes,
    )


def _leaves_changes(import_: Import) -> bool:
    # A failed check counts nothing: here the debts changed after it.
    is_taken_back = import_.state is State.UNDONE or (
        import_.state is State.FAILED and import_.mode == "all_or_nothing"
    )
    return is_taken_back and import_.updated > import_.restored and not import_.is_checked


def _serialize_hidden(plan: ReadingPlan) -> dict[str, Any]:
    """Return the hidden parts of the sheet: row count, first rows, whether they are read, and columns."""
    layout, left_out = plan.layout, plan.profile.left_out
    lines = [line for line, skip_reason in left_out.lines if skip_reason == "hidden"]
    return {
        "rows": left_out.counts.get("hidden", 0),
        "first_lines": lines[:_HIDDEN_SHOWN],
        "is_read": layout.with_hidden_rows,
        "columns": [sheets.letter(index) for index in layout.hidden_columns],
    }


def _serialize_reason(reason: ColumnReason, language: str) -> dict[str, str]:
    return {"code": reason.code, "message": reason.message.translated(language)}


def serialize_mapping(plan: ReadingPlan, language: str) -> dict[str, Any]:
    """Return the mapping of a file's columns."""
    stored = plan.mapping.to_json()
    samples = {
        entry.column.index: [str(cell) for cell in entry.samples[:3]] for entry in plan.profile.columns
    }
    for column, column_mapping in zip(stored["columns"], plan.mapping.columns, strict=True):
        column["reason"] = _serialize_reason(column_mapping.reason, language)
        column["samples"] = samples.get(column_mapping.index, [])
    stored["country_reason"] = _serialize_reason(plan.mapping.country_reason, language)
    for question, mapping_question in zip(stored["questions"], plan.mapping.questions, strict=True):
        question["message"] = mapping_question.message.translated(language)
    layout = plan.layout
    return stored | {
        "is_remembered": plan.is_remembered,
        "layout": {
            "kind": layout.kind,
            "encoding": layout.encoding,
            "delimiter": layout.delimiter,
            "sheet": layout.sheet,
            "other_sheets": [entry.name for entry in layout.other_sheets],
            "header_line": layout.header_line,
            "rows": plan.profile.rows,
            "hidden": _serialize_hidden(plan),
            "merged_columns": [sheets.letter(index) for index in layout.merged_columns],
            "skipped": [
                {"line": entry.line, "why": entry.why, "text": entry.text} for entry in layout.skipped
            ],
        },
        "left_out": dict(plan.left_out),
        "fields": [entry.value for entry in MappedField],
    }
