"""Sending data out needs the right to read it: on opening, on changing, and for as long as it is sent."""

from typing import Any

import pytest

from debts.conftest import WorkspaceApi, read
from getbill import access, companies, webhooks
from getbill.access import OPERATOR, Actor
from getbill.kit import clock, ids
from webhooks.conftest import Carrier, Receiver

SENT_WITHOUT = {"withheld": True}
BOTH = ("webhooks:read", "webhooks:write", "debts:read", "debts:write")


async def scoped(workspace: WorkspaceApi, *scopes: str) -> tuple[WorkspaceApi, access.Client]:
    """A client of the workspace that holds some scopes, and the workspace as it sees it."""
    state = workspace.app.state
    new = access.NewClient(workspace.workspace_id, "Program", scopes=scopes)
    client, secret = await access.create_client(state.database, new, clock.wall())
    form = {"grant_type": "client_credentials", "client_id": client.public_id, "client_secret": secret}
    token = (await workspace.site.form("/token", form)).json()["access_token"]
    return WorkspaceApi(workspace.site.with_token(token), workspace.workspace_id, workspace.app), client


async def opened_by(workspace: WorkspaceApi, receiver: Receiver, **fields: Any) -> dict[str, Any]:
    answered = await workspace.post("/webhooks", {"url": receiver.url} | fields)
    assert answered.status == 201, answered.body
    receiver.endpoint_id = ids.read("we", read(answered)["id"])
    return read(answered)


async def revoke(workspace: WorkspaceApi, client: access.Client) -> None:
    await access.revoke_client(workspace.app.state.database, client.id, clock.wall())


def data_of(receiver: Receiver) -> list[Any]:
    return [message.told["data"] for message in receiver.received]


async def log_of(workspace: WorkspaceApi, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    return read(await workspace.get(f"/webhooks/{endpoint['id']}/deliveries"))["data"]


async def open_todos(workspace: WorkspaceApi) -> list[dict[str, Any]]:
    return read(await workspace.get("/todos?type=webhook_rights&state=open"))["data"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/webhooks", {"url": "http://127.0.0.1:9/hooks"}),
        ("PUT", "/webhooks/{id}", {"url": "http://127.0.0.1:9/elsewhere"}),
        ("PUT", "/webhooks/{id}", {"events": ["debt.created"]}),
        ("PUT", "/webhooks/{id}", {"fields": None}),
        ("PUT", "/webhooks/{id}", {"headers": {"Authorization": "Bearer mine"}}),
        ("PUT", "/webhooks/{id}", {"enabled": True}),
        ("PUT", "/webhooks/{id}", {"enabled": True, "send_missed": False}),
        ("POST", "/webhooks/{id}/replay", {"from": "2024-01-01"}),
        ("POST", "/webhooks/{id}/deliveries/{delivery}/replay", {}),
        ("POST", "/webhooks/{id}/test", {}),
    ],
)
async def test_what_has_data_leave_is_refused_without_the_right_to_read_it(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier, method: str, path: str, body: Any
) -> None:
    receiver = await receive()
    endpoint = await opened_by(workspace, receiver)
    await workspace.debt()
    await carrier.carry()
    (delivery,) = await log_of(workspace, endpoint)
    manager, _ = await scoped(workspace, "webhooks:read", "webhooks:write")
    before = read(await workspace.get(f"/webhooks/{endpoint['id']}"))

    refused = await manager.call(method, path.format(id=endpoint["id"], delivery=delivery["id"]), body)
    await carrier.carry()

    assert (refused.status, read(refused)["required_scope"]) == (403, "debts:read")
    assert read(refused)["detail"] == 'Required scope "debts:read" not found in token'
    assert len(receiver.received) == 1
    assert read(await workspace.get(f"/webhooks/{endpoint['id']}")) == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "", {"description": "ERP", "concurrency": 2, "retry_schedule": [60]}, 200),
        ("PUT", "", {"enabled": False}, 200),
        ("POST", "/rotate-secret", {}, 200),
        ("DELETE", "", None, 200),
    ],
)
async def test_what_sends_nothing_further_needs_no_right_to_read(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier, method: str, path: str, body: Any, status: int
) -> None:
    endpoint = await opened_by(workspace, await receive())
    manager, _ = await scoped(workspace, "webhooks:write")

    answered = await manager.call(method, f"/webhooks/{endpoint['id']}{path}", body)

    assert answered.status == status
    if status == 200:
        assert read(answered)["owner"] == endpoint["owner"] == endpoint["created_by"]


async def test_an_endpoint_without_its_owners_right_is_sent_ids_only_and_its_log_says_so(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    program, client = await scoped(workspace, *BOTH)
    receiver = await receive()
    endpoint = await opened_by(program, receiver)
    await workspace.debt()
    await carrier.carry()
    await revoke(workspace, client)
    second = await workspace.debt()
    await carrier.carry()

    first_data, second_data = data_of(receiver)
    logged = {log["debt_id"]: log for log in await log_of(workspace, endpoint)}
    delivery = read(
        await workspace.get(f"/webhooks/{endpoint['id']}/deliveries/{logged[second['id']]['id']}")
    )

    assert (endpoint["owner"], endpoint["data_withheld"]) == (client.public_id, False)
    assert first_data["debtor"]["name"] == "Jean Dupont"
    assert second_data == {"debt_id": second["id"], **SENT_WITHOUT}
    assert b"Dupont" not in receiver.received[1].body
    assert sorted(entry["data_withheld"] for entry in logged.values()) == [False, True]
    assert logged[second["id"]]["data_withheld"]
    assert [result["data_withheld"] for result in delivery["attempts_made"]] == [True]
    assert delivery["body"].encode() == receiver.received[1].body
    assert read(await workspace.get(f"/webhooks/{endpoint['id']}"))["data_withheld"]


async def test_a_scope_that_is_taken_away_counts_as_the_credential_gone(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    program, client = await scoped(workspace, *BOTH)
    receiver = await receive()
    await opened_by(program, receiver, fields=["debtor", "balance"])
    await workspace.rows(
        "UPDATE clients SET scopes = array_remove(scopes, 'debts:read') WHERE id = $1", client.id
    )
    debt = await workspace.debt()

    await carrier.carry()

    assert data_of(receiver) == [{"debt_id": debt["id"], **SENT_WITHOUT}]


async def test_a_replay_of_what_was_sent_whole_is_withheld_too(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    program, client = await scoped(workspace, *BOTH)
    receiver = await receive()
    endpoint = await opened_by(program, receiver)
    await workspace.debt()
    await carrier.carry()
    await revoke(workspace, client)

    replayed = await workspace.post(f"/webhooks/{endpoint['id']}/replay", {"from": "2024-01-01"})
    await carrier.carry()

    assert read(replayed)["replayed"] == 1
    assert [set(data) == {"debt_id", "withheld"} for data in data_of(receiver)] == [False, True]


async def test_a_revoked_key_is_an_owner_without_the_right(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    state = workspace.app.state
    key, text = await access.create_key(
        state.database, access.NewKey(workspace.workspace_id, "Second"), clock.wall()
    )
    second = WorkspaceApi(workspace.site.with_token(text), workspace.workspace_id, workspace.app)
    receiver = await receive()
    endpoint = await opened_by(second, receiver)
    await access.revoke_key(state.database, key.id, clock.wall())
    debt = await workspace.debt()

    await carrier.carry()

    assert endpoint["created_by"] == ids.show("key", key.id)
    assert data_of(receiver) == [{"debt_id": debt["id"], **SENT_WITHOUT}]


async def test_an_endpoint_of_the_operators_is_sent_data(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    state = workspace.app.state
    snapshot = await companies.workspace(state.database, state.vault, workspace.workspace_id)
    receiver = await receive()
    async with state.database.transaction(snapshot.now()) as tx:
        webhook = await webhooks.create(tx, snapshot, webhooks.NewEndpoint(receiver.url), OPERATOR)
    await workspace.debt()

    await carrier.carry()

    assert data_of(receiver)[0]["debtor"]["name"] == "Jean Dupont"
    answer = read(await workspace.get(f"/webhooks/{ids.show('we', webhook.endpoint.id)}"))
    assert (answer["created_by"], answer["owner"], answer["data_withheld"]) == ("operator", "operator", False)


async def test_an_endpoint_of_a_person_is_sent_data_until_they_leave(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    state = workspace.app.state
    snapshot = await companies.workspace(state.database, state.vault, workspace.workspace_id)
    new = companies.NewUser(f"{ids.new()}@company.example", "a long password", "developer")
    user_id = await companies.create_user(state.database, snapshot.company.id, new)
    receiver = await receive()
    async with state.database.transaction(snapshot.now()) as tx:
        await webhooks.create(tx, snapshot, webhooks.NewEndpoint(receiver.url), Actor("user", user_id))
    await workspace.debt()
    await carrier.carry()
    async with state.database.transaction(snapshot.now()) as tx:
        await companies.deactivate_user(tx, user_id)
    await workspace.debt()
    await carrier.carry()

    assert ["withheld" in data for data in data_of(receiver)] == [False, True]


async def withheld(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> tuple[dict[str, Any], Receiver]:
    """An endpoint whose owner is revoked, and that was sent one event since."""
    program, client = await scoped(workspace, *BOTH)
    receiver = await receive()
    endpoint = await opened_by(program, receiver)
    await revoke(workspace, client)
    await workspace.debt()
    await carrier.carry()
    return endpoint, receiver


async def test_a_person_is_asked_once_and_may_have_data_sent_again(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    endpoint, receiver = await withheld(workspace, receive, carrier)
    await workspace.debt()
    await carrier.carry()
    (todo,) = await open_todos(workspace)

    decided = await workspace.post(f"/todos/{todo['id']}/decide", {"decision": "send_data"})
    await workspace.debt()
    await carrier.carry()

    assert (todo["subject_id"], todo["decisions"]) == (endpoint["id"], ["send_data", "ids_only"])
    assert decided.status == 200
    assert ["withheld" in data for data in data_of(receiver)] == [True, True, False]
    assert await open_todos(workspace) == []
    assert read(await workspace.get(f"/webhooks/{endpoint['id']}"))["owner"].startswith("key_")


async def test_who_may_not_read_debts_does_not_decide_that_data_is_sent(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    await withheld(workspace, receive, carrier)
    (todo,) = await open_todos(workspace)
    writer, _ = await scoped(workspace, "debts:write", "webhooks:write")
    reader, _ = await scoped(workspace, "debts:write", "debts:read")

    by_writer = await writer.post(f"/todos/{todo['id']}/decide", {"decision": "send_data"})
    by_reader = await reader.post(f"/todos/{todo['id']}/decide", {"decision": "send_data"})

    assert (by_writer.status, read(by_writer)["required_scope"]) == (403, "debts:read")
    assert (by_reader.status, read(by_reader)["required_scope"]) == (403, "webhooks:write")
    assert len(await open_todos(workspace)) == 1


async def test_a_person_who_leaves_it_at_ids_is_not_asked_again(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    _, receiver = await withheld(workspace, receive, carrier)
    (todo,) = await open_todos(workspace)

    await workspace.post(f"/todos/{todo['id']}/decide", {"decision": "ids_only"})
    await workspace.debt()
    await carrier.carry()

    assert ["withheld" in data for data in data_of(receiver)] == [True, True]
    assert await open_todos(workspace) == []


@pytest.mark.parametrize("change", ["url", "enabled"])
async def test_whoever_says_where_data_goes_is_its_owner_and_the_question_is_withdrawn(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier, change: str
) -> None:
    endpoint, receiver = await withheld(workspace, receive, carrier)
    other, client = await scoped(workspace, *BOTH)

    body = {"url": receiver.url} if change == "url" else {"enabled": True}
    changed = await other.put(f"/webhooks/{endpoint['id']}", body)
    await workspace.debt()
    await carrier.carry()

    assert read(changed)["owner"] == client.public_id
    assert read(changed)["created_by"] == endpoint["created_by"] != client.public_id
    assert ["withheld" in data for data in data_of(receiver)] == [True, False]
    assert await open_todos(workspace) == []


async def test_what_is_about_the_endpoint_itself_is_told_whoever_reads_debts(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier, answering: Any
) -> None:
    program, client = await scoped(workspace, *BOTH)
    receiver = await receive()
    await opened_by(program, receiver, events=["webhook.disabled"])
    await opened_by(workspace, await receive(answering(410)))
    await revoke(workspace, client)
    await workspace.debt()
    await carrier.carry()
    await carrier.carry()

    assert data_of(receiver)[0]["webhook"]["reason"] == "gone"


async def test_of_an_erased_debt_it_is_told_that_it_is(
    workspace: WorkspaceApi, receive: Any, carrier: Carrier
) -> None:
    program, client = await scoped(workspace, *BOTH)
    receiver = await receive()
    await opened_by(program, receiver)
    debt = await workspace.debt()
    await workspace.call("DELETE", f"/debts/{debt['id']}")
    await revoke(workspace, client)

    await carrier.carry()

    assert data_of(receiver)[0] == {"debt_id": debt["id"], "erased": True}
