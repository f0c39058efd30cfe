"""Changes to a mapping by a person, and a saved mapping applied to a new file.

A change answers only the questions that it concerns. A saved mapping is checked against the new file's cells:
where they look different, a question is raised before anything is imported.
"""

from collections.abc import Mapping as Facts
from dataclasses import replace
from typing import Any

from getbill import sheets
from getbill.kit.messages import excerpt, message
from getbill.kit.money import currencies
from getbill.mapping import amounts, row_status, rows, values
from getbill.mapping.columns import fit
from getbill.mapping.fields import AMOUNTS, Field
from getbill.mapping.model import ColumnMapping, ColumnReason, Currency, FieldUnknown, Mapping, Question
from getbill.mapping.proposal import ask_missing, propose
from getbill.mapping.vocabulary import Claim

_AMOUNT_QUESTIONS = frozenset(
    {
        "which_amount",
        "amount_or_invoiced",
        "invoiced_only",
        "tax_included",
        "amounts_disagree",
        "negative_amounts",
    }
)
_FORMATS = frozenset({"number_format", "date_order", "dates_turned"})
# Whether a spreadsheet swapped some dates depends on the file, not on its sender.
_TURNED = frozenset({"turned", "kept"})
_ORDERS = frozenset({"dmy", "mdy", "ymd"}) | _TURNED
_UNITS = frozenset({None, *amounts.UNITS})
_NAMES = frozenset(
    {
        "columns",
        "numbers",
        "dates",
        "units",
        "currency",
        "signs",
        "country",
        "not_owed",
        "row_status",
        "instalments",
        "reference_from",
    }
)


def apply_changes(mapping: Mapping, changes: Facts[str, Any], profile: sheets.Profile) -> Mapping:
    """Return the mapping with a person's changes; raise `ColumnsCollide` or `FieldUnknown` for invalid ones.

    `changes` has any of `columns` ({index, letter or header: field or null}), `numbers` ({column: "," or
    "."}), `dates` ({column: "dmy", "mdy", "ymd", "turned" or "kept"}), `units` ({column: "cents",
    "thousands", "lakhs", "millions", "crores", "negated" or null}), `currency`, `signs`, `country`,
    `instalments` ("split" or "merge"), `row_status` ({column: {value: status}}; null imports rows whatever
    that column contains) and `not_owed` ({column: null}, the same).
    """
    if unknown := changes.keys() - _NAMES:
        raise FieldUnknown(
            message(
                "Unknown key '{name}' in the changes of a mapping. Valid keys: {names}.",
                name=excerpt(min(unknown)),
                names=sorted(_NAMES),
            )
        )
    fields = {_index(mapping, key): _field(value) for key, value in changes.get("columns", {}).items()}
    fields |= _freed_fields(mapping, fields)
    scales = {_index(mapping, key): _one_of(value, _UNITS) for key, value in changes.get("units", {}).items()}
    numbers = {_index(mapping, k): _one_of(v, {",", "."}) for k, v in changes.get("numbers", {}).items()}
    dates = {_index(mapping, k): _one_of(v, _ORDERS) for k, v in changes.get("dates", {}).items()}
    statuses: dict[int, dict[str, str]] = {
        _index(mapping, key): {} for key in changes.get("not_owed", {})
    } | {_index(mapping, key): _statuses(value) for key, value in changes.get("row_status", {}).items()}
    after = replace(
        mapping,
        columns=tuple(_changed_column(column, fields, scales) for column in mapping.columns),
        currency=_currency(mapping, changes),
        numbers={**mapping.numbers, **numbers},
        dates={**mapping.dates, **dates},
        reference_from=_reference_from(mapping, changes, fields),
        instalments=_one_of(changes.get("instalments", mapping.instalments), {None, *rows.INSTALMENTS}),
        row_status={
            **mapping.row_status,
            **{
                index: {**mapping.row_status.get(index, {}), **values} if values else {}
                for index, values in statuses.items()
            },
        },
    ).without_collisions()
    changed_fields = {
        column.field for version in (mapping, after) for column in version.columns if column.index in fields
    }
    is_touched = bool(changed_fields & values.PLACES) or "currency" in changes
    after = values.redecide_country(after, profile, changes.get("country"), is_touched=is_touched)
    touched = fields.keys() | scales.keys() | numbers.keys() | dates.keys()
    return _ask_again(after, touched, changes, profile)


def recall(
    remembered: Mapping, layout: sheets.Layout, profile: sheets.Profile, company_currency: str
) -> Mapping:
    """Return a saved mapping for a new file of the same layout, with questions where its cells differ."""
    orders = {index: order for index, order in remembered.dates.items() if order not in _TURNED}
    remembered = replace(remembered, dates=orders)
    proposal = propose(layout, profile, company_country=remembered.country, company_currency=company_currency)
    questions: list[Question] = []
    profiles = {question.column.index: question for question in profile.columns}
    for column in remembered.columns:
        if column.field and fit(Claim(column.field, 1.0), profiles[column.index]) < 0.5:
            facts = {"header": column.header or column.letter, "field": column.field.value}
            questions.append(Question("contents_changed", (column.index,), column.field, (), None, facts))
    marks, orders, unclear = amounts.decide_formats(list(remembered.columns), profile, remembered.currency)
    questions += [question for question in unclear if not _is_format_known(question, remembered)]
    for code, now, before in (
        ("number_format", marks, remembered.numbers),
        ("date_order", orders, remembered.dates),
    ):
        for index in now.keys() & before.keys():
            if now[index] != before[index]:
                facts = {"header": profiles[index].column.header, "before": before[index], "now": now[index]}
                questions.append(
                    Question(f"{code}_changed", (index,), None, (before[index], now[index]), None, facts)
                )
    if (
        proposal.currency.reason.code in {"sign", "header_code"}
        and proposal.currency.code != remembered.currency.code
    ):
        facts = {"before": remembered.currency.code, "now": proposal.currency.code}
        options = (remembered.currency.code, proposal.currency.code)
        questions.append(Question("currency_changed", (), Field.CURRENCY, options, None, facts))
    answered_signs = {sign.casefold() for sign in remembered.currency.signs}
    questions += [
        question
        for question in proposal.questions
        if question.code in {"currency_sign", "currencies_differ"}
        and str(question.facts.get("sign", "")).casefold() not in answered_signs
    ]
    country = values.recheck_country(remembered, profile)
    statuses, unclear_rows = _recall_statuses(remembered, proposal)
    return replace(
        remembered,
        questions=(*questions, *country.questions, *unclear_rows),
        row_status=statuses,
        country=country.country,
        country_reason=country.reason,
    )


def _recall_statuses(
    remembered: Mapping, proposal: Mapping
) -> tuple[dict[int, dict[str, str]], list[Question]]:
    """Return the saved row statuses by value, and questions about new values."""
    statuses = {index: dict(meanings) for index, meanings in remembered.row_status.items()}
    for index, meanings in proposal.row_status.items():
        statuses[index] = {} if statuses.get(index) == {} else {**meanings, **statuses.get(index, {})}
    questions = []
    for question in proposal.questions:
        if question.code == "row_status" and remembered.row_status.get(question.columns[0]) != {}:
            remaining = row_status.remaining_question(question, statuses.get(question.columns[0], {}))
            questions += [remaining] if remaining else []
    return statuses, questions


def difference(before: sheets.Layout, after: sheets.Layout) -> list[dict[str, str]]:
    """Return the changes of a sender's layout: columns `added`, `missing` and `moved`, by header."""
    old, new = before.headers, after.headers
    differences = [{"code": "missing", "header": header} for header in old if header not in new]
    differences += [{"code": "added", "header": header} for header in new if header not in old]
    common_before = [header for header in old if header in new]
    common_after = [header for header in new if header in old]
    if common_before != common_after:
        differences += [
            {"code": "moved", "header": header}
            for header, other in zip(common_after, common_before, strict=False)
            if header != other
        ]
    return differences


def _reference_from(
    mapping: Mapping, changes: Facts[str, Any], fields: Facts[int, Field | None]
) -> tuple[int, ...]:
    """Return the columns that identify a row together; none once a person chose an identifying column."""
    if "reference_from" in changes:
        return tuple(_index(mapping, key) for key in changes["reference_from"])
    if Field.REFERENCE in fields.values() or Field.INVOICE_REFERENCE in fields.values():
        return ()
    return _with_day(mapping, fields) or mapping.reference_from


def _with_day(mapping: Mapping, fields: Facts[int, Field | None]) -> tuple[int, ...]:
    """Return a repeated column and a date, which identify rows once a person rejects the column alone."""
    repeated = [
        index
        for question in mapping.questions
        if question.code == "reference_repeats"
        for index in question.columns
        if index in fields and fields[index] is None
    ]
    days = [
        column.index
        for field in (Field.DUE_DATE, Field.INVOICE_DATE)
        if (column := mapping.column_for(field))
    ]
    return (repeated[0], days[0]) if repeated and days else ()


def _freed_fields(mapping: Mapping, fields: Facts[int, Field | None]) -> dict[int, Field | None]:
    """Free the columns whose field a person gave to another column."""
    assigned = {field for field in fields.values() if field not in {None, Field.METADATA}}
    return {
        column.index: None
        for column in mapping.columns
        if column.field in assigned and column.index not in fields
    }


def _changed_column(
    column: ColumnMapping, fields: dict[int, Field | None], scales: dict[int, Any]
) -> ColumnMapping:
    if column.index in fields:
        field = fields[column.index]
        unit = column.unit or (amounts.unit_of(column.header) if field in AMOUNTS else None)
        column = replace(
            column, field=field, confidence=1.0, reason=ColumnReason("human"), alternatives=(), unit=unit
        )
    return replace(column, unit=scales[column.index]) if column.index in scales else column


def _currency(mapping: Mapping, changes: Facts[str, Any]) -> Currency:
    currency = mapping.currency
    signs = {**currency.signs, **{str(k).casefold(): _code(v) for k, v in changes.get("signs", {}).items()}}
    code = changes.get("currency") or next(
        (signs[sign] for question in mapping.questions if (sign := _sign_in_header(question)) in signs), None
    )
    if code is None:
        return replace(currency, signs=signs)
    return Currency(_code(code), ColumnReason("human"), signs)


def _sign_in_header(question: Question) -> str:
    """Return the symbol in a header whose currency is in question: it applies to every row."""
    return str(question.facts["sign"]).casefold() if question.facts.get("in_header") else ""


def _ask_again(
    mapping: Mapping, touched: set[int], changes: Facts[str, Any], profile: sheets.Profile
) -> Mapping:
    questions = [
        question for question in mapping.questions if not _is_answered(question, mapping, touched, changes)
    ]
    questions = [remaining for question in questions if (remaining := _remaining_question(question, mapping))]
    is_open = any(question.field == Field.CURRENCY for question in questions)
    currency = None if is_open else mapping.currency
    marks, orders, unclear = amounts.decide_formats(list(mapping.columns), profile, currency)
    questions += [question for question in unclear if not _is_format_known(question, mapping)]
    questions += ask_missing(list(mapping.columns), questions, has_reference=bool(mapping.reference_from))
    return replace(
        mapping,
        questions=tuple(questions),
        numbers={**marks, **mapping.numbers},
        dates={**orders, **mapping.dates},
    )


def _remaining_question(question: Question, mapping: Mapping) -> Question | None:
    """Return the unanswered parts of a question."""
    if question.code != "row_status":
        return question
    values = mapping.row_status.get(question.columns[0])
    return None if values == {} else row_status.remaining_question(question, values or {})


def _is_format_known(question: Question, mapping: Mapping) -> bool:
    """Return whether the mapping has the format of the column of a format question."""
    index = question.columns[0]
    if question.code == "dates_turned":
        return mapping.dates.get(index) in _TURNED
    return index in (mapping.numbers if question.code == "number_format" else mapping.dates)


def _is_answered(question: Question, mapping: Mapping, touched: set[int], changes: Facts[str, Any]) -> bool:
    fields = {column.field for column in mapping.columns}
    if question.code == "phone_country":
        return False  # answered, or already raised again
    if question.code in _AMOUNT_QUESTIONS:
        amount_columns = {column.index for column in mapping.columns if column.field in AMOUNTS}
        return bool(touched & (set(question.columns) | amount_columns))
    if question.code in _FORMATS or question.code.startswith("missing"):
        return True  # raised again where it still applies
    if question.field == Field.CURRENCY:
        sign = str(question.facts.get("sign", "")).casefold()
        named = sign and sign in mapping.currency.signs
        return bool(
            named
            or (changes.get("currency") and (not sign or question.facts.get("in_header")))
            or (not sign and Field.CURRENCY in fields)
        )
    if question.code == "instalments":
        return mapping.instalments is not None or bool(touched & set(question.columns))
    return bool(touched & set(question.columns))


def _index(mapping: Mapping, key: Any) -> int:
    text = str(key).strip()
    for column in mapping.columns:
        if text == str(column.index):
            return column.index
    named = [column for column in mapping.columns if column.header.strip().casefold() == text.casefold()]
    named = named or [column for column in mapping.columns if column.letter == text.upper()]
    if len(named) != 1:
        raise FieldUnknown(
            message(
                "Several columns are named '{text}': use the index or letter instead.", text=excerpt(text)
            )
            if named
            else message(
                "There is no column '{text}': use an index, a letter or a header.",
                text=excerpt(text),
            )
        )
    return named[0].index


def _field(value: Any) -> Field | None:
    if value is None or value == "":
        return None
    if value not in set(Field):
        raise FieldUnknown(
            message(
                "Unknown field '{value}'. Valid fields: {field}, or null.",
                value=excerpt(value),
                field=list(Field),
            )
        )
    return Field(value)


def _one_of(value: Any, options: frozenset[Any] | set[Any]) -> Any:
    if value not in options:
        raise FieldUnknown(
            message("'{value}' is not one of {known}.", value=excerpt(value), known=sorted(map(str, options)))
        )
    return value


def _statuses(value: Any) -> dict[str, str]:
    return {
        str(name): _one_of(status, frozenset(row_status.STATUSES)) for name, status in (value or {}).items()
    }


def _code(value: Any) -> str:
    code = str(value).upper()
    if code not in currencies():
        raise FieldUnknown(message("'{value}' is not an ISO 4217 currency in use.", value=excerpt(value)))
    return code
