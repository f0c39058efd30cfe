"""Customer groups: a heading row names the customer, and the lines below it lack the name.

Accounting software prints aged receivables like this. The heading's text is added to every line below it, in
a column of its own. A file is read this way only on clear evidence: totals repeat the headings, or the
headings' column is empty, or of another type, on every other line.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from getbill.sheets.cells import read_text
from getbill.sheets.model import Cell, Column, Group, Layout, Note, fold, letter
from getbill.sheets.tables.headers import LISTS
from getbill.sheets.tables.skipped_rows import SkipRules

# Number of headings kept to recognise their totals; the oldest are dropped.
_REMEMBERED_MAX = 10_000
# A heading has at most these filled cells: a code, a name, a phone, an e-mail address.
_FILLED_MAX = 4
_MARK_CHARS_MAX = 5
_DIGITS = re.compile(
    r"[-+(\u2212]?\s*[\u20ac$\u00a3]?\s*\d[\d\s.,'\u2019\u2212-]*[%\u20ac$\u00a3]?\s*(?:[A-Z]{3}|Cr|Dr)?\)?"
)
_DAY = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}(\s.*)?")
_PHONE = LISTS.pattern("phone_label", r"(?:(?:{})\w*[.:\s]*)?(\+?[\d\s()./-]{8,20})", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>.]{2,}")
_LABEL = LISTS.pattern(
    "heading_label",
    r"(?:{heading_prefixes})?(?:{})(?:\s*(?:n[o\u00b0\u00ba.]*|nr\.?|code|name|id))?(?:\s*[:#]\s*|\s{2,}|(?=\s+[A-Z]*\d))",
    re.IGNORECASE,
)
_CODE_FIRST = re.compile(
    r"(?P<code>[A-Z]{0,6}[-_/.]?\d[\w/.-]+)(?:\s*[-\u2013\u2014:|]+\s+|\s+-+|\s+)(?P<name>.*[^\W\d].*)"
)
_CODE_LAST = re.compile(r"(?P<name>.*[^\W\d].*?)\s*[\[(](?P<code>[A-Z]{0,6}[-_/]?\d[\w/-]*)[\])]")
_CODE = re.compile(r"[A-Z]{0,6}[-_/.]?\d[\w/.-]*")
_NO_NAME = LISTS.pattern("no_name")
_NAME_HEADER = LISTS.pattern("name_header", r"\b({})\b")
_NOT_A_NAME = LISTS.pattern("no_name_header", r"\b({})\b|#")
_FRENCH = LISTS.pattern("french", r"\b({})\b")
HEADERS = {
    "name": ("Customer (row above)", "Client (ligne au-dessus)"),
    "code": ("Customer code (row above)", "Code client (ligne au-dessus)"),
    "phone": ("Phone (row above)", "T\u00e9l\u00e9phone (ligne au-dessus)"),
    "email": ("E-mail (row above)", "E-mail (ligne au-dessus)"),
}
_CONTINUED = LISTS.pattern("continued", r"\s*[(\[]({})[)\]]$", re.IGNORECASE)
_UNIT = LISTS.pattern("unit", r"\s+[-\u2013]\s+(?:{})\b.*", re.IGNORECASE)
_PARTS = ("name", "code", "phone", "email")
# A part found in more than this share of the headings gets a column.
_SHARES = {"name": 0.3, "code": 0.5, "phone": 0.0, "email": 0.0}

Lines = Sequence[tuple[int, Sequence[Cell]]]


def detect_groups(layout: Layout, lines: Lines) -> Layout:
    """Return the layout with the columns that heading rows fill, if these first lines have such rows."""
    group = _group(layout, lines)
    if group is None:
        return layout
    french = bool(_FRENCH.search(fold(" ".join([*layout.headers, *(line.text for line in layout.skipped)]))))
    columns = tuple(
        Column(layout.width + at, letter(layout.width + at), HEADERS[part.rstrip("?")][french], heading=part)
        for at, part in enumerate(group.parts)
    )
    return _with_group(layout, group, columns)


def mark_heading(column: Column) -> Column:
    """Return the column as one filled by headings, where it comes from an exported report."""
    part = next((part for part, names in HEADERS.items() if column.header in names), "")
    return replace(column, heading=part) if part else column


def _with_group(layout: Layout, group: Group, columns: tuple[Column, ...]) -> Layout:
    note = Note("customers_above" if columns else "headings_left_out")
    return replace(
        layout,
        group=group,
        columns=layout.columns + columns,
        width=layout.width + len(columns),
        notes=(*layout.notes, note),
    )


def is_heading(cells: Sequence[Cell], at: int | None = None) -> bool:
    """Return whether a row may name the customer of the rows below it: a few texts, no amount and no date."""
    filled = [(index, cell) for index, cell in enumerate(cells) if cell is not None and cell != ""]
    if not 0 < len(filled) <= _FILLED_MAX or (at is not None and filled[0][0] != at):
        return False
    texts = [read_text(cell) for _, cell in filled]
    return (
        any(any(sign.isalpha() for sign in text) for text in texts[:2])
        and not _DAY.fullmatch(texts[0])
        and all(_may_stand_beside(cell) for _, cell in filled[1:])
    )


def _may_stand_beside(cell: Cell) -> bool:
    if isinstance(cell, bool | float | date):
        return False
    text = read_text(cell)
    return not _DAY.fullmatch(text) and (bool(_PHONE.fullmatch(text)) or not _DIGITS.fullmatch(text))


class Headings:
    """The headings of a file, row by row: the current one and its contents."""

    def __init__(self, layout: Layout, group: Group, skip_rules: SkipRules) -> None:
        self._group = group
        self._skip_rules = skip_rules
        self._is_after_heading = False
        self._blank: list[Cell] = [""] * len(group.parts)
        self.cells = self._blank
        # The first block's heading stands above the header.
        for text in _labelled_lines(layout) if group.is_block else ():
            self._start_heading([text])

    def complete(self, _: int, cells: list[Cell], why: str | None) -> tuple[str | None, list[Cell]]:
        """Add the current heading's contents to the row; a heading itself is not data."""
        is_own = _is_labelled(cells) and why == "page" if self._group.is_block else why is None
        if is_own and is_heading(cells, self._group.at):
            self._start_heading(cells)
            return "heading", cells
        if why == "total":
            self._end_heading(cells)
        self._is_after_heading = self._is_after_heading and why is not None and why != "total"
        return why, cells + self.cells

    def _start_heading(self, cells: Sequence[Cell]) -> None:
        parts = parts_of(cells, has_codes="code" in self._group.parts)
        texts: list[Cell] = [parts.get(part.rstrip("?"), "") for part in self._group.parts]
        if self._is_after_heading:
            # Of consecutive headings, the first names the customer; the others fill in missing parts.
            texts = [before or new for before, new in zip(self.cells, texts, strict=True)]
        self.cells = texts
        self._is_after_heading = True
        self._remember(names_of(cells))

    def _remember(self, names: set[str]) -> None:
        if len(self._skip_rules.headings) > _REMEMBERED_MAX:
            self._skip_rules.headings.clear()
        self._skip_rules.headings |= names

    def _end_heading(self, cells: Sequence[Cell]) -> None:
        """End the current heading, if the total row names it."""
        text = fold(" ".join(read_text(cell) for cell in cells if isinstance(cell, str)))
        if any(part_text and fold(str(part_text)) in text for part_text in self.cells):
            self.cells = self._blank


def names_of(cells: Sequence[Cell]) -> set[str]:
    """Return the names by which a total may refer to a heading."""
    texts = [read_text(cell) for cell in cells if cell is not None and cell != ""]
    parts = parts_of(cells)
    named = {*texts, " ".join(texts), " - ".join(texts), *parts.values()}
    return {" ".join(fold(text).split()) for text in named if text}


def parts_of(cells: Sequence[Cell], *, has_codes: bool = True) -> dict[str, str]:
    """Return a heading's name, phone, e-mail address, and code where the file's headings have one."""
    texts = [" ".join(read_text(cell).split(" ")) for cell in cells if cell is not None and cell != ""]
    parts: dict[str, str] = {}
    other_texts: list[str] = []
    for text in texts:
        if _EMAIL.fullmatch(text):
            parts.setdefault("email", text)
        elif (phone := _PHONE.fullmatch(text)) and sum(map(str.isdigit, text)) >= 8 and other_texts:
            parts.setdefault("phone", phone[1].strip())
        else:
            other_texts.append(text)
    return parts | _name_and_code(other_texts, has_codes=has_codes)


def _name_and_code(texts: list[str], *, has_codes: bool) -> dict[str, str]:
    """Return the name and the code in the texts of a heading."""
    label = _LABEL.match(texts[0]) if texts else None
    if label:
        remainder = texts[0][label.end() :].strip()
        texts = [remainder, *texts[1:]] if remainder else texts[1:]
    elif len(texts) > 1 and texts[0].endswith(":"):
        texts = texts[1:]
    if not texts:
        return {}
    if len(texts) > 1:
        code, name = (
            (0, 1) if _CODE.fullmatch(texts[0]) else (1, 0) if _CODE.fullmatch(texts[1]) else (None, 0)
        )
        return {"name": texts[name]} | ({"code": texts[code]} if code is not None else {})
    text = _UNIT.sub("", _CONTINUED.sub("", " ".join(texts[0].split())))
    if label and _CODE.fullmatch(text):
        return {"code": text}
    for pattern in (_CODE_FIRST, _CODE_LAST) if has_codes else ():
        if match := pattern.fullmatch(text):
            return {"name": match["name"].strip(), "code": match["code"]}
    return {"name": text}


def _group(layout: Layout, lines: Lines) -> Group | None:
    """Return the grouping of these lines, where the evidence is clear."""
    skip_rules = SkipRules(replace(layout, group=Group(0)))
    rows = [(cells, skip_rules.skip_reason(line, cells)) for line, cells in lines if line >= layout.data_line]
    data = [(cells, why) for cells, why in rows if why in {None, "total"}]
    if blocks := _block_group(layout, rows):
        return blocks
    starts = Counter(_first_filled(cells) for cells, why in data if why is None and is_heading(cells))
    if not starts:
        return None
    at = starts.most_common(1)[0][0]
    evidence = _GroupEvidence(layout, at)
    for cells, why in data:
        evidence.add(cells, why)
    return evidence.group()


def _labelled_lines(layout: Layout) -> list[str]:
    """Return the lines above the header that name a customer: `Debitor  140001`."""
    return [line.text for line in layout.skipped if line.why == "preamble" and _LABEL.match(line.text)]


def _is_labelled(cells: Sequence[Cell]) -> bool:
    filled = [cell for cell in cells if cell is not None and cell != ""]
    return len(filled) == 1 and bool(_LABEL.match(read_text(filled[0])))


def _block_group(layout: Layout, rows: Sequence[tuple[Sequence[Cell], str | None]]) -> Group | None:
    """Return the grouping of a file with customers above their own headers, if it has several."""
    above = _labelled_lines(layout)
    below = [
        next(read_text(cell) for cell in cells if cell)
        for cells, why in rows
        if why == "page" and _is_labelled(cells)
    ]
    details = [cells for cells, why in rows if why is None]
    if (
        not above
        or set(below) <= set(above)
        or any(_names_customers(column, details) for column in layout.columns)
    ):
        return None
    part_names = {part for text in [*above, *below] for part in parts_of([text])}
    return Group(0, tuple(part for part in _PARTS if part in part_names), is_block=True)


def _names_customers(column: Column, details: Sequence[Sequence[Cell]]) -> bool:
    """Return whether a column names the customer of each line."""
    header = fold(column.header)
    if not _NAME_HEADER.search(header) or _NOT_A_NAME.search(header):
        return False
    filled = sum(1 for cells in details if column.index < len(cells) and cells[column.index])
    return 2 * filled >= len(details)


def _first_filled(cells: Sequence[Cell]) -> int:
    return next(index for index, cell in enumerate(cells) if cell is not None and cell != "")


class _GroupEvidence:
    """Evidence in the first rows for headings that begin in one column."""

    def __init__(self, layout: Layout, at: int) -> None:
        self._layout = layout
        self._at = at
        self._headings: list[Sequence[Cell]] = []
        self._runs = 0
        self._details: list[Sequence[Cell]] = []
        self._before = ""
        self._is_broken = False
        self._named = 0
        self._names: set[str] = set()

    def add(self, cells: Sequence[Cell], why: str | None) -> None:
        """Add the next row."""
        if why == "total" or self._is_named_total(cells):
            self._named += self._is_named_total(cells)
            self._is_broken |= self._before == "heading"
            self._before = "total"
        elif is_heading(cells, self._at):
            self._runs += self._before == "heading"
            self._headings.append(cells)
            self._names |= names_of(cells)
            self._before = "heading"
        else:
            self._details.append(cells)
            # A line without a heading above it.
            self._is_broken |= not self._headings
            self._before = "detail"

    def _is_named_total(self, cells: Sequence[Cell]) -> bool:
        text = fold(" ".join(read_text(cell) for cell in cells if isinstance(cell, str) and cell))
        return "t" in text and any(
            len(name) > 2 and name in text and text != name and _TOTAL_WORDS.search(text.replace(name, " "))
            for name in self._names
        )

    def group(self) -> Group | None:
        """Return the grouping, if the evidence shows headings."""
        headings, details = len(self._headings) - self._runs, self._details
        if self._is_broken or not details or not headings or headings > 1.5 * len(details):
            return None
        column_cells = [
            cells[self._at]
            for cells in details
            if self._at < len(cells) and cells[self._at] not in {None, ""}
        ]
        has_totals = self._named > 0 and 2 * self._named >= headings
        is_labelled = all(_LABEL.match(read_text(cells[self._at])) for cells in self._headings)
        column_cells = [cell for cell in column_cells if not _TOTAL_WORDS.search(fold(read_text(cell)))]
        is_apart = (
            not column_cells
            or all(_is_of_another_kind(cell) for cell in column_cells)
            or _are_marks(column_cells)
        )
        is_explicit = (
            is_labelled and headings > 1 and not any(_LABEL.match(read_text(cell)) for cell in column_cells)
        )
        if not (has_totals or is_explicit or (is_apart and headings > 1) or (is_labelled and is_apart)):
            return None
        return Group(self._at, self._parts(), has_totals)

    def _parts(self) -> tuple[str, ...]:
        heading_parts = [parts_of(cells) for cells in self._headings]
        names = [fold(heading["name"]) for heading in heading_parts if "name" in heading]
        if sum(1 for name in names if _NO_NAME.fullmatch(name)) * 2 > len(names):
            return ()
        columns = (column for column in self._layout.columns if column.index != self._at)
        if any(_names_customers(column, self._details) for column in columns):
            return ()
        # Consecutive headings: the first may be a region or a salesman.
        has_doubt = self._runs > 0 and not all(
            _LABEL.match(read_text(cells[self._at])) for cells in self._headings
        )
        shares = {
            part: sum(1 for heading in heading_parts if part in heading) / len(heading_parts)
            for part in _PARTS
        }
        part_names = [part for part in _PARTS if shares[part] > _SHARES[part]]
        return tuple("name?" if part == "name" and has_doubt else part for part in part_names)


def _is_of_another_kind(cell: Cell) -> bool:
    """Return whether a cell cannot be a name: a date, a number, a reference without a blank."""
    text = read_text(cell)
    return not isinstance(cell, str) or bool(
        _DAY.fullmatch(text)
        or _DIGITS.fullmatch(text)
        or _NUMBERED.fullmatch(text)
        or (" " not in text and any(map(str.isdigit, text)))
    )


def _are_marks(cells: Sequence[Cell]) -> bool:
    """Return whether cells are marks of a few kinds, such as journal codes: VEN, NCV."""
    texts = [read_text(cell) for cell in cells]
    is_short = all(len(text) <= _MARK_CHARS_MAX and text.isupper() and " " not in text for text in texts)
    return is_short and len(set(texts)) < len(texts)


# A short word and a number: Dep 0118, CHQ 2217.
_NUMBERED = re.compile(r"[^\W\d_]{1,5}[.#]? \d{2,}[\w/-]*")
_TOTAL_WORDS = LISTS.pattern("group_total", r"\b({group_total_prefixes})?({})\b")
