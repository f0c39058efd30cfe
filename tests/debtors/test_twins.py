"""Two requests about one person at the same moment, and one request about one person twice."""

import asyncio
from dataclasses import replace
from typing import Any

from debts.conftest import WorkspaceApi, a_body, read
from getbill import companies, debts
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.debts import Debt, Details, NewDebt
from getbill.kit import ids
from getbill.kit.money import Money

JEAN = Identity("Jean Dupont", email="jean@example.com")


async def the_workspace(workspace: WorkspaceApi) -> Workspace:
    state = workspace.app.state
    return await companies.workspace(state.database, state.vault, workspace.workspace_id)


def a_new_debt(reference: str, who: Identity) -> NewDebt:
    return NewDebt(who, Money(10_000, "EUR"), reference, "standard_3_waves", Details())


async def create_many(workspace: WorkspaceApi, *news: NewDebt) -> list[Debt]:
    snapshot = await the_workspace(workspace)
    async with workspace.app.state.database.transaction(snapshot.now()) as tx:
        result = await debts.create_many(tx, snapshot, news)
    return [item.debt for item in result if isinstance(item, debts.Created)]


async def erase_slowly(workspace: WorkspaceApi, debt: dict[str, Any], meanwhile: Any) -> Any:
    """Erase a debt in a transaction during which another request begins, and return that one's answer."""
    snapshot = await the_workspace(workspace)
    async with workspace.app.state.database.transaction(snapshot.now()) as tx:
        locked = await debts.lock(tx, snapshot, ids.read("debt", debt["id"]))
        await debts.erase(tx, snapshot, locked)
        begun = asyncio.create_task(meanwhile)
        # Until it waits for the lock that this transaction holds.
        while not await workspace.rows("SELECT FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return await begun


async def test_a_person_whose_last_debt_is_erased_meanwhile_is_met_anew_and_recognised_later(
    workspace: WorkspaceApi,
) -> None:
    gone = await workspace.debt()

    result = read(await erase_slowly(workspace, gone, workspace.post("/debts", a_body())))

    later = await workspace.debt()
    assert result["debtor"]["id"] != gone["debtor"]["id"]
    assert later["debtor"]["id"] == result["debtor"]["id"]


async def test_a_debt_that_is_erased_while_its_body_is_sent_again_is_made_anew(
    workspace: WorkspaceApi,
) -> None:
    body = a_body()
    gone = read(await workspace.post("/debts", body))

    answered = await erase_slowly(workspace, gone, workspace.post("/debts", body))

    assert answered.status == 201
    assert read(answered)["id"] != gone["id"]


async def test_a_person_met_twice_in_one_go_is_one_debtor_with_all_that_was_said(
    workspace: WorkspaceApi,
) -> None:
    later = replace(JEAN, phone="+33612345678", city="Lyon")

    item, two = await create_many(workspace, a_new_debt("F-1", JEAN), a_new_debt("F-2", later))

    debtor = read(await workspace.get(f"/debts/{ids.show('debt', item.id)}"))["debtor"]
    third = await workspace.debt(debtor={"name": "Jean Dupont", "phone": "+33612345678"})
    assert item.debtor.id == two.debtor.id
    assert (debtor["email"], debtor["phone"], debtor["address"]["city"]) == (
        "jean@example.com",
        "+33612345678",
        "Lyon",
    )
    assert third["debtor"]["id"] == debtor["id"]


async def test_an_erased_debt_does_not_say_whose_it_was_while_the_debtor_s_others_live_on(
    workspace: WorkspaceApi,
) -> None:
    gone, stays = await workspace.debt(), await workspace.debt()
    await workspace.call("DELETE", f"/debts/{gone['id']}")

    rows = await workspace.rows(
        "SELECT id, debtor_id FROM debts WHERE workspace_id = $1 ORDER BY created_at, id",
        workspace.workspace_id,
    )

    assert [row["debtor_id"] for row in rows] == [None, ids.read("debtor", stays["debtor"]["id"])]


async def test_a_later_address_is_kept_whole_beside_the_earlier_one(workspace: WorkspaceApi) -> None:
    address = {
        "street_number": "12",
        "street_address": "rue des Lilas",
        "postal_code": "69003",
        "city": "Lyon",
    }
    moved = {"street_address": "5 quai de Seine", "postal_code": "75019", "city": "Paris"}
    base = {"name": "Jean Dupont", "email": "jean@example.com"}
    await workspace.debt(debtor=base | {"address": address | {"country": "FR"}})

    same = await workspace.debt(debtor=base | {"address": {"country": "FR"}})
    later = await workspace.debt(debtor=base | {"address": moved})

    assert same["debtor"]["address"] == address | {"country": "FR"}
    assert later["debtor"]["address"] == address | {"country": "FR"}
    assert later["debtor"]["other_addresses"] == ["5 quai de Seine, 75019 Paris"]
