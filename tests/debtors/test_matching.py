"""Whom a later debt is matched with, and what it adds to a known person."""

from debts.conftest import WorkspaceApi, read


async def test_a_code_fills_what_was_unknown_and_replaces_nothing(workspace: WorkspaceApi) -> None:
    base = {"name": "Jean Dupont", "email": "jean@example.com", "reference": "K1"}
    first = await workspace.debt(debtor=base)
    filled = await workspace.debt(debtor={"name": "DUPONT Jean", "phone": "+33612345678", "reference": "K1"})
    moved = await workspace.debt(debtor=base | {"email": "other@example.com"})

    debtor = read(await workspace.get(f"/debts/{first['id']}"))["debtor"]
    assert filled["debtor"]["id"] == first["debtor"]["id"] != moved["debtor"]["id"]
    assert (debtor["name"], debtor["email"], debtor["phone"]) == (
        "Jean Dupont",
        "jean@example.com",
        "+33612345678",
    )
    assert moved["debtor"]["email"] == "other@example.com"


async def test_a_code_of_several_people_keeps_nobody_apart(workspace: WorkspaceApi) -> None:
    jean = {"name": "Jean Dupont", "email": "jean@example.com"}
    first = await workspace.debt(debtor=jean | {"reference": "DIVERS"})
    await workspace.debt(
        debtor={"name": "Sophie Martin", "email": "sophie@example.com", "reference": "DIVERS"}
    )

    again = await workspace.debt(debtor=jean | {"reference": "DIVERS"})
    own = await workspace.debt(debtor=jean | {"reference": "K7"})
    nameless = await workspace.debt(
        debtor={"name": "Jean Dupont", "phone": "+33612345600", "reference": "DIVERS"}
    )

    assert again["debtor"]["id"] == own["debtor"]["id"] == first["debtor"]["id"]
    assert nameless["debtor"]["id"] != first["debtor"]["id"]


async def test_a_debtor_renamed_by_hand_is_not_met_under_the_name_they_bore(workspace: WorkspaceApi) -> None:
    jean = {"name": "Jean Dupont", "email": "jean@example.com", "phone": None}
    debt = await workspace.debt(debtor=jean)
    renamed = {"debtor": {"name": "Sophie Martin", "email": "sophie@example.com"}}
    assert (await workspace.put(f"/debts/{debt['id']}", renamed)).status == 200

    item, two = await workspace.debt(debtor=jean), await workspace.debt(debtor=jean)

    debtor = read(await workspace.get(f"/debts/{debt['id']}"))["debtor"]
    assert (debtor["name"], debtor["email"]) == ("Sophie Martin", "sophie@example.com")
    assert item["debtor"]["id"] == two["debtor"]["id"] != debt["debtor"]["id"]
    assert item["debtor"]["name"] == "Jean Dupont"
