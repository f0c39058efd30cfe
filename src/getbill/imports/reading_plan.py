"""Reading plan of a file: its layout, the profiles of its columns, their mapping, and warnings.

A plan is created once, by reading the whole file; a person may change the mapping, and confirms it. It is
stored sealed, because samples of a file are personal data.
"""

from collections.abc import Mapping as Facts
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from getbill import mapping, sheets
from getbill.companies import Workspace
from getbill.imports.findings import cells_in, cells_out
from getbill.imports.model import plan_context
from getbill.kit import json
from getbill.mapping import Mapping
from getbill.vault import Key

# Headers of the columns added to exported rejected rows: they are recognised in any file, from any sender.
FINDING_HEADER: Final = "GetBill: finding"
SUGGESTION_HEADER: Final = "GetBill: suggestion"
OWN_HEADERS: Final = frozenset({FINDING_HEADER, SUGGESTION_HEADER})


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """How a file is read; `warnings` are codes with facts, `is_remembered` marks a saved mapping."""

    layout: sheets.Layout
    profile: sheets.Profile
    mapping: Mapping
    warnings: tuple[tuple[str, Facts[str, Any]], ...] = ()
    is_remembered: bool = False
    left_out: Facts[str, int] = field(default_factory=dict)

    def write(self) -> bytes:
        """Return the plan as JSON."""
        return json.write(
            _to_json(
                {
                    "layout": self.layout.to_json(),
                    "profile": _profile_out(self.profile),
                    "mapping": self.mapping.to_json(),
                    "warnings": [[code, dict(facts)] for code, facts in self.warnings],
                    "is_remembered": self.is_remembered,
                    "left_out": dict(self.left_out),
                }
            )
        )

    @classmethod
    def read(cls, plan_json: bytes) -> "ReadingPlan":
        """Return the plan from JSON made by `write`."""
        stored = _with_floats(json.read(plan_json))
        return cls(
            layout=sheets.Layout.from_json(stored["layout"]),
            profile=_profile_in(stored["profile"]),
            mapping=Mapping.from_json(stored["mapping"]),
            warnings=tuple((code, facts) for code, facts in stored["warnings"]),
            is_remembered=stored["is_remembered"],
            left_out=stored["left_out"],
        )

    def seal(self, key: Key, import_id: Any) -> bytes:
        """Return the plan sealed for its import's row."""
        return key.seal(self.write(), plan_context(import_id))

    def with_mapping(self, column_mapping: Mapping) -> "ReadingPlan":
        """Return the plan with another mapping."""
        return replace(self, mapping=column_mapping)

    def with_hidden_rows(self, *, is_included: bool) -> "ReadingPlan":
        """Return the plan with or without the rows that the sheet hides."""
        count = self.profile.left_out.counts.get("hidden", 0)
        if is_included == self.layout.with_hidden_rows or not count:
            return self
        rows = self.profile.rows + (count if is_included else -count)
        left_out = {
            skip_reason: number for skip_reason, number in self.left_out.items() if skip_reason != "hidden"
        }
        return replace(
            self,
            layout=replace(self.layout, with_hidden_rows=is_included),
            profile=replace(self.profile, rows=rows),
            left_out=left_out if is_included else left_out | {"hidden": count},
        )

    def scrubbed(self) -> "ReadingPlan":
        """Return the plan without any cell contents, for use after a person in the file was erased."""
        layout = replace(self.layout, skipped=())
        profile = replace(
            self.profile,
            head=(),
            columns=tuple(replace(column, samples=(), values={}) for column in self.profile.columns),
        )
        return replace(
            self, layout=layout, profile=profile, mapping=self.mapping.without_examples(), warnings=()
        )

    @property
    def doubts(self) -> tuple[sheets.Note, ...]:
        """Notes to review before names are imported: characters that may have been decoded wrongly."""
        return tuple(note for note in self.layout.notes if note.code == "encoding_doubtful")

    @property
    def headers(self) -> dict[int, str]:
        """The headers by column index."""
        return {column.index: column.header for column in self.layout.columns}


def open_plan(sealed: bytes, key: Key, import_id: Any) -> ReadingPlan:
    """Return the plan from an import's row."""
    return ReadingPlan.read(key.open(sealed, plan_context(import_id)))


def without_own_columns(layout: sheets.Layout) -> sheets.Layout:
    """Return a layout without the columns that GetBill added to an exported file."""
    return replace(
        layout, columns=tuple(column for column in layout.columns if column.header not in OWN_HEADERS)
    )


def make(
    sheet: sheets.Sheet, workspace: Workspace, remembered: Mapping | None, before: sheets.Layout | None
) -> ReadingPlan:
    """Read a whole file and return its plan.

    `remembered` is the mapping confirmed for this sender's files with this layout; `before` is the sender's
    previous layout, where it differs.
    """
    sheet.layout = layout = without_own_columns(sheet.layout)
    profile = sheets.profile(sheet)
    company = workspace.company
    if remembered is not None:
        proposal = mapping.recall(remembered, layout, profile, company.currency)
    else:
        proposal = mapping.propose(
            layout, profile, company_country=company.country, company_currency=company.currency
        )
    proposal = mapping.check_repeats(proposal, profile, sheet.rows)
    proposal = mapping.verify(proposal, profile, sheet.rows())
    warnings: list[tuple[str, Facts[str, Any]]] = []
    if remembered is None and before is not None and _is_similar(before, layout):
        changes = mapping.difference(before, layout)
        warnings.append(("layout-changed", {"changes": changes}))
    return ReadingPlan(
        layout, profile, proposal, tuple(warnings), remembered is not None, dict(profile.left_out.counts)
    )


def _is_similar(before: sheets.Layout, after: sheets.Layout) -> bool:
    """Return whether a layout is a changed version of another one rather than a different kind of file."""
    old, new = ({header.casefold() for header in layout.headers if header} for layout in (before, after))
    return 2 * len(old & new) >= min(len(old), len(new))


def _profile_out(profile: sheets.Profile) -> dict[str, Any]:
    return {
        "rows": profile.rows,
        "columns": [asdict(column) | {"samples": cells_out(column.samples)} for column in profile.columns],
        "left_out": asdict(profile.left_out),
        "head": [cells_out(cells) for cells in profile.head],
    }


def _profile_in(stored: dict[str, Any]) -> sheets.Profile:
    left_out = stored["left_out"]
    return sheets.Profile(
        rows=stored["rows"],
        columns=tuple(_column_in(column) for column in stored["columns"]),
        left_out=sheets.SkippedRows(
            left_out["counts"], [(line, skip_reason) for line, skip_reason in left_out["lines"]]
        ),
        head=tuple(cells_in(cells) for cells in stored["head"]),
    )


def _column_in(stored: dict[str, Any]) -> sheets.ColumnProfile:
    number, day = stored["number"], stored["date"]
    return sheets.ColumnProfile(
        **stored
        | {
            "column": sheets.Column(**stored["column"]),
            "samples": tuple(cells_in(stored["samples"])),
            "kinds": {sheets.CellKind(kind): count for kind, count in stored["kinds"].items()},
            "number": sheets.NumberShape(**number) if number else None,
            "date": sheets.DateShape(**day) if day else None,
        }
    )


def _to_json(value: Any) -> Any:
    # The JSON writer requires plain `str` keys; some of ours are enum members.
    if isinstance(value, Facts):
        return {str(name): _to_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(member) for member in value]
    return str(value) if isinstance(value, StrEnum) else value


def _with_floats(value: Any) -> Any:
    # Our reader parses floats as Decimal.
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _with_floats(member) for name, member in value.items()}
    return [_with_floats(member) for member in value] if isinstance(value, list) else value
