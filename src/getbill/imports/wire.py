"""Imports as callers see them: what can be asked of one, and its answers."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from getbill.companies import Workspace
from getbill.imports import mapping, queries
from getbill.imports.mapping import Field as MappedField
from getbill.imports.model import Import, Mode, OnDuplicate, Source, State, Wanted, problem_context, show
from getbill.imports.plans import Plan
from getbill.kit import clock, json, paging
from getbill.kit.shapes import Instant, Pagination
from getbill.vault import Key

Text = Annotated[str, Field(min_length=1, max_length=200)]
_STATES_OVER = frozenset({"completed", "undone", "failed"})


class UploadQuery(BaseModel):
    """What can be asked of a file that is sent, in the query or as fields of the form."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = Field(None, description="What to call the file; its own name by default.")
    sender: Text | None = Field(
        None,
        description="Who sends files like this one, in a word of yours: a confirmed mapping is remembered for it."
        " The credential by default.",
    )
    auto: bool = Field(default=False, description="Import at once if every column is certain; else wait.")
    dry_run: bool = Field(default=False, description="Check every row, and change nothing.")
    mode: Mode = Field(
        "partial", description="`all_or_nothing`: one wrong row, and nothing at all is created."
    )
    on_duplicate: OnDuplicate = Field(
        "skip", description="What to do with a row of a known reference whose other values are new."
    )
    grace_hours: Annotated[int, Field(ge=0, le=720)] | None = Field(
        None, description="How long its debts are left alone; 0 skips it. The workspace's own by default."
    )


class ImportQuery(BaseModel):
    """What a list of imports can be asked for."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=paging.LIMIT_MAX)] = paging.LIMIT_DEFAULT
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    state: State | None = None


class ReportQuery(BaseModel):
    """Which part of a report is wanted, and as what."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "csv", "xlsx"] = "json"
    rows: Literal["rejected", "findings"] = Field(
        "rejected",
        description="As a file: the rejected rows in the layout they came in, ready to be corrected and sent again;"
        " or every finding, one in each line. As JSON always the findings.",
    )
    outcome: Literal["rejected", "skipped", "warned"] | None = None
    code: Text | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class MappingBody(BaseModel):
    """What columns are, against what was proposed. Columns are named by index, letter or header."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"columns": {"Solde": "amount", "F": None}, "confirm": True}]},
    )

    columns: dict[str, MappedField | None] | None = Field(
        None, description="The field of each; null for none."
    )
    numbers: dict[str, Literal[",", "."]] | None = Field(None, description="The decimal mark of a column.")
    dates: dict[str, Literal["dmy", "mdy", "ymd"]] | None = None
    units: dict[str, Literal["cents", "negated"] | None] | None = None
    currency: Text | None = None
    not_owed: dict[str, Text | None] | None = Field(
        None, description="Columns that say a row is not owed (paid, cancelled): null has them not looked at."
    )
    signs: dict[str, Text] | None = Field(None, description='What a sign stands for: {"$": "CAD"}.')
    country: Text | None = None
    confirm: bool = Field(default=False, description="Accept the mapping as it is then, and go on.")
    dry_run: bool | None = Field(None, description="With `confirm`: check every row and change nothing.")

    def changes(self) -> dict[str, Any]:
        """Return what is to be changed."""
        return self.model_dump(
            mode="json", exclude={"confirm", "dry_run"}, exclude_none=False, exclude_unset=True
        )


class ConfirmBody(BaseModel):
    """How to go on."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool | None = None


class CorrectionBody(BaseModel):
    """One cell of a refused row, as it should be."""

    model_config = ConfigDict(extra="forbid")

    line: Annotated[int, Field(ge=0, strict=True)]
    column: Annotated[str, Field(max_length=200)] | Annotated[int, Field(ge=0, strict=True)] = Field(
        description="The header, the letter or the index; of a batch the field's pointer, such as /debtor/email."
    )
    value: Annotated[str, Field(max_length=2_000)] | int | float | None


class CorrectionsBody(BaseModel):
    """Corrections of refused rows: by hand, or all suggestions of some kinds of finding at once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "corrections": [{"line": 17, "column": "E-mail", "value": "jean@gmail.com"}],
                    "accept": ["email-typo"],
                }
            ]
        },
    )

    corrections: Annotated[list[CorrectionBody], Field(max_length=1_000)] = []
    accept: Annotated[list[Text], Field(max_length=50)] = Field(
        [], description="Kinds of finding (`code`) whose suggestions are accepted on every row."
    )


class ProgressShown(BaseModel):
    """How far it has come."""

    rows_total: int | None
    rows_done: int
    percent: float | None
    rows_per_second: float | None


class CountsShown(BaseModel):
    """What became of the rows: each is in one of the first five."""

    created: int
    updated: int
    unchanged: int = Field(description="A debt made from the very same values was there already.")
    skipped: int
    rejected: int
    warnings: int = Field(description="Of those created or updated, how many are worth a look.")
    left_out: dict[str, int] = Field(description="Lines that are no data: totals, empty, template rows...")
    undone: int
    kept: int = Field(description="Debts that undoing left, since something has happened to them.")


class ErrorShown(BaseModel):
    """What stopped an import, and the way out."""

    code: str
    message: str
    way_out: str


class NoteShown(BaseModel):
    """Something to know."""

    code: str
    message: str


class ImportShown(BaseModel):
    """An import and how far it has come."""

    id: str = Field(examples=["import_01m804scmte4gbpp4yw1mc91gy"])
    source: Source
    name: str
    sender: str
    state: State
    doing: Literal["read", "check", "import", "correct", "undo"] | None
    waiting_for: Literal["mapping", "confirmation", "start", "corrections"] | None = Field(
        description="What only a person can do next."
    )
    auto: bool
    dry_run: bool
    mode: Mode
    on_duplicate: OnDuplicate
    grace_hours: int
    contacts_from: Instant | None = Field(description="Before then nobody is contacted about its debts.")
    size: int
    same_as: str | None = Field(description="The import that had the very same bytes before.")
    progress: ProgressShown
    would_create: int | None = Field(description="Of a check that changed nothing.")
    counts: CountsShown
    error: ErrorShown | None
    notes: list[NoteShown]
    created_at: Instant
    ended_at: Instant | None
    kept_until: Instant | None = Field(description="Then its bytes and findings are dropped.")


class ImportList(BaseModel):
    """A page of imports, the newest first."""

    data: list[ImportShown]
    pagination: Pagination


class MappingShown(BaseModel):
    """What a file's columns were taken for, and what is asked."""

    model_config = ConfigDict(extra="allow")

    is_certain: bool
    is_remembered: bool
    columns: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    currency: dict[str, Any]
    country: str
    numbers: dict[str, str]
    dates: dict[str, str]
    layout: dict[str, Any]
    left_out: dict[str, int]
    fields: list[str]


class FindingShown(BaseModel):
    """One thing that is wrong with a row, and what would be right."""

    line: int = Field(description="As it is seen in the file.")
    index: int = Field(description="Of the row among the data rows, from 0.")
    temp_id: Any
    column: str | None
    letter: str | None
    value: Any
    code: str
    severity: Literal["error", "warning"]
    message: str
    suggestion: str | None
    outcome: Literal["rejected", "skipped", "warned"]
    debt_id: str | None


class ReportPagination(BaseModel):
    """Where the findings go on."""

    next_cursor: str | None


class ImportReport(BaseModel):
    """Everything that is said of an import's rows."""

    model_config = ConfigDict(extra="allow")

    id: str
    state: State
    counts: CountsShown
    codes: list[dict[str, Any]] = Field(description="How many rows there are of each kind of finding.")
    data: list[FindingShown]
    kept: list[dict[str, Any]] = Field(description="The first debts that undoing left, with the reason.")
    pagination: ReportPagination


_NOTES = {
    "same-file": (
        "These very bytes came before, as {other}: rows whose debts are there create nothing.",
        "Ces mêmes octets sont déjà venus, comme {other} : les lignes dont la créance existe ne créent rien.",
    ),
    "layout-changed": (
        "This sender's files used to look different: {changes}. Look at the mapping before you confirm it.",
        "Les fichiers de cet expéditeur étaient différents : {changes}. Vérifiez les colonnes avant de confirmer.",
    ),
}
_CHANGES = {
    "en": {"added": "{} is new", "missing": "{} is missing", "moved": "{} has moved"},
    "fr": {"added": "{} est nouvelle", "missing": "{} manque", "moved": "{} a changé de place"},
}


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


def waiting_for(found: Import) -> str | None:
    """Return what only a person can do next."""
    if found.task is not None or found.source == "batch":
        return None
    if found.state == "failed" and found.error == "findings":
        return "corrections"
    return {"uploaded": "mapping", "mapped": "confirmation", "checked": "start"}.get(found.state)


def shown(
    found: Import, now: datetime, language: str, key: Key | None, plan: Plan | None = None
) -> dict[str, Any]:
    """Return an import as callers see it."""
    is_checked = found.state == "checked" or found.task == "check"
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
        "would_create": found.created if is_checked else None,
        "counts": counts(found, plan, is_checked=is_checked),
        "error": _error(found, language, key),
        "notes": _notes(found, plan, language),
        "created_at": json.instant(found.created_at),
        "ended_at": json.instant(found.ended_at),
        "kept_until": json.instant(found.drop_at),
    }


def _contacts_from(found: Import, now: datetime) -> datetime | None:
    """Return the instant before which no debt of an import is contacted: its grace, counted from its end."""
    if found.state not in {"importing", "completed"} or not found.grace_hours:
        return None
    ended = found.ended_at
    # The end is wall time; workspace time lies as far from it as now does.
    at = now if ended is None else now - (clock.wall() - ended)
    return at + timedelta(hours=found.grace_hours)


def counts(found: Import, plan: Plan | None, *, is_checked: bool = False) -> dict[str, Any]:
    """Return what became of an import's rows."""
    return {
        "created": 0 if is_checked else found.created,
        "updated": 0 if is_checked else found.updated,
        "unchanged": found.unchanged,
        "skipped": found.skipped,
        "rejected": found.rejected,
        "warnings": found.warnings,
        "left_out": dict(plan.left_out) if plan else {},
        "undone": found.undone,
        "kept": found.kept,
    }


def _rate(found: Import) -> float | None:
    if found.begun_at is None or not found.rows_done:
        return None
    seconds = ((found.ended_at or clock.wall()) - found.begun_at).total_seconds()
    return round(found.rows_done / seconds, 1) if seconds > 0 else None


def problem(workspace: Workspace, found: Import, language: str) -> tuple[str, str, str] | None:
    """Return what stopped an import: its code, and message and way out in French (`fr`) or English."""
    told = _error(found, language, queries.keys_of(workspace, found).own)
    return None if told is None else (told["code"], told["message"], told["way_out"])


def _error(found: Import, language: str, key: Key | None) -> dict[str, Any] | None:
    if found.error is None:
        return None
    message = way_out = ""
    if found.problem is not None and key is not None:
        told = json.read(key.open(found.problem, problem_context(found.id)))
        message, way_out = told["fr" if language.startswith("fr") else "en"]
    return {"code": found.error, "message": message, "way_out": way_out}


def _notes(found: Import, plan: Plan | None, language: str) -> list[dict[str, str]]:
    tongue = "fr" if language.startswith("fr") else "en"
    said: list[tuple[str, dict[str, str]]] = []
    if found.same_as is not None:
        said.append(("same-file", {"other": show(found.source, found.same_as)}))
    for code, facts in plan.warnings if plan else ():
        changes = cast("list[dict[str, str]]", facts["changes"])
        told = ", ".join(_CHANGES[tongue][one["code"]].format(one["header"] or "?") for one in changes[:10])
        said.append((code, {"changes": told}))
    notes = [{"code": code, "message": _NOTES[code][tongue == "fr"].format(**facts)} for code, facts in said]
    return notes + [
        {"code": note.code.replace("_", "-"), "message": note.told(tongue)}
        for note in (plan.layout.notes if plan else ())
    ]


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
            "skipped": [{"line": one.line, "why": one.why, "text": one.text} for one in layout.skipped],
        },
        "left_out": dict(plan.left_out),
        "fields": [one.value for one in MappedField],
    }
