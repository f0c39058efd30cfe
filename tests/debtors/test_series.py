"""Any series of creates, updates, splits and merges: nobody is lost, and every debt hears of each change."""

import random
from typing import Any

import pytest

from debtors.test_people import changes_of, debtor_of
from debts.conftest import WorkspaceApi, read

NAMES = ("Jean Dupont", "Marc Petit", "Eve Noir")


def a_person(chance: random.Random) -> dict[str, Any]:
    number = chance.randrange(3)
    return {
        "name": NAMES[chance.randrange(3)],
        "email": f"p{number}@example.com",
        "phone": f"+3361234567{number}",
    }


async def shown(workspace: WorkspaceApi, debts: list[dict[str, Any]]) -> dict[str, Any]:
    people = {}
    for debt in debts:
        answered = await workspace.get(f"/debts/{debt['id']}")
        assert answered.status == 200
        people[debt["id"]] = read(answered)["debtor"]
    return people


@pytest.mark.parametrize("seed", range(4))
async def test_after_any_series_each_debt_has_its_person_and_has_announced_them(
    workspace: WorkspaceApi, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the series is repeatable
    debts = [await workspace.debt(debtor=a_person(chance)) for _ in range(3)]
    for _ in range(14):
        before = await shown(workspace, debts)
        announced = {debt["id"]: len(await changes_of(workspace, debt)) for debt in debts}
        debtor_id, other_id = (chance.choice(list(before.values()))["id"] for _ in range(2))
        action = chance.choice(("create", "update", "split", "merge"))
        if action == "create":
            debts.append(await workspace.debt(debtor=a_person(chance)))
        elif action == "update":
            answered = await workspace.put(
                f"/debtors/{debtor_id}", {"email": f"n{chance.randrange(5)}@example.com"}
            )
            assert answered.status == 200
        elif action == "merge":
            answered = await workspace.post(f"/debtors/{debtor_id}/merge", {"debtor_id": other_id})
            assert answered.status == (422 if debtor_id == other_id else 200)
        else:
            own = [debt_id for debt_id, person in before.items() if person["id"] == debtor_id]
            body = {
                "debts": own[:1],
                "debtor": {"name": f"Luc {chance.random()}", "email": "luc@example.com"},
            }
            answered = await workspace.post(f"/debtors/{debtor_id}/split", body)
            assert answered.status == (201 if len(own) > 1 else 422)
        after = await shown(workspace, debts)
        for debt in debts:
            if debt["id"] in before and before[debt["id"]] != after[debt["id"]]:
                assert len(await changes_of(workspace, debt)) > announced[debt["id"]]
            assert (await debtor_of(workspace, debt))["debts_count"] >= 1
    stray = await workspace.rows(
        "SELECT FROM debtor_matches m JOIN debtors p ON p.workspace_id = m.workspace_id AND p.id = m.debtor_id"
        " WHERE m.workspace_id = $1 AND p.erased_at IS NOT NULL",
        workspace.workspace_id,
    )
    assert stray == []
