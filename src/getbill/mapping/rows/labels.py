"""Labels that contradict a row's debt: a credit note, a note of a dispute or a payment.

Whole values that are known states belong to `row_status`; this module reads sentences. A credit note is
rejected, the others cause a warning.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from getbill import sheets
from getbill.kit.text.word_lists import WordLists
from getbill.mapping.fields import Field
from getbill.mapping.model import ColumnMapping
from getbill.mapping.values import BodyDraft, CellFinding, Step
from getbill.mapping.vocabulary import CONCEPTS, parse_header

LISTS = WordLists(Path(__file__).with_name("rows.toml"))
_OF_TEXTS: Final = LISTS.members("texts", "concepts", CONCEPTS)
_REMEMBERED_MAX: Final = 20_000
_CREDIT: Final = LISTS.pattern("credit")
_DOUBT: Final = LISTS.pattern("doubt", r"\b(?:{})")


_CREDIT_NUMBER: Final = LISTS.pattern("credit_number", r"\s*(?:{})[-_ /.]?\d", re.IGNORECASE)


def steps(columns: Sequence[ColumnMapping], profile: sheets.Profile) -> list[Step]:
    """Return the steps that check a row's texts and numbers; none where no column has any."""
    texts = [_text_step(column) for column in columns if _holds_texts(column)]
    return texts + [_number_step(column) for column in columns if _is_of_two_series(column, profile)]


def _text_step(column: ColumnMapping) -> Step:
    index = column.index
    cached_code_of = lru_cache(_REMEMBERED_MAX)(code_of)

    def check_text(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = cells[index]
        if text.__class__ is not str or not text:
            return
        if code := cached_code_of(text):
            draft.findings.append(_finding(column, text, code))

    return check_text


def _number_step(column: ColumnMapping) -> Step:
    index, matches = column.index, _CREDIT_NUMBER.match

    def check_number(cells: Sequence[sheets.Cell], draft: BodyDraft) -> None:
        text = cells[index]
        if text.__class__ is str and matches(text):
            draft.findings.append(_finding(column, text, "row_text_doubt"))

    return check_number


def _finding(column: ColumnMapping, text: str, code: str) -> CellFinding:
    facts = {"value": text, "header": column.header or column.letter}
    return CellFinding(column.index, None, text, code, facts, is_warning=code == "row_text_doubt")


def code_of(text: str) -> str:
    """Return the finding code for a text that contradicts its row; empty where none applies."""
    plain = sheets.fold(text)
    if _CREDIT.match(plain):
        return "row_is_credit"
    return "row_text_doubt" if _DOUBT.search(plain) else ""


def _is_of_two_series(column: ColumnMapping, profile: sheets.Profile) -> bool:
    """Return whether a column numbers documents, most of them not as credit notes."""
    if column.field not in {Field.REFERENCE, Field.INVOICE_REFERENCE}:
        return False
    texts = [str(sample) for sample in profile.column(column.index).samples]
    return 2 * sum(1 for text in texts if _CREDIT_NUMBER.match(text)) < len(texts)


def _holds_texts(column: ColumnMapping) -> bool:
    if column.field not in {None, Field.OBJECT, Field.METADATA}:
        return False
    return bool(parse_header(column.header).concepts & _OF_TEXTS)
