"""Sending data out needs the right to read it: on opening, on changing, and for as long as it is sent."""

from typing import Any

import pytest

from debts.conftest import House, read
from getbill import access, companies, webhooks
from getbill.access import OPERATOR, Actor
from getbill.kit import clock, ids
from webhooks.conftest import Carrier, Receiver

SENT_WITHOUT = {"withheld": True}
BOTH = ("webhooks:read", "webhooks:write", "debts:read", "debts:write")


async def scoped(house: House, *scopes: str) -> tuple[House, access.Client]:
    """A client of the house's workspace that holds some scopes, and the house as it sees it."""
    state = house.app.state
    new = access.NewClient(house.workspace_id, "Program", scopes=scopes)
    client, secret = await access.create_client(state.database, new, clock.wall())
    form = {"grant_type": "client_credentials", "client_id": client.public_id, "client_secret": secret}
    token = (await house.site.form("/token", form)).json()["access_token"]
    return House(house.site.with_token(token), house.workspace_id, house.app), client


async def opened_by(house: House, receiver: Receiver, **told: Any) -> dict[str, Any]:
    answered = await house.post("/webhooks", {"url": receiver.url} | told)
    assert answered.status == 201, answered.body
    receiver.endpoint_id = ids.read("we", read(answered)["id"])
    return read(answered)


async def revoke(house: House, client: access.Client) -> None:
    await access.revoke_client(house.app.state.database, client.id, clock.wall())


def data_of(receiver: Receiver) -> list[Any]:
    return [one.told["data"] for one in receiver.received]


async def log_of(house: House, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
    return read(await house.get(f"/webhooks/{endpoint['id']}/deliveries"))["data"]


async def open_todos(house: House) -> list[dict[str, Any]]:
    return read(await house.get("/todos?type=webhook_rights&state=open"))["data"]


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
    house: House, receive: Any, carrier: Carrier, method: str, path: str, body: Any
) -> None:
    receiver = await receive()
    endpoint = await opened_by(house, receiver)
    await house.debt()
    await carrier.carry()
    (delivery,) = await log_of(house, endpoint)
    manager, _ = await scoped(house, "webhooks:read", "webhooks:write")
    before = read(await house.get(f"/webhooks/{endpoint['id']}"))

    refused = await manager.call(method, path.format(id=endpoint["id"], delivery=delivery["id"]), body)
    await carrier.carry()

    assert (refused.status, read(refused)["required_scope"]) == (403, "debts:read")
    assert read(refused)["detail"] == 'Required scope "debts:read" not found in token'
    assert len(receiver.received) == 1
    assert read(await house.get(f"/webhooks/{endpoint['id']}")) == before


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
    house: House, receive: Any, carrier: Carrier, method: str, path: str, body: Any, status: int
) -> None:
    endpoint = await opened_by(house, await receive())
    manager, _ = await scoped(house, "webhooks:write")

    answered = await manager.call(method, f"/webhooks/{endpoint['id']}{path}", body)

    assert answered.status == status
    if status == 200:
        assert read(answered)["owner"] == endpoint["owner"] == endpoint["created_by"]


async def test_an_endpoint_without_its_owners_right_is_sent_ids_only_and_its_log_says_so(
    house: House, receive: Any, carrier: Carrier
) -> None:
    program, client = await scoped(house, *BOTH)
    receiver = await receive()
    endpoint = await opened_by(program, receiver)
    await house.debt()
    await carrier.carry()
    await revoke(house, client)
    second = await house.debt()
    await carrier.carry()

    first_data, second_data = data_of(receiver)
    logged = {one["debt_id"]: one for one in await log_of(house, endpoint)}
    one = read(await house.get(f"/webhooks/{endpoint['id']}/deliveries/{logged[second['id']]['id']}"))

    assert (endpoint["owner"], endpoint["data_withheld"]) == (client.public_id, False)
    assert first_data["debtor"]["name"] == "Jean Dupont"
    assert second_data == {"debt_id": second["id"], **SENT_WITHOUT}
    assert b"Dupont" not in receiver.received[1].body
    assert sorted(entry["data_withheld"] for entry in logged.values()) == [False, True]
    assert logged[second["id"]]["data_withheld"]
    assert [made["data_withheld"] for made in one["attempts_made"]] == [True]
    assert one["body"].encode() == receiver.received[1].body
    assert read(await house.get(f"/webhooks/{endpoint['id']}"))["data_withheld"]


async def test_a_scope_that_is_taken_away_counts_as_the_credential_gone(
    house: House, receive: Any, carrier: Carrier
) -> None:
    program, client = await scoped(house, *BOTH)
    receiver = await receive()
    await opened_by(program, receiver, fields=["debtor", "balance"])
    await house.rows(
        "UPDATE clients SET scopes = array_remove(scopes, 'debts:read') WHERE id = $1", client.id
    )
    debt = await house.debt()

    await carrier.carry()

    assert data_of(receiver) == [{"debt_id": debt["id"], **SENT_WITHOUT}]


async def test_a_replay_of_what_was_sent_whole_is_withheld_too(
    house: House, receive: Any, carrier: Carrier
) -> None:
    program, client = await scoped(house, *BOTH)
    receiver = await receive()
    endpoint = await opened_by(program, receiver)
    await house.debt()
    await carrier.carry()
    await revoke(house, client)

    replayed = await house.post(f"/webhooks/{endpoint['id']}/replay", {"from": "2024-01-01"})
    await carrier.carry()

    assert read(replayed)["replayed"] == 1
    assert [set(data) == {"debt_id", "withheld"} for data in data_of(receiver)] == [False, True]


async def test_a_revoked_key_is_an_owner_without_the_right(
    house: House, receive: Any, carrier: Carrier
) -> None:
    state = house.app.state
    key, text = await access.create_key(
        state.database, access.NewKey(house.workspace_id, "Second"), clock.wall()
    )
    second = House(house.site.with_token(text), house.workspace_id, house.app)
    receiver = await receive()
    endpoint = await opened_by(second, receiver)
    await access.revoke_key(state.database, key.id, clock.wall())
    debt = await house.debt()

    await carrier.carry()

    assert endpoint["created_by"] == ids.show("key", key.id)
    assert data_of(receiver) == [{"debt_id": debt["id"], **SENT_WITHOUT}]


async def test_an_endpoint_of_the_operators_is_sent_data(
    house: House, receive: Any, carrier: Carrier
) -> None:
    state = house.app.state
    workspace = await companies.workspace(state.database, state.vault, house.workspace_id)
    receiver = await receive()
    async with state.database.transaction(workspace.now()) as tx:
        opened = await webhooks.create(tx, workspace, webhooks.NewEndpoint(receiver.url), OPERATOR)
    await house.debt()

    await carrier.carry()

    assert data_of(receiver)[0]["debtor"]["name"] == "Jean Dupont"
    shown = read(await house.get(f"/webhooks/{ids.show('we', opened.endpoint.id)}"))
    assert (shown["created_by"], shown["owner"], shown["data_withheld"]) == ("operator", "operator", False)


async def test_an_endpoint_of_a_person_is_sent_data_until_they_leave(
    house: House, receive: Any, carrier: Carrier
) -> None:
    state = house.app.state
    workspace = await companies.workspace(state.database, state.vault, house.workspace_id)
    new = companies.NewUser(f"{ids.new()}@company.example", "a long password", "developer")
    user_id = await companies.create_user(state.database, workspace.company.id, new)
    receiver = await receive()
    async with state.database.transaction(workspace.now()) as tx:
        await webhooks.create(tx, workspace, webhooks.NewEndpoint(receiver.url), Actor("user", user_id))
    await house.debt()
    await carrier.carry()
    async with state.database.transaction(workspace.now()) as tx:
        await companies.deactivate_user(tx, user_id)
    await house.debt()
    await carrier.carry()

    assert ["withheld" in data for data in data_of(receiver)] == [False, True]


async def withheld(house: House, receive: Any, carrier: Carrier) -> tuple[dict[str, Any], Receiver]:
    """An endpoint whose owner is revoked, and that was sent one event since."""
    program, client = await scoped(house, *BOTH)
    receiver = await receive()
    endpoint = await opened_by(program, receiver)
    await revoke(house, client)
    await house.debt()
    await carrier.carry()
    return endpoint, receiver


async def test_a_person_is_asked_once_and_may_have_data_sent_again(
    house: House, receive: Any, carrier: Carrier
) -> None:
    endpoint, receiver = await withheld(house, receive, carrier)
    await house.debt()
    await carrier.carry()
    (todo,) = await open_todos(house)

    decided = await house.post(f"/todos/{todo['id']}/decide", {"decision": "send_data"})
    await house.debt()
    await carrier.carry()

    assert (todo["subject_id"], todo["decisions"]) == (endpoint["id"], ["send_data", "ids_only"])
    assert decided.status == 200
    assert ["withheld" in data for data in data_of(receiver)] == [True, True, False]
    assert await open_todos(house) == []
    assert read(await house.get(f"/webhooks/{endpoint['id']}"))["owner"].startswith("key_")


async def test_who_may_not_read_debts_does_not_decide_that_data_is_sent(
    house: House, receive: Any, carrier: Carrier
) -> None:
    await withheld(house, receive, carrier)
    (todo,) = await open_todos(house)
    writer, _ = await scoped(house, "debts:write", "webhooks:write")
    reader, _ = await scoped(house, "debts:write", "debts:read")

    by_writer = await writer.post(f"/todos/{todo['id']}/decide", {"decision": "send_data"})
    by_reader = await reader.post(f"/todos/{todo['id']}/decide", {"decision": "send_data"})

    assert (by_writer.status, read(by_writer)["required_scope"]) == (403, "debts:read")
    assert (by_reader.status, read(by_reader)["required_scope"]) == (403, "webhooks:write")
    assert len(await open_todos(house)) == 1


async def test_a_person_who_leaves_it_at_ids_is_not_asked_again(
    house: House, receive: Any, carrier: Carrier
) -> None:
    _, receiver = await withheld(house, receive, carrier)
    (todo,) = await open_todos(house)

    await house.post(f"/todos/{todo['id']}/decide", {"decision": "ids_only"})
    await house.debt()
    await carrier.carry()

    assert ["withheld" in data for data in data_of(receiver)] == [True, True]
    assert await open_todos(house) == []


@pytest.mark.parametrize("change", ["url", "enabled"])
async def test_whoever_says_where_data_goes_is_its_owner_and_the_question_is_withdrawn(
    house: House, receive: Any, carrier: Carrier, change: str
) -> None:
    endpoint, receiver = await withheld(house, receive, carrier)
    other, client = await scoped(house, *BOTH)

    body = {"url": receiver.url} if change == "url" else {"enabled": True}
    changed = await other.put(f"/webhooks/{endpoint['id']}", body)
    await house.debt()
    await carrier.carry()

    assert read(changed)["owner"] == client.public_id
    assert read(changed)["created_by"] == endpoint["created_by"] != client.public_id
    assert ["withheld" in data for data in data_of(receiver)] == [True, False]
    assert await open_todos(house) == []


async def test_what_is_about_the_endpoint_itself_is_told_whoever_reads_debts(
    house: House, receive: Any, carrier: Carrier, answering: Any
) -> None:
    program, client = await scoped(house, *BOTH)
    receiver = await receive()
    await opened_by(program, receiver, events=["webhook.disabled"])
    await opened_by(house, await receive(answering(410)))
    await revoke(house, client)
    await house.debt()
    await carrier.carry()
    await carrier.carry()

    assert data_of(receiver)[0]["webhook"]["reason"] == "gone"


async def test_of_an_erased_debt_it_is_told_that_it_is(house: House, receive: Any, carrier: Carrier) -> None:
    program, client = await scoped(house, *BOTH)
    receiver = await receive()
    await opened_by(program, receiver)
    debt = await house.debt()
    await house.call("DELETE", f"/debts/{debt['id']}")
    await revoke(house, client)

    await carrier.carry()

    assert data_of(receiver)[0] == {"debt_id": debt["id"], "erased": True}
