"""Proposal of a mapping: the likeliest field of each column, and questions instead of guesses."""

from dataclasses import replace

from getbill import sheets
from getbill.mapping import amounts, columns, row_status, values
from getbill.mapping.columns import Candidate
from getbill.mapping.cross_column_evidence import SampleRows
from getbill.mapping.fields import AMOUNTS, DATES, NAMES, Field
from getbill.mapping.model import (
    CERTAIN,
    WORTH_ASKING,
    Alternative,
    ColumnMapping,
    ColumnReason,
    Mapping,
    Question,
)
from getbill.mapping.vocabulary import OPEN_ITEMS, Claim, normalize

_REFERENCES = columns.REFERENCES
# For these, two columns with nearly the same score raise a question; for others, the likelier one is used.
_CRITICAL = AMOUNTS | DATES | _REFERENCES | {Field.CURRENCY, Field.IBAN}
_CONSTANT_MIN = 3
_DIGITS_MIN = 7
_NEARLY = 0.08
# Fields that are left out, rather than asked about, where they are uncertain.
_OPTIONAL = frozenset(
    {Field.PAYMENT_LINK, Field.IBAN, Field.CREDITOR, Field.SCENARIO, Field.OBJECT, Field.ADDRESS_EXTRA}
) | {Field.BIRTHDATE, Field.LANGUAGE, Field.CIVILITY}
# A column without any cell has none of these fields, whatever its header.
_NEVER_EMPTY = NAMES | _REFERENCES | {Field.AMOUNT, Field.AMOUNT_INVOICED, Field.DUE_DATE}
# The limit up to which distinct values are counted.
_COUNTED_MAX = 10_000


def propose(
    layout: sheets.Layout, profile: sheets.Profile, *, company_country: str, company_currency: str
) -> Mapping:
    """Propose the field of each column of a file, with the reason, and the remaining questions."""
    candidates = columns.build_candidates(layout, profile)
    head = SampleRows(profile)
    row_status.leave_out_closing_days(candidates)
    columns.weigh_adjacent_columns(candidates, head)
    columns.weigh_debtor_names(candidates, head)
    columns.weigh_references(candidates, head)
    questions = amounts.weigh_amounts(candidates, head, has_open_items=_is_of_open_items(layout))
    assigned = _assign(candidates, layout.header_line is None)
    mapped_columns = [_map_column(candidate, assigned, candidates) for candidate in candidates]
    rows = row_status.decide_row_status(mapped_columns, candidates, head)
    if rows.tracks_payment:
        questions = [question for question in questions if question.code != "invoiced_only"]
    asked_columns = {index for question in [*questions, *rows.questions] for index in question.columns}
    uncertain = _ask_uncertain(mapped_columns, candidates, assigned, asked_columns | rows.explained)
    if layout.header_line is not None:
        mapped_columns, uncertain = _without_guesses(mapped_columns, uncertain)
    questions += uncertain + rows.questions
    currency, currency_questions = amounts.decide_currency(
        mapped_columns, candidates, layout, company_currency
    )
    questions += currency_questions
    questions += amounts.ask_unit(mapped_columns, profile, layout)
    country = values.decide_countries(mapped_columns, profile, currency, company_country)
    identifying = columns.identifying_columns(mapped_columns, candidates, head)
    questions += ask_missing(mapped_columns, questions, has_reference=bool(identifying))
    questions += _ask_repeated_reference(mapped_columns, candidates) + _ask_account_owner(
        mapped_columns, candidates
    )
    possible = _possible_columns(mapped_columns, profile, questions)
    marks, orders, unclear = amounts.decide_formats(
        possible, profile, None if currency_questions else currency
    )
    return Mapping(
        tuple(mapped_columns),
        currency,
        country.country,
        (*questions, *unclear, *country.questions),
        marks,
        orders,
        rows.statuses,
        reference_from=identifying,
        country_reason=country.reason,
    ).without_collisions()


def _is_of_open_items(layout: sheets.Layout) -> bool:
    """Return whether the lines above the table call it a list of open items."""
    titles = (line.text for line in layout.skipped if line.why in {"preamble", "group"})
    return any(OPEN_ITEMS.search(normalize(title)) for title in titles)


def _possible_columns(
    columns: list[ColumnMapping], profile: sheets.Profile, questions: list[Question]
) -> list[ColumnMapping]:
    """Return the columns as answers may change them, to ask about their formats in the same round."""
    fields: dict[int, Field] = {}
    for question in questions:
        if question.code == "which_amount":
            fields |= dict.fromkeys(question.columns, Field.AMOUNT)
        elif question.code == "which_field" and (field := _format_of(question.options)):
            fields |= dict.fromkeys(question.columns, field)
        elif question.code == "missing_amount":
            numeric = [
                column_profile
                for column_profile in profile.columns
                if column_profile.number and column_profile.share(sheets.CellKind.NUMBER) >= CERTAIN
            ]
            fields |= dict.fromkeys((column_profile.column.index for column_profile in numeric), Field.AMOUNT)
    return [
        replace(column, field=fields[column.index])
        if column.index in fields and column.field not in AMOUNTS | DATES
        else column
        for column in columns
    ]


def _format_of(options: tuple[str, ...]) -> Field | None:
    """Return the first field among a question's options that is an amount or a date."""
    return next((Field(option) for option in options if option in AMOUNTS | DATES), None)


def _assign(candidates: list[Candidate], is_headless: bool) -> dict[int, Claim]:
    """Assign each field to its best column; evidence from contents alone only fills missing fields."""
    assigned: dict[int, Claim] = {}
    header_claims = [
        (candidate, claim)
        for candidate in candidates
        for claim in candidate.claims
        if not (candidate.profile.filled == 0 and claim.field in _NEVER_EMPTY)
        and (candidate.is_known or claim.score >= CERTAIN)
        and not _is_contradicted(candidate, claim)
    ]
    _assign_claims(header_claims, assigned)
    missing_fields = _missing_fields({claim.field for claim in assigned.values()}, is_headless)
    content_claims = [
        (candidate, claim)
        for candidate in candidates
        for claim in candidate.claims
        if not candidate.is_known and claim.field in missing_fields
    ]
    _assign_claims(content_claims, assigned)
    return assigned


def _is_contradicted(candidate: Candidate, claim: Claim) -> bool:
    """Return whether a column's own header contradicts its cells."""
    return candidate.reason.code == "contradicted" and claim.field not in AMOUNTS | DATES


def _assign_claims(offers: list[tuple[Candidate, Claim]], assigned: dict[int, Claim]) -> None:
    assigned_fields = {claim.field for claim in assigned.values()}
    for candidate, claim in sorted(offers, key=lambda offer: (-offer[1].score, offer[0].column.index)):
        if claim.field in _OPTIONAL and claim.score < CERTAIN:
            continue
        if (
            claim.score >= WORTH_ASKING
            and candidate.column.index not in assigned
            and claim.field not in assigned_fields
        ):
            assigned[candidate.column.index] = claim
            assigned_fields.add(claim.field)


def _missing_fields(assigned_fields: set[Field], is_headless: bool) -> set[Field]:
    """Return the missing fields of the debts, which may be found in columns without a known header."""
    missing_fields = {Field.PAYMENT_LINK, Field.IBAN} if is_headless else set()
    if not assigned_fields & AMOUNTS:
        missing_fields.add(Field.AMOUNT)
    if not assigned_fields & NAMES:
        missing_fields.add(Field.NAME)
    if is_headless and not assigned_fields & _REFERENCES:
        # Below a header, codes are often places or products: a person decides which columns identify a row.
        missing_fields.add(Field.REFERENCE)
    if is_headless or not assigned_fields & {Field.INVOICE_DATE, Field.DUE_DATE}:
        missing_fields |= {Field.INVOICE_DATE, Field.DUE_DATE}
    return missing_fields


def _map_column(
    candidate: Candidate, assigned: dict[int, Claim], candidates: list[Candidate]
) -> ColumnMapping:
    claim = assigned.get(candidate.column.index)
    alternatives = tuple(
        Alternative(other.field, round(other.score, 2))
        for other in candidate.claims
        if claim is None or other.field != claim.field
    )
    reason = candidate.reason
    if claim is None and candidate.claims:
        holder = next(
            (
                o
                for o in candidates
                if (c := assigned.get(o.column.index)) and c.field == candidate.claims[0].field
            ),
            None,
        )
        reason = (
            ColumnReason("taken", {"field": candidate.claims[0].field.value, "header": holder.column.header})
            if holder
            else reason
        )
    return ColumnMapping(
        index=candidate.column.index,
        letter=candidate.column.letter,
        header=candidate.column.header,
        field=claim.field if claim else None,
        confidence=round(claim.score, 2) if claim else 0.0,
        reason=reason,
        alternatives=alternatives,
        unit=_unit(candidate) if claim and claim.field in AMOUNTS else None,
    )


def _unit(candidate: Candidate) -> str | None:
    if candidate.is_negated:
        return "negated"
    if "cents" in candidate.concepts:
        return "cents"
    return amounts.unit_of(f"{candidate.column.group} {candidate.column.header}")


def _ask_uncertain(
    columns: list[ColumnMapping],
    candidates: list[Candidate],
    assigned: dict[int, Claim],
    asked_columns: set[int],
) -> list[Question]:
    questions = []
    for column, candidate in zip(columns, candidates, strict=True):
        if column.index in asked_columns or (column.field not in _CRITICAL and not candidate.profile.filled):
            continue
        rivals = _rivals(column, candidate, assigned)
        if candidate.denied and candidate.profile.share(sheets.CellKind.YES_NO) >= CERTAIN:
            # `Envoyée par mail: oui` is not an address.
            continue
        if (
            candidate.denied
            and column.field is None
            and (_is_field_certain(candidate.denied, columns) or _is_constant(candidate))
        ):
            continue
        if candidate.denied is Field.PHONE and column.field is None and _are_short_codes(candidate):
            continue
        if candidate.denied and column.field is None:
            denied = {"header": column.header or column.letter}
            options = (candidate.denied.value, *(other.field.value for other in column.alternatives))
            questions.append(Question("which_field", (column.index,), candidate.denied, options, "", denied))
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


def _are_short_codes(candidate: Candidate) -> bool:
    """Return whether every cell has fewer digits than any phone number."""
    return (
        columns.share_matching(
            columns.texts_of(candidate.profile), lambda text: sum(map(str.isdigit, text)) < _DIGITS_MIN
        )
        == 1
    )


def _without_guesses(
    columns: list[ColumnMapping], questions: list[Question]
) -> tuple[list[ColumnMapping], list[Question]]:
    """Return the columns without uncertain names or references, where no other column has them.

    One question then asks which column it is.
    """
    guessed: set[int] = set()
    for group in (NAMES, _REFERENCES):
        of_group = [
            question for question in questions if question.code == "which_field" and question.field in group
        ]
        uncertain_columns = {index for question in of_group for index in question.columns}
        if uncertain_columns and not any(
            column.field in group and column.index not in uncertain_columns for column in columns
        ):
            guessed |= uncertain_columns
            columns = [
                replace(column, field=None, confidence=0.0) if column.index in uncertain_columns else column
                for column in columns
            ]
    return columns, [
        question
        for question in questions
        if question.code != "which_field" or not guessed & set(question.columns)
    ]


def _is_constant(candidate: Candidate) -> bool:
    """Return whether a column has the same value in every row, usually the creditor's."""
    return candidate.profile.filled > _CONSTANT_MIN and candidate.profile.distinct == 1


def _is_field_certain(field: Field, columns: list[ColumnMapping]) -> bool:
    """Return whether another column certainly has the field, or a similar one."""
    like = _REFERENCES if field in _REFERENCES else {field}
    return any(column.field in like and column.confidence >= CERTAIN for column in columns)


def _rivals(column: ColumnMapping, candidate: Candidate, assigned: dict[int, Claim]) -> list[int]:
    """Return the columns whose field this one claims with nearly the same score."""
    if column.field is not None or not candidate.is_known:
        return []
    return [
        index
        for index, rival in assigned.items()
        for claim in candidate.claims
        if claim.field == rival.field and claim.field in _CRITICAL and rival.score - claim.score < _NEARLY
    ]


def ask_missing(
    columns: list[ColumnMapping], open_questions: list[Question], *, has_reference: bool = False
) -> list[Question]:
    """Return the questions for missing mandatory fields of a debt."""
    fields = {column.field for column in columns}
    questions = []
    if not fields & {Field.AMOUNT, Field.AMOUNT_INVOICED} and not any(
        q.field == Field.AMOUNT for q in open_questions
    ):
        questions.append(Question("missing_amount", (), Field.AMOUNT))
    if not fields & NAMES:
        questions.append(Question("missing_name", (), Field.NAME))
    if not fields & _REFERENCES and not has_reference:
        questions.append(Question("missing_reference", (), Field.REFERENCE))
    return questions


def _ask_repeated_reference(columns: list[ColumnMapping], candidates: list[Candidate]) -> list[Question]:
    """Ask about a column that should identify the debts but has the same value in several rows."""
    candidates_by_field = {
        column.field: candidate for column, candidate in zip(columns, candidates, strict=True) if column.field
    }
    candidate = candidates_by_field.get(Field.REFERENCE) or candidates_by_field.get(Field.INVOICE_REFERENCE)
    if (
        candidate is None
        or candidate.profile.filled - candidate.profile.distinct <= candidate.profile.filled * 0.1
    ):
        return []
    if candidate.profile.distinct >= _COUNTED_MAX:
        return []
    facts = {
        "header": candidate.column.header,
        "rows": candidate.profile.filled,
        "distinct": candidate.profile.distinct,
    }
    field = next(column.field for column in columns if column.index == candidate.column.index)
    return [Question("reference_repeats", (candidate.column.index,), field, (), field and field.value, facts)]


def _ask_account_owner(columns: list[ColumnMapping], candidates: list[Candidate]) -> list[Question]:
    """Ask whose bank accounts vary from row to row: a debtor's own account is not the one to pay to."""
    for column, candidate in zip(columns, candidates, strict=True):
        if column.field == Field.IBAN and column.confidence >= CERTAIN and candidate.profile.distinct > 1:
            facts = {"header": column.header, "distinct": candidate.profile.distinct}
            return [Question("iban_whose", (column.index,), Field.IBAN, ("iban", ""), None, facts)]
    return []
