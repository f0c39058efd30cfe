"""Who the rows of a file are: a customer code recognises people only where it stands for one, and rewrites nobody."""

import asyncio
from typing import Any

import pytest

import make
from imports.sender import Sender, csv

HEADERS = ["Code client", "Client", "Facture", "Échéance", "Solde", "E-mail"]
COLLECTIVE = [
    ["411000", "Jean Dupont", "CA1", "14/10/2026", "100,00", "jean.ca@example.com"],
    ["411000", "Sophie Martin", "CA2", "15/10/2026", "200,00", "sophie.ca@example.com"],
    ["411000", "SARL Léon", "CA3", "16/10/2026", "300,00", "leon.ca@example.com"],
]
MAPPED = {"Code client": "debtor_reference"}


async def imported(sender: Sender, rows: list[list[str]], query: str = "") -> dict[str, Any]:
    """Import a file whose codes are taken for those of its debtors."""
    import_id = await sender.sent(csv(rows, HEADERS), query)
    await sender.work(import_id)
    changed = {"columns": MAPPED, "confirm": True}
    answered = await sender.call("PUT", f"/imports/{import_id}/mapping", changed)
    assert answered.status == 200, answered.body
    return await sender.work(import_id)


async def people(sender: Sender) -> dict[str, tuple[str, str, str | None]]:
    """The debtor of each debt by its reference: id, name and e-mail address."""
    return {
        debt["reference"]: tuple(debt["debtor"][name] for name in ("id", "name", "email"))
        for debt in await sender.debts()
    }


async def codes(sender: Sender, import_id: str) -> list[tuple[int, str, str]]:
    findings = await sender.findings(import_id)
    return [(item["line"], item["code"], item["outcome"]) for item in findings]


async def test_a_collective_account_makes_a_debtor_of_each_person(sender: Sender) -> None:
    answer = await imported(sender, COLLECTIVE)

    result = await people(sender)
    assert answer["counts"]["created"] == 3
    assert len({item[0] for item in result.values()}) == 3
    assert [item[1:] for item in result.values()] == [(row[1], row[5]) for row in COLLECTIVE]
    assert await codes(sender, answer["id"]) == [
        (3, "code-of-several", "warned"),
        (4, "code-of-several", "warned"),
    ]
    french = await sender.findings(answer["id"], Accept_Language="fr")
    english = await sender.findings(answer["id"], Accept_Language="en")
    assert french[0]["message"] == (
        "Le code 411000 désigne plusieurs personnes et n'a pas servi à identifier le débiteur."
    )
    assert english[0]["message"] == (
        "The code 411000 belongs to several people and was not used to identify the debtor."
    )


async def test_a_later_file_with_the_same_code_changes_nobody(sender: Sender) -> None:
    await imported(
        sender,
        [
            ["DIVERS", "Jean Dupond", "CB1", "14/10/2026", "100,00", "jean.cb@example.com"],
            ["DIVERS", "Sophie Martine", "CB2", "15/10/2026", "200,00", "sophie.cb@example.com"],
            ["9CASH", "Léa Li", "CB3", "16/10/2026", "300,00", "lea.cb@example.com"],
        ],
    )
    before = await people(sender)

    later = await imported(
        sender,
        [
            ["DIVERS", "Autre Personne", "CC1", "14/10/2026", "100,00", "autre.cc@example.com"],
            ["9CASH", "Ivo Ka", "CC2", "14/10/2026", "100,00", "ivo.cc@example.com"],
            ["DIVERS", "Jean Dupond", "CC3", "14/10/2026", "100,00", "jean.cb@example.com"],
        ],
    )

    after = await people(sender)
    assert {name: after[name] for name in before} == before
    assert after["CC1"][1:] == ("Autre Personne", "autre.cc@example.com")
    assert after["CC2"][1:] == ("Ivo Ka", "ivo.cc@example.com")
    assert after["CC3"] == before["CB1"]
    assert len({item[0] for item in after.values()}) == 5
    assert later["counts"]["warnings"] == 3


async def test_a_file_adds_to_a_known_person_and_replaces_nothing(sender: Sender) -> None:
    await sender.call(
        "POST",
        "/debts",
        make.debt(reference="P-1", debtor={"name": "Jean Roux", "email": "jr@example.com", "phone": None}),
    )
    headers = ["Nom", "Facture", "Échéance", "Solde", "E-mail", "Téléphone"]
    rows = [
        ["Jean Roux", "P-2", "14/10/2026", "100,00", "jr@example.com", "+33612345678"],
        ["Jean Roux", "P-3", "14/10/2026", "100,00", "jr@example.com", "+33612345679"],
    ]

    answer = await sender.imported(csv(rows, headers))

    debtors = [debt["debtor"] for debt in await sender.debts()]
    assert answer["counts"]["created"] == 2
    assert len({debtor["id"] for debtor in debtors}) == 1
    assert {debtor["phone"] for debtor in debtors} == {"+33612345678"}
    assert await codes(sender, answer["id"]) == [(3, "address-added", "warned")]
    assert [point["value"] for point in debtors[0]["phones"]] == ["+33612345678", "+33612345679"]
    assert [point["source"] for point in debtors[0]["phones"]] == ["file", "file"]


async def test_requests_at_once_never_merge_the_people_of_one_code(sender: Sender) -> None:
    async def one(number: int) -> None:
        body = make.debt(
            reference=f"R-{number}",
            debtor={
                "name": f"Person {chr(65 + number) * 3}",
                "email": f"p{number}@example.com",
                "reference": "DIVERS",
            },
        )
        answered = await sender.call("POST", "/debts", body)
        assert answered.status == 201, answered.body

    await asyncio.gather(*(one(number) for number in range(8)))

    result = await people(sender)
    holders = await sender.rows(
        "SELECT count(*) AS shared FROM debtor_matches WHERE workspace_id = $1 AND debtor_id IS NULL",
        sender.workspace_id,
    )
    assert len({item[0] for item in result.values()}) == 8
    assert {result[f"R-{n}"][2] for n in range(8)} == {f"p{n}@example.com" for n in range(8)}
    assert holders[0]["shared"] == 1


async def test_two_files_at_once_never_merge_the_people_of_one_code(sender: Sender) -> None:
    def rows(first: int) -> list[list[str]]:
        return [
            [
                "DIVERS",
                f"Personne {chr(65 + n % 26) * (2 + n // 26)}",
                f"D-{n}",
                "14/10/2026",
                "10,00",
                f"d{n}@example.com",
            ]
            for n in range(first, first + 60)
        ]

    sent = [await sender.sent(csv(rows(first), HEADERS)) for first in (0, 60)]
    for import_id in sent:
        await sender.work(import_id)
        await sender.call("PUT", f"/imports/{import_id}/mapping", {"columns": MAPPED, "confirm": True})

    answer = await asyncio.gather(*(sender.work(import_id) for import_id in sent))

    result = await sender.rows(
        "SELECT count(DISTINCT debtor_id) AS people FROM debts WHERE workspace_id = $1", sender.workspace_id
    )
    assert [item["counts"]["created"] for item in answer] == [60, 60]
    assert result[0]["people"] == 120


@pytest.mark.parametrize("path", ["/debts", "/debts/batch"])
async def test_a_code_recognises_nobody_over_the_api_either(sender: Sender, path: str) -> None:
    bodies = [
        make.debt(reference=f"A-{row[2]}", debtor={"name": row[1], "email": row[5], "reference": row[0]})
        for row in COLLECTIVE
    ]
    if path == "/debts":
        for body in bodies:
            assert (await sender.call("POST", path, body)).status == 201
    else:
        answered = await sender.call("POST", path, {"debts": bodies})
        await sender.work(answered.json()["batch_id"])

    result = await people(sender)
    assert sorted(item[1:] for item in result.values()) == sorted((row[1], row[5]) for row in COLLECTIVE)
    assert len({item[0] for item in result.values()}) == 3
