"""Files whose telephone numbers need a country: what waits, what is left out, and what is called."""

import make
from imports.sender import csv, row


async def test_a_file_waits_for_the_country_of_its_numbers_and_is_imported_with_it(sender) -> None:
    content = csv(
        [["F1", "Jan Berg", "jan@example.com", "06-12345678", "c/o Huis", "10,50", "31/01/2026"]],
        ["Invoice number", "Customer name", "E-mail", "Phone", "Address", "Amount due", "Due date"],
    )
    waiting = await sender.imported(content)
    path = f"/imports/{waiting['id']}/mapping"
    request = await sender.get(path)
    await sender.call("PUT", path, {"country": "NL", "confirm": True})
    done = await sender.work(waiting["id"])
    (debt,) = await sender.debts()

    assert [question["code"] for question in request["questions"]] == ["phone_country"]
    assert (await sender.get(path))["country_reason"]["code"] == "human"
    assert done["counts"]["created"] == 1
    assert debt["debtor"]["phone"] == "+31612345678"
    assert (debt["debtor"]["address"]["street_address"], debt["debtor"]["address"]["country"]) == (
        "c/o Huis",
        "NL",
    )


async def test_a_number_that_is_none_is_left_out_and_its_debt_made(sender) -> None:
    written = ["", "01 42 68 53 00", "06 12 34 56 78", "06 12 34 56 79", "01 42 68 53 01", "01 42 68 53"]
    answer = await sender.imported(csv([row(n, Téléphone=text) for n, text in enumerate(written)]))
    (finding,) = await sender.findings(answer["id"], Accept_Language="fr")

    assert (answer["counts"]["created"], answer["counts"]["warnings"]) == (6, 1)
    assert [debt["debtor"]["phone"] for debt in await sender.debts()][3:] == [
        "+33612345679",
        "+33142685301",
        None,
    ]
    assert (finding["severity"], finding["code"]) == ("warning", "phone-invalid")
    assert "indicatif" in finding["message"]


async def test_a_mobile_beginning_with_0698_is_taken_by_the_api_too(sender) -> None:
    answer = await sender.call("POST", "/debts", make.debt(debtor={"phone": "06 98 76 54 32"}))

    assert answer.status == 201, answer.body
    assert answer.json()["debtor"]["phone"] == "+33698765432"
