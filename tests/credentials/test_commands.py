"""Credentials from the command line: who created them, and what goes with whom."""

from commanding import Run, printed
from getbill import access


async def test_who_creates_a_credential_is_recorded(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))
    user = await printed(getbill("user", "create", "marie@acme.example", "--role", "developer"))
    by = ("--created-by", "Marie@acme.example")

    client = await printed(getbill("client", "create", *by))
    key = await printed(getbill("key", "create", *by))
    login = await printed(getbill("sftp-login", "create", *by))
    hook = await printed(getbill("webhooks", "create", "https://hooks.example/in", *by))
    alone = await printed(getbill("client", "create"))
    unknown = await getbill("key", "create", "--created-by", "nobody@acme.example")

    assert [item["created_by"] for item in (client, key, login, hook)] == [user["id"]] * 4
    assert alone["created_by"] == "operator"
    assert str(unknown.exception) == "Acme has no user nobody@acme.example."
    for noun in ("client", "key", "sftp-login"):
        assert (await printed(getbill(noun, "list")))[0]["created_by"] == user["id"]


async def test_a_client_holds_no_administrative_scope_unless_it_is_named(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))

    usual = await printed(getbill("client", "create"))
    named = await printed(getbill("client", "create", "--scope", "sftp:read credentials:write"))

    assert not [scope for scope in usual["scopes"] if scope.startswith(("sftp:", "credentials:"))]
    assert {"debts:read", "debts:write", "webhooks:write"} <= set(usual["scopes"])
    assert named["scopes"] == ["sftp:read", "credentials:write"]


async def test_a_person_is_revoked_with_what_only_they_used(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))
    user = await printed(getbill("user", "create", "marie@acme.example", "--role", "developer"))
    client = await printed(getbill("client", "create", "--created-by", "marie@acme.example"))
    login = await printed(getbill("sftp-login", "create", "--created-by", "marie@acme.example"))
    handled = await printed(getbill("sftp-login", "create", "--created-by", "marie@acme.example"))
    await printed(getbill("sftp-login", "rotate", handled["username"]))

    listed = await printed(getbill("credential", "created", "marie@acme.example"))
    previewed = await printed(getbill("credential", "revoke", user["id"], "--with-created", "--preview"))
    before = await printed(getbill("client", "list"))
    done = await printed(getbill("credential", "revoke", "marie@acme.example", "--with-created"))
    again = await getbill("credential", "revoke", "marie@acme.example")
    after = await printed(getbill("client", "list"))

    going = {client["client_id"], login["id"]}
    assert {item["id"] for item in listed["would_be_revoked"]} == going
    assert {item["id"] for item in previewed["revoked"]} == going
    assert {item["id"] for item in done["revoked"]} == going
    assert [(item["id"], item["used_by"]) for item in done["left"]] == [(handled["id"], ["operator"])]
    assert (before[0]["revoked_at"], after[0]["revoked_at"] is None) == (None, False)
    assert str(again.exception) == f"{user['id']} is already revoked."


async def test_revoking_a_client_says_what_it_leaves(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))
    client = await printed(getbill("client", "create"))

    previewed = await getbill("client", "revoke", client["client_id"], "--preview")
    revoked = await getbill("client", "revoke", client["client_id"])
    other = await getbill("client", "revoke", "key_01m804scmte4gbpp4yw1mc91gy")

    assert previewed.stdout == f"{client['client_id']} would be revoked.\n"
    assert revoked.stdout == f"{client['client_id']} is revoked.\n"
    assert other.exit_code


async def test_the_first_starts_client_holds_every_scope(getbill: Run) -> None:
    prepared = await getbill("prepare")

    (client,) = await printed(getbill("client", "list"))

    assert prepared.exit_code == 0, prepared.exception
    assert client["scopes"] == list(access.SCOPES)
    assert set(access.ADMINISTRATIVE) < set(client["scopes"])
