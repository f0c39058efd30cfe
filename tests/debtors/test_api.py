"""Debtors over HTTP: who they are, and what they owe."""

from debts.conftest import WorkspaceApi, read


async def test_a_debtor_is_shown_with_what_they_owe(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(amount=100)
    await workspace.debt(amount=50)
    await workspace.post(f"/debts/{debt['id']}/payments", {"amount": 30})

    debtor = read(await workspace.get(f"/debtors/{debt['debtor']['id']}"))

    assert debtor["debts_count"] == 2
    assert debtor["totals"] == [{"currency": "EUR", "amount": 150, "balance": 120, "amount_paid": 30}]


async def test_debtors_are_listed_the_newest_first(workspace: WorkspaceApi) -> None:
    for name in ("Ada", "Bea", "Cleo"):
        await workspace.debt(debtor={"name": name})

    first = read(await workspace.get("/debtors?limit=2"))
    rest = read(await workspace.get(f"/debtors?limit=2&cursor={first['pagination']['next_cursor']}"))

    names = [debtor["name"] for debtor in first["data"] + rest["data"]]
    assert names == ["Cleo", "Bea", "Ada"]
