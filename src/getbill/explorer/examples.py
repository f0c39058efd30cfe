"""The published examples in the explorer: requests and their responses.

tests/contract sends the requests and compares the responses with real ones, key by key.
"""

from typing import Any, Final

from getbill import debts

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
DEBT: Final = debts.EXAMPLE
PROBLEM: Final[dict[str, Any]] = {
    "type": "/problems/invalid",
    "title": "Some fields are invalid",
    "status": 422,
    "detail": "The field 'amount' is required: the amount owed.",
    "errors": [
        {
            "pointer": "/amount",
            "code": "missing",
            "detail": "The field 'amount' is required: the amount owed.",
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
