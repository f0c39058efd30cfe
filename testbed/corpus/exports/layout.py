"""A layout of the corpus: an export as a program writes it, with the debts that are truly in it."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from getbill.mapping import Field

FOLDER = Path(__file__).parent
PARTS = ("seen", "unseen")
_KEYS = (
    "source", "company", "file", "encoding", "foreign_lines", "newline", "content", "sheet", "merges", "hidden_rows",
    "number_formats", "must_ask", "columns", "answers", "debts", "refused",
)  # fmt: skip
_ANSWERS = ("number", "date", "currency", "country", "instalments", "units", "row_status", "columns")
_TRUTHS = (
    "line", "reference", "name", "company", "amount", "currency", "due_date", "invoice_date", "email", "phone",
    "postal_code", "city", "country", "debtor_reference",
)  # fmt: skip
# Labels of columns that are no field of a debt.
_NO_FIELD = ("-", "row_status")

Part = Literal["seen", "unseen"]


class LayoutWrong(ValueError):
    """A layout's file does not have the form of one."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A debt that is truly owed, with what the file says of it."""

    line: int
    values: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """Return a value, None where the file has none."""
        return self.values.get(name)


@dataclass(frozen=True)
class Layout:
    """An export, and what is truly in it."""

    name: str
    source: str
    country: str
    currency: str
    file_name: str
    form: Mapping[str, Any]
    columns: Mapping[str, str]
    answers: Mapping[str, Any]
    must_ask: frozenset[str]
    debts: tuple[Truth, ...]
    refused: Mapping[int, str] = field(default_factory=dict)

    @property
    def is_workbook(self) -> bool:
        """Whether the file is XLSX."""
        return "sheet" in self.form

    @cached_property
    def labels(self) -> dict[str, Field | None]:
        """Return the field of each column, by its folded header or letter."""
        return _folded(self.columns)

    @cached_property
    def stand_ins(self) -> dict[str, Field | None]:
        """Return what a person takes a column for where a debt lacks something otherwise."""
        return _folded(self.answers.get("columns", {}))

    def label(self, header: str, letter: str) -> Field | None:
        """Return what a column truly is."""
        name = header.strip().casefold()
        return self.labels[name] if name in self.labels else self.labels.get(letter.casefold())

    def statuses(self, header: str, letter: str) -> dict[str, str] | None:
        """Return what each value of a column says of its row; None where it is no column of states."""
        of_columns: Mapping[str, dict[str, str]] = self.answers.get("row_status", {})
        folded = {key.strip().casefold(): values for key, values in of_columns.items()}
        return folded.get(header.strip().casefold()) or folded.get(letter.casefold())


def _folded(columns: Mapping[str, str]) -> dict[str, Field | None]:
    return {
        key.strip().casefold(): None if name in _NO_FIELD else Field(name) for key, name in columns.items()
    }


def layouts(part: Part, folder: Path = FOLDER) -> list[Layout]:
    """Return the layouts of a part, each in a folder of its own."""
    return [read(path) for path in sorted((folder / part).glob("*.toml"))]


def read(path: Path) -> Layout:
    """Read a layout; raise LayoutWrong where it does not have the form of one."""
    try:
        return _layout(path.stem, tomllib.loads(path.read_text("utf-8")))
    except (KeyError, TypeError, ValueError) as error:
        raise LayoutWrong(f"{path.name}: {error!r}") from error


def _layout(name: str, form: dict[str, Any]) -> Layout:
    answers = form.get("answers", {})
    _only(form, _KEYS, "the layout")
    _only(answers, _ANSWERS, "answers")
    if ("sheet" in form) == ("content" in form):
        raise LayoutWrong("A layout has `content` or `sheet`.")
    layout = Layout(
        name=name,
        source=form["source"],
        country=form["company"]["country"],
        currency=form["company"]["currency"],
        file_name=form["file"],
        form=form,
        columns=form["columns"],
        answers=answers,
        must_ask=frozenset(form.get("must_ask", ())),
        debts=tuple(_truth(debt) for debt in form.get("debts", ())),
        refused={int(row["line"]): str(row["why"]) for row in form.get("refused", ())},
    )
    # Every label is a field.
    assert layout.labels is not None
    assert layout.stand_ins is not None
    return layout


def _truth(debt: dict[str, Any]) -> Truth:
    _only(debt, _TRUTHS, "a debt")
    values = {key: str(value) for key, value in debt.items() if key != "line" and value not in {"", None}}
    return Truth(int(debt["line"]), values)


def _only(keys: Iterable[str], names: Iterable[str], what: str) -> None:
    if strange := set(keys) - set(names):
        raise LayoutWrong(f"There is no {min(strange)!r} in {what}.")
