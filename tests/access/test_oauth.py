"""The OAuth endpoints as published, and the first call an integrator makes."""

import base64
import json
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from calls import Site
from getbill import access, companies
from getbill.access.model import digest
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Database
from getbill.vault import Vault

FAILED = {"error": "invalid_client", "error_description": "Client authentication failed"}
PATHS = ["/token", "/oauth/token", "/external-api/v1/oauth/token"]


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


@pytest.mark.parametrize("path", PATHS)
async def test_every_token_path_answers_with_exactly_the_published_keys(
    site: Site, workspace: Any, path: str
) -> None:
    client, secret = await workspace.client()
    form = {
        "grant_type": "client_credentials",
        "client_id": client.public_id,
        "client_secret": secret,
        "scope": "debts:read debts:write followups:read",
    }

    answer = await site.form(path, form)

    assert answer.status == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 3600
    assert answer.json()["scope"] == "debts:read debts:write followups:read"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


async def test_the_secret_comes_by_basic_as_well(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()

    answer = await site.form(
        "/token", {"grant_type": "client_credentials"}, Authorization=basic(client.public_id, secret)
    )

    assert answer.status == 200


async def test_no_scope_asked_means_all_the_client_has(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client(scopes=("users:read", "debts:read"))

    answers = [await workspace.ask(site, client, secret), await workspace.ask(site, client, secret, scope="")]

    assert [answer.json()["scope"] for answer in answers] == ["debts:read users:read"] * 2


@pytest.mark.parametrize(
    "scope",
    [
        "debts:read  debts:write",
        " debts:read",
        "debts:read ",
        "debts:read\tdebts:write",
        "debts:read\ndebts:write",
        "debts:read\u00a0debts:write",
        "debts:read,debts:write",
        "debts:read+debts:write",
        "debts:read\\debts:write",
        '"debts:read"',
        "debts:read\u3000debts:write",
    ],
)
async def test_scopes_are_separated_by_single_spaces(site: Site, workspace: Any, scope: str) -> None:
    client, secret = await workspace.client(scopes=("debts:read", "debts:write"))
    refresh = (await workspace.ask(site, client, secret)).json()["refresh_token"]

    answers = [
        await workspace.ask(site, client, secret, scope=scope),
        await workspace.refresh(site, client, secret, refresh, scope=scope),
    ]

    assert [(answer.status, answer.json()["error"]) for answer in answers] == [(400, "invalid_scope")] * 2


async def test_scopes_may_come_in_any_order_and_more_than_once(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client(scopes=("debts:read", "debts:write"))

    answer = await workspace.ask(site, client, secret, scope="debts:write debts:read debts:write")

    assert answer.json()["scope"] == "debts:write debts:read"


async def test_an_expired_refresh_token_says_so_to_its_own_client_only(
    site: Site, workspace: Any, database: Any
) -> None:
    client, secret = await workspace.client()
    other, other_secret = await workspace.client()
    token = (await workspace.ask(site, client, secret)).json()["refresh_token"]
    await database.pool.execute("UPDATE refresh_tokens SET expires_at = now() WHERE hash = $1", digest(token))

    own = await workspace.refresh(site, client, secret, token)
    foreign = await workspace.refresh(site, other, other_secret, token)

    assert own.json() == {"error": "invalid_grant", "error_description": "The refresh token has expired."}
    assert "unknown" in foreign.json()["error_description"]


@pytest.mark.parametrize(
    "scope", ["debts:write", "debts:read debts:write", "nonsense", " ", "debts:read\x00"]
)
async def test_a_scope_that_is_not_granted_is_refused_never_narrowed(
    site: Site, workspace: Any, scope: str
) -> None:
    client, secret = await workspace.client(scopes=("debts:read",))

    answer = await workspace.ask(site, client, secret, scope=scope)

    assert answer.status == 400
    assert answer.json()["error"] == "invalid_scope"


async def test_a_bad_secret_is_refused_in_the_published_words(site: Site, workspace: Any) -> None:
    client, _ = await workspace.client()

    answer = await workspace.ask(site, client, "wrong")

    assert (answer.status, answer.json()) == (401, FAILED)
    assert answer.headers["cache-control"] == "no-store"
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize(
    "authorization",
    [
        basic("client_00000000000000000000000000", "wrong"),
        basic("nobody", ""),
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic",
    ],
)
async def test_bad_basic_credentials_are_challenged(site: Site, authorization: str) -> None:
    answer = await site.form("/token", {"grant_type": "client_credentials"}, Authorization=authorization)

    assert (answer.status, answer.json()) == (401, FAILED)
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


async def test_an_unknown_a_missing_and_a_revoked_client_are_refused_alike(
    site: Site, workspace: Any, database: Database
) -> None:
    client, secret = await workspace.client()
    await access.revoke_client(database, client.id, clock.wall())

    answers = [
        await workspace.ask(site, client, secret),
        await workspace.ask(site, client, secret, client_id="client_00000000000000000000000000"),
        await workspace.ask(site, client, secret, client_id="' OR 1=1"),
        await site.form("/token", {"grant_type": "client_credentials"}),
    ]

    assert [(answer.status, answer.json()) for answer in answers] == [(401, FAILED)] * 4


async def test_a_grant_the_client_does_not_have_is_refused(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client(grants=("client_credentials",))

    answer = await workspace.refresh(site, client, secret, "gbr_whatever")

    assert (answer.status, answer.json()["error"]) == (400, "unauthorized_client")


async def test_a_client_that_may_not_refresh_gets_no_refresh_token(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client(grants=("client_credentials",))

    answer = await workspace.ask(site, client, secret)

    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}


@pytest.mark.parametrize("grant", ["password", "implicit", "authorization_code", '"\u00e9\r\nx: y'])
async def test_a_grant_type_we_do_not_have_is_refused_without_repeating_it(
    site: Site, workspace: Any, grant: str
) -> None:
    client, secret = await workspace.client()

    answer = await workspace.ask(site, client, secret, grant_type=grant)

    assert (answer.status, answer.json()["error"]) == (400, "unsupported_grant_type")
    assert answer.json()["error_description"] == "Use client_credentials or refresh_token."


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"grant_type=client_credentials&grant_type=client_credentials", "application/x-www-form-urlencoded"),
        (b"grant_type=client_credentials&scope=%ff", "application/x-www-form-urlencoded"),
        (b"scope=debts:read", "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b'{"grant_type": "client_credentials"}', "application/json"),
        (b"grant_type=client_credentials", "text/plain"),
        (b"grant_type=client_credentials", "application/x-www-form-urlencoded; charset=utf-16"),
        (b"grant_type=\xe9", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % n for n in range(60)), "application/x-www-form-urlencoded"),
    ],
)
async def test_a_form_that_cannot_be_read_one_way_only_is_refused(
    site: Site, body: bytes, content_type: str
) -> None:
    answer = await site.call("POST", "/token", body=body, headers={"Content-Type": content_type})

    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")
    assert answer.headers["content-type"] == "application/json"


async def test_a_secret_sent_in_two_ways_is_refused(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    form = {"grant_type": "client_credentials", "client_secret": secret}

    answer = await site.form("/token", form, Authorization=basic(client.public_id, secret))

    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


async def test_a_client_id_that_contradicts_basic_is_refused(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    form = {"grant_type": "client_credentials", "client_id": "client_other"}

    answer = await site.form("/token", form, Authorization=basic(client.public_id, secret))

    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


async def test_a_form_of_more_than_16_kilobytes_is_refused(site: Site) -> None:
    answer = await site.form("/token", {"grant_type": "x" * 17_000})

    assert (answer.status, answer.json()["error"]) == (413, "invalid_request")


async def test_the_access_token_verifies_with_the_published_keys(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    token = (await workspace.ask(site, client, secret, scope="debts:read")).json()["access_token"]
    metadata = (await site.get("/.well-known/oauth-authorization-server")).json()

    keys = (await site.get("/.well-known/jwks.json")).json()

    decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"])
    assert decoded.header["alg"] == "RS256"
    assert decoded.header["typ"] == "at+jwt"
    assert decoded.claims["iss"] == metadata["issuer"]
    assert decoded.claims["aud"] == metadata["issuer"]
    assert decoded.claims["client_id"] == client.public_id
    assert decoded.claims["scope"] == "debts:read"
    assert decoded.claims["exp"] - decoded.claims["iat"] == 3600
    assert all(not {"d", "p", "q"} & set(key) for key in keys["keys"])


async def test_the_metadata_is_what_rfc_8414_wants(site: Site) -> None:
    metadata = (await site.get("/.well-known/oauth-authorization-server")).json()

    checked = AuthorizationServerMetadata(metadata | {"issuer": "https://getbill.example"})
    for name in ("token_endpoint", "revocation_endpoint", "jwks_uri"):
        assert metadata[name].startswith(metadata["issuer"])
        checked[name] = metadata[name].replace(metadata["issuer"], "https://getbill.example")
    checked.validate_token_endpoint_auth_methods_supported()
    # RFC 8414 section 2 requires the member; without an authorization endpoint it is rightly empty.
    assert metadata["response_types_supported"] == []
    checked.validate_grant_types_supported()
    checked.validate_scopes_supported()
    checked.validate_token_endpoint()
    checked.validate_revocation_endpoint()
    assert metadata["scopes_supported"] == list(access.SCOPES)


async def test_the_profile_is_the_recommended_first_call(site: Site, workspace: Any) -> None:
    token = await workspace.token(site)

    answer = await site.with_token(token).get("/external-api/v1/company/profile")

    assert answer.status == 200
    profile = answer.json()
    assert profile["id"].startswith("company_")
    assert (profile["name"], profile["email"], profile["phone"]) == ("A company", "a@company.example", None)
    assert profile["created_at"].endswith("Z")
    assert profile["configuration"]["workspace"] == "live"
    assert profile["configuration"]["currency"] == "EUR"
    assert profile["configuration"]["scenario"] == "standard_3_waves"


async def test_the_staff_is_listed_with_roles_and_without_secrets(
    site: Site, workspace: Any, database: Database
) -> None:
    email = f"{workspace.founded.company_id}@staff.example"
    new = companies.NewUser(email, "a long password", "agent", "Marie", "Martin")
    await companies.create_user(database, workspace.founded.company_id, new)

    answer = await site.with_token(await workspace.key()).get("/external-api/v1/company/users")

    assert answer.status == 200
    (body,) = answer.json()["data"]
    assert set(body) == {
        "id",
        "email",
        "firstname",
        "lastname",
        "role",
        "is_active",
        "created_at",
        "last_activity",
    }
    assert (body["email"], body["firstname"], body["role"]) == (email, "Marie", "agent")


async def test_a_rotated_signing_key_still_verifies_until_its_tokens_expire(
    site: Site, workspace: Any, database: Database, vault: Vault
) -> None:
    client, secret = await workspace.client()
    old = (await workspace.ask(site, client, secret)).json()["access_token"]

    await access.rotate_signing_key(database, vault, clock.wall())
    new = (await workspace.ask(site, client, secret)).json()["access_token"]

    assert key_id(old) != key_id(new)
    published = [key["kid"] for key in (await site.get("/.well-known/jwks.json")).json()["keys"]]
    assert published[0] == key_id(new)
    assert key_id(old) in published
    for token in (old, new):
        profile = await site.with_token(token).get("/external-api/v1/company/profile")
        assert profile.status == 200


async def test_a_copied_signing_key_is_distrusted_at_once(
    site: Site, workspace: Any, database: Database, vault: Vault
) -> None:
    client, secret = await workspace.client()
    token = (await workspace.ask(site, client, secret)).json()["access_token"]
    assert (await site.with_token(token).get("/external-api/v1/company/profile")).status == 200

    await access.rotate_signing_key(database, vault, clock.wall(), at_once=True)
    await workspace.heard(site)

    assert (await site.with_token(token).get("/external-api/v1/company/profile")).status == 401
    assert (await workspace.ask(site, client, secret)).status == 200


async def test_a_key_retired_longer_than_a_token_lives_verifies_nothing(
    site: Site, workspace: Any, database: Database, vault: Vault
) -> None:
    client, secret = await workspace.client()
    token = (await workspace.ask(site, client, secret)).json()["access_token"]
    await access.rotate_signing_key(database, vault, clock.wall())
    await database.pool.execute(
        "UPDATE signing_keys SET retired_at = retired_at - interval '61 minutes' WHERE id = $1",
        UUID(key_id(token)),
    )

    profile = await site.with_token(token).get("/external-api/v1/company/profile")

    assert profile.status == 401
    published = [key["kid"] for key in (await site.get("/.well-known/jwks.json")).json()["keys"]]
    assert key_id(token) not in published


def key_id(token: str) -> str:
    head = token.split(".", maxsplit=1)[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


async def test_a_live_client_gets_no_token_over_an_open_connection(
    site: Site, workspace: Any, database: Database
) -> None:
    client, secret = await workspace.client()

    far = await workspace.ask(site.from_address("203.0.113.9"), client, secret)
    tls = await workspace.ask(site.from_address("203.0.113.9", "https"), client, secret)

    assert (far.status, far.json()["error"]) == (400, "invalid_request")
    assert "TLS" in far.json()["error_description"]
    assert tls.status == 200


async def test_over_an_open_connection_clients_that_exist_are_not_told_from_others(
    site: Site, workspace: Any
) -> None:
    live, secret = await workspace.client()
    sandboxed, right = await workspace.client(workspace.founded.sandbox_id)
    far = site.from_address("203.0.113.9")
    unknown = {"grant_type": "client_credentials", "client_id": ids.show("client", ids.new())}

    report = [
        await far.form(path, form | {"client_secret": sent} | more)
        for path in ("/token", "/oauth/revoke")
        for more in (
            {"token": "x"},
            {"grant_type": "refresh_token", "refresh_token": "x"},
            {"grant_type": "made-up"},
        )
        for form, sent in (
            (unknown, secret),
            (unknown | {"client_id": live.public_id}, secret),
            (unknown | {"client_id": live.public_id}, "gbs_wrong"),
            (unknown | {"client_id": sandboxed.public_id}, "gbs_wrong"),
        )
    ]

    assert len({(item.status, item.body) for item in report}) == 1
    assert (await workspace.ask(far, sandboxed, right)).status == 200


async def test_over_an_open_connection_an_unknown_client_takes_as_long_as_one_that_exists(
    site: Site, workspace: Any
) -> None:
    live, secret = await workspace.client()
    far = site.from_address("203.0.113.9")
    seconds: dict[str, list[float]] = {live.public_id: [], ids.show("client", ids.new()): []}

    for _ in range(60):
        for client_id, batch in seconds.items():
            form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
            began = clock.monotonic()
            await far.form("/token", form)
            batch.append(clock.monotonic() - began)

    existing, unknown = (median(items) for items in seconds.values())
    noise = quantiles(seconds[live.public_id], n=4)
    assert abs(existing - unknown) < max(noise[2] - noise[0], 0.1 * existing)
