"""Currency of a file's amounts, where its rows do not state one.

A symbol beside the amounts or a code in their header has precedence over the company's own currency. Where
the file indicates another country and names no currency, or uses a symbol of several currencies, a person
decides.
"""

import re
from collections import Counter

from getbill import sheets
from getbill.mapping.amounts.units import LISTS
from getbill.mapping.columns import Candidate, texts_of
from getbill.mapping.fields import AMOUNTS, Field
from getbill.mapping.model import ColumnMapping, ColumnReason, Currency, Question
from getbill.mapping.vocabulary import currency_of, currency_of_country

# Dialling codes of countries whose currency differs from their neighbours', longest first.
_DIALLED = LISTS.concepts_by_word("dialling_codes")

_SIGNS_IN_HEADERS = LISTS.pattern("signs", flags=re.IGNORECASE)


def decide_currency(
    columns: list[ColumnMapping], candidates: list[Candidate], layout: sheets.Layout, company: str
) -> tuple[Currency, list[Question]]:
    """Return the currency of rows that name none, and the questions about it."""
    amounts = [
        candidate
        for candidate, column in zip(candidates, columns, strict=True)
        if column.field in AMOUNTS - {Field.AMOUNT_PAID}
    ]
    signs, questions = _decide_signs(amounts, company)
    stated = _stated_currencies(amounts, signs)
    if len(stated) > 1:
        return _ask_currency(company, "currencies_differ", tuple(stated), _headers(amounts), signs)
    currency_column = next((column for column in columns if column.field == Field.CURRENCY), None)
    if stated:
        code, reason = next(iter(stated.items()))
        return Currency(code, reason, signs), questions
    if currency_column is not None:
        profile = next(
            candidate for candidate in candidates if candidate.column.index == currency_column.index
        ).profile
        column_signs, column_questions = _column_signs(profile, company)
        return Currency(
            company, ColumnReason("own_column", {"header": currency_column.header}), signs | column_signs
        ), questions + column_questions
    if questions:
        return Currency(company, ColumnReason("company", {"code": company}), signs), questions
    if other := _other_currencies(columns, candidates, layout, company):
        return _ask_currency(company, "currency_unstated", tuple(other), {"currencies": list(other)}, signs)
    return Currency(company, ColumnReason("company", {"code": company}), signs), []


def header_signs(header: str) -> list[str]:
    """Return the currency symbols and words in a header that are not ISO codes: `$`, `zł`, `euros`."""
    return [sign.casefold() for sign in _SIGNS_IN_HEADERS.findall(header)]


def _decide_signs(amounts: list[Candidate], company: str) -> tuple[dict[str, str], list[Question]]:
    """Return the currency of each shared symbol, and a question where nothing decides."""
    signs: dict[str, str] = {}
    questions: list[Question] = []
    for candidate in amounts:
        for sign in (*candidate.profile.currencies, *header_signs(candidate.column.header)):
            codes = currency_of(sign)
            named = candidate.tokens.currency
            if len(codes) < 2 or sign in signs:
                continue
            if company in codes or named in codes:
                signs[sign] = named if named in codes and named else company
            else:
                facts = {
                    "sign": sign,
                    "header": candidate.column.header,
                    "in_header": sign not in candidate.profile.currencies,
                }
                questions.append(
                    Question("currency_sign", (candidate.column.index,), Field.CURRENCY, codes, None, facts)
                )
    return signs, questions


def _column_signs(profile: sheets.ColumnProfile, company: str) -> tuple[dict[str, str], list[Question]]:
    signs: dict[str, str] = {}
    questions: list[Question] = []
    for text in dict.fromkeys([*texts_of(profile), *profile.values]):
        codes = currency_of(text)
        if len(codes) < 2:
            continue
        if company in codes:
            signs[text.strip().casefold()] = company
        else:
            facts = {"sign": text, "header": profile.column.header}
            questions.append(
                Question("currency_sign", (profile.column.index,), Field.CURRENCY, codes, None, facts)
            )
    return signs, questions


def _stated_currencies(amounts: list[Candidate], signs: dict[str, str]) -> dict[str, ColumnReason]:
    """Return the currencies that the headers and cells of the amounts name, each with its reason."""
    stated: dict[str, ColumnReason] = {}
    for candidate in amounts:
        if candidate.tokens.currency:
            stated[candidate.tokens.currency] = ColumnReason(
                "header_code", {"header": candidate.column.header}
            )
        for sign in header_signs(candidate.column.header):
            codes = currency_of(sign)
            if code := codes[0] if len(codes) == 1 else signs.get(sign):
                stated.setdefault(code, ColumnReason("header_code", {"header": candidate.column.header}))
        # The currency in a workbook's number format, which the cells do not contain.
        format_codes = currency_of(candidate.column.currency)
        if len(format_codes) == 1:
            stated.setdefault(format_codes[0], ColumnReason("sign", {"header": candidate.column.header}))
        counted: Counter[str] = Counter()
        for sign, count in candidate.profile.currencies.items():
            codes = currency_of(sign)
            code = codes[0] if len(codes) == 1 else signs.get(sign)
            if code:
                counted[code] += count
        # With several currencies in one column, each row states its own; a single one applies to the column.
        if len(counted) == 1:
            code, count = counted.most_common(1)[0]
            stated.setdefault(code, ColumnReason("sign", {"header": candidate.column.header, "count": count}))
    return stated


def _other_currencies(
    columns: list[ColumnMapping], candidates: list[Candidate], layout: sheets.Layout, company: str
) -> list[str]:
    """Return other currencies indicated by the file's countries, phone numbers, dates and title."""
    for skipped in layout.skipped:
        words = skipped.text.replace("(", " ").replace(")", " ").replace(":", " ").replace(",", " ").split()
        for word in words:
            codes = (
                currency_of(word) if (len(word) == 3 and word.isupper()) or word in {"£", "€", "$"} else ()
            )
            if codes and company not in codes:
                return list(codes)
    places: Counter[str] = Counter()
    for candidate, column in zip(candidates, columns, strict=True):
        places.update(_column_countries(candidate, column.field))
    used = Counter[str]()
    for country, count in places.items():
        used[currency_of_country(country) or company] += count
    if not used or used[company] * 2 >= used.total():
        return []
    return [code for code, _ in used.most_common(3) if code != company]


def _column_countries(candidate: Candidate, field: Field | None) -> list[str]:
    """Return the countries that a column indicates, once per cell seen."""
    texts, number, day = texts_of(candidate.profile), candidate.profile.number, candidate.profile.date
    if field == Field.COUNTRY:
        return [country for text in texts if (country := sheets.country_of(text))]
    if field in {Field.PHONE, Field.MOBILE}:
        return _dialled_countries(texts)
    if field in {Field.INVOICE_DATE, Field.DUE_DATE} and day and day.order == "mdy" and day.is_certain:
        return ["US"] * max(1, len(texts))
    # Only Switzerland uses an apostrophe as a thousands separator.
    if field in AMOUNTS and number and number.thousands == "'":
        return ["CH"] * len(texts)
    return []


def _dialled_countries(texts: list[str]) -> list[str]:
    numbers = ["+" + text[2:] if text.startswith("00") else text for text in texts]
    return [
        country
        for text in numbers
        for code, country in _DIALLED.items()
        if text.replace(" ", "").startswith(code)
    ]


def _ask_currency(
    company: str, code: str, options: tuple[str, ...], facts: dict[str, object], signs: dict[str, str]
) -> tuple[Currency, list[Question]]:
    question = Question(code, (), Field.CURRENCY, tuple(dict.fromkeys((*options, company))), None, facts)
    return Currency(company, ColumnReason("company", {"code": company}), signs), [question]


def _headers(amounts: list[Candidate]) -> dict[str, object]:
    return {"headers": [candidate.column.header for candidate in amounts]}
