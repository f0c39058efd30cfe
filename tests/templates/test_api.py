"""Templates over HTTP: published in the company's own words, in force from the next message on."""

import asyncio
from typing import Any

import pytest

import collecting
from calls import Answer, Site
from collecting import LYON, ContactWorkspace
from debts.conftest import read
from getbill import channels, companies, templates
from getbill.companies import NewUser
from getbill.debts import Debt
from getbill.kit import ids

EMAIL = "/templates/wave_1_email/fr"
OWN = {"subject": "Dossier {{ reference }}", "text": "Cher {{ debtor }},\n\n{{ how_to_pay }}\n\n{{ foot }}"}


async def published(workspace: ContactWorkspace, path: str = EMAIL, **words: Any) -> dict[str, Any]:
    answered = await workspace.post(path, OWN | words)
    assert answered.status == 201, answered.body
    return read(answered)


async def contacted(workspace: ContactWorkspace) -> Debt:
    """Let the first e-mail of a new debt leave."""
    await workspace.engine.set_clock("2026-01-05 09:00")
    debt = await workspace.engine.debt(LYON)
    await workspace.engine.send_due()
    return debt


async def message_of(workspace: ContactWorkspace, debt: Debt) -> dict[str, Any]:
    (followup,) = read(await workspace.get(f"/followups/debt/{ids.show('debt', debt.id)}"))["data"]
    answered = await workspace.get(f"/followups/{followup['id']}/message")
    assert answered.status == 200, answered.body
    return read(answered)


def pointers(answered: Answer) -> list[tuple[str, str]]:
    assert answered.status == 422, answered.body
    return [(error["pointer"], error["code"]) for error in read(answered)["errors"]]


async def test_every_template_is_there_in_four_languages_from_the_start(workspace: ContactWorkspace) -> None:
    listed = read(await workspace.get("/templates"))

    assert {item["language"] for item in listed["data"]} == {"fr", "en", "de", "es"}
    assert all(item["is_built_in"] and item["version"] == 0 for item in listed["data"])
    assert len(listed["data"]) == 4 * len(channels.built_in_names())
    assert {"creditor", "how_to_pay", "foot", "disclosure"} <= set(listed["variables"])


async def test_a_template_of_ours_is_read_in_the_form_that_is_published(workspace: ContactWorkspace) -> None:
    ours = read(await workspace.get(EMAIL))

    answered = await workspace.post(EMAIL, {name: ours[name] for name in ("subject", "text", "html")})

    assert "{{ how_to_pay }}" in ours["text"]
    assert answered.status == 201, answered.body
    assert read(answered) == ours | {
        "version": 1,
        "is_built_in": False,
        "published_at": read(answered)["published_at"],
    }


async def test_what_is_published_is_said_from_the_next_message_on(workspace: ContactWorkspace) -> None:
    before = await message_of(workspace, await contacted(workspace))
    await published(workspace)
    await published(workspace, text="Bonjour {{ debtor }}.\n\n{{ how_to_pay }}\n\n{{ foot }}")

    debt = await contacted(workspace)

    after = await message_of(workspace, debt)
    assert (before["template"], before["template_version"]) == ("wave_1_email", 0)
    assert (after["template"], after["template_version"]) == ("wave_1_email", 2)
    assert after["subject"] == f"Dossier {debt.reference}"
    assert after["text"].startswith("Bonjour Jean Dupont.\n\nPour régler par virement :\n")
    assert after["address"] == "jean.dupont@example.com"
    assert "<p>Bonjour Jean Dupont.</p>" in after["html"]
    assert after["sent_at"] == "2026-01-05T09:00:00Z"


async def test_another_language_and_another_company_keep_their_words(
    workspace: ContactWorkspace, site: Site
) -> None:
    await published(workspace)
    stranger = await collecting.open_sandbox(site)

    english = read(await workspace.get("/templates/wave_1_email/en"))
    theirs = read(await stranger.get(EMAIL))

    assert (english["version"], theirs["version"]) == (0, 0)
    assert (await message_of(stranger, await contacted(stranger)))["template_version"] == 0


async def test_older_versions_and_ours_stay_readable(workspace: ContactWorkspace) -> None:
    ours = read(await workspace.get(EMAIL))
    first = await published(workspace)
    second = await published(workspace, subject="Votre dossier {{ reference }}")

    listed = read(await workspace.get(f"{EMAIL}/versions?limit=1"))

    assert [item["version"] for item in (first, second)] == [1, 2]
    assert read(await workspace.get(EMAIL)) == second
    assert read(await workspace.get(f"{EMAIL}?version=1")) == first
    assert read(await workspace.get(f"{EMAIL}?version=0")) == ours
    assert listed["data"] == [second]
    assert listed["pagination"]["total"] == 2
    assert (await workspace.get(f"{EMAIL}?version=3")).status == 404


async def test_two_that_publish_at_once_make_two_versions(workspace: ContactWorkspace) -> None:
    answers = await asyncio.gather(
        *(workspace.post(EMAIL, OWN | {"subject": f"Dossier {item}"}) for item in "ab")
    )

    assert sorted(read(answered)["version"] for answered in answers) == [1, 2]


async def test_a_name_of_the_companys_own_is_known_to_its_scenarios(workspace: ContactWorkspace) -> None:
    await published(workspace, "/templates/relance_amicale_letter/fr")

    names = await templates.names(workspace.engine.database, workspace.engine.id)

    assert names["relance_amicale_letter"] == channels.Channel.LETTER
    assert names["wave_1_sms"] == channels.Channel.SMS
    assert (await workspace.get("/templates/relance_amicale_letter/de")).status == 404


async def test_what_is_not_written_in_a_language_is_said_in_one_in_which_it_is(
    workspace: ContactWorkspace,
) -> None:
    await published(workspace, "/templates/rappel_email/fr")
    snapshot = await workspace.engine.snapshot()
    async with workspace.engine.database.transaction(snapshot.now()) as tx:
        shelf = await templates.in_force(tx, snapshot.id)

    message, version = shelf.render("rappel_email", "de", channels.sample(contact_email="a@b.example"))

    assert version == 1
    assert "Pour régler, écrivez-nous ou appelez-nous : a@b.example" in message.text
    with pytest.raises(channels.TemplateUnknown):
        shelf.render("nobody_s_email", "de", channels.sample(contact_email="a@b.example"))


@pytest.mark.parametrize(
    ("path", "words", "wrong"),
    [
        (EMAIL, {"text": "{{ foot }}"}, [("/text", "no-way-to-pay")]),
        (EMAIL, {"text": "{{ debtor }}: {{ how_to_pay }}"}, [("/text", "no-sender")]),
        (EMAIL, {"subject": "{{ total }}"}, [("/subject", "unknown-variable")]),
        (EMAIL, {"subject": None}, [("/subject", "missing")]),
        (EMAIL, {"colour": "red"}, [("/colour", "unknown-field")]),
        (
            "/templates/wave_2_call/fr",
            {"subject": None, "text": "{{ creditor }} {{ how_to_pay }}"},
            [("/text", "no-disclosure")],
        ),
        ("/templates/wave_1_sms/fr", {}, [("/subject", "not-on-this-channel")]),
    ],
)
async def test_what_cannot_be_sent_is_not_published(
    workspace: ContactWorkspace, path: str, words: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    answered = await workspace.post(path, OWN | words)
    previewed = await workspace.post(f"{path}/preview", {"wording": OWN | words})

    assert pointers(answered) == wrong
    assert [code for _, code in pointers(previewed)] == [code for _, code in wrong]
    assert read(await workspace.get(path))["version"] == 0


async def test_a_preview_shows_the_message_and_publishes_nothing(workspace: ContactWorkspace) -> None:
    as_it_is = read(await workspace.post(f"{EMAIL}/preview"))
    as_it_would_be = read(await workspace.post(f"{EMAIL}/preview", {"wording": OWN}))

    assert as_it_is["subject"] == "Acme : un rappel pour votre dossier INV-2024-0042"
    assert as_it_would_be["text"].startswith("Cher Jean Dupont,\n\nPour régler par virement :")
    assert "2 340,00 €" in as_it_would_be["text"]
    assert read(await workspace.get(EMAIL))["version"] == 0


@pytest.mark.parametrize(
    "path", ["/templates/wave_9_email/fr", "/templates/wave_1_email/it", "/templates/pigeon/fr"]
)
async def test_what_is_not_there_is_not_found(workspace: ContactWorkspace, path: str) -> None:
    assert (await workspace.get(path)).status == 404
    assert (await workspace.get(f"{path}/versions")).status == 404


async def test_a_wording_that_threatens_is_refused_with_the_rule_and_its_source(
    workspace: ContactWorkspace,
) -> None:
    text = (
        OWN["text"]
        + "\n\nSans réponse, l'huissier viendra saisir vos meubles. Frais de recouvrement : 150 €."
    )

    answered = await workspace.post(EMAIL, OWN | {"text": text})

    assert ("/text", "wording-enforcement") in pointers(answered)
    assert ("/text", "wording-costs") in pointers(answered)
    details = [error["detail"] for error in read(answered)["errors"]]
    assert any("huissier" in detail and "FR-ENFORCEMENT" in detail for detail in details)


async def test_a_passage_put_together_by_the_template_is_read_as_the_debtor_reads_it(
    workspace: ContactWorkspace,
) -> None:
    text = OWN["text"] + "\n\nUn huis{{ '' }}sier passera.{% if not due_on %} Sommation de payer.{% endif %}"

    answered = await workspace.post(EMAIL, OWN | {"text": text + "{{ due_on }}"})

    assert {("/text", "wording-enforcement"), ("/text", "wording-authority")} <= set(pointers(answered))


async def test_a_wording_with_room_is_published_once_an_administrator_confirms_it(
    workspace: ContactWorkspace, site: Site
) -> None:
    path = "/templates/wave_2_email/en"
    wording = {
        "subject": "Case {{ reference }}",
        "text": "{{ how_to_pay }}\n\nWe may apply to the county court.\n\n{{ foot }}",
    }
    assert pointers(await workspace.post(path, wording)) == [("/text", "confirm-court")]
    reason = "Claims of this kind are brought before the court each month."
    by_nobody = {"rule": "EN-COURT", "reason": reason, "confirmed_by": "nobody@example.com"}
    answered = await workspace.post(path, wording | {"confirmations": [by_nobody]})
    assert pointers(answered) == [("/confirmations/0/confirmed_by", "not-an-administrator")]

    admin = NewUser("Claire@acme.example", "correct horse battery staple", "admin")
    agent = NewUser("luc@acme.example", "correct horse battery staple", "agent")
    database, company = site.app.state.database, (await workspace.engine.snapshot()).company
    for user in (admin, agent):
        await companies.create_user(database, company.id, user)
    by_agent = by_nobody | {"confirmed_by": agent.email}
    answered = await workspace.post(path, wording | {"confirmations": [by_agent]})
    assert pointers(answered) == [("/confirmations/0/confirmed_by", "not-an-administrator")]

    confirmation = by_nobody | {"confirmed_by": admin.email}
    answered = await workspace.post(path, wording | {"confirmations": [confirmation]})

    assert answered.status == 201, answered.body
    assert read(await workspace.get(path))["confirmations"] == [confirmation]


async def test_what_the_law_forbids_cannot_be_confirmed(workspace: ContactWorkspace) -> None:
    confirmation = {"rule": "FR-ENFORCEMENT", "reason": "We always did so.", "confirmed_by": "a@example.com"}
    unknown = confirmation | {"rule": "FR-NOTHING"}

    answered = await workspace.post(EMAIL, OWN | {"confirmations": [confirmation, unknown]})

    assert ("/confirmations/0/rule", "cannot-be-confirmed") in pointers(answered)
    assert ("/confirmations/1/rule", "unknown") in pointers(answered)


async def test_a_refused_wording_published_before_the_rules_does_not_leave(
    workspace: ContactWorkspace, site: Site
) -> None:
    edition = await published(workspace)
    await site.app.state.database.pool.execute(
        "UPDATE templates SET text = text || ' Un huissier passera.' WHERE name = $1 AND version = $2",
        edition["name"],
        edition["version"],
    )

    debt = await contacted(workspace)

    assert read(await workspace.get(f"/followups/debt/{ids.show('debt', debt.id)}"))["data"] == []
    timeline = read(await workspace.get(f"/debts/{ids.show('debt', debt.id)}/timeline"))
    assert "huissier" in str(timeline)
