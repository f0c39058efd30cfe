"""The fields that a column of a creditor's file may hold, with their display names."""

from enum import StrEnum
from typing import Final, Self

from getbill.kit.messages import Message, Template, template

# A member always has its own; the default is for the type checker, which reads a look-up as a creation.
_UNNAMED: Final = Template("")


class Field(StrEnum):
    """A field of a debt; `metadata` stores a column unchanged with it, and several columns may have it.

    `body_name` is the key of POST /debts into which the text of a cell goes as it is, if it does.
    """

    _value_: str
    body_name: str | None
    label: Template

    def __new__(cls, value: str, label: Template = _UNNAMED, body_name: str | None = None) -> Self:
        """Create a field with the label that it has in messages."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        member.body_name = body_name
        return member

    REFERENCE = "reference", template("reference", context="field")
    INVOICE_REFERENCE = "invoice_reference", template("invoice reference", context="field")
    DEBTOR_REFERENCE = "debtor_reference", template("debtor reference", context="field")
    AMOUNT = "amount", template("amount", context="field")
    AMOUNT_INVOICED = "amount_invoiced", template("amount invoiced", context="field")
    AMOUNT_PAID = "amount_paid", template("amount paid", context="field")
    CURRENCY = "currency", template("currency", context="field")
    INVOICE_DATE = "invoice_date", template("invoice date", context="field")
    DUE_DATE = "due_date", template("due date", context="field")
    NAME = "name", template("name", context="field")
    FIRST_NAME = "first_name", template("first name", context="field")
    LAST_NAME = "last_name", template("last name", context="field")
    NAME_INFIX = "name_infix", template("name infix", context="field")
    CIVILITY = "civility", template("civility", context="field")
    COMPANY = "company", template("company", context="field")
    CONTACT = "contact", template("contact", context="field")
    BIRTHDATE = "birthdate", template("birthdate", context="field")
    LANGUAGE = "language", template("language", context="field")
    EMAIL = "email", template("email", context="field")
    PHONE = "phone", template("phone", context="field")
    MOBILE = "mobile", template("mobile", context="field")
    ADDRESS = "address", template("address", context="field")
    STREET_ADDRESS = "street_address", template("street address", context="field")
    ADDRESS_EXTRA = "address_extra", template("address line 2", context="field")
    STREET_NUMBER = "street_number", template("street number", context="field")
    POSTAL_CODE = "postal_code", template("postal code", context="field")
    CITY = "city", template("city", context="field")
    POSTAL_CITY = "postal_city", template("postal code and city", context="field")
    COUNTRY = "country", template("country", context="field")
    CONTRACT_NUMBER = "contract_number", template("contract number", context="field"), "contract_number"
    OBJECT = "object", template("object", context="field"), "object"
    IBAN = "iban", template("IBAN", context="field")
    PAYMENT_LINK = "payment_link", template("payment link", context="field"), "payment_link"
    CREDITOR = "creditor", template("creditor", context="field"), "company"
    SCENARIO = "scenario", template("scenario", context="field"), "scenario"
    METADATA = "metadata", template("metadata", context="field")

    @property
    def display_name(self) -> Message:
        """The field's name in messages."""
        return self.label.filled({})


AMOUNTS = frozenset({Field.AMOUNT, Field.AMOUNT_INVOICED, Field.AMOUNT_PAID})
DATES = frozenset({Field.INVOICE_DATE, Field.DUE_DATE, Field.BIRTHDATE})
# Fields whose text goes into the body as it is, by their name there.
TEXTS = {field: field.body_name for field in Field if field.body_name}
NAMES = frozenset({Field.NAME, Field.FIRST_NAME, Field.LAST_NAME, Field.COMPANY})
