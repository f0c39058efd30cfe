"""Country of national phone numbers and of addresses without one, from the evidence of the whole file.

Each piece of evidence keeps some countries and excludes the others. A single remaining country is used;
otherwise a person decides. The company's own country is only used where evidence supports it and none
contradicts it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from getbill import sheets
from getbill.kit import phones
from getbill.kit.messages import excerpt, message
from getbill.mapping import vocabulary
from getbill.mapping.fields import Field
from getbill.mapping.model import ColumnMapping, ColumnReason, Currency, FieldUnknown, Mapping, Question
from getbill.mapping.values import phone_formats
from getbill.mapping.values.country_evidence import PHONES, Evidence, Rows, gather_evidence, texts_of

# The fields that determine a country: a change to any of them decides it again.
PLACES = frozenset(PHONES) | {
    Field.COUNTRY,
    Field.POSTAL_CODE,
    Field.POSTAL_CITY,
    Field.CITY,
    Field.ADDRESS,
    Field.STREET_ADDRESS,
    Field.EMAIL,
    Field.IBAN,
}
UNSETTLED = "country_unsettled"
# A country that a person chose or confirmed is not decided again with every change.
_LASTING = frozenset({"human", "remembered"})
_OPTIONS_MAX = 6
_EXAMPLES_MAX = 3
# Weight of evidence sufficient for a country, and for one that contradicts the headers.
_ENOUGH, _OVERWHELMING = 2, 3
# Evidence that must support the company's own country: evidence for many countries is not sufficient.
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
class CountryDecision:
    """The country of a file, or the company's with the reason that nothing settles it."""

    country: str
    reason: ColumnReason
    questions: tuple[Question, ...] = ()
    # The countries that no evidence contradicts.
    possible: frozenset[str] = vocabulary.EVERYWHERE


@dataclass(frozen=True, slots=True)
class HomeCountry:
    """The country of rows that name none, None where it is not settled.

    With `has_lost_zeros`, the postal codes of the file may lack their leading zero.
    """

    country: str | None
    has_lost_zeros: bool = True


def decide_countries(
    columns: Sequence[ColumnMapping], profile: sheets.Profile, currency: Currency, company: str
) -> CountryDecision:
    """Return the country of national phone numbers and addresses, with a question where it is unsettled."""
    rows = Rows(columns, profile)
    evidence = gather_evidence(rows, columns, profile, currency)
    possible = _common_countries(evidence)
    country, why = _decide_country(evidence, possible, rows, company)
    if country:
        example = {"example": why.example} if why and why.example else {}
        return CountryDecision(
            country,
            ColumnReason(why.code if why else "country_company", {"country": country} | example),
            (),
            possible,
        )
    reason = ColumnReason(UNSETTLED, {"country": company})
    questions = (_question(rows, evidence, company),) if rows.numbers else ()
    return CountryDecision(company, reason, questions, possible)


def redecide_country(
    mapping: Mapping, profile: sheets.Profile, answer: object, *, is_touched: bool
) -> Mapping:
    """Return a changed mapping with the country that a person chose, or decided again for new columns.

    Raise `FieldUnknown` where the answer is not a country.
    """
    other_questions = tuple(question for question in mapping.questions if question.code != "phone_country")
    if answer:
        country = sheets.country_of(str(answer))
        if country is None:
            raise FieldUnknown(
                message(
                    "'{answer}' is not a country: write its ISO 3166-1 code, such as NL.",
                    answer=excerpt(answer),
                )
            )
        return replace(
            mapping, country=country, country_reason=ColumnReason("human"), questions=other_questions
        )
    if not is_touched or mapping.country_reason.code in _LASTING:
        return mapping
    decision = decide_countries(mapping.columns, profile, mapping.currency, mapping.country)
    questions = other_questions + decision.questions
    return replace(mapping, country=decision.country, country_reason=decision.reason, questions=questions)


def recheck_country(mapping: Mapping, profile: sheets.Profile) -> CountryDecision:
    """Return the country of a new file of a known layout: the saved one unless the file contradicts it."""
    decision = decide_countries(mapping.columns, profile, mapping.currency, mapping.country)
    if mapping.country_reason.code == UNSETTLED:
        return decision
    rows = Rows(mapping.columns, profile)
    if decision.reason.code == UNSETTLED:
        is_same = mapping.country in decision.possible and _reads(mapping.country, rows.numbers)
    else:
        is_same = decision.country == mapping.country
    if is_same or (not rows.numbers and mapping.country in decision.possible):
        return replace(decision, country=mapping.country, reason=mapping.country_reason, questions=())
    if not rows.numbers:
        return decision
    evidence = gather_evidence(rows, mapping.columns, profile, mapping.currency)
    question = _question(rows, evidence, mapping.country)
    return replace(
        decision,
        country=mapping.country,
        reason=ColumnReason(UNSETTLED, {"country": mapping.country}),
        questions=(question,),
    )


def home_country(mapping: Mapping, profile: sheets.Profile) -> HomeCountry:
    """Return the country of rows that name none, as far as the mapping settles it."""
    is_open = mapping.country_reason.code == UNSETTLED or any(
        question.code == "phone_country" for question in mapping.questions
    )
    codes = mapping.column_for(Field.POSTAL_CODE)
    texts = texts_of(profile, codes) if codes else []
    keeps_zeros = any(len(text) == 5 and text[0] == "0" for text in texts)
    # Without any complete code, and with only the header language as evidence for the country, no zeros are
    # lost.
    may_lack = any(len(text) == 5 for text in texts) or mapping.country_reason.code != "country_headers"
    return HomeCountry(None if is_open else mapping.country, has_lost_zeros=may_lack and not keeps_zeros)


def read_e164(text: str, country: str) -> str | None:
    """Return a number in E.164 as dialled in a country; None where it is invalid there."""
    number = phone_formats.international(text, country)
    if not number.startswith("+"):
        return None
    try:
        return phones.parse(number)
    except phones.PhoneInvalid:
        return None


def _common_countries(evidence: Sequence[Evidence]) -> frozenset[str]:
    return vocabulary.EVERYWHERE.intersection(*(piece.countries for piece in evidence if piece.is_narrowing))


def _decide_country(
    evidence: list[Evidence], possible: frozenset[str], rows: Rows, company: str
) -> tuple[str | None, Evidence | None]:
    """Return the one country that the evidence leaves, and the evidence that narrows it most."""
    numbers = rows.numbers
    agreeing = [piece for piece in evidence if piece.code in _AGREEING and company in piece.countries]
    if _is_doubtful(evidence, company):
        agreeing = [piece for piece in agreeing if piece.code == "country_cities"]
    # A company's files have headers in its own language, wherever its debtors live.
    elsewhere = _common_countries([piece for piece in evidence if piece.code != "country_headers"])
    if company not in possible:
        agreeing = [piece for piece in agreeing if piece.code != "country_headers"]
    if company in elsewhere and agreeing and _reads_best(company, elsewhere, numbers):
        return company, None if len(agreeing[0].countries) > 1 else agreeing[0]
    if numbers and company in elsewhere and _reads(company, numbers):
        return None, None
    evidence = [
        piece
        for piece in evidence
        if piece.is_narrowing and (piece.code != "country_headers" or company not in piece.countries)
    ]
    possible = _common_countries(evidence)
    if not possible:
        evidence = [piece for piece in evidence if piece.is_direct]
        possible = _common_countries(evidence)
        if sum(piece.weight for piece in evidence) < _OVERWHELMING:
            return None, None
    fitting = [country for country in possible if _reads_best(country, possible, numbers)]
    # Numbers count as evidence where they are invalid in other possible countries, or the company's is
    # possible.
    are_telling = bool(numbers) and (len(fitting) < len(possible) or company in elsewhere)
    weight = sum(piece.weight for piece in evidence) + are_telling
    is_told_by_headers = not any(piece.is_direct for piece in evidence)
    if weight < _ENOUGH or not evidence or (is_told_by_headers and rows.are_mixed):
        return None, None
    if len(fitting) == 1 or (fitting and _read_alike(fitting, numbers)):
        return min(fitting, key=vocabulary.COUNTRIES.index), max(
            evidence, key=lambda piece: (-len(piece.countries), piece.weight)
        )
    return None, None


def _is_doubtful(evidence: list[Evidence], company: str) -> bool:
    """Return whether all postal codes are one digit shorter than those of the company's country."""
    return company in vocabulary.FIVE_DIGITS and any(
        piece.code == "country_short_codes" for piece in evidence
    )


def _reads(country: str, numbers: list[str]) -> bool:
    """Return whether nearly all numbers are valid in a country."""
    return _count_wrong(country, numbers) <= len(numbers) / 4


def _reads_best(country: str, countries: frozenset[str], numbers: list[str]) -> bool:
    """Return whether nearly all numbers, or half where no other country has more, are valid in a country."""
    if _reads(country, numbers):
        return True
    if _count_wrong(country, numbers) > max(1, len(numbers) / 2):
        return False
    return not any(_reads(other, numbers) for other in countries if other != country)


def _count_wrong(country: str, numbers: list[str]) -> int:
    return sum(1 for number in numbers if not _is_written_in(number, country))


def _read_alike(countries: list[str], numbers: list[str]) -> bool:
    return bool(numbers) and all(
        len({read_e164(number, country) for country in countries}) == 1 for number in numbers
    )


def _is_written_in(number: str, country: str) -> bool:
    """Return whether a number is valid and formatted as in a country: only a spreadsheet drops the zero."""
    if (
        phone_formats.trunk_prefix(country) == "0"
        and not number.lstrip("( ").startswith("0")
        and not _PARTING.isdisjoint(number)
    ):
        return False
    return read_e164(number, country) is not None


def _question(rows: Rows, evidence: list[Evidence], company: str) -> Question:
    numbers = rows.numbers

    def rank(country: str) -> tuple[int, ...]:
        agreed = sum(piece.weight for piece in evidence if country in piece.countries)
        return (
            -_reads(country, numbers),
            -agreed,
            -(country == company),
            vocabulary.COUNTRIES.index(country),
        )

    options = sorted(vocabulary.COUNTRIES, key=rank)[:_OPTIONS_MAX]
    readings = {
        number: {country: read_e164(number, country) for country in options}
        for number in numbers[:_EXAMPLES_MAX]
    }
    examples = [
        f"{number} ({', '.join(f'{country} {e164}' for country, e164 in numbers_by_country.items() if e164)})"
        for number, numbers_by_country in readings.items()
    ]
    indexes = tuple(column.index for field in PHONES if (column := rows.column(field)))
    return Question(
        "phone_country",
        indexes,
        Field.PHONE,
        tuple(options),
        None,
        {"examples": examples, "readings": readings},
    )
