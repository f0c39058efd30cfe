"""Every header field stands once in every answer, as clients that keep one value of a field rely on."""

import asyncio
import http.client
import json
from collections import Counter
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

import make
from getbill.explorer.api import HOME
from getbill.kit.http.paths import routes_of

# RFC 9110 section 5.3: the one field that may stand more than once and cannot be joined.
MAY_REPEAT = {"set-cookie"}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
API = "/external-api/v1"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Connection:
    """Calls to the running server that keep every header field as it came."""

    def __init__(self, url: str) -> None:
        self._open = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.repeated: list[str] = []
        self.statuses: Counter[int] = Counter()

    def call(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Make one call, and note the fields that came more than once."""
        self._open.request(method, path, body, {"Content-Type": "application/json", **headers})
        response = self._open.getresponse()
        read = response.read()
        names = Counter(name.lower() for name, _ in response.getheaders())
        more = sorted(name for name, count in names.items() if count > 1 and name not in MAY_REPEAT)
        if more:
            self.repeated.append(f"{method} {path} {response.status}: {', '.join(more)}")
        self.statuses[response.status] += 1
        return response.status, read

    def close(self) -> None:
        """Close the connection."""
        self._open.close()


@pytest.fixture
def connection(running):
    resource = Connection(running)
    yield resource
    resource.close()


@pytest.fixture
def paths(installation) -> list[str]:
    """Every path of the application, with ids that nothing has, and some that are none."""
    routes = [
        str(route.path_format).replace("{", "").replace("}", "") for route in routes_of(installation.site.app)
    ]
    files = [f"/docs/assets/{file.name}" for file in (HOME / "assets").iterdir()]
    return sorted({*routes, *files, "/", "/nothing", f"{API}/nothing"})


async def test_no_route_repeats_a_header_whatever_it_answers(connection, company, paths) -> None:
    bearer = {"Authorization": f"Bearer {company.key}"}

    def walk() -> None:
        for path in paths:
            for method in METHODS:
                body = b"{}" if method in {"POST", "PUT", "PATCH"} else None
                connection.call(method, path, body, {})
                connection.call(method, path, body, bearer)

    await asyncio.to_thread(walk)

    assert connection.repeated == []
    assert {200, 400, 401, 404, 405, 415, 422} <= connection.statuses.keys()


async def test_what_the_oauth_endpoints_answer_repeats_no_header(connection, company) -> None:
    client = {"client_id": company.client_id, "client_secret": company.client_secret}
    grant = {"grant_type": "client_credentials"}
    ways: list[tuple[str, Any, dict[str, str], int]] = [
        ("/token", grant | client, FORM, 200),
        ("/oauth/token", grant | client, FORM, 200),
        (f"{API}/oauth/token", grant | client, FORM, 200),
        ("/token", {"grant_type": "password"} | client, FORM, 400),
        ("/token", grant | client | {"client_secret": "wrong"}, FORM, 401),
        ("/token", grant, FORM | {"Authorization": "Basic eDp5"}, 401),
        ("/token", grant | {"x": "y" * 20_000}, FORM, 413),
        ("/token", grant, {}, 400),
        ("/oauth/revoke", {"token": "nonsense"} | client, FORM, 200),
        (f"{API}/oauth/revoke", client, FORM, 400),
        ("/oauth/revoke", {"token": "nonsense"}, FORM, 401),
    ]

    answered = [
        await asyncio.to_thread(connection.call, "POST", path, urlencode(form).encode(), headers)
        for path, form, headers, _ in ways
    ]

    assert connection.repeated == []
    assert [status for status, _ in answered] == [status for *_, status in ways]


async def test_what_is_made_changed_and_refused_repeats_no_header(connection, company) -> None:
    bearer = {"Authorization": f"Bearer {company.key}"}
    body = make.debt(timeline_start_mode="next_day")

    async def call(method: str, path: str, value: Any = None, **headers: str) -> tuple[int, Any]:
        raw = None if value is None else json.dumps(value).encode()
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        status, read = await asyncio.to_thread(connection.call, method, f"{API}{path}", raw, bearer | named)
        return status, json.loads(read) if read else None

    _, created = await call("POST", "/debts", body, Idempotency_Key="one")
    debt = f"/debts/{created['id']}"
    statuses = [
        (await call(method, path, value, **headers))[0]
        for method, path, value, headers in (
            ("POST", "/debts", body, {"Idempotency_Key": "one"}),
            ("POST", "/debts", body | {"amount": 1}, {"Idempotency_Key": "one"}),
            ("POST", "/debts", body | {"amount": 1}, {}),
            ("GET", debt, None, {}),
            ("PUT", debt, {"object": "Roof"}, {"If_Match": '"0"'}),
            ("POST", f"{debt}/payments", {"amount": 1}, {}),
            ("POST", "/debts", {"x": "y" * 2_000_000}, {}),
            ("POST", "/sandbox/clock/advance", {"hours": 1}, {}),
            ("GET", "/events?wait=0", None, {}),
        )
    ]

    assert connection.repeated == []
    assert statuses == [201, 422, 409, 200, 412, 201, 413, 200, 200]
