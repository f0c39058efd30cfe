"""A person across their debts: what a later debt adds, updates, splits and merges, and who hears of it."""

import asyncio
from typing import Any

import pytest

from debts.conftest import WorkspaceApi, make_workspace, read
from getbill import companies, debts, streams
from getbill.debtors import Identity
from getbill.debts import Details, NewDebt
from getbill.kit import ids
from getbill.kit.money import Money

JEAN = {"name": "Jean Dupont", "email": "jean@example.com", "phone": "+33612345678", "language": "fr"}
MARC = {"name": "Marc Petit", "email": "marc@example.com", "phone": "+33612345600"}


async def changes_of(workspace: WorkspaceApi, debt: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the changes that each `debt.updated` of a debt announces."""
    database = workspace.app.state.database
    while await streams.sequence_events(database, workspace.workspace_id, None):
        pass
    page = read(await workspace.get(f"/events?limit=100&debt_id={debt['id']}"))
    assert not page["has_more"]
    return [event["data"]["changes"] for event in page["data"] if event["event"] == "debt.updated"]


async def planned(workspace: WorkspaceApi, debt: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the planned contacts of a debt, with the states of those before them."""
    rows = await workspace.rows(
        "SELECT step, state FROM contacts WHERE workspace_id = $1 AND debt_id = $2 ORDER BY created_at, attempt",
        workspace.workspace_id,
        ids.read("debt", debt["id"]),
    )
    return [(row["step"], row["state"]) for row in rows]


async def debt_of(workspace: WorkspaceApi, debt: dict[str, Any]) -> Any:
    return read(await workspace.get(f"/debts/{debt['id']}"))


async def debtor_of(workspace: WorkspaceApi, debt: dict[str, Any]) -> Any:
    return read(await workspace.get(f"/debtors/{(await debt_of(workspace, debt))['debtor']['id']}"))


def points(debtor: dict[str, Any], kind: str) -> list[tuple[str, str, bool]]:
    return [(point["value"], point["source"], point["preferred"]) for point in debtor[kind]]


async def test_a_later_debt_adds_an_address_changes_nothing_else_and_every_debt_announces_it(
    workspace: WorkspaceApi,
) -> None:
    first, second = await workspace.debt(debtor=JEAN), await workspace.debt(debtor=JEAN)

    third = await workspace.debt(
        debtor={"name": "DUPONT Jean", "email": "jd@example.com", "phone": "+33612345678", "language": "en"}
    )

    debtor = await debtor_of(workspace, first)
    assert debtor["id"] == third["debtor"]["id"] == second["debtor"]["id"]
    assert (debtor["name"], debtor["email"], debtor["language"]) == ("Jean Dupont", "jean@example.com", "fr")
    assert points(debtor, "emails") == [("jean@example.com", "api", True), ("jd@example.com", "api", False)]
    assert third["debtor"]["emails"] == debtor["emails"]
    for debt in (first, second):
        assert await changes_of(workspace, debt) == [{"debtor": ["emails"]}]
        # A further address moves no contact.
        assert await planned(workspace, debt) == [("wave_1_email", "planned")]
    assert await workspace.history(third) == [(1, "debt.created")]
    assert [(entry["action"], entry["fields"], entry["by"]) for entry in debtor["history"]] == [
        ("updated", ["emails"], None)
    ]


async def test_a_person_is_found_and_recognised_by_a_further_address(workspace: WorkspaceApi) -> None:
    first = await workspace.debt(debtor=JEAN)
    await workspace.debt(debtor=JEAN | {"email": "jd@example.com"})

    again = await workspace.debt(debtor={"name": "Jean Dupont", "email": "jd@example.com"})
    found = read(await workspace.get("/debts?q=jd@example.com"))

    assert again["debtor"]["id"] == first["debtor"]["id"]
    assert len(found["data"]) == 3
    assert await changes_of(workspace, again) == []


async def test_an_unknown_language_and_number_are_filled_and_planned_for(workspace: WorkspaceApi) -> None:
    first = await workspace.debt(debtor={"name": "Jean Dupont", "email": "jean@example.com"})

    await workspace.debt(debtor=JEAN)

    assert await changes_of(workspace, first) == [{"debtor": ["language", "phone", "phones"]}]
    assert await planned(workspace, first) == [("wave_1_email", "stopped"), ("wave_1_email", "planned")]


async def test_an_updated_debtor_is_announced_and_planned_anew_on_every_debt(workspace: WorkspaceApi) -> None:
    debts = [await workspace.debt(debtor=JEAN) for _ in range(3)]
    debtor_id = debts[0]["debtor"]["id"]
    shown = await workspace.get(f"/debtors/{debtor_id}")

    answered = await workspace.put(
        f"/debtors/{debtor_id}",
        {"firstName": "Jeanne", "email": "jeanne@example.com", "dateOfBirth": "1980-02-01"},
        **{"if-match": shown.headers["etag"]},
    )

    assert answered.status == 200, answered.body
    debtor = read(answered)
    assert (debtor["first_name"], debtor["email"], debtor["birthdate"]) == (
        "Jeanne",
        "jeanne@example.com",
        "1980-02-01",
    )
    for debt in debts:
        (changes,) = await changes_of(workspace, debt)
        assert set(changes["debtor"]) >= {"birthdate", "email", "emails", "first_name"}
        assert await planned(workspace, debt) == [("wave_1_email", "stopped"), ("wave_1_email", "planned")]
    again = await workspace.put(
        f"/debtors/{debtor_id}", {"city": "Lyon"}, **{"if-match": shown.headers["etag"]}
    )
    assert again.status in {412, 422}
    stale = await workspace.put(
        f"/debtors/{debtor_id}", {"phone": None}, **{"if-match": shown.headers["etag"]}
    )
    assert stale.status == 412


async def test_a_debt_s_update_of_its_debtor_keeps_the_earlier_address_and_tells_the_siblings(
    workspace: WorkspaceApi,
) -> None:
    first, second = await workspace.debt(debtor=JEAN), await workspace.debt(debtor=JEAN)

    answered = await workspace.put(
        f"/debts/{second['id']}", {"amount": 50, "debtor": {"email": "jd@example.com"}}
    )

    assert answered.status == 200
    assert points(read(answered)["debtor"], "emails") == [
        ("jd@example.com", "api", True),
        ("jean@example.com", "api", False),
    ]
    assert await changes_of(workspace, first) == [{"debtor": ["email", "emails"]}]
    (changes,) = await changes_of(workspace, second)
    assert changes["debtor"] == ["email", "emails"]
    assert changes["amount"]["to"] == 50
    # The one contact of each is planned anew, none twice.
    for debt in (first, second):
        assert await planned(workspace, debt) == [("wave_1_email", "stopped"), ("wave_1_email", "planned")]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"dateOfBirth": "01/02/1980"}, "/dateOfBirth", "day"),
        ({"firstName": "A", "first_name": "B"}, "/firstName", "twice"),
        ({"name": None}, "/name", "required"),
        ({"phone": "12"}, "/phone", "phone"),
        ({"surname": "X"}, "/surname", "unknown"),
    ],
)
async def test_a_wrong_field_of_a_debtor_is_named(
    workspace: WorkspaceApi, body: dict[str, Any], pointer: str, code: str
) -> None:
    debt = await workspace.debt(debtor=JEAN)

    answered = await workspace.put(f"/debtors/{debt['debtor']['id']}", body)

    assert answered.status == 422
    assert pointer in {error["pointer"] for error in read(answered)["errors"]}, (code, answered.body)


async def test_debts_of_another_person_are_split_off_with_their_contacts(workspace: WorkspaceApi) -> None:
    first = await workspace.debt(debtor=JEAN)
    second = await workspace.debt(debtor=JEAN | {"email": "son@example.com"})
    debtor_id = first["debtor"]["id"]

    answered = await workspace.post(
        f"/debtors/{debtor_id}/split",
        {"debts": [second["id"]], "debtor": {"name": "Jean Dupont fils", "email": "son@example.com"}},
    )

    assert answered.status == 201, answered.body
    son = read(answered)
    assert (son["name"], son["debts_count"], son["phone"]) == ("Jean Dupont fils", 1, None)
    moved, stayed = await debt_of(workspace, second), await debtor_of(workspace, first)
    assert moved["debtor"]["id"] == son["id"] != stayed["id"] == debtor_id
    # The address goes with its owner.
    assert points(stayed, "emails") == [("jean@example.com", "api", True)]
    (changes,) = await changes_of(workspace, second)
    assert changes["debtor_id"] == {"from": debtor_id, "to": son["id"]}
    assert changes["debtor"] == ["email", "emails", "language", "name", "phone", "phones"]
    assert await planned(workspace, second) == [("wave_1_email", "stopped"), ("wave_1_email", "planned")]
    assert await changes_of(workspace, first) == [{"debtor": ["emails"]}, {"debtor": ["emails"]}]
    later = await workspace.debt(debtor={"name": "Jean Dupont fils", "email": "son@example.com"})
    own = await workspace.debt(debtor=JEAN)
    assert (later["debtor"]["id"], own["debtor"]["id"]) == (son["id"], debtor_id)
    assert ("split", son["id"], [second["id"]]) in [
        (entry["action"], entry["other_debtor_id"], entry["debts"]) for entry in stayed["history"]
    ]


async def test_merged_debtors_are_one_person_with_every_address_and_code(workspace: WorkspaceApi) -> None:
    first = await workspace.debt(debtor=JEAN | {"reference": "K1"})
    second = await workspace.debt(
        debtor={"name": "J. Dupont", "email": "jd@example.com", "phone": "+33612345601", "reference": "K2"}
    )
    survivor_id, other_id = first["debtor"]["id"], second["debtor"]["id"]

    answered = await workspace.post(f"/debtors/{survivor_id}/merge", {"debtor_id": other_id})

    assert answered.status == 200, answered.body
    debtor = read(answered)
    assert (debtor["id"], debtor["name"], debtor["debts_count"]) == (survivor_id, "Jean Dupont", 2)
    assert points(debtor, "emails") == [("jean@example.com", "api", True), ("jd@example.com", "api", False)]
    assert (debtor["other_names"], debtor["other_references"]) == (["J. Dupont"], ["K2"])
    assert (await debt_of(workspace, second))["debtor"]["id"] == survivor_id
    assert await changes_of(workspace, first) == [
        {"debtor": ["emails", "other_names", "other_references", "phones"]}
    ]
    (changes,) = await changes_of(workspace, second)
    assert changes["debtor_id"] == {"from": other_id, "to": survivor_id}
    assert await planned(workspace, second) == [("wave_1_email", "stopped"), ("wave_1_email", "planned")]
    gone = await workspace.get(f"/debtors/{other_id}")
    assert (gone.status, read(gone)["id"]) == (410, survivor_id)
    for description in (
        {"name": "J. Dupont", "email": "jd@example.com"},
        {"name": "Jean Dupont", "reference": "K2"},
    ):
        assert (await workspace.debt(debtor=description))["debtor"]["id"] == survivor_id
    shown = await debtor_of(workspace, first)
    assert ("merged", other_id, [second["id"]]) in [
        (entry["action"], entry["other_debtor_id"], entry["debts"]) for entry in shown["history"]
    ]
    assert all(entry["by"] for entry in shown["history"] if entry["action"] == "merged")


async def test_a_merge_or_split_that_makes_no_sense_is_refused(
    workspace: WorkspaceApi, other_workspace: WorkspaceApi
) -> None:
    first, second = await workspace.debt(debtor=JEAN), await workspace.debt(debtor=JEAN)
    marc, foreign = await workspace.debt(debtor=MARC), await other_workspace.debt(debtor=JEAN)
    erased = await workspace.debt(debtor={"name": "Eve Noir", "email": "eve@example.com"})
    await workspace.call("DELETE", f"/debts/{erased['id']}")
    jean = f"/debtors/{first['debtor']['id']}"
    person = {"name": "Luc Dupont", "email": "luc@example.com"}

    async def refusal(path: str, body: Any) -> tuple[int, str]:
        answered = await workspace.post(path, body)
        problem = read(answered)
        return answered.status, problem.get("errors", [{"code": problem["type"]}])[0]["code"]

    assert await refusal(f"{jean}/merge", {"debtor_id": first["debtor"]["id"]}) == (422, "same-debtor")
    for other in (foreign, erased):
        assert (await refusal(f"{jean}/merge", {"debtor_id": other["debtor"]["id"]}))[0] == 404
        path = f"/debtors/{other['debtor']['id']}/split"
        assert (await refusal(path, {"debts": [first["id"]], "debtor": person}))[0] == 404
    split = f"{jean}/split"
    assert (await refusal(split, {"debts": [], "debtor": person}))[0] == 422
    assert await refusal(split, {"debts": [first["id"], second["id"]], "debtor": person}) == (
        422,
        "all-debts",
    )
    for other in (marc, foreign, erased):
        assert await refusal(split, {"debts": [other["id"]], "debtor": person}) == (422, "not-theirs")
    assert await refusal(split, {"debts": [first["id"]], "debtor": JEAN}) == (422, "same-person")
    assert (await refusal(split, {"debts": [first["id"]], "debtor": {"email": "x@example.com"}}))[0] == 422
    assert (await debtor_of(workspace, first))["debts_count"] == 2
    assert await changes_of(workspace, first) == []


async def test_of_two_merges_or_splits_at_once_one_wins(workspace: WorkspaceApi) -> None:
    first, second = await workspace.debt(debtor=JEAN), await workspace.debt(debtor=MARC)
    jean, marc = first["debtor"]["id"], second["debtor"]["id"]

    merges = await asyncio.gather(
        workspace.post(f"/debtors/{jean}/merge", {"debtor_id": marc}),
        workspace.post(f"/debtors/{marc}/merge", {"debtor_id": jean}),
    )

    assert sorted(answered.status for answered in merges) == [200, 409]
    winner = next(read(answered)["id"] for answered in merges if answered.status == 200)
    assert next(read(answered)["id"] for answered in merges if answered.status == 409) == winner
    body = {"debts": [second["id"]], "debtor": {"name": "Luc Noir", "email": "luc@example.com"}}
    splits = await asyncio.gather(*(workspace.post(f"/debtors/{winner}/split", body) for _ in range(3)))
    assert sorted(answered.status for answered in splits) == [201, 409, 409]


async def test_a_merge_repeated_says_so(workspace: WorkspaceApi) -> None:
    first, second = await workspace.debt(debtor=JEAN), await workspace.debt(debtor=MARC)
    path, body = f"/debtors/{first['debtor']['id']}/merge", {"debtor_id": second["debtor"]["id"]}
    await workspace.post(path, body)

    again = await workspace.post(path, body)
    reverse = await workspace.put(f"/debtors/{second['debtor']['id']}", {"phone": None})

    assert (again.status, read(again)["id"]) == (409, first["debtor"]["id"])
    assert (reverse.status, read(reverse)["id"]) == (409, first["debtor"]["id"])


async def test_erasure_takes_every_address_and_the_history(workspace: WorkspaceApi) -> None:
    debts = [await workspace.debt(debtor=JEAN | {"email": f"jean{n}@example.com"}) for n in range(2)]
    for debt in debts:
        assert (await workspace.call("DELETE", f"/debts/{debt['id']}")).status == 200

    hashes = await workspace.rows(
        "SELECT FROM debtor_matches WHERE workspace_id = $1", workspace.workspace_id
    )
    history = await workspace.rows(
        "SELECT FROM debtor_history WHERE workspace_id = $1", workspace.workspace_id
    )
    assert (hashes, history) == ([], [])
    assert read(await workspace.get("/debts?q=jean1@example.com"))["data"] == []


async def test_many_changes_of_one_person_at_once_all_end_without_a_deadlock(workspace: WorkspaceApi) -> None:
    debts = [await workspace.debt(debtor=JEAN) for _ in range(4)]
    debtor_id = debts[0]["debtor"]["id"]

    answers = await asyncio.gather(
        *(
            workspace.put(f"/debts/{debt['id']}", {"debtor": {"email": f"j{n}@example.com"}})
            for n, debt in enumerate(debts)
        ),
        *(workspace.put(f"/debtors/{debtor_id}", {"birthdate": f"198{n}-01-01"}) for n in range(3)),
        *(
            workspace.post(
                "/debts", {"debtor": JEAN | {"phone": f"+3361234568{n}"}, "amount": 5, "reference": f"N{n}"}
            )
            for n in range(3)
        ),
    )

    assert {answered.status for answered in answers} <= {200, 201}
    debtor = await debtor_of(workspace, debts[0])
    assert {f"j{n}@example.com" for n in range(4)} < {point["value"] for point in debtor["emails"]}
    assert len([point for point in debtor["emails"] if point["preferred"]]) == 1


async def test_a_person_with_500_debts_is_changed_and_merged(workspace: WorkspaceApi) -> None:
    state = workspace.app.state
    snapshot = await companies.workspace(state.database, state.vault, workspace.workspace_id)
    jean = Identity("Jean Dupont", email="jean@example.com")
    new_debts = [
        NewDebt(jean, Money(10_00, "EUR"), f"M{number}", "standard_3_waves", Details())
        for number in range(500)
    ]
    async with state.database.transaction(snapshot.now()) as tx:
        await debts.create_many(tx, snapshot, new_debts)
    marc = await workspace.debt(debtor=MARC)
    first = read(await workspace.get("/debts?reference=M0"))["data"][0]

    changed = await workspace.put(f"/debtors/{first['debtor']['id']}", {"email": "new@example.com"})
    merged = await workspace.post(
        f"/debtors/{marc['debtor']['id']}/merge", {"debtor_id": first["debtor"]["id"]}
    )

    assert (changed.status, merged.status, read(merged)["debts_count"]) == (200, 200, 501)


async def test_another_workspace_of_the_company_has_other_people(site: Any) -> None:
    one, two = await make_workspace(site), await make_workspace(site)
    debt = await one.debt(debtor=JEAN)

    answered = await two.put(f"/debtors/{debt['debtor']['id']}", {"phone": None})

    assert answered.status == 404
