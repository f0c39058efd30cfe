"""Phone numbers: E.164, the ranges of numbering plans, and expensive destinations."""

from getbill.kit.phones.destinations import Zone, destination_of, expensive_destination, refusal
from getbill.kit.phones.numbers import (
    PhoneAmbiguous,
    PhoneInvalid,
    is_mobile,
    kind,
    parse,
    phone_number_of,
    range_of,
)
