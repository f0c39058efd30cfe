"""Request and response bodies of imports."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from getbill.imports.model import Mode, OnDuplicate, Source, StateName, TaskName
from getbill.kit import http
from getbill.kit.http import Flag, Instant, Pagination
from getbill.kit.text.names import Name
from getbill.mapping import Field as MappedField
from getbill.mapping import Instalments, Status, Unit

Text = Annotated[str, Field(min_length=1, max_length=200)]
Label = Annotated[Name, Field(min_length=1, max_length=200)]


class UploadQuery(BaseModel):
    """Options of an uploaded file, as query parameters or as fields of the form."""

    model_config = ConfigDict(extra="forbid")

    name: Label | None = Field(None, description="Name of the file; defaults to the uploaded file's name.")
    sender: Label | None = Field(
        None,
        description="Sender of the file, a label of your choice; confirmed mappings are saved by sender. Defaults to the credential.",
    )
    auto: bool = Field(
        default=False, description="Whether to import without confirmation if every column is certain."
    )
    dry_run: bool = Field(default=False, description="Whether to check every row without any change.")
    mode: Mode = Field(
        "partial",
        description="Handling of an invalid row: `partial` rejects the row, `all_or_nothing` the whole file.",
    )
    on_duplicate: OnDuplicate = Field(
        "skip", description="Handling of a row whose reference already exists with other values."
    )
    grace_hours: Annotated[int, Field(ge=0, le=720)] | None = Field(
        None,
        description="Hours between the import and the first contact with its debtors; defaults to the workspace's.",
    )


class ImportQuery(BaseModel):
    """Filters of a list of imports."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    limit: Annotated[int, Field(ge=1, le=http.LIMIT_MAX)] = http.LIMIT_DEFAULT
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    state: StateName | None = None


class ReportQuery(BaseModel):
    """Filters and format of a report."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "csv", "xlsx"] = "json"
    rows: Literal["rejected", "findings"] = Field(
        "rejected",
        description="Rows of a CSV or XLSX report: `rejected` in their original layout, to correct"
        " and send again, or all `findings`. JSON always contains the findings.",
    )
    outcome: Literal["rejected", "skipped", "warned"] | None = None
    code: Text | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class MappingBody(BaseModel):
    """Changes to the proposed mapping; columns are named by index, letter or header."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"columns": {"Solde": "amount", "F": None}, "confirm": True}]},
    )

    columns: dict[str, MappedField | None] | None = Field(
        None, description="Field of each column, by header, letter or index; null for none."
    )
    numbers: dict[str, Literal[",", "."]] | None = Field(None, description="Decimal mark by column.")
    dates: dict[str, Literal["dmy", "mdy", "ymd", "turned", "kept"]] | None = Field(
        None,
        description="Order of day, month and year by column; `turned` or `kept` if a spreadsheet may have swapped day and month.",
    )
    units: dict[str, Unit | None] | None = Field(
        None, description="Unit of amount columns; null for the currency's unit."
    )
    currency: Text | None = None
    row_status: dict[str, dict[str, Status] | None] | None = Field(
        None,
        description="Meaning of each value of a status or document-type column: `open` (owed), `paid`,"
        " `credit`, `partly_paid` or `excluded`. Null ignores the column.",
        examples=[{"Statut": {"Litige": "excluded", "En cours": "open"}}],
    )
    instalments: Instalments | None = Field(
        None,
        description="Handling of an invoice on several rows with different due dates: `split` creates"
        " one debt per row (the due date is appended to its reference), `merge` creates"
        " one debt with the total, due on the earliest date.",
    )
    reference_from: Annotated[list[Text], Field(max_length=5)] | None = Field(
        None,
        description="Columns whose combined values form the reference, if no single column does. A row must produce the same reference in every file.",
        examples=[["Locataire", "Échéance"]],
    )
    not_owed: dict[str, Text | None] | None = Field(
        None, description="Columns that exclude a row (paid, cancelled); null ignores the column."
    )
    signs: dict[str, Text] | None = Field(
        None, description='Currency of each currency sign, such as {"$": "CAD"}.'
    )
    country: Text | None = Field(
        None, description="Default country of phone numbers and addresses, ISO 3166-1 alpha-2."
    )
    hidden_rows: Flag | None = Field(
        None,
        description="Whether hidden rows of the sheet, such as filtered ones, are read. Defaults to false.",
    )
    confirm: Flag = Field(
        default=False,
        description="Whether the mapping is accepted with these changes and the import continues.",
    )
    dry_run: Flag | None = Field(
        None, description="With `confirm`: whether rows are only checked, without any change."
    )

    def changes(self) -> dict[str, Any]:
        """Return the requested changes."""
        return self.model_dump(
            mode="json", exclude={"confirm", "dry_run"}, exclude_none=False, exclude_unset=True
        )


class ConfirmBody(BaseModel):
    """How to continue after the mapping is confirmed."""

    model_config = ConfigDict(extra="forbid")

    dry_run: Flag | None = None


class CorrectionBody(BaseModel):
    """One corrected cell of a rejected row."""

    model_config = ConfigDict(extra="forbid")

    line: Annotated[int, Field(ge=0, strict=True)]
    column: Annotated[str, Field(max_length=200)] | Annotated[int, Field(ge=0, strict=True)] = Field(
        description="Column by header, letter or index; for a batch a JSON pointer such as /debtor/email."
    )
    value: Annotated[str, Field(max_length=2_000)] | int | float | None


class CorrectionsBody(BaseModel):
    """Corrections of rejected rows: by cell, or all suggestions of some finding codes at once."""

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
        [], description="Codes of findings whose suggestions are accepted on every row."
    )


class ProgressShown(BaseModel):
    """Progress of an import."""

    rows_total: int | None
    rows_done: int
    percent: float | None
    rows_per_second: float | None


class CountsShown(BaseModel):
    """Counts of the rows: each row is in one of the first five."""

    created: int
    updated: int
    unchanged: int = Field(description="Number of rows whose debt already existed with the same values.")
    skipped: int
    rejected: int
    warnings: int = Field(description="Number of created or updated rows with a warning.")
    left_out: dict[str, int] = Field(
        description="Number of lines without data (totals, empty lines, template rows), by reason."
    )
    undone: int
    kept: int = Field(description="Number of debts and changes kept by undoing, because of later activity.")
    restored: int = Field(description="Number of updated rows whose changes were reversed by undoing.")


class ErrorShown(BaseModel):
    """The problem that stopped an import, and how to fix it."""

    code: str
    message: str
    way_out: str


class NoteShown(BaseModel):
    """A note or warning."""

    code: str
    message: str


class ImportShown(BaseModel):
    """An import and its progress."""

    id: str = Field(examples=["import_01m804scmte4gbpp4yw1mc91gy"])
    source: Source
    name: str
    sender: str
    state: StateName
    doing: TaskName | None
    waiting_for: Literal["mapping", "confirmation", "start", "corrections"] | None = Field(
        description="User action that the import is waiting for; null if there is none."
    )
    auto: bool
    dry_run: bool
    mode: Mode
    on_duplicate: OnDuplicate
    grace_hours: int
    contacts_from: Instant | None = Field(
        description="Earliest time of a contact with the debtors of this import, in UTC."
    )
    size: int
    same_as: str | None = Field(
        description="Id of an earlier import of an identical file; null if there is none."
    )
    progress: ProgressShown
    would_create: int | None = Field(
        description="Number of debts that the import would create; null unless its rows were only checked."
    )
    counts: CountsShown
    error: ErrorShown | None
    notes: list[NoteShown]
    created_at: Instant
    ended_at: Instant | None
    kept_until: Instant | None = Field(description="Deletion time of the file and its findings, in UTC.")


class ImportList(BaseModel):
    """A page of imports, newest first."""

    data: list[ImportShown]
    pagination: Pagination


class MappingShown(BaseModel):
    """The mapping of a file's columns, and the open questions."""

    model_config = ConfigDict(extra="allow")

    is_certain: bool
    is_remembered: bool
    columns: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    currency: dict[str, Any]
    country: str
    country_reason: dict[str, Any] = Field(description="Evidence for the country.")
    numbers: dict[str, str]
    dates: dict[str, str]
    layout: dict[str, Any]
    left_out: dict[str, int]
    fields: list[str]


class ImportFinding(BaseModel):
    """One finding of a row, with the suggested correction."""

    line: int = Field(
        description="Line number in the file, from 1 and including the header, as in a spreadsheet."
        " For a batch, the position in `debts`, from 0, equal to `index`."
    )
    index: int = Field(description="Position of the row among the data rows, from 0.")
    temp_id: Any
    reference: str | None = Field(description="Reference of the row, as read; null if it has none.")
    column: str | None
    letter: str | None
    value: Any
    code: str
    severity: Literal["error", "warning"]
    message: str
    suggestion: str | float | None = Field(
        description="Suggested value if only one reading is possible; otherwise null."
    )
    outcome: Literal["rejected", "skipped", "warned"]
    debt_id: str | None


class ReportPagination(BaseModel):
    """The next page of findings."""

    next_cursor: str | None


class ImportReport(BaseModel):
    """All findings of an import's rows."""

    model_config = ConfigDict(extra="allow")

    id: str
    state: StateName
    counts: CountsShown
    codes: list[dict[str, Any]] = Field(description="Number of rows by code of finding.")
    data: list[ImportFinding]
    kept: list[dict[str, Any]] = Field(description="First debts kept by undoing, each with the reason.")
    pagination: ReportPagination
