"""Whom a later debt is matched with, and what it adds to a known person."""

from debts.conftest import House, read


async def test_a_code_fills_what_was_unknown_and_replaces_nothing(house: House) -> None:
    known = {"name": "Jean Dupont", "email": "jean@example.com", "reference": "K1"}
    first = await house.debt(debtor=known)
    filled = await house.debt(debtor={"name": "DUPONT Jean", "phone": "+33612345678", "reference": "K1"})
    moved = await house.debt(debtor=known | {"email": "other@example.com"})

    shown = read(await house.get(f"/debts/{first['id']}"))["debtor"]
    assert filled["debtor"]["id"] == first["debtor"]["id"] != moved["debtor"]["id"]
    assert (shown["name"], shown["email"], shown["phone"]) == (
        "Jean Dupont",
        "jean@example.com",
        "+33612345678",
    )
    assert moved["debtor"]["email"] == "other@example.com"


async def test_a_code_of_several_people_keeps_nobody_apart(house: House) -> None:
    jean = {"name": "Jean Dupont", "email": "jean@example.com"}
    first = await house.debt(debtor=jean | {"reference": "DIVERS"})
    await house.debt(debtor={"name": "Sophie Martin", "email": "sophie@example.com", "reference": "DIVERS"})

    again = await house.debt(debtor=jean | {"reference": "DIVERS"})
    own = await house.debt(debtor=jean | {"reference": "K7"})
    nameless = await house.debt(
        debtor={"name": "Jean Dupont", "phone": "+33612345600", "reference": "DIVERS"}
    )

    assert again["debtor"]["id"] == own["debtor"]["id"] == first["debtor"]["id"]
    assert nameless["debtor"]["id"] != first["debtor"]["id"]


async def test_a_debtor_renamed_by_hand_is_not_met_under_the_name_they_bore(house: House) -> None:
    jean = {"name": "Jean Dupont", "email": "jean@example.com", "phone": None}
    debt = await house.debt(debtor=jean)
    renamed = {"debtor": {"name": "Sophie Martin", "email": "sophie@example.com"}}
    assert (await house.put(f"/debts/{debt['id']}", renamed)).status == 200

    one, two = await house.debt(debtor=jean), await house.debt(debtor=jean)

    shown = read(await house.get(f"/debts/{debt['id']}"))["debtor"]
    assert (shown["name"], shown["email"]) == ("Sophie Martin", "sophie@example.com")
    assert one["debtor"]["id"] == two["debtor"]["id"] != debt["debtor"]["id"]
    assert one["debtor"]["name"] == "Jean Dupont"
