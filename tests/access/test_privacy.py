"""Headers that keep answers private: on every answer of every route, whatever it says of itself."""

from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from access.test_scopes import DOORS, Door, Town, town  # noqa: F401 - the whole application
from calls import Site
from getbill.access.requests.privacy import private_headers

CACHED = ("/docs", "/problems/", "/.well-known/", "/openapi.json")
ONCE = ("cache-control", "x-content-type-options", "strict-transport-security", "pragma")


def privacy_headers(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in ONCE}


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_every_answer_is_stored_nowhere_and_taken_for_what_it_is(
    town: Town,  # noqa: F811 - the fixture
    door: Door,
) -> None:
    for token in (None, town.key, "gbk_sandbox_guess"):
        answer = await town.knock(door, token)

        assert answer.headers["x-content-type-options"] == "nosniff", answer.status
        if not door.path.startswith(CACHED):
            assert answer.headers["cache-control"] == "no-store", answer.status
        assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("path", ["/nowhere", "/external-api/v1/nowhere", "/external-api/v1/debts/%00", "/"])
async def test_an_answer_of_no_route_is_private_too(town: Town, path: str) -> None:  # noqa: F811 - the fixture
    for site in (town.site, town.site.with_token(town.key)):
        answer = await site.get(path)

        assert privacy_headers(answer.headers) == {
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }


@pytest.mark.parametrize("path", ["/external-api/v1/debts", "/token", "/docs", "/healthz", "/nowhere"])
async def test_over_tls_browsers_are_told_to_stay_there(town: Town, path: str) -> None:  # noqa: F811 - the fixture
    # A trusted proxy that ended TLS is the same to us: the server puts what it says into the scheme.
    answer = await Site(town.site.app, scheme="https").get(path)

    assert answer.headers["strict-transport-security"] == "max-age=63072000"


async def test_what_an_untrusted_proxy_says_of_tls_counts_for_nothing(town: Town) -> None:  # noqa: F811 - as above
    answer = await town.site.get("/healthz", X_Forwarded_Proto="https")

    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("name", [b"cache-control", b"pragma", b"expires", b"x-content-type-options"])
def test_what_a_route_says_itself_is_replaced_and_never_doubled(name: bytes) -> None:
    own = [(b"etag", b'"1"'), (name, b"public, max-age=60")]

    headers = private_headers("/external-api/v1/debts", "http", own)

    assert headers == [
        (b"etag", b'"1"'),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    assert [header[0] for header in private_headers("/docs", "http", own)].count(
        b"x-content-type-options"
    ) == 1


@pytest.mark.parametrize(
    ("address", "text", "is_told"),
    [("10.0.0.7", "https", True), ("10.0.0.7", "http", False), ("10.1.0.7", "https", False)],
)
async def test_a_trusted_proxy_that_ended_tls_counts_as_tls(
    town: Town,  # noqa: F811 - the fixture
    address: str,
    text: str,
    is_told: bool,
) -> None:
    # As `getbill api` has the server do it with GETBILL_TRUSTED_PROXIES=10.0.0.0/16.
    behind = Site(ProxyHeadersMiddleware(town.site.app, trusted_hosts=["10.0.0.0/16"])).from_address(address)

    answer = await behind.get("/external-api/v1/debts", X_Forwarded_Proto=text, X_Forwarded_For="192.0.2.1")

    assert ("strict-transport-security" in answer.headers) == is_told
    assert answer.headers["cache-control"] == "no-store"
