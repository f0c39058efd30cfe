"""What a column is by the columns beside it: `Nom` beside `Prénom` is the last name, alone it is the whole one."""

import re

from getbill import sheets
from getbill.mapping.columns import contents
from getbill.mapping.columns.candidates import Candidate
from getbill.mapping.cross_column_checks import Head
from getbill.mapping.model import CERTAIN, NAMES, Field, Reason
from getbill.mapping.vocabulary import Claim, plain

_NUMBERING = {"number", "id", "internal", "invoice", "document"}
_WHOLE = re.compile(r"compl[eè]t|full|vollst|volledig|entier", re.IGNORECASE)
_GIVEN = {"nombre", "nome"}
# A number that fewer rows have is not what tells them apart.
_MOST = 0.75
# The day on which a paper was entered: the others of booking are of imports, of changes and of the bank.
_BOOKED = re.compile(
    r"creat|creac|bogfor|bokfor|acctg|accounting|gl date|creaz|creation|erstellt|aangemaakt|posting|posted|buchung|boek|comptab|contab|registrazione|kirjaus"
)
_CONSTANT_MIN = 3
_HALF = 0.5
_PAYER = re.compile(
    r"pay[eo]r\b|payeur|rechnungsempf|genitor[ei]|\bzahler|beitragszahler|madre|padre|apoderad[oa]|encarregad|erziehungsberecht|sorgeberecht|zahlungspfl|bill(?:ed)?.?to|responsable|responsible|redevable|guardian|\bparent|betalende|foresatt|vardnadshavare|huoltaja|tut(or|eur)\b"
    r"|account holder|titulaire|betaler|pagador|pagante|intestatario|invoiced to|\b(client|customer|kunde|cliente|klant)( name)?$"
)
_GUARDIAN = re.compile(
    r"guardian|\bparent|\btut(or|eur)|genitor[ei]|madre|padre|apoderad[oa]|encarregad|(erziehungs|sorge)berecht|responsable legal"
)
_NO_PERSON = re.compile(r"\b(type|typ|tipo|status|statut|kind|code|id|e-?mail|phone|tel)\b")
_BENEFICIARY = re.compile(
    r"\b(patients?|eleves?|enfants?|students?|child(ren)?|kind(er)?|schuler|leerling|alumn[oa]s?|alunn[oia]|pacientes?|pazient[ei]"
    r"|mitglied(er)?|members?|socios?|soci|tesserat[oi]|adherents?|bambin[oi]|barn|elev|oppilas|lapsi|mokin\w+|skolen\w*|pupils?|participants?|beneficiaires?|animal|pet|tiername|dzieck[oa])\b"
)
_OF_DELIVERY = frozenset({"ship", "address", "street", "name", "debtor"})
_PLACES = (Field.POSTAL_CODE, Field.CITY, Field.POSTAL_CITY)


def weigh_context(candidates: list[Candidate], head: Head) -> None:
    """Decide between the fields of each column by what the other columns are."""
    _payers(candidates)
    _names(candidates)
    _contacts(candidates)
    _addresses(candidates)
    _references(candidates, head)
    _dates(candidates, head)


def _having(candidates: list[Candidate], *fields: Field) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.may_be(fields)]


def _names(candidates: list[Candidate]) -> None:
    first, last = _having(candidates, Field.FIRST_NAME), _having(candidates, Field.LAST_NAME)
    whole = [one for one in _having(candidates, Field.NAME) if not (one.best and one.best.role)]
    if first and not last:
        for one in whole:
            if _WHOLE.search(one.column.header):
                continue
            if not {"first", "last", "company"} & one.spoken.concepts and not contents.are_companies(
                one.found
            ):
                one.turn(Field.NAME, Field.LAST_NAME, reason=Reason("beside_first_name", first[0].heading))
                return
    if last and not first:
        for one in whole:
            if one.column.header.split() and one.column.header.split()[0].casefold() in _GIVEN:
                one.turn(Field.NAME, Field.FIRST_NAME, reason=Reason("beside_last_name", last[0].heading))
                return


def _contacts(candidates: list[Candidate]) -> None:
    """A contact is the debtor's name only where nothing else names the debtor: contacts change, debtors do not."""
    for one in _having(candidates, Field.COMPANY):
        is_constant = one.found.filled > _CONSTANT_MIN and one.found.distinct == 1
        if is_constant and any(other.may_be(NAMES, CERTAIN) for other in candidates if other is not one):
            # The creditor's own company, in every row.
            one.become([], Reason("not_ours", one.heading))
    for one in _having(candidates, Field.NAME):
        others = [other for other in candidates if other is not one and other.may_be(NAMES, CERTAIN)]
        if "object" in one.spoken.concepts and "debtor" not in one.spoken.concepts and others:
            # The title of an invoice: that of an account names its holder where nothing else does.
            one.turn(Field.NAME, Field.OBJECT)
    contacts = [one for one in _having(candidates, Field.NAME) if one.best and one.best.role == "contact"]
    named = [
        one
        for one in candidates
        if one.may_be(NAMES) and one.is_known and one not in contacts and one.found.filled
    ]
    for contact in contacts:
        if named and all(one.found.filled < one.found.rows for one in named):
            # Rows without a company are named by their contact.
            contact.become([Claim(Field.CONTACT, 0.88)])
        elif named:
            contact.become([], Reason("contact", named[0].heading))
        elif accounts := _described_accounts(candidates):
            accounts[0].turn(Field.OBJECT, Field.NAME, 0.85)
            contact.become([], Reason("contact", accounts[0].heading))
        else:
            contact.turn(Field.NAME, Field.NAME, score=0.88)


def _described_accounts(candidates: list[Candidate]) -> list[Candidate]:
    """Return the description of a list's accounts, one for each code."""
    codes = _having(candidates, Field.DEBTOR_REFERENCE)
    if not any(_is_own(code) for code in codes):
        return []
    described = [one for one in _having(candidates, Field.OBJECT) if contents.are_people(one.found)]
    return described if len(described) == 1 else []


def _payers(candidates: list[Candidate]) -> None:
    """Take who pays for the debtor, and not the patient, pupil or child for whom they pay."""
    others = [
        one
        for one in candidates
        if _BENEFICIARY.search(plain(one.column.header)) and contents.are_people(one.found)
    ]
    payers = [
        one
        for one in candidates
        if one not in others
        and _PAYER.search(plain(one.column.header))
        and not _NO_PERSON.search(plain(one.column.header))
        and contents.are_people(one.found)
    ]
    if len(payers) == 1 and not others and _GUARDIAN.search(plain(payers[0].column.header)):
        others = _children(candidates, payers[0])
    if len(payers) == 1 and others:
        payers[0].become([Claim(Field.NAME, 0.92)], Reason("header", payers[0].heading))
        for one in others:
            one.become([], Reason("pays_for_another", payers[0].heading))
        if len(others) == 1 and payers[0].found.filled < payers[0].found.rows:
            # Whoever has no payer beside them pays for themselves.
            others[0].become([Claim(Field.CONTACT, 0.88)])


def _children(candidates: list[Candidate], guardian: Candidate) -> list[Candidate]:
    """Return the names of the children for whom a guardian stands in every row: Cognome, Nome, Genitore."""
    names = [one for one in _having(candidates, *NAMES) if one is not guardian]
    return names if guardian.found.filled == guardian.found.rows else []


def _addresses(candidates: list[Candidate]) -> None:
    _places_of_others(candidates)
    places = _having(candidates, *_PLACES)
    streets = _having(candidates, Field.STREET_ADDRESS)
    for one in candidates:
        if one.claim(Field.ADDRESS) is None:
            continue
        if one.spoken.ordinal > 1:
            one.become([Claim(Field.ADDRESS_EXTRA, 0.85)])
        elif contents.are_whole_addresses(one.found) and not [other for other in streets if other is not one]:
            one.become([Claim(Field.ADDRESS, 0.93)], Reason("whole_addresses", one.heading))
        elif places:
            one.become([Claim(Field.STREET_ADDRESS, 0.92)], Reason("beside_place", places[0].heading))


def _places_of_others(candidates: list[Candidate]) -> None:
    """Leave out the postal code and city right of an address of delivery, which alone stands in the file."""
    is_others = False
    has_own = bool(_having(candidates, Field.STREET_ADDRESS, Field.ADDRESS))
    for one in candidates:
        concepts = one.spoken.concepts
        if concepts & {"address", "street", "ship"}:
            is_others = not one.claims and {"ship"} <= concepts <= _OF_DELIVERY
        elif is_others and not has_own and one.may_be(_PLACES):
            one.become([], Reason("not_ours", one.heading))
        elif not one.may_be(_PLACES) and not concepts & {"house", "extra", "province", "country"}:
            is_others = False


def _references(candidates: list[Candidate], head: Head) -> None:
    for one in _having(candidates, Field.REFERENCE, Field.INVOICE_REFERENCE):
        if one.spoken.concepts <= _NUMBERING and head.counts_rows(one.found):
            one.become([], Reason("counts_rows", one.heading))
    names = _having(candidates, *NAMES)
    if not _having(candidates, Field.INVOICE_REFERENCE):
        _numbers(candidates, names)
    _payment_symbol(candidates)
    _numbers_before_references(candidates)
    invoices = _having(candidates, Field.INVOICE_REFERENCE)
    _vague_references(candidates, invoices)
    numbered = [one for one in invoices if "invoice" in one.spoken.concepts]
    for one in invoices:
        if "document" in one.spoken.concepts and numbered and one not in numbered:
            one.become([], Reason("invoice_identifies", numbered[0].heading))
    _accounts(candidates, head, invoices)


def _accounts(candidates: list[Candidate], head: Head, invoices: list[Candidate]) -> None:
    """Leave out codes that are no customer's: the same in every row, or shared by different people."""
    names = [one for one in candidates if one.may_be(NAMES) and one.claim(Field.DEBTOR_REFERENCE) is None]
    for one in candidates:
        if one.claim(Field.DEBTOR_REFERENCE) is None or one.spoken.whole:
            continue
        is_best = one.may_be((Field.DEBTOR_REFERENCE,))
        same = is_best and one.found.filled > 3 and one.found.distinct == 1
        if same or (is_best and invoices and one.best and one.best.score < 0.8):
            one.become([], Reason("not_ours", one.heading))
        elif head.are_shared(one.found, [name.found for name in names]):
            others = [claim for claim in one.claims if claim.field != Field.DEBTOR_REFERENCE]
            one.become(others, Reason("collective_account", one.heading) if is_best else None)


def _numbers(candidates: list[Candidate], names: list[Candidate]) -> None:
    """Take a number of nothing in particular for the document's, where each row has its own beside a document's date."""
    numbers = [
        one
        for one in _having(candidates, Field.REFERENCE)
        if one.is_known and one.spoken.concepts <= {"number", "id"} and not one.spoken.unknown
    ]
    own = [one for one in numbers if _is_own(one)]
    references = [
        one
        for one in _having(candidates, Field.REFERENCE)
        if "reference" in one.spoken.concepts and "payment" not in one.spoken.concepts and _is_own(one)
    ]
    if references and not any(_has_structure(one) and not _has_structure(references[0]) for one in own):
        # The number of the line or the entry, beside the reference of the paper.
        return
    # A person's id stands on each of their rows.
    is_nobodys = any(name.found.filled > name.found.distinct for name in names)
    plain = [one for one in own if "id" not in one.spoken.concepts] or (own if is_nobodys else [])
    repeated = [one for one in numbers if "number" in one.spoken.concepts and _is_nearly_own(one)]
    plain = plain or (repeated if not own else [])
    if len(plain) == 1 and _having(candidates, Field.DUE_DATE, Field.INVOICE_DATE):
        plain[0].turn(Field.REFERENCE, Field.INVOICE_REFERENCE, 0.85)


def _numbers_before_references(candidates: list[Candidate]) -> None:
    """Take the number of an invoice where its reference, often the customer's, stands beside it."""
    invoices = _having(candidates, Field.INVOICE_REFERENCE)
    numbers = [one for one in invoices if "number" in one.spoken.concepts and _is_own(one)]
    if len(numbers) == 1:
        for one in invoices:
            if one is not numbers[0] and "reference" in one.spoken.concepts:
                one.become([], Reason("invoice_identifies", numbers[0].heading))


def _payment_symbol(candidates: list[Candidate]) -> None:
    """Take the reference to pay with for the invoice's where nothing else numbers the rows: variabilní symbol."""
    numbered = _having(candidates, Field.REFERENCE, Field.INVOICE_REFERENCE)
    if (
        len(numbered) == 1
        and {"payment", "reference"} <= numbered[0].spoken.concepts
        and _is_own(numbered[0])
    ):
        numbered[0].turn(Field.REFERENCE, Field.INVOICE_REFERENCE, 0.85)


def _is_own(one: Candidate) -> bool:
    """Tell whether nearly every row has a value of its own in a column."""
    return one.found.filled == one.found.distinct > 1 and one.found.filled >= _MOST * one.found.rows


def _is_nearly_own(one: Candidate) -> bool:
    """Tell whether most rows have a value of their own: the others are further lines or instalments of a paper."""
    return one.found.filled >= _MOST * one.found.rows and one.found.distinct > _HALF * one.found.filled > 1


def _has_structure(one: Candidate) -> bool:
    """Tell whether a column's values are written as papers are numbered: INV/2026/00071, 2026-0061."""
    return contents.part(contents.texts_of(one.found), lambda text: not text.isdigit()) >= _MOST


def _vague_references(candidates: list[Candidate], invoices: list[Candidate]) -> None:
    """Leave out a reference of nothing in particular beside an invoice's: often the customer's order, or empty."""
    for one in candidates:
        claim = one.claim(Field.REFERENCE)
        if claim is None or one.denied or one in invoices:
            continue
        is_vague = claim.score < 0.8 or one.spoken.concepts <= {"reference", "number", "id"}
        # A case or a contract of several invoices.
        is_vague |= one.found.distinct < one.found.filled and any(map(_is_own, invoices))
        # One that many rows lack tells them apart less than the invoice's own.
        is_vague |= one.found.filled < _MOST * one.found.rows and any(map(_is_own, invoices))
        if not one.found.filled:
            one.become([], Reason("empty"))
        elif is_vague and not one.spoken.whole and invoices:
            one.become([], Reason("invoice_identifies", invoices[0].heading))


def _dates(candidates: list[Candidate], head: Head) -> None:
    """A date of nothing in particular is the invoice's where it never comes after the day due."""
    dues = [one for one in _having(candidates, Field.DUE_DATE) if one.best and one.best.score >= 0.85]
    named = [one for one in _having(candidates, Field.INVOICE_DATE) if one.best and one.best.score >= 0.85]
    exact = [one for one in named if {"invoice", "issue"} & one.spoken.concepts or one.spoken.whole]
    for one in named:
        if exact and one not in exact:
            one.become([], Reason("other_date", exact[0].heading))
    if not dues and not named:
        _lone_date(candidates)
    for one in _having(candidates, Field.INVOICE_DATE):
        if one in named or not one.is_known:
            continue
        if dues and one.spoken.unknown:
            # A date of something nobody knows: left out, the day due is there.
            one.become([], Reason("not_ours", one.heading))
            continue
        if named:
            one.become([], Reason("other_date", named[0].heading))
        elif len(dues) == 1 and head.is_never_after(one.found, dues[0].found):
            one.turn(Field.INVOICE_DATE, Field.INVOICE_DATE, 0.88, Reason("never_after_due", dues[0].heading))
    _booked(candidates, dues, head)


def _booked(candidates: list[Candidate], dues: list[Candidate], head: Head) -> None:
    """Take the day of booking or of creation for the invoice's where it is the only day beside the day due."""
    if len(dues) != 1 or _having(candidates, Field.INVOICE_DATE):
        return
    booked = [
        one
        for one in candidates
        if {"booking"} <= one.spoken.concepts <= {"date", "booking"}
        and not one.spoken.unknown
        and _BOOKED.search(plain(one.column.header))
        and one.found.filled == one.found.rows
        and one.found.share(sheets.Kind.DATE) >= CERTAIN
    ]
    if len(booked) == 1 and head.is_never_after(booked[0].found, dues[0].found):
        booked[0].become([Claim(Field.INVOICE_DATE, 0.85)], Reason("never_after_due", dues[0].heading))


def _lone_date(candidates: list[Candidate]) -> None:
    """Take the only date of a list of invoices for theirs."""
    dates = _having(candidates, Field.INVOICE_DATE, Field.DUE_DATE)
    is_plain = len(dates) == 1 and dates[0].spoken.concepts == {"date"} and not dates[0].spoken.unknown
    if is_plain and _having(candidates, Field.INVOICE_REFERENCE):
        dates[0].turn(Field.INVOICE_DATE, Field.INVOICE_DATE, 0.85)
