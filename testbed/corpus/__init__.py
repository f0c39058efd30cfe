"""The labelled corpus of layouts: how creditors' programs export their debts, with what each column really is.

A layout is a few lines of text: header | label | how its cells are written. A label is a field, `-` for none
of ours, and begins with `?` where the file alone cannot tell and a human must be asked. `layouts/` was looked at
while the rules were written; `held_out/` was written before its first scoring and is not tuned on.
"""

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import xlsxwriter

from testbed.corpus.people import Debt, debts
from testbed.corpus.writers import Writer

_HERE = Path(__file__).parent
_TABS = {"tab": "\t", "semi": ";", "comma": ",", "pipe": "|"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """A column of a layout: its header, what it really is, and how its cells are written."""

    header: str
    label: str
    writer: str


@dataclass(frozen=True, slots=True)
class Layout:
    """A file as a program exports it, and the debts that are truly in it."""

    name: str
    options: dict[str, str]
    columns: tuple[Labelled, ...]
    debts: tuple[Debt, ...]

    @property
    def file_name(self) -> str:
        return f"{self.name}.{self.options.get('kind', 'csv')}"

    @property
    def is_whole(self) -> bool:
        """Whether the file says what is owed at all: one of amounts without tax only does not."""
        return any(column.writer.split()[0] in {"due", "invoiced"} for column in self.columns)

    def file(self) -> io.BytesIO:
        """Return the file."""
        writer = Writer(self.options)
        rows = [[writer.cell(debt, column.writer) for column in self.columns] for debt in self.debts]
        above = [[text] for text in self.options.get("above", "").split("/") if text]
        if self.options.get("header") != "0":
            above += [[column.header for column in self.columns]]
        below = [["Total", *[""] * (len(self.columns) - 1)]] if self.options.get("total") else []
        return (
            self._workbook(above + rows + below)
            if self.options.get("kind") == "xlsx"
            else self._csv(above + rows + below)
        )

    def _csv(self, rows: list) -> io.BytesIO:
        text = io.StringIO()
        delimiter = _TABS[self.options.get("delim", "semi")]
        csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
        return io.BytesIO(text.getvalue().encode(self.options.get("enc", "utf-8"), "replace"))

    def _workbook(self, rows: list) -> io.BytesIO:
        file = io.BytesIO()
        with xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as book:
            sheet = book.add_worksheet()
            for at, row in enumerate(rows):
                for index, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(at, index, cell)
                    else:
                        sheet.write(at, index, cell)
        file.seek(0)
        return file


def layouts(folder: str) -> list[Layout]:
    """Return the layouts of `layouts` or `held_out`."""
    result: list[Layout] = []
    for path in sorted((_HERE / folder).glob("*.txt")):
        result += [_layout(block) for block in path.read_text("utf-8").split("\n== ")[1:]]
    return result


def disguised(layout: Layout) -> Layout:
    """Return the layout with its columns in another order and its headers squashed, shouted or mistyped."""
    chance = random.Random(f"disguised {layout.name}")  # noqa: S311 - made-up data
    columns = [replace(column, header=_twisted(column.header, chance)) for column in layout.columns]
    chance.shuffle(columns)
    return replace(layout, columns=tuple(columns))


def _twisted(header: str, chance: random.Random) -> str:
    ways: list[Callable[[], str]] = [
        lambda: header,
        header.upper,
        lambda: header.replace(" ", "_").lower(),
        lambda: header.replace(" ", ""),
    ]
    if len(header) > 7:
        at = chance.randrange(2, len(header) - 2)
        ways += [
            lambda: header[:at] + header[at + 1 :],
            lambda: header[:at] + header[at + 1] + header[at] + header[at + 2 :],
        ]
    return chance.choice(ways)()


def _layout(block: str) -> Layout:
    head, *lines = block.strip().splitlines()
    name, *pairs = head.split()
    options = (
        {"country": "FR", "currency": "EUR"} | dict(pair.split("=", 1) for pair in pairs) | {"name": name}
    )
    options = {
        key: value.replace("_", " ") if key in {"above", "number"} else value
        for key, value in options.items()
    }
    columns = tuple(_labelled(line) for line in lines if line.strip() and not line.startswith("#"))
    return Layout(name, options, columns, tuple(debts(options, int(options.get("rows", "25")))))


def _labelled(line: str) -> Labelled:
    header, label, writer = (part.strip() for part in line.split("|"))
    return Labelled(header, label, writer)
