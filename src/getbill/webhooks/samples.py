"""What the `data` of events may hold, and a sample of each to try a receiver with.

A sample is marked as one wherever it is sent: it never stands in the stream, the log or the statistics.
"""

from typing import Any, Final

from getbill.kit import json

# What every event says of its debt, and what its kind adds.
_DEBT: Final = (
    "debt_id",
    "reference",
    "amount",
    "currency",
    "balance",
    "status",
    "due_date",
    "scenario",
    "debtor",
    "resolved_at",
)
_OWN: Final[dict[str, tuple[str, ...]]] = {
    "debt.contacted": ("followup", "confirmed"),
    "debt.payment_received": ("payment",),
    "debt.resolved": ("resolution",),
    "debt.escalated": ("escalation",),
    "followup.completed": ("followup",),
    "debt.updated": ("changes", "entry"),
    "debt.status_changed": ("changes", "status_change_context", "reason"),
}
FIELDS: Final = tuple(dict.fromkeys((*_DEBT, *(name for names in _OWN.values() for name in names))))
_TOLD: Final[dict[str, Any]] = {
    "debt_id": "debt_01m804scmte4gbpp4yw1mc91gy",
    "reference": "F-2024-0847",
    "amount": json.written(b"2340.00"),
    "currency": "EUR",
    "balance": json.written(b"2340.00"),
    "status": "in_progress",
    "due_date": "2024-01-15",
    "scenario": "standard_3_waves",
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@email.com", "phone": "+33612345678"},
    "resolved_at": None,
}


def sample(kind: str) -> dict[str, Any]:
    """Return the `data` of a sample of one kind of event."""
    if kind == "debt.deleted":
        return {"debt_id": _TOLD["debt_id"], "erased": True}
    return _TOLD
