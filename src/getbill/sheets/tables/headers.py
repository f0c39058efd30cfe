"""Header detection: the header row below titles and notes, its groups, and the first data row.

A header is a row of labels as wide as the rows below, with common header words. A file may have none; then
its first row is data and its columns are named by letter.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from getbill.kit.text.word_lists import WordLists
from getbill.sheets.cells import read_text
from getbill.sheets.model import Cell, Column, Note, SkippedLine, fold, letter

# The number of lines searched for a header.
_SEARCHED = 900
_LABEL_MAX = 80
# Lines from here on are compared with this many lines below them.
_NEAR, _BELOW = 20, 100
LISTS = WordLists(Path(__file__).with_name("tables.toml"))
_PAGE = LISTS.pattern("page_heads", r"\b({})\b[ .:]*\d|\d[./-]\d{1,2}[./-]\d", re.IGNORECASE)
_NUMBERED = LISTS.pattern(
    "ages",
    r"(19|20)\d\d|[<>\u2264\u2265]?\s*\+?\d{1,3}\s*([-\u2013/\u00e0]|{between_ages})?\s*\d{0,3}\s*\+?\s*({})?\.?",
)
_PREAMBLE_SHOWN = 200

Lines = Sequence[tuple[int, Sequence[Cell]]]

WORDS = LISTS.pattern("header_words", r"\b({})\b")
_VALUE = re.compile(
    r"""[-+(\u2212]?\s*[\u20ac$\u00a3]?\s*\d[\d\s.,'\u2019/:+()\u2212-]*[%\u20ac$\u00a3A-Za-z]{0,3}\)?  # amount, date, phone
    | \S+@\S+\.\S+ | https?://\S+ | [A-Z]{2}\d{2}[A-Z\d\s]{10,32} | \+\d[\d\s().-]+ | [A-Z]{0,6}[-_/ ]?\d[\d/_-]{2,}""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Table:
    """Position of the header and the data, and the lines above them."""

    columns: tuple[Column, ...]
    header_line: int | None
    data_line: int
    width: int
    skipped: tuple[SkippedLine, ...]
    notes: tuple[Note, ...]


def find_table(lines: Lines, chosen: int | None = None) -> Table | None:
    """Return where the table in these first lines begins; None where all are blank.

    `chosen` is the header's line as a person entered it, 0 for none.
    """
    filled = [(line, cells) for line, cells in lines if _texts(cells)]
    if not filled:
        return None
    width = _width(filled)
    if chosen is None:
        at, is_sure = _header(filled[:_SEARCHED])
    else:
        at = next((i for i, (line, _) in enumerate(filled) if line == chosen), None) if chosen else None
        is_sure = True
    if at is None:
        return _table_without_header(filled, max(width, len(filled[0][1])), is_chosen=chosen == 0)
    width = max(
        _width(filled[at:]), _extent(filled[at][1]), *(_extent(cells) for _, cells in filled[at - 1 : at])
    )
    return _table_with_header(filled, at, max(width, len(filled[at][1])), is_sure=is_sure)


def is_label(cell: Cell) -> bool:
    """Return whether a cell could be a column header: words, no amount, date, address or number."""
    if not isinstance(cell, str):
        return False
    text = cell.strip()
    return 0 < len(text) <= _LABEL_MAX and not _VALUE.fullmatch(text) and any(sign.isalpha() for sign in text)


def known_words(label: str) -> bool:
    """Return whether a label has common header words."""
    return bool(WORDS.search(_split_words(label)))


def _texts(cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell is not None and (not isinstance(cell, str) or cell.strip())]


def _width(lines: Lines) -> int:
    """Return the usual maximum width of the rows, without trailing blanks."""
    counts = Counter(_extent(cells) for _, cells in lines)
    usual = max(2, len(lines) // 20)
    return max((width for width, count in counts.items() if count >= usual), default=max(counts))


def _extent(cells: Sequence[Cell]) -> int:
    """Return the number of cells up to the last filled one."""
    return next((at + 1 for at in range(len(cells) - 1, -1, -1) if _texts(cells[at : at + 1])), 0)


def usually_filled(lines: Lines) -> int:
    """Return the number of filled cells in the fuller rows."""
    return _upper_quarter([len(_texts(cells)) for _, cells in lines])


def _upper_quarter(counts: Sequence[int]) -> int:
    return sorted(counts)[(len(counts) * 3) // 4] if counts else 0


def _header(lines: Lines) -> tuple[int | None, bool]:
    """Return the index of the header's line and whether it is certain."""
    best: int | None = None
    best_words = best_score = best_usual = 0
    counts = [len(_texts(cells)) for _, cells in lines]
    everywhere = _upper_quarter(counts)
    for at, (_, cells) in enumerate(lines):
        # The rows below decide how full a header is; there may be few of them under many unrelated lines.
        usual = everywhere if at < _NEAR else _upper_quarter(counts[at : at + _BELOW])
        if counts[at] < max(1, round(usual * 0.6)):
            continue
        texts = _texts(cells)
        labels = [cell for cell in texts if is_label(cell)]
        if not labels:
            continue
        words = sum(1 for cell in labels if WORDS.search(_split_words(str(cell))))
        if words > 1 and len(labels) < len(texts):
            # Years and ages next to words are headers of amount columns.
            labels += [
                cell for cell in texts if not is_label(cell) and _NUMBERED.fullmatch(read_text(cell).strip())
            ]
        if len(labels) < 0.8 * len(texts) or len({str(cell) for cell in labels}) < 0.5 * len(labels):
            continue
        # A header is as full as the rows below, and the first of them contains values.
        is_over_values = any(not is_label(cell) for _, row in lines[at + 1 : at + 2] for cell in _texts(row))
        score = words + 2 * (len(texts) >= usual) + 2 * is_over_values
        if best is None or score > best_score + 1:
            best, best_words, best_score, best_usual = at, words, score, usual
    if best is None or best_words >= min(2, best_usual):
        return best, True
    # Labels above values are a header in any language; labels above labels are only a likely one.
    below = [cell for _, cells in lines[best + 1 : best + 20] for cell in _texts(cells)]
    return best, any(not is_label(cell) for cell in below)


def _split_words(text: str) -> str:
    """Return the words of a header such as `InvoiceNo` or `montant_ttc`, separated."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return re.sub(r"[^\w]+|_+|(?<=[a-z])(?=\d)", " ", fold(apart))


def _table_without_header(lines: Lines, width: int, *, is_chosen: bool) -> Table:
    columns = tuple(Column(index, letter(index), "") for index in range(width) if _has_data(lines, index))
    notes = () if is_chosen else (Note("no_header"),)
    return Table(columns, None, lines[0][0], width, (), notes)


def _table_with_header(lines: Lines, at: int, width: int, *, is_sure: bool) -> Table:
    top = at - 1 if at and (_is_group(lines[at - 1][1], lines[at][1]) or _completes(lines, at)) else None
    low = at + 1 if top is None and _is_second(lines, at) else None
    above = at if low else top
    upper = _header_texts(lines[above][1] if above is not None else [], width)
    header = _header_texts(lines[low or at][1], width)
    groups = _spread_groups(upper, header)
    columns = []
    for index, text in enumerate(header):
        group = groups[index] if text else ""
        name = text or upper[index]
        if name or _has_data(lines[(low or at) + 1 :], index):
            columns.append(Column(index, letter(index), name, group if group != name else ""))
    first = top if top is not None else at
    skipped = [_skipped_line(line, cells, "preamble") for line, cells in lines[:first]]
    if top is not None:
        skipped.append(_skipped_line(*lines[top], "group"))
    if low:
        skipped.append(_skipped_line(*lines[at], "group"))
    last = lines[low or at][0]
    notes = () if is_sure else (Note("header_unsure", {"line": last}),)
    return Table(tuple(columns), last, last + 1, width, tuple(skipped), notes)


def _header_texts(cells: Sequence[Cell], width: int) -> list[str]:
    texts = [" ".join(read_text(cell).split()) for cell in cells[:width]]
    return texts + [""] * (width - len(texts))


def _is_group(cells: Sequence[Cell], header: Sequence[Cell]) -> bool:
    """Return whether a row above the header names groups of columns, with gaps where a name spans several."""
    at = [index for index, cell in enumerate(cells) if _texts([cell])]
    return (
        1 < len(at) < len(_texts(header))
        and at[-1] >= len(header) // 2
        and all(is_label(cells[index]) and not _PAGE.search(str(cells[index])) for index in at)
        and any(after - before > 1 for before, after in pairwise(at))
    )


def _completes(lines: Lines, at: int) -> bool:
    """Return whether the row above fills the header's blanks over data: vertically merged cells."""
    if at + 1 >= len(lines) or lines[at - 1][0] != lines[at][0] - 1:
        return False
    upper, header, row = lines[at - 1][1], lines[at][1], lines[at + 1][1]
    blank = [
        index for index, cell in enumerate(row) if _texts([cell]) and not _texts(header[index : index + 1])
    ]
    heads = _texts(upper)
    return (
        bool(blank)
        and all(_texts(upper[index : index + 1]) for index in blank)
        and all(is_label(cell) and not _PAGE.search(str(cell)) for cell in heads)
        and any(known_words(str(upper[index])) for index in blank)
    )


def _is_second(lines: Lines, at: int) -> bool:
    """Return whether the row below is the header's second line: labels only, where the first has gaps."""
    if at + 2 >= len(lines) or lines[at + 1][0] != lines[at][0] + 1:
        return False
    upper, lower = lines[at][1], lines[at + 1][1]
    below = _texts(lower)
    gaps = [
        index for index, cell in enumerate(lower) if _texts([cell]) and not _texts(upper[index : index + 1])
    ]
    row = lines[at + 2][1]
    # A customer above his lines is not a header: the column is blank below him.
    is_over_data = any(_texts(row[index : index + 1]) for index in gaps)
    return is_over_data and len(below) < len(_texts(row)) and all(is_label(cell) for cell in below)


def _spread_groups(groups: list[str], header: list[str]) -> list[str]:
    """Extend each group's name over the blanks to its right."""
    spanned, current = [], ""
    for group, text in zip(groups, header, strict=True):
        current = group or (current if text else "")
        spanned.append(current)
    return spanned


def _has_data(lines: Lines, index: int) -> bool:
    return any(_texts(cells[index : index + 1]) for _, cells in lines)


def _skipped_line(line: int, cells: Sequence[Cell], why: str) -> SkippedLine:
    text = " ".join(read_text(cell) for cell in _texts(cells))
    return SkippedLine(line, why, text[:_PREAMBLE_SHOWN])
