"""Fields decided by adjacent columns: `Nom` beside `Prénom` is the last name, alone it is the full name."""

from getbill import sheets
from getbill.mapping.columns import contents
from getbill.mapping.columns.adjacent_people import weigh_contacts, weigh_names, weigh_payers
from getbill.mapping.columns.adjacent_references import weigh_references
from getbill.mapping.columns.candidates import LISTS, Candidate, candidates_for
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import Field
from getbill.mapping.model import CERTAIN, ColumnReason
from getbill.mapping.vocabulary import CONCEPTS

_BOOKED = LISTS.pattern("booked")
_OF_DELIVERY = LISTS.members("delivery", "concepts", CONCEPTS)
_PLACES = (Field.POSTAL_CODE, Field.CITY, Field.POSTAL_CITY)


def weigh_adjacent_columns(candidates: list[Candidate], head: SampleRows) -> None:
    """Choose between the fields of each column by the other columns."""
    weigh_payers(candidates)
    weigh_names(candidates)
    weigh_contacts(candidates)
    _addresses(candidates)
    weigh_references(candidates, head)
    _dates(candidates, head)


def _addresses(candidates: list[Candidate]) -> None:
    _leave_delivery_places(candidates)
    places = candidates_for(candidates, *_PLACES)
    streets = candidates_for(candidates, Field.STREET_ADDRESS)
    for candidate in candidates:
        if candidate.claim(Field.ADDRESS) is None:
            continue
        if candidate.tokens.ordinal > 1:
            candidate.decide(Field.ADDRESS_EXTRA, 0.85)
        elif contents.are_whole_addresses(candidate.profile) and not [
            other for other in streets if other is not candidate
        ]:
            candidate.decide(Field.ADDRESS, 0.93, "whole_addresses")
        elif places:
            candidate.decide(Field.STREET_ADDRESS, 0.92, "beside_place", places[0])


def _leave_delivery_places(candidates: list[Candidate]) -> None:
    """Leave out the postal code and city of a delivery address, where the file has no other address."""
    is_others = False
    has_own = bool(candidates_for(candidates, Field.STREET_ADDRESS, Field.ADDRESS))
    for candidate in candidates:
        concepts = candidate.concepts
        if concepts & {"address", "street", "ship"}:
            is_others = not candidate.claims and {"ship"} <= concepts <= _OF_DELIVERY
        elif is_others and not has_own and candidate.may_be(_PLACES):
            candidate.leave_out("not_ours")
        elif not candidate.may_be(_PLACES) and not concepts & {"house", "extra", "province", "country"}:
            is_others = False


def _dates(candidates: list[Candidate], head: SampleRows) -> None:
    """Use an unqualified date as the invoice date where it never follows the due date."""
    dues = [
        candidate
        for candidate in candidates_for(candidates, Field.DUE_DATE)
        if candidate.best and candidate.best.score >= 0.85
    ]
    named = [
        candidate
        for candidate in candidates_for(candidates, Field.INVOICE_DATE)
        if candidate.best and candidate.best.score >= 0.85
    ]
    exact = [
        candidate
        for candidate in named
        if {"invoice", "issue"} & candidate.concepts or candidate.tokens.whole
    ]
    for candidate in named:
        if exact and candidate not in exact:
            candidate.leave_out("other_date", exact[0])
    if not dues and not named:
        _lone_date(candidates)
    for candidate in candidates_for(candidates, Field.INVOICE_DATE):
        if candidate in named or not candidate.is_known:
            continue
        if dues and candidate.tokens.unknown:
            # A date with an unknown header is left out, because the due date is known.
            candidate.leave_out("not_ours")
            continue
        if named:
            candidate.leave_out("other_date", named[0])
        elif len(dues) == 1 and head.is_never_after(candidate.profile, dues[0].profile):
            candidate.reassign(
                Field.INVOICE_DATE, Field.INVOICE_DATE, 0.88, ColumnReason("never_after_due", dues[0].heading)
            )
    _weigh_booking_date(candidates, dues, head)


def _weigh_booking_date(candidates: list[Candidate], dues: list[Candidate], head: SampleRows) -> None:
    """Use the date of booking or creation as the invoice date where it is the only other date."""
    if len(dues) != 1 or candidates_for(candidates, Field.INVOICE_DATE):
        return
    booked = [
        candidate
        for candidate in candidates
        if {"booking"} <= candidate.concepts <= {"date", "booking"}
        and not candidate.tokens.unknown
        and _BOOKED.search(candidate.plain_header)
        and candidate.profile.filled == candidate.profile.rows
        and candidate.profile.share(sheets.CellKind.DATE) >= CERTAIN
    ]
    if len(booked) == 1 and head.is_never_after(booked[0].profile, dues[0].profile):
        booked[0].decide(Field.INVOICE_DATE, 0.85, "never_after_due", dues[0])


def _lone_date(candidates: list[Candidate]) -> None:
    """Use the only date of a list of invoices as the invoice date."""
    dates = candidates_for(candidates, Field.INVOICE_DATE, Field.DUE_DATE)
    is_plain = len(dates) == 1 and dates[0].concepts == {"date"} and not dates[0].tokens.unknown
    if is_plain and candidates_for(candidates, Field.INVOICE_REFERENCE):
        dates[0].reassign(Field.INVOICE_DATE, Field.INVOICE_DATE, 0.85)
