"""What an import's answers say: how far it is, what became of its rows, what its columns were taken for."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from starlette.requests import Request

from getbill import mapping, sheets
from getbill.companies import Workspace
from getbill.imports.model import Import, Wanted, problem_context, show
from getbill.imports.reading_plan import Plan
from getbill.imports.wire import UploadQuery
from getbill.kit import clock, json
from getbill.kit.messages import preferred
from getbill.mapping import Field as MappedField
from getbill.vault import Key

_HIDDEN_SHOWN = 20
_NOTES = {
    "same-file": (
        "These very bytes came before, as {other}: rows whose debts are there create nothing.",
        "Ces mêmes octets sont déjà venus, comme {other} : les lignes dont la créance existe ne créent rien.",
    ),
    "layout-changed": (
        "This sender's files used to look different: {changes}. Look at the mapping before you confirm it.",
        "Les fichiers de cet expéditeur étaient différents : {changes}. Vérifiez les colonnes avant de confirmer.",
    ),
    "changes-stay": (
        "Some of what on_duplicate=update changed could not be given back; `kept` in the report says why. Rows: {count}.",
        "Des modifications faites par on_duplicate=update n'ont pu être annulées ; `kept` dans le rapport dit pourquoi. Lignes : {count}.",
    ),
}
_CHANGES = {
    "en": {"added": "{} is new", "missing": "{} is missing", "moved": "{} has moved"},
    "fr": {"added": "{} est nouvelle", "missing": "{} manque", "moved": "{} a changé de place"},
}


def language(request: Request, otherwise: str) -> str:
    """Return the language of an answer: the one of French and English that the caller accepts most, else another."""
    return preferred(request.headers.get("accept-language")) or mapping.tongue(otherwise)


def wanted(query: UploadQuery, name: str | None, workspace: Workspace, credential_id: UUID) -> Wanted:
    """Return what is asked of a file."""
    return Wanted(
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


_WAITING_FOR = {"needs_mapping": "mapping", "mapped": "confirmation", "checked": "start"}
# Its debts are there, or are coming or going.
_HAS_DEBTS = frozenset({"importing", "completed", "correcting", "rolling_back", "undoing"})


def waiting_for(found: Import) -> str | None:
    """Return what only a person can do next."""
    if found.source == "batch":
        return None
    if found.state == "failed" and found.error == "findings":
        return "corrections"
    return _WAITING_FOR.get(found.state)


def shown(
    found: Import, now: datetime, language: str, key: Key | None, plan: Plan | None = None
) -> dict[str, Any]:
    """Return an import as callers see it."""
    done = found.rows_done
    share = round(100 * done / found.rows_total, 1) if found.rows_total else None
    return {
        "id": found.shown_id,
        "source": found.source,
        "name": found.name,
        "sender": found.sender,
        "state": found.state,
        "doing": found.task,
        "waiting_for": waiting_for(found),
        "auto": found.is_auto,
        "dry_run": found.is_dry_run,
        "mode": found.mode,
        "on_duplicate": found.on_duplicate,
        "grace_hours": found.grace_hours,
        "contacts_from": json.instant(_contacts_from(found, now)),
        "size": found.size,
        "same_as": show(found.source, found.same_as) if found.same_as else None,
        "progress": {
            "rows_total": found.rows_total,
            "rows_done": done,
            "percent": share,
            "rows_per_second": _rate(found),
        },
        "would_create": found.created if found.is_checked else None,
        "counts": counts(found, plan),
        "error": _error(found, language, key),
        "notes": _notes(found, plan, language),
        "created_at": json.instant(found.created_at),
        "ended_at": json.instant(found.ended_at),
        "kept_until": json.instant(found.drop_at),
    }


def _contacts_from(found: Import, now: datetime) -> datetime | None:
    """Return the instant before which no debt of an import is contacted: its grace, counted from its end."""
    if found.state not in _HAS_DEBTS or not found.grace_hours:
        return None
    ended = found.ended_at
    # The end is wall time; workspace time lies as far from it as now does.
    at = now if ended is None else now - (clock.wall() - ended)
    return at + timedelta(hours=found.grace_hours)


def counts(found: Import, plan: Plan | None) -> dict[str, Any]:
    """Return what became of an import's rows."""
    return {
        "created": 0 if found.is_checked else found.created,
        "updated": 0 if found.is_checked else found.updated,
        "unchanged": found.unchanged,
        "skipped": found.skipped,
        "rejected": found.rejected,
        "warnings": found.warnings,
        "left_out": dict(plan.left_out) if plan else {},
        "undone": found.undone,
        "kept": found.kept,
        "restored": found.restored,
    }


def _rate(found: Import) -> float | None:
    if found.begun_at is None or not found.rows_done:
        return None
    seconds = ((found.ended_at or clock.wall()) - found.begun_at).total_seconds()
    return round(found.rows_done / seconds, 1) if seconds > 0 else None


def _error(found: Import, language: str, key: Key | None) -> dict[str, Any] | None:
    if found.error is None:
        return None
    message = way_out = ""
    if found.problem is not None and key is not None:
        told = json.read(key.open(found.problem, problem_context(found.id)))
        message, way_out = told[mapping.tongue(language)]
    return {"code": found.error, "message": message, "way_out": way_out}


def _notes(found: Import, plan: Plan | None, language: str) -> list[dict[str, str]]:
    tongue = mapping.tongue(language)
    said: list[tuple[str, dict[str, str]]] = []
    if found.same_as is not None:
        said.append(("same-file", {"other": show(found.source, found.same_as)}))
    if _leaves_changes(found):
        said.append(("changes-stay", {"count": str(found.updated - found.restored)}))
    notes = [{"code": code, "message": _NOTES[code][tongue == "fr"].format(**facts)} for code, facts in said]
    notes += [{"code": one[0], "message": warning(one, tongue)} for one in (plan.warnings if plan else ())]
    return notes + [
        {"code": note.code.replace("_", "-"), "message": note.told(tongue)}
        for note in (plan.layout.notes if plan else ())
    ]


def warning(warned: tuple[str, Mapping[str, Any]], language: str) -> str:
    """Return what a plan warns of, in words."""
    (code, facts), tongue = warned, mapping.tongue(language)
    changes = cast("list[dict[str, str]]", facts["changes"])
    told = ", ".join(_CHANGES[tongue][one["code"]].format(one["header"] or "?") for one in changes[:10])
    return _NOTES[code][tongue == "fr"].format(changes=told)


def _leaves_changes(found: Import) -> bool:
    # A check that fails counts nothing: here the book changed after it.
    is_taken_back = found.state == "undone" or (found.state == "failed" and found.mode == "all_or_nothing")
    return is_taken_back and found.updated > found.restored and not found.is_checked


def _hidden_shown(plan: Plan) -> dict[str, Any]:
    """Return what the sheet hides: how many rows, the first of them, whether they are read, and the columns."""
    layout, left_out = plan.layout, plan.profile.left_out
    lines = [line for line, why in left_out.lines if why == "hidden"]
    return {
        "rows": left_out.counts.get("hidden", 0),
        "first_lines": lines[:_HIDDEN_SHOWN],
        "is_read": layout.with_hidden_rows,
        "columns": [sheets.letter(index) for index in layout.hidden_columns],
    }


def mapping_shown(plan: Plan, language: str) -> dict[str, Any]:
    """Return what a file's columns were taken for."""
    stored = plan.mapping.to_json()
    samples = {one.column.index: [str(cell) for cell in one.samples[:3]] for one in plan.profile.columns}
    for column, own in zip(stored["columns"], plan.mapping.columns, strict=True):
        column["reason"] = {
            "code": own.reason.code,
            "message": mapping.said(own.reason.code, own.reason.facts, language),
        }
        column["samples"] = samples.get(own.index, [])
    why = plan.mapping.country_reason
    stored["country_reason"] = {"code": why.code, "message": mapping.said(why.code, why.facts, language)}
    for question, asked in zip(stored["questions"], plan.mapping.questions, strict=True):
        question["message"] = mapping.said(asked.code, asked.facts, language)
    layout = plan.layout
    return stored | {
        "is_remembered": plan.is_remembered,
        "layout": {
            "kind": layout.kind,
            "encoding": layout.encoding,
            "delimiter": layout.delimiter,
            "sheet": layout.sheet,
            "other_sheets": [one.name for one in layout.other_sheets],
            "header_line": layout.header_line,
            "rows": plan.profile.rows,
            "hidden": _hidden_shown(plan),
            "merged_columns": [sheets.letter(index) for index in layout.merged_columns],
            "skipped": [{"line": one.line, "why": one.why, "text": one.text} for one in layout.skipped],
        },
        "left_out": dict(plan.left_out),
        "fields": [one.value for one in MappedField],
    }
