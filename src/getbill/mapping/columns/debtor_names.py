"""Debtor names without a name header: the only column of people beside a customer code or account."""

import re

from getbill.mapping.columns import contents
from getbill.mapping.columns.candidates import LISTS, Candidate
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import NAMES, Field
from getbill.mapping.model import ColumnReason
from getbill.mapping.vocabulary import CONCEPTS, Claim

_PHRASE = re.compile(r"\w[\w'\u2019-]*(?: (?:de|du|des|la|le|the|der|die|das))*(?: [a-z\u00df-\u00ff]{4,})")
_CLIENT = LISTS.pattern("client", r"\b(?:{})\b")
_SPACED_MIN = 0.5
_CODE_MAX = 17
_NAMED = 0.85
_WHOM = LISTS.members("debtors", "concepts", CONCEPTS)
_NOT_WHOM = LISTS.members("no_debtors", "concepts", CONCEPTS)


def weigh_debtor_names(candidates: list[Candidate], head: SampleRows) -> None:
    """Use codes with one adjacent name each as customer codes, and a lone column of people as names."""
    _codes_beside_names(candidates, head)
    _clients_beside_titles(candidates)
    _clients_of_lawyers(candidates)
    if any(candidate.may_be(NAMES) for candidate in candidates):
        return
    named = _beside_codes(candidates, head) or _alone(candidates)
    if len(named) == 1:
        named[0].decide(Field.NAME, _NAMED, "only_people")


def _clients_beside_titles(candidates: list[Candidate]) -> None:
    """Use the Client column as the debtor's name where Nom contains job titles."""
    titles = [
        candidate
        for candidate in candidates
        if candidate.may_be((Field.NAME,)) and "debtor" not in candidate.concepts
    ]
    clients = [
        candidate
        for candidate in candidates
        if "debtor" in candidate.concepts and candidate.claim(Field.NAME)
    ]
    if len(titles) == len(clients) == 1 and _are_people(clients[0]) and _are_phrases(titles[0]):
        clients[0].decide(Field.NAME, 0.9, "header")
        titles[0].set_claims(
            [Claim(Field.OBJECT, 0.85)],
            ColumnReason(
                "contents", titles[0].heading | {"example": contents.texts_of(titles[0].profile)[0]}
            ),
        )


def _are_phrases(candidate: Candidate) -> bool:
    """Return whether most cells continue in lower case after their first word, as no name does."""
    texts = contents.texts_of(candidate.profile)
    return contents.share_matching(texts, lambda text: bool(_PHRASE.match(text))) >= _SPACED_MIN


def _clients_of_lawyers(candidates: list[Candidate]) -> None:
    """Use the clients of a law firm as its debtors, where no other column names people: `Mandant`."""
    if any(candidate.is_known and candidate.may_be(NAMES) for candidate in candidates):
        return
    clients = [
        candidate
        for candidate in candidates
        if _CLIENT.search(candidate.column.header.casefold()) and contents.are_people(candidate.profile)
    ]
    if len(clients) == 1:
        clients[0].decide(Field.NAME, 0.9, "header")


def _alone(candidates: list[Candidate]) -> list[Candidate]:
    """Return the file's only column of people, where its header may name the debtor."""
    people = [candidate for candidate in _people(candidates) if not candidate.concepts & _NOT_WHOM]
    return people if len(people) == 1 and people[0].concepts & _WHOM else []


def _codes_beside_names(candidates: list[Candidate], head: SampleRows) -> None:
    """Use one-word codes as customer references, where each has one adjacent name of several words."""
    if any(candidate.may_be((Field.DEBTOR_REFERENCE,)) for candidate in candidates):
        return
    for code in [
        candidate for candidate in candidates if candidate.may_be((Field.NAME,)) and _are_codes(candidate)
    ]:
        other_names = [
            candidate
            for candidate in candidates
            if candidate is not code and candidate.claim(Field.NAME) and not _are_codes(candidate)
        ]
        named = [
            candidate
            for candidate in other_names
            if _are_people(candidate) and head.is_named_by(code.profile, candidate.profile)
        ]
        if len(named) == 1:
            code.decide(Field.DEBTOR_REFERENCE, 0.9, "names_beside", named[0])
            named[0].decide(Field.NAME, 0.9, "header")
            return


def _beside_codes(candidates: list[Candidate], head: SampleRows) -> list[Candidate]:
    """Return the columns of people with one name per customer code."""
    codes = [candidate for candidate in candidates if candidate.may_be((Field.DEBTOR_REFERENCE,))]
    is_list = not any(
        candidate.may_be((Field.INVOICE_REFERENCE, Field.REFERENCE)) for candidate in candidates
    )
    return [
        candidate
        for candidate in _people(candidates)
        if not candidate.concepts & _NOT_WHOM
        and any(
            head.is_named_by(code.profile, candidate.profile)
            or (is_list and _is_unique(code) and _is_unique(candidate))
            for code in codes
        )
    ]


def _people(candidates: list[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if _are_people(candidate)]


def _are_people(candidate: Candidate) -> bool:
    """Return whether a column's cells may be names, most of them of several words."""
    texts = contents.texts_of(candidate.profile)
    return (
        contents.are_people(candidate.profile)
        and contents.share_matching(texts, lambda text: " " in text) >= _SPACED_MIN
    )


def _are_codes(candidate: Candidate) -> bool:
    """Return whether a column's cells are single words in capitals, as codes are."""
    return (
        contents.share_matching(
            contents.texts_of(candidate.profile),
            lambda text: text == text.upper() and " " not in text and len(text) <= _CODE_MAX,
        )
        == 1
    )


def _is_unique(candidate: Candidate) -> bool:
    return candidate.profile.filled == candidate.profile.distinct > 1
