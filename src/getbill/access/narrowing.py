"""What the answer to a change shows to a credential that may make it and not read: ids and states.

Whoever changes something by its id could otherwise read it by a change that changes nothing.
"""

from typing import Any, Final

from starlette.responses import Response

from getbill.kit import json
from getbill.kit.http import JsonAnswer

# What says which thing it is, how it stands and since when.
_VISIBLE_FIELDS: Final = frozenset({"id", "type", "status", "state", "created_at", "updated_at"})
# Of something just created the caller knows all but these, which may have been there before.
_THERE_BEFORE: Final = frozenset({"debtor", "debt"})


def narrow_response(response: Response) -> Response:
    """Return an answer without what only its reader may see; refusals stay as they are."""
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
