"""Contact channels, and the kind of address each one needs.

A contact is only planned on a channel whose address is known; message texts are in `templates`.
"""

from enum import StrEnum
from functools import cache

from getbill.kit import phones
from getbill.kit.messages import message


class AddressKind(StrEnum):
    """A kind of contact detail."""

    EMAIL = "email"
    PHONE = "phone"
    MOBILE = "mobile"
    POSTAL = "postal"


class Channel(StrEnum):
    """A contact channel."""

    AI_CALL = "ai_call"
    SMS = "sms"
    EMAIL = "email"
    LETTER = "letter"
    WHATSAPP = "whatsapp"


ADDRESS_OF = {
    Channel.AI_CALL: AddressKind.PHONE,
    Channel.SMS: AddressKind.MOBILE,
    Channel.EMAIL: AddressKind.EMAIL,
    Channel.LETTER: AddressKind.POSTAL,
    Channel.WHATSAPP: AddressKind.MOBILE,
}

MISSING = {
    AddressKind.EMAIL: message("no e-mail address"),
    AddressKind.PHONE: message("no phone number"),
    AddressKind.MOBILE: message("no mobile number"),
    AddressKind.POSTAL: message("no postal address"),
}


def reachable(email: str | None, phone: str | None, *, postal: bool) -> frozenset[AddressKind]:
    """Return the kinds of address known: `phone` in E.164, `postal` whether street, postcode and city are."""
    is_mobile = bool(phone and phones.is_mobile(phone))
    return _address_kinds(is_email=bool(email), is_phone=bool(phone), is_mobile=is_mobile, is_postal=postal)


@cache
def _address_kinds(
    *, is_email: bool, is_phone: bool, is_mobile: bool, is_postal: bool
) -> frozenset[AddressKind]:
    kinds = {
        AddressKind.EMAIL: is_email,
        AddressKind.PHONE: is_phone,
        AddressKind.MOBILE: is_mobile,
        AddressKind.POSTAL: is_postal,
    }
    return frozenset(kind for kind, is_known in kinds.items() if is_known)
