"""Letting somebody in from the command line: secrets shown once, refusals as sentences."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from commanding import Run, printed


async def test_a_company_lets_people_and_programs_in(getbill: Run) -> None:
    none_yet = await getbill("key", "create")
    company = await printed(getbill("company", "create", "Acme", "--email", "hello@acme.example"))
    user = await printed(getbill("user", "create", "marie@acme.example", "--role", "agent"))
    let_in = await getbill(
        "client",
        "create",
        *("--grant", "client_credentials", "--scope", "debts:read users:read"),
        *("--redirect-uri", "https://app.acme.example/back"),
    )
    client = json.loads(let_in.stdout)
    key = await printed(getbill("key", "create", "--name", "First"))
    listed = await getbill("key", "list", "--company", "Acme")

    assert str(none_yet.exception) == "No company exists yet."
    assert company["id"].startswith("company_")
    assert user["company"] == "Acme"
    assert len(user["password"]) >= 16
    assert client["client_id"].startswith("client_")
    assert client["workspace_id"] == company["live_workspace_id"]
    assert client["scopes"] == ["debts:read", "users:read"]
    assert client["grants"] == ["client_credentials"]
    assert let_in.stderr == "Store the secret now: it is not shown again.\n"
    assert key["key"].startswith("gbk_sandbox_")
    assert key["workspace_id"] == company["sandbox_workspace_id"]
    assert key["key"] not in listed.stdout
    assert json.loads(listed.stdout)[0]["hint"] == f"gbk_sandbox_...{key['key'][-4:]}"


async def test_what_was_let_in_is_revoked_and_what_is_wrong_is_told(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))
    client = await printed(getbill("client", "create"))

    revoked = await getbill("client", "revoke", client["client_id"])
    again = await getbill("client", "revoke", client["client_id"])
    wrong = await getbill("client", "create", "--scope", "debts:everything")
    live = await getbill("key", "create", "--workspace", "live")
    rotated = await getbill("signing-key", "rotate", "--at-once")

    assert (revoked.exit_code, revoked.stdout) == (0, f"{client['client_id']} is revoked.\n")
    assert (await printed(getbill("client", "list")))[0]["revoked_at"] is not None
    assert str(again.exception) == f"{client['client_id']} is already revoked."
    assert "Unknown scope 'debts:everything'" in str(wrong.exception)
    assert "Live workspaces use OAuth clients" in str(live.exception)
    assert rotated.stdout == "Access tokens are now signed with a new key.\n"


async def test_a_command_about_one_of_several_companies_asks_which(getbill: Run) -> None:
    acme = await printed(getbill("company", "create", "Acme"))
    await printed(getbill("company", "create", "Other"))

    unsaid = await getbill("key", "create")
    unknown = await getbill("key", "create", "--company", "Nobody")
    by_id = await printed(getbill("key", "create", "--company", acme["id"]))

    assert str(unsaid.exception).startswith(
        f"There are several companies. Give --company with one of: Acme ({acme['id']}), Other ("
    )
    assert str(unknown.exception) == "There is no company named 'Nobody'."
    assert by_id["workspace_id"] == acme["sandbox_workspace_id"]
    assert [item["name"] for item in await printed(getbill("company", "list"))] == ["Acme", "Other"]


async def test_contact_is_stopped_and_resumed(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme", "--email", "hello@acme.example"))

    before = await printed(getbill("contact", "status"))
    stopped = await printed(getbill("contact", "stop"))
    rehearsed = await printed(getbill("contact", "dry-run", "--workspace", "sandbox"))
    everywhere = await printed(getbill("contact", "stop", "--installation"))
    all_stopped = await printed(getbill("contact", "status"))
    await printed(getbill("contact", "resume", "--installation"))
    after = await printed(getbill("contact", "resume"))
    small = await printed(getbill("contact", "minimum-balance", "2.5", "--write-off"))

    on = {
        "contact": "on",
        "grace_hours": 2,
        "minimum_balance": 1,
        "write_off_small_balances": False,
        "installation_stopped_at": None,
    }
    assert (before, after, everywhere) == (on, on, {"installation": "stopped"})
    assert (stopped["contact"], rehearsed["contact"]) == ("stopped", "dry_run")
    assert all_stopped["installation_stopped_at"] is not None
    assert small == on | {"minimum_balance": 2.5, "write_off_small_balances": True}


async def test_sftp_logins_are_made_rotated_listed_and_revoked(getbill: Run, tmp_path: Path) -> None:
    await printed(getbill("company", "create", "Acme"))
    key = tmp_path / "id.pub"
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    key.write_bytes(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" erp@acme\n")

    by_password = await printed(getbill("sftp-login", "create", "--name", "ERP", "--workspace", "sandbox"))
    by_key = await printed(getbill("sftp-login", "create", "--public-key", str(key)))
    rotated = await printed(getbill("sftp-login", "rotate", by_password["username"]))
    revoked = await getbill("sftp-login", "revoke", by_key["id"])
    listed = await printed(getbill("sftp-login", "list"))
    nobody = await getbill("sftp-login", "revoke", "nobody")
    picked_up = await printed(getbill("sftp", "pick-up"))

    assert rotated["password"] not in {by_password["password"], None}
    assert "password" not in by_key
    assert len(by_key["fingerprints"]) == 1
    assert (revoked.exit_code, revoked.stdout) == (0, f"{by_key['id']} is revoked.\n")
    assert {item["id"]: item["revoked_at"] is not None for item in listed} == {
        by_password["id"]: False,
        by_key["id"]: True,
    }
    assert str(nobody.exception) == "There is no SFTP login 'nobody'."
    assert picked_up == {"files": 0}
