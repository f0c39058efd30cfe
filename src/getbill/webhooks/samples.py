"""What the `data` of events may hold, and a sample of each to try a receiver with: both from the catalogue.

A sample is marked as one wherever it is sent: it never stands in the stream, the log or the statistics.
"""

from typing import Any, Final

from getbill.events import CATALOGUE

_SAMPLES: Final[dict[str, dict[str, Any]]] = {entry.kind: entry.sample["data"] for entry in CATALOGUE}
# That a debt was erased is said whatever an endpoint asks for.
FIELDS: Final = tuple(
    dict.fromkeys(
        name for entry in CATALOGUE for name in (*_SAMPLES[entry.kind], *entry.carries) if name != "erased"
    )
)


def sample(kind: str) -> dict[str, Any]:
    """Return the `data` of a sample of one kind of event."""
    return _SAMPLES[kind]
