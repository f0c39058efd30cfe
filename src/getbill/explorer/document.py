"""The OpenAPI document, completed with what applies to every call.

A route declares its scope once, in its dependency; security, the common refusals, the headers of every
response and the webhooks are added here, so that no route can omit them.
"""

from collections.abc import Iterable
from json import loads
from typing import Any, Final

from fastapi.routing import RouteContext
from pydantic import BaseModel

from getbill import access, events
from getbill.explorer import examples, glossary
from getbill.explorer.problems import problem_types
from getbill.explorer.wire import DATA, ErasedData, WebhookDisabledData, WebhookSent, WithheldData
from getbill.kit import json
from getbill.kit.http import ProblemShown, classes_of, problems

_CREATE: Final = ("/external-api/v1/debts", "post")
MODELS: Final[tuple[type[BaseModel], ...]] = (
    ProblemShown,
    WebhookSent,
    ErasedData,
    WithheldData,
    *DATA.values(),
)
# FastAPI's description of an undescribed response.
_DEFAULT_DESCRIPTION: Final = "Successful Response"
_STREAM: Final = "/external-api/v1/events"
_WEBHOOKS_TAG: Final = {
    "name": "Webhooks that GetBill sends",
    "description": "Events as your endpoint receives them.",
}
_HEADERS: Final = {
    "X-Request-Id": ("string", "Id of the request, also recorded in the server's logs."),
    "X-RateLimit-Limit": ("integer", "Maximum number of requests per minute."),
    "X-RateLimit-Remaining": ("integer", "Remaining requests in the current minute."),
    "X-RateLimit-Reset": ("integer", "End of the current minute, in Unix seconds."),
}
# In addition to the successful ones; they are on every response, and would fill the page.
_HEADER_STATUSES: Final = frozenset({"429", "500"})
# For each status its plain problem.
_EXAMPLES: Final = {
    str(problem_type.status): {
        "type": f"/problems/{problem_type.code}",
        "title": problem_type.title,
        "status": problem_type.status,
        "detail": problem_type.meaning,
    }
    for problem_type in problem_types()
    if problem_type.is_plain
}
_RETRY_AFTER: Final = {
    "description": "Seconds to wait before the next request.",
    "schema": {"type": "integer"},
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Key that makes the call idempotent: for 24 hours, a repeated call returns the"
    " first response, marked with `Idempotent-Replayed: true`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
_WEBHOOK_HEADERS: Final = {
    "webhook-id": "The event's `webhook_id` (Standard Webhooks).",
    "webhook-timestamp": "Time this attempt was sent, in Unix seconds (Standard Webhooks).",
    "webhook-signature": "`v1,` followed by the base64 HMAC-SHA256 of id, timestamp and body (Standard Webhooks).",
    "X-GetBill-Signature": "Hex HMAC-SHA256 of the raw body, keyed with the secret's UTF-8 bytes.",
}


def scope_of(route: RouteContext) -> str | None:
    """Return the scope that a route's dependency requires; None for a public route."""
    pending = list(getattr(getattr(route, "dependant", None), "dependencies", ()))
    while pending:
        dependant = pending.pop()
        scope = getattr(dependant.call, "scope", None)
        if isinstance(scope, str):
            return scope
        pending.extend(dependant.dependencies)
    return None


def scopes_of(route: RouteContext) -> list[str]:
    """Return every scope that a route's dependency requires; none for a public route."""
    pending = list(getattr(getattr(route, "dependant", None), "dependencies", ()))
    while pending:
        dependant = pending.pop()
        scopes = getattr(dependant.call, "scopes", None)
        if isinstance(scopes, tuple):
            return list(scopes)
        pending.extend(dependant.dependencies)
    return []


def finish_document(document: dict[str, Any], routes: Iterable[RouteContext]) -> None:
    """Complete the document that FastAPI derives from the routes."""
    routes = list(routes)
    document["tags"] = [*glossary.tags(), _WEBHOOKS_TAG]
    document["servers"] = [{"url": "/", "description": "This installation"}]
    _add_schemes(document["components"])
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                # Client generators name their functions by it.
                operation["operationId"] = route.operation_id or route.name
                glossary.describe_operation(operation)
                _finish_operation(operation, method, str(route.path_format), scope_of(route))
                if scopes := scopes_of(route):
                    operation["security"] = [{"sandboxKey": []}, {"clientCredentials": scopes}]
    _describe_responses(document)
    glossary.describe_properties(document["components"]["schemas"], classes_of(routes, MODELS))
    _add_examples(document)
    document["webhooks"] = {entry.kind: {"post": _webhook(entry)} for entry in events.CATALOGUE}


def _add_schemes(components: dict[str, Any]) -> None:
    components["securitySchemes"] = {
        "sandboxKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "Static key of a sandbox. It has every scope and contacts no real person.",
        },
        "clientCredentials": {
            "type": "oauth2",
            "description": "OAuth client of a live workspace (RFC 6749 section 4.4).",
            "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": access.SCOPES}},
        },
    }
    components["headers"] = {
        name: {"description": description, "schema": {"type": kind}}
        for name, (kind, description) in _HEADERS.items()
    }


def _finish_operation(operation: dict[str, Any], method: str, path: str, scope: str | None) -> None:
    if scope is None:
        operation["security"] = []
    else:
        operation["security"] = [{"sandboxKey": []}, {"clientCredentials": [scope]}]
    responses = operation["responses"]
    # FastAPI documents its own 422 for every route with parameters; ours are 400 and problems.
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status, refusal in problems(*_refusals(operation, method, path, scope)).items():
        responses.setdefault(str(status), refusal)
    for status, response in responses.items():
        problem_content = response.get("content", {}).get("application/problem+json")
        if problem_content is not None and status in _EXAMPLES:
            problem_content["example"] = _EXAMPLES[status]
    if scope is not None and method == "POST":
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    for status, response in responses.items():
        if status not in _HEADER_STATUSES and not status.startswith("2"):
            continue
        headers = response.setdefault("headers", {})
        names = _HEADERS if scope is not None else ["X-Request-Id"]
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        if status == "429":
            headers["Retry-After"] = _RETRY_AFTER


def _describe_responses(document: dict[str, Any]) -> None:
    """Describe each successful response as its schema does."""
    for operation in (operation for methods in document["paths"].values() for operation in methods.values()):
        for response in operation["responses"].values():
            if response["description"] == _DEFAULT_DESCRIPTION:
                response["description"] = _first_sentence(document, response)


def _first_sentence(document: dict[str, Any], response: dict[str, Any]) -> str:
    if "content" not in response:
        return "Success. The response has no body."
    schema = response["content"].get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    description: str = document["components"]["schemas"].get(name, {}).get("description", "Text.")
    return description.partition("\n")[0]


def _refusals(operation: dict[str, Any], method: str, path: str, scope: str | None) -> list[int]:
    """Return the refusals that follow from a route's properties; it declares its specific ones itself."""
    # A path or query with U+0000 is refused before any look-up; the server itself refuses slow requests,
    # large heads and excess connections.
    refusals = [400, 408, 431, 500, 503]
    if "{" in path:
        refusals.append(404)
    if scope is not None:
        refusals += [401, 403, 429]
        # An Idempotency-Key that was used for another request, or whose request is still being processed.
        refusals += [409, 413, 422] if method == "POST" else []
    if "requestBody" in operation:
        refusals += [413, 415, 422] if scope is not None else [429]
    return sorted(set(refusals))


def _add_examples(document: dict[str, Any]) -> None:
    path, method = _CREATE
    create = document["paths"].get(path, {}).get(method)
    if create is None:
        return
    create["requestBody"]["content"]["application/json"]["examples"] = {
        "debt": {"summary": "A debt with its scenario", "value": examples.DEBT_TO_CREATE},
        "least": {"summary": "A minimal debt", "value": examples.LEAST_DEBT_TO_CREATE},
    }
    responses = create["responses"]
    responses["201"]["content"]["application/json"]["example"] = examples.DEBT
    responses["422"]["content"]["application/problem+json"]["example"] = examples.PROBLEM
    stream = document["paths"][_STREAM]["get"]["responses"]["200"]
    stream["content"]["application/json"]["example"] = examples.STREAM | {
        "data": [
            _without_decimals(entry.sample)
            for entry in events.CATALOGUE
            if entry.kind == "debt.payment_received"
        ]
    }


def pushed_sample(entry: events.EventKind) -> dict[str, Any]:
    """Return a sample as it is pushed to an endpoint that receives every event."""
    sequence = entry.sample["sequence"]
    return entry.sample | {"previous_sequence": sequence - 1 if sequence > 1 else None}


def _without_decimals(value: Any) -> Any:
    # FastAPI serializes the document with the standard library, which has no decimals.
    return loads(json.write(value))


def _webhook(entry: events.EventKind) -> dict[str, Any]:
    kind = entry.kind
    # The remaining data if the debt was erased before the event was sent.
    models: dict[type[BaseModel], None] = dict.fromkeys((DATA[kind], ErasedData))
    if DATA[kind] not in {ErasedData, WebhookDisabledData}:
        models[WithheldData] = None
    shapes = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    media: dict[str, Any] = {
        "schema": {
            "allOf": [
                {"$ref": "#/components/schemas/WebhookSent"},
                {"type": "object", "properties": {"event": {"const": kind}, "data": {"anyOf": shapes}}},
            ]
        },
        "example": _without_decimals(pushed_sample(entry)),
    }
    return {
        "summary": entry.sentence,
        "description": _webhook_description(entry),
        "operationId": "receive_" + kind.replace(".", "_"),
        "tags": [_WEBHOOKS_TAG["name"]],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in _WEBHOOK_HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": media}},
        "responses": {"2XX": {"description": "Acknowledged. Any other response is retried."}},
    }


def _webhook_description(entry: events.EventKind) -> str:
    delivery_note = "Sent by default." if entry.is_default else "Sent to endpoints that subscribe to it."
    return "\n".join(
        [delivery_note, *(f"\n`{name}`: {description}" for name, description in entry.carries.items())]
    )
