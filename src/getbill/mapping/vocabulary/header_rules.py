"""Header rules: each names the concepts of a header and the matching fields.

The first rule whose concepts are all present decides, so a rule that excludes (a supplier, a tax, a reminder)
stands before the rules that it excludes. Scores estimate how often such a header is the field, and are not
measured.
"""

from dataclasses import dataclass

from getbill.mapping.model import Field
from getbill.mapping.vocabulary.headers import HeaderTokens

# Required concepts: fields with their scores. No field: the column is known, and is none of our fields.
_RULES = """
lettering:
virtual iban: iban .95
creditor iban: iban .95
debtor iban:
iban: iban .7
bic:
bank:
payment link: payment_link .97
link: payment_link .6
fax:
ship:
supplier:
other:
rep:
email: email .97
pec: email .82
web:
taxid:
mobile: mobile .95
phone: phone .95
birth zip:
birth city:
birth country:
birth: birthdate .96
line3:
zip city: postal_city .95
street number: street_address .9, street_number .9
house street: street_address .95
house: street_number .95
zip: postal_code .96
city province: city .85
city: city .95
country: country .95
province:
extra: address_extra .9
street: street_address .93
address: address .9, street_address .9
civility: civility .95
language: language .93
quality:
limit:
fees:
refund:
discount:
price:
quantity:
bucket:
running:
terms:
credit_note:
scenario: scenario .9
reminder:
disputed:
cancelled:
order invoice number: invoice_reference .8
order:
days:
service:
date due: due_date .98
date issue: invoice_date .97
date payment:
date paid:
date booking:
date debtor:
date contract:
date case:
date status:
date invoice: invoice_date .98
date document: invoice_date .9
date overdue: due_date .7
date currency:
date company:
date: invoice_date .7
number due:
due payment: due_date .9
paid date:
tax number:
tax incl: amount_invoiced .9
tax amount:
tax total:
tax excl: amount_net .9
tax:
excl open: amount .5
excl: amount_net .9
debit open: amount .85
credit open:
open payment: amount .8
open paid: amount .5
overdue amount: amount .6
overdue open: amount .6
overdue: amount .6, due_date .5
principal open: amount .6
principal: amount .6
open amount: amount .97
open total: amount .95
open incl: amount .95
open invoice: amount .9, invoice_reference .6
open local: amount .6
open: amount .93
paid invoice: amount_paid .9
paid: amount_paid .93
amount payment: amount_paid .75
total payment: amount_paid .75
amount local: amount .55
amount initial: amount_invoiced .9
amount due: amount .93
total due: amount .93
amount case: amount .9
total case: amount .8
amount contract:
amount invoice: amount_invoiced .96
incl: amount_invoiced .94
total invoice: amount_invoiced .95
amount total: amount_invoiced .88
total: amount_invoiced .85
amount currency: amount .65, currency .8
amount debit: debit .6
amount credit: credit .6
amount: amount .8
debit credit: amount .6
debit: debit .6
credit: credit .6
due: due_date .93, amount .85
issue invoice: invoice_date .85
issue: invoice_date .85
creditor number:
creditor: creditor .93
currency: currency .96
kind:
segment:
priority:
status:
note:
sides:
flag:
object debtor: name .88
name object: name .88, object .8
object account: name .82
object: object .88
first last: name .95
infix: name_infix .93
contact first: first_name .93
contact last: last_name .93
first name: name .93
first: first_name .97
last name: name .9
last: last_name .97
contact name: contact .8
contact number: phone .86
contact: contact .7
journal:
company debtor number: debtor_reference .9
company number:
company: company .95
name invoice: name .85
debtor account: debtor_reference .93
account name: name .85
debtor name: name .97
name: name .93
unit:
debtor row: name .84
row:
debtor number: debtor_reference .96
debtor invoice reference: debtor_reference .7
debtor reference: debtor_reference .85
debtor invoice: name .86, debtor_reference .86
case invoice: invoice_reference .75
invoice id: invoice_reference .86
invoice number: invoice_reference .97
invoice reference: invoice_reference .95
document number: invoice_reference .88
document reference: invoice_reference .88
case number: reference .97
case reference: reference .97
internal reference: reference .93
internal number: reference .85
contract number: reference .72
contract:
case: reference .88, amount .7
document: invoice_reference .83
account number: debtor_reference .85
account: debtor_reference .82
debtor: name .88, debtor_reference .88
payment reference: reference .6
payment: amount_paid .55
booking:
local:
reference: reference .88
invoice: invoice_reference .86, amount_invoiced .8, invoice_date .78
number: reference .6
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A possible field of a column, with its score.

    `role` adds details to the field: `net`, `debit`, `credit`, `contact`, where other columns decide.
    """

    field: Field
    score: float
    role: str = ""


# Names in the rules that stand for a field with a role.
_ROLES = {
    "amount_net": (Field.AMOUNT_INVOICED, "net"),
    "debit": (Field.AMOUNT_INVOICED, "debit"),
    "credit": (Field.AMOUNT_PAID, "credit"),
    "contact": (Field.NAME, "contact"),
}


def claims(tokens: HeaderTokens) -> tuple[Claim, ...] | None:
    """Return the fields of a header, best first; empty for a known header without one, None when unknown."""
    if tokens.whole:
        return (Claim(Field(tokens.whole), 0.99),)
    for needs, rule_claims in _TABLE:
        if needs <= tokens.concepts:
            extra = 0.02 * max(0, len(tokens.concepts - needs - _HARMLESS))
            deduction = tokens.doubt + extra
            return tuple(Claim(claim.field, claim.score - deduction, claim.role) for claim in rule_claims)
    return None


def _rule(line: str) -> tuple[frozenset[str], tuple[Claim, ...]]:
    needs, _, fields = line.partition(":")
    rule_claims = []
    for text in filter(None, (part.strip() for part in fields.split(","))):
        name, score = text.split()
        field, role = _ROLES.get(name) or (Field(name), "")
        rule_claims.append(Claim(field, float(score), role))
    return frozenset(needs.split()), tuple(rule_claims)


_TABLE = tuple(_rule(line) for line in _RULES.strip().splitlines())
# Concepts that name the owner of a value without changing its kind.
_HARMLESS = frozenset(
    {"debtor", "number", "name", "invoice", "amount", "total", "address", "contact", "date", "neutral"}
)
