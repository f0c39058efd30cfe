"""Crossed messages: sent before a payment or another end of contact, received after it.

They cannot be recalled; they are listed for the person who answers the debtor. The amount paid when a message
was written is kept with it.
"""

from getbill import debts
from getbill.channels.senders import Fate
from getbill.debts import Debt
from getbill.followups import Followup

PAYMENT = "payment"
# Not a scenario's own end: a message does not cross that.
_ENDINGS = frozenset(debts.Status) - debts.CONTACTABLE - {debts.Status.UNRESOLVED}
# A message that reached no debtor, and never will, crossed nothing.
_HARMLESS = frozenset({Fate.FAILED, Fate.UNANSWERED})


def crossed_by(debt: Debt, followup: Followup, fate: Fate) -> str | None:
    """Return what a message crossed: `payment`, the status that ended contact, or None."""
    if fate in _HARMLESS:
        return None
    paid = followup.content.paid
    if paid is not None and debt.paid > paid:
        return PAYMENT
    return debt.status if debt.status in _ENDINGS else followup.crossed_by
