"""Names and contacts decided by adjacent columns."""

import re

from getbill.mapping.columns import contents
from getbill.mapping.columns.candidates import LISTS, Candidate, candidates_for
from getbill.mapping.fields import NAMES, Field
from getbill.mapping.model import CERTAIN, ColumnReason

_WHOLE = LISTS.pattern("whole_name", flags=re.IGNORECASE)
_GIVEN = frozenset(LISTS.words("given_names"))
_CONSTANT_MIN = 3
_PAYER = LISTS.pattern("payer")
_GUARDIAN = LISTS.pattern("guardian")
_NO_PERSON = LISTS.pattern("no_person", r"\b({})\b")
_BENEFICIARY = LISTS.pattern("beneficiary", r"\b({})\b")


def weigh_names(candidates: list[Candidate]) -> None:
    """Choose between whole, first and last names by each other."""
    first, last = candidates_for(candidates, Field.FIRST_NAME), candidates_for(candidates, Field.LAST_NAME)
    whole = [
        candidate
        for candidate in candidates_for(candidates, Field.NAME)
        if not (candidate.best and candidate.best.role)
    ]
    if first and not last:
        for candidate in whole:
            if _WHOLE.search(candidate.column.header):
                continue
            if not {"first", "last", "company"} & candidate.concepts and not contents.are_companies(
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


def weigh_contacts(candidates: list[Candidate]) -> None:
    """Use a contact as the debtor's name only where nothing else names the debtor: contacts change."""
    for candidate in candidates_for(candidates, Field.COMPANY):
        is_constant = candidate.profile.filled > _CONSTANT_MIN and candidate.profile.distinct == 1
        if is_constant and any(
            other.may_be(NAMES, CERTAIN) for other in candidates if other is not candidate
        ):
            # The creditor's own company, in every row.
            candidate.leave_out("not_ours")
    for candidate in candidates_for(candidates, Field.NAME):
        other_names = [
            other for other in candidates if other is not candidate and other.may_be(NAMES, CERTAIN)
        ]
        if "object" in candidate.concepts and "debtor" not in candidate.concepts and other_names:
            # The title of an invoice; an account's title names its holder where nothing else does.
            candidate.reassign(Field.NAME, Field.OBJECT)
    contacts = [
        candidate
        for candidate in candidates_for(candidates, Field.NAME)
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
            contact.decide(Field.CONTACT, 0.88)
        elif named:
            contact.leave_out("contact", named[0])
        elif accounts := _described_accounts(candidates):
            accounts[0].reassign(Field.OBJECT, Field.NAME, 0.85)
            contact.leave_out("contact", accounts[0])
        else:
            contact.reassign(Field.NAME, Field.NAME, score=0.88)


def _described_accounts(candidates: list[Candidate]) -> list[Candidate]:
    """Return the description column of accounts, with one for each code."""
    codes = candidates_for(candidates, Field.DEBTOR_REFERENCE)
    if not any(code.is_unique for code in codes):
        return []
    described = [
        candidate
        for candidate in candidates_for(candidates, Field.OBJECT)
        if contents.are_people(candidate.profile)
    ]
    return described if len(described) == 1 else []


def weigh_payers(candidates: list[Candidate]) -> None:
    """Use the payer as the debtor, not the patient, pupil or child for whom they pay."""
    beneficiaries = [
        candidate
        for candidate in candidates
        if _BENEFICIARY.search(candidate.plain_header) and contents.are_people(candidate.profile)
    ]
    payers = [
        candidate
        for candidate in candidates
        if candidate not in beneficiaries
        and _PAYER.search(candidate.plain_header)
        and not _NO_PERSON.search(candidate.plain_header)
        and contents.are_people(candidate.profile)
    ]
    if len(payers) == 1 and not beneficiaries and _GUARDIAN.search(payers[0].plain_header):
        beneficiaries = _children(candidates, payers[0])
    if len(payers) == 1 and beneficiaries:
        payers[0].decide(Field.NAME, 0.92, "header")
        for candidate in beneficiaries:
            candidate.leave_out("pays_for_another", payers[0])
        if len(beneficiaries) == 1 and payers[0].profile.filled < payers[0].profile.rows:
            # A beneficiary without a payer pays for themselves.
            beneficiaries[0].decide(Field.CONTACT, 0.88)


def _children(candidates: list[Candidate], guardian: Candidate) -> list[Candidate]:
    """Return the names of the children who have a guardian in every row: Cognome, Nome, Genitore."""
    names = [candidate for candidate in candidates_for(candidates, *NAMES) if candidate is not guardian]
    return names if guardian.profile.filled == guardian.profile.rows else []
