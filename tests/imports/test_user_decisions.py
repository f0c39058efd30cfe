"""Decisions on an import that come too early, too late or name nothing of it: each is refused in words."""

import pytest

from getbill import imports
from getbill.imports.model import ImportCannotMove
from getbill.kit import ids
from imports.sender import HEADERS, Sender, csv, row

# Whether one debt or two are made of the invoice, nobody can know from the file.
INSTALMENTS = csv(
    [row(1), row(1, **{"Montant dû": "50,00", "Échéance": "28/02/2026"}), row(2)],
)
WRONG_AMOUNT = csv([row(1), row(2, **{"Montant dû": "douze"})])


async def detail(sender: Sender, method: str, path: str, value: object = None) -> str:
    """Return why a decision was refused as a conflict."""
    refused = await sender.call(method, path, value, Accept_Language="en")
    assert refused.status == 409, refused.body
    return str(refused.json()["detail"])


async def test_a_mapping_is_there_once_the_file_is_read(sender: Sender) -> None:
    path = f"/imports/{await sender.sent(csv([row(1)]))}/mapping"

    early = await detail(sender, "GET", path)
    change = await detail(sender, "PUT", path, {"currency": "USD"})

    assert early == "The file has not been read yet, or its data has been deleted."
    assert change == "The import is being read. Repeat the request in a moment."


async def test_a_mapping_is_settled_once_rows_are_imported(sender: Sender) -> None:
    shown = await sender.imported(csv([row(1)]))

    change = await detail(sender, "PUT", f"/imports/{shown['id']}/mapping", {"currency": "USD"})

    assert change == "The import is completed; its mapping can no longer be changed."
    assert [debt["currency"] for debt in await sender.debts()] == ["EUR"]


async def test_a_mapping_with_an_open_question_is_not_confirmed(sender: Sender) -> None:
    import_id = await sender.sent(INSTALMENTS)
    await sender.work(import_id)
    path = f"/imports/{import_id}/mapping"
    questions = (await sender.get(path, Accept_Language="en"))["questions"]

    refused = await sender.call("POST", f"{path}/confirm", Accept_Language="en")

    assert (refused.status, refused.json()["type"]) == (409, "/problems/mapping-not-certain")
    assert refused.json()["detail"].startswith(questions[0]["message"])
    assert refused.json()["id"] == import_id
    assert (await sender.get(f"/imports/{import_id}"))["state"] == "needs_mapping"


async def test_hidden_rows_of_a_file_that_hides_none_change_nothing(sender: Sender) -> None:
    import_id = await sender.sent(csv([row(1)]))
    await sender.work(import_id)
    path = f"/imports/{import_id}/mapping"
    before = await sender.get(path)

    changed = await sender.call("PUT", path, {"hidden_rows": True})

    assert changed.status == 200, changed.body
    assert await sender.get(path) == before


async def test_only_a_checked_import_is_started(sender: Sender) -> None:
    import_id = await sender.sent(csv([row(1)]))
    await sender.work(import_id)

    early = await detail(sender, "POST", f"/imports/{import_id}/start")

    assert early == "Only a checked import can be started; this one is mapped."
    assert await sender.debts() == []


@pytest.mark.parametrize(
    ("content", "state"), [(csv([row(1)]), "mapped"), (b"%PDF-1.7 nothing of a table", "failed")]
)
async def test_rows_are_corrected_only_where_rows_were_refused(
    sender: Sender, content: bytes, state: str
) -> None:
    import_id = await sender.sent(content)
    await sender.work(import_id)
    patch = {"line": 2, "column": "Montant dû", "value": "12,00"}

    refused = await detail(sender, "POST", f"/imports/{import_id}/corrections", {"corrections": [patch]})

    assert refused == f"The import is {state} and cannot be corrected."


async def test_every_correction_that_names_no_refused_cell_is_listed_and_none_is_kept(sender: Sender) -> None:
    rows = [[*row(1, **{"Montant dû": "douze"}), "a", "b"], *([*row(n), "a", "b"] for n in range(2, 6))]
    shown = await sender.imported(csv(rows, [*HEADERS, "Note", "Note"]))
    patches = [
        {"line": 9, "column": "Montant dû", "value": "12,00"},
        {"line": 2, "column": "Montant dû", "value": "12,00"},
        {"line": 2, "column": "Couleur", "value": "12,00"},
        # Two columns have this header.
        {"line": 2, "column": "Note", "value": "c"},
    ]

    refused = await sender.call(
        "POST", f"/imports/{shown['id']}/corrections", {"corrections": patches}, Accept_Language="en"
    )

    assert refused.status == 422
    assert [(error["pointer"], error["detail"]) for error in refused.json()["errors"]] == [
        ("/corrections/0/line", "Line 9 is not a rejected row."),
        ("/corrections/2/column", "The column 'Couleur' does not exist or is not unique."),
        ("/corrections/3/column", "The column 'Note' does not exist or is not unique."),
    ]
    assert (await sender.get(f"/imports/{shown['id']}"))["counts"]["rejected"] == 1


@pytest.mark.parametrize("column", ["montant dû", "E", "e", 4])
async def test_a_column_is_named_by_its_header_its_letter_or_its_index(
    sender: Sender, column: str | int
) -> None:
    shown = await sender.imported(WRONG_AMOUNT)
    patch = {"line": 3, "column": column, "value": "12,00"}

    corrected = await sender.call("POST", f"/imports/{shown['id']}/corrections", {"corrections": [patch]})
    done = await sender.work(shown["id"])

    assert corrected.status == 202, corrected.body
    assert (done["counts"]["created"], done["counts"]["rejected"]) == (2, 0)
    assert [debt["amount"] for debt in await sender.debts()] == [101.5, 12]


async def test_a_code_is_unknown_where_no_row_has_a_finding(sender: Sender) -> None:
    shown = await sender.imported(csv([row(1)]))

    refused = await sender.call(
        "POST", f"/imports/{shown['id']}/corrections", {"accept": ["nonsense"]}, Accept_Language="en"
    )

    assert refused.status == 422
    assert refused.json()["errors"][0]["detail"] == "No finding has the code 'nonsense'."


async def test_an_undo_is_begun_once_and_an_undone_import_stays_so(sender: Sender) -> None:
    shown = await sender.imported(csv([row(1)]))
    path = f"/imports/{shown['id']}/undo"

    begun = await sender.call("POST", path)
    again = await sender.call("POST", path)
    done = await sender.work(shown["id"])
    late = await detail(sender, "POST", path)

    assert [(answer.status, answer.json()["state"]) for answer in (begun, again)] == [(202, "undoing")] * 2
    assert (done["state"], done["counts"]["undone"]) == ("undone", 1)
    assert late == "The import is already undone."


async def test_a_file_with_debts_is_undone_and_not_put_away(sender: Sender) -> None:
    shown = await sender.imported(csv([row(1)]))
    database, workspace = sender.installation.database, sender.company.sandbox

    with pytest.raises(ImportCannotMove, match="The import is completed: undo it instead"):
        async with database.transaction(workspace.now()) as tx:
            await imports.discard(tx, workspace, ids.read("import", shown["id"]))

    assert await sender.references() == ["F-2026-00001"]
