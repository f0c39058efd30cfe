"""Every route asks for a scope or is public on purpose, and the OpenAPI document tells of all of them."""

import re
from typing import Any

import pytest

from getbill import access, events
from getbill.explorer.document import scope_of, scopes_of
from getbill.explorer.problems import problem_types
from getbill.kit.errors import Problem
from getbill.kit.http.bodies import json_bodies
from getbill.kit.http.paths import routes_of
from getbill.process.app import create_app
from getbill.settings import Settings

# What anybody may ask for; each with the reason.
PUBLIC = {
    "/token": "gives tokens to clients that send their secret",
    "/oauth/token": "as /token",
    "/external-api/v1/oauth/token": "as /token",
    "/oauth/revoke": "takes back tokens from clients that send their secret",
    "/external-api/v1/oauth/revoke": "as /oauth/revoke",
    "/.well-known/oauth-authorization-server": "RFC 8414 metadata",
    "/.well-known/jwks.json": "the public keys that verify tokens",
    "/openapi.json": "what the API is",
    "/docs": "what the API is, for people",
    "/docs/errors": "as /docs",
    "/docs/events": "as /docs",
    "/problems/{code}": "where the type of a refusal leads",
    "/docs/assets": "files of the explorer",
    "/docs/swagger-ui": "as /docs/assets",
    "/media/{token}": "the link itself is the credential, for an hour",
    "/gateways/{channel}/status": "signed with the gateway's own secret",
    "/healthz": "asked by probes",
    "/readyz": "as /healthz",
    "/metrics": "asked by Prometheus; names nobody",
}
UNDOCUMENTED = {path for path in PUBLIC if path.startswith(("/docs", "/problems", "/openapi"))}
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(scope="module")
def app() -> Any:
    return create_app(Settings(_env_file=None))


@pytest.fixture(scope="module")
def document(app) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_route_asks_for_a_scope_or_is_public_on_purpose(app) -> None:
    routes = list(routes_of(app))

    wrong = [route.path for route in routes if scope_of(route) is None and route.path not in PUBLIC]
    guarded = {route.path for route in routes if scope_of(route) is not None}

    assert len(guarded) > 15
    assert not wrong, f"Guard {wrong} by access.requires or access.change, or name them in PUBLIC."
    assert not guarded & PUBLIC.keys(), "PUBLIC names routes that ask for a scope."


def test_every_scope_asked_for_exists_and_reads_read(app) -> None:
    for route in routes_of(app):
        scope = scope_of(route)
        if scope is None:
            continue
        assert scope in access.SCOPES, f"{route.path} asks for {scope}, which access.SCOPES does not know"
        if route.methods and WRITES.isdisjoint(route.methods):
            assert scope.endswith(":read"), f"GET {route.path} asks for {scope}"
        else:
            assert scope.endswith(":write"), f"{route.methods} {route.path} asks for {scope}"


def test_the_document_tells_of_every_route(app, document) -> None:
    routes = {
        (method, route.path_format)
        for route in routes_of(app)
        if route.path not in UNDOCUMENTED
        for method in route.methods or ()
        if method != "HEAD"
    }

    report = {(method, path) for method, path, _ in operations(document)}

    assert report == routes


def test_every_operation_says_what_it_does_and_what_it_answers(document) -> None:
    wrong = []
    for method, path, operation in operations(document):
        good = [status for status in operation["responses"] if status.startswith("2")]
        shapes = [operation["responses"][status].get("content") for status in good]
        if not operation.get("summary") or not operation.get("description"):
            wrong.append(f"{method} {path} has no docstring")
        if not good or (good != ["204"] and not any(shapes)):
            wrong.append(f"{method} {path} shows no answer")
        if any(shape.get("schema") == {} for content in shapes if content for shape in content.values()):
            wrong.append(f"{method} {path} has no response_model")
        if not operation.get("tags"):
            wrong.append(f"{method} {path} has no tag")

    assert not wrong, "\n".join(wrong)


def test_every_delete_answers_200_with_what_was_deleted(document) -> None:
    deletes = [(path, item["responses"]) for method, path, item in operations(document) if method == "DELETE"]

    assert len(deletes) >= 5
    for path, responses in deletes:
        assert [status for status in responses if status.startswith("2")] == ["200"], path
        assert responses["200"]["content"]["application/json"]["schema"], path


def test_operation_ids_are_unique(document) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert sorted(names) == sorted(set(names))


def test_guarded_operations_document_their_scope_and_their_refusals(app, document) -> None:
    for route in routes_of(app):
        scope = scope_of(route)
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is None or scope is None:
                continue
            assert operation["security"] == [{"sandboxKey": []}, {"clientCredentials": scopes_of(route)}]
            expected = {"400", "401", "403", "429", "500"}
            if json_bodies(route):
                expected |= {"413", "415", "422"}
            if "{" in str(route.path_format):
                expected |= {"404"}
            assert expected <= operation["responses"].keys(), f"{method} {route.path_format}"


def test_every_reference_in_the_document_leads_somewhere(document) -> None:
    text = str(document)

    for reference in set(re.findall(r"#/components/(\w+)/([\w.-]+)", text)):
        assert reference[1] in document["components"][reference[0]], reference


def test_the_webhooks_in_the_document_are_the_table_of_events(document) -> None:
    assert set(document["webhooks"]) == set(events.KINDS)


def test_every_problem_has_its_own_code_meaning_and_way_out() -> None:
    kinds = [kind for kind in _kinds(Problem) if "code" in vars(kind)]
    codes = [kind.code for kind in kinds]
    vague = [kind.code for kind in kinds if "way_out" not in vars(kind)]

    assert sorted(codes) == sorted(set(codes)), "Two problems share a code."
    assert not vague, f"Say the way out of {vague}: its parent's is too general."
    for problem_type in problem_types():
        assert re.fullmatch(r"[a-z][a-z0-9-]+", problem_type.code)
        assert problem_type.meaning.endswith("."), f"{problem_type.code}: its class has no docstring"
        assert problem_type.way_out.endswith("."), f"{problem_type.code}: say the way out"


def _kinds(kind: type[Problem]) -> list[type[Problem]]:
    return [kind, *(inner for derived in kind.__subclasses__() for inner in _kinds(derived))]
