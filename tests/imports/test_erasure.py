"""Erasing a debt takes along all that imports keep of its debtor: cells, findings, corrections, examples of a mapping."""

import pytest

import make
from getbill.imports import queries, reading_plan
from getbill.imports.model import correction_context, finding_context
from getbill.imports.runs import saved_mappings, tasks
from imports.sender import Sender, csv, row

_CORRECTIONS = "SELECT line FROM import_corrections WHERE workspace_id = $1"
_CHUNKS = "SELECT number FROM import_chunks WHERE workspace_id = $1"


async def erase(sender: Sender, reference: str) -> None:
    (debt,) = [item for item in await sender.debts() if item["reference"] == reference]
    erased = await sender.call("DELETE", f"/debts/{debt['id']}")
    assert erased.status == 200, erased.body


async def test_what_is_remembered_of_a_layout_says_nothing_of_a_cell(sender: Sender) -> None:
    headers = ["Référence", "Nom", "Quelque chose", "Montant dû"]
    rows = [[f"F-{number}", f"Jean {number}", f"jean{number}@example.com", "12,50"] for number in range(3)]
    import_id = await sender.sent(csv(rows, headers), "?sender=erp")
    await sender.work(import_id)
    mapped = await sender.get(f"/imports/{import_id}/mapping", Accept_Language="en")
    work = await sender.taken(import_id)

    confirmed = await sender.call("POST", f"/imports/{import_id}/mapping/confirm")

    mapping = await saved_mappings.find_mapping(
        work.database, work.workspace, "erp", str(work.import_.signature)
    )
    assert confirmed.status == 202, confirmed.body
    assert "jean0@example.com" in mapped["columns"][2]["reason"]["message"]
    assert mapping.mapping is not None
    assert [column.header for column in mapping.mapping.columns] == headers
    assert "example.com" not in str(mapping.mapping.to_json())


async def test_a_corrected_row_that_is_a_debt_goes_with_it(sender: Sender) -> None:
    content = csv([row(1), row(2, **{"E-mail": "x@gmial.com"})])
    answer = await sender.imported(content, "?auto=true&mode=all_or_nothing")
    await sender.call("POST", f"/imports/{answer['id']}/corrections", {"accept": ["email-typo"]})
    done = await sender.work(answer["id"])
    kept = await sender.rows(_CORRECTIONS, sender.workspace_id)

    await erase(sender, "F-2026-00002")

    assert (done["state"], len(kept)) == ("completed", 1)
    assert await sender.rows(_CORRECTIONS, sender.workspace_id) == []
    assert await sender.rows(_CHUNKS, sender.workspace_id) == []


@pytest.mark.parametrize(
    "value", ["?auto=true&on_duplicate=error", "?auto=true&on_duplicate=error&dry_run=true"]
)
async def test_what_was_said_of_rows_that_met_a_debt_goes_with_it(sender: Sender, value: str) -> None:
    repeated = [row(1, **{"Montant dû": "7,00"}), row(1)]
    # Whether a reference that repeats names a debt may be asked.
    first_id = await sender.sent(csv([*map(row, range(1, 31)), *repeated]))
    await sender.work(first_id)
    await sender.call("POST", f"/imports/{first_id}/mapping/confirm")
    first = await sender.work(first_id)
    again = await sender.imported(csv([row(1, **{"Montant dû": "99,00"})]), value)
    (debt,) = [item for item in await sender.debts() if item["reference"] == "F-2026-00001"]
    findings = [*await sender.findings(first["id"]), *await sender.findings(again["id"])]

    await erase(sender, "F-2026-00001")

    left = [*await sender.findings(first["id"]), *await sender.findings(again["id"])]
    assert [(item["code"], item["outcome"]) for item in findings] == [
        ("duplicate-in-file", "rejected"),
        ("repeated-row", "skipped"),
        ("reference-known", "rejected"),
    ]
    assert {item["debt_id"] for item in findings} == {debt["id"]}
    assert left == []


async def test_a_correction_of_a_row_that_met_a_debt_goes_with_it(sender: Sender) -> None:
    await sender.imported(csv([row(1)]))
    again = await sender.imported(csv([row(1, **{"Montant dû": "99,00"})]), "?auto=true&on_duplicate=error")
    patch = {"line": 2, "column": "Montant dû", "value": "98,00"}
    await sender.call("POST", f"/imports/{again['id']}/corrections", {"corrections": [patch]})
    waiting = await sender.rows(_CORRECTIONS, sender.workspace_id)

    await erase(sender, "F-2026-00001")

    assert len(waiting) == 1
    assert await sender.rows(_CORRECTIONS, sender.workspace_id) == []


async def test_a_file_that_nobody_should_have_goes_when_its_import_fails_too(sender: Sender) -> None:
    answer = await sender.imported(csv([row(1), row(2)]))
    await sender.rows(
        "UPDATE imports SET state = 'undoing', task = 'undo' WHERE workspace_id = $1", sender.workspace_id
    )
    work = await sender.taken(answer["id"])
    await erase(sender, "F-2026-00001")
    needed = await sender.rows(_CHUNKS, sender.workspace_id)

    await tasks._fail(work.database, work.workspace, work.import_, "file-gone", tasks._GONE)

    assert len(needed) == 1
    assert await sender.rows(_CHUNKS, sender.workspace_id) == []


MARIE = {
    "Référence": "M-2026-00001",
    "Nom": "Marie Martin",
    "E-mail": "marie.martin@example.net",
    "Téléphone": "+33 6 39 98 00 42",
}
WORDS = ("marie", "martin", "39 98 00 42", "m-2026-00001")
WRONG = {"Montant dû": "douze"}
_IMPORTS = (
    "SELECT id, plan FROM imports WHERE workspace_id = $1 AND received_at IS NOT NULL ORDER BY created_at"
)
_FINDINGS = "SELECT import_id, line, sealed FROM import_findings WHERE workspace_id = $1"
_CORRECTED = "SELECT import_id, line, sealed FROM import_corrections WHERE workspace_id = $1"
_TABLES = """
    SELECT table_name FROM information_schema.columns WHERE column_name = 'workspace_id' AND table_schema = 'public'
    """


async def stored(sender: Sender) -> str:
    """All that the database holds of a workspace, and what imports keep sealed, opened."""
    texts = [
        str(entry["row"])
        for table in await sender.rows(_TABLES)
        for entry in await sender.rows(
            f"SELECT t::text AS row FROM {table['table_name']} t WHERE workspace_id = $1", sender.workspace_id
        )
    ]
    database, workspace = sender.installation.database, sender.company.sandbox
    for item in await sender.rows(_IMPORTS, sender.workspace_id):
        result = await queries.find(database, workspace, item["id"])
        key = queries.keys_of(workspace, result).main
        assert key is not None
        if result.plan is not None:
            texts.append(reading_plan.open_plan(result.plan, key, result.id).write().decode())
        for table, context in ((_FINDINGS, finding_context), (_CORRECTED, correction_context)):
            texts += [
                key.open(kept["sealed"], context(result.id, kept["line"])).decode()
                for kept in await sender.rows(table, sender.workspace_id)
                if kept["import_id"] == result.id
            ]
        if result.state not in {"needs_mapping", "mapped", "checked"}:
            texts += [chunk.decode() async for chunk in queries.chunks(database, workspace, result)]
    return " ".join(texts).lower()


async def nothing_of_marie(sender: Sender) -> None:
    text = await stored(sender)
    assert [word for word in WORDS if word in text] == []


def among(*rows: list[str]) -> bytes:
    """A file of some rows before so many good ones that its columns are plain."""
    return csv([*rows, *map(row, range(100, 120))])


async def lines(sender: Sender, import_id: str) -> list[int]:
    return sorted({finding["line"] for finding in await sender.findings(import_id)})


async def test_whoever_is_searched_for_is_found_where_nobody_was_erased(sender: Sender) -> None:
    await sender.imported(csv([row(1, **MARIE)]))
    other = await sender.imported(among(row(2, **MARIE | WRONG)))

    text = await stored(sender)

    assert [word for word in WORDS if word not in text] == []
    assert other["counts"]["rejected"] == 1


OTHERS = {
    "her address": {"Référence": "X-1", "Nom": "M. Martin", "E-mail": "Marie.Martin@example.net"},
    "her number, written otherwise": {"Référence": "X-1", "Nom": "Client", "Téléphone": "06 39 98 00 42"},
    "her name alone": {"Référence": "X-1", "Nom": "MARTIN Marie", "E-mail": ""},
    "her name with her civility": {"Référence": "X-1", "Nom": "Mme Marie Martin", "E-mail": ""},
    "her name beside what is no address": {"Référence": "X-1", "Nom": "Marie Martin", "E-mail": "marie(at)x"},
    "her address with a slip": {"Référence": "X-1", "E-mail": "marie.martin@gmial.com"},
    "the debt's reference": {"Référence": "M-2026-00001", "Nom": "Quelqu'un"},
}


@pytest.mark.parametrize("named", OTHERS.values(), ids=OTHERS.keys())
async def test_a_refused_row_of_another_import_that_names_the_person_goes_with_its_file(
    sender: Sender, named: dict[str, str]
) -> None:
    hers = MARIE | ({"E-mail": "marie.martin@gmail.com"} if "gmial" in str(named) else {})
    await sender.imported(csv([row(1, **hers)]))
    other = await sender.imported(
        among(row(2, **WRONG), row(3), row(4, **{"E-mail": "x@example.com"} | named | WRONG))
    )
    before = await lines(sender, other["id"])

    await erase(sender, "M-2026-00001")

    assert (before, await lines(sender, other["id"])) == ([2, 4], [2])
    assert len(await sender.rows(_CHUNKS, sender.workspace_id)) == 0
    await nothing_of_marie(sender)


async def test_somebody_else_of_the_same_name_stays(sender: Sender) -> None:
    await sender.imported(csv([row(1, **MARIE)]))
    namesake = {"Nom": "Marie Martin", "E-mail": "m.martin@example.com"}
    other = await sender.imported(among(row(2, **namesake | WRONG)))

    await erase(sender, "M-2026-00001")

    assert await lines(sender, other["id"]) == [2]


async def test_of_a_person_with_another_debt_only_the_debt_goes(sender: Sender) -> None:
    await sender.imported(csv([row(1, **MARIE), row(2, **MARIE | {"Référence": "M-2026-00002"})]))
    other = await sender.imported(
        among(row(3, **MARIE | WRONG), row(4, **MARIE | WRONG | {"Référence": "M-2026-00009"}))
    )

    await erase(sender, "M-2026-00001")
    first = await lines(sender, other["id"])
    await erase(sender, "M-2026-00002")

    assert (first, await lines(sender, other["id"])) == ([3], [])
    await nothing_of_marie(sender)


async def test_a_file_that_says_again_what_is_known_goes_too(sender: Sender) -> None:
    content = csv([row(1, **MARIE), row(2)])
    await sender.imported(content)
    again = await sender.imported(content)

    await erase(sender, "M-2026-00001")

    assert again["counts"]["unchanged"] == 2
    assert await sender.rows(_CHUNKS, sender.workspace_id) == []
    await nothing_of_marie(sender)


async def test_a_correction_that_names_the_person_goes(sender: Sender) -> None:
    await sender.imported(csv([row(1, **MARIE)]))
    other = await sender.imported(among(row(2, **WRONG | {"Référence": "X-2"})))
    patches = [{"line": 2, "column": "E-mail", "value": MARIE["E-mail"]}]
    await sender.call("POST", f"/imports/{other['id']}/corrections", {"corrections": patches})
    kept = await sender.rows(_CORRECTIONS, sender.workspace_id)

    await erase(sender, "M-2026-00001")

    assert len(kept) == 1
    assert await sender.rows(_CORRECTIONS, sender.workspace_id) == []
    await nothing_of_marie(sender)


@pytest.mark.parametrize("query", ["", "?auto=true&dry_run=true"])
async def test_a_waiting_file_shows_nothing_of_the_person_and_goes_on_for_the_others(
    sender: Sender, query: str
) -> None:
    await sender.imported(csv([row(1, **MARIE)]))
    rows = [row(2), row(3, **MARIE | {"Référence": "M-2026-00003"}), row(4)]
    import_id = await sender.sent(csv(rows), query)
    before = await sender.work(import_id)
    mapped = await sender.get(f"/imports/{import_id}/mapping")

    await erase(sender, "M-2026-00001")
    after = await sender.get(f"/imports/{import_id}/mapping")
    await nothing_of_marie(sender)
    verb = "start" if before["state"] == "checked" else "mapping/confirm"
    confirmed = await sender.call("POST", f"/imports/{import_id}/{verb}")
    done = await sender.work(import_id)

    assert confirmed.status == 202, confirmed.body
    assert "Marie Martin" in mapped["columns"][1]["samples"]
    assert after["columns"][1]["samples"] == ["Jean Dupont 2", "Jean Dupont 4"]
    assert [column["field"] for column in after["columns"]] == [
        column["field"] for column in mapped["columns"]
    ]
    # What came of her later is a debt of its own; the file goes, since she did not want to be in it.
    assert (done["state"], done["counts"]["created"]) == ("completed", 3)
    assert await sender.rows(_CHUNKS, sender.workspace_id) == []


async def test_a_waiting_file_still_asks_what_it_asked(sender: Sender) -> None:
    await sender.imported(csv([row(1, **MARIE)]))
    headers = ["Référence", "Nom", "E-mail", "Quelque chose"]
    rows = [["X-1", MARIE["Nom"], MARIE["E-mail"], "12,50"], ["X-2", "Jean", "jean@example.com", "13,50"]]
    import_id = await sender.sent(csv(rows, headers))
    await sender.work(import_id)
    before = await sender.get(f"/imports/{import_id}/mapping")

    await erase(sender, "M-2026-00001")

    after = await sender.get(f"/imports/{import_id}/mapping")
    answer = await sender.get(f"/imports/{import_id}")
    assert (
        [question["code"] for question in after["questions"]]
        == [question["code"] for question in before["questions"]]
        != []
    )
    assert (answer["state"], after["is_certain"]) == ("needs_mapping", False)
    await nothing_of_marie(sender)


async def test_a_waiting_file_that_shows_somebody_no_more_is_not_read_again_by_itself(sender: Sender) -> None:
    await sender.imported(csv([row(1, **MARIE)]))
    headers = ["Référence", "Nom", "E-mail", "Quelque chose"]
    hers = csv([["X-1", MARIE["Nom"], MARIE["E-mail"], "12,50"]], headers)
    rest = csv([["Y-1", "Jean", "jean@example.com", "12,50"]], headers)
    waiting, first = [await sender.sent(item, "?auto=true&sender=erp") for item in (hers, rest)]
    for import_id in (waiting, first):
        await sender.work(import_id)
    await erase(sender, "M-2026-00001")

    body = {"columns": {"Quelque chose": "amount"}, "confirm": True}
    await sender.call("PUT", f"/imports/{first}/mapping", body)

    answer = await sender.get(f"/imports/{waiting}")
    assert (answer["state"], answer["doing"]) == ("needs_mapping", None)
    await nothing_of_marie(sender)


async def test_a_layout_whose_header_names_the_person_is_remembered_no_more(sender: Sender) -> None:
    await sender.imported(csv([row(1, **MARIE)]))
    headers = ["Référence", "Nom", "Montant dû", "Marie Martin"]
    for rest, name in ((headers, "erp"), ([*headers[:3], "Note"], "crm")):
        import_id = await sender.sent(csv([["X-1", "Jean", "12,50", ""]], rest), f"?sender={name}")
        await sender.work(import_id)
        confirmed = await sender.call("POST", f"/imports/{import_id}/mapping/confirm")
        assert confirmed.status == 202, confirmed.body

    await erase(sender, "M-2026-00001")

    left = await sender.rows(
        "SELECT sender FROM import_mappings WHERE workspace_id = $1", sender.workspace_id
    )
    assert [item["sender"] for item in left] == ["crm"]


async def test_an_answer_that_shows_a_refused_row_of_a_batch_goes(sender: Sender) -> None:
    await sender.imported(csv([row(1, **MARIE)]))
    debt = make.debt(reference="B-1", amount=-1, debtor={"name": "Marie Martin", "email": MARIE["E-mail"]})
    await sender.call("POST", "/debts/batch", {"debts": [debt]}, Idempotency_Key="batch-1")
    kept = await sender.rows("SELECT FROM idempotency_keys WHERE workspace_id = $1", sender.workspace_id)

    await erase(sender, "M-2026-00001")

    assert len(kept) == 1
    assert (
        await sender.rows("SELECT FROM idempotency_keys WHERE workspace_id = $1", sender.workspace_id) == []
    )
    assert await sender.rows(_FINDINGS, sender.workspace_id) == []
    await nothing_of_marie(sender)


async def test_a_file_that_could_not_be_read_is_not_kept(sender: Sender) -> None:
    answer = await sender.imported(b"PK\x03\x04 Marie Martin, and no workbook")

    assert answer["state"] == "failed"
    assert await sender.rows(_CHUNKS, sender.workspace_id) == []


async def test_nobody_is_found_in_an_import_that_was_put_away(sender: Sender) -> None:
    waiting = await sender.sent(csv([row(1)]))
    await sender.work(waiting)
    before = await sender.rows("SELECT FROM import_people WHERE workspace_id = $1", sender.workspace_id)

    await sender.call("POST", f"/imports/{waiting}/undo")

    assert before != []
    assert await sender.rows("SELECT FROM import_people WHERE workspace_id = $1", sender.workspace_id) == []


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("F-2026-00001.csv", "erased.csv"),
        ("facture f-2026-00001 v2.CSV", "erased.CSV"),
        ("F-2026-00001", "erased"),
        ("F-2026-000011.csv", "F-2026-000011.csv"),
        ("debts.csv", "debts.csv"),
    ],
)
async def test_the_name_of_a_file_does_not_say_the_reference_of_an_erased_debt(
    sender: Sender, name: str, left: str
) -> None:
    await sender.send(csv([row(9)]), Content_Disposition=f'attachment; filename="{name}"')
    debt = make.debt(reference="F-2026-00001")
    assert (await sender.call("POST", "/debts", debt)).status == 201

    await erase(sender, "F-2026-00001")

    names = await sender.rows("SELECT name FROM imports WHERE workspace_id = $1", sender.workspace_id)
    assert [item["name"] for item in names] == [left]
    assert (await sender.call("POST", "/debts", debt)).status == 201
