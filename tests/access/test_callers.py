"""Credentials are remembered for speed, and forgotten everywhere within a second of losing their power."""

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from calls import Site
from getbill import access
from getbill.access.oauth import signing_keys
from getbill.kit import clock, ids
from getbill.kit.database.transactions import Database, Statement
from getbill.kit.errors import NotFound
from getbill.vault import Vault
from waiting import until

PROFILE = "/external-api/v1/company/profile"
THINGS = "/external-api/v1/test/things"


async def key_id(database: Database, workspace: Any) -> Any:
    return (await access.keys(database, workspace.founded.company_id))[-1].id


async def test_a_sandbox_key_holds_every_scope_in_its_sandbox(site: Site, workspace: Any) -> None:
    answer = await site.with_token(await workspace.key()).get(PROFILE)

    assert answer.status == 200
    configuration = answer.json()["configuration"]
    assert configuration["workspace"] == "sandbox"
    assert configuration["scopes"] == list(access.SCOPES)


async def test_a_live_workspace_takes_no_static_key(workspace: Any, database: Database) -> None:
    new = access.NewKey(workspace.founded.live_id, "A key")

    with pytest.raises(NotFound):
        await access.create_key(database, new, clock.wall())

    assert await access.keys(database, workspace.founded.company_id) == []


async def test_what_is_stored_of_secrets_does_not_hold_them(
    workspace: Any, database: Database, site: Site
) -> None:
    client, secret = await workspace.client()
    key = await workspace.key()
    refresh_token = (await workspace.ask(site, client, secret)).json()["refresh_token"]

    for table in ("clients", "api_keys", "refresh_tokens", "signing_keys"):
        rows = await database.pool.fetch(f"SELECT t::text FROM {table} t")
        for text in (secret, key, refresh_token, "PRIVATE"):
            assert all(text not in row[0] for row in rows)
            assert all(text.encode().hex() not in row[0] for row in rows)
    answer = (await access.keys(database, workspace.founded.company_id))[0]
    assert answer.hint == f"gbk_sandbox_...{key[-4:]}"


async def test_a_revoked_key_bites_in_every_process_within_a_second(
    make_site: Any, workspace: Any, database: Database
) -> None:
    key = await workspace.key()
    sites = [(await make_site()).with_token(key), (await make_site()).with_token(key)]
    assert [(await site.get(PROFILE)).status for site in sites] == [200, 200]

    await access.revoke_key(database, await key_id(database, workspace), clock.wall())
    await workspace.heard(*sites)

    answers = [await site.get(PROFILE) for site in sites]
    assert [answer.status for answer in answers] == [401, 401]
    assert answers[0].json()["type"] == "/problems/invalid-token"


async def test_a_revoked_client_bites_in_every_process_within_a_second(
    make_site: Any, workspace: Any, database: Database
) -> None:
    item, two = await make_site(), await make_site()
    client, secret = await workspace.client()
    token = (await workspace.ask(item, client, secret)).json()["access_token"]
    assert [(await site.with_token(token).get(PROFILE)).status for site in (item, two)] == [200, 200]

    await access.revoke_client(database, client.id, clock.wall())
    await workspace.heard(item, two)

    assert [(await site.with_token(token).get(PROFILE)).status for site in (item, two)] == [401, 401]


async def test_revoking_twice_is_told(workspace: Any, database: Database) -> None:
    client, _ = await workspace.client()
    await access.revoke_client(database, client.id, clock.wall())

    with pytest.raises(NotFound):
        await access.revoke_client(database, client.id, clock.wall())


async def test_a_remembered_credential_is_not_asked_of_the_database(
    site: Site, workspace: Any, database: Database
) -> None:
    caller = site.with_token(await workspace.key())
    await caller.get(PROFILE)
    await database.pool.execute(
        "UPDATE api_keys SET revoked_at = now() WHERE workspace_id = $1", workspace.founded.sandbox_id
    )

    answer = await caller.get(PROFILE)

    # Nobody was told of this update, so the memory still answers.
    assert answer.status == 200


async def test_without_a_listener_the_database_is_asked_every_time(
    make_site: Any, workspace: Any, database: Database
) -> None:
    caller = (await make_site(is_listening=False)).with_token(await workspace.key())
    assert (await caller.get(PROFILE)).status == 200
    await database.pool.execute(
        "UPDATE api_keys SET revoked_at = now() WHERE workspace_id = $1", workspace.founded.sandbox_id
    )

    assert (await caller.get(PROFILE)).status == 401


async def test_a_killed_listener_means_asking_until_it_is_back_and_forgetting_then(
    make_site: Any, workspace: Any, database: Database, dsn: str
) -> None:
    site = await make_site()
    caller = site.with_token(await workspace.key())
    other = site.with_token(await workspace.key())
    assert [(await item.get(PROFILE)).status for item in (caller, other)] == [200, 200]
    listener = site.app.state.auth.listener

    await database.pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'getbill listener'"
    )
    await until(lambda: not listener.is_live, seconds=5)
    # Revoked without a word to anybody, as if the word was lost while nobody listened.
    await database.pool.execute(
        "UPDATE api_keys SET revoked_at = now() WHERE workspace_id = $1", workspace.founded.sandbox_id
    )
    request = await caller.get(PROFILE)
    await until(lambda: listener.is_live, seconds=5)
    back = await other.get(PROFILE)

    assert (request.status, back.status) == (401, 401)


async def test_what_was_read_before_a_revocation_is_not_remembered_after_it(
    site: Site, workspace: Any, database: Database
) -> None:
    key = await workspace.key()
    callers = site.app.state.auth.authenticator
    result = callers._by_key

    async def slowly(token: str) -> Any:
        memory = await result(token)
        await access.revoke_key(database, await key_id(database, workspace), clock.wall())
        await workspace.heard(site)
        return memory

    callers._by_key = slowly
    first = await site.with_token(key).get(PROFILE)
    callers._by_key = result

    second = await site.with_token(key).get(PROFILE)

    assert (first.status, second.status) == (200, 401)


async def test_a_moved_sandbox_clock_is_seen_at_once_where_it_was_moved_and_soon_elsewhere(
    make_site: Any, workspace: Any, database: Database
) -> None:
    here, there = await make_site(), await make_site()
    key = await workspace.key()
    before = (await there.with_token(key).get(PROFILE)).json()["configuration"]["workspace_time"]
    await here.with_token(key).get(PROFILE)
    move = Statement(
        "test.move",
        "Move a sandbox's clock.",
        "UPDATE workspaces SET clock_offset = '400 days' WHERE workspace_id = $1",
    )

    async with database.transaction(clock.wall()) as tx:
        await tx.execute(move, workspace.founded.sandbox_id)
        await access.invalidate(tx, workspace.founded.sandbox_id)
    here.app.state.auth.invalidate(workspace.founded.sandbox_id)

    workspace_time = (await here.with_token(key).get(PROFILE)).json()["configuration"]["workspace_time"]
    assert int(workspace_time[:4]) > int(before[:4])
    await workspace.heard(there)
    elsewhere = (await there.with_token(key).get(PROFILE)).json()["configuration"]["workspace_time"]
    assert elsewhere[:10] == workspace_time[:10]


async def forged(site: Site, workspace: Any, vault: Vault, **changes: Any) -> str:
    """Return a token signed by our own key whose claims say something else."""
    good = await workspace.token(site)
    part = good.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    signer = await site.app.state.auth.signing.signer(clock.wall())
    header = {"alg": "RS256", "typ": changes.pop("typ", "at+jwt"), "kid": signer.kid}
    return jwt.encode(header, {**claims, **changes}, signer, algorithms=["RS256"])


async def test_an_expired_token_is_refused(site: Site, workspace: Any, vault: Vault) -> None:
    token = await forged(site, workspace, vault, exp=int(clock.unix()) - 1)

    answer = await site.with_token(token).get(PROFILE)

    challenge = (
        'Bearer realm="getbill", error="invalid_token", error_description="The access token has expired"'
    )
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == challenge
    assert answer.json()["reason"] == "expired"


async def test_an_expired_token_is_told_from_a_foreign_one_also_after_a_rotation(
    site: Site, workspace: Any, vault: Vault, database: Any
) -> None:
    token = await forged(site, workspace, vault, exp=int(clock.unix()) - 1)
    foreign = await forged(site, workspace, vault, exp=int(clock.unix()) - 1, iss="https://other.example")
    await signing_keys.rotate(database, vault, clock.wall() - timedelta(hours=3))
    await signing_keys.rotate(database, vault, clock.wall() - timedelta(hours=2))

    answers = [await site.with_token(text).get(PROFILE) for text in (token, foreign, token[:-8] + "AAAAAAAA")]

    assert [answer.status for answer in answers] == [401, 401, 401]
    assert [answer.json().get("reason") for answer in answers] == ["expired", None, None]


@pytest.mark.parametrize(("ahead", "status"), [(30, 200), (3600, 401)])
async def test_a_token_may_come_from_a_clock_a_little_ahead(
    site: Site, workspace: Any, vault: Vault, ahead: int, status: int
) -> None:
    issued = int(clock.unix()) + ahead
    token = await forged(site, workspace, vault, iat=issued, exp=issued + 3600)

    answer = await site.with_token(token).get(PROFILE)

    assert answer.status == status


async def test_a_remembered_token_expires_by_the_wall_clock(site: Site, workspace: Any) -> None:
    token = await workspace.token(site)
    assert (await site.with_token(token).get(PROFILE)).status == 200
    callers = site.app.state.auth.authenticator

    cached_caller = callers.cached_caller(token, clock.unix())
    later = callers.cached_caller(token, clock.unix() + 3601)

    assert cached_caller is not None
    assert cached_caller.expires_at - clock.wall() <= timedelta(hours=1)
    assert later is None


@pytest.mark.parametrize(
    "changes", [{"iss": "https://other.example"}, {"aud": "https://other.example"}, {"typ": "JWT"}]
)
async def test_a_token_of_ours_for_something_else_is_refused(
    site: Site, workspace: Any, vault: Vault, changes: dict[str, Any]
) -> None:
    token = await forged(site, workspace, vault, **changes)

    assert (await site.with_token(token).get(PROFILE)).status == 401


async def test_a_token_signed_by_anybody_else_is_refused(site: Site, workspace: Any) -> None:
    good = await workspace.token(site)
    head, payload, signature = good.split(".")
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    published = (await site.get("/.well-known/jwks.json")).json()["keys"][0]
    forgeries = [
        jwt.encode({"alg": "RS256", "typ": "at+jwt", "kid": kid}, claims, RSAKey.generate_key(2048)),
        # The old confusion: our public key used as a shared secret.
        jwt.encode(
            {"alg": "HS256", "typ": "at+jwt", "kid": kid},
            claims,
            OctKey.import_key(json.dumps(published)),
            algorithms=["HS256"],
        ),
        base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt","kid":"%s"}' % kid.encode())
        .decode()
        .rstrip("=")
        + f".{payload}.",
        f"{head}.{payload}.{signature[:-4]}AAAA",
        f"{head}.{payload}",
        "a.b.c",
        "x" * 5000,
        "gbk_sandbox_unknown",
        "\u00e9",
    ]

    answers = [await site.with_token(token).get(PROFILE) for token in forgeries]

    assert [answer.status for answer in answers] == [401] * len(forgeries)
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)


async def test_the_memory_is_bounded(site: Site, workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getbill.access.authentication._CACHE_MAX", 2)
    keys = [await workspace.key() for _ in range(4)]

    statuses = [(await site.with_token(key).get(PROFILE)).status for key in keys + keys]

    assert statuses == [200] * 8
    assert len(site.app.state.auth.authenticator._cache) == 2


async def test_no_credential_is_a_challenge_without_an_error(site: Site) -> None:
    answers = [
        await site.get(THINGS),
        await site.get(THINGS, Authorization="Basic YTpi"),
        await site.get(THINGS, Authorization="Bearer "),
    ]

    for answer in answers:
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="getbill"'
        assert answer.json()["title"] == "Authentication credentials are missing or invalid"


async def test_a_missing_scope_is_named(site: Site, workspace: Any) -> None:
    token = await workspace.token(site, "debts:read")

    answer = await site.with_token(token).post(THINGS, {})

    assert answer.status == 403
    assert answer.json()["detail"] == 'Required scope "debts:write" not found in token'
    assert answer.json()["required_scope"] == "debts:write"
    assert 'error="insufficient_scope", scope="debts:write"' in answer.headers["www-authenticate"]


async def test_a_scope_taken_from_the_client_is_gone_from_its_tokens(
    site: Site, workspace: Any, database: Database
) -> None:
    client, secret = await workspace.client()
    token = (await workspace.ask(site, client, secret)).json()["access_token"]
    await database.pool.execute("UPDATE clients SET scopes = '{users:read}' WHERE id = $1", client.id)

    answer = await site.with_token(token).get(THINGS)

    assert answer.status == 403


async def test_a_rolled_back_revocation_is_told_to_nobody(
    site: Site, workspace: Any, database: Database
) -> None:
    key = await workspace.key()
    await site.with_token(key).get(PROFILE)
    invalidations = site.app.state.auth.authenticator._invalidations

    with pytest.raises(asyncpg.RaiseError):
        await _forget_and_fail(database, await key_id(database, workspace))
    async with database.transaction(clock.wall()) as tx:
        await access.invalidate(tx, ids.new())
    await until(lambda: site.app.state.auth.authenticator._invalidations > invalidations, seconds=5)

    assert site.app.state.auth.authenticator._invalidations == invalidations + 1


async def _forget_and_fail(database: Database, subject_id: UUID) -> None:
    async with database.transaction(clock.wall()) as tx:
        await access.invalidate(tx, subject_id)
        await tx.execute(Statement("test.fail", "Fail.", "DO $$ BEGIN RAISE 'no'; END $$"))
