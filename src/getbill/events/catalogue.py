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
_CHANGES = {"changes": "For each changed field its value before (`from`) and after (`to`)."}

CATALOGUE: tuple[EventKind, ...] = (
    EventKind("debt.created", "A new case is created.", {}, is_default=True),
    EventKind(
        "debt.contacted",
        "The debtor has been successfully contacted.",
        _FOLLOWUP | {"confirmed": "False where the channel never confirms that a message arrived."},
        is_default=True,
    ),
    EventKind(
        "debt.payment_received",
        "A payment has been received.",
        {"payment": "The money that came in."},
        is_default=True,
    ),
    EventKind(
        "debt.resolved",
        "The case is fully resolved.",
        {"resolution": "`paid`, `settled` or `written_off`."},
        is_default=True,
    ),
    EventKind(
        "debt.escalated",
        "The case has been escalated to legal.",
        {"escalation": "Who decided so, when and why."},
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
        {"changes": _CHANGES["changes"][:-1] + "; of the debtor, which fields."}
        | {"entry": "The refund, write-off or adjustment that changed the balance, where one did."},
    ),
    EventKind(
        "debt.status_changed",
        "The case moved to another status.",
        _CHANGES
        | {
            "status_change_context": "The payment (`transaction`) that paid the debt, where one did.",
            "reason": "Why it is on hold, where it is.",
        },
    ),
    EventKind(
        "debt.escalation_requested",
        "The scenario is over and the case is not resolved: a person is asked whether to escalate it.",
        {
            "escalation_request": "Which version of the scenario ran, since when, and how often the debtor was reached."
        },
    ),
    EventKind("debt.deleted", "The case was erased; nothing of it is left but its id.", {}),
    EventKind("followup.created", "A call, message or letter is about to leave.", _FOLLOWUP),
    EventKind(
        "followup.updated",
        "A follow up moved on and is not at its end: accepted by the provider, to be tried again, on hold.",
        _FOLLOWUP | _CHANGES,
    ),
    EventKind(
        "followup.failed",
        "A follow up failed for good; it is also completed.",
        _FOLLOWUP,
    ),
    EventKind(
        "webhook.disabled",
        "A webhook is called no longer: it answered 410, or failed for five days.",
        {"webhook": "Which, why and since when. It is about no debt: there is no `debt_id`."},
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
