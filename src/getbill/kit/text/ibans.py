"""An IBAN without spaces (ISO 13616): the bank account that receives a debtor's payments.

Country, length, check digits and the bank's own check digits are verified, because money sent to a mistyped
account is slow to recover.
"""

from schwifty import IBAN
from schwifty.exceptions import (
    InvalidBBANChecksum,
    InvalidChecksumDigits,
    InvalidCountryCode,
    InvalidLength,
    SchwiftyException,
)

from getbill.kit.errors import WrongValue
from getbill.kit.messages import Message, message


class IbanInvalid(WrongValue):
    """An IBAN that cannot belong to an account."""


def normalise(text: str) -> str:
    """Return the IBAN in capitals without spaces; raise `IbanInvalid` with what is wrong."""
    try:
        return str(IBAN(text, validate_bban=True))
    except SchwiftyException as error:
        raise IbanInvalid(
            message("{reason}; write it as FR7630006000011234567890189.", reason=_iban_error(error))
        ) from None


def grouped(iban: str) -> str:
    """Return the IBAN in groups of four, as people read and type it."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def _iban_error(error: SchwiftyException) -> Message:
    for kind, sentence in _REASONS:
        if isinstance(error, kind):
            return sentence
    return message("IBAN format is not valid: it consists of two letters, two check digits and the account")


_REASONS: tuple[tuple[type[SchwiftyException], Message], ...] = (
    (InvalidCountryCode, message("IBAN country is not known")),
    (InvalidLength, message("IBAN has the wrong length for its country")),
    (InvalidChecksumDigits, message("IBAN check digits do not match: a digit is wrong or two are swapped")),
    (InvalidBBANChecksum, message("IBAN account key does not match: a digit of the account is wrong")),
)
