"""The creditor of a debt: named by id or by name, shown, changed, and the way to a list of its debts."""

import base64
from typing import Any

import pytest

from debts.conftest import WorkspaceApi, a_body, read
from getbill import streams
from getbill.kit import ids


async def creditor(workspace: WorkspaceApi, name: str = "Garage Martin") -> str:
    return str(read(await workspace.post("/creditors", {"name": name}))["id"])


async def errors_of(workspace: WorkspaceApi, method: str, path: str, body: Any) -> dict[str, str]:
    answer = await workspace.call(method, path, body)
    assert answer.status == 422, answer.body
    return {error["pointer"]: error["code"] for error in read(answer)["errors"]}


async def test_a_debt_names_its_creditor_by_id(workspace: WorkspaceApi) -> None:
    martin = await creditor(workspace)

    debt = await workspace.debt(creditor_id=martin)

    assert (debt["creditor_id"], debt["company"]) == (martin, "Garage Martin")
    again = read(await workspace.get(f"/debts/{debt['id']}"))
    assert (again["creditor_id"], again["company"]) == (martin, "Garage Martin")


async def test_a_debt_of_the_company_itself_has_no_creditor(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt()

    assert (debt["creditor_id"], debt["company"]) == (None, None)


async def test_a_debt_shows_the_name_of_the_row(workspace: WorkspaceApi) -> None:
    debt = await workspace.debt(company="GARAGE martin")
    await workspace.put(f"/creditors/{debt['creditor_id']}", {"name": "Garage Martin SAS"})

    assert read(await workspace.get(f"/debts/{debt['id']}"))["company"] == "Garage Martin SAS"


@pytest.mark.parametrize("text", ["creditor_01m804scmte4gbpp4yw1mc91gy", "Garage Martin", "debt_1"])
async def test_an_unknown_creditor_is_refused(workspace: WorkspaceApi, text: str) -> None:
    debt = await workspace.debt()

    assert await errors_of(workspace, "POST", "/debts", a_body(creditor_id=text)) == {
        "/creditor_id": "unknown"
    }
    assert await errors_of(workspace, "PUT", f"/debts/{debt['id']}", {"creditor_id": text}) == {
        "/creditor_id": "unknown"
    }


async def test_a_creditor_of_another_workspace_is_unknown(
    workspace: WorkspaceApi, other_workspace: WorkspaceApi
) -> None:
    theirs = await creditor(other_workspace)

    assert await errors_of(workspace, "POST", "/debts", a_body(creditor_id=theirs)) == {
        "/creditor_id": "unknown"
    }


async def test_a_name_beside_the_id_has_to_agree(workspace: WorkspaceApi) -> None:
    martin = await creditor(workspace)

    agreed = await workspace.debt(creditor_id=martin, company="garage  MARTIN")

    assert agreed["creditor_id"] == martin
    wrong = a_body(creditor_id=martin, company="Garage Durand")
    assert await errors_of(workspace, "POST", "/debts", wrong) == {"/company": "disagrees"}


async def test_a_repeated_body_with_a_creditor_is_the_same_debt(workspace: WorkspaceApi) -> None:
    body = a_body(creditor_id=await creditor(workspace))
    first = await workspace.post("/debts", body)

    second = await workspace.post("/debts", body)

    assert (first.status, second.status) == (201, 200)
    assert read(second)["id"] == read(first)["id"]
    assert (await workspace.post("/debts", body | {"creditor_id": None})).status == 409


async def test_a_changed_creditor_is_told_once(workspace: WorkspaceApi) -> None:
    martin, durand = await creditor(workspace), await creditor(workspace, "Garage Durand")
    debt = await workspace.debt(creditor_id=martin)

    changed = read(await workspace.put(f"/debts/{debt['id']}", {"creditor_id": durand}))
    await workspace.put(f"/debts/{debt['id']}", {"company": "GARAGE DURAND"})
    own = read(await workspace.put(f"/debts/{debt['id']}", {"company": None}))

    assert (changed["creditor_id"], changed["company"]) == (durand, "Garage Durand")
    assert (own["creditor_id"], own["company"]) == (None, None)
    await streams.sequence_events(workspace.app.state.database, workspace.workspace_id, None)
    told = read(await workspace.get("/events?limit=100"))["data"]
    changes = [event["data"]["changes"] for event in told if event["event"] == "debt.updated"]
    assert changes == [
        {
            "creditor_id": {"from": martin, "to": durand},
            "company": {"from": "Garage Martin", "to": "Garage Durand"},
        },
        {"creditor_id": {"from": durand, "to": None}, "company": {"from": "Garage Durand", "to": None}},
    ]


async def test_rows_of_a_batch_name_creditors_by_id_and_name(workspace: WorkspaceApi) -> None:
    martin = await creditor(workspace)
    rows = [
        a_body(creditor_id=martin),
        a_body(company="Garage Durand"),
        a_body(creditor_id=ids.show("creditor", ids.new())),
        a_body(creditor_id=martin, company="Garage Durand"),
        a_body(creditor_id="nobody"),
    ]

    batch = read(await workspace.post("/debts/batch", {"debts": rows}))

    findings = batch["error_report"]["findings"]
    assert (batch["created"], batch["errors"]) == (2, 3)
    assert [(finding["index"], finding["column"]) for finding in findings] == [
        (2, "/creditor_id"),
        (3, "/company"),
        (4, "/creditor_id"),
    ]


async def test_debts_are_listed_by_creditor_and_by_debtor(workspace: WorkspaceApi) -> None:
    martin = await creditor(workspace)
    first = await workspace.debt(creditor_id=martin, amount=100)
    second = await workspace.debt(company="Garage Martin", amount=200, debtor={"name": "Ada"})
    third = await workspace.debt(amount=300)

    by_creditor = read(await workspace.get(f"/debts/by-creditor/{martin}?limit=1"))
    cursor = by_creditor["pagination"]["next_cursor"]
    rest = read(await workspace.get(f"/debts/by-creditor/{martin}?limit=1&cursor={cursor}"))
    filtered = read(await workspace.get(f"/debts/by-creditor/{martin}?amount_min=150&status=pending"))
    by_debtor = read(await workspace.get(f"/debts/by-debtor/{first['debtor']['id']}"))

    assert [debt["id"] for debt in by_creditor["data"] + rest["data"]] == [second["id"], first["id"]]
    assert by_creditor["pagination"]["total"] == 2
    assert [debt["id"] for debt in filtered["data"]] == [second["id"]]
    assert [debt["id"] for debt in by_debtor["data"]] == [third["id"], first["id"]]


async def test_a_cursor_of_one_list_is_not_one_of_another(workspace: WorkspaceApi) -> None:
    martin, durand = await creditor(workspace), await creditor(workspace, "Garage Durand")
    for _ in range(2):
        await workspace.debt(creditor_id=martin)
    page = read(await workspace.get(f"/debts/by-creditor/{martin}?limit=1"))

    answer = await workspace.get(
        f"/debts/by-creditor/{durand}?limit=1&cursor={page['pagination']['next_cursor']}"
    )

    assert answer.status == 400


@pytest.mark.parametrize(
    "path",
    [
        "by-creditor/creditor_01m804scmte4gbpp4yw1mc91gy",
        "by-debtor/debtor_01m804scmte4gbpp4yw1mc91gy",
        "by-creditor/x",
    ],
)
async def test_debts_of_somebody_unknown_are_not_found(workspace: WorkspaceApi, path: str) -> None:
    assert (await workspace.get(f"/debts/{path}")).status == 404


async def test_the_creditor_s_logo_heads_its_e_mails(workspace: WorkspaceApi) -> None:
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 40).decode()
    martin = read(await workspace.post("/creditors", {"name": "Garage Martin", "logo": picture}))["id"]
    debt = await workspace.debt(creditor_id=martin)
    path = f"/debts/{debt['id']}/timeline/wave_1_email"

    with_logo = read(await workspace.get(path))["html"]
    await workspace.put(f"/creditors/{martin}", {"logo": None})
    without = read(await workspace.get(path))["html"]

    assert ('src="cid:logo"' in with_logo, 'src="cid:logo"' in without) == (True, False)


async def test_a_preview_for_a_third_party_finds_the_creditor_of_the_body(workspace: WorkspaceApi) -> None:
    await workspace.put("/company/collector", {"collector": "third_party"})
    await workspace.post("/creditors", {"name": "Garage Martin", "mandate_signed_on": "2026-01-15"})
    address = {"street_address": "1 rue Haute", "postal_code": "69002", "city": "Lyon", "country": "FR"}
    body = {"debtor": {"name": "Jean", "address": address}, "amount": 10, "reference": "R"}

    known = await workspace.post(
        "/scenarios/third_party_fr/preview", {"debt": body | {"company": "garage martin"}}
    )
    unknown = await workspace.post(
        "/scenarios/third_party_fr/preview", {"debt": body | {"company": "Durand"}}
    )

    assert read(known)["planned"][0]["due_at"] is not None
    assert read(unknown)["planned"][0]["blocked_by"][0]["rule"] == "CREDITOR-NAMED"
