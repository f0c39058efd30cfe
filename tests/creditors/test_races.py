"""A creditor that is deleted while a debt names it."""

import asyncio
from typing import Any

from debts.conftest import WorkspaceApi, a_body, read
from getbill import companies
from getbill.creditors import actions
from getbill.kit import ids


async def delete_slowly(workspace: WorkspaceApi, creditor_id: str, meanwhile: Any) -> Any:
    """Delete a creditor in a transaction during which another request begins, and return that one's answer."""
    state = workspace.app.state
    snapshot = await companies.workspace(state.database, state.vault, workspace.workspace_id)
    async with state.database.transaction(snapshot.now()) as tx:
        await actions.delete(tx, snapshot, ids.read("creditor", creditor_id))
        begun = asyncio.create_task(meanwhile)
        # Until it waits for the lock that this transaction holds.
        while not await workspace.rows("SELECT FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return await begun


async def test_a_debt_that_names_it_by_name_creates_it_anew(workspace: WorkspaceApi) -> None:
    gone = read(await workspace.post("/creditors", {"name": "Martin"}))

    answer = await delete_slowly(workspace, gone["id"], workspace.post("/debts", a_body(company="Martin")))

    debt = read(answer)
    assert (answer.status, debt["company"]) == (201, "Martin")
    assert debt["creditor_id"] != gone["id"]


async def test_a_debt_that_names_it_by_id_is_refused(workspace: WorkspaceApi) -> None:
    gone = read(await workspace.post("/creditors", {"name": "Martin"}))

    answer = await delete_slowly(
        workspace, gone["id"], workspace.post("/debts", a_body(creditor_id=gone["id"]))
    )

    assert answer.status == 422
    assert [error["pointer"] for error in read(answer)["errors"]] == ["/creditor_id"]


async def test_a_changed_debt_that_names_it_is_refused(workspace: WorkspaceApi) -> None:
    gone = read(await workspace.post("/creditors", {"name": "Martin"}))
    debt = await workspace.debt()

    answer = await delete_slowly(
        workspace, gone["id"], workspace.put(f"/debts/{debt['id']}", {"creditor_id": gone["id"]})
    )

    assert answer.status == 422
