"""What a column can be by what it contains: a header that says e-mail above telephone numbers is wrong.

`fit` says how well contents support a field that a header names, `seen` what contents show by themselves.
Contents alone never decide an amount or a date: those are asked.
"""

import re
from collections.abc import Callable

from getbill.mapping import values
from getbill.mapping.model import AMOUNTS, CERTAIN, DATES, Field
from getbill.mapping.values import NO_NUMBER, NOTHING
from getbill.mapping.vocabulary import CIVILITIES, LANGUAGES, Claim, currency_of, is_company
from getbill.sheets import ColumnProfile, Kind, read_text, whole

_FRACTION = re.compile(r"^[^.]*\d[.,]\d{1,3}\D*$|^\D*\d{1,3}(?:\.\d{3})+,\d{1,3}\D*$")
_DIALLED = re.compile(r"^(\+|00|0|\(0)")
_POSTAL_CITY = re.compile(
    r"(\b[A-Z]{0,2}-?\d{4,5}\b|\b\d{4} ?[A-Z]{2}\b|^\d{3} \d{2}\b).*[^\W\d]{3}|[^\W\d]{3}.*\d{4,5}"
)
_ADDRESS = re.compile(r"[^\s@,;<>:]+@[^\s@,;<>]+\.[^\s@,;<>.]{2,}")
_NO_NAMES = (Kind.EMAIL, Kind.DATE, Kind.PHONE, Kind.NUMBER, Kind.YES_NO)
_HOUSE = re.compile(r"\d{1,5}\s*[-/]?\s*\w{0,6}")


def fit(claim: Claim, found: ColumnProfile) -> float:
    """Return how well a column's cells support a claim: 1 fully or when it is empty, towards 0 not at all."""
    if not found.filled:
        return 1.0
    if claim.field in AMOUNTS:
        return _amounts(found)
    if claim.field in DATES:
        return _share(max(found.share(Kind.DATE), 0.9 * found.share(Kind.SERIAL_DATE)))
    if claim.field in _KINDS:
        return _share(found.share(_KINDS[claim.field]))
    return _SHAPES[claim.field](found) if claim.field in _SHAPES else 1.0


def seen(found: ColumnProfile) -> tuple[Claim, ...]:  # noqa: PLR0911 - one return for each thing that cells show
    """Return the fields that a column's cells show without any header."""
    if not found.filled:
        return ()
    for kind, field, score in _BY_KIND:
        if found.share(kind) >= 0.9:
            return (Claim(field, score),)
    if found.share(Kind.DATE) >= 0.9:
        return (Claim(Field.INVOICE_DATE, 0.55), Claim(Field.DUE_DATE, 0.55))
    if found.share(Kind.NUMBER) >= 0.9:
        is_amount = (has_fractions(found) or found.currencies) and not _are_long(found)
        return (Claim(Field.AMOUNT, 0.6),) if is_amount else ()
    texts = texts_of(found)
    if found.share(Kind.PHONE) >= 0.9 and part(texts, lambda text: bool(_DIALLED.match(text))) >= 0.5:
        return (Claim(Field.PHONE, 0.82),)
    if _codes(found) > 0.9 and found.distinct == found.filled > 1:
        return (Claim(Field.REFERENCE, 0.55),)
    return (Claim(Field.NAME, 0.55),) if _letters(found) >= 0.9 and _spaced(texts) >= 0.7 else ()


def texts_of(found: ColumnProfile) -> list[str]:
    """Return a column's samples as people see them."""
    return [text for sample in found.samples if (text := read_text(sample))]


def part(texts: list[str], holds: Callable[[str], bool]) -> float:
    """Return the share of texts for which something holds."""
    return sum(1 for text in texts if holds(text)) / len(texts) if texts else 0.0


def has_fractions(found: ColumnProfile) -> bool:
    """Tell whether a column has numbers with decimals."""
    return any(
        (isinstance(sample, float) and not sample.is_integer())
        or (isinstance(sample, str) and _FRACTION.search(sample))
        for sample in found.samples
    )


def are_companies(found: ColumnProfile) -> bool:
    """Tell whether most of a column's cells end in the legal form of a company."""
    return part(texts_of(found), is_company) >= 0.5


def are_people(found: ColumnProfile) -> bool:
    """Tell whether a column's cells may be names of people or companies: words, and nothing of another shape."""
    are_words = part(texts_of(found), lambda text: not any(map(str.isdigit, text))) >= CERTAIN
    return are_words and found.filled > 0 and not any(found.share(kind) >= 0.5 for kind in _NO_NAMES)


def are_whole_addresses(found: ColumnProfile) -> bool:
    """Tell whether most cells hold an address with its postal code and city."""
    return part(texts_of(found), lambda text: len(text) > 14 and bool(_WHOLE.search(text))) >= 0.6


_WHOLE = re.compile(
    r"\b\d{4,5}\b[\s,-]+[^\W\d]{2}|\b\d{4} ?[A-Z]{2}\b|\b[A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}\b|\b[A-Z]{2},? \d{5}\b"
)


def _share(share: float) -> float:
    if share >= 0.8:
        return 1.0
    return 0.85 if share >= 0.5 else 0.6 if share >= 0.2 else 0.1


def _amounts(found: ColumnProfile) -> float:
    share = found.share(Kind.NUMBER)
    if found.share(Kind.DATE) >= 0.5 or found.share(Kind.YES_NO) >= 0.9:
        return 0.05
    # Zeros and ones are also yes and no; long whole numbers are codes.
    return 0.3 if _are_long(found) else _share(share)


def _are_long(found: ColumnProfile) -> bool:
    return part(texts_of(found), lambda text: (digits := whole(text)).isdigit() and len(digits) >= 9) >= 0.8


def _letters(found: ColumnProfile) -> float:
    return part(texts_of(found), _is_lettered)


def _is_lettered(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return letters > 0 and letters >= sum(map(str.isdigit, text))


def _spaced(texts: list[str]) -> float:
    return part(texts, lambda text: " " in text)


def _codes(found: ColumnProfile) -> float:
    return part(texts_of(found), lambda text: any(s.isdigit() for s in text) and " " not in text)


def _words(found: ColumnProfile) -> float:
    """Names, cities, streets: mostly letters, and none of what has a shape of its own."""
    if (
        max(found.share(Kind.EMAIL), found.share(Kind.DATE), found.share(Kind.URL), found.share(Kind.IBAN))
        >= 0.5
    ):
        return 0.1
    return 1.0 if _letters(found) >= 0.5 else 0.3


def _name(found: ColumnProfile) -> float:
    if part(texts_of(found), lambda text: text.casefold().rstrip(".") in CIVILITIES) >= 0.6:
        return 0.1
    # C00123 is a customer's number, ACME 2000 is not.
    return 0.45 if _codes(found) >= 0.7 else _words(found)


def _company(found: ColumnProfile) -> float:
    # One and the same company in every row is the creditor's own.
    return 0.45 if found.filled > 3 and found.distinct == 1 else _name(found)


def _reference(found: ColumnProfile) -> float:
    if max(found.share(Kind.EMAIL), found.share(Kind.URL)) >= 0.5:
        return 0.1
    if found.share(Kind.DATE) >= 0.8 and found.share(Kind.INTEGER) < 0.5:
        return 0.2
    if found.share(Kind.NUMBER) >= 0.9 and has_fractions(found) and Kind.WHOLE_FLOAT not in found.kinds:
        return 0.2
    digits = part(texts_of(found), lambda text: any(sign.isdigit() for sign in text))
    return 1.0 if digits >= 0.5 else 0.55


def _customer_code(found: ColumnProfile) -> float:
    """CDUPON and 0SOLEIL are codes of customers, with digits or without."""
    one_word = part(texts_of(found), lambda text: " " not in text and len(text) <= 20)
    return max(_reference(found), 1.0 if one_word >= 0.9 and found.share(Kind.EMAIL) < 0.5 else 0.0)


def _phones(found: ColumnProfile) -> float:
    """Return how well a column's cells are telephone numbers; what says that there is none does not count."""
    if found.share(Kind.DATE) >= 0.5:
        return 0.1
    texts = [text for text in map(whole, texts_of(found)) if text.casefold() not in NO_NUMBER]
    return _share(part(texts, values.is_written)) if texts else 1.0


def _house(found: ColumnProfile) -> float:
    return 1.0 if part(texts_of(found), lambda text: bool(_HOUSE.fullmatch(text))) >= 0.7 else 0.3


def _postal_code(found: ColumnProfile) -> float:
    short = part(texts_of(found), lambda text: len(text) <= 10 and any(sign.isdigit() for sign in text))
    return 1.0 if found.share(Kind.POSTCODE) >= 0.5 or short >= 0.8 else 0.3


def _postal_city(found: ColumnProfile) -> float:
    return 1.0 if part(texts_of(found), lambda text: bool(_POSTAL_CITY.search(text))) >= 0.6 else 0.3


def _known(table: Callable[[str], object]) -> Callable[[ColumnProfile], float]:
    return lambda found: 1.0 if part(texts_of(found), lambda text: bool(table(text))) >= 0.6 else 0.5


def _emails(found: ColumnProfile) -> float:
    """Return how well a column's cells are e-mail addresses, alone or with what people write around them."""
    texts = [text for text in texts_of(found) if text.casefold() not in NOTHING]
    around = part(texts, lambda text: bool(_ADDRESS.search(text))) if texts else 1.0
    return _share(max(found.share(Kind.EMAIL), around))


_KINDS = {
    Field.IBAN: Kind.IBAN,
    Field.PAYMENT_LINK: Kind.URL,
}
_SHAPES: dict[Field, Callable[[ColumnProfile], float]] = {
    Field.EMAIL: _emails,
    Field.PHONE: _phones,
    Field.MOBILE: _phones,
    Field.CURRENCY: _known(currency_of),
    Field.COUNTRY: lambda found: 1.0 if found.share(Kind.COUNTRY) >= 0.5 else 0.75,
    Field.CIVILITY: _known(lambda text: text.casefold().rstrip(".") in CIVILITIES),
    Field.LANGUAGE: _known(lambda text: text.casefold() in LANGUAGES),
    Field.POSTAL_CODE: _postal_code,
    Field.POSTAL_CITY: _postal_city,
    Field.STREET_NUMBER: _house,
    Field.NAME: _name,
    Field.FIRST_NAME: _words,
    Field.LAST_NAME: _words,
    Field.COMPANY: _company,
    Field.CITY: _words,
    Field.STREET_ADDRESS: _words,
    Field.ADDRESS: _words,
    Field.OBJECT: _words,
    Field.CREDITOR: _words,
    Field.REFERENCE: _reference,
    Field.INVOICE_REFERENCE: _reference,
    Field.DEBTOR_REFERENCE: _customer_code,
}
_BY_KIND = (
    (Kind.EMAIL, Field.EMAIL, 0.88),
    (Kind.IBAN, Field.IBAN, 0.6),
    (Kind.CURRENCY, Field.CURRENCY, 0.85),
    (Kind.CIVILITY, Field.CIVILITY, 0.85),
    (Kind.URL, Field.PAYMENT_LINK, 0.5),
)
