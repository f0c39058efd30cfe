"""Evidence in a file for the debtors' countries, each piece with the countries that it leaves possible."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from getbill import sheets
from getbill.mapping import vocabulary
from getbill.mapping.fields import DATES, Field
from getbill.mapping.model import ColumnMapping, Currency
from getbill.mapping.values import addresses, phone_formats
from getbill.mapping.values.cells import NO_NUMBER, text_of
from getbill.mapping.vocabulary import parse_header

PHONES = (Field.MOBILE, Field.PHONE)
_NUMBERS_MAX = 20
_MOSTLY = 0.8
# Evidence in less than one of this many rows applies to those rows only.
_FEW = 5
_SHORT = 4
_VARIED = 3
_CERTAIN = 3
# Minimum number of headers of a language.
_HEADERS_MIN = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """Countries possible by one piece of evidence; `code` is the reason, `weight` its strength.

    Direct evidence is about the debtors; indirect evidence is about the bookkeeper.
    """

    code: str
    countries: frozenset[str]
    weight: int = 1
    is_direct: bool = True
    example: str = ""
    # Otherwise it may support the company's own country, but excludes no other: English headers.
    is_narrowing: bool = True


class Rows:
    """The examined rows that do not name their country, with their contents by field."""

    def __init__(self, columns: Sequence[ColumnMapping], profile: sheets.Profile) -> None:
        self._columns = {column.field: column for column in columns if column.field}
        towns = [self._city_country(cells) for cells in profile.head]
        usual = Counter(filter(None, towns)).most_common(1)
        # Rows with a city of another country than most are read by that country.
        elsewhere = [town if usual and town != usual[0][0] else None for town in towns]
        row_countries = [
            self._named_country(cells) or town for cells, town in zip(profile.head, elsewhere, strict=True)
        ]
        self._head = [
            cells for cells, country in zip(profile.head, row_countries, strict=True) if country is None
        ]
        # Where rows name their countries, cells outside the first rows may belong to such rows.
        self._profile = profile if not any(row_countries) else None
        self.named = Counter(country for country in row_countries if country)
        self.count = len(self._head)
        self.numbers = self._numbers()

    def column(self, field: Field) -> ColumnMapping | None:
        """Return the column of a field, None where there is none."""
        return self._columns.get(field)

    def texts(self, field: Field) -> list[str]:
        """Return the distinct texts of a field."""
        column = self.column(field)
        if column is None:
            return []
        texts = self._cells(field)
        if self._profile is not None:
            texts += [text_of(cell) for cell in self._profile.column(column.index).samples]
        return [text for text in dict.fromkeys(texts) if text]

    @property
    def are_mixed(self) -> bool:
        """Whether the rows are clearly of several countries: several currencies, or numbers of several."""
        currency_column = self.column(Field.CURRENCY)
        if (
            currency_column
            and self._profile is not None
            and len(self._profile.column(currency_column.index).values) > 1
        ):
            return True
        codes = {text.lstrip("+0 ")[:2] for field in PHONES for text in self.texts(field) if text[:1] == "+"}
        return len(codes) > 1

    def places(self) -> list[dict[str, str]]:
        """Return the postal code and the city of each row, where present."""
        if Field.ADDRESS in self._columns:
            return [parts for text in self._cells(Field.ADDRESS) if (parts := addresses.split_address(text))]
        if Field.POSTAL_CITY in self._columns:
            return [addresses.postal_city(text) for text in self._cells(Field.POSTAL_CITY) if text]
        codes, cities = self._cells(Field.POSTAL_CODE), self._cells(Field.CITY)
        return [
            {"postal_code": code, "city": city} for code, city in zip_longest(codes, cities, fillvalue="")
        ]

    def _cells(self, field: Field) -> list[str]:
        column = self.column(field)
        return [text_of(cells[column.index]) for cells in self._head] if column else []

    def _named_country(self, cells: Sequence[sheets.Cell]) -> str | None:
        for field, country_of in _NAMING:
            column = self._columns.get(field)
            if column and (country := country_of(text_of(cells[column.index]))):
                return country
        return None

    def _city_country(self, cells: Sequence[sheets.Cell]) -> str | None:
        """Return the country of a row's city, where only one country has it."""
        for field, city_of in _LOCATING:
            if column := self._columns.get(field):
                countries = vocabulary.countries_of_city(city_of(text_of(cells[column.index])))
                return next(iter(countries)) if len(countries) == 1 else None
        return None

    def _numbers(self) -> list[str]:
        numbers: list[str] = []
        for field in PHONES:
            for text in self.texts(field):
                number = (phone_formats.split_numbers(text) or [text])[0]
                if (
                    text.casefold() not in NO_NUMBER
                    and "E+" not in text
                    and phone_formats.is_national(number)
                ):
                    numbers.append(phone_formats.bare_number(number))
        return numbers[:_NUMBERS_MAX]


def _of_address(text: str) -> str | None:
    parts = addresses.split_address(text) or {}
    return parts.get("country") or vocabulary.country_of_postal_code(parts.get("postal_code", ""))


# The fields by which a row names its country, the most certain first.
_NAMING: tuple[tuple[Field, Callable[[str], str | None]], ...] = (
    (Field.COUNTRY, sheets.country_of),
    (Field.POSTAL_CODE, vocabulary.country_of_postal_code),
    (Field.ADDRESS, _of_address),
)


_LOCATING: tuple[tuple[Field, Callable[[str], str]], ...] = (
    (Field.CITY, str),
    (Field.POSTAL_CITY, lambda text: addresses.postal_city(text).get("city", "")),
    (Field.ADDRESS, lambda text: (addresses.split_address(text) or {}).get("city", "")),
)


def gather_evidence(
    rows: Rows, columns: Sequence[ColumnMapping], profile: sheets.Profile, currency: Currency
) -> list[Evidence]:
    """Return all evidence in a file for its debtors' countries."""
    headers = [column.header for column in columns]
    evidence = [
        _named_country(rows, profile),
        *_address_evidence(rows),
        _domain_evidence(rows.texts(Field.EMAIL), rows.count),
        _tax_number_evidence(columns, profile),
        _iban_evidence(columns, profile),
        _currency_evidence(currency, columns, profile),
        _tax_headers(headers),
        *_languages(headers, rows),
        _month_first(columns, profile),
    ]
    return [piece for piece in evidence if piece is not None and piece.countries]


def _named_country(rows: Rows, profile: sheets.Profile) -> Evidence | None:
    """Return the country that rows name, where it is the same in all."""
    if len(rows.named) != 1 or rows.named.total() * 2 < len(profile.head):
        return None
    country = next(iter(rows.named))
    code = "country_column" if rows.column(Field.COUNTRY) else "country_shapes"
    return Evidence(code, frozenset({country}), _CERTAIN)


def _address_evidence(rows: Rows) -> list[Evidence | None]:
    places = rows.places()
    codes = [place["postal_code"] for place in places if place.get("postal_code")]
    towns = [
        countries for place in places if (countries := vocabulary.countries_of_city(place.get("city", "")))
    ]
    named = [frozenset({place["country"]}) for place in places if place.get("country")]
    example = next(
        (place["city"] for place in places if vocabulary.countries_of_city(place.get("city", ""))), ""
    )
    return [
        _postal_code_evidence(codes),
        _shared_evidence("country_cities", towns, len(places), example),
        _shared_evidence("country_shapes", named, len(places)),
    ]


def _postal_code_evidence(codes: list[str]) -> Evidence | None:
    if not codes:
        return None
    is_short = all(len(code) == _SHORT for code in codes)
    # Codes that lost a zero are from few regions, not from three or more, except in eastern Germany.
    is_varied = is_short and len({code[0] for code in codes}) >= _VARIED
    losing = frozenset({"DE"}) if is_varied else vocabulary.FIVE_DIGITS
    counts: Counter[str] = Counter()
    for code in codes:
        counts.update(vocabulary.countries_of_postal_code(code))
        if len(code) == _SHORT:
            counts.update(losing & vocabulary.countries_of_postal_code("0" + code))
    agreed = frozenset(country for country, count in counts.items() if count >= _MOSTLY * len(codes))
    return Evidence("country_short_codes" if is_short else "country_codes", agreed, 1, example=codes[0])


def _shared_evidence(
    code: str, country_sets: list[frozenset[str]], rows: int, example: str = ""
) -> Evidence | None:
    """Return the countries in which nearly all sets agree, where enough rows have one."""
    if len(country_sets) * _FEW < rows:
        return None
    counts = Counter(country for countries in country_sets for country in countries)
    agreed = frozenset(country for country, count in counts.items() if count >= _MOSTLY * len(country_sets))
    return Evidence(code, agreed, min(2, len(country_sets)), example=example) if agreed else None


def _domain_evidence(emails: list[str], rows: int) -> Evidence | None:
    country_sets = [
        frozenset({country}) for email in emails if (country := vocabulary.country_of_domain(email))
    ]
    evidence = _shared_evidence("country_domains", country_sets, min(rows, _NUMBERS_MAX))
    # A single address of a country says nothing about the other rows.
    return replace(evidence, is_narrowing=len(country_sets) > 1 or rows == 1) if evidence else None


def _tax_number_evidence(columns: Sequence[ColumnMapping], profile: sheets.Profile) -> Evidence | None:
    country_sets = [
        frozenset({country})
        for column in columns
        if "taxid" in parse_header(column.header).concepts and _differs(profile.column(column.index))
        for text in texts_of(profile, column)
        if (country := vocabulary.country_of_tax_number(text))
    ]
    return _shared_evidence("country_tax", country_sets, 0)


def _iban_evidence(columns: Sequence[ColumnMapping], profile: sheets.Profile) -> Evidence | None:
    country_sets = [
        frozenset({text[:2]})
        for column in columns
        # An account to pay to is the creditor's.
        if column.field != Field.IBAN
        and (column_profile := profile.column(column.index)).share(sheets.CellKind.IBAN) >= _MOSTLY
        and _differs(column_profile)
        for text in texts_of(profile, column)
        if text[:2] in vocabulary.EVERYWHERE
    ]
    return _shared_evidence("country_ibans", country_sets, 0)


def _currency_evidence(
    currency: Currency, columns: Sequence[ColumnMapping], profile: sheets.Profile
) -> Evidence | None:
    code = currency.code if currency.reason.code in {"sign", "header_code"} else ""
    currency_column = next((column for column in columns if column.field == Field.CURRENCY), None)
    if currency_column is not None:
        codes = {
            possible_code
            for text in texts_of(profile, currency_column)
            for possible_code in sheets.currencies_of(text)
        }
        code = codes.pop() if len(codes) == 1 else ""
    if not code:
        return None
    countries = vocabulary.countries_of_currency(code)
    weight = 0 if code in {"EUR", "USD"} else 2
    return Evidence("country_currency", countries, weight, is_direct=False, example=code)


def _tax_headers(headers: list[str]) -> Evidence | None:
    countries = vocabulary.countries_of_headers(headers)
    return Evidence("country_headers", countries, 1, is_direct=False) if countries else None


def _languages(headers: list[str], rows: Rows) -> list[Evidence | None]:
    languages, count = vocabulary.languages(headers)
    lines = rows.texts(Field.STREET_ADDRESS) + rows.texts(Field.ADDRESS)
    streets = vocabulary.street_languages(lines) if lines else frozenset()
    header_evidence = None
    # Headers in another language than the debtors' streets say nothing about the debtors.
    if count >= _HEADERS_MIN and not (streets and streets.isdisjoint(languages) and "en" not in languages):
        header_evidence = Evidence(
            "country_headers",
            _countries_speaking(languages),
            is_direct=False,
            is_narrowing="en" not in languages,
        )
    return [
        header_evidence,
        Evidence("country_streets", _countries_speaking(streets), 1) if streets else None,
    ]


def _month_first(columns: Sequence[ColumnMapping], profile: sheets.Profile) -> Evidence | None:
    """Return the countries that write the month before the day, where the dates do."""
    shapes = [profile.column(column.index).date for column in columns if column.field in DATES]
    if any(shape and shape.order == "mdy" and shape.is_certain for shape in shapes):
        return Evidence("country_dates", frozenset({"US", "CA"}), 2, is_direct=False)
    return None


def _countries_speaking(languages: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(vocabulary.COUNTRIES_BY_LANGUAGE[language] for language in languages))


def _differs(column_profile: sheets.ColumnProfile) -> bool:
    """Return whether a column describes each debtor: one value in all rows is the creditor's."""
    return column_profile.distinct > 1 or column_profile.filled == 1


def texts_of(profile: sheets.Profile, column: ColumnMapping) -> list[str]:
    """Return the distinct texts of a column's first rows and samples."""
    sampled_cells = [*(cells[column.index] for cells in profile.head), *profile.column(column.index).samples]
    return [text for text in dict.fromkeys(map(text_of, sampled_cells)) if text]
