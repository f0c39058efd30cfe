"""Compliance: dated contact rules, evaluated on plain facts, and the suppression list.

`scenarios` is on the same level and states what should happen; the caller that schedules a contact combines
the two (`debts.next_contact`). The same facts are evaluated again when the contact is claimed, because other
contacts may have been made meanwhile, and its address may have been suppressed.
"""

from getbill.compliance.consents import granted_consents
from getbill.compliance.facts import Collector, Facts, Party, PastContact, PermissionChange, hash_for
from getbill.compliance.limits import Cap, ConsentRequired, Hours, Suppression
from getbill.compliance.model import Basis, Rule, Rulebook, Severity, from_data, to_data
from getbill.compliance.rule_book import LETTER_R124_4, STANDARD
from getbill.compliance.suppressions import hash_of, suppress, suppressed_addresses, suppressed_hashes
from getbill.compliance.verdict import FailedRule, evaluate, next_allowed, refusing_rules, rule_moves
