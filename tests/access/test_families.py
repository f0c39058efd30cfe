"""Refresh tokens: one use each, a family that dies of a copy, and revocation (RFC 7009)."""

import asyncio
from typing import Any

from calls import Site
from getbill.kit.database.transactions import Database

FAILED = {"error": "invalid_client", "error_description": "Client authentication failed"}


async def test_a_refresh_token_gives_new_tokens_of_the_same_scope(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    first = (await workspace.ask(site, client, secret, scope="company:read")).json()

    second = await workspace.refresh(site, client, secret, first["refresh_token"])

    assert second.status == 200
    assert set(second.json()) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert second.json()["scope"] == "company:read"
    assert second.json()["refresh_token"] != first["refresh_token"]
    profile = await site.with_token(second.json()["access_token"]).get("/external-api/v1/company/profile")
    assert profile.status == 200


async def test_a_refresh_may_narrow_its_access_token_and_not_widen_it(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    first = (await workspace.ask(site, client, secret, scope="company:read users:read")).json()

    wider = await workspace.refresh(site, client, secret, first["refresh_token"], scope="debts:read")
    narrower = await workspace.refresh(site, client, secret, first["refresh_token"], scope="users:read")
    again = await workspace.refresh(site, client, secret, narrower.json()["refresh_token"])

    assert (wider.status, wider.json()["error"]) == (400, "invalid_scope")
    assert narrower.json()["scope"] == "users:read"
    assert again.json()["scope"] == "company:read users:read"


async def test_the_token_just_replaced_is_accepted_again_for_thirty_seconds(
    site: Site, workspace: Any
) -> None:
    client, secret = await workspace.client()
    first = (await workspace.ask(site, client, secret)).json()["refresh_token"]

    second = (await workspace.refresh(site, client, secret, first)).json()["refresh_token"]
    twin = (await workspace.refresh(site, client, secret, first)).json()["refresh_token"]

    assert len({first, second, twin}) == 3
    answers = [await workspace.refresh(site, client, secret, token) for token in (second, twin)]
    assert [answer.status for answer in answers] == [200, 200]


async def test_twins_refreshing_at_the_same_moment_both_get_tokens_of_one_family(
    site: Site, workspace: Any, database: Database
) -> None:
    client, secret = await workspace.client()
    first = (await workspace.ask(site, client, secret)).json()["refresh_token"]

    answers = await asyncio.gather(*(workspace.refresh(site, client, secret, first) for _ in range(4)))

    assert [answer.status for answer in answers] == [200] * 4
    assert len({answer.json()["refresh_token"] for answer in answers}) == 4
    families = await database.pool.fetchval(
        "SELECT count(*) FROM token_families WHERE client_id = $1", client.id
    )
    assert families == 1


async def test_reuse_after_thirty_seconds_revokes_the_family(
    site: Site, workspace: Any, database: Database
) -> None:
    client, secret = await workspace.client()
    first = (await workspace.ask(site, client, secret)).json()["refresh_token"]
    second = (await workspace.refresh(site, client, secret, first)).json()
    await workspace.age_replacements(31)

    reused = await workspace.refresh(site, client, secret, first)

    assert (reused.status, reused.json()["error"]) == (400, "invalid_grant")
    after = await workspace.refresh(site, client, secret, second["refresh_token"])
    assert (after.status, after.json()["error"]) == (400, "invalid_grant")
    await workspace.heard(site)
    profile = await site.with_token(second["access_token"]).get("/external-api/v1/company/profile")
    assert profile.status == 401


async def test_reuse_of_an_older_token_revokes_the_family_at_once(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    first = (await workspace.ask(site, client, secret)).json()["refresh_token"]
    second = (await workspace.refresh(site, client, secret, first)).json()["refresh_token"]
    third = (await workspace.refresh(site, client, secret, second)).json()["refresh_token"]

    reused = await workspace.refresh(site, client, secret, first)

    assert reused.json()["error"] == "invalid_grant"
    assert (await workspace.refresh(site, client, secret, third)).json()["error"] == "invalid_grant"


async def test_another_family_is_untouched_by_a_reuse(site: Site, workspace: Any, database: Database) -> None:
    client, secret = await workspace.client()
    first = (await workspace.ask(site, client, secret)).json()["refresh_token"]
    other = (await workspace.ask(site, client, secret)).json()["refresh_token"]
    await workspace.refresh(site, client, secret, first)
    await workspace.age_replacements(31)

    await workspace.refresh(site, client, secret, first)

    assert (await workspace.refresh(site, client, secret, other)).status == 200


async def test_a_refresh_token_expires_thirty_days_after_it_was_given(
    site: Site, workspace: Any, database: Database
) -> None:
    client, secret = await workspace.client()
    first = (await workspace.ask(site, client, secret)).json()["refresh_token"]
    await database.pool.execute(
        "UPDATE refresh_tokens SET expires_at = expires_at - interval '29 days 23 hours'"
    )
    second = await workspace.refresh(site, client, secret, first)
    await database.pool.execute("UPDATE refresh_tokens SET expires_at = expires_at - interval '30 days'")

    third = await workspace.refresh(site, client, secret, second.json()["refresh_token"])

    assert second.status == 200
    assert (third.status, third.json()["error"]) == (400, "invalid_grant")


async def test_another_clients_refresh_token_is_refused_and_stays_good(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    thief, thiefs_secret = await workspace.client()
    token = (await workspace.ask(site, client, secret)).json()["refresh_token"]

    stolen = await workspace.refresh(site, thief, thiefs_secret, token)

    assert (stolen.status, stolen.json()["error"]) == (400, "invalid_grant")
    assert (await workspace.refresh(site, client, secret, token)).status == 200


async def test_a_refresh_token_beside_client_credentials_changes_nothing(
    site: Site, workspace: Any, database: Database
) -> None:
    client, secret = await workspace.client()
    token = (await workspace.ask(site, client, secret)).json()["refresh_token"]

    await workspace.ask(site, client, secret, refresh_token=token)

    families = await database.pool.fetchval(
        "SELECT count(*) FROM token_families WHERE client_id = $1", client.id
    )
    assert families == 2


async def test_a_revoked_access_token_stops_working_and_its_family_goes_on(
    site: Site, workspace: Any
) -> None:
    client, secret = await workspace.client()
    tokens = (await workspace.ask(site, client, secret)).json()
    caller = site.with_token(tokens["access_token"])
    assert (await caller.get("/external-api/v1/company/profile")).status == 200

    answer = await site.form(
        "/oauth/revoke",
        {"token": tokens["access_token"], "client_id": client.public_id, "client_secret": secret},
    )
    await workspace.heard(site)

    assert answer.status == 200
    assert (await caller.get("/external-api/v1/company/profile")).status == 401
    assert (await workspace.refresh(site, client, secret, tokens["refresh_token"])).status == 200


async def test_a_revoked_refresh_token_takes_its_access_token_along(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    tokens = (await workspace.ask(site, client, secret)).json()
    caller = site.with_token(tokens["access_token"])
    assert (await caller.get("/external-api/v1/company/profile")).status == 200

    answer = await site.form(
        "/oauth/revoke",
        {
            "token": tokens["refresh_token"],
            "token_type_hint": "access_token",
            "client_id": client.public_id,
            "client_secret": secret,
        },
    )
    await workspace.heard(site)

    assert answer.status == 200
    assert (await caller.get("/external-api/v1/company/profile")).status == 401
    assert (await workspace.refresh(site, client, secret, tokens["refresh_token"])).status == 400


async def test_revoking_what_is_unknown_is_done_already(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    who = {"client_id": client.public_id, "client_secret": secret}

    answers = [
        await site.form("/oauth/revoke", {"token": token, **who})
        for token in ("gbr_unknown", "not.a.token", "x", "\x00")
    ]

    assert [answer.status for answer in answers] == [200] * 4


async def test_revoking_needs_the_client_and_its_own_token(site: Site, workspace: Any) -> None:
    client, secret = await workspace.client()
    other, others_secret = await workspace.client()
    tokens = (await workspace.ask(site, client, secret)).json()

    without = await site.form("/oauth/revoke", {"token": tokens["refresh_token"]})
    missing = await site.form("/oauth/revoke", {"client_id": client.public_id, "client_secret": secret})
    foreign = await site.form(
        "/oauth/revoke",
        {"token": tokens["access_token"], "client_id": other.public_id, "client_secret": others_secret},
    )

    assert (without.status, without.json()) == (401, FAILED)
    assert (missing.status, missing.json()["error"]) == (400, "invalid_request")
    assert (foreign.status, foreign.json()["error"]) == (400, "invalid_grant")
    profile = await site.with_token(tokens["access_token"]).get("/external-api/v1/company/profile")
    assert profile.status == 200
