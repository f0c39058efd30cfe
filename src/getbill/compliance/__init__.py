"""Compliance: dated contact rules, evaluated on plain facts, and the suppression list.

`scenarios` is on the same level and states what should happen; the caller that schedules a contact combines
the two (`debts.next_contact`). The same facts are evaluated again when the contact is claimed, because other
contacts may have been made meanwhile, and its address may have been suppressed.
"""

from getbill.compliance.api import router
from getbill.compliance.consents import granted_consents
from getbill.compliance.facts import Collector, Facts, Party, PastContact, Per, hash_for
from getbill.compliance.limits import Cap, ConsentRequired, Days, Hours, Limit, LimitKind, Notice, Suppression
from getbill.compliance.model import Basis, Rule, Rulebook, Severity, from_data, to_data
from getbill.compliance.rule_book import LETTER_R124_4, STANDARD
from getbill.compliance.suppressions import (
    SuppressedAddress,
    hash_of,
    lift,
    suppress,
    suppressed_hashes,
    suppressions,
)
from getbill.compliance.verdict import FailedRule, Verdict, evaluate, next_allowed, rule_moves

__all__ = [
    "LETTER_R124_4",
    "STANDARD",
    "Basis",
    "Cap",
    "Collector",
    "ConsentRequired",
    "Days",
    "Facts",
    "FailedRule",
    "Hours",
    "Limit",
    "LimitKind",
    "Notice",
    "Party",
    "PastContact",
    "Per",
    "Rule",
    "Rulebook",
    "Severity",
    "SuppressedAddress",
    "Suppression",
    "Verdict",
    "evaluate",
    "from_data",
    "granted_consents",
    "hash_for",
    "hash_of",
    "lift",
    "next_allowed",
    "router",
    "rule_moves",
    "suppress",
    "suppressed_hashes",
    "suppressions",
    "to_data",
]
