"""The fields of each event's `data` and a sample of each, both from the catalogue.

A sample is marked as one wherever it is sent and never enters the stream, the log or the statistics.
"""

from typing import Any, Final

from getbill.events import CATALOGUE

_SAMPLES: Final[dict[str, dict[str, Any]]] = {entry.kind: entry.sample["data"] for entry in CATALOGUE}
# Not selectable: erasure is reported whatever fields an endpoint selects.
FIELDS: Final = tuple(
    dict.fromkeys(
        name for entry in CATALOGUE for name in (*_SAMPLES[entry.kind], *entry.carries) if name != "erased"
    )
)


def sample(kind: str) -> dict[str, Any]:
    """Return the `data` of a sample of one kind of event."""
    return _SAMPLES[kind]
