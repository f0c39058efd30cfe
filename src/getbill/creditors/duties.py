"""The duties of a third-party collector without which it contacts nobody: its file, and the mandate.

Contact waits for them: no step is passed, and the next one is taken once they are met.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from getbill import companies
from getbill.companies import Workspace
from getbill.compliance import Basis
from getbill.creditors.model import Creditor

_FILE_SOURCE: Final = "art. R124-2 CPCE"
_MANDATE_SOURCE: Final = "art. R124-3 CPCE"


@dataclass(frozen=True, slots=True)
class ContactGap:
    """A duty that is not met, with the way out."""

    rule: str
    says: str
    source: str
    basis: Basis = Basis.LAW


def contact_gap(workspace: Workspace, creditor: Creditor | None, now: datetime) -> ContactGap | None:
    """Return the duty for want of which a debt of this creditor is not contacted; None if there is none."""
    if not workspace.company.is_third_party:
        return None
    missing = companies.collector_file(workspace.company).missing_fields(now.date())
    if workspace.is_live and missing:
        return ContactGap(
            "COLLECTOR-FILE",
            f"The third-party collector lacks {', '.join(missing)} on file. Send them with PUT /company/collector,"
            " or run `getbill company collector`.",
            _FILE_SOURCE,
        )
    if creditor is None:
        says = "The debt names no creditor that is on file. Send company or creditor_id with PUT /debts/{id}."
        return ContactGap("CREDITOR-NAMED", says, _MANDATE_SOURCE)
    return _mandate_gap(creditor, now) or _address_gap(workspace, creditor)


def _mandate_gap(creditor: Creditor, now: datetime) -> ContactGap | None:
    signed_on = creditor.mandate.signed_on
    if signed_on is None:
        says = "The creditor has no mandate on file. Send mandate_signed_on with PUT /creditors/{id}."
        return ContactGap("CREDITOR-MANDATE", says, _MANDATE_SOURCE)
    if signed_on > now.date():
        says = "The creditor's mandate is not signed yet: mandate_signed_on is in the future."
        return ContactGap("CREDITOR-MANDATE", says, _MANDATE_SOURCE)
    if not creditor.mandate.power_to_receive:
        says = "The creditor's mandate gives no power to receive payments: see mandate_power_to_receive."
        return ContactGap("CREDITOR-MANDATE", says, _MANDATE_SOURCE)
    return None


def _address_gap(workspace: Workspace, creditor: Creditor) -> ContactGap | None:
    """Return the gap of the address, which the opening letter of a third party states."""
    if not workspace.is_live or creditor.profile.address_lines:
        return None
    says = "The creditor has no address on file. Send it with PUT /creditors/{id}."
    return ContactGap("CREDITOR-ADDRESS", says, "art. R124-4 CPCE")
