"""Fields decided by adjacent columns: `Nom` beside `Prénom` is the last name, alone it is the full name."""

import re

from getbill import sheets
from getbill.mapping.columns import contents
from getbill.mapping.columns.candidates import LISTS, Candidate
from getbill.mapping.cross_column_evidence import Head
from getbill.mapping.model import CERTAIN, NAMES, ColumnReason, Field
from getbill.mapping.vocabulary import CONCEPTS, Claim, normalize

_NUMBERING = LISTS.members("numbering", "concepts", CONCEPTS)
_WHOLE = LISTS.pattern("whole_name", flags=re.IGNORECASE)
_GIVEN = frozenset(LISTS.words("given_names"))
# A number filled in a smaller share of rows does not identify them.
_MOST = 0.75
_BOOKED = LISTS.pattern("booked")
_CONSTANT_MIN = 3
_HALF = 0.5
_PAYER = LISTS.pattern("payer")
_GUARDIAN = LISTS.pattern("guardian")
_NO_PERSON = LISTS.pattern("no_person", r"\b({})\b")
_BENEFICIARY = LISTS.pattern("beneficiary", r"\b({})\b")
_OF_DELIVERY = LISTS.members("delivery", "concepts", CONCEPTS)
_PLACES = (Field.POSTAL_CODE, Field.CITY, Field.POSTAL_CITY)


def weigh_adjacent_columns(candidates: list[Candidate], head: Head) -> None:
    """Choose between the fields of each column by the other columns."""
    _payers(candidates)
    _names(candidates)
    _contacts(candidates)
    _addresses(candidates)
    _references(candidates, head)
    _dates(candidates, head)


def _candidates_for(candidates: list[Candidate], *fields: Field) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.may_be(fields)]


def _names(candidates: list[Candidate]) -> None:
    first, last = _candidates_for(candidates, Field.FIRST_NAME), _candidates_for(candidates, Field.LAST_NAME)
    whole = [
        candidate
        for candidate in _candidates_for(candidates, Field.NAME)
        if not (candidate.best and candidate.best.role)
    ]
    if first and not last:
        for candidate in whole:
            if _WHOLE.search(candidate.column.header):
                continue
            if not {"first", "last", "company"} & candidate.tokens.concepts and not contents.are_companies(
                candidate.profile
            ):
                candidate.reassign(
                    Field.NAME, Field.LAST_NAME, reason=ColumnReason("beside_first_name", first[0].heading)
                )
                return
    if last and not first:
        for candidate in whole:
            if candidate.column.header.split() and candidate.column.header.split()[0].casefold() in _GIVEN:
                candidate.reassign(
                    Field.NAME, Field.FIRST_NAME, reason=ColumnReason("beside_last_name", last[0].heading)
                )
                return


def _contacts(candidates: list[Candidate]) -> None:
    """Use a contact as the debtor's name only where nothing else names the debtor: contacts change."""
    for candidate in _candidates_for(candidates, Field.COMPANY):
        is_constant = candidate.profile.filled > _CONSTANT_MIN and candidate.profile.distinct == 1
        if is_constant and any(
            other.may_be(NAMES, CERTAIN) for other in candidates if other is not candidate
        ):
            # The creditor's own company, in every row.
            candidate.set_claims([], ColumnReason("not_ours", candidate.heading))
    for candidate in _candidates_for(candidates, Field.NAME):
        other_names = [
            other for other in candidates if other is not candidate and other.may_be(NAMES, CERTAIN)
        ]
        if (
            "object" in candidate.tokens.concepts
            and "debtor" not in candidate.tokens.concepts
            and other_names
        ):
            # The title of an invoice; an account's title names its holder where nothing else does.
            candidate.reassign(Field.NAME, Field.OBJECT)
    contacts = [
        candidate
        for candidate in _candidates_for(candidates, Field.NAME)
        if candidate.best and candidate.best.role == "contact"
    ]
    named = [
        candidate
        for candidate in candidates
        if candidate.may_be(NAMES)
        and candidate.is_known
        and candidate not in contacts
        and candidate.profile.filled
    ]
    for contact in contacts:
        if named and all(candidate.profile.filled < candidate.profile.rows for candidate in named):
            # Rows without a company are named by their contact.
            contact.set_claims([Claim(Field.CONTACT, 0.88)])
        elif named:
            contact.set_claims([], ColumnReason("contact", named[0].heading))
        elif accounts := _described_accounts(candidates):
            accounts[0].reassign(Field.OBJECT, Field.NAME, 0.85)
            contact.set_claims([], ColumnReason("contact", accounts[0].heading))
        else:
            contact.reassign(Field.NAME, Field.NAME, score=0.88)


def _described_accounts(candidates: list[Candidate]) -> list[Candidate]:
    """Return the description column of accounts, with one for each code."""
    codes = _candidates_for(candidates, Field.DEBTOR_REFERENCE)
    if not any(_is_unique(code) for code in codes):
        return []
    described = [
        candidate
        for candidate in _candidates_for(candidates, Field.OBJECT)
        if contents.are_people(candidate.profile)
    ]
    return described if len(described) == 1 else []


def _payers(candidates: list[Candidate]) -> None:
    """Use the payer as the debtor, not the patient, pupil or child for whom they pay."""
    beneficiaries = [
        candidate
        for candidate in candidates
        if _BENEFICIARY.search(normalize(candidate.column.header)) and contents.are_people(candidate.profile)
    ]
    payers = [
        candidate
        for candidate in candidates
        if candidate not in beneficiaries
        and _PAYER.search(normalize(candidate.column.header))
        and not _NO_PERSON.search(normalize(candidate.column.header))
        and contents.are_people(candidate.profile)
    ]
    if len(payers) == 1 and not beneficiaries and _GUARDIAN.search(normalize(payers[0].column.header)):
        beneficiaries = _children(candidates, payers[0])
    if len(payers) == 1 and beneficiaries:
        payers[0].set_claims([Claim(Field.NAME, 0.92)], ColumnReason("header", payers[0].heading))
        for candidate in beneficiaries:
            candidate.set_claims([], ColumnReason("pays_for_another", payers[0].heading))
        if len(beneficiaries) == 1 and payers[0].profile.filled < payers[0].profile.rows:
            # A beneficiary without a payer pays for themselves.
            beneficiaries[0].set_claims([Claim(Field.CONTACT, 0.88)])


def _children(candidates: list[Candidate], guardian: Candidate) -> list[Candidate]:
    """Return the names of the children who have a guardian in every row: Cognome, Nome, Genitore."""
    names = [candidate for candidate in _candidates_for(candidates, *NAMES) if candidate is not guardian]
    return names if guardian.profile.filled == guardian.profile.rows else []


def _addresses(candidates: list[Candidate]) -> None:
    _leave_delivery_places(candidates)
    places = _candidates_for(candidates, *_PLACES)
    streets = _candidates_for(candidates, Field.STREET_ADDRESS)
    for candidate in candidates:
        if candidate.claim(Field.ADDRESS) is None:
            continue
        if candidate.tokens.ordinal > 1:
            candidate.set_claims([Claim(Field.ADDRESS_EXTRA, 0.85)])
        elif contents.are_whole_addresses(candidate.profile) and not [
            other for other in streets if other is not candidate
        ]:
            candidate.set_claims(
                [Claim(Field.ADDRESS, 0.93)], ColumnReason("whole_addresses", candidate.heading)
            )
        elif places:
            candidate.set_claims(
                [Claim(Field.STREET_ADDRESS, 0.92)], ColumnReason("beside_place", places[0].heading)
            )


def _leave_delivery_places(candidates: list[Candidate]) -> None:
    """Leave out the postal code and city of a delivery address, where the file has no other address."""
    is_others = False
    has_own = bool(_candidates_for(candidates, Field.STREET_ADDRESS, Field.ADDRESS))
    for candidate in candidates:
        concepts = candidate.tokens.concepts
        if concepts & {"address", "street", "ship"}:
            is_others = not candidate.claims and {"ship"} <= concepts <= _OF_DELIVERY
        elif is_others and not has_own and candidate.may_be(_PLACES):
            candidate.set_claims([], ColumnReason("not_ours", candidate.heading))
        elif not candidate.may_be(_PLACES) and not concepts & {"house", "extra", "province", "country"}:
            is_others = False


def _references(candidates: list[Candidate], head: Head) -> None:
    for candidate in _candidates_for(candidates, Field.REFERENCE, Field.INVOICE_REFERENCE):
        if candidate.tokens.concepts <= _NUMBERING and head.counts_rows(candidate.profile):
            candidate.set_claims([], ColumnReason("counts_rows", candidate.heading))
    names = _candidates_for(candidates, *NAMES)
    if not _candidates_for(candidates, Field.INVOICE_REFERENCE):
        _numbers(candidates, names)
    _payment_symbol(candidates)
    _numbers_before_references(candidates)
    invoices = _candidates_for(candidates, Field.INVOICE_REFERENCE)
    _vague_references(candidates, invoices)
    numbered = [candidate for candidate in invoices if "invoice" in candidate.tokens.concepts]
    for candidate in invoices:
        if "document" in candidate.tokens.concepts and numbered and candidate not in numbered:
            candidate.set_claims([], ColumnReason("invoice_identifies", numbered[0].heading))
    _accounts(candidates, head, invoices)


def _accounts(candidates: list[Candidate], head: Head, invoices: list[Candidate]) -> None:
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
            candidate.set_claims([], ColumnReason("not_ours", candidate.heading))
        elif head.are_shared(candidate.profile, [name.profile for name in names]):
            other_claims = [claim for claim in candidate.claims if claim.field != Field.DEBTOR_REFERENCE]
            candidate.set_claims(
                other_claims, ColumnReason("collective_account", candidate.heading) if is_best else None
            )


def _numbers(candidates: list[Candidate], names: list[Candidate]) -> None:
    """Use an unqualified number as the document number, where it is unique beside a document date."""
    numbers = [
        candidate
        for candidate in _candidates_for(candidates, Field.REFERENCE)
        if candidate.is_known
        and candidate.tokens.concepts <= {"number", "id"}
        and not candidate.tokens.unknown
    ]
    unique_numbers = [candidate for candidate in numbers if _is_unique(candidate)]
    references = [
        candidate
        for candidate in _candidates_for(candidates, Field.REFERENCE)
        if "reference" in candidate.tokens.concepts
        and "payment" not in candidate.tokens.concepts
        and _is_unique(candidate)
    ]
    if references and not any(
        _has_structure(candidate) and not _has_structure(references[0]) for candidate in unique_numbers
    ):
        # The number of the line or entry, beside the reference of the document.
        return
    # The id of a person is repeated on each of their rows.
    is_nobodys = any(name.profile.filled > name.profile.distinct for name in names)
    chosen = [candidate for candidate in unique_numbers if "id" not in candidate.tokens.concepts] or (
        unique_numbers if is_nobodys else []
    )
    repeated = [
        candidate
        for candidate in numbers
        if "number" in candidate.tokens.concepts and _is_nearly_unique(candidate)
    ]
    chosen = chosen or (repeated if not unique_numbers else [])
    if len(chosen) == 1 and _candidates_for(candidates, Field.DUE_DATE, Field.INVOICE_DATE):
        chosen[0].reassign(Field.REFERENCE, Field.INVOICE_REFERENCE, 0.85)


def _numbers_before_references(candidates: list[Candidate]) -> None:
    """Prefer an invoice's number to its reference, which is often the customer's."""
    invoices = _candidates_for(candidates, Field.INVOICE_REFERENCE)
    numbers = [
        candidate for candidate in invoices if "number" in candidate.tokens.concepts and _is_unique(candidate)
    ]
    if len(numbers) == 1:
        for candidate in invoices:
            if candidate is not numbers[0] and "reference" in candidate.tokens.concepts:
                candidate.set_claims([], ColumnReason("invoice_identifies", numbers[0].heading))


def _payment_symbol(candidates: list[Candidate]) -> None:
    """Use the payment reference as the invoice reference where no other column numbers the rows.

    An example is the Czech variabilní symbol.
    """
    numbered = _candidates_for(candidates, Field.REFERENCE, Field.INVOICE_REFERENCE)
    if (
        len(numbered) == 1
        and {"payment", "reference"} <= numbered[0].tokens.concepts
        and _is_unique(numbered[0])
    ):
        numbered[0].reassign(Field.REFERENCE, Field.INVOICE_REFERENCE, 0.85)


def _is_unique(candidate: Candidate) -> bool:
    """Return whether nearly every row has its own value in a column."""
    return (
        candidate.profile.filled == candidate.profile.distinct > 1
        and candidate.profile.filled >= _MOST * candidate.profile.rows
    )


def _is_nearly_unique(candidate: Candidate) -> bool:
    """Return whether most rows have their own value: the others are further lines or instalments."""
    return (
        candidate.profile.filled >= _MOST * candidate.profile.rows
        and candidate.profile.distinct > _HALF * candidate.profile.filled > 1
    )


def _has_structure(candidate: Candidate) -> bool:
    """Return whether a column's values look like document numbers: INV/2026/00071, 2026-0061."""
    return (
        contents.share_matching(contents.texts_of(candidate.profile), lambda text: not text.isdigit())
        >= _MOST
    )


def _vague_references(candidates: list[Candidate], invoices: list[Candidate]) -> None:
    """Leave out an unqualified reference beside an invoice's: often the customer's order, or empty."""
    for candidate in candidates:
        claim = candidate.claim(Field.REFERENCE)
        if claim is None or candidate.denied or candidate in invoices:
            continue
        is_vague = claim.score < 0.8 or candidate.tokens.concepts <= {"reference", "number", "id"}
        # A case or a contract with several invoices.
        is_vague |= candidate.profile.distinct < candidate.profile.filled and any(map(_is_unique, invoices))
        # A reference that many rows lack identifies them less than the invoice's own.
        is_vague |= candidate.profile.filled < _MOST * candidate.profile.rows and any(
            map(_is_unique, invoices)
        )
        if not candidate.profile.filled:
            candidate.set_claims([], ColumnReason("empty"))
        elif is_vague and not candidate.tokens.whole and invoices:
            candidate.set_claims([], ColumnReason("invoice_identifies", invoices[0].heading))


def _dates(candidates: list[Candidate], head: Head) -> None:
    """Use an unqualified date as the invoice date where it never follows the due date."""
    dues = [
        candidate
        for candidate in _candidates_for(candidates, Field.DUE_DATE)
        if candidate.best and candidate.best.score >= 0.85
    ]
    named = [
        candidate
        for candidate in _candidates_for(candidates, Field.INVOICE_DATE)
        if candidate.best and candidate.best.score >= 0.85
    ]
    exact = [
        candidate
        for candidate in named
        if {"invoice", "issue"} & candidate.tokens.concepts or candidate.tokens.whole
    ]
    for candidate in named:
        if exact and candidate not in exact:
            candidate.set_claims([], ColumnReason("other_date", exact[0].heading))
    if not dues and not named:
        _lone_date(candidates)
    for candidate in _candidates_for(candidates, Field.INVOICE_DATE):
        if candidate in named or not candidate.is_known:
            continue
        if dues and candidate.tokens.unknown:
            # A date with an unknown header is left out, because the due date is known.
            candidate.set_claims([], ColumnReason("not_ours", candidate.heading))
            continue
        if named:
            candidate.set_claims([], ColumnReason("other_date", named[0].heading))
        elif len(dues) == 1 and head.is_never_after(candidate.profile, dues[0].profile):
            candidate.reassign(
                Field.INVOICE_DATE, Field.INVOICE_DATE, 0.88, ColumnReason("never_after_due", dues[0].heading)
            )
    _weigh_booking_date(candidates, dues, head)


def _weigh_booking_date(candidates: list[Candidate], dues: list[Candidate], head: Head) -> None:
    """Use the date of booking or creation as the invoice date where it is the only other date."""
    if len(dues) != 1 or _candidates_for(candidates, Field.INVOICE_DATE):
        return
    booked = [
        candidate
        for candidate in candidates
        if {"booking"} <= candidate.tokens.concepts <= {"date", "booking"}
        and not candidate.tokens.unknown
        and _BOOKED.search(normalize(candidate.column.header))
        and candidate.profile.filled == candidate.profile.rows
        and candidate.profile.share(sheets.CellKind.DATE) >= CERTAIN
    ]
    if len(booked) == 1 and head.is_never_after(booked[0].profile, dues[0].profile):
        booked[0].set_claims(
            [Claim(Field.INVOICE_DATE, 0.85)], ColumnReason("never_after_due", dues[0].heading)
        )


def _lone_date(candidates: list[Candidate]) -> None:
    """Use the only date of a list of invoices as the invoice date."""
    dates = _candidates_for(candidates, Field.INVOICE_DATE, Field.DUE_DATE)
    is_plain = len(dates) == 1 and dates[0].tokens.concepts == {"date"} and not dates[0].tokens.unknown
    if is_plain and _candidates_for(candidates, Field.INVOICE_REFERENCE):
        dates[0].reassign(Field.INVOICE_DATE, Field.INVOICE_DATE, 0.85)
