"""The country of national telephone numbers and of addresses that name none, from the evidence of the whole file.

Each piece of evidence keeps some countries and drops the others. One that remains is taken; where several do, or none,
a human is asked. The company's own country only wins where evidence agrees with it and none speaks against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from getbill import sheets
from getbill.kit import phones
from getbill.kit.messages import excerpt, message
from getbill.mapping import vocabulary
from getbill.mapping.model import (
    ColumnMapping,
    ColumnReason,
    Currency,
    Field,
    FieldUnknown,
    Mapping,
    Question,
)
from getbill.mapping.values import phone_formats
from getbill.mapping.values.country_evidence import PHONES, Evidence, Rows, gather_evidence, texts_of

# What a country is decided from: a change of any of these has it decided anew.
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
# What a human said or confirmed is not decided anew with every change.
_LASTING = frozenset({"human", "remembered"})
_OPTIONS_MAX = 6
_EXAMPLES_MAX = 3
# Evidence from which one country may be taken, and from which it may be against what the headers say.
_ENOUGH, _OVERWHELMING = 2, 3
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
class CountryDecision:
    """The country of a file, or the company's with a reason that says that nothing settles it."""

    country: str
    reason: ColumnReason
    questions: tuple[Question, ...] = ()
    # The countries that nothing speaks against.
    possible: frozenset[str] = vocabulary.EVERYWHERE


@dataclass(frozen=True, slots=True)
class HomeCountry:
    """The country that rows which name none are of, None where that is not settled.

    `has_lost_zeros` says that the postal codes of the file may lack their first zero.
    """

    country: str | None
    has_lost_zeros: bool = True


def decide_countries(
    columns: Sequence[ColumnMapping], profile: sheets.Profile, currency: Currency, company: str
) -> CountryDecision:
    """Return the country of a file's national numbers and addresses, with the question where it is not settled."""
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
    """Return a changed mapping with the country that a human answers, or decided anew where its columns changed.

    Raise `FieldUnknown` where the answer is no country.
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
    """Return the country of a new file of a known layout: the remembered one unless the file speaks against it."""
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
    # Where no code has all of its digits, and only the language of the headers speaks for the country, none is lost.
    may_lack = any(len(text) == 5 for text in texts) or mapping.country_reason.code != "country_headers"
    return HomeCountry(None if is_open else mapping.country, has_lost_zeros=may_lack and not keeps_zeros)


def read_e164(text: str, country: str) -> str | None:
    """Return a number in E.164 as a country reads it; None where it is none there."""
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
    """Return the one country that evidence leaves, and the evidence that narrows it most."""
    numbers = rows.numbers
    agreeing = [piece for piece in evidence if piece.code in _AGREEING and company in piece.countries]
    if _is_doubtful(evidence, company):
        agreeing = [piece for piece in agreeing if piece.code == "country_cities"]
    # A company's files have headers in its own language, whoever its debtors are.
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
    # Numbers count where other countries do not have them: some that were possible, or the company's own.
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
    """Tell whether all postal codes are a digit short of those of the company's country."""
    return company in vocabulary.FIVE_DIGITS and any(
        piece.code == "country_short_codes" for piece in evidence
    )


def _reads(country: str, numbers: list[str]) -> bool:
    """Tell whether nearly all numbers are numbers of a country."""
    return _count_wrong(country, numbers) <= len(numbers) / 4


def _reads_best(country: str, countries: frozenset[str], numbers: list[str]) -> bool:
    """Tell whether numbers are of a country, or half of them, where no other country has nearly all of them."""
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
    """Tell whether a number is one of a country, and written as there: only a spreadsheet leaves the zero out."""
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
