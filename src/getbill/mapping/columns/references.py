"""What numbers the debts of a file whose headers name no reference: a document's number, or columns together.

A number that no two rows share and that grows with the days of the rows is a document's. Where no column can be one,
a list of customers' balances is numbered by its customers, and one of their rents or dues by customer and day.
"""

from collections.abc import Sequence
from typing import Final

from getbill import sheets
from getbill.mapping.columns import contents
from getbill.mapping.columns.candidates import Candidate
from getbill.mapping.cross_column_checks import SERIAL, Head
from getbill.mapping.model import CERTAIN, NAMES, Column, Field, Reason
from getbill.mapping.vocabulary import Claim

REFERENCES: Final = frozenset({Field.REFERENCE, Field.INVOICE_REFERENCE})
# Words of headers beside which a column may still hold the number of a paper.
_PAPERS: Final = frozenset({"number", "id", "document", "reference", "internal", "kind", "row", "invoice"})
# What the header of a column of codes may say of them: they are no papers'.
_NO_PAPERS: Final = frozenset(
    [
        "taxid",
        "zip",
        "days",
        "limit",
        "quantity",
        "price",
        "phone",
        "fax",
        "birth",
        "bucket",
        "debit",
        "credit",
        "amount",
        "open",
        "paid",
        "payment",
        "total",
        "overdue",
        "fees",
        "discount",
        "tax",
        "incl",
        "excl",
        "segment",
        "unit",
        "status",
        "email",
        "service",
        "date",
        "due",
        "running",
        "rep",
        "street",
        "house",
    ]
)
_HALF: Final = 0.5
# Long codes may be of contracts with several rows each; short ones that repeat are categories.
_LONG: Final = 6
_FEW: Final = 0.2
_NO_CODES: Final = (
    sheets.Kind.DATE,
    sheets.Kind.SERIAL_DATE,
    sheets.Kind.EMAIL,
    sheets.Kind.YES_NO,
)
# In fewer rows a column may be in order by chance.
_IN_ORDER_MIN: Final = 5
_IN_ORDER_OF_REPEATED_MIN: Final = 3
_MOST: Final = 0.75
_CHARACTERS_MIN, _CHARACTERS_MAX = 3, 30


def weigh_references(candidates: list[Candidate], head: Head) -> None:
    """Take the one column that is numbered as papers are for the reference, where no header names one."""
    _leave_descriptions(candidates)
    if any(one.may_be(REFERENCES, CERTAIN) for one in candidates):
        return
    days = [one for one in candidates if one.may_be((Field.INVOICE_DATE,))]
    days = days or [one for one in candidates if one.may_be((Field.DUE_DATE,))]
    people = [one for one in candidates if one.may_be(NAMES | {Field.DEBTOR_REFERENCE})]
    repeat = any(one.found.filled > one.found.distinct for one in people)
    least = _IN_ORDER_OF_REPEATED_MIN if repeat else _IN_ORDER_MIN
    numbered = [
        one
        for one in candidates
        if _may_number(one) and len(days) == 1 and head.grows_with(one.found, days[0].found, least)
    ]
    lettered = [one for one in numbered if contents.part(contents.texts_of(one.found), _is_lettered) == 1]
    numbered = lettered if len(numbered) > 1 else numbered
    if len(numbered) == 1:
        reason = Reason("grows_with_days", numbered[0].heading)
        numbered[0].become([Claim(Field.INVOICE_REFERENCE, CERTAIN)], reason)


def _leave_descriptions(candidates: list[Candidate]) -> None:
    """Take texts of several words that repeat for what the debts are for: `Forderung` above Mitgliedsbeitrag 09/2026."""
    for one in candidates:
        found = one.found
        if (
            one.may_be((Field.REFERENCE,), CERTAIN)
            and "number" not in one.spoken.concepts
            and found.filled > found.distinct
            and contents.part(contents.texts_of(found), _is_description) == 1
        ):
            one.become(
                [Claim(Field.OBJECT, 0.85)],
                Reason("contents", one.heading | {"example": contents.texts_of(one.found)[0]}),
            )


def _is_description(text: str) -> bool:
    words = [word for word in text.split() if word.isalpha() and len(word) >= _CHARACTERS_MIN]
    return bool(words) and " " in text


def together(columns: Sequence[Column], candidates: list[Candidate], head: Head) -> tuple[int, ...]:
    """Return the columns that identify a row together where none is a reference; none where that is not sure.

    Only where no other column may hold codes of papers. What the file's later rows say is not looked at.
    """
    fields = {column.field: column.index for column in columns if column.field}
    left = [one for column, one in zip(columns, candidates, strict=True) if column.field is None]
    if fields.keys() & REFERENCES or any(
        _may_be_papers(one) and not head.counts_rows(one.found) for one in left
    ):
        return ()
    found = {one.column.index: one.found for one in candidates}
    whom = next(
        (
            one
            for one in _whom(fields)
            if all(found[index].filled >= _MOST * found[index].rows for index in one)
        ),
        next(iter(_whom(fields)), ()),
    )
    days = [fields[day] for day in (Field.DUE_DATE, Field.INVOICE_DATE) if day in fields][:1]
    is_whole = all(found[index].filled >= _MOST * found[index].rows for index in (*whom, *days))
    if not whom or not is_whole:
        return ()
    is_own = any(found[index].filled == found[index].distinct for index in whom)
    return (*whom, *days) if is_own or days else ()


def _whom(fields: dict[Field, int]) -> list[tuple[int, ...]]:
    """Return the columns that say who a row's customer is, the surest first: their code, or their name."""
    groups = (
        (Field.DEBTOR_REFERENCE,),
        (Field.NAME,),
        (Field.COMPANY,),
        (Field.LAST_NAME, Field.FIRST_NAME),
        (Field.LAST_NAME,),
    )
    return [
        tuple(fields[name] for name in group) for group in groups if all(name in fields for name in group)
    ]


def _may_number(one: Candidate) -> bool:
    """Tell whether a column may hold numbers of papers: a code in nearly every row, and none of them twice."""
    found = one.found
    is_other = one.is_known and not one.spoken.concepts <= _PAPERS and one.reason.code != "contradicted"
    if is_other or one.spoken.whole:
        return False
    if not 1 < found.filled == found.distinct or found.filled < _MOST * found.rows:
        return False
    if any(found.share(kind) > 1 - CERTAIN for kind in _NO_CODES) or contents.has_fractions(found):
        return False
    return contents.part(contents.texts_of(found), _is_code) == 1


def _may_be_papers(one: Candidate) -> bool:
    """Tell whether a column may hold codes of papers or contracts, each on one row or a few."""
    found = one.found
    if one.spoken.concepts & _NO_PAPERS or found.filled < _HALF * found.rows or found.distinct < 2:
        return False
    if any(found.share(kind) > 1 - CERTAIN for kind in _NO_CODES) or contents.has_fractions(found):
        return False
    texts = contents.texts_of(found)
    is_long = contents.part(texts, lambda text: len(text) >= _LONG) >= _MOST
    is_category = found.distinct <= (_FEW if is_long else _HALF) * found.filled
    return not is_category and not found.currencies and contents.part(texts, _is_code) >= _MOST


def _is_code(text: str) -> bool:
    return (
        _CHARACTERS_MIN <= len(text) <= _CHARACTERS_MAX
        and bool(SERIAL.match(text))
        and len(text.split()) <= _CHARACTERS_MIN
    )


def _is_lettered(text: str) -> bool:
    return any(map(str.isalpha, text))
