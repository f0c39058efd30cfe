"""The rules for contacting debtors in France, and the product's own policy, which holds everywhere.

Engineering inputs, not legal advice. The rules on what a message must say, on fees and on interest are not
here: they do not bear on whether a contact may be made now.
"""

from datetime import date, time

from getbill.channels import Channel
from getbill.compliance.facts import Collector, Per
from getbill.compliance.limits import Cap, Days, Hours, Notice
from getbill.compliance.model import Basis, Rule, Rulebook
from getbill.kit.calendar import Exclusions

LETTER_R124_4 = "FR-R124-4"

_REVIEWED_ON = date(2026, 11, 21)
_POLICY_SINCE = date(2000, 1, 1)
_WEEKDAYS = (1, 2, 3, 4, 5)
_EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
_TO_PHONE = (Channel.AI_CALL, Channel.SMS, Channel.WHATSAPP)

# Law limits telemarketing, not reminders of a debt that exists (art. L223-1 and D223-9 C. conso.); its hours
# are taken as a safe harbour against harassment (art. 222-16 C. pén.).
_DECREE = "product policy after art. D223-9 C. conso. (decree 2022-1313)"

RULES = (
    Rule(
        id="POLICY-DAYS",
        says="Nobody is contacted on weekends and public holidays.",
        channels=tuple(Channel),
        limit=Days(Exclusions()),
        source=_DECREE,
        basis=Basis.PRODUCT_POLICY,
        valid_from=_POLICY_SINCE,
        reviewed_on=_REVIEWED_ON,
    ),
    Rule(
        id="FR-TEL-POLICY-HOURS",
        says="Calls and text messages: Monday to Friday, 10:00 to 13:00 and 14:00 to 20:00 where the debtor is.",
        channels=_TO_PHONE,
        limit=Hours(_WEEKDAYS, ((time(10), time(13)), (time(14), time(20)))),
        source=_DECREE,
        basis=Basis.PRODUCT_POLICY,
        valid_from=_POLICY_SINCE,
        reviewed_on=_REVIEWED_ON,
    ),
    Rule(
        id="POLICY-WRITTEN-HOURS",
        says="E-mails and letters: 8:00 to 20:00 where the debtor is.",
        channels=(Channel.EMAIL, Channel.LETTER),
        limit=Hours(_EVERY_DAY, ((time(8), time(20)),)),
        source="product policy",
        basis=Basis.PRODUCT_POLICY,
        valid_from=_POLICY_SINCE,
        reviewed_on=_REVIEWED_ON,
    ),
    Rule(
        id="FR-TEL-POLICY-CAP",
        says="At most 4 calls and text messages in any 30 days for a case.",
        channels=_TO_PHONE,
        limit=Cap(contacts_max=4, days=30, per=Per.CASE, channels=_TO_PHONE),
        source=_DECREE,
        basis=Basis.PRODUCT_POLICY,
        valid_from=_POLICY_SINCE,
        reviewed_on=_REVIEWED_ON,
    ),
    Rule(
        id="POLICY-ADDRESS-CAP",
        says="At most 4 contacts in any 7 days to one address or number, over all cases.",
        channels=(Channel.EMAIL, *_TO_PHONE),
        limit=Cap(contacts_max=4, days=7, per=Per.ADDRESS, channels=(Channel.EMAIL, *_TO_PHONE)),
        source="product policy",
        basis=Basis.PRODUCT_POLICY,
        valid_from=_POLICY_SINCE,
        reviewed_on=_REVIEWED_ON,
    ),
    Rule(
        id="FR-LETTER",
        says="A third party contacts nobody before the letter of art. R124-4 CPCE.",
        channels=tuple(Channel),
        limit=Notice(LETTER_R124_4),
        source="art. R124-4 CPCE (decree 2012-783); fine: art. R124-7",
        basis=Basis.LAW,
        valid_from=date(2012, 6, 1),
        reviewed_on=_REVIEWED_ON,
        jurisdiction="FR",
        collector=Collector.THIRD_PARTY,
    ),
)

STANDARD = Rulebook(RULES)
