"""What becomes of a debt in the chaos test: the calls an integrator makes about it, and the events that are their due.

Every call is made until it is answered, so each has to be one that may be made again: a POST under its key, a PUT by
what it says. The invariant: a debt's events in the end are exactly those its story names.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from testbed.debtors import new_debt

# Nobody is contacted before it is due, so that all its events are its story's.
_DUE_ON: Final = "2099-01-01"


@dataclass(frozen=True, slots=True)
class Call:
    """One call about a debt: method, path below it, body, and the kinds of events it is to bring about."""

    method: str
    path: str
    body: Mapping[str, Any] | None
    kinds: tuple[str, ...]


# The calls of one step are made at once, by several hands.
Step = tuple[Call, ...]


def _paid(amount: int, *kinds: str) -> Call:
    return Call("POST", "/payments", {"amount": amount}, ("debt.payment_received", *kinds))


_IN_FULL: Final = ("debt.status_changed", "debt.resolved")
_CHANGED: Final = Call("PUT", "", {"metadata": {"noted": True}}, ("debt.updated",))
_HELD: Final = Call("POST", "/hold", {"reason": "The invoice is disputed."}, ("debt.status_changed",))
_RESUMED: Final = Call("POST", "/resume", None, ("debt.status_changed",))
_REFUNDED: Final = Call(
    "POST",
    "/payments",
    {"amount": 500, "kind": "refund"},
    ("payment.refunded", "debt.status_changed", "debt.updated"),
)

# Every other debt is paid at once; the others have a history.
AMOUNT: Final = 1000
_SHORT: Final[tuple[Step, ...]] = ((_paid(AMOUNT, *_IN_FULL),),)
_LONG: Final[tuple[Step, ...]] = (
    (_CHANGED,),
    (_HELD,),
    (_RESUMED,),
    (_paid(100), _paid(100)),
    (_paid(800, *_IN_FULL),),
    *(((_REFUNDED,), (_paid(500, *_IN_FULL),)) * 3),
)


def steps_of(number: int) -> tuple[Step, ...]:
    """Return what follows the creation of the debt with this number."""
    return _LONG if number % 2 else _SHORT


def kinds_of(number: int) -> list[str]:
    """Return the kinds of all its events, sorted."""
    return sorted(
        ["debt.created", *(kind for step in steps_of(number) for item in step for kind in item.kinds)]
    )


def body_of(number: int) -> bytes:
    """Return the body that creates it."""
    # Nobody is contacted within the chaos test, whatever the hour: that is no part of the stories.
    fields = {"amount": AMOUNT, "due_date": _DUE_ON, "timeline_start_mode": "next_day"}
    return json.dumps(json.loads(new_debt(number)) | fields).encode()


def debts_for(events: int) -> int:
    """Return how many debts bring about so many events, at least."""
    pair = len(kinds_of(0)) + len(kinds_of(1))
    return 2 * -(-events // pair)
