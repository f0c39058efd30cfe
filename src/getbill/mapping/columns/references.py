"""References of debts without a reference header: a document number, or several columns together.

A number that is unique and increases with the rows' dates is a document number. Without such a column, a list
of customer balances is identified by customer, and a list of rents or dues by customer and date.
"""

from collections.abc import Sequence
from typing import Final

from getbill import sheets
from getbill.mapping.columns import contents
from getbill.mapping.columns.candidates import LISTS, Candidate
from getbill.mapping.cross_column_evidence import SERIAL, SampleRows
from getbill.mapping.fields import NAMES, Field
from getbill.mapping.model import CERTAIN, ColumnMapping, ColumnReason
from getbill.mapping.vocabulary import CONCEPTS, Claim

REFERENCES: Final = frozenset({Field.REFERENCE, Field.INVOICE_REFERENCE})
_PAPERS: Final = LISTS.members("papers", "concepts", CONCEPTS)
_NO_PAPERS: Final = LISTS.members("no_papers", "concepts", CONCEPTS)
_HALF: Final = 0.5
# Long codes may be contracts with several rows each; repeated short ones are categories.
_LONG: Final = 6
_FEW: Final = 0.2
_NO_CODES: Final = (
    sheets.CellKind.DATE,
    sheets.CellKind.SERIAL_DATE,
    sheets.CellKind.EMAIL,
    sheets.CellKind.YES_NO,
)
# In fewer rows a column may be in order by chance.
_IN_ORDER_MIN: Final = 5
_IN_ORDER_OF_REPEATED_MIN: Final = 3
_MOST: Final = 0.75
_CHARACTERS_MIN, _CHARACTERS_MAX = 3, 30


def weigh_references(candidates: list[Candidate], head: SampleRows) -> None:
    """Use the only column that is numbered like documents as the reference, where no header names one."""
    _leave_descriptions(candidates)
    if any(candidate.may_be(REFERENCES, CERTAIN) for candidate in candidates):
        return
    days = [candidate for candidate in candidates if candidate.may_be((Field.INVOICE_DATE,))]
    days = days or [candidate for candidate in candidates if candidate.may_be((Field.DUE_DATE,))]
    people = [candidate for candidate in candidates if candidate.may_be(NAMES | {Field.DEBTOR_REFERENCE})]
    repeat = any(candidate.profile.filled > candidate.profile.distinct for candidate in people)
    least = _IN_ORDER_OF_REPEATED_MIN if repeat else _IN_ORDER_MIN
    numbered = [
        candidate
        for candidate in candidates
        if _may_number(candidate)
        and len(days) == 1
        and head.grows_with(candidate.profile, days[0].profile, least)
    ]
    lettered = [
        candidate
        for candidate in numbered
        if contents.share_matching(contents.texts_of(candidate.profile), _is_lettered) == 1
    ]
    numbered = lettered if len(numbered) > 1 else numbered
    if len(numbered) == 1:
        reason = ColumnReason("grows_with_days", numbered[0].heading)
        numbered[0].set_claims([Claim(Field.INVOICE_REFERENCE, CERTAIN)], reason)


def _leave_descriptions(candidates: list[Candidate]) -> None:
    """Use repeated texts of several words as the subject of debts.

    An example is `Forderung` above Mitgliedsbeitrag 09/2026.
    """
    for candidate in candidates:
        profile = candidate.profile
        if (
            candidate.may_be((Field.REFERENCE,), CERTAIN)
            and "number" not in candidate.concepts
            and profile.filled > profile.distinct
            and contents.share_matching(contents.texts_of(profile), _is_description) == 1
        ):
            candidate.set_claims(
                [Claim(Field.OBJECT, 0.85)],
                ColumnReason(
                    "contents", candidate.heading | {"example": contents.texts_of(candidate.profile)[0]}
                ),
            )


def _is_description(text: str) -> bool:
    words = [word for word in text.split() if word.isalpha() and len(word) >= _CHARACTERS_MIN]
    return bool(words) and " " in text


def identifying_columns(
    columns: Sequence[ColumnMapping], candidates: list[Candidate], head: SampleRows
) -> tuple[int, ...]:
    """Return the columns that identify a row together, where none is a reference; none where uncertain.

    They apply only where no other column may contain document codes. Later rows of the file are not checked.
    """
    fields = {column.field: column.index for column in columns if column.field}
    possible_papers = [
        candidate
        for column, candidate in zip(columns, candidates, strict=True)
        if column.field is None or candidate.claim(Field.REFERENCE)
    ]
    if fields.keys() & REFERENCES or any(
        _may_be_papers(candidate) and not head.counts_rows(candidate.profile) for candidate in possible_papers
    ):
        return ()
    profiles = {candidate.column.index: candidate.profile for candidate in candidates}
    customer_columns = next(
        (
            candidate
            for candidate in _customer_columns(fields)
            if all(profiles[index].filled >= _MOST * profiles[index].rows for index in candidate)
        ),
        next(iter(_customer_columns(fields)), ()),
    )
    days = [fields[day] for day in (Field.DUE_DATE, Field.INVOICE_DATE) if day in fields][:1]
    is_whole = all(
        profiles[index].filled >= _MOST * profiles[index].rows for index in (*customer_columns, *days)
    )
    if not customer_columns or not is_whole:
        return ()
    is_own = any(profiles[index].filled == profiles[index].distinct for index in customer_columns)
    return (*customer_columns, *days) if is_own or days else ()


def _customer_columns(fields: dict[Field, int]) -> list[tuple[int, ...]]:
    """Return the columns that identify a row's customer, most certain first: their code, or their name."""
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


def _may_number(candidate: Candidate) -> bool:
    """Return whether a column may contain document numbers: a code in nearly every row, all unique."""
    profile = candidate.profile
    is_other = (
        candidate.is_known and not candidate.concepts <= _PAPERS and candidate.reason.code != "contradicted"
    )
    if is_other or candidate.tokens.whole:
        return False
    if not 1 < profile.filled == profile.distinct or profile.filled < _MOST * profile.rows:
        return False
    if any(profile.share(kind) > 1 - CERTAIN for kind in _NO_CODES) or contents.has_fractions(profile):
        return False
    return contents.share_matching(contents.texts_of(profile), _is_code) == 1


def _may_be_papers(candidate: Candidate) -> bool:
    """Return whether a column may contain codes of documents or contracts, each on one row or a few."""
    profile = candidate.profile
    if candidate.concepts & _NO_PAPERS or profile.filled < _HALF * profile.rows or profile.distinct < 2:
        return False
    if any(profile.share(kind) > 1 - CERTAIN for kind in _NO_CODES) or contents.has_fractions(profile):
        return False
    texts = contents.texts_of(profile)
    is_long = contents.share_matching(texts, lambda text: len(text) >= _LONG) >= _MOST
    is_category = profile.distinct <= (_FEW if is_long else _HALF) * profile.filled
    return not is_category and not profile.currencies and contents.share_matching(texts, _is_code) >= _MOST


def _is_code(text: str) -> bool:
    return (
        _CHARACTERS_MIN <= len(text) <= _CHARACTERS_MAX
        and bool(SERIAL.match(text))
        and len(text.split()) <= _CHARACTERS_MIN
    )


def _is_lettered(text: str) -> bool:
    return any(map(str.isalpha, text))
