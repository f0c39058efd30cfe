"""What a file shows of the countries its debtors live in, each piece with the countries it leaves possible."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from getbill import sheets
from getbill.mapping import vocabulary
from getbill.mapping.model import DATES, Column, Currency, Field
from getbill.mapping.values import addresses, phone_formats
from getbill.mapping.values.cells import NO_NUMBER, text_of
from getbill.mapping.vocabulary import listen

PHONES = (Field.MOBILE, Field.PHONE)
_NUMBERS_MAX = 20
_MOSTLY = 0.8
# Signs in fewer rows than one of so many are of those rows only.
_FEW = 5
_SHORT = 4
_VARIED = 3
_CERTAIN = 3
# Headers of a language at least.
_HEADERS_MIN = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """Countries that one thing in the file leaves possible, `code` its reason, `weight` what it counts for.

    Direct evidence is of the debtors, what is not is of those who keep the books.
    """

    code: str
    countries: frozenset[str]
    weight: int = 1
    is_direct: bool = True
    example: str = ""
    # What is not may agree with a company's own country, and says nothing against another: English headers.
    is_narrowing: bool = True


class Rows:
    """The rows that do not name their country, as far as they were looked at, and what they hold by field."""

    def __init__(self, columns: Sequence[Column], profile: sheets.Profile) -> None:
        self._columns = {column.field: column for column in columns if column.field}
        towns = [self._town(cells) for cells in profile.head]
        usual = Counter(filter(None, towns)).most_common(1)
        # Rows of another country's cities than most are read by these.
        elsewhere = [town if usual and town != usual[0][0] else None for town in towns]
        known = [self._own(cells) or town for cells, town in zip(profile.head, elsewhere, strict=True)]
        self._head = [cells for cells, country in zip(profile.head, known, strict=True) if country is None]
        # Where rows name their countries, cells seen elsewhere may be of rows that do.
        self._profile = profile if not any(known) else None
        self.named = Counter(country for country in known if country)
        self.count = len(self._head)
        self.numbers = self._numbers()

    def column(self, field: Field) -> Column | None:
        """Return the column that is a field, if one is."""
        return self._columns.get(field)

    def texts(self, field: Field) -> list[str]:
        """Return the different texts of a field."""
        column = self.column(field)
        if column is None:
            return []
        seen = self._cells(field)
        if self._profile is not None:
            seen += [text_of(cell) for cell in self._profile.of(column.index).samples]
        return [text for text in dict.fromkeys(seen) if text]

    @property
    def are_mixed(self) -> bool:
        """Whether rows are plainly of several countries: in several currencies, or with numbers of several."""
        own = self.column(Field.CURRENCY)
        if own and self._profile is not None and len(self._profile.of(own.index).values) > 1:
            return True
        codes = {text.lstrip("+0 ")[:2] for field in PHONES for text in self.texts(field) if text[:1] == "+"}
        return len(codes) > 1

    def places(self) -> list[dict[str, str]]:
        """Return the postal code and the city of each row, as far as it has them."""
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

    def _own(self, cells: Sequence[sheets.Cell]) -> str | None:
        for field, country_of in _NAMING:
            column = self._columns.get(field)
            if column and (country := country_of(text_of(cells[column.index]))):
                return country
        return None

    def _town(self, cells: Sequence[sheets.Cell]) -> str | None:
        """Return the country of a row's city, where only one has it."""
        for field, city_of in _LOCATING:
            if column := self._columns.get(field):
                countries = vocabulary.of_city(city_of(text_of(cells[column.index])))
                return next(iter(countries)) if len(countries) == 1 else None
        return None

    def _numbers(self) -> list[str]:
        found: list[str] = []
        for field in PHONES:
            for text in self.texts(field):
                number = (phone_formats.several(text) or [text])[0]
                if (
                    text.casefold() not in NO_NUMBER
                    and "E+" not in text
                    and phone_formats.is_national(number)
                ):
                    found.append(phone_formats.plain(number))
        return found[:_NUMBERS_MAX]


def _of_address(text: str) -> str | None:
    parts = addresses.split_address(text) or {}
    return parts.get("country") or vocabulary.of_code(parts.get("postal_code", ""))


# By which fields a row says of which country it is, the surest first.
_NAMING: tuple[tuple[Field, Callable[[str], str | None]], ...] = (
    (Field.COUNTRY, sheets.country_of),
    (Field.POSTAL_CODE, vocabulary.of_code),
    (Field.ADDRESS, _of_address),
)


_LOCATING: tuple[tuple[Field, Callable[[str], str]], ...] = (
    (Field.CITY, str),
    (Field.POSTAL_CITY, lambda text: addresses.postal_city(text).get("city", "")),
    (Field.ADDRESS, lambda text: (addresses.split_address(text) or {}).get("city", "")),
)


def gathered(
    rows: Rows, columns: Sequence[Column], profile: sheets.Profile, currency: Currency
) -> list[Evidence]:
    """Return all that a file shows of its debtors' countries."""
    headers = [column.header for column in columns]
    found = [
        _named(rows, profile),
        *_placed(rows),
        _domains(rows.texts(Field.EMAIL), rows.count),
        _tax_numbers(columns, profile),
        _accounts(columns, profile),
        _of_currency(currency, columns, profile),
        _tax_headers(headers),
        *_languages(headers, rows),
        _month_first(columns, profile),
    ]
    return [one for one in found if one is not None and one.countries]


def _named(rows: Rows, profile: sheets.Profile) -> Evidence | None:
    """Return the country that rows name, where it is one and the same."""
    if len(rows.named) != 1 or rows.named.total() * 2 < len(profile.head):
        return None
    country = next(iter(rows.named))
    code = "country_column" if rows.column(Field.COUNTRY) else "country_shapes"
    return Evidence(code, frozenset({country}), _CERTAIN)


def _placed(rows: Rows) -> list[Evidence | None]:
    places = rows.places()
    codes = [place["postal_code"] for place in places if place.get("postal_code")]
    towns = [found for place in places if (found := vocabulary.of_city(place.get("city", "")))]
    named = [frozenset({place["country"]}) for place in places if place.get("country")]
    example = next((place["city"] for place in places if vocabulary.of_city(place.get("city", ""))), "")
    return [
        _coded(codes),
        _shared("country_cities", towns, len(places), example),
        _shared("country_shapes", named, len(places)),
    ]


def _coded(codes: list[str]) -> Evidence | None:
    if not codes:
        return None
    is_short = all(len(code) == _SHORT for code in codes)
    # Lost zeros leave codes of few regions: not of three or more, but in the east of Germany.
    is_varied = is_short and len({code[0] for code in codes}) >= _VARIED
    losing = frozenset({"DE"}) if is_varied else vocabulary.FIVE_DIGITS
    counts: Counter[str] = Counter()
    for code in codes:
        counts.update(vocabulary.fitting(code))
        if len(code) == _SHORT:
            counts.update(losing & vocabulary.fitting("0" + code))
    kept = frozenset(country for country, count in counts.items() if count >= _MOSTLY * len(codes))
    return Evidence("country_short_codes" if is_short else "country_codes", kept, 1, example=codes[0])


def _shared(code: str, found: list[frozenset[str]], rows: int, example: str = "") -> Evidence | None:
    """Return the countries that nearly all of some signs agree in, where more than a few rows have one."""
    if len(found) * _FEW < rows:
        return None
    counts = Counter(country for countries in found for country in countries)
    kept = frozenset(country for country, count in counts.items() if count >= _MOSTLY * len(found))
    return Evidence(code, kept, min(2, len(found)), example=example) if kept else None


def _domains(emails: list[str], rows: int) -> Evidence | None:
    found = [frozenset({country}) for email in emails if (country := vocabulary.of_domain(email))]
    shown = _shared("country_domains", found, min(rows, _NUMBERS_MAX))
    # One address of a country among other rows says nothing of these.
    return replace(shown, is_narrowing=len(found) > 1 or rows == 1) if shown else None


def _tax_numbers(columns: Sequence[Column], profile: sheets.Profile) -> Evidence | None:
    found = [
        frozenset({country})
        for column in columns
        if "taxid" in listen(column.header).concepts and _differs(profile.of(column.index))
        for text in texts_of(profile, column)
        if (country := vocabulary.of_tax_number(text))
    ]
    return _shared("country_tax", found, 0)


def _accounts(columns: Sequence[Column], profile: sheets.Profile) -> Evidence | None:
    found = [
        frozenset({text[:2]})
        for column in columns
        # Accounts that debtors are to pay to are the creditor's.
        if column.field != Field.IBAN
        and (seen := profile.of(column.index)).share(sheets.Kind.IBAN) >= _MOSTLY
        and _differs(seen)
        for text in texts_of(profile, column)
        if text[:2] in vocabulary.EVERYWHERE
    ]
    return _shared("country_ibans", found, 0)


def _of_currency(currency: Currency, columns: Sequence[Column], profile: sheets.Profile) -> Evidence | None:
    code = currency.code if currency.reason.code in {"sign", "header_code"} else ""
    own = next((column for column in columns if column.field == Field.CURRENCY), None)
    if own is not None:
        codes = {known for text in texts_of(profile, own) for known in sheets.currencies_of(text)}
        code = codes.pop() if len(codes) == 1 else ""
    if not code:
        return None
    countries = vocabulary.of_currency(code)
    weight = 0 if code in {"EUR", "USD"} else 2
    return Evidence("country_currency", countries, weight, is_direct=False, example=code)


def _tax_headers(headers: list[str]) -> Evidence | None:
    countries = vocabulary.of_headers(headers)
    return Evidence("country_headers", countries, 1, is_direct=False) if countries else None


def _languages(headers: list[str], rows: Rows) -> list[Evidence | None]:
    languages, count = vocabulary.languages(headers)
    lines = rows.texts(Field.STREET_ADDRESS) + rows.texts(Field.ADDRESS)
    streets = vocabulary.street_languages(lines) if lines else frozenset()
    spoken = None
    # Books that are kept in another language than the debtors' streets say nothing of the debtors.
    if count >= _HEADERS_MIN and not (streets and streets.isdisjoint(languages) and "en" not in languages):
        spoken = Evidence(
            "country_headers",
            _speaking(languages),
            is_direct=False,
            is_narrowing="en" not in languages,
        )
    return [spoken, Evidence("country_streets", _speaking(streets), 1) if streets else None]


def _month_first(columns: Sequence[Column], profile: sheets.Profile) -> Evidence | None:
    """Return the countries that write the month before the day, where the dates do."""
    shapes = [profile.of(column.index).date for column in columns if column.field in DATES]
    if any(shape and shape.order == "mdy" and shape.is_certain for shape in shapes):
        return Evidence("country_dates", frozenset({"US", "CA"}), 2, is_direct=False)
    return None


def _speaking(languages: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(vocabulary.SPOKEN[language] for language in languages))


def _differs(seen: sheets.ColumnProfile) -> bool:
    """Tell whether a column says something of each debtor: the same in all rows is the creditor's."""
    return seen.distinct > 1 or seen.filled == 1


def texts_of(profile: sheets.Profile, column: Column) -> list[str]:
    """Return the different texts of a column's first rows and samples."""
    seen = [*(cells[column.index] for cells in profile.head), *profile.of(column.index).samples]
    return [text for text in dict.fromkeys(map(text_of, seen)) if text]
