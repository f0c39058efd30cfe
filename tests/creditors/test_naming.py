"""The creditor that the text `company` of a debt names: one row for a name, in however many debts."""

import asyncio
from uuid import UUID

import pytest

from debts.conftest import WorkspaceApi, a_body, read
from getbill import creditors, debts
from getbill.kit import ids

NAMED = "SELECT creditor_id FROM debts WHERE workspace_id = $1 AND id = $2"


async def creditor_of(workspace: WorkspaceApi, **changes: object) -> UUID | None:
    debt = await workspace.debt(**changes)
    rows = await workspace.rows(NAMED, workspace.workspace_id, ids.read("debt", debt["id"]))
    found: UUID | None = rows[0]["creditor_id"]
    return found


async def creditors_count(workspace: WorkspaceApi) -> int:
    rows = await workspace.rows("SELECT FROM creditors WHERE workspace_id = $1", workspace.workspace_id)
    return len(rows)


async def test_two_debts_with_one_name_have_one_creditor(workspace: WorkspaceApi) -> None:
    first = await creditor_of(workspace, company="Boulangerie Martin")
    second = await creditor_of(workspace, company="Boulangerie Martin")

    assert first is not None
    assert second == first
    assert await creditors_count(workspace) == 1


@pytest.mark.parametrize(
    "other",
    [
        "GARAGE DE L'EST",
        "  Garage  de l'Est ",
        "Garage de l\u2019Est",
        "Garagé de l'Ést",
        "garage\u00a0de l'est",
    ],
)
def test_case_accents_and_spaces_make_no_other_name(other: str) -> None:
    assert creditors.normalise_name(other) == creditors.normalise_name("Garage de l'Est")


@pytest.mark.parametrize(
    "other", ["Garage de l'Est 2", "Garage de l'Est SARL", "Garage Est", "Garage de l'Est +"]
)
def test_anything_else_makes_another_name(other: str) -> None:
    assert creditors.normalise_name(other) != creditors.normalise_name("Garage de l'Est")


async def test_a_debt_without_a_name_or_with_the_company_s_own_is_the_company_s(
    workspace: WorkspaceApi,
) -> None:
    assert await creditor_of(workspace) is None
    assert await creditor_of(workspace, company="ACME") is None
    assert await creditors_count(workspace) == 0


async def test_a_name_is_a_creditor_of_its_workspace_alone(
    workspace: WorkspaceApi, other_workspace: WorkspaceApi
) -> None:
    ours = await creditor_of(workspace, company="Boulangerie Martin")
    theirs = await creditor_of(other_workspace, company="Boulangerie Martin")

    assert ours != theirs


async def test_debts_of_one_new_creditor_created_at_once_share_it(workspace: WorkspaceApi) -> None:
    answers = await asyncio.gather(
        *(workspace.post("/debts", a_body(company="Boulangerie Martin")) for _ in range(4))
    )

    assert [answer.status for answer in answers] == [201] * 4
    assert await creditors_count(workspace) == 1


async def test_a_refused_debt_leaves_no_creditor(workspace: WorkspaceApi) -> None:
    body = a_body()
    await workspace.post("/debts", body)

    answer = await workspace.post("/debts", body | {"company": "Boulangerie Martin"})

    assert answer.status == 409
    assert await creditors_count(workspace) == 0


async def test_debts_from_before_creditors_were_rows_get_theirs(workspace: WorkspaceApi) -> None:
    named = [await workspace.debt(company=name) for name in ("Martin", "MARTIN", "Durand")]
    own = await workspace.debt(object="Ours")
    newest = ids.read("debt", own["id"])
    await workspace.rows(
        "UPDATE debts SET creditor_id = NULL WHERE workspace_id = $1", workspace.workspace_id
    )
    await workspace.rows("DELETE FROM creditors WHERE workspace_id = $1", workspace.workspace_id)
    await workspace.rows(
        "UPDATE workspaces SET creditors_unlinked_to = $2 WHERE workspace_id = $1",
        workspace.workspace_id,
        newest,
    )
    state = workspace.app.state

    counts = [await debts.link_creditors(state.database, state.vault) for _ in range(2)]

    shown = [read(await workspace.get(f"/debts/{debt['id']}")) for debt in [*named, own]]
    assert counts == [3, 0]
    assert [debt["company"] is not None for debt in shown] == [True, True, True, False]
    assert len({debt["creditor_id"] for debt in shown[:3]}) == 2
