"""The country of national telephone numbers and of addresses that name none, from the evidence of the whole file.

Each piece of evidence keeps some countries and drops the others. One that remains is taken; where several do, or none,
a human is asked. The company's own country only wins where evidence agrees with it and none speaks against it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from getbill import sheets
from getbill.imports.mapping import addresses, atlas, dialling
from getbill.imports.mapping.cells import NO_NUMBER, text_of
from getbill.imports.mapping.model import (
    DATES,
    Column,
    Currency,
    Field,
    FieldUnknown,
    Mapping,
    Question,
    Reason,
)
from getbill.kit import phones

PHONES = (Field.MOBILE, Field.PHONE)
# What a country is decided from: a change of any of these has it decided anew.
PLACES = frozenset(
    {
        *PHONES,
        Field.COUNTRY,
        Field.POSTAL_CODE,
        Field.POSTAL_CITY,
        Field.CITY,
        Field.ADDRESS,
        Field.STREET_ADDRESS,
    }
    | {Field.EMAIL, Field.IBAN}
)
UNSETTLED = "country_unsettled"
# What a human said or confirmed is not decided anew with every change.
_LASTING = frozenset({"human", "remembered"})
_NUMBERS_MAX = 20
_OPTIONS_MAX = 6
_EXAMPLES_MAX = 3
_MOSTLY = 0.8
# Evidence from which one country may be taken, and from which it may be against what the headers say.
_ENOUGH, _PLENTY, _OVERWHELMING = 2, 3, 4
# Evidence that a company's own country needs the agreement of: what is common to many countries does not do.
_AGREEING = frozenset(
    {
        "country_column",
        "country_cities",
        "country_domains",
        "country_tax",
        "country_headers",
        "country_streets",
    }
    | {"country_ibans", "country_shapes"}
)
_PARTING = frozenset(" .-/()\u00a0")


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
    # English headers agree with a company of an English-speaking country, and say nothing against any other.
    is_narrowing: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """The country of a file, or the company's with a reason that says that nothing settles it."""

    country: str
    reason: Reason
    questions: tuple[Question, ...] = ()
    # The countries that nothing speaks against.
    possible: frozenset[str] = atlas.EVERYWHERE


@dataclass(frozen=True, slots=True)
class Home:
    """The country that rows which name none are of, None where that is not settled.

    `has_lost_zeros` says that the postal codes of the file may lack their first zero.
    """

    country: str | None
    has_lost_zeros: bool = True


def decide(columns: Sequence[Column], profile: sheets.Profile, currency: Currency, company: str) -> Decision:
    """Return the country of a file's national numbers and addresses, with the question where it is not settled."""
    rows = _Rows(columns, profile)
    evidence = _gathered(rows, columns, profile, currency)
    possible = _common(evidence)
    country, why = _settled(evidence, possible, rows.numbers, company)
    if country:
        example = {"example": why.example} if why and why.example else {}
        return Decision(
            country,
            Reason(why.code if why else "country_company", {"country": country} | example),
            (),
            possible,
        )
    reason = Reason(UNSETTLED, {"country": company})
    questions = (_question(rows, evidence, company),) if rows.numbers else ()
    return Decision(company, reason, questions, possible)


def anew(mapping: Mapping, profile: sheets.Profile, answer: object, *, is_touched: bool) -> Mapping:
    """Return a changed mapping with the country that a human answers, or decided anew where its columns changed.

    Raise `FieldUnknown` where the answer is no country.
    """
    others = tuple(question for question in mapping.questions if question.code != "phone_country")
    if answer:
        country = sheets.country_of(str(answer))
        if country is None:
            raise FieldUnknown(f"{answer!r} is not a country: write its ISO 3166-1 code, such as NL.")
        return replace(mapping, country=country, country_reason=Reason("human"), questions=others)
    if not is_touched or mapping.country_reason.code in _LASTING:
        return mapping
    place = decide(mapping.columns, profile, mapping.currency, mapping.country)
    questions = others + place.questions
    return replace(mapping, country=place.country, country_reason=place.reason, questions=questions)


def recalled(mapping: Mapping, profile: sheets.Profile) -> Decision:
    """Return the country of a new file of a known layout: the remembered one unless the file speaks against it."""
    place = decide(mapping.columns, profile, mapping.currency, mapping.country)
    if mapping.country_reason.code == UNSETTLED:
        return place
    rows = _Rows(mapping.columns, profile)
    is_fitting = mapping.country in place.possible and _reads(mapping.country, rows.numbers, is_sure=False)
    if place.country == mapping.country or not rows.numbers or (place.questions and is_fitting):
        return replace(place, country=mapping.country, reason=mapping.country_reason, questions=())
    evidence = _gathered(rows, mapping.columns, profile, mapping.currency)
    question = _question(rows, evidence, mapping.country)
    return replace(
        place,
        country=mapping.country,
        reason=Reason(UNSETTLED, {"country": mapping.country}),
        questions=(question,),
    )


def home(mapping: Mapping, profile: sheets.Profile) -> Home:
    """Return the country of rows that name none, as far as the mapping settles it."""
    is_open = mapping.country_reason.code == UNSETTLED or any(
        question.code == "phone_country" for question in mapping.questions
    )
    codes = mapping.of(Field.POSTAL_CODE)
    texts = _texts(profile, codes) if codes else []
    keeps_zeros = any(len(text) == 5 and text[0] == "0" for text in texts)
    return Home(None if is_open else mapping.country, has_lost_zeros=not keeps_zeros)


def read(text: str, country: str) -> str | None:
    """Return a number in E.164 as a country reads it; None where it is none there."""
    number = dialling.international(text, country)
    if not number.startswith("+"):
        return None
    try:
        return phones.parse(number)
    except phones.PhoneInvalid:
        return None


class _Rows:
    """The rows that do not name their country, as far as they were looked at, and what they hold by field."""

    def __init__(self, columns: Sequence[Column], profile: sheets.Profile) -> None:
        self._columns = {column.field: column for column in columns if column.field}
        known = [self._own(cells) for cells in profile.head]
        self._head = [cells for cells, country in zip(profile.head, known, strict=True) if country is None]
        # Where rows name their countries, cells seen elsewhere may be of rows that do.
        self._profile = profile if not any(known) else None
        self.named = Counter(country for country in known if country)
        self.numbers = self._numbers()

    def column(self, field: Field) -> Column | None:
        """Return the column that is a field, if one is."""
        return self._columns.get(field)

    def texts(self, field: Field) -> list[str]:
        """Return the different texts of a field."""
        column = self.column(field)
        if column is None:
            return []
        seen = [text_of(cells[column.index]) for cells in self._head]
        if self._profile is not None:
            seen += [text_of(cell) for cell in self._profile.of(column.index).samples]
        return [text for text in dict.fromkeys(seen) if text]

    def places(self) -> list[dict[str, str]]:
        """Return the postal code and the city of each row, as far as it has them."""
        if Field.ADDRESS in self._columns:
            return [parts for text in self.texts(Field.ADDRESS) if (parts := addresses.parts(text))]
        if Field.POSTAL_CITY in self._columns:
            return [addresses.postal_city(text) for text in self.texts(Field.POSTAL_CITY)]
        codes = [{"postal_code": text} for text in self.texts(Field.POSTAL_CODE)]
        return codes + [{"city": text} for text in self.texts(Field.CITY)]

    def _own(self, cells: Sequence[sheets.Cell]) -> str | None:
        if column := self._columns.get(Field.COUNTRY):
            return sheets.country_of(text_of(cells[column.index]))
        if column := self._columns.get(Field.POSTAL_CODE):
            return atlas.of_code(text_of(cells[column.index]))
        return None

    def _numbers(self) -> list[str]:
        found: list[str] = []
        for field in PHONES:
            for text in self.texts(field):
                number = (dialling.several(text) or [text])[0]
                if text.casefold() not in NO_NUMBER and "E+" not in text and dialling.is_national(number):
                    found.append(dialling.plain(number))
        return found[:_NUMBERS_MAX]


def _gathered(
    rows: _Rows, columns: Sequence[Column], profile: sheets.Profile, currency: Currency
) -> list[Evidence]:
    headers = [column.header for column in columns]
    found = [
        _named(rows, profile),
        *_placed(rows),
        _domains(rows.texts(Field.EMAIL)),
        _tax_numbers(columns, profile),
        _accounts(columns, profile),
        _of_currency(currency, columns, profile),
        _tax_headers(headers),
        *_languages(headers, rows),
        _month_first(columns, profile),
    ]
    return [one for one in found if one is not None and one.countries]


def _common(evidence: Sequence[Evidence]) -> frozenset[str]:
    return atlas.EVERYWHERE.intersection(*(one.countries for one in evidence if one.is_narrowing))


def _settled(
    evidence: list[Evidence], possible: frozenset[str], numbers: list[str], company: str
) -> tuple[str | None, Evidence | None]:
    """Return the one country that evidence leaves, and the evidence that narrows it most."""
    agreeing = [one for one in evidence if one.code in _AGREEING and company in one.countries]
    if company in possible and agreeing and _reads(company, numbers, is_sure=True):
        return company, None if len(agreeing[0].countries) > 1 else agreeing[0]
    # A company's files have headers in its own language, whoever its debtors are.
    evidence = [
        one
        for one in evidence
        if one.is_narrowing and (one.code != "country_headers" or company not in one.countries)
    ]
    possible = _common(evidence)
    if not possible:
        evidence = [one for one in evidence if one.is_direct]
        possible = _common(evidence)
        if sum(one.weight for one in evidence) < _OVERWHELMING:
            return None, None
    weight = sum(one.weight for one in evidence)
    fitting = [country for country in possible if _reads(country, numbers, is_sure=weight >= _PLENTY)]
    weight += 1 if numbers and len(fitting) < len(possible) else 0
    if weight < _ENOUGH or not evidence:
        return None, None
    if len(fitting) == 1 or (fitting and _read_alike(fitting, numbers)):
        return min(fitting, key=atlas.COUNTRIES.index), max(
            evidence, key=lambda one: (-len(one.countries), one.weight)
        )
    return None, None


def _reads(country: str, numbers: list[str], *, is_sure: bool) -> bool:
    """Tell whether nearly all numbers are numbers of a country; where much speaks for it, some may be wrong."""
    wrong = sum(1 for number in numbers if not _is_written_in(number, country))
    return wrong <= (max(1, len(numbers) / 2) if is_sure else len(numbers) / 4)


def _read_alike(countries: list[str], numbers: list[str]) -> bool:
    return bool(numbers) and all(
        len({read(number, country) for country in countries}) == 1 for number in numbers
    )


def _is_written_in(number: str, country: str) -> bool:
    """Tell whether a number is one of a country, and written as there: only a spreadsheet leaves the zero out."""
    if (
        dialling.trunk(country) == "0"
        and not number.lstrip("( ").startswith("0")
        and not _PARTING.isdisjoint(number)
    ):
        return False
    return read(number, country) is not None


def _question(rows: _Rows, evidence: list[Evidence], company: str) -> Question:
    numbers = rows.numbers

    def rank(country: str) -> tuple[int, ...]:
        agreed = sum(one.weight for one in evidence if country in one.countries)
        return (
            -_reads(country, numbers, is_sure=False),
            -agreed,
            -(country == company),
            atlas.COUNTRIES.index(country),
        )

    options = sorted(atlas.COUNTRIES, key=rank)[:_OPTIONS_MAX]
    readings = {
        number: {country: read(number, country) for country in options} for number in numbers[:_EXAMPLES_MAX]
    }
    shown = [
        f"{number} ({', '.join(f'{country} {e164}' for country, e164 in of.items() if e164)})"
        for number, of in readings.items()
    ]
    indexes = tuple(column.index for field in PHONES if (column := rows.column(field)))
    return Question(
        "phone_country", indexes, Field.PHONE, tuple(options), None, {"examples": shown, "readings": readings}
    )


def _named(rows: _Rows, profile: sheets.Profile) -> Evidence | None:
    """Return the country that rows name, where it is one and the same."""
    if len(rows.named) != 1 or rows.named.total() * 2 < len(profile.head):
        return None
    country = next(iter(rows.named))
    code = "country_column" if rows.column(Field.COUNTRY) else "country_shapes"
    return Evidence(code, frozenset({country}), _PLENTY)


def _placed(rows: _Rows) -> list[Evidence | None]:
    places = rows.places()
    codes = [place["postal_code"] for place in places if place.get("postal_code")]
    towns = [found for place in places if (found := atlas.of_city(place.get("city", "")))]
    named = [frozenset({place["country"]}) for place in places if place.get("country")]
    example = next((place["city"] for place in places if atlas.of_city(place.get("city", ""))), "")
    return [_coded(codes), _shared("country_cities", towns, example), _shared("country_shapes", named)]


def _coded(codes: list[str]) -> Evidence | None:
    if not codes:
        return None
    is_short = any(len(code) == 5 for code in codes) or len({code[0] for code in codes}) < _EXAMPLES_MAX
    counts: Counter[str] = Counter()
    for code in codes:
        counts.update(atlas.fitting(code))
        if len(code) == 4 and is_short:
            # A code that may have lost its zero.
            counts.update(atlas.FIVE_DIGITS & atlas.fitting("0" + code))
    kept = frozenset(country for country, count in counts.items() if count >= _MOSTLY * len(codes))
    return Evidence("country_codes", kept, 1, example=codes[0])


def _shared(code: str, found: list[frozenset[str]], example: str = "") -> Evidence | None:
    """Return the countries that nearly all of some signs agree in."""
    counts = Counter(country for countries in found for country in countries)
    kept = frozenset(country for country, count in counts.items() if count >= _MOSTLY * len(found))
    return Evidence(code, kept, min(2, len(found)), example=example) if kept else None


def _domains(emails: list[str]) -> Evidence | None:
    found = [frozenset({country}) for email in emails if (country := atlas.of_domain(email))]
    return _shared("country_domains", found)


def _tax_numbers(columns: Sequence[Column], profile: sheets.Profile) -> Evidence | None:
    found = [
        frozenset({country})
        for column in columns
        if column.field in {None, Field.METADATA, Field.DEBTOR_REFERENCE}
        and _differs(profile.of(column.index))
        for text in _texts(profile, column)
        if (country := atlas.of_tax_number(text))
    ]
    return _shared("country_tax", found)


def _accounts(columns: Sequence[Column], profile: sheets.Profile) -> Evidence | None:
    found = [
        frozenset({text[:2]})
        for column in columns
        if (seen := profile.of(column.index)).share(sheets.Kind.IBAN) >= _MOSTLY and _differs(seen)
        for text in _texts(profile, column)
        if text[:2] in atlas.EVERYWHERE
    ]
    return _shared("country_ibans", found)


def _of_currency(currency: Currency, columns: Sequence[Column], profile: sheets.Profile) -> Evidence | None:
    code = currency.code if currency.reason.code in {"sign", "header_code"} else ""
    own = next((column for column in columns if column.field == Field.CURRENCY), None)
    if own is not None:
        codes = {known for text in _texts(profile, own) for known in sheets.currencies_of(text)}
        code = codes.pop() if len(codes) == 1 else ""
    if not code:
        return None
    countries = atlas.of_currency(code)
    weight = 0 if code in {"EUR", "USD"} else 2
    return Evidence("country_currency", countries, weight, is_direct=False, example=code)


def _tax_headers(headers: list[str]) -> Evidence | None:
    countries = atlas.of_headers(headers)
    return Evidence("country_headers", countries, 1, is_direct=False) if countries else None


def _languages(headers: list[str], rows: _Rows) -> list[Evidence | None]:
    languages, count = atlas.languages(headers)
    lines = rows.texts(Field.STREET_ADDRESS) + rows.texts(Field.ADDRESS)
    streets = atlas.street_languages(lines) if lines else frozenset()
    spoken = None
    # Books that are kept in another language than the debtors' streets say nothing of the debtors.
    if count >= _ENOUGH and not (streets and streets.isdisjoint(languages) and "en" not in languages):
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
    return frozenset().union(*(atlas.SPOKEN[language] for language in languages))


def _differs(seen: sheets.ColumnProfile) -> bool:
    """Tell whether a column says something of each debtor: the same in all rows is the creditor's."""
    return seen.distinct > 1 or seen.filled == 1


def _texts(profile: sheets.Profile, column: Column) -> list[str]:
    seen = [*(cells[column.index] for cells in profile.head), *profile.of(column.index).samples]
    return [text for text in dict.fromkeys(map(text_of, seen)) if text]
