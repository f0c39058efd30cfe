"""Webhooks over HTTP: opening, changing and closing endpoints."""

from typing import Any

import pytest

from debts.conftest import WorkspaceApi, read
from getbill import webhooks
from getbill.kit import ids

URL = "https://example.com/hooks"


async def test_an_endpoint_is_opened_with_the_six_main_events_and_its_secret_shown_once(
    workspace: WorkspaceApi,
) -> None:
    answered = await workspace.post("/webhooks", {"url": URL})

    answer = read(answered)
    assert answered.status == 201
    assert answered.headers["location"] == f"/external-api/v1/webhooks/{answer['id']}"
    assert answer["id"].startswith("we_")
    assert answer["secret"].startswith("whsec_")
    assert answer["url"] == URL
    assert answer["events"] == list(webhooks.EVENTS_DEFAULT)
    webhook = read(await workspace.get(f"/webhooks/{answer['id']}"))
    assert webhook == {name: value for name, value in answer.items() if name != "secret"}
    assert read(await workspace.get("/webhooks"))["data"] == [webhook]


async def test_the_secret_is_stored_sealed(workspace: WorkspaceApi) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": URL}))

    rows = await workspace.rows(
        "SELECT secret FROM webhook_endpoints WHERE id = $1", ids.read("we", webhook["id"])
    )

    assert webhook["secret"].encode() not in rows[0]["secret"]


async def test_only_what_is_sent_is_changed(workspace: WorkspaceApi) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": URL, "description": "ERP"}))

    answered = await workspace.put(
        f"/webhooks/{webhook['id']}", {"events": ["debt.updated"], "enabled": False}
    )

    changed = read(answered)
    assert answered.status == 200
    assert (changed["events"], changed["enabled"]) == (["debt.updated"], False)
    assert (changed["url"], changed["description"]) == (URL, "ERP")
    assert read(await workspace.get(f"/webhooks/{webhook['id']}")) == changed


async def test_a_deleted_endpoint_is_gone(workspace: WorkspaceApi) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": URL}))

    deleted = await workspace.call("DELETE", f"/webhooks/{webhook['id']}")

    assert (deleted.status, read(deleted)["id"]) == (200, webhook["id"])
    assert "secret" not in read(deleted)
    assert (await workspace.get(f"/webhooks/{webhook['id']}")).status == 404
    assert (await workspace.put(f"/webhooks/{webhook['id']}", {"enabled": True})).status == 404
    assert (await workspace.call("DELETE", f"/webhooks/{webhook['id']}")).status == 404
    assert read(await workspace.get("/webhooks"))["data"] == []


async def test_another_companys_endpoint_is_not_there(
    workspace: WorkspaceApi, other_workspace: WorkspaceApi
) -> None:
    webhook = read(await workspace.post("/webhooks", {"url": URL}))
    path = f"/webhooks/{webhook['id']}"

    answers = [
        await other_workspace.get(path),
        await other_workspace.put(path, {"enabled": False}),
        await other_workspace.call("DELETE", path),
        await other_workspace.get("/webhooks"),
    ]

    assert [answered.status for answered in answers] == [404, 404, 404, 200]
    assert read(answers[3])["data"] == []
    assert read(await workspace.get(path))["enabled"] is True


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("/url", "missing")]),
        ({"url": "example.com/hooks"}, [("/url", "wrong-value")]),
        ({"url": "ftp://example.com/"}, [("/url", "wrong-value")]),
        ({"url": "https://xn--/"}, [("/url", "not-a-web-address")]),
        ({"url": "https://example.com:0/"}, [("/url", "wrong-value")]),
        ({"url": "https://user:secret@example.com/"}, [("/url", "wrong-value")]),
        ({"url": "https://example.com/#part"}, [("/url", "wrong-value")]),
        ({"url": "https://example.com:99999/"}, [("/url", "not-a-web-address")]),
        ({"url": "https://exam ple.com/"}, [("/url", "wrong-value")]),
        ({"url": "http://example.com/hooks"}, [("/url", "not-https")]),
        ({"url": "https://10.0.0.1/hooks"}, [("/url", "forbidden-address")]),
        ({"url": "https://169.254.169.254/latest"}, [("/url", "forbidden-address")]),
        ({"url": URL, "events": []}, [("/events", "too-short")]),
        ({"url": URL, "events": ["debt.created", "debt.created"]}, [("/events", "wrong-value")]),
        ({"url": URL, "events": ["debt.created", "debt.lost"]}, [("/events/1", "unknown-event")]),
        ({"url": URL, "enabled": "yes"}, [("/enabled", "not-true-or-false")]),
        ({"url": URL, "colour": "red"}, [("/colour", "unknown-field")]),
    ],
)
async def test_a_wrong_endpoint_is_refused_field_by_field(
    workspace: WorkspaceApi, body: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    answered = await workspace.post("/webhooks", body)

    assert answered.status == 422, answered.body
    assert [(error["pointer"], error["code"]) for error in read(answered)["errors"]] == wrong
    assert read(await workspace.get("/webhooks"))["data"] == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/hooks", "http://localhost:9000/hooks", "http://[::1]/"]
)
async def test_a_sandbox_may_be_told_on_its_own_machine_without_tls(
    workspace: WorkspaceApi, url: str
) -> None:
    assert (await workspace.post("/webhooks", {"url": url})).status == 201


async def test_a_workspace_has_at_most_fifty_endpoints(workspace: WorkspaceApi) -> None:
    for _ in range(50):
        assert (await workspace.post("/webhooks", {"url": URL})).status == 201

    answered = await workspace.post("/webhooks", {"url": URL})

    assert (answered.status, read(answered)["type"]) == (409, "/problems/too-many-endpoints")
