"""Texts that no database stores (U+0000, half a surrogate pair) are refused by their field, wherever they come in."""

import re
from typing import Any

import aiohttp
import pytest

from getbill.explorer.document import scope_of
from getbill.kit.http.bodies import json_bodies
from getbill.kit.http.paths import routes_of
from make import Company

API = "/external-api/v1"
UNSTORABLE = ["\x00", "\ud800"]


@pytest.fixture
def routes(installation) -> list[Any]:
    """Every route of the application."""
    return list(routes_of(installation.site.app))


def _filled(route: Any, text: str = "0") -> str:
    return re.sub(r"\{\w+\}", text, str(route.path_format))


def _methods(route: Any) -> list[str]:
    return sorted(set(route.methods or ()) - {"HEAD"})


async def test_no_route_takes_such_a_query(sandbox, routes) -> None:
    walked = 0
    for route in routes:
        named = [item.alias for item in getattr(getattr(route, "dependant", None), "query_params", ())]
        for method in _methods(route):
            for name in [*named, "any"]:
                answered = await sandbox.call(method, f"{_filled(route)}?{name}=a%00b&{name}\x00=1")

                walked += 1
                assert answered.status == 400, (method, route.path, name, answered.body)
                pointers = [error["pointer"] for error in answered.json()["errors"]]
                assert pointers == [name, f"{name}\N{REPLACEMENT CHARACTER}"]
    assert walked > 80


async def test_no_route_takes_such_a_path(sandbox, routes) -> None:
    walked = 0
    for route in routes:
        if "{" not in str(getattr(route, "path_format", "")):
            continue
        for method in _methods(route):
            answered = await sandbox.call(method, _filled(route, "a\x00b"), body=b"{}")

            walked += 1
            assert answered.status == 400, (method, route.path, answered.body)
            assert [error["pointer"] for error in answered.json()["errors"]] == ["path"]
    assert walked > 30


@pytest.mark.parametrize("escaped", [b"\\u0000", b"\\ud800", b"\\udc00\\ud800"])
async def test_no_route_takes_such_a_body(sandbox, routes, escaped: bytes) -> None:
    walked = 0
    for route in routes:
        if not json_bodies(route):
            continue
        for method in _methods(route):
            answered = await sandbox.call(
                method, _filled(route), body=b'{"name": {"inner/most": ["fine", "%s"]}}' % escaped
            )

            walked += 1
            # Who asks for what is not there is told that first.
            assert answered.status in {404, 422}, (method, route.path, answered.body)
            if answered.status == 422:
                pointers = [error["pointer"] for error in answered.json()["errors"]]
                assert pointers == ["/name/inner~1most/1"], (method, route.path)
    assert walked > 25


@pytest.mark.parametrize(
    "header", ["Idempotency-Key", "User-Agent", "X-Request-Id", "Accept-Language", "If-Match"]
)
async def test_no_header_is_our_fault(sandbox, routes, header: str) -> None:
    for route in routes:
        if scope_of(route) is None:
            continue
        for method in _methods(route):
            headers = {header: "a\x00b", "Content-Type": "application/json"}
            answered = await sandbox.call(method, _filled(route), body=b"{}", headers=headers)

            assert answered.status < 500, (method, route.path, answered.body)


@pytest.mark.parametrize(
    ("query", "disposition", "field"),
    [
        ("?sender=a%00b", "", "sender"),
        ("?name=a%00b", "", "name"),
        ("", 'attachment; filename="a\x00b.csv"', "filename"),
    ],
)
async def test_a_file_is_refused_by_the_field_that_cannot_be_stored(
    sandbox, query: str, disposition: str, field: str
) -> None:
    headers = {"Content-Type": "text/csv", "Content-Disposition": disposition}

    answered = await sandbox.call("POST", f"{API}/imports{query}", body=b"a;b\n1;2\n", headers=headers)

    assert answered.status == (400 if query else 422), answered.body
    assert [error["pointer"] for error in answered.json()["errors"]] == [field]
    assert (await sandbox.get(f"{API}/imports")).json()["data"] == []


def _form(*parts: tuple[str, str, str]) -> bytes:
    written = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, more, value in parts
    )
    return f"{written}--x--\r\n".encode()


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (_form(("sender", "", "a\x00b"), ("file", '; filename="a.csv"', "a;b\n1;2")), "sender"),
        (_form(("file", '; filename="a.csv"', "a;b\n1;2"), ("name", "", "\x00")), "name"),
        (_form(("file", '; filename="a\x00b.csv"', "a;b\n1;2")), "filename"),
        (
            _form(("a\x00b", "", "1"), ("file", '; filename="a.csv"', "a;b\n1;2")),
            "a\N{REPLACEMENT CHARACTER}b",
        ),
    ],
)
async def test_a_form_is_refused_by_the_field_that_cannot_be_stored(sandbox, form: bytes, field: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    answered = await sandbox.call("POST", f"{API}/imports", body=form, headers=headers)

    assert answered.status in {400, 422}, answered.body
    if answered.status == 422:
        assert [error["pointer"] for error in answered.json()["errors"]] == [field]
    assert (await sandbox.get(f"{API}/imports")).json()["data"] == []


@pytest.mark.parametrize("path", ["/token", f"{API}/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize(
    "field", ["grant_type", "client_id", "client_secret", "refresh_token", "token", "scope"]
)
async def test_an_oauth_form_is_refused_as_its_standard_says(sandbox, path: str, field: str) -> None:
    """RFC 6749 has errors of its own, and what is no token is revoked already (RFC 7009)."""
    answered = await sandbox.form(path, {"grant_type": "client_credentials"} | {field: "a\x00b"})

    assert answered.status in ({200, 400, 401} if "revoke" in path else {400, 401}), answered.body


async def test_the_running_server_refuses_them_too(running: str, company: Company) -> None:
    head = {"Authorization": f"Bearer {company.key}"}
    async with aiohttp.ClientSession(running, headers=head) as http:
        async with http.get(f"{API}/debts/a%00b") as path:
            pass
        async with http.get(f"{API}/debts?q=%00") as query:
            pass
        async with http.get(f"{API}/debts?q=%ED%A0%80") as half:
            pass

    assert (path.status, query.status, half.status) == (400, 400, 200)
