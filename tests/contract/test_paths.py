"""HEAD, slashes at the end, encodings and repeated headers, over every route there is."""

import gzip
import json
from typing import Any

import pytest

from calls import Answer, Site
from getbill.kit.http.paths import routes_of
from installation import Installation

DEBTS = "/external-api/v1/debts"
# Different from one call to the next.
CHANGING = {"x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "content-length"}


def stable(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGING}


def paths(installation: Installation, method: str) -> list[str]:
    """Every path that has a method, with an id of nothing for each of its parts."""
    routes = routes_of(installation.site.app)
    result = {str(route.path_format) for route in routes if method in (getattr(route, "methods", None) or ())}
    return sorted(path.format_map(_Ids()) for path in result)


class _Ids(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"{name.removesuffix('_id')}_01m804scmte4gbpp4yw1mc91gy"


async def test_head_is_answered_as_get_without_the_body(installation: Installation, sandbox: Site) -> None:
    attempt = 0
    for path in [*paths(installation, "GET"), "/docs/assets/explorer.css", "/nowhere"]:
        answer, head = await sandbox.get(path), await sandbox.call("HEAD", path)
        assert (head.status, stable(head), head.body) == (answer.status, stable(answer), b""), path
        # The page of metrics counts the calls themselves.
        if path != "/metrics":
            assert head.headers["content-length"] == answer.headers["content-length"], path
        attempt += 1
    assert attempt > 40


async def test_head_counts_as_a_request_and_get_is_what_it_stands_for(
    sandbox: Site, installation: Installation
) -> None:
    before = await sandbox.get(DEBTS)
    after = await sandbox.call("HEAD", DEBTS)

    remaining = [int(answer.headers["x-ratelimit-remaining"]) for answer in (before, after)]
    assert remaining[0] - remaining[1] == 1

    await installation.site.app.state.auth.log.flush()
    methods = await installation.database.pool.fetch(
        "SELECT method FROM access_log WHERE request_id = $1", after.headers["x-request-id"]
    )
    assert [row["method"] for row in methods] == ["HEAD"]


async def test_head_is_allowed_where_get_is(sandbox: Site) -> None:
    answers = [await sandbox.call("PATCH", DEBTS), await sandbox.call("HEAD", "/token")]

    assert [answer.headers["allow"] for answer in answers] == ["GET, HEAD, POST", "POST"]
    assert [answer.status for answer in answers] == [405, 405]


async def test_a_slash_at_the_end_leads_to_the_path_without(
    installation: Installation, sandbox: Site
) -> None:
    for method in ("GET", "HEAD"):
        for path in paths(installation, "GET"):
            answer = await sandbox.call(method, f"{path}/?page=2&q=a%20b")
            assert (answer.status, answer.headers["location"]) == (308, f"{path}?page=2&q=a%20b"), path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_no_change_is_redirected_it_is_refused_with_the_right_address(
    installation: Installation, sandbox: Site, method: str
) -> None:
    for path in paths(installation, method):
        answer = await sandbox.call(method, f"{path}/", body=b"{}")
        assert answer.status == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert f"Send the request to {path}," in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/", "/external-api", "/external-api/v1", "/external-api/v1/"])
async def test_the_root_leads_to_the_documentation(client: Site, path: str) -> None:
    answer, posted = await client.get(path), await client.post(path, {})

    assert (answer.status, answer.headers["location"]) == (307, "/docs")
    assert posted.status == 404
    assert "/docs" in posted.json()["detail"]


async def test_a_path_without_the_base_is_told_where_it_is(sandbox: Site) -> None:
    answer = await sandbox.post("/debts", {})

    assert answer.status == 404
    assert "/external-api/v1/debts" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["//evil.example/", "/%0d%0aX: y/", "/nowhere/", "//"])
async def test_nothing_else_is_redirected(client: Site, path: str) -> None:
    answer = await client.get(path)

    assert answer.status in {404, 307}
    assert answer.headers.get("location", "/docs") == "/docs"


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip", "GZIP", "aws-chunked"])
async def test_an_encoded_body_is_415_everywhere(
    installation: Installation, sandbox: Site, coding: str
) -> None:
    body = gzip.compress(b"{}")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in paths(installation, method):
            if "token" in path or "revoke" in path:
                continue
            answer = await sandbox.call(method, path, body=body, headers={"Content-Encoding": coding})
            assert (answer.status, answer.json()["type"]) == (
                415,
                "/problems/unsupported-content-encoding",
            ), path
            assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "", "Identity", " identity "])
async def test_a_body_as_it_is_is_read(sandbox: Site, coding: str) -> None:
    new = {"debtor": {"name": "Jean Dupont"}, "amount": 10, "reference": f"E-{coding!r}"}

    answer = await sandbox.post(DEBTS, new, Content_Encoding=coding)

    assert answer.status == 201


async def test_a_chunked_upload_that_is_encoded_is_415(sandbox: Site) -> None:
    answer = await sandbox.call(
        "POST",
        "/external-api/v1/imports",
        chunks=[gzip.compress(b"name;amount")],
        headers={"Content-Encoding": "gzip", "Content-Type": "text/csv"},
    )

    assert answer.status == 415


async def test_a_call_without_a_body_may_name_any_encoding(sandbox: Site) -> None:
    assert (await sandbox.get(DEBTS, Content_Encoding="gzip")).status == 200


async def test_who_has_no_credential_learns_that_first(client: Site) -> None:
    answer = await client.post(DEBTS, {}, Content_Encoding="gzip")

    assert answer.status == 401


@pytest.mark.parametrize("path", ["/token", "/oauth/token", "/external-api/v1/oauth/token", "/oauth/revoke"])
async def test_an_encoded_form_is_415_as_oauth_says_it(client: Site, path: str) -> None:
    answer = await client.form(path, {"grant_type": "client_credentials"}, Content_Encoding="gzip")

    assert (answer.status, answer.json()["error"]) == (415, "invalid_request")


@pytest.mark.parametrize(
    "name", ["Authorization", "Host", "Content-Type", "Content-Length", "Idempotency-Key"]
)
async def test_a_header_that_has_one_value_comes_once(sandbox: Site, name: str) -> None:
    answer = await repeating(sandbox, DEBTS, name)

    assert (answer.status, answer.json()["type"]) == (400, "/problems/header-repeated")
    assert name in answer.json()["detail"]


@pytest.mark.parametrize("name", ["Accept", "If-Match", "X-Forwarded-For", "Accept-Language"])
async def test_a_header_that_is_a_list_may_come_twice(sandbox: Site, name: str) -> None:
    assert (await repeating(sandbox, DEBTS, name)).status == 201


@pytest.mark.parametrize("name", ["Authorization", "Host", "Content-Type"])
async def test_a_token_request_repeats_no_header_either(client: Site, name: str) -> None:
    answer = await repeating(client, "/token", name)

    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("codings", [("gzip", "identity"), ("identity", "gzip")])
@pytest.mark.parametrize("path", [DEBTS, "/token"])
async def test_an_encoding_in_any_of_several_lines_is_415(
    sandbox: Site, path: str, codings: tuple[str, str]
) -> None:
    answer = await repeating(sandbox, path, "Content-Encoding", codings)

    assert answer.status == 415


async def repeating(site: Site, path: str, name: str, values: tuple[str, str] | None = None) -> Answer:
    """POST a debt with one header sent twice, of other values or the second time with the same."""
    value = {"Content-Length": None, "Host": "testserver"}.get(
        name, site.headers.get(name, "application/json")
    )
    new = {"debtor": {"name": "Jean Dupont"}, "amount": 10, "reference": f"H-{name}-{path}"}
    raw = json.dumps(new).encode()
    repeated = value or str(len(raw))

    async def twice(scope: dict[str, Any], receive: Any, send: Any) -> None:
        sent = [(name.lower().encode(), item.encode()) for item in values or (repeated, repeated)]
        headers = [header for header in scope["headers"] if header[0] != sent[0][0]]
        await site.app({**scope, "headers": [*headers, *sent]}, receive, send)

    return await Site(twice, site.client, site.scheme, site.headers).call("POST", path, body=raw)
