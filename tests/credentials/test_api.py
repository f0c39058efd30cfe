"""Revoking a credential over the API: what it created is listed, what only it used goes, nothing that another uses."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

import make
from calls import Answer, Site
from getbill import access, companies, sftp
from getbill.access import Actor
from getbill.kit import clock, ids
from installation import Installation
from make import Company

V1 = "/external-api/v1"
USUAL = ("debts:read", "debts:write", "webhooks:read", "webhooks:write", "sftp:read", "sftp:write")


@dataclass
class Program:
    """A client of the company's live workspace: how it is called, and its id."""

    site: Site
    id: str

    async def login(self) -> dict[str, Any]:
        return await created(self.site.post(f"{V1}/sftp/logins", {}))

    async def webhook(self) -> dict[str, Any]:
        return await created(self.site.post(f"{V1}/webhooks", {"url": "https://hooks.example/in"}))


async def created(answering: Awaitable[Answer]) -> Any:
    answered = await answering
    assert answered.status in {200, 201}, answered.body
    return answered.json()


@pytest.fixture
def program(client: Site, company: Company, installation: Installation) -> Callable[..., Awaitable[Program]]:
    async def let_in(*scopes: str) -> Program:
        shown_id, secret = await make.client(installation.database, company.founded, *(scopes or USUAL))
        form = {"grant_type": "client_credentials", "client_id": shown_id, "client_secret": secret}
        token = (await client.form("/token", form)).json()["access_token"]
        return Program(client.with_token(token), shown_id)

    return let_in


@pytest.fixture
async def admin(program: Any) -> Program:
    return await program("credentials:read", "credentials:write")


async def revoke(admin: Program, credential: str, **fields: Any) -> Answer:
    return await admin.site.post(f"{V1}/credentials/{credential}/revoke", fields)


def names(answer: list[dict[str, Any]]) -> set[str]:
    return {item["id"] for item in answer}


async def test_what_a_client_created_says_so_and_is_listed(program: Any, admin: Program) -> None:
    item, other = await program(), await program()
    login, webhook = await item.login(), await item.webhook()
    await other.login()

    listed = await created(admin.site.get(f"{V1}/credentials/{item.id}/created"))

    assert (login["created_by"], webhook["created_by"]) == (item.id, item.id)
    assert names(listed["would_be_revoked"]) == {login["id"], webhook["id"]}
    assert listed["would_stay"] == []
    assert {entry["kind"] for entry in listed["would_be_revoked"]} == {"sftp_login", "webhook"}
    assert all(
        entry["created_by"] == item.id and entry["used_by"] == [] for entry in listed["would_be_revoked"]
    )


async def test_a_preview_changes_nothing(program: Any, admin: Program) -> None:
    item = await program()
    login = await item.login()

    previewed = await revoke(admin, item.id, created="revoke", preview=True)

    assert names(previewed.json()["revoked"]) == {login["id"]}
    assert previewed.json()["preview"] is True
    assert (await item.site.get(f"{V1}/sftp/logins")).json()["data"][0]["revoked_at"] is None


async def test_a_client_goes_alone_unless_more_is_asked(program: Any, admin: Program) -> None:
    item, other = await program(), await program()
    login = await item.login()

    done = await created(revoke(admin, item.id))

    assert (done["revoked"], names(done["left"])) == ([], {login["id"]})
    assert (await item.site.get(f"{V1}/sftp/logins")).status == 401
    (left,) = (await other.site.get(f"{V1}/sftp/logins")).json()["data"]
    assert (left["revoked_at"], left["data_withheld"]) == (None, True)


async def test_a_client_goes_with_what_only_it_used(program: Any, admin: Program) -> None:
    item, other = await program(), await program()
    mine, shared = await item.login(), await item.login()
    hook, taken_over, replayed = [await item.webhook() for _ in range(3)]
    await created(other.site.post(f"{V1}/sftp/logins/{shared['id']}/rotate", {}))
    put = await other.site.call(
        "PUT", f"{V1}/webhooks/{taken_over['id']}", body=b'{"url": "https://hooks.example/other"}'
    )
    await other.site.post(f"{V1}/webhooks/{replayed['id']}/replay", {"from": "2024-01-01"})

    done = await created(revoke(admin, item.id, created="revoke"))

    assert put.status == 200
    assert names(done["revoked"]) == {mine["id"], hook["id"]}
    assert {entry["id"]: entry["used_by"] for entry in done["left"]} == {
        shared["id"]: [other.id],
        taken_over["id"]: [other.id],
        replayed["id"]: [other.id],
    }
    logins = (await other.site.get(f"{V1}/sftp/logins")).json()["data"]
    assert {login["id"]: login["revoked_at"] is not None for login in logins} == {
        mine["id"]: True,
        shared["id"]: False,
    }
    hooks = (await other.site.get(f"{V1}/webhooks")).json()["data"]
    assert {entry["id"]: (entry["enabled"], entry["data_withheld"]) for entry in hooks} == {
        hook["id"]: (False, True),
        taken_over["id"]: (True, False),
        # Another uses it, and its owner is gone: it goes on with ids.
        replayed["id"]: (True, True),
    }


async def test_who_handled_it_and_is_revoked_uses_it_no_more(program: Any, admin: Program) -> None:
    item, other = await program(), await program()
    login = await item.login()
    await created(other.site.post(f"{V1}/sftp/logins/{login['id']}/rotate", {}))
    await created(revoke(admin, other.id))

    done = await created(revoke(admin, item.id, created="revoke"))

    assert names(done["revoked"]) == {login["id"]}


async def test_one_that_is_revoked_already_is_told_and_can_still_be_cleaned_up_after(
    program: Any, admin: Program
) -> None:
    item = await program()
    login = await item.login()
    await created(revoke(admin, item.id))

    again = await revoke(admin, item.id)
    cleaned = await created(revoke(admin, item.id, created="revoke"))

    assert (again.status, again.json()["type"]) == (409, "/problems/revoked-already")
    assert names(cleaned["revoked"]) == {login["id"]}


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [("GET", "created", "credentials:read"), ("POST", "revoke", "credentials:write")],
)
async def test_it_needs_a_right_that_no_client_has_unless_named(
    program: Any, method: str, path: str, scope: str
) -> None:
    usual = await program(*access.DEFAULT_SCOPES)

    refused = await usual.site.call(method, f"{V1}/credentials/{usual.id}/{path}")

    assert (refused.status, refused.json()["required_scope"]) == (403, scope)


async def test_another_companys_credential_is_not_there(
    program: Any, admin: Program, installation: Installation
) -> None:
    foreign = await make.company(installation.database, installation.vault)
    staff = await companies.create_user(
        installation.database,
        foreign.founded.company_id,
        companies.NewUser(f"{ids.new()}@x.example", "a" * 12),
    )

    for shown_id in (foreign.client_id, ids.show("user", staff), ids.show("key", ids.new()), "sftp_1", "x"):
        assert (await revoke(admin, shown_id)).status == 404
        assert (await admin.site.get(f"{V1}/credentials/{shown_id}/created")).status == 404
    assert await installation.database.pool.fetchval("SELECT is_active FROM users WHERE id = $1", staff)


async def hired(installation: Installation, company: Company) -> Actor:
    new = companies.NewUser(f"{ids.new()}@company.example", "a long password", "developer")
    return Actor("user", await companies.create_user(installation.database, company.founded.company_id, new))


async def test_a_person_goes_with_what_no_program_uses(
    client: Site, company: Company, installation: Installation, admin: Program
) -> None:
    person = await hired(installation, company)
    database, live = installation.database, company.founded.live_id
    idle, _ = await access.create_client(
        database, access.NewClient(live, "Idle", created_by=person), clock.wall()
    )
    busy, secret = await access.create_client(
        database, access.NewClient(live, "ERP", scopes=USUAL, created_by=person), clock.wall()
    )
    key, _ = await access.create_key(
        database, access.NewKey(company.founded.sandbox_id, "Key", created_by=person), clock.wall()
    )
    async with database.transaction(clock.wall()) as tx:
        unused, _ = await sftp.create_login(tx, sftp.NewLogin(live, created_by=person), clock.wall())
        used, _ = await sftp.create_login(tx, sftp.NewLogin(live, created_by=person), clock.wall())
        stale, _ = await sftp.create_login(tx, sftp.NewLogin(live, created_by=person), clock.wall())
        # What a client that is not used created goes too.
        inner, _ = await sftp.create_login(
            tx, sftp.NewLogin(live, created_by=Actor("client", idle.id)), clock.wall()
        )
    for login, days in ((used, 1), (stale, 91)):
        await database.pool.execute(
            "UPDATE sftp_logins SET used_at = $2 WHERE id = $1", login.id, clock.wall() - timedelta(days=days)
        )
    form = {"grant_type": "client_credentials", "client_id": busy.public_id, "client_secret": secret}
    token = (await client.form("/token", form)).json()["access_token"]
    assert (await client.with_token(token).get(f"{V1}/sftp/logins")).status == 200
    await client.app.state.auth.log.flush()

    done = await created(revoke(admin, person.public_id, created="revoke"))

    going = {
        idle.public_id,
        ids.show("key", key.id),
        *(ids.show("sftp", item.id) for item in (unused, stale, inner)),
    }
    assert names(done["revoked"]) == going
    assert {entry["id"]: entry["used_by"] for entry in done["left"]} == {
        busy.public_id: [busy.public_id],
        ids.show("sftp", used.id): [ids.show("sftp", used.id)],
    }
    assert not await database.pool.fetchval("SELECT is_active FROM users WHERE id = $1", person.id)


async def test_a_person_is_deactivated_from_the_live_workspace_only(
    sandbox: Site, company: Company, installation: Installation
) -> None:
    person = await hired(installation, company)

    refused = await sandbox.post(f"{V1}/credentials/{person.public_id}/revoke", {})

    assert refused.status == 404
    assert await installation.database.pool.fetchval("SELECT is_active FROM users WHERE id = $1", person.id)


async def test_an_sftp_login_needs_rights_of_its_own(program: Any) -> None:
    plain = await program("debts:read", "debts:write")
    lister = await program("sftp:read")
    ender = await program("sftp:write")
    full = await program()
    login = await full.login()

    async def refused_for(answering: Awaitable[Answer]) -> Any:
        answered = await answering
        return answered.status, answered.json().get("required_scope")

    logins = f"{V1}/sftp/logins"
    assert await refused_for(plain.site.post(logins, {})) == (403, "sftp:write")
    assert await refused_for(plain.site.get(logins)) == (403, "sftp:read")
    assert await refused_for(plain.site.post(f"{logins}/{login['id']}/rotate", {})) == (403, "sftp:write")
    assert await refused_for(plain.site.call("DELETE", f"{logins}/{login['id']}")) == (403, "sftp:write")
    assert await refused_for(ender.site.post(logins, {})) == (403, "debts:read")
    assert (await lister.site.get(logins)).status == 200
    assert (await ender.site.call("DELETE", f"{logins}/{login['id']}")).status == 200


async def test_a_signing_key_says_who_created_it(installation: Installation) -> None:
    database = installation.database
    by = Actor("user", ids.new())

    await access.rotate_signing_key(database, installation.vault, clock.wall(), by=by)

    row = await database.pool.fetchrow(
        "SELECT created_by_kind, created_by FROM signing_keys WHERE retired_at IS NULL"
    )
    assert row is not None
    assert (row["created_by_kind"], row["created_by"]) == ("user", by.id)
