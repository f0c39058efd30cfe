"""Responses to a change by a credential without the read scope: ids and states only.

Otherwise a change by id that changes nothing would be a way to read.
"""

from typing import Any, Final

from starlette.responses import Response

from getbill.kit import json
from getbill.kit.http import JsonAnswer

# Identity, state and timestamps.
_VISIBLE_FIELDS: Final = frozenset({"id", "type", "status", "state", "created_at", "updated_at"})
# Members of a response to a creation that may have existed before; the caller knows all others.
_THERE_BEFORE: Final = frozenset({"debtor", "debt"})


def narrow_response(response: Response) -> Response:
    """Return a response without what requires the read scope; refusals are unchanged."""
    if response.status_code >= 300 or response.headers.get("content-type") != "application/json":
        return response
    value = json.read(bytes(response.body))
    if not isinstance(value, dict):
        return response
    visible_value = _created(value) if response.status_code == 201 else _ids(value)
    headers = {name: text for name, text in response.headers.items() if not name.startswith("content-")}
    return JsonAnswer(response.status_code, json.write(visible_value), headers)


def _created(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _ids(part) if name in _THERE_BEFORE and isinstance(part, dict) else part
        for name, part in value.items()
    }


def _ids(value: dict[str, Any]) -> dict[str, Any]:
    nested = {name: _ids(part) for name, part in value.items() if isinstance(part, dict)}
    plain = {name: part for name, part in value.items() if name in _VISIBLE_FIELDS or name.endswith("_id")}
    return plain | {name: part for name, part in nested.items() if part}
