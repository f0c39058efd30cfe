"""Rules for rows that are not data: blanks, totals, template instructions, repeated headers.

A row is skipped only for its own contents; a row that is merely short of cells is data with missing values,
and is reported as such.
"""

import re
import sys
from collections.abc import Collection, Sequence

from getbill.sheets.cells import read_text
from getbill.sheets.model import Cell, Layout, fold
from getbill.sheets.tables.headers import LISTS, is_label, known_words

_RULE = re.compile(r"[-=_*.~+\s\u2013\u2014]{2,}")
_TOTAL = LISTS.pattern("total", r"({total_prefixes})?({})\b(?P<rest>[^@]*)")
_TOTAL_REST = LISTS.pattern("total_rest", r"([\s:()\d./-]|\([a-z]{3}\)|{})*")
_AMOUNT = re.compile(
    r"[-+(\u2212]?\s*(?:[A-Z]{3}|[\u20ac$\u00a3])?\s*\d[\d\s.,'\u2019\u2212-]*(?:[A-Z]{3}|[DC]r\.?|[\u20ac$\u00a3%])?\)?"
)
# Numbers that are not amounts: a phone number, a date.
_NO_AMOUNT = re.compile(r"0\d[\d\s./-]{7,}|\d{1,4}([-./])\d{1,2}\1\d{1,4}")
_STARS = re.compile(r"\*{1,5}")
_CURRENCY = re.compile(r"[A-Z]{3}|[\u20ac$\u00a3]")
_MARK = re.compile(r"[A-Z]{1,3}|[\u20ac$\u00a3]")
_PAGE = LISTS.pattern("page_numbers", r"({})\b[ .:]*\d+( ?(/|{of_pages}) ?\d+)?")
_FOOTER = LISTS.pattern("footer")
_ENDING = LISTS.pattern("ending")
_HELP = LISTS.pattern("help")
_HELP_WORD = LISTS.pattern("help_cell")
# A total or footer is short; a row with a longer cell is data.
_SHORT = 300
# A row this close to the header may be an instruction of the template.
_NEAR = 12
# First letters of the words that begin total rows, and the marks of separators and subtotals.
STARTS = frozenset(start.ljust(3) for start in LISTS.words("total_starts", notation=str.casefold))
MARKS = frozenset("*-=_~+")
# Their first characters, as a quick filter before the closer check.
INITIALS = MARKS | {start[0] for start in STARTS} | {start[0].upper() for start in STARTS}
_LABEL = re.compile(r"(?P<label>[^\W\d][^\d:]{1,30}?)(?:\s*:\s*|\s{2,})\S")


class SkipRules:
    """Skip rules for one layout, compiled once so that an ordinary row costs almost nothing."""

    def __init__(self, layout: Layout) -> None:
        of_file = [column for column in layout.columns if column.index < layout.physical_width]
        self._header = {column.index: fold(column.header) for column in of_file if column.header}
        # A row with at least this many blanks is checked closely; so is every row near the header. Where
        # blanks are spaces, that is every row.
        self._width = layout.physical_width
        self._usual = layout.filled or layout.physical_width
        self._sparse = max(2, self._usual // 2)
        self.few = 0 if layout.is_padded else self._width - self._sparse
        self.near_line = layout.data_line + _NEAR
        first = layout.columns[0] if layout.columns else None
        # A value that equals no cell, where the first column has no header.
        self.first_header: object = first.header if first and first.index == 0 and first.header else object()
        above = [line.text for line in layout.skipped if line.why in {"preamble", "group"}]
        # The head of the first page is repeated on the others, with another number or date.
        self._page_heads = frozenset(map(mask_numbers, above))
        self._labels = frozenset(label for text in above if (label := label_of(text)))
        # Customers named by a row above their lines, whose totals repeat the names.
        self.is_grouped = layout.group is not None
        self.headings: set[str] = set()
        # Whether the current rows belong to another table, below this one.
        self._is_elsewhere = False
        self._names = set(self._header.values())

    def skip_reason(self, line: int, cells: Sequence[Cell], *, is_below_gap: bool = False) -> str | None:
        """Return why the row is not data, or None."""
        texts = [read_text(cell) for cell in cells if cell is not None and cell != ""]
        if "" in texts:
            texts = [text for text in texts if text]
        if not texts:
            return "empty"
        if max(map(len, texts)) > _SHORT:
            return None
        why = self._of_the_file(line, cells, texts) or self._ending(texts)
        return self._with_other_tables(why, texts, is_below_gap=is_below_gap)

    def _with_other_tables(self, why: str | None, texts: list[str], *, is_below_gap: bool) -> str | None:
        """Return `other_table` from another table's header until this table's header is repeated."""
        if why == "header":
            self._is_elsewhere = False
        elif why is None and is_below_gap and not self._is_elsewhere and is_other_header(texts, self._names):
            self._is_elsewhere = True
            # Every row is checked from here on.
            self.near_line = sys.maxsize
        return "other_table" if self._is_elsewhere else why

    def _of_the_file(self, line: int, cells: Sequence[Cell], texts: list[str]) -> str | None:
        """Return the skip reason of a row that only repeats, separates or explains."""
        if len(texts) == len(self._header) and self._is_header(cells):
            return "header"
        if all(_RULE.fullmatch(text) for text in texts):
            return "separator"
        if self._is_subtotal(texts):
            return "total"
        if self._is_help(line, texts):
            return "template"
        return "page" if len(texts) <= self._sparse and self._is_page_head(texts) else None

    def _ending(self, texts: list[str]) -> str | None:
        """Return the skip reason of a total or a footer."""
        if not _ENDING.search("\n".join(texts).casefold()):
            return None
        is_sparse = len(texts) <= self._sparse
        if self._is_total(texts, is_sparse=is_sparse):
            return "total"
        return "footer" if is_sparse and self._is_footer(texts) else None

    def _is_footer(self, texts: list[str]) -> bool:
        is_said = len(texts) <= 2 and self._width > 2 and _FOOTER.fullmatch(fold(texts[0]))
        has_page = len(texts) <= 3 and self._width > 3
        return bool(is_said) or (has_page and any(_PAGE.fullmatch(fold(text)) for text in texts))

    def _is_page_head(self, texts: list[str]) -> bool:
        """Return whether the row repeats a line above the header, or its label: `Debitor  140002`."""
        text = " ".join(texts)
        return mask_numbers(text) in self._page_heads or (
            bool(self._labels) and len(texts) == 1 and label_of(text) in self._labels
        )

    def _is_subtotal(self, texts: list[str]) -> bool:
        """Return whether the row is a SAP subtotal: stars, and amounts with their currency."""
        return bool(
            len(texts) > 1
            and _STARS.fullmatch(texts[0])
            and all(_AMOUNT.fullmatch(text) or _CURRENCY.fullmatch(text) for text in texts[1:])
        )

    def _is_header(self, cells: Sequence[Cell]) -> bool:
        header = self._header
        return all(
            index < len(cells) and fold(read_text(cells[index])) == text for index, text in header.items()
        )

    def _is_help(self, line: int, texts: list[str]) -> bool:
        is_near = line <= self.near_line
        if not is_near and len(texts) > 2 and not any(text[0] == "*" for text in texts):
            return False
        plain = [fold(text) for text in texts]
        if sum(1 for text in plain if text.startswith("*")) * 2 >= len(plain):
            return True
        if (is_near or len(texts) <= 2) and any(_HELP.search(text) for text in plain):
            return True
        return is_near and sum(1 for text in plain if _HELP_WORD.fullmatch(text)) * 2 > len(plain)

    def _is_total(self, texts: list[str], *, is_sparse: bool) -> bool:
        """Return whether the row is a total: the word, and nothing but amounts beside it."""
        words = [text for text in texts if not _AMOUNT.fullmatch(text) or _NO_AMOUNT.fullmatch(text)]
        # The currency of the total, or its debit or credit mark.
        words = [text for text in words if not _MARK.fullmatch(text)] or words
        if len(words) != 1:
            return False
        text = fold(words[0])
        total = _TOTAL.fullmatch(text)
        if self.is_grouped:
            return self._is_group_total(text, total, has_amounts=len(texts) > 1)
        if not total or (not is_sparse and texts[0] != words[0]):
            return False
        # A company may be named Total: a name after the word is a total only in a nearly blank row.
        return bool(_TOTAL_REST.fullmatch(total["rest"])) or (is_sparse and len(texts) <= self._usual // 3)

    def _is_group_total(self, text: str, total: re.Match[str] | None, *, has_amounts: bool) -> bool:
        """Return whether the row is the total of a customer with a heading above, or the grand total."""
        if total and (has_amounts or _TOTAL_REST.fullmatch(total["rest"])):
            return True
        named = _TOTAL_WORD.sub(" ", text)
        return named != text and " ".join(_BESIDE_NAME.sub(" ", named).split()) in self.headings


_TOTAL_WORD = LISTS.pattern("total", r"\b(({total_prefixes})?({}))\b")
_BESIDE_NAME = LISTS.pattern("beside_name", r"^\s*({})\b|[:\s-]+$|^[:\s-]+")


def is_other_header(texts: Sequence[str], names: Collection[str]) -> bool:
    """Return whether a row heads another table: labels only, mostly header words, few of this table's."""
    if not len(texts) >= 2 or not all(map(is_label, texts)):
        return False
    known_count = sum(1 for text in texts if known_words(text))
    own_count = sum(1 for text in texts if fold(text) in names)
    return 2 * known_count >= len(texts) and 2 * own_count < len(texts)


def mask_numbers(text: str) -> str:
    """Return a text normalized for comparison between pages: folded, with all numbers masked."""
    return re.sub(r"\d+", "9", fold(text))


def label_of(text: str) -> str:
    """Return the label of a line such as `Debitor   140001` or `Client : Dupont`, else an empty text."""
    match = _LABEL.match(text)
    return fold(match["label"]) if match else ""
