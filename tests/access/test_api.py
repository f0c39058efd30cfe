"""The OAuth endpoints as published, and the first call an integrator makes."""

import base64
import json
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from calls import Answer, Site
from joserfc import jwt
from joserfc.jwk import KeySet

from getbill import access, companies
from getbill.kit import clock
from getbill.kit.db import Database
from getbill.vault import Vault

FAILED = {"error": "invalid_client", "error_description": "Client authentication failed"}
PATHS = ["/token", "/oauth/token", "/external-api/v1/oauth/token"]


async def ask(site: Site, client: access.Client, secret: str, **fields: str) -> Answer:
    form = {"grant_type": "client_credentials", "client_id": client.shown_id, "client_secret": secret}
    return await site.form("/token", form | fields)


async def refresh(site: Site, client: access.Client, secret: str, token: str, **fields: str) -> Answer:
    return await ask(site, client, secret, grant_type="refresh_token", refresh_token=token, **fields)


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


@pytest.mark.parametrize("path", PATHS)
async def test_every_token_path_answers_with_exactly_the_published_keys(
    site: Site, house: Any, path: str
) -> None:
    client, secret = await house.client()
    form = {
        "grant_type": "client_credentials",
        "client_id": client.shown_id,
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


async def test_the_secret_comes_by_basic_as_well(site: Site, house: Any) -> None:
    client, secret = await house.client()

    answer = await site.form(
        "/token", {"grant_type": "client_credentials"}, Authorization=basic(client.shown_id, secret)
    )

    assert answer.status == 200


async def test_no_scope_asked_means_all_the_client_has(site: Site, house: Any) -> None:
    client, secret = await house.client(scopes=("users:read", "debts:read"))

    answers = [await ask(site, client, secret), await ask(site, client, secret, scope="")]

    assert [answer.json()["scope"] for answer in answers] == ["debts:read users:read"] * 2


@pytest.mark.parametrize("scope", ["debts:write", "debts:read debts:write", "nonsense", " ", "debts:read\x00"])
async def test_a_scope_that_is_not_granted_is_refused_never_narrowed(
    site: Site, house: Any, scope: str
) -> None:
    client, secret = await house.client(scopes=("debts:read",))

    answer = await ask(site, client, secret, scope=scope)

    assert answer.status == 400
    assert answer.json()["error"] == "invalid_scope"


async def test_a_bad_secret_is_refused_in_the_published_words(site: Site, house: Any) -> None:
    client, _ = await house.client()

    answer = await ask(site, client, "wrong")

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
    site: Site, house: Any, database: Database
) -> None:
    client, secret = await house.client()
    await access.revoke_client(database, client.id, clock.wall())

    answers = [
        await ask(site, client, secret),
        await ask(site, client, secret, client_id="client_00000000000000000000000000"),
        await ask(site, client, secret, client_id="' OR 1=1"),
        await site.form("/token", {"grant_type": "client_credentials"}),
    ]

    assert [(answer.status, answer.json()) for answer in answers] == [(401, FAILED)] * 4


async def test_a_grant_the_client_does_not_have_is_refused(site: Site, house: Any) -> None:
    client, secret = await house.client(grants=("client_credentials",))

    answer = await refresh(site, client, secret, "gbr_whatever")

    assert (answer.status, answer.json()["error"]) == (400, "unauthorized_client")


async def test_a_client_that_may_not_refresh_gets_no_refresh_token(site: Site, house: Any) -> None:
    client, secret = await house.client(grants=("client_credentials",))

    answer = await ask(site, client, secret)

    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}


@pytest.mark.parametrize("grant", ["password", "implicit", "authorization_code", '"\u00e9\r\nx: y'])
async def test_a_grant_type_we_do_not_have_is_refused_without_repeating_it(
    site: Site, house: Any, grant: str
) -> None:
    client, secret = await house.client()

    answer = await ask(site, client, secret, grant_type=grant)

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


async def test_a_secret_sent_in_two_ways_is_refused(site: Site, house: Any) -> None:
    client, secret = await house.client()
    form = {"grant_type": "client_credentials", "client_secret": secret}

    answer = await site.form("/token", form, Authorization=basic(client.shown_id, secret))

    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


async def test_a_client_id_that_contradicts_basic_is_refused(site: Site, house: Any) -> None:
    client, secret = await house.client()
    form = {"grant_type": "client_credentials", "client_id": "client_other"}

    answer = await site.form("/token", form, Authorization=basic(client.shown_id, secret))

    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


async def test_a_form_of_more_than_16_kilobytes_is_refused(site: Site) -> None:
    answer = await site.form("/token", {"grant_type": "x" * 17_000})

    assert (answer.status, answer.json()["error"]) == (413, "invalid_request")


async def test_the_access_token_verifies_with_the_published_keys(site: Site, house: Any) -> None:
    client, secret = await house.client()
    token = (await ask(site, client, secret, scope="debts:read")).json()["access_token"]
    metadata = (await site.get("/.well-known/oauth-authorization-server")).json()

    keys = (await site.get("/.well-known/jwks.json")).json()

    decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["RS256"])
    assert decoded.header["alg"] == "RS256"
    assert decoded.header["typ"] == "at+jwt"
    assert decoded.claims["iss"] == metadata["issuer"]
    assert decoded.claims["aud"] == metadata["issuer"]
    assert decoded.claims["client_id"] == client.shown_id
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


async def test_the_profile_is_the_recommended_first_call(site: Site, house: Any) -> None:
    token = await house.token(site)

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
    site: Site, house: Any, database: Database
) -> None:
    email = f"{house.founded.company_id}@staff.example"
    new = companies.NewUser(email, "a long password", "agent", "Marie", "Martin")
    await companies.create_user(database, house.founded.company_id, new)

    answer = await site.with_token(await house.key()).get("/external-api/v1/company/users")

    assert answer.status == 200
    (shown,) = answer.json()["data"]
    assert set(shown) == {
        "id",
        "email",
        "firstname",
        "lastname",
        "role",
        "is_active",
        "created_at",
        "last_activity",
    }
    assert (shown["email"], shown["firstname"], shown["role"]) == (email, "Marie", "agent")


async def test_a_refresh_token_gives_new_tokens_of_the_same_scope(site: Site, house: Any) -> None:
    client, secret = await house.client()
    first = (await ask(site, client, secret, scope="company:read")).json()

    second = await refresh(site, client, secret, first["refresh_token"])

    assert second.status == 200
    assert set(second.json()) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert second.json()["scope"] == "company:read"
    assert second.json()["refresh_token"] != first["refresh_token"]
    shown = await site.with_token(second.json()["access_token"]).get("/external-api/v1/company/profile")
    assert shown.status == 200


async def test_a_refresh_may_narrow_its_access_token_and_not_widen_it(site: Site, house: Any) -> None:
    client, secret = await house.client()
    first = (await ask(site, client, secret, scope="company:read users:read")).json()

    wider = await refresh(site, client, secret, first["refresh_token"], scope="debts:read")
    narrower = await refresh(site, client, secret, first["refresh_token"], scope="users:read")
    again = await refresh(site, client, secret, narrower.json()["refresh_token"])

    assert (wider.status, wider.json()["error"]) == (400, "invalid_scope")
    assert narrower.json()["scope"] == "users:read"
    assert again.json()["scope"] == "company:read users:read"


async def test_the_token_just_replaced_is_accepted_again_for_thirty_seconds(site: Site, house: Any) -> None:
    client, secret = await house.client()
    first = (await ask(site, client, secret)).json()["refresh_token"]

    second = (await refresh(site, client, secret, first)).json()["refresh_token"]
    twin = (await refresh(site, client, secret, first)).json()["refresh_token"]

    assert len({first, second, twin}) == 3
    answers = [await refresh(site, client, secret, token) for token in (second, twin)]
    assert [answer.status for answer in answers] == [200, 200]


async def age_replacements(database: Database, seconds: int) -> None:
    await database.pool.execute(
        "UPDATE refresh_tokens SET replaced_at = replaced_at - $1::interval", timedelta(seconds=seconds)
    )


async def test_reuse_after_thirty_seconds_revokes_the_family(
    site: Site, house: Any, database: Database
) -> None:
    client, secret = await house.client()
    first = (await ask(site, client, secret)).json()["refresh_token"]
    second = (await refresh(site, client, secret, first)).json()
    await age_replacements(database, 31)

    reused = await refresh(site, client, secret, first)

    assert (reused.status, reused.json()["error"]) == (400, "invalid_grant")
    after = await refresh(site, client, secret, second["refresh_token"])
    assert (after.status, after.json()["error"]) == (400, "invalid_grant")
    await heard(site)
    shown = await site.with_token(second["access_token"]).get("/external-api/v1/company/profile")
    assert shown.status == 401


async def heard(site: Site) -> None:
    """Wait until what was committed before has been heard."""
    told = site.app.state.gate.callers._told
    deadline = time.monotonic() + 1
    await site.app.state.gate.database.pool.execute("SELECT pg_notify('getbill_access', 'all')")
    while site.app.state.gate.callers._told == told:
        assert time.monotonic() < deadline
        await site.app.state.gate.database.pool.fetchval("SELECT 1")


async def test_reuse_of_an_older_token_revokes_the_family_at_once(site: Site, house: Any) -> None:
    client, secret = await house.client()
    first = (await ask(site, client, secret)).json()["refresh_token"]
    second = (await refresh(site, client, secret, first)).json()["refresh_token"]
    third = (await refresh(site, client, secret, second)).json()["refresh_token"]

    reused = await refresh(site, client, secret, first)

    assert reused.json()["error"] == "invalid_grant"
    assert (await refresh(site, client, secret, third)).json()["error"] == "invalid_grant"


async def test_another_family_is_untouched_by_a_reuse(site: Site, house: Any, database: Database) -> None:
    client, secret = await house.client()
    first = (await ask(site, client, secret)).json()["refresh_token"]
    other = (await ask(site, client, secret)).json()["refresh_token"]
    await refresh(site, client, secret, first)
    await age_replacements(database, 31)

    await refresh(site, client, secret, first)

    assert (await refresh(site, client, secret, other)).status == 200


async def test_a_refresh_token_expires_thirty_days_after_it_was_given(
    site: Site, house: Any, database: Database
) -> None:
    client, secret = await house.client()
    first = (await ask(site, client, secret)).json()["refresh_token"]
    await database.pool.execute(
        "UPDATE refresh_tokens SET expires_at = expires_at - interval '29 days 23 hours'"
    )
    second = await refresh(site, client, secret, first)
    await database.pool.execute("UPDATE refresh_tokens SET expires_at = expires_at - interval '30 days'")

    third = await refresh(site, client, secret, second.json()["refresh_token"])

    assert second.status == 200
    assert (third.status, third.json()["error"]) == (400, "invalid_grant")


async def test_another_clients_refresh_token_is_refused_and_stays_good(site: Site, house: Any) -> None:
    client, secret = await house.client()
    thief, thiefs_secret = await house.client()
    token = (await ask(site, client, secret)).json()["refresh_token"]

    stolen = await refresh(site, thief, thiefs_secret, token)

    assert (stolen.status, stolen.json()["error"]) == (400, "invalid_grant")
    assert (await refresh(site, client, secret, token)).status == 200


async def test_a_refresh_token_beside_client_credentials_changes_nothing(
    site: Site, house: Any, database: Database
) -> None:
    client, secret = await house.client()
    token = (await ask(site, client, secret)).json()["refresh_token"]

    await ask(site, client, secret, refresh_token=token)

    families = await database.pool.fetchval(
        "SELECT count(*) FROM token_families WHERE client_id = $1", client.id
    )
    assert families == 2


async def test_a_revoked_access_token_stops_working_and_its_family_goes_on(site: Site, house: Any) -> None:
    client, secret = await house.client()
    tokens = (await ask(site, client, secret)).json()
    caller = site.with_token(tokens["access_token"])
    assert (await caller.get("/external-api/v1/company/profile")).status == 200

    answer = await site.form(
        "/oauth/revoke",
        {"token": tokens["access_token"], "client_id": client.shown_id, "client_secret": secret},
    )
    await heard(site)

    assert answer.status == 200
    assert (await caller.get("/external-api/v1/company/profile")).status == 401
    assert (await refresh(site, client, secret, tokens["refresh_token"])).status == 200


async def test_a_revoked_refresh_token_takes_its_access_token_along(site: Site, house: Any) -> None:
    client, secret = await house.client()
    tokens = (await ask(site, client, secret)).json()
    caller = site.with_token(tokens["access_token"])
    assert (await caller.get("/external-api/v1/company/profile")).status == 200

    answer = await site.form(
        "/oauth/revoke",
        {
            "token": tokens["refresh_token"],
            "token_type_hint": "access_token",
            "client_id": client.shown_id,
            "client_secret": secret,
        },
    )
    await heard(site)

    assert answer.status == 200
    assert (await caller.get("/external-api/v1/company/profile")).status == 401
    assert (await refresh(site, client, secret, tokens["refresh_token"])).status == 400


async def test_revoking_what_is_unknown_is_done_already(site: Site, house: Any) -> None:
    client, secret = await house.client()
    who = {"client_id": client.shown_id, "client_secret": secret}

    answers = [
        await site.form("/oauth/revoke", {"token": token, **who})
        for token in ("gbr_unknown", "not.a.token", "x", "\x00")
    ]

    assert [answer.status for answer in answers] == [200] * 4


async def test_revoking_needs_the_client_and_its_own_token(site: Site, house: Any) -> None:
    client, secret = await house.client()
    other, others_secret = await house.client()
    tokens = (await ask(site, client, secret)).json()

    without = await site.form("/oauth/revoke", {"token": tokens["refresh_token"]})
    missing = await site.form("/oauth/revoke", {"client_id": client.shown_id, "client_secret": secret})
    foreign = await site.form(
        "/oauth/revoke",
        {"token": tokens["access_token"], "client_id": other.shown_id, "client_secret": others_secret},
    )

    assert (without.status, without.json()) == (401, FAILED)
    assert (missing.status, missing.json()["error"]) == (400, "invalid_request")
    assert (foreign.status, foreign.json()["error"]) == (400, "invalid_grant")
    shown = await site.with_token(tokens["access_token"]).get("/external-api/v1/company/profile")
    assert shown.status == 200


async def test_a_rotated_signing_key_still_verifies_until_its_tokens_expire(
    site: Site, house: Any, database: Database, vault: Vault
) -> None:
    client, secret = await house.client()
    old = (await ask(site, client, secret)).json()["access_token"]

    await access.rotate_signing_key(database, vault, clock.wall())
    new = (await ask(site, client, secret)).json()["access_token"]

    assert key_id(old) != key_id(new)
    published = [key["kid"] for key in (await site.get("/.well-known/jwks.json")).json()["keys"]]
    assert published[0] == key_id(new)
    assert key_id(old) in published
    for token in (old, new):
        shown = await site.with_token(token).get("/external-api/v1/company/profile")
        assert shown.status == 200


async def test_a_key_retired_longer_than_a_token_lives_verifies_nothing(
    site: Site, house: Any, database: Database, vault: Vault
) -> None:
    client, secret = await house.client()
    token = (await ask(site, client, secret)).json()["access_token"]
    await access.rotate_signing_key(database, vault, clock.wall())
    await database.pool.execute(
        "UPDATE signing_keys SET retired_at = retired_at - interval '61 minutes' WHERE id = $1",
        UUID(key_id(token)),
    )

    shown = await site.with_token(token).get("/external-api/v1/company/profile")

    assert shown.status == 401
    published = [key["kid"] for key in (await site.get("/.well-known/jwks.json")).json()["keys"]]
    assert key_id(token) not in published


def key_id(token: str) -> str:
    head = token.split(".", maxsplit=1)[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


async def test_a_live_client_gets_no_token_over_an_open_connection(
    site: Site, house: Any, database: Database
) -> None:
    client, secret = await house.client()

    far = await ask(site.from_address("203.0.113.9"), client, secret)
    tls = await ask(site.from_address("203.0.113.9", "https"), client, secret)

    assert (far.status, far.json()["error"]) == (400, "invalid_request")
    assert "TLS" in far.json()["error_description"]
    assert tls.status == 200
