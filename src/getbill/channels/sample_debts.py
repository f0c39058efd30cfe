"""Sample debts for the validation of a template, with every fact present and absent.

Only the variables that a template uses are varied. Where all combinations would be too many to render, every
pair is covered; a fault of the remaining ones is found when the message is sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import combinations, product
from typing import Any, Final

from getbill.channels.messages import MessageFacts
from getbill.kit.money import Money

# About a second's work.
_CHARACTERS_MAX: Final = 2_000_000
_IBAN: Final = "FR7630006000011234567890189"

PLAIN: Final = MessageFacts(
    creditor="Qzcreditor",
    debtor="Qzdebtor",
    reference="Qz-1",
    balance=Money(234_000, "EUR"),
    sent_on=date(2024, 3, 15),
    due_on=date(2024, 1, 15),
    payment_link="https://pay.qz.example/p",
    creditor_address=("1 rue Qz", "75001 PARIS"),
    debtor_address=("2 rue Qz", "69001 LYON"),
)
# Names as they occur in imported files.
_ODD: Final = 'Qz "O\'Neil" <b title=q> onq=q & Co; x:y'
HOSTILE: Final = MessageFacts(
    creditor=_ODD,
    debtor=_ODD,
    reference=_ODD,
    balance=PLAIN.balance,
    sent_on=PLAIN.sent_on,
    due_on=PLAIN.due_on,
    payment_link="https://pay.qz.example/p?a='1'&b=2",
    iban=_IBAN,
    contact_email="pay@qz.example",
    creditor_address=(_ODD,),
    debtor_address=(_ODD,),
    collector=_ODD,
    collector_address=(_ODD,),
    payee=_ODD,
)
_PAYMENT_DETAILS: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"payment_link": None, "iban": _IBAN},
    {"payment_link": None, "contact_email": "pay@qz.example"},
)
_CONTACTS: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"contact_email": "pay@qz.example"},
    {"contact_phone": "+33612345678"},
)
_ALL_PAYMENT_DETAILS: Final[tuple[Mapping[str, Any], ...]] = (
    *_PAYMENT_DETAILS,
    {"payment_link": None, "contact_phone": "+33612345678"},
    *(
        {"payment_link": link, "iban": iban} | contact
        for link, iban, contact in product(
            (PLAIN.payment_link, None),
            (_IBAN, None),
            _CONTACTS,
        )
        if sum(map(bool, (link, iban, contact))) > 1
    ),
)
# Facts that may be absent or differ, by the variable that shows them.
_OPTIONAL: Final[Mapping[str, Mapping[str, Any]]] = {
    "due_on": {"due_on": None},
    "creditor_address": {"creditor_address": ()},
    "debtor_address": {"debtor_address": ()},
    "has_logo": {"has_logo": True},
    "collector": {"collector": "Qzcollector", "collector_address": ("3 rue Qz", "13001 MARSEILLE")},
    "collector_address": {"collector": "Qzcollector", "collector_address": ()},
    "payee": {"payee": "Qzpayee"},
}
_PAYMENT_VARIABLES: Final = frozenset({"payment_link", "iban", "contact", "pay_by"})


def every(names: frozenset[str], size: int) -> Iterator[MessageFacts]:
    """Yield debts with these variables' facts present and absent, for templates of `size` characters."""
    payment_details = _ALL_PAYMENT_DETAILS if names & _PAYMENT_VARIABLES else _PAYMENT_DETAILS
    options = [changes for name, changes in _OPTIONAL.items() if name in names]
    for chosen in _choices(options, len(payment_details) * max(size, 1)):
        changes: dict[str, Any] = {}
        for option in chosen:
            changes |= option
        for payment_detail in payment_details:
            yield replace(PLAIN, **changes, **payment_detail)


def _choices(options: list[Mapping[str, Any]], cost: int) -> Iterator[tuple[Mapping[str, Any], ...]]:
    whole = cost * 2 ** len(options) <= _CHARACTERS_MAX
    for many in range(len(options) + 1):
        if whole or many <= 2 or many == len(options):
            yield from combinations(options, many)
