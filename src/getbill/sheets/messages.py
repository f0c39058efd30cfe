"""Messages about unreadable files and cells: a code for programs, a message, and for files a way out."""

from collections.abc import Mapping
from typing import Any, Final

from getbill.kit.messages import Message, Template, template

# By code: message and way out.
UNREADABLE: Final[Mapping[str, tuple[Template, Template]]] = {
    "empty": (template("The file is empty."), template("Export it again and check that it has rows.")),
    "no_rows": (template("The file has a header but no rows."), template("Export it again with its rows.")),
    "too_large": (
        template("The file is larger than {limit} bytes."),
        template("Split it into several files."),
    ),
    "too_many_rows": (
        template("The file has more than {limit} rows."),
        template("Split it into several files."),
    ),
    "too_many_columns": (
        template("Line {line} has more than {limit} columns."),
        template("Export only the columns that describe the debts."),
    ),
    "line_too_long": (
        template("Line {line} is longer than {limit} characters."),
        template("Check that the file is a table with one row per line, and export it again."),
    ),
    "cell_too_long": (
        template("A cell on line {line} has more than {limit} characters."),
        template("Shorten it, or look for an unclosed quotation mark on that line."),
    ),
    "nul_bytes": (
        template("Line {line} contains characters that are not text (NUL)."),
        template("Export the file again as CSV (UTF-8) or as XLSX."),
    ),
    "quotes_broken": (
        template("From line {line} on, quotation marks are not closed."),
        template("Export the file again with its texts between quotation marks, or as XLSX."),
    ),
    "encoding_unknown": (
        template("There is no encoding called {encoding}."),
        template("Name a common one: utf-8, cp1252, latin-1, mac-roman, utf-16."),
    ),
    "not_a_table": (
        template("The file is {what}, not a table of debts."),
        template("Export the debts as CSV or as XLSX and send that file."),
    ),
    "archive_of_several": (
        template("The archive contains {count} files: {names}."),
        template("Send each file by itself, or an archive with one file."),
    ),
    "archive_empty": (
        template("The archive contains no file."),
        template("Compress the file with the debts, or send it uncompressed."),
    ),
    "archive_nested": (
        template("The archive contains another archive: {name}."),
        template("Unpack it and send the file itself."),
    ),
    "archive_locked": (
        template("The archive is protected by a password."),
        template("Compress the file without a password, or send it uncompressed."),
    ),
    "archive_method": (
        template("The compression method of {name} is not supported."),
        template("Compress the file as an ordinary zip (Deflate) or gzip, or send it uncompressed."),
    ),
    "archive_damaged": (
        template("The archive is damaged or truncated."),
        template("Compress the file again, or send it uncompressed."),
    ),
    "archive_too_large": (
        template("The archive unpacks to more than {limit} bytes."),
        template("Split the file into several and send each by itself."),
    ),
    "truncated": (
        template("The workbook is truncated: its end is missing."),
        template("Send the whole file again."),
    ),
    "damaged": (
        template("The workbook is damaged: {detail}."),
        template("Open it in a spreadsheet, save it as XLSX, and send it again."),
    ),
    "password": (
        template("The workbook is protected by a password."),
        template("Save it without a password and send it again."),
    ),
    "unpacks_too_large": (
        template("The workbook unpacks to more than {limit} bytes."),
        template("Save only the sheet with the debts, or export it as CSV."),
    ),
    "external_entities": (
        template("The workbook declares XML entities, which no spreadsheet does."),
        template("Open it in a spreadsheet, save it as XLSX, and send it again."),
    ),
    "too_much_memory": (
        template("The workbook needs more memory than one file may use."),
        template("Export the sheet as CSV, which has no such limit, or split it."),
    ),
    "too_slow": (
        template("Reading the workbook takes longer than one file may."),
        template("Export the sheet as CSV, which is read faster, or split it."),
    ),
    "no_such_sheet": (
        template("The workbook has no sheet called {sheet}."),
        template("Choose one of: {sheets}."),
    ),
}

# What a file is that is not a table.
FILE_KINDS: Final = {
    "archive": template("a compressed archive"),
    "database": template("a database"),
    "document": template("a text document or slides"),
    "image": template("an image"),
    "json": template("a JSON document"),
    "old_office": template("an old Office document"),
    "pdf": template("a PDF"),
    "program": template("a program"),
    "web_page": template("a web page"),
    "xml": template("an XML document"),
}

CELLS: Final[Mapping[str, Template]] = {
    "number_invalid": template("{value} is not a number."),
    "number_ambiguous": template("{value} can be read as two different numbers."),
    "sign_unclear": template(
        "{value} may be owed to you or by you; the mark beside the amount does not say which."
    ),
    "magnitude_unclear": template("{value} may be in thousands or millions. Write the amount in full."),
    "digits_lost": template("{value} was shortened by a spreadsheet; its last digits are lost."),
    "formula_error": template("{value} is a formula error."),
    "date_invalid": template("{value} is not a date."),
    "date_impossible": template("The day {value} does not exist."),
    "date_placeholder": template("{value} is a placeholder for a missing date."),
    "cells_slid": template(
        "The row has {count} cell for {columns} columns: a delimiter inside a cell is not quoted.",
        "The row has {count} cells for {columns} columns: a delimiter inside a cell is not quoted.",
    ),
    "row_cut": template(
        "The row has {count} cell for {columns} columns: a line break inside a cell is not quoted.",
        "The row has {count} cells for {columns} columns: a line break inside a cell is not quoted.",
    ),
    "quote_open": template("A quotation mark in the row is not closed."),
    "cell_empty": template("The cell is empty."),
}

NOTES: Final[Mapping[str, Template]] = {
    "other_extension": template(
        "The file's extension is {extension}, but its content is {kind}; it was read as {kind}."
    ),
    "unpacked": template("{file} was extracted from the archive {archive}."),
    "no_header": template("The first row already contains data; columns are named by their letters."),
    "header_unsure": template("Line {line} was read as the header, although its words are not known."),
    "mixed_encoding": template(
        "The file mixes two encodings: {count} line in {encoding}, {others} in UTF-8. Each line was read in its own.",
        "The file mixes two encodings: {count} lines in {encoding}, {others} in UTF-8. Each line was read in its own.",
    ),
    "encoded_twice": template(
        "UTF-8 was read as {encoding} before the file was saved; {count} letter was restored.",
        "UTF-8 was read as {encoding} before the file was saved; {count} letters were restored.",
    ),
    "texts_encoded_twice": template(
        "UTF-8 was read as {encoding} before the workbook was saved; its letters were restored."
    ),
    "letters_lost": template(
        "{count} letter was lost before the file was sent and is shown as �. Export the file again if names are affected.",
        "{count} letters were lost before the file was sent and are shown as �. Export the file again if names are affected.",
    ),
    "customers_above": template(
        "Customers are on rows of their own; each line below such a row was given its customer."
    ),
    "headings_left_out": template("Rows that are only headings were skipped."),
    "encoding_doubtful": template(
        "Some letters may be wrong; {encoding} fits best{readings}. If names are wrong, export the file as UTF-8."
    ),
    "other_sheets": template("The sheet {sheet} was read; other sheets have rows too: {others}."),
    "other_table": template(
        "Another table begins on line {line} and was skipped. If it contains debts, send it as a separate file."
    ),
    "tables_side_by_side": template("Another table beside this one was skipped: {columns}."),
    "hidden_rows": template(
        "{count} row is hidden in the sheet and was skipped.",
        "{count} rows are hidden in the sheet and were skipped.",
    ),
    "hiding_unknown": template("It is not known whether rows are hidden in the sheet; all were read."),
    "hidden_columns": template("Hidden columns were read too: {columns}."),
    "far_cells": template(
        "{count} cell is far beside the table and was skipped.",
        "{count} cells are far beside the table and were skipped.",
    ),
    "dates_from_1904": template(
        "The workbook counts days from 1904; numbers without a date format are not read as dates."
    ),
    "formulas_unsaved": template(
        "{count} formula has no saved value. Open the workbook in a spreadsheet, save it and send it again.",
        "{count} formulas have no saved value. Open the workbook in a spreadsheet, save it and send it again.",
    ),
}

_DAMAGED_ROW: Final = template("row {row} cannot be read")
_DAMAGED_CONTENT: Final = template("its content cannot be read")


class Unreadable(Exception):
    """A file that cannot be read as a table: `code`, `message` and `way_out`; `what` is a kind of file."""

    def __init__(self, code: str, what: str | None = None, **facts: Any) -> None:
        self.code = code
        self.facts = facts
        detail = (_DAMAGED_ROW if "row" in facts else _DAMAGED_CONTENT).filled(facts)
        kind = FILE_KINDS[what].filled({}) if what else None
        self.message, self.way_out = (
            text.filled({"detail": detail, "what": kind, **facts}) for text in UNREADABLE[code]
        )
        super().__init__(f"{self.message} {self.way_out}")


class CellWrong(ValueError):
    """A cell that does not fit its column's type; `suggestion` is a valid value, if one is certain."""

    def __init__(self, code: str, suggestion: str | None = None, **facts: Any) -> None:
        self.code = code
        self.suggestion = suggestion
        self.facts = facts
        super().__init__(code)

    @property
    def message(self) -> Message:
        """The message, made where it is read: most errors of cells only rule out a type."""
        return CELLS[self.code].filled(self.facts)
