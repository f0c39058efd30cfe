"""Responses of the health routes."""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from getbill.health.queries import Check
from getbill.kit.http import answer


def readiness(
    parts: Sequence[Check], notes: Sequence[str] = (), due: Mapping[str, str] | None = None
) -> Response:
    """Return 200 if every part is ready, else 503 with remedies; `due` lists ready parts that need action."""
    is_ready = all(part.is_ready for part in parts)
    document = {
        "status": "ready" if is_ready else "not_ready",
        "parts": {part.name: {"is_ready": part.is_ready, "way_out": part.way_out} for part in parts}
        | {name: {"is_ready": True, "way_out": way_out} for name, way_out in (due or {}).items()},
        "notes": list(notes),
    }
    return answer(200 if is_ready else 503, document, {"Cache-Control": "no-store"})
