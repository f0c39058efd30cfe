"""What may happen: dated rules on contacting a debtor, evaluated on plain facts.

`scenarios` is on the same level and says what should happen; whoever schedules a contact composes the two:
`compliance.next_allowed(facts.saying(step.notices), step.channel, max(now, nominal))` with
`facts.exclusions = scenario.exclusions` (see `scenarios`). The same facts are evaluated again when the
contact is claimed, because others may have been made meanwhile.
"""

from getbill.compliance.facts import Collector, Contact, Facts, Party, Per
from getbill.compliance.france import LETTER_R124_4, STANDARD
from getbill.compliance.limits import Cap, Days, Hours, Kind, Limit, Notice
from getbill.compliance.model import Basis, Rule, Rulebook, Severity, from_data, to_data
from getbill.compliance.verdict import Failing, Verdict, evaluate, moves, next_allowed

__all__ = [
    "LETTER_R124_4",
    "STANDARD",
    "Basis",
    "Cap",
    "Collector",
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
    "Verdict",
    "evaluate",
    "from_data",
    "moves",
    "next_allowed",
    "to_data",
]
