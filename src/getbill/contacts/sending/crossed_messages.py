"""Messages that crossed a payment, or whatever else ended contact: sent before it, with the debtor after it.

They cannot be called back; they are listed, so that whoever answers the debtor knows. What had been paid when a
message was written is kept with it.
"""

from getbill.channels.senders import Fate
from getbill.debts import Debt
from getbill.followups import Followup

PAYMENT = "payment"
# A scenario that came to its own end crossed nothing either.
_ENDINGS = frozenset({"on_hold", "payment_plan", "resolved", "escalated", "archived"})
# What reached nobody, and never will, crossed nothing.
_HARMLESS = frozenset({Fate.FAILED, Fate.UNANSWERED})


def crossed_by(debt: Debt, followup: Followup, fate: Fate) -> str | None:
    """Return what a message crossed on its way: `payment`, the status that ended contact, or nothing."""
    if fate in _HARMLESS:
        return None
    paid = followup.content.paid
    if paid is not None and debt.paid > paid:
        return PAYMENT
    return debt.status if debt.status in _ENDINGS else followup.crossed_by
