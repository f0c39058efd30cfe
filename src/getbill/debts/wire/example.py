"""The example of a debt in the published documentation."""

from typing import Any, Final

from getbill.debts.wire.fields import ADDRESS_ANSWER, DEBT_ANSWER, DEBTOR_ANSWER, DETAILS_ANSWER

EXAMPLE: Final[dict[str, Any]] = {
    "id": "debt_01m804scmte4gbpp4yw1mc91gy",
    "status": "pending",
    **DEBT_ANSWER.example(),
    "due_date": "2024-01-15",
    "amount": 2340.00,
    "currency": "EUR",
    "balance": 2340.00,
    "amount_paid": 0.00,
    "amount_written_off": 0.00,
    "scenario_version": 1,
    "timeline_id": "timeline_01jdht0000e008000000000001",
    **DETAILS_ANSWER.example(),
    "creditor_id": None,
    "company": None,
    "debtor": {
        "id": "debtor_01m804scmte4gbpp4yw1mc91gz",
        **DEBTOR_ANSWER.example(),
        "address": ADDRESS_ANSWER.example(),
        "emails": [
            {
                "value": "jean.dupont@email.com",
                "source": "api",
                "health": "unknown",
                "preferred": True,
            }
        ],
        "phones": [{"value": "+33612345678", "source": "api", "health": "unknown", "preferred": True}],
        "other_names": [],
        "other_references": [],
        "other_addresses": [],
    },
    "next_action_at": "2024-03-11T07:00:00Z",
    "contacted_at": None,
    "resolved_at": None,
    "resolution": None,
    "payment_plan_active": False,
    "promise": None,
    "followups_count": 0,
    "created_at": "2024-03-10T14:32:07Z",
    "updated_at": "2024-03-10T14:32:07Z",
}
