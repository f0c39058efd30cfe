"""The explorer's pages, and what lets nothing foreign run on them."""

import html
import json
import re
from typing import Any

import jsonschema_rs
import pytest

from getbill import events, streams
from getbill.explorer import examples
from getbill.explorer.problems import problem_types
from getbill.kit.errors import OtherStatus
from getbill.kit.messages.translation import message


async def test_every_page_runs_only_this_installations_own_files(client) -> None:
    for page in ("/docs", "/docs/errors", "/docs/events", "/problems/invalid"):
        answered = await client.get(page)

        policy = answered.headers["content-security-policy"]
        assert (answered.status, answered.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        named = re.findall(rb"(?:src|href|action|data|srcset)=\"([^\"]*)", answered.body)
        assert [item for item in named if not re.match(rb"/(?!/)|#|data:,", item)] == []


async def test_the_page_of_errors_names_every_problem_with_its_way_out(client) -> None:
    page = (await client.get("/docs/errors")).body.decode()

    codes = [problem_type.code for problem_type in problem_types()]
    assert {"invalid", "not-found", "scope-missing", "rate-limited", "malformed-json"} <= set(codes)
    for code in codes:
        assert f'href="/problems/{code}"' in page


async def test_the_type_of_a_refusal_leads_to_its_explanation(client, sandbox) -> None:
    refused = (await sandbox.post("/external-api/v1/debts", {"amount": -1})).json()

    answered = await client.get(refused["type"])

    assert refused["type"] == "/problems/invalid"
    assert answered.status == 200
    assert b"Correct every field listed in <code>errors</code>" in answered.body


async def test_an_unknown_problem_is_not_found(client) -> None:
    answered = await client.get("/problems/nonsense")

    assert (answered.status, answered.json()["type"]) == (404, "/problems/not-found")


async def test_the_page_of_events_is_the_table_of_events(client) -> None:
    page = (await client.get("/docs/events")).body.decode()

    for entry in events.CATALOGUE:
        assert f'<a href="#{entry.kind}"><code>{entry.kind}</code></a></th><td>{entry.sentence}</td>' in page
        assert f'<article id="{entry.kind}"' in page
        assert f'"webhook_id": "{entry.sample["webhook_id"]}"' in html.unescape(page)
    assert page.count(">✓</span>") == 6
    assert streams.GUARANTEE in page


@pytest.mark.parametrize(
    ("path", "accepted", "heading"),
    [
        ("/docs", "", "Your first debt"),
        ("/docs", "fr-FR,fr;q=0.9,en;q=0.5", "Votre premier dossier"),
        ("/docs", "de", "Your first debt"),
        ("/docs", "fr;q=0.1, en;q=0.9", "Your first debt"),
        ("/docs", "fr;q=0, de", "Your first debt"),
        ("/docs", "en;q=0, *", "Votre premier dossier"),
        ("/docs?lang=fr", "en", "Votre premier dossier"),
    ],
)
async def test_the_pages_speak_english_and_french(client, path: str, accepted: str, heading: str) -> None:
    answered = await client.get(path, Accept_Language=accepted)

    assert heading in answered.body.decode()


async def test_the_example_of_a_debt_has_exactly_the_keys_of_a_real_one(sandbox) -> None:
    answered = await sandbox.post("/external-api/v1/debts", examples.DEBT_TO_CREATE)

    real = answered.json()
    assert answered.status == 201
    assert list(real) == list(examples.DEBT)
    assert list(real["debtor"]) == list(examples.DEBT["debtor"])
    assert list(real["debtor"]["address"]) == list(examples.DEBT["debtor"]["address"])
    assert real["timeline_id"] == examples.DEBT["timeline_id"]


async def test_the_example_of_a_refusal_is_what_is_really_refused(sandbox) -> None:
    body = {name: value for name, value in examples.DEBT_TO_CREATE.items() if name != "amount"}

    answered = await sandbox.post("/external-api/v1/debts", body)

    assert (answered.status, answered.json()) == (422, examples.PROBLEM)


@pytest.mark.parametrize("entry", events.CATALOGUE, ids=lambda entry: entry.kind)
async def test_a_webhook_that_was_really_emitted_is_one_of_the_document(
    client, entry: events.EventKind
) -> None:
    document = (await client.get("/openapi.json")).json()
    media = document["webhooks"][entry.kind]["post"]["requestBody"]["content"]["application/json"]
    answer = document["components"]["schemas"]["EventShown"]

    def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
        return jsonschema_rs.validator_for({**schema, "components": document["components"]})

    pushed = json.loads(json.dumps(media["example"]))
    pulled = {name: value for name, value in pushed.items() if name != "previous_sequence"}
    of_webhook, of_stream = validator(media["schema"]), validator(answer)

    wrong = [str(error) for error in of_webhook.iter_errors(pushed)]
    wrong += [str(error) for error in of_stream.iter_errors(pulled)]
    rest = [pushed | {"event": "debt.lost"}, pushed | {"data": {}}, pulled]
    batch = [of_webhook.is_valid(other) for other in rest]

    assert wrong == []
    assert batch == [False, False, False]


@pytest.mark.parametrize("status", [400, 404, 405, 408, 413, 431, 503])
async def test_what_the_server_itself_refuses_leads_to_its_page(client, status: int) -> None:
    refusal = OtherStatus(status, message("It is refused.")).document("fr")

    page = await client.get(refusal["type"])

    assert page.status == 200
    assert refusal["title"] != "La requête a été refusée"
