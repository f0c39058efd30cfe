"""Debtors over HTTP: who they are, and what they owe."""

from debts.conftest import House, read


async def test_a_debtor_is_shown_with_what_they_owe(house: House) -> None:
    one = await house.debt(amount=100)
    await house.debt(amount=50)
    await house.post(f"/debts/{one['id']}/payments", {"amount": 30})

    debtor = read(await house.get(f"/debtors/{one['debtor']['id']}"))

    assert debtor["debts_count"] == 2
    assert debtor["totals"] == [{"currency": "EUR", "amount": 150, "balance": 120, "amount_paid": 30}]


async def test_debtors_are_listed_the_newest_first(house: House) -> None:
    for name in ("Ada", "Bea", "Cleo"):
        await house.debt(debtor={"name": name})

    first = read(await house.get("/debtors?limit=2"))
    rest = read(await house.get(f"/debtors?limit=2&cursor={first['pagination']['next_cursor']}"))

    names = [debtor["name"] for debtor in first["data"] + rest["data"]]
    assert names == ["Cleo", "Bea", "Ada"]
