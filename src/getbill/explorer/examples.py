"""The published examples in the explorer: requests and their responses.

tests/contract sends the requests and compares the responses with real ones, key by key.
"""

from typing import Any, Final

DEBT_TO_CREATE: Final[dict[str, Any]] = {
    "debtor": {"name": "Jean Dupont", "email": "jean.dupont@email.com", "phone": "+33612345678"},
    "amount": 2340.00,
    "currency": "EUR",
    "reference": "F-2024-0847",
    "due_date": "2024-01-15",
    "scenario": "standard_3_waves",
}
LEAST_DEBT_TO_CREATE: Final[dict[str, Any]] = {
    "debtor": {"name": "Test Dupont"},
    "amount": 1500.00,
    "reference": "TEST-001",
}
DEBT: Final[dict[str, Any]] = {
    "id": "debt_01m804scmte4gbpp4yw1mc91gy",
    "status": "pending",
    "reference": "F-2024-0847",
    "invoice_reference": None,
    "amount": 2340.00,
    "currency": "EUR",
    "balance": 2340.00,
    "amount_paid": 0.00,
    "due_date": "2024-01-15",
    "invoice_date": None,
    "object": None,
    "scenario": "standard_3_waves",
    "scenario_version": 1,
    "timeline_id": "timeline_01jdht0000e008000000000001",
    "debtor": {
        "id": "debtor_01m804scmte4gbpp4yw1mc91gz",
        "name": "Jean Dupont",
        "first_name": None,
        "last_name": None,
        "civility": None,
        "birthdate": None,
        "company": None,
        "email": "jean.dupont@email.com",
        "phone": "+33612345678",
        "language": None,
        "reference": None,
        "address": {
            "street_address": None,
            "street_number": None,
            "postal_code": None,
            "city": None,
            "country": None,
        },
    },
    "next_action_at": "2024-03-11T07:00:00Z",
    "contacted_at": None,
    "resolved_at": None,
    "resolution": None,
    "payment_link": None,
    "payment_plan_active": False,
    "promise": None,
    "iban": None,
    "company": None,
    "followups_count": 0,
    "metadata": {},
    "created_at": "2024-03-10T14:32:07Z",
    "updated_at": "2024-03-10T14:32:07Z",
}
PROBLEM: Final[dict[str, Any]] = {
    "type": "/problems/invalid",
    "title": "Some fields are wrong",
    "status": 422,
    "detail": "The field 'amount' is required: what is owed.",
    "errors": [
        {
            "pointer": "/amount",
            "code": "missing",
            "detail": "The field 'amount' is required: what is owed.",
        }
    ],
}
STREAM: Final[dict[str, Any]] = {
    "data": [],
    "next_cursor": "WyJldmVudHMiLDEsOF0.dW5HcTFzLXJtT2sz",
    "has_more": False,
    "epoch": 1,
    "epoch_changed": False,
}
