"""CSV dialect detection: the delimiter under which the rows have the same width and cells are whole.

A decimal comma also splits every row into the same number of pieces; the contents of the pieces reveal it.
"""

import contextlib
import csv
import re
from collections import Counter

from getbill.sheets.files.delimited import Dialect

# In order of preference for equal scores.
_DELIMITERS = (";", "\t", ",", "|", "\u00a6", "~", "^", "\x1f", ":")
_LINES_MAX = 600
_TAIL_MIN = 6
# The score of a sample without unrelated lines.
_PLAIN = 0.6
# The line that Excel itself reads as the delimiter.
_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(.)"?\s*', re.IGNORECASE)
# A cell that contains another delimiter; a comma before a space or inside a number is text.
_TWO_CELLS = re.compile(r"[;\t|]|(?<!\d),(?!\s|$)|,(?![\d\s]|$)|\d:[^\d/]")
_APOSTROPHES = re.compile(r"(?:^|[;,\t|])'[^';\t|]*'(?=[;,\t|]|\r?$)", re.MULTILINE)
_MARKS = re.compile(r'(?:^|[;,\t|])\s*"')
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


def lines_of(sample: str, *, is_whole: bool) -> list[str]:
    """Return the sample's first lines that are not blank, with their ends.

    The last line is left out, unless the sample is the whole file, because it may be cut.
    """
    lines: list[str] = []
    for match in _LINE.finditer(sample):
        if len(lines) == _LINES_MAX:
            return lines
        if match[0].strip():
            lines.append(match[0])
    if not is_whole and len(lines) > 1:
        lines.pop()
    return lines


def detect_dialect(lines: list[str]) -> Dialect:
    """Return the delimiter and quoting of these lines."""
    match = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    quote = _quote(lines)
    escape = "\\" if _is_escaped(lines) else None
    if match:
        return Dialect(match[1], quote, escape)
    best, score = _best(lines, quote, escape)
    # A single column has no delimiter: a semicolon is rare in a name or an amount.
    return best if best and score > 0.1 else Dialect(";", quote, escape)


def _best(lines: list[str], quote: str, escape: str | None) -> tuple[Dialect | None, float]:
    """Return the likeliest dialect with its score; after many unrelated lines, the last lines decide."""
    text = "".join(lines)
    dialects = [Dialect(sign, quote, escape) for sign in _DELIMITERS if sign in text]
    scores = {dialect: _score(dialect, lines) for dialect in dialects}
    best = max(dialects, key=lambda dialect: scores[dialect], default=None)
    score = scores[best] if best else 0.0
    if score < _PLAIN and len(lines) >= _TAIL_MIN:
        below, its_score = _best(lines[len(lines) // 2 :], quote, escape)
        if its_score > score + 0.1:
            return below, its_score
    return best, score


def _quote(lines: list[str]) -> str:
    single = sum(1 for line in lines if len(_APOSTROPHES.findall(line)) > 1)
    double = sum(1 for line in lines if _MARKS.search(line))
    return "'" if single > max(double, len(lines) / 2) else '"'


def _is_escaped(lines: list[str]) -> bool:
    return sum(line.count('\\"') for line in lines) > sum(line.count('""') for line in lines)


def _score(dialect: Dialect, lines: list[str]) -> float:
    """Return a score for the rows' common width above one, and for whole cells."""
    try:
        rows = [row for row in dialect.reader(iter(lines)) if any(row)]
    except csv.Error:
        return 0.0
    widths = Counter(len(row) for row in rows)
    width, agreeing = max(
        widths.items(), key=lambda item: (item[1] * (1 - 1 / item[0]), item[0]), default=(1, 0)
    )
    if width < 2:
        return 0.0
    cells = [cell for row in rows if len(row) == width for cell in row if cell]
    broken = sum(
        1 for cell in cells if _TWO_CELLS.search(cell.replace(dialect.delimiter, "")) or cell[0] == '"'
    )
    whole = 1 - broken / len(cells) if cells else 0.0
    return agreeing / len(rows) * whole**2 * (1 - 1 / width)


def usual_width(dialect: Dialect, lines: list[str]) -> int:
    """Return the most frequent number of cells in these rows."""
    widths: Counter[int] = Counter()
    with contextlib.suppress(csv.Error):
        widths.update(len(row) for row in dialect.reader(iter(lines)) if any(row))
    return max(widths, key=lambda width: (width > 1, widths[width], width), default=0)


def names_delimiter(lines: list[str]) -> bool:
    """Return whether the first line only names the delimiter."""
    return bool(lines and _SEPARATOR_LINE.fullmatch(lines[0]))
