"""The event catalogue: every kind of event, its description and a sample.

Push, pull, the explorer and the OpenAPI document all read this table. Six kinds are sent by default; the
others report the same changes in more detail and must be subscribed to. Every sample is real output of the
product in a test scenario, verified by tests/events/test_samples.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from getbill.kit import json


@dataclass(frozen=True, slots=True)
class EventKind:
    """One kind of event; `carries` describes the keys of its `data` besides the debt's own."""

    kind: str
    sentence: str
    carries: Mapping[str, str]
    is_default: bool = False

    @property
    def sample(self) -> dict[str, Any]:
        """A sample event in the shape of webhooks and the stream."""
        return _sample(self.kind)


_FOLLOWUP = {"followup": "The call, message or letter, as `GET /followups/{id}` shows it."}
_CHANGES = {"changes": "Changed fields, each with its value before (`from`) and after (`to`)."}

CATALOGUE: tuple[EventKind, ...] = (
    EventKind("debt.created", "A new case is created.", {}, is_default=True),
    EventKind(
        "debt.contacted",
        "The debtor has been successfully contacted.",
        _FOLLOWUP
        | {"confirmed": "Whether arrival was confirmed; false for a channel that cannot confirm it."},
        is_default=True,
    ),
    EventKind(
        "debt.payment_received",
        "A payment has been received.",
        {"payment": "The payment received."},
        is_default=True,
    ),
    EventKind(
        "debt.resolved",
        "The case is fully resolved.",
        {
            "resolution": "`paid`, `settled` (a part was paid and the rest waived) or `written_off`.",
            "amount_paid": "Payments less refunds and chargebacks.",
            "amount_written_off": "The amount that was waived.",
        },
        is_default=True,
    ),
    EventKind(
        "debt.escalated",
        "The case has been escalated to legal.",
        {"escalation": "The deciding person, the time and the reason."},
        is_default=True,
    ),
    EventKind(
        "followup.completed",
        "A follow up has been completed.",
        _FOLLOWUP,
        is_default=True,
    ),
    EventKind(
        "debt.updated",
        "Fields of the case were changed.",
        {"changes": _CHANGES["changes"][:-1] + "; for the debtor, field names only."}
        | {"entry": "The entry that changed the balance or the resolution, if any."},
    ),
    EventKind(
        "debt.status_changed",
        "The case moved to another status.",
        _CHANGES
        | {
            "status_change_context": "The payment (`transaction`) that paid the debt, if any.",
            "reason": "The reason for the hold, if the debt is on hold.",
            "cause": "What changed it: `payment`, `refund`, `chargeback`, `reversal`, `write_off`, `adjustment`, `staff`"
            " (a call of the API or a decided todo), `contact`, `scenario_ended` or `import_undone`.",
        },
    ),
    EventKind(
        "payment.refunded",
        "A payment was refunded.",
        {"entry": "The refund."},
    ),
    EventKind(
        "payment.charged_back",
        "A bank or payment provider claimed a payment back.",
        {"entry": "The chargeback, with `payment_id` if the payment is known."},
    ),
    EventKind(
        "debt.escalation_requested",
        "The scenario has ended and the case is not resolved: a person has to decide on escalation.",
        {
            "escalation_request": "The version and start of the scenario, and the number of contacts that reached the debtor."
        },
    ),
    EventKind("debt.deleted", "The case was erased; only its id remains.", {}),
    EventKind("followup.created", "A call, message or letter is about to be made or sent.", _FOLLOWUP),
    EventKind(
        "followup.updated",
        "A follow up changed without being completed: accepted by the provider, scheduled for a retry, or put on hold.",
        _FOLLOWUP | _CHANGES,
    ),
    EventKind(
        "followup.failed",
        "A follow up failed permanently; it is also completed.",
        _FOLLOWUP,
    ),
    EventKind(
        "webhook.disabled",
        "A webhook was disabled: it responded with 410, or failed for five days.",
        {"webhook": "The webhook, the reason and the time. The event concerns no debt and has no `debt_id`."},
    ),
)

# The description of every kind.
KINDS: Mapping[str, str] = {entry.kind: entry.sentence for entry in CATALOGUE}
# The default subscription of an endpoint.
DEFAULTS: tuple[str, ...] = tuple(entry.kind for entry in CATALOGUE if entry.is_default)


@cache
def _sample(kind: str) -> dict[str, Any]:
    sample: dict[str, Any] = json.read((files("getbill.events") / "samples" / f"{kind}.json").read_bytes())
    return sample
