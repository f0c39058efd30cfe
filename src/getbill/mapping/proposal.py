"""The first proposal: what each column most likely is, and everything that is better asked than guessed."""

import re
from dataclasses import replace

from getbill import sheets
from getbill.mapping import amounts, columns, row_status, values
from getbill.mapping.columns import Candidate
from getbill.mapping.cross_column_checks import Head
from getbill.mapping.model import (
    AMOUNTS,
    CERTAIN,
    DATES,
    NAMES,
    WORTH_ASKING,
    Alternative,
    Column,
    Field,
    Mapping,
    Question,
    Reason,
)
from getbill.mapping.vocabulary import Claim, plain

_REFERENCES = columns.REFERENCES
# Two columns nearly as likely to be one of these are a question; of others, the likelier one is taken.
_CRITICAL = AMOUNTS | DATES | _REFERENCES | {Field.CURRENCY, Field.IBAN}
_CONSTANT_MIN = 3
_DIGITS_MIN = 7
_NEARLY = 0.08
# What is better left out than asked, where it is not certain.
_OPTIONAL = frozenset(
    {Field.PAYMENT_LINK, Field.IBAN, Field.CREDITOR, Field.SCENARIO, Field.OBJECT, Field.ADDRESS_EXTRA}
) | {Field.BIRTHDATE, Field.LANGUAGE, Field.CIVILITY}
# A column without any cell is none of these, whatever its header says.
_NEVER_EMPTY = NAMES | _REFERENCES | {Field.AMOUNT, Field.AMOUNT_INVOICED, Field.DUE_DATE}
# What lists of items that nobody has paid yet are called.
_OPEN_ITEMS = re.compile(
    r"offene[nr]? posten|op[- ]liste|opos|open (items?|invoices?|entries)|outstanding|unpaid"
    r"|partite aperte|partidas (abiertas|pendientes)|openstaande|open posten|postes? ouverts?|non lettre|impaye"
    r"|contas a receber|por cobrar|em aberto|nierozliczon|neuhrazen|aabne|abne poster|oppna poster|apne poster|avoimet"
)
# As far as distinct values are counted.
_COUNTED_MAX = 10_000


def propose(
    layout: sheets.Layout, profile: sheets.Profile, *, company_country: str, company_currency: str
) -> Mapping:
    """Propose what each column of a file is, with the reason, and the questions that are left."""
    found = columns.of(layout, profile)
    head = Head(profile)
    row_status.leave_days(found)
    columns.weigh_context(found, head)
    columns.weigh_debtor_names(found, head)
    columns.weigh_references(found, head)
    questions = amounts.weigh_amounts(found, head, has_open_items=_is_of_open_items(layout))
    assigned = _assign(found, layout.header_line is None)
    mapped_columns = [_column(one, assigned, found) for one in found]
    rows = row_status.decide_row_status(mapped_columns, found, head)
    if rows.tracks_payment:
        questions = [question for question in questions if question.code != "invoiced_only"]
    asked = {index for question in [*questions, *rows.questions] for index in question.columns}
    uncertain = _uncertain(mapped_columns, found, assigned, asked | rows.explained)
    if layout.header_line is not None:
        mapped_columns, uncertain = _without_guesses(mapped_columns, uncertain)
    questions += uncertain + rows.questions
    currency, about = amounts.decide_currency(mapped_columns, found, layout, company_currency)
    questions += about
    questions += amounts.titled(mapped_columns, profile, layout)
    place = values.decide_countries(mapped_columns, profile, currency, company_country)
    together = columns.together(mapped_columns, found, head)
    questions += missing(mapped_columns, questions, has_reference=bool(together))
    questions += _repeated(mapped_columns, found) + _whose_account(mapped_columns, found)
    possible = _possible(mapped_columns, profile, questions)
    marks, orders, unclear = amounts.decide_formats(possible, profile, None if about else currency)
    return Mapping(
        tuple(mapped_columns),
        currency,
        place.country,
        (*questions, *unclear, *place.questions),
        marks,
        orders,
        rows.statuses,
        reference_from=together,
        country_reason=place.reason,
    ).without_collisions()


def _is_of_open_items(layout: sheets.Layout) -> bool:
    """Tell whether the lines above the table call it a list of open items."""
    titles = (line.text for line in layout.skipped if line.why in {"preamble", "group"})
    return any(_OPEN_ITEMS.search(plain(title)) for title in titles)


def _possible(columns: list[Column], profile: sheets.Profile, questions: list[Question]) -> list[Column]:
    """Return the columns as answers may make them, so that how their cells are written is asked in the same round."""
    fields: dict[int, Field] = {}
    for question in questions:
        if question.code == "which_amount":
            fields |= dict.fromkeys(question.columns, Field.AMOUNT)
        elif question.code == "which_field" and (field := _format_of(question.options)):
            fields |= dict.fromkeys(question.columns, field)
        elif question.code == "missing_amount":
            numeric = [
                one for one in profile.columns if one.number and one.share(sheets.Kind.NUMBER) >= CERTAIN
            ]
            fields |= dict.fromkeys((one.column.index for one in numeric), Field.AMOUNT)
    return [
        replace(column, field=fields[column.index])
        if column.index in fields and column.field not in AMOUNTS | DATES
        else column
        for column in columns
    ]


def _format_of(options: tuple[str, ...]) -> Field | None:
    """Return the first field among a question's options that is an amount or a date."""
    return next((Field(option) for option in options if option in AMOUNTS | DATES), None)


def _assign(found: list[Candidate], is_headless: bool) -> dict[int, Claim]:
    """Give each field to the column that claims it best; what contents alone show comes last, where it is missing."""
    assigned: dict[int, Claim] = {}
    named = [
        (one, claim)
        for one in found
        for claim in one.claims
        if not (one.found.filled == 0 and claim.field in _NEVER_EMPTY)
        and (one.is_known or claim.score >= CERTAIN)
        and not _is_contradicted(one, claim)
    ]
    _give(named, assigned)
    missing = _wanted({claim.field for claim in assigned.values()}, is_headless)
    shown = [
        (one, claim) for one in found for claim in one.claims if not one.is_known and claim.field in missing
    ]
    _give(shown, assigned)
    return assigned


def _is_contradicted(one: Candidate, claim: Claim) -> bool:
    """Tell whether a column's own header says another thing than its cells show."""
    return one.reason.code == "contradicted" and claim.field not in AMOUNTS | DATES


def _give(offers: list[tuple[Candidate, Claim]], assigned: dict[int, Claim]) -> None:
    taken = {claim.field for claim in assigned.values()}
    for one, claim in sorted(offers, key=lambda offer: (-offer[1].score, offer[0].column.index)):
        if claim.field in _OPTIONAL and claim.score < CERTAIN:
            continue
        if claim.score >= WORTH_ASKING and one.column.index not in assigned and claim.field not in taken:
            assigned[one.column.index] = claim
            taken.add(claim.field)


def _wanted(taken: set[Field], is_headless: bool) -> set[Field]:
    """Return the fields for which unnamed columns are looked through: those the debts would miss."""
    wanted = {Field.PAYMENT_LINK, Field.IBAN} if is_headless else set()
    if not taken & AMOUNTS:
        wanted.add(Field.AMOUNT)
    if not taken & NAMES:
        wanted.add(Field.NAME)
    if is_headless and not taken & _REFERENCES:
        # Below a header, codes are a place's or a product's as often: which columns identify a row is asked.
        wanted.add(Field.REFERENCE)
    if is_headless or not taken & {Field.INVOICE_DATE, Field.DUE_DATE}:
        wanted |= {Field.INVOICE_DATE, Field.DUE_DATE}
    return wanted


def _column(one: Candidate, assigned: dict[int, Claim], found: list[Candidate]) -> Column:
    claim = assigned.get(one.column.index)
    others = tuple(
        Alternative(other.field, round(other.score, 2))
        for other in one.claims
        if claim is None or other.field != claim.field
    )
    reason = one.reason
    if claim is None and one.claims:
        holder = next(
            (o for o in found if (c := assigned.get(o.column.index)) and c.field == one.claims[0].field), None
        )
        reason = (
            Reason("taken", {"field": one.claims[0].field.value, "header": holder.column.header})
            if holder
            else reason
        )
    return Column(
        index=one.column.index,
        letter=one.column.letter,
        header=one.column.header,
        field=claim.field if claim else None,
        confidence=round(claim.score, 2) if claim else 0.0,
        reason=reason,
        alternatives=others,
        unit=_unit(one) if claim and claim.field in AMOUNTS else None,
    )


def _unit(one: Candidate) -> str | None:
    if one.is_negated:
        return "negated"
    if "cents" in one.spoken.concepts:
        return "cents"
    return amounts.unit_of(f"{one.column.group} {one.column.header}")


def _uncertain(
    columns: list[Column], found: list[Candidate], assigned: dict[int, Claim], asked: set[int]
) -> list[Question]:
    questions = []
    for column, one in zip(columns, found, strict=True):
        if column.index in asked or (column.field not in _CRITICAL and not one.found.filled):
            continue
        rivals = _rivals(column, one, assigned)
        if one.denied and one.found.share(sheets.Kind.YES_NO) >= CERTAIN:
            # `Envoyée par mail: oui` is no address.
            continue
        if one.denied and column.field is None and (_is_held(one.denied, columns) or _is_constant(one)):
            continue
        if one.denied is Field.PHONE and column.field is None and _are_short_codes(one):
            continue
        if one.denied and column.field is None:
            denied = {"header": column.header or column.letter}
            options = (one.denied.value, *(other.field.value for other in column.alternatives))
            questions.append(Question("which_field", (column.index,), one.denied, options, "", denied))
        elif (column.field and column.confidence < CERTAIN) or rivals:
            options = tuple(
                dict.fromkeys(
                    [
                        *([column.field.value] if column.field else []),
                        *(other.field.value for other in column.alternatives),
                    ]
                )
            )
            facts = {"header": column.header or column.letter, "others": rivals}
            field = column.field or column.alternatives[0].field
            proposed = column.field.value if column.field else ""
            questions.append(Question("which_field", (column.index,), field, options, proposed, facts))
    return questions


def _are_short_codes(one: Candidate) -> bool:
    """Tell whether every cell has fewer digits than any telephone number."""
    return (
        columns.part(columns.texts_of(one.found), lambda text: sum(map(str.isdigit, text)) < _DIGITS_MIN) == 1
    )


def _without_guesses(columns: list[Column], asked: list[Question]) -> tuple[list[Column], list[Question]]:
    """Return no uncertain name or reference where the file has no other: which column it is, is one question."""
    guessed: set[int] = set()
    for group in (NAMES, _REFERENCES):
        of_group = [one for one in asked if one.code == "which_field" and one.field in group]
        held = {index for one in of_group for index in one.columns}
        if held and not any(column.field in group and column.index not in held for column in columns):
            guessed |= held
            columns = [
                replace(column, field=None, confidence=0.0) if column.index in held else column
                for column in columns
            ]
    return columns, [one for one in asked if one.code != "which_field" or not guessed & set(one.columns)]


def _is_constant(one: Candidate) -> bool:
    """Tell whether a column says the same in every row, of the creditor as a rule."""
    return one.found.filled > _CONSTANT_MIN and one.found.distinct == 1


def _is_held(field: Field, columns: list[Column]) -> bool:
    """Tell whether another column holds a field, or one like it, for certain."""
    like = _REFERENCES if field in _REFERENCES else {field}
    return any(column.field in like and column.confidence >= CERTAIN for column in columns)


def _rivals(column: Column, one: Candidate, assigned: dict[int, Claim]) -> list[int]:
    """Return the columns that hold the field this one has nearly as good a claim on."""
    if column.field is not None or not one.is_known:
        return []
    return [
        index
        for index, held in assigned.items()
        for claim in one.claims
        if claim.field == held.field and claim.field in _CRITICAL and held.score - claim.score < _NEARLY
    ]


def missing(columns: list[Column], asked: list[Question], *, has_reference: bool = False) -> list[Question]:
    """Return the questions for what a debt cannot be without."""
    fields = {column.field for column in columns}
    questions = []
    if not fields & {Field.AMOUNT, Field.AMOUNT_INVOICED} and not any(q.field == Field.AMOUNT for q in asked):
        questions.append(Question("missing_amount", (), Field.AMOUNT))
    if not fields & NAMES:
        questions.append(Question("missing_name", (), Field.NAME))
    if not fields & _REFERENCES and not has_reference:
        questions.append(Question("missing_reference", (), Field.REFERENCE))
    return questions


def _repeated(columns: list[Column], found: list[Candidate]) -> list[Question]:
    """Ask where the column that tells the debts apart has the same value in several rows."""
    held = {column.field: one for column, one in zip(columns, found, strict=True) if column.field}
    one = held.get(Field.REFERENCE) or held.get(Field.INVOICE_REFERENCE)
    if one is None or one.found.filled - one.found.distinct <= one.found.filled * 0.1:
        return []
    if one.found.distinct >= _COUNTED_MAX:
        return []
    facts = {"header": one.column.header, "rows": one.found.filled, "distinct": one.found.distinct}
    field = next(column.field for column in columns if column.index == one.column.index)
    return [Question("reference_repeats", (one.column.index,), field, (), field and field.value, facts)]


def _whose_account(columns: list[Column], found: list[Candidate]) -> list[Question]:
    """Ask whose the accounts are that differ from row to row: a debtor's own is not where to pay."""
    for column, one in zip(columns, found, strict=True):
        if column.field == Field.IBAN and column.confidence >= CERTAIN and one.found.distinct > 1:
            facts = {"header": column.header, "distinct": one.found.distinct}
            return [Question("iban_whose", (column.index,), Field.IBAN, ("iban", ""), None, facts)]
    return []
