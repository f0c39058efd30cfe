"""Files over HTTP: sent, read, mapped, imported; every row a debt or a finding."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import aiohttp
import openpyxl
import pytest

import make
from calls import Site
from getbill import imports
from getbill.imports import queries
from getbill.imports.rows.create import ImportPass, LeaseLost
from getbill.imports.runs import tasks
from getbill.kit import ids
from imports.sender import API, HEADERS, Sender, alone, book, by_crew, csv, row, table
from make import Company

COUNTS = {
    "created": 0,
    "updated": 0,
    "unchanged": 0,
    "skipped": 0,
    "rejected": 0,
    "warnings": 0,
    "left_out": {},
    "undone": 0,
    "kept": 0,
    "restored": 0,
}


async def test_a_file_becomes_debts_in_one_call(sender: Sender) -> None:
    answered = await sender.send(csv([row(1), row(2), row(3)]), "?auto=true")

    answer = await by_crew(sender, answered.json()["id"])

    assert answered.status == 202
    assert answered.headers["location"].endswith(answered.json()["id"])
    assert (answer["state"], answer["error"]) == ("completed", None)
    assert answer["counts"]["created"] == 3
    assert await sender.references() == ["F-2026-00001", "F-2026-00002", "F-2026-00003"]
    debt = (await sender.debts())[0]
    assert (debt["amount"], debt["due_date"], debt["debtor"]["email"]) == (
        101.5,
        "2026-01-31",
        "jean.dupont1@example.com",
    )


async def test_what_is_not_certain_waits_for_a_person(sender: Sender) -> None:
    unclear = csv([["F-1", "Jean Dupont", "12,50"]], ["Référence", "Nom", "Quelque chose"])
    import_id = await sender.sent(unclear, "?auto=true")

    answer = await sender.work(import_id)

    mapped = await sender.get(f"/imports/{import_id}/mapping")
    todos = (await sender.get("/todos?type=import_mapping"))["data"]
    assert (answer["state"], answer["waiting_for"], answer["counts"]["created"]) == (
        "needs_mapping",
        "mapping",
        0,
    )
    assert not mapped["is_certain"]
    assert mapped["questions"]
    assert [todo["subject_id"] for todo in todos] == [import_id]
    assert await sender.debts() == []


async def test_a_mapping_is_changed_confirmed_and_remembered(sender: Sender) -> None:
    headers = ["Référence", "Nom", "Quelque chose"]
    first = await sender.sent(csv([["F-1", "Jean Dupont", "12,50"]], headers))
    waiting = await sender.work(first)
    changed = await sender.call(
        "PUT", f"/imports/{first}/mapping", {"columns": {"Quelque chose": "amount"}, "confirm": True}
    )
    done = await sender.work(first)

    again = await sender.imported(csv([["F-2", "Marie Martin", "14,50"]], headers))

    assert waiting["waiting_for"] in {"mapping", "confirmation"}
    assert changed.status == 200, changed.body
    assert done["counts"]["created"] == 1
    assert (again["state"], again["counts"]["created"]) == ("completed", 1)
    assert [debt["amount"] for debt in await sender.debts()] == [12.5, 14.5]


async def test_a_changed_layout_of_a_known_sender_warns_before_anything_is_imported(sender: Sender) -> None:
    base = await sender.sent(csv([row(1)]), "?sender=erp")
    await sender.work(base)
    confirmed = await sender.call("POST", f"/imports/{base}/mapping/confirm")
    await sender.work(base)
    other = [*HEADERS, "Commentaire"]

    answer = await sender.imported(csv([[*row(2), "nouveau"]], other), "?auto=true&sender=erp")

    assert confirmed.status == 202, confirmed.body
    assert answer["state"] == "mapped"
    assert [note["code"] for note in answer["notes"] if note["code"] == "layout-changed"] == [
        "layout-changed"
    ]
    assert await sender.references() == ["F-2026-00001"]


async def test_letters_that_two_encodings_read_differently_wait_for_a_person(sender: Sender) -> None:
    content = "Reference;Name;Email;Amount due;Currency\nF-1;Jan Kovač;jan@example.com;12.50;EUR\n".encode(
        "cp1250"
    )

    answer = await sender.imported(content)
    (todo,) = (await sender.get("/todos?type=import_mapping"))["data"]
    confirmed = await sender.call("POST", f"/imports/{answer['id']}/mapping/confirm")
    done = await sender.work(answer["id"])

    assert answer["state"] == "mapped"
    (note,) = (note["message"] for note in answer["notes"] if note["code"] == "encoding-doubtful")
    assert "è (cp1252) / č (cp1250)" in note
    assert "è (cp1252) / č (cp1250)" in str(todo)
    assert confirmed.status == 202, confirmed.body
    assert done["state"] == "completed"


async def test_a_wrong_row_says_where_it_is_what_is_wrong_and_what_would_be_right(sender: Sender) -> None:
    wrong = row(2, **{"E-mail": "jean.dupont@gmial.com"})
    answer = await sender.imported(csv([row(1), wrong, row(3, **{"Montant dû": "douze"})]))

    french = await sender.findings(answer["id"], Accept_Language="fr-FR,fr;q=0.9")
    english = await sender.findings(answer["id"], Accept_Language="en")

    assert answer["counts"] | {"left_out": {}} == COUNTS | {"created": 1, "rejected": 2}
    assert [(item["line"], item["index"], item["column"], item["letter"]) for item in french] == [
        (3, 1, "E-mail", "C"),
        (4, 2, "Montant dû", "E"),
    ]
    assert (french[0]["code"], french[0]["suggestion"]) == ("email-typo", "jean.dupont@gmail.com")
    assert french[0]["message"] == "Le domaine gmial.com est très proche de gmail.com."
    assert english[0]["message"] == "The domain gmial.com is very similar to gmail.com."
    assert french[1]["value"] == "douze"


async def test_all_suggestions_of_a_kind_are_accepted_at_once(sender: Sender) -> None:
    rows = [row(number, **{"E-mail": f"a{number}@gmial.com"}) for number in range(3)]
    answer = await sender.imported(csv([row(9), *rows]))

    accepted = await sender.call("POST", f"/imports/{answer['id']}/corrections", {"accept": ["email-typo"]})
    done = await sender.work(answer["id"])

    assert answer["counts"]["rejected"] == 3
    assert accepted.status == 202, accepted.body
    assert done["counts"] | {"left_out": {}} == COUNTS | {"created": 4}
    assert {debt["debtor"]["email"] for debt in await sender.debts()} >= {"a0@gmail.com", "a2@gmail.com"}
    assert await sender.findings(answer["id"]) == []


async def test_a_row_is_corrected_by_hand(sender: Sender) -> None:
    answer = await sender.imported(csv([row(1, **{"Montant dû": "douze"}), row(2)]))

    patch = {"line": 2, "column": "Montant dû", "value": "12,00"}
    corrected = await sender.call("POST", f"/imports/{answer['id']}/corrections", {"corrections": [patch]})
    done = await sender.work(answer["id"])

    assert corrected.status == 202, corrected.body
    assert done["counts"] | {"left_out": {}} == COUNTS | {"created": 2}
    assert sorted(debt["amount"] for debt in await sender.debts()) == [12, 102.5]


async def test_rejected_rows_come_back_in_their_layout_and_are_known_when_they_return(sender: Sender) -> None:
    answer = await sender.imported(csv([row(1), row(2, **{"Montant dû": "douze"})]))
    report = await sender.call("GET", f"/imports/{answer['id']}/report?format=csv", Accept_Language="fr")
    header, line = table(report.body)
    line[4] = "12,00"

    again = await sender.imported(csv([line], header))

    assert header == [*HEADERS, "GetBill: finding", "GetBill: suggestion"]
    assert line[6].startswith("Ligne 3 : ")
    assert again["counts"]["created"] == 1
    assert again["counts"]["rejected"] == 0
    assert [debt["amount"] for debt in await sender.debts()] == [101.5, 12]


async def test_the_report_is_a_workbook_too(sender: Sender) -> None:
    answer = await sender.imported(csv([row(1), row(2), row(3, **{"Montant dû": "douze", "Nom": "=1+1"})]))

    rejected = await sender.call("GET", f"/imports/{answer['id']}/report?format=xlsx")
    listed = await sender.call(
        "GET", f"/imports/{answer['id']}/report?format=xlsx&rows=findings", Accept_Language="en"
    )

    assert book(rejected.body)[1][1] == "=1+1"
    assert book(listed.body)[0] == ["Line", "Column", "Value", "Code", "Severity", "Message", "Suggestion"]
    assert book(listed.body)[1][:3] == [4, "Montant dû", "douze"]


async def test_a_report_is_asked_for_codes_that_findings_can_have(sender: Sender) -> None:
    answer = await sender.imported(csv([row(1), row(2, **{"Montant dû": "douze"})]))
    report = f"/imports/{answer['id']}/report"
    (finding,) = (await sender.get(report))["data"]

    same = await sender.get(f"{report}?code={finding['code']}")
    none = await sender.get(f"{report}?code=email-typo")
    unknown = await sender.call("GET", f"{report}?code=nonsense", Accept_Language="en")
    accepted = await sender.call("POST", f"/imports/{answer['id']}/corrections", {"accept": ["nonsense"]})

    assert same["data"] == [finding]
    assert none["data"] == []
    assert (unknown.status, unknown.json()["errors"]) == (
        400,
        [
            {
                "pointer": "code",
                "code": "unknown",
                "detail": f"No finding has the code 'nonsense'. Those of this import have: {finding['code']}.",
            }
        ],
    )
    assert (accepted.status, accepted.json()["errors"][0]["pointer"]) == (422, "/accept/0")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("format=csv&code=email-typo", ["code"]),
        ("format=xlsx&outcome=rejected&limit=5", ["outcome", "limit"]),
        ("rows=rejected", ["rows"]),
        ("rows=findings", []),
        ("format=csv&rows=findings", []),
    ],
)
async def test_a_report_heeds_every_parameter_or_refuses_it(
    sender: Sender, query: str, names: list[str]
) -> None:
    answer = await sender.imported(csv([row(1), row(2, **{"Montant dû": "douze"})]))

    answered = await sender.call("GET", f"/imports/{answer['id']}/report?{query}")

    assert answered.status == (400 if names else 200)
    errors = answered.json()["errors"] if answered.status == 400 else []
    assert [error["pointer"] for error in errors] == names


async def test_a_dry_run_changes_nothing_and_can_be_started(sender: Sender) -> None:
    answer = await sender.imported(
        csv([*map(row, range(1, 12)), row(1), row(12, Nom="")]), "?auto=true&dry_run=true"
    )
    none = await sender.debts()

    started = await sender.call("POST", f"/imports/{answer['id']}/start")
    done = await sender.work(answer["id"])

    assert (answer["state"], answer["waiting_for"], answer["would_create"]) == ("checked", "start", 11)
    assert none == []
    assert started.status == 202, started.body
    assert (done["state"], done["counts"]["created"], done["counts"]["rejected"]) == ("completed", 11, 1)
    assert len(await sender.debts()) == 11


async def test_all_or_nothing_creates_nothing_while_one_row_is_wrong(sender: Sender) -> None:
    content = csv([row(1), row(2, **{"E-mail": "x@gmial.com"})])
    answer = await sender.imported(content, "?auto=true&mode=all_or_nothing")
    none = await sender.debts()

    await sender.call("POST", f"/imports/{answer['id']}/corrections", {"accept": ["email-typo"]})
    done = await sender.work(answer["id"])

    assert (answer["state"], answer["error"]["code"], answer["waiting_for"]) == (
        "failed",
        "findings",
        "corrections",
    )
    assert none == []
    assert (done["state"], done["error"], done["counts"]["created"]) == ("completed", None, 2)
    assert {debt["debtor"]["email"] for debt in await sender.debts()} == {
        "jean.dupont1@example.com",
        "x@gmail.com",
    }


async def test_the_same_file_again_creates_nothing_and_says_so(sender: Sender) -> None:
    content = csv([row(1), row(2)])
    first = await sender.imported(content)

    again = await sender.imported(content)

    assert again["counts"] | {"left_out": {}} == COUNTS | {"unchanged": 2}
    assert again["same_as"] == first["id"]
    assert [note["code"] for note in again["notes"]] == ["same-file"]
    assert len(await sender.debts()) == 2


@pytest.mark.parametrize(
    ("value", "counted", "amount"),
    [("skip", "skipped", 101.5), ("update", "updated", 99), ("error", "rejected", 101.5)],
)
async def test_a_changed_row_of_a_known_reference_changes_the_debt_only_when_asked(
    sender: Sender, value: str, counted: str, amount: float
) -> None:
    await sender.imported(csv([row(1)]))
    changed = csv([row(1, **{"Montant dû": "99,00"})])

    answer = await sender.imported(changed, f"?auto=true&on_duplicate={value}")
    again = await sender.imported(changed, f"?auto=true&on_duplicate={value}")

    assert answer["counts"][counted] == 1
    assert [debt["amount"] for debt in await sender.debts()] == [amount]
    assert again["counts"]["unchanged"] == (1 if value == "update" else 0)


async def test_an_import_is_taken_back_and_frees_its_references(sender: Sender) -> None:
    content = csv([row(1), row(2), row(3)])
    answer = await sender.imported(content)
    paid = (await sender.debts())[1]
    await sender.call("POST", f"/debts/{paid['id']}/payments", {"amount": 10})

    await sender.call("POST", f"/imports/{answer['id']}/undo")
    undone = await sender.work(answer["id"])
    again = await sender.imported(content)

    report = await sender.get(f"/imports/{answer['id']}/report", Accept_Language="en")
    assert (undone["state"], undone["counts"]["undone"], undone["counts"]["kept"]) == ("undone", 2, 1)
    assert [(item["debt_id"], item["line"], item["code"]) for item in report["kept"]] == [
        (paid["id"], 3, "money-moved")
    ]
    assert (again["counts"]["created"], again["counts"]["unchanged"]) == (2, 1)
    assert sorted(debt["status"] for debt in await sender.debts()) == [
        "archived",
        "archived",
        "pending",
        "pending",
        "pending",
    ]


async def test_imported_debts_rest_for_the_grace_period_unless_it_is_skipped(sender: Sender) -> None:
    answer = await sender.imported(csv([row(1)]), "?auto=true&grace_hours=5")
    skipped = await sender.imported(csv([row(2)]), "?auto=true&grace_hours=0")

    rows = await sender.rows(
        "SELECT not_before - created_at AS rest FROM debts WHERE workspace_id = $1 ORDER BY reference",
        sender.workspace_id,
    )

    assert (answer["grace_hours"], answer["contacts_from"] is not None) == (5, True)
    assert (skipped["grace_hours"], skipped["contacts_from"]) == (0, None)
    assert [row["rest"] for row in rows] == [timedelta(hours=5), None]


async def test_a_form_brings_a_file_and_its_wishes(sender: Sender) -> None:
    edge = b"xXx"
    part = b'--xXx\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
    form = part % (b"file", b'; filename="cr\xc3\xa9ances.csv"', csv([row(1)]))
    form += part % (b"auto", b"", b"true") + b"--xXx--\r\n"

    answered = await sender.send(form, Content_Type="multipart/form-data; boundary=" + edge.decode())
    answer = await sender.work(answered.json()["id"])

    assert (answer["name"], answer["auto"], answer["state"]) == ("créances.csv", True, "completed")


async def test_a_key_is_answered_once(sender: Sender) -> None:
    first = await sender.send(csv([row(1)]), Idempotency_Key="k1")
    twin = await sender.send(csv([row(1)]), Idempotency_Key="k1")
    other = await sender.send(csv([row(2)]), Idempotency_Key="k1")

    assert (first.status, twin.status, other.status) == (202, 202, 422)
    assert twin.json()["id"] == first.json()["id"]
    assert (await sender.get("/imports"))["pagination"]["total"] == 1


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {}, 422),
        (b"{}", {"Content_Type": "application/json"}, 415),
        (b"--a--", {"Content_Type": "multipart/form-data; boundary=a"}, 400),
    ],
)
async def test_what_is_no_file_is_refused_and_leaves_nothing(
    sender: Sender, content: bytes, headers: dict[str, str], status: int
) -> None:
    refused = await sender.send(content, **headers)

    left = await sender.rows("SELECT FROM imports WHERE workspace_id = $1", sender.workspace_id)
    assert refused.status == status
    assert left == []


async def test_a_file_that_cannot_be_read_fails_in_words(sender: Sender) -> None:
    answer = await sender.imported(b"%PDF-1.7 nothing of a table")

    assert answer["state"] == "failed"
    assert answer["error"]["message"]
    assert answer["error"]["way_out"]


async def test_another_company_sees_nothing_of_an_import(sender: Sender, client: Site) -> None:
    answer = await sender.imported(csv([row(1)]))
    other = await make.company(sender.installation.database, sender.installation.vault)
    stranger = client.with_token(other.key)

    paths = ["", "/mapping", "/report"]
    answers = [await stranger.get(f"{API}/imports/{answer['id']}{path}") for path in paths]

    assert [item.status for item in answers] == [404, 404, 404]
    assert (await stranger.get(f"{API}/imports")).json()["data"] == []


async def test_erasing_a_debt_drops_the_file_it_came_with(sender: Sender) -> None:
    answer = await sender.imported(csv([row(1), row(2, **{"Montant dû": "douze"})]))
    debt = (await sender.debts())[0]

    erased = await sender.call("DELETE", f"/debts/{debt['id']}")

    left = await sender.rows("SELECT FROM import_chunks WHERE workspace_id = $1", sender.workspace_id)
    mapped = await sender.call("GET", f"/imports/{answer['id']}/mapping")
    findings = await sender.findings(answer["id"])
    assert erased.status == 200
    assert left == []
    assert b"Jean Dupont 1" not in mapped.body
    assert [finding["line"] for finding in findings] == [3]


async def test_files_and_findings_go_after_thirty_days(sender: Sender) -> None:
    answer = await sender.imported(csv([row(1), row(2, **{"Montant dû": "douze"})]))
    await sender.rows(
        "UPDATE imports SET drop_at = drop_at - interval '31 days' WHERE workspace_id = $1",
        sender.workspace_id,
    )

    await imports.drop_expired(sender.installation.database, sender.installation.vault)

    after = await sender.get(f"/imports/{answer['id']}")
    keys = await sender.rows(
        "SELECT FROM vault_keys k JOIN imports i ON k.workspace_id = i.workspace_id AND k.subject_id IN (i.id, i.file_id)"
        " WHERE i.workspace_id = $1",
        sender.workspace_id,
    )
    assert (after["state"], after["counts"]["created"], after["kept_until"]) == ("completed", 1, None)
    assert await sender.findings(answer["id"]) == []
    assert keys == []


async def test_a_workbook_is_imported_as_it_is(sender: Sender) -> None:
    written = openpyxl.Workbook()
    sheet = written.active
    assert sheet is not None
    sheet.append(["Créances au 31/01/2026"])
    sheet.append([])
    sheet.append(HEADERS)
    for number in range(3):
        due = date(2026, 1, 31)
        sheet.append([f"F-{number}", f"Jean {number}", f"j{number}@example.com", None, 10.5 + number, due])
    sheet.append(["Total", None, None, None, 34.5, None])
    content = io.BytesIO()
    written.save(content)

    answer = await sender.imported(content.getvalue())

    assert answer["counts"]["created"] == 3
    assert answer["counts"]["left_out"]["total"] == 1
    assert [debt["amount"] for debt in await sender.debts()] == [10.5, 11.5, 12.5]


async def test_an_import_that_is_going_on_can_be_taken_back(sender: Sender) -> None:
    import_id = await sender.sent(csv([row(number) for number in range(5)]), "?auto=true")
    database, vault = sender.installation.database, sender.installation.vault
    found_id = ids.read("import", import_id)
    workspace = sender.company.sandbox
    fence = await database.pool.fetchval(
        "UPDATE imports SET fence = fence + 1, lease_until = now() + interval '1 hour' WHERE id = $1 RETURNING fence",
        found_id,
    )
    result = await imports.find(database, workspace, found_id)
    key = queries.keys_of(workspace, result).main
    assert key is not None
    await alone(tasks.read, ImportPass(database, workspace, result, key))
    stale = ImportPass(database, workspace, await imports.find(database, workspace, found_id), key)

    undone = await sender.call("POST", f"/imports/{import_id}/undo")
    await tasks.run(database, vault, workspace.id, found_id, fence)
    with pytest.raises(LeaseLost):
        await alone(tasks.import_rows, stale)
    answer = await sender.work(import_id)

    assert undone.status == 202, undone.body
    assert (answer["state"], answer["counts"]["created"]) == ("undone", 0)
    assert await sender.debts() == []


async def test_an_upload_that_broke_off_begins_anew_under_its_id(sender: Sender) -> None:
    database, workspace = sender.installation.database, sender.company.sandbox
    expected = imports.ImportOptions("debts.csv", "sftp", "login", "fr", is_auto=True)
    import_id = ids.new()
    broken = await imports.begin_draft(database, workspace, expected, import_id)
    assert broken is not None
    await broken.store_chunk(database, b"half of a file")

    async def stream() -> AsyncIterator[bytes]:
        yield csv([row(1)])

    result = await imports.create(database, workspace, stream(), expected, import_id=import_id)
    again = await imports.create(database, workspace, stream(), expected, import_id=import_id)
    with pytest.raises(imports.ImportSuperseded):
        await broken.store_chunk(database, b"the other half")

    answer = await sender.work(result.public_id)
    assert (result.id, again.id) == (import_id, import_id)
    # Nobody has confirmed what this login's files look like.
    assert (answer["state"], answer["waiting_for"], answer["size"]) == (
        "mapped",
        "confirmation",
        len(csv([row(1)])),
    )
    assert len((await sender.get("/todos?type=import_mapping"))["data"]) == 1


async def test_a_todo_is_answered_by_importing_or_by_putting_the_file_away(sender: Sender) -> None:
    headers = ["Référence", "Nom", "Quelque chose"]
    import_id = await sender.sent(csv([["F-1", "Jean Dupont", "12,50"]], headers), "?auto=true")
    await sender.work(import_id)
    (todo,) = (await sender.get("/todos?type=import_mapping"))["data"]

    decided = await sender.call("POST", f"/todos/{todo['id']}/decide", {"decision": "discard"})

    answer = await sender.get(f"/imports/{import_id}")
    assert decided.status == 200, decided.body
    assert (answer["state"], answer["waiting_for"]) == ("undone", None)
    assert await sender.rows("SELECT FROM import_chunks WHERE workspace_id = $1", sender.workspace_id) == []


async def test_the_running_processes_import_a_file(running: str, company: Company) -> None:
    head = {"Authorization": f"Bearer {company.key}"}
    form = aiohttp.FormData()
    form.add_field("file", csv([row(1), row(2)]), filename="debts.csv", content_type="text/csv")
    async with aiohttp.ClientSession(running, headers=head) as http, asyncio.timeout(60):
        async with http.post(f"{API}/imports?auto=true", data=form) as sent:
            path = f"{API}/imports/{(await sent.json())['id']}"
        answer: dict[str, Any] = {"doing": "read"}
        while answer["doing"]:
            await asyncio.sleep(0.1)
            async with http.get(path) as answered:
                answer = await answered.json()

    assert sent.status == 202
    assert (answer["state"], answer["counts"]["created"]) == ("completed", 2)
