"""Messages about a row, by code. Errors from body validation have messages of their own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from getbill import mapping
from getbill.kit.messages import Message, Template, message, template

_TEMPLATES: Final[Mapping[str, Template]] = {
    "duplicate-in-file": template(
        "The reference {reference} is already on line {line_before}, with other values."
    ),
    "instalment-merged": template(
        "The instalment is included in the amount of line {line_before}, whose debt has the same reference."
    ),
    "repeated-row": template("The row repeats line {line_before}."),
    "reference-known": template(
        "A debt with the reference {reference} already exists, with other values: {debt}."
    ),
    "updated": template("The debt {debt} already exists; this row changes: {fields}."),
    "person-changed": template("The debtor of {debt} changes: {fields}."),
    "debt-moved": template(
        "The row names another person: {debt} is moved to them, and the other debts keep their debtor."
    ),
    "cannot-update": template("The debt {debt} with this reference could not be changed: {why}"),
    "row-failed": template(
        "The row could not be processed and was set aside: {why} Correct it here, or send it again."
    ),
    "code-of-several": template(
        "The code {customer} belongs to several people and was not used to identify the debtor."
    ),
    "code-differs": template(
        "The code {customer} belongs to a debtor with other values of: {fields}. A separate debtor was created."
    ),
    "debtor-differs": template(
        "The debtor is already known with other values, which were kept: {fields}. To change them: PUT /debts/{debt}."
    ),
    "address-added": template(
        "The debtor is already known with another value, which stays preferred: {fields}. This one was added."
    ),
    "email-typo": template("The domain {domain} is very similar to {meant}."),
    "date-far": template("The date {date} is more than {years} years in the future."),
    "contacted": template("The debtor has been contacted since; the debt was kept."),
    "money-moved": template("A payment or adjustment has been recorded since; the debt was kept."),
    "contacted-since": template("The debtor has been contacted since; the change was kept."),
    "money-since": template("A payment or adjustment has been recorded since; the change was kept."),
    "changed-since": template(
        "The value has been changed again since; the change was kept. Set the value by PUT /debts/{debt}."
    ),
    "moved-since": template("The debt is now {status}; the change was kept."),
    "cannot-restore": template(
        "The earlier values are no longer accepted; the change was kept. Set the value by PUT /debts/{debt}."
    ),
    "moved-on": template("The debt is now {status} and was kept."),
}


# Plain strings: a field is looked up by any text.
_FIELDS: Final = frozenset(field.value for field in mapping.Field)


def field_names(fields: Sequence[str]) -> list[str]:
    """Return the display names of fields, for a message."""
    names = [
        mapping.Field(field).display_name if field in _FIELDS else field.replace("_", " ") for field in fields
    ]
    return names or [message("nothing")]


def codes() -> list[str]:
    """Return the codes defined by imports."""
    return list(_TEMPLATES)


def message_of(code: str, facts: Mapping[str, Any]) -> Message:
    """Return the message of an import code."""
    return _TEMPLATES[code].filled(facts)


def name_field(pointer: str, detail: Message) -> Message:
    """Return a body validation error with the field's display name, since columns have other names."""
    field = pointer.rsplit("/", 1)[-1]
    if field not in _FIELDS:
        return detail
    return detail.with_subject(message("The field '{field}'", field=mapping.Field(field).display_name))
