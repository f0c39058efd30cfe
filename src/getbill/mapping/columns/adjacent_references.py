"""References and customer codes decided by adjacent columns."""

from getbill.mapping.columns import contents
from getbill.mapping.columns.candidates import LISTS, MOST, Candidate, candidates_for
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import NAMES, Field
from getbill.mapping.model import CERTAIN, ColumnReason
from getbill.mapping.vocabulary import CONCEPTS, Claim

_NUMBERING = LISTS.members("numbering", "concepts", CONCEPTS)
_HALF = 0.5


def weigh_references(candidates: list[Candidate], head: SampleRows) -> None:
    """Choose the reference of the debt among numbers, references and customer codes."""
    for candidate in candidates_for(candidates, Field.REFERENCE, Field.INVOICE_REFERENCE):
        if candidate.concepts <= _NUMBERING and head.counts_rows(candidate.profile):
            candidate.leave_out("counts_rows")
    names = candidates_for(candidates, *NAMES)
    if not candidates_for(candidates, Field.INVOICE_REFERENCE):
        _numbers(candidates, names)
    _payment_symbol(candidates)
    _numbers_before_references(candidates)
    invoices = candidates_for(candidates, Field.INVOICE_REFERENCE)
    _vague_references(candidates, invoices)
    numbered = [candidate for candidate in invoices if "invoice" in candidate.concepts]
    for candidate in invoices:
        if "document" in candidate.concepts and numbered and candidate not in numbered:
            candidate.leave_out("invoice_identifies", numbered[0])
    _accounts(candidates, head, invoices)


def _accounts(candidates: list[Candidate], head: SampleRows, invoices: list[Candidate]) -> None:
    """Leave out codes that identify no customer: the same in every row, or shared by different people."""
    names = [
        candidate
        for candidate in candidates
        if candidate.may_be(NAMES) and candidate.claim(Field.DEBTOR_REFERENCE) is None
    ]
    for candidate in candidates:
        if candidate.claim(Field.DEBTOR_REFERENCE) is None or candidate.tokens.whole:
            continue
        is_best = candidate.may_be((Field.DEBTOR_REFERENCE,))
        same = is_best and candidate.profile.filled > 3 and candidate.profile.distinct == 1
        if same or (is_best and invoices and candidate.best and candidate.best.score < 0.8):
            candidate.leave_out("not_ours")
        elif head.are_shared(candidate.profile, [name.profile for name in names]):
            other_claims = [claim for claim in candidate.claims if claim.field != Field.DEBTOR_REFERENCE]
            candidate.set_claims(
                other_claims, ColumnReason("collective_account", candidate.heading) if is_best else None
            )


def _numbers(candidates: list[Candidate], names: list[Candidate]) -> None:
    """Use an unqualified number as the document number, where it is unique beside a document date."""
    numbers = [
        candidate
        for candidate in candidates_for(candidates, Field.REFERENCE)
        if candidate.is_known and candidate.concepts <= {"number", "id"} and not candidate.tokens.unknown
    ]
    unique_numbers = [candidate for candidate in numbers if candidate.is_unique]
    references = [
        candidate
        for candidate in candidates_for(candidates, Field.REFERENCE)
        if "reference" in candidate.concepts and "payment" not in candidate.concepts and candidate.is_unique
    ]
    if references and not any(
        _has_structure(candidate) and not _has_structure(references[0]) for candidate in unique_numbers
    ):
        # The number of the line or entry, beside the reference of the document.
        return
    # The id of a person is repeated on each of their rows.
    is_nobodys = any(name.profile.filled > name.profile.distinct for name in names)
    chosen = [candidate for candidate in unique_numbers if "id" not in candidate.concepts] or (
        unique_numbers if is_nobodys else []
    )
    repeated = [
        candidate for candidate in numbers if "number" in candidate.concepts and _is_nearly_unique(candidate)
    ]
    chosen = chosen or (repeated if not unique_numbers else [])
    if len(chosen) == 1 and candidates_for(candidates, Field.DUE_DATE, Field.INVOICE_DATE):
        chosen[0].reassign(Field.REFERENCE, Field.INVOICE_REFERENCE, 0.85)


def _numbers_before_references(candidates: list[Candidate]) -> None:
    """Prefer an invoice's number to its reference, which is often the customer's."""
    invoices = candidates_for(candidates, Field.INVOICE_REFERENCE)
    numbers = [candidate for candidate in invoices if "number" in candidate.concepts and candidate.is_unique]
    if len(numbers) == 1:
        for candidate in invoices:
            if candidate is not numbers[0] and "reference" in candidate.concepts:
                candidate.leave_out("invoice_identifies", numbers[0])


def _payment_symbol(candidates: list[Candidate]) -> None:
    """Use the payment reference as the invoice reference where no other column numbers the rows.

    An example is the Czech variabilní symbol.
    """
    numbered = candidates_for(candidates, Field.REFERENCE, Field.INVOICE_REFERENCE)
    if len(numbered) == 1 and {"payment", "reference"} <= numbered[0].concepts and numbered[0].is_unique:
        numbered[0].reassign(Field.REFERENCE, Field.INVOICE_REFERENCE, 0.85)


def _is_nearly_unique(candidate: Candidate) -> bool:
    """Return whether most rows have their own value: the others are further lines or instalments."""
    return (
        candidate.profile.filled >= MOST * candidate.profile.rows
        and candidate.profile.distinct > _HALF * candidate.profile.filled > 1
    )


def _has_structure(candidate: Candidate) -> bool:
    """Return whether a column's values look like document numbers: INV/2026/00071, 2026-0061."""
    return (
        contents.share_matching(contents.texts_of(candidate.profile), lambda text: not text.isdigit()) >= MOST
    )


def _vague_references(candidates: list[Candidate], invoices: list[Candidate]) -> None:
    """Leave out an unqualified reference beside an invoice's: often the customer's order, or empty."""
    for candidate in candidates:
        claim = candidate.claim(Field.REFERENCE)
        if claim is None or candidate.denied or candidate in invoices:
            continue
        is_vague = claim.score < 0.8 or candidate.concepts <= {"reference", "number", "id"}
        # A case or a contract with several invoices.
        is_vague |= candidate.profile.distinct < candidate.profile.filled and any(
            invoice.is_unique for invoice in invoices
        )
        # A reference that many rows lack identifies them less than the invoice's own.
        is_vague |= candidate.profile.filled < MOST * candidate.profile.rows and any(
            invoice.is_unique for invoice in invoices
        )
        if not candidate.profile.filled:
            candidate.set_claims([], ColumnReason("empty"))
        elif is_vague and not candidate.tokens.whole and invoices:
            if other_claims := [other for other in candidate.claims if _is_certain_other(other)]:
                candidate.set_claims(other_claims)
            else:
                candidate.leave_out("invoice_identifies", invoices[0])


def _is_certain_other(claim: Claim) -> bool:
    return claim.field != Field.REFERENCE and claim.score >= CERTAIN
