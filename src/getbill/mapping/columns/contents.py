"""Evidence of a column's contents: a header that names e-mail above phone numbers is wrong.

`fit` scores how well contents support a field that a header names, `claims_from_contents` returns the fields
that contents indicate on their own. Contents alone never decide an amount or a date: those raise a question.
"""

import re
from collections.abc import Callable

from getbill.mapping import values
from getbill.mapping.fields import AMOUNTS, DATES, Field
from getbill.mapping.model import CERTAIN
from getbill.mapping.values import NO_NUMBER, NOTHING
from getbill.mapping.vocabulary import CIVILITIES, LANGUAGES, Claim, currency_of, is_company
from getbill.sheets import CellKind, ColumnProfile, drop_zero_fraction, read_text

_FRACTION = re.compile(r"^[^.]*\d[.,]\d{1,3}\D*$|^\D*\d{1,3}(?:\.\d{3})+,\d{1,3}\D*$")
_DIALLED = re.compile(r"^(\+|00|0|\(0)")
_POSTAL_CITY = re.compile(
    r"(\b[A-Z]{0,2}-?\d{4,5}\b|\b\d{4} ?[A-Z]{2}\b|^\d{3} \d{2}\b).*[^\W\d]{3}|[^\W\d]{3}.*\d{4,5}"
)
_ADDRESS = re.compile(r"[^\s@,;<>:]+@[^\s@,;<>]+\.[^\s@,;<>.]{2,}")
_NO_NAMES = (CellKind.EMAIL, CellKind.DATE, CellKind.PHONE, CellKind.NUMBER, CellKind.YES_NO)
_HOUSE = re.compile(r"\d{1,5}\s*[-/]?\s*\w{0,6}")


def fit(claim: Claim, profile: ColumnProfile) -> float:
    """Return how well a column's cells support a claim: 1 fully or when empty, towards 0 not at all."""
    if not profile.filled:
        return 1.0
    if claim.field in AMOUNTS:
        return _amounts(profile)
    if claim.field in DATES:
        return _share(max(profile.share(CellKind.DATE), 0.9 * profile.share(CellKind.SERIAL_DATE)))
    if claim.field in _KINDS:
        return _share(profile.share(_KINDS[claim.field]))
    return _SHAPES[claim.field](profile) if claim.field in _SHAPES else 1.0


def claims_from_contents(profile: ColumnProfile) -> tuple[Claim, ...]:  # noqa: PLR0911 - one return for each thing that cells show
    """Return the fields that a column's cells indicate without a header."""
    if not profile.filled:
        return ()
    for kind, field, score in _BY_KIND:
        if profile.share(kind) >= 0.9:
            return (Claim(field, score),)
    if profile.share(CellKind.DATE) >= 0.9:
        return (Claim(Field.INVOICE_DATE, 0.55), Claim(Field.DUE_DATE, 0.55))
    if profile.share(CellKind.NUMBER) >= 0.9:
        is_amount = (has_fractions(profile) or profile.currencies) and not _are_long(profile)
        return (Claim(Field.AMOUNT, 0.6),) if is_amount else ()
    texts = texts_of(profile)
    if (
        profile.share(CellKind.PHONE) >= 0.9
        and share_matching(texts, lambda text: bool(_DIALLED.match(text))) >= 0.5
    ):
        return (Claim(Field.PHONE, 0.82),)
    if _codes(profile) > 0.9 and profile.distinct == profile.filled > 1:
        return (Claim(Field.REFERENCE, 0.55),)
    return (Claim(Field.NAME, 0.55),) if _letters(profile) >= 0.9 and _spaced(texts) >= 0.7 else ()


def texts_of(profile: ColumnProfile) -> list[str]:
    """Return a column's samples as displayed."""
    return [text for sample in profile.samples if (text := read_text(sample))]


def share_matching(texts: list[str], holds: Callable[[str], bool]) -> float:
    """Return the share of texts that satisfy a predicate."""
    return sum(1 for text in texts if holds(text)) / len(texts) if texts else 0.0


def has_fractions(profile: ColumnProfile) -> bool:
    """Return whether a column has numbers with decimals."""
    return any(
        (isinstance(sample, float) and not sample.is_integer())
        or (isinstance(sample, str) and _FRACTION.search(sample))
        for sample in profile.samples
    )


def are_companies(profile: ColumnProfile) -> bool:
    """Return whether most of a column's cells end in the legal form of a company."""
    return share_matching(texts_of(profile), is_company) >= 0.5


def are_people(profile: ColumnProfile) -> bool:
    """Return whether a column's cells may be names of people or companies: words without another type."""
    are_words = share_matching(texts_of(profile), lambda text: not any(map(str.isdigit, text))) >= CERTAIN
    return are_words and profile.filled > 0 and not any(profile.share(kind) >= 0.5 for kind in _NO_NAMES)


def are_whole_addresses(profile: ColumnProfile) -> bool:
    """Return whether most cells contain an address with its postal code and city."""
    return share_matching(texts_of(profile), lambda text: len(text) > 14 and bool(_WHOLE.search(text))) >= 0.6


_WHOLE = re.compile(
    r"\b\d{4,5}\b[\s,-]+[^\W\d]{2}|\b\d{4} ?[A-Z]{2}\b|\b[A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}\b|\b[A-Z]{2},? \d{5}\b"
)


def _share(share: float) -> float:
    if share >= 0.8:
        return 1.0
    return 0.85 if share >= 0.5 else 0.6 if share >= 0.2 else 0.1


def _amounts(profile: ColumnProfile) -> float:
    share = profile.share(CellKind.NUMBER)
    if profile.share(CellKind.DATE) >= 0.5 or profile.share(CellKind.YES_NO) >= 0.9:
        return 0.05
    # Zeros and ones are also yes and no; long whole numbers are codes.
    return 0.3 if _are_long(profile) else _share(share)


def _are_long(profile: ColumnProfile) -> bool:
    return (
        share_matching(
            texts_of(profile),
            lambda text: (digits := drop_zero_fraction(text)).isdigit() and len(digits) >= 9,
        )
        >= 0.8
    )


def _letters(profile: ColumnProfile) -> float:
    return share_matching(texts_of(profile), _is_lettered)


def _is_lettered(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return letters > 0 and letters >= sum(map(str.isdigit, text))


def _spaced(texts: list[str]) -> float:
    return share_matching(texts, lambda text: " " in text)


def _codes(profile: ColumnProfile) -> float:
    return share_matching(texts_of(profile), lambda text: any(s.isdigit() for s in text) and " " not in text)


def _words_fit(profile: ColumnProfile) -> float:
    """Return the score for names, cities and streets: mostly letters, without another type."""
    if (
        max(
            profile.share(CellKind.EMAIL),
            profile.share(CellKind.DATE),
            profile.share(CellKind.URL),
            profile.share(CellKind.IBAN),
        )
        >= 0.5
    ):
        return 0.1
    return 1.0 if _letters(profile) >= 0.5 else 0.3


def _name_fit(profile: ColumnProfile) -> float:
    if share_matching(texts_of(profile), lambda text: text.casefold().rstrip(".") in CIVILITIES) >= 0.6:
        return 0.1
    # C00123 is a customer code, ACME 2000 is not.
    return 0.45 if _codes(profile) >= 0.7 else _words_fit(profile)


def _company(profile: ColumnProfile) -> float:
    # One company in every row is the creditor itself.
    return 0.45 if profile.filled > 3 and profile.distinct == 1 else _name_fit(profile)


def _reference(profile: ColumnProfile) -> float:
    if max(profile.share(CellKind.EMAIL), profile.share(CellKind.URL)) >= 0.5:
        return 0.1
    if profile.share(CellKind.DATE) >= 0.8 and profile.share(CellKind.INTEGER) < 0.5:
        return 0.2
    if (
        profile.share(CellKind.NUMBER) >= 0.9
        and has_fractions(profile)
        and CellKind.WHOLE_FLOAT not in profile.kinds
    ):
        return 0.2
    digits = share_matching(texts_of(profile), lambda text: any(sign.isdigit() for sign in text))
    return 1.0 if digits >= 0.5 else 0.55


def _customer_code(profile: ColumnProfile) -> float:
    """Return the score for customer codes, with or without digits: CDUPON, 0SOLEIL."""
    one_word = share_matching(texts_of(profile), lambda text: " " not in text and len(text) <= 20)
    return max(_reference(profile), 1.0 if one_word >= 0.9 and profile.share(CellKind.EMAIL) < 0.5 else 0.0)


def _phones(profile: ColumnProfile) -> float:
    """Return the score for phone numbers; cells that state the absence of one do not count."""
    if profile.share(CellKind.DATE) >= 0.5:
        return 0.1
    texts = [text for text in map(drop_zero_fraction, texts_of(profile)) if text.casefold() not in NO_NUMBER]
    return _share(share_matching(texts, values.looks_like_numbers)) if texts else 1.0


def _house(profile: ColumnProfile) -> float:
    return 1.0 if share_matching(texts_of(profile), lambda text: bool(_HOUSE.fullmatch(text))) >= 0.7 else 0.3


def _postal_code(profile: ColumnProfile) -> float:
    short = share_matching(
        texts_of(profile), lambda text: len(text) <= 10 and any(sign.isdigit() for sign in text)
    )
    return 1.0 if profile.share(CellKind.POSTCODE) >= 0.5 or short >= 0.8 else 0.3


def _postal_city(profile: ColumnProfile) -> float:
    return (
        1.0 if share_matching(texts_of(profile), lambda text: bool(_POSTAL_CITY.search(text))) >= 0.6 else 0.3
    )


def _lookup_fit(table: Callable[[str], object]) -> Callable[[ColumnProfile], float]:
    return lambda profile: (
        1.0 if share_matching(texts_of(profile), lambda text: bool(table(text))) >= 0.6 else 0.5
    )


def _emails(profile: ColumnProfile) -> float:
    """Return the score for e-mail addresses, alone or with surrounding text."""
    texts = [text for text in texts_of(profile) if text.casefold() not in NOTHING]
    around = share_matching(texts, lambda text: bool(_ADDRESS.search(text))) if texts else 1.0
    return _share(max(profile.share(CellKind.EMAIL), around))


_KINDS = {Field.IBAN: CellKind.IBAN, Field.PAYMENT_LINK: CellKind.URL}
_SHAPES: dict[Field, Callable[[ColumnProfile], float]] = {
    Field.EMAIL: _emails,
    Field.PHONE: _phones,
    Field.MOBILE: _phones,
    Field.CURRENCY: _lookup_fit(currency_of),
    Field.COUNTRY: lambda profile: 1.0 if profile.share(CellKind.COUNTRY) >= 0.5 else 0.75,
    Field.CIVILITY: _lookup_fit(lambda text: text.casefold().rstrip(".") in CIVILITIES),
    Field.LANGUAGE: _lookup_fit(lambda text: text.casefold() in LANGUAGES),
    Field.POSTAL_CODE: _postal_code,
    Field.POSTAL_CITY: _postal_city,
    Field.STREET_NUMBER: _house,
    Field.NAME: _name_fit,
    Field.FIRST_NAME: _words_fit,
    Field.LAST_NAME: _words_fit,
    Field.COMPANY: _company,
    Field.CITY: _words_fit,
    Field.STREET_ADDRESS: _words_fit,
    Field.ADDRESS: _words_fit,
    Field.OBJECT: _words_fit,
    Field.CREDITOR: _words_fit,
    Field.REFERENCE: _reference,
    Field.INVOICE_REFERENCE: _reference,
    Field.DEBTOR_REFERENCE: _customer_code,
}
_BY_KIND = (
    (CellKind.EMAIL, Field.EMAIL, 0.88),
    (CellKind.IBAN, Field.IBAN, 0.6),
    (CellKind.CURRENCY, Field.CURRENCY, 0.85),
    (CellKind.CIVILITY, Field.CIVILITY, 0.85),
    (CellKind.URL, Field.PAYMENT_LINK, 0.5),
)
