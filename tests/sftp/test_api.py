"""Logins over the API: who may drop files, shown once, replaced and taken back."""

import pytest

import make
from calls import Site
from dropping import cut_key
from make import Company

LOGINS = "/external-api/v1/sftp/logins"


async def test_a_login_is_made_with_a_password_that_is_shown_once(sandbox: Site) -> None:
    result = await sandbox.post(LOGINS, {"name": "ERP of Zoë"})
    listed = await sandbox.get(LOGINS)

    answer = result.json()
    assert result.status == 201
    assert answer["id"].startswith("sftp_")
    assert answer["username"].startswith("erp-of-zoe-")
    assert len(answer["password"]) >= 24
    assert (answer["has_password"], answer["fingerprints"], answer["revoked_at"]) == (True, [], None)
    assert [item["id"] for item in listed.json()["data"]] == [answer["id"]]
    assert answer["password"] not in listed.body.decode()


async def test_a_login_by_key_has_no_password_unless_asked(sandbox: Site, tmp_path) -> None:
    key = cut_key(tmp_path / "id")

    alone = await sandbox.post(LOGINS, {"public_keys": [key]})
    both = await sandbox.post(LOGINS, {"public_keys": [key], "password": True})

    assert alone.json()["password"] is None
    assert alone.json()["fingerprints"][0].startswith("SHA256:")
    assert both.json()["password"] is not None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"public_keys": ["ssh-ed25519 nonsense"]}, "/public_keys/0"),
        ({"public_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]}, "/public_keys/0"),
        ({"username": "Not Allowed"}, "/username"),
        ({"name": ""}, "/name"),
        ({"shell": True}, "/shell"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_made(sandbox: Site, body, pointer: str) -> None:
    refused = await sandbox.post(LOGINS, body)

    assert refused.status == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    assert (await sandbox.get(LOGINS)).json() == {"data": []}


async def test_a_user_name_is_taken_once(sandbox: Site, company: Company) -> None:
    name = f"erp-{company.founded.company_id.hex}"
    await sandbox.post(LOGINS, {"username": name})

    again = await sandbox.post(LOGINS, {"username": name})

    assert (again.status, again.json()["type"]) == (409, "/problems/username-taken")
    assert len((await sandbox.get(LOGINS)).json()["data"]) == 1


async def test_a_login_is_rotated_and_revoked(sandbox: Site, tmp_path) -> None:
    result = (await sandbox.post(LOGINS, {})).json()
    place = f"{LOGINS}/{result['id']}"

    rotated = await sandbox.post(f"{place}/rotate", {})
    keyed = await sandbox.post(f"{place}/rotate", {"public_keys": [cut_key(tmp_path / "id")]})
    revoked = await sandbox.call("DELETE", place)
    again = await sandbox.call("DELETE", place)
    late = await sandbox.post(f"{place}/rotate", {})

    assert rotated.status == 200
    assert rotated.json()["password"] not in {result["password"], None}
    assert rotated.json()["rotated_at"] is not None
    assert len(keyed.json()["fingerprints"]) == 1
    assert (revoked.status, again.status, late.status) == (200, 404, 404)
    assert revoked.json()["revoked_at"] is not None
    assert (await sandbox.get(LOGINS)).json()["data"][0]["revoked_at"] is not None


async def test_a_login_of_keys_alone_is_rotated_by_new_ones(sandbox: Site, tmp_path) -> None:
    result = (await sandbox.post(LOGINS, {"public_keys": [cut_key(tmp_path / "id")]})).json()

    refused = await sandbox.post(f"{LOGINS}/{result['id']}/rotate", {})

    assert refused.status == 422
    assert refused.json()["errors"][0]["pointer"] == "/public_keys"


async def test_nobody_touches_the_logins_of_others(
    client: Site, sandbox: Site, company: Company, installation
) -> None:
    other = await make_other(installation, client)
    result = (await sandbox.post(LOGINS, {})).json()

    answers = [
        await other.post(f"{LOGINS}/{result['id']}/rotate", {}),
        await other.call("DELETE", f"{LOGINS}/{result['id']}"),
    ]

    assert [answer.status for answer in answers] == [404, 404]
    assert (await other.get(LOGINS)).json() == {"data": []}


async def make_other(installation, client: Site) -> Site:
    return client.with_token((await make.company(installation.database, installation.vault)).key)
