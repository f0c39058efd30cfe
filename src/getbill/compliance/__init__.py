"""What may happen: dated rules on contacting a debtor, evaluated on plain facts, and the list of whom to leave alone.

`scenarios` is on the same level and says what should happen; whoever schedules a contact composes the two
(`debts.next_contact`). The same facts are evaluated again when the contact is claimed, because others may have been
made meanwhile, and its address may have been put on the suppression list.
"""

from getbill.compliance.api import router
from getbill.compliance.consents import consented
from getbill.compliance.facts import Collector, Contact, Facts, Party, Per, hash_for
from getbill.compliance.limits import Cap, Consent, Days, Hours, Kind, Limit, Notice, Suppression
from getbill.compliance.model import Basis, Rule, Rulebook, Severity, from_data, to_data
from getbill.compliance.rule_book import LETTER_R124_4, STANDARD
from getbill.compliance.suppressions import Suppressed, hash_of, lift, suppress, suppressed, suppressions
from getbill.compliance.verdict import Failing, Verdict, evaluate, moves, next_allowed

__all__ = [
    "LETTER_R124_4",
    "STANDARD",
    "Basis",
    "Cap",
    "Collector",
    "Consent",
    "Contact",
    "Days",
    "Facts",
    "Failing",
    "Hours",
    "Kind",
    "Limit",
    "Notice",
    "Party",
    "Per",
    "Rule",
    "Rulebook",
    "Severity",
    "Suppressed",
    "Suppression",
    "Verdict",
    "consented",
    "evaluate",
    "from_data",
    "hash_for",
    "hash_of",
    "lift",
    "moves",
    "next_allowed",
    "router",
    "suppress",
    "suppressed",
    "suppressions",
    "to_data",
]
