"""Rows whose reference is made of several columns: instalments, and columns that a person names."""

from decimal import Decimal

import pytest

from imports.sender import Sender

HEADERS = ("N° facture", "Client", "E-mail", "Échéance", "Restant dû")


INSTALMENTS = (
    "FA-1;Ann Bo;ann@example.com;30/09/2026;500,00",
    "FA-1;Ann Bo;ann@example.com;31/10/2026;400,00",
    "FA-2;Léa Roy;lea@example.com;31/10/2026;75,00",
)


def _file(*rows: str) -> bytes:
    return "\n".join([";".join(HEADERS), *rows, ""]).encode()


async def _answered(sender: Sender, content: bytes, answer: dict[str, object]) -> dict[str, object]:
    import_id = await sender.sent(content, "?auto=true")
    body = await sender.work(import_id)
    if body["state"] == "needs_mapping":
        put = await sender.call("PUT", f"/imports/{import_id}/mapping", answer | {"confirm": True})
        assert put.status == 200, put.body
        body = await sender.work(import_id)
    assert body["state"] == "completed", body
    return body


@pytest.mark.parametrize(
    ("way", "debts"),
    [
        ("split", {"FA-1-2026-09-30": "500.00", "FA-1-2026-10-31": "400.00", "FA-2": "75.00"}),
        ("merge", {"FA-1": "900.00", "FA-2": "75.00"}),
    ],
)
async def test_instalments_are_asked_once_and_meet_their_debts_again(
    sender: Sender, way: str, debts: dict[str, str]
) -> None:
    first = await _answered(sender, _file(*INSTALMENTS), {"instalments": way})
    again = await sender.imported(_file(*INSTALMENTS, "FA-3;Luc Bo;luc@example.com;31/10/2026;20,00"))

    assert (first["counts"]["created"], again["state"]) == (len(debts), "completed")  # type: ignore[index]
    assert again["counts"]["created"] == 1
    amounts = {debt["reference"]: Decimal(str(debt["amount"])) for debt in await sender.debts()}
    assert amounts == {name: Decimal(amount) for name, amount in (debts | {"FA-3": "20.00"}).items()}


async def test_an_instalment_that_is_alone_on_file_meets_the_debt_made_of_it(sender: Sender) -> None:
    await _answered(sender, _file(*INSTALMENTS), {"instalments": "split"})

    answer = await sender.imported(_file(*INSTALMENTS[1:]))

    assert (answer["state"], answer["counts"]["created"]) == ("completed", 0)


async def test_the_columns_that_identify_a_row_are_named_in_one_answer(sender: Sender) -> None:
    content = "Locataire;E-mail;Loyer dû;Échéance\nAna Paz;ana@example.com;500,00;31/10/2026\n".encode()

    answer = await _answered(sender, content, {"reference_from": ["Locataire", "Échéance"]})
    again = await sender.imported(content)

    assert (answer["counts"]["created"], again["counts"]["unchanged"]) == (1, 1)  # type: ignore[index]
    assert await sender.references() == ["Ana Paz-31/10/2026"]
