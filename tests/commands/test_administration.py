"""Administering companies, people, webhooks and a sandbox's time from the command line."""

import json
from pathlib import Path

import pytest

from commanding import Run, printed


async def test_two_companies_of_one_name_are_refused_unless_both_are_wanted(getbill: Run) -> None:
    first = await printed(getbill("company", "create", "Acme SARL"))

    again = await getbill("company", "create", "acme  sarl")
    second = await printed(getbill("company", "create", "Acme SARL", "--same-name"))
    which = await getbill("user", "list", "--company", "Acme SARL")
    renamed = await getbill("company", "rename", second["id"], "ACME SARL")
    hidden = await getbill("company", "rename", second["id"], "Acme \u202eSARL")
    other = await printed(getbill("company", "rename", second["id"], "Acme Lyon"))

    assert str(again.exception) == (
        f"A company named Acme SARL already exists ({first['id']}). Use it, or give --same-name to create another."
    )
    assert first["id"] in str(which.exception)
    assert second["id"] in str(which.exception)
    assert "already" in str(renamed.exception)
    assert "U+202E" in str(hidden.exception)
    assert other["name"] == "Acme Lyon"


async def test_what_a_companys_debts_come_with_is_set_and_checked(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))

    after = await printed(
        getbill(
            "company",
            "set",
            "Acme",
            "--iban",
            "FR76 3000 6000 0112 3456 7890 189",
            "--country",
            "be",
            "--language",
            "en",
        )
    )
    refusals = [
        await getbill("company", "set", "Acme", *words)
        for words in (
            (),
            ("--email", "nowhere"),
            ("--iban", "FR7630006000011234567890188"),
            ("--country", "XX"),
            ("--currency", "EURO"),
            ("--language", "xx"),
            ("--scenario", "no_such"),
            ("--phone", "12"),
        )
    ]

    assert after["iban"] == "FR7630006000011234567890189"
    assert (after["country"], after["language"], after["currency"]) == ("BE", "en", "EUR")
    assert all(refusal.exit_code == 1 for refusal in refusals)
    for refusal, expected in zip(
        refusals,
        (
            "at least one option",
            "name@example.com",
            "IBAN",
            "country",
            "currency",
            "language",
            "standard_3_waves",
            "phone",
        ),
        strict=True,
    ):
        assert expected in str(refusal.exception)
        assert "Traceback" not in refusal.output


async def test_staff_are_listed_let_in_and_no_longer(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))
    wrong = await getbill("user", "create", "bad")
    admin = await printed(getbill("user", "create", "anna@acme.example"))
    await printed(getbill("user", "create", "ben@acme.example", "--role", "agent"))

    reset = await printed(getbill("user", "reset", "ANNA@acme.example"))
    last = await getbill("user", "deactivate", "anna@acme.example")
    revoked = await getbill("credential", "revoke", "anna@acme.example")
    gone = await printed(getbill("user", "deactivate", "ben@acme.example"))
    back = await printed(getbill("user", "activate", "ben@acme.example"))
    listed = await printed(getbill("user", "list"))
    nobody = await getbill("user", "reset", "nobody@acme.example")

    assert "name@example.com" in str(wrong.exception)
    assert reset["password"] != admin["password"]
    assert "only administrator" in str(last.exception)
    assert "only administrator" in str(revoked.exception)
    assert (gone["is_active"], back["is_active"]) == (False, True)
    assert [item["email"] for item in listed] == ["anna@acme.example", "ben@acme.example"]
    assert "password" not in json.dumps(listed)
    assert "nobody@acme.example" in str(nobody.exception)


async def test_a_webhook_is_disabled_enabled_and_deleted(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))
    stdout = json.loads((await getbill("webhooks", "create", "https://example.com/hooks")).stdout)

    disabled = await printed(getbill("webhooks", "disable", stdout["id"]))
    enabled = await printed(getbill("webhooks", "enable", stdout["id"], "--skip-missed"))
    deleted = await printed(getbill("webhooks", "delete", stdout["id"]))
    again = await getbill("webhooks", "delete", stdout["id"])

    assert (disabled["enabled"], enabled["enabled"]) == (False, True)
    assert deleted == {"id": stdout["id"], "deleted": True}
    assert "no webhook" in str(again.exception)
    assert await printed(getbill("webhooks", "list")) == []


async def test_a_sandboxs_clock_is_moved_and_a_live_one_is_not(getbill: Run) -> None:
    await printed(getbill("company", "create", "Acme"))

    begun = await printed(getbill("sandbox", "advance", "--days", "8", "--no-wait"))
    under_way = await printed(getbill("sandbox", "clock"))
    twice = await getbill("sandbox", "advance", "--days", "1", "--no-wait")
    live = await getbill("sandbox", "advance", "--days", "8", "--workspace", "live")
    nothing = await getbill("sandbox", "advance")

    assert begun["status"] == "running"
    assert under_way["advance"]["id"] == begun["id"]
    assert "is being advanced to" in str(twice.exception)
    assert "live workspace" in str(live.exception)
    assert "--days or --hours" in str(nothing.exception)


async def test_a_company_with_debts_in_live_stays(getbill: Run, tmp_path: Path) -> None:
    await printed(getbill("company", "create", "Goes"))
    file = tmp_path / "debts.csv"
    file.write_text(
        "reference,name,email,amount,currency,due_date\nF-1,Jean Dupont,jean@x.example,12.50,EUR,2024-01-15\n"
    )
    in_live = await getbill("import", str(file), "--company", "Goes", "--workspace", "live")
    owing = await getbill("company", "delete", "Goes", "--yes")

    assert in_live.exit_code == 0, in_live.output
    assert str(owing.exception) == "The company has 1 debt in live. Erase it first."


async def test_a_company_whose_debts_are_fictitious_goes_with_all_it_owns(
    getbill: Run, tmp_path: Path
) -> None:
    await printed(getbill("company", "create", "Stays"))
    gone = await printed(getbill("company", "create", "Goes"))
    await printed(getbill("user", "create", "anna@goes.example", "--company", "Goes"))
    for words in (("client",), ("key",), ("sftp-login",), ("webhooks",)):
        url = ("https://example.com/hooks",) if words == ("webhooks",) else ()
        await getbill(*words, "create", *url, "--company", "Goes")
    file = tmp_path / "debts.csv"
    file.write_text(
        "reference,name,email,amount,currency,due_date\nF-1,Jean Dupont,jean@x.example,12.50,EUR,2024-01-15\n"
    )
    in_sandbox = await getbill("import", str(file), "--company", "Goes", "--workspace", "sandbox")
    assert in_sandbox.exit_code == 0, in_sandbox.output

    unsure = await getbill("company", "delete", "Goes")
    done = await printed(getbill("company", "delete", "Goes", "--yes"))

    assert unsure.exit_code == 1
    assert done["id"] == gone["id"]
    assert [item["name"] for item in await printed(getbill("company", "list"))] == ["Stays"]
    # The address is free again.
    assert (await printed(getbill("user", "create", "anna@goes.example")))["company"] == "Stays"


@pytest.mark.parametrize("words", [("user", "create"), ("webhooks", "delete"), ("company", "rename")])
async def test_usage_names_the_program(getbill: Run, words: tuple[str, ...]) -> None:
    helped = await getbill(*words, "--help")

    assert helped.exit_code == 0
    assert "python -m" not in helped.output


async def test_a_company_is_declared_a_third_party_and_named_what_it_lacks(getbill: Run) -> None:
    await printed(getbill("company", "create", "Recouvro SAS"))

    first = await printed(
        getbill("company", "collector", "Recouvro SAS", "--role", "third_party", "--insurer", "Midi")
    )
    words = (
        "--registration",
        "RCS 1",
        "--address",
        "4 rue Haute",
        "--address",
        "69002 LYON",
        "--policy",
        "RC-1",
    )
    words += ("--client-iban", "FR14 2004 1010 0505 0001 3M02 606", "--declared-on", "2026-01-15")
    second = await printed(getbill("company", "collector", "Recouvro SAS", *words))
    wrong = [
        await getbill("company", "collector", "Recouvro SAS", *words)
        for words in (("--role", "bank"), ("--client-iban", "FR1"), ("--declared-on", "soon"))
    ]
    back = await printed(getbill("company", "collector", "Recouvro SAS", "--role", "creditor"))
    reserved = await getbill("company", "set", "Recouvro SAS", "--scenario", "third_party_fr")

    assert first["missing"] == [
        "registration_number",
        "address",
        "insurance_policy",
        "client_iban",
        "declared_on",
    ]
    assert (second["collector"], second["missing"], second["address"]) == (
        "third_party",
        [],
        ["4 rue Haute", "69002 LYON"],
    )
    assert (first["scenario"], back["scenario"]) == ("third_party_fr", "standard_3_waves")
    assert [result.exit_code == 0 for result in wrong] == [False, False, False]
    assert "third-party collectors" in str(reserved.exception)
