"""One row or import that fails is set aside, and all others become debts."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from getbill import imports, quarantine, todo_decisions
from getbill.imports.runs.jobs import ImportSupervisor, child_starter
from getbill.kit import ids
from imports.sender import Sender, by_crew, csv, row
from installation import Installation

SEAL = "Encrypted data cannot be decrypted"
OWNER = "id = (SELECT debtor_id FROM debts WHERE workspace_id = $1 AND reference = $2)"


@pytest.fixture(autouse=True)
async def empty(installation: Installation) -> AsyncIterator[None]:
    """Nothing stands aside from an earlier test, nor does a later one find anything."""
    await installation.database.pool.execute("TRUNCATE quarantine")
    yield
    await installation.database.pool.execute("TRUNCATE quarantine")


async def spoil(sender: Sender, table: str, column: str, condition: str, *values: object) -> None:
    """Turn the last bit of a sealed value; once more, and it is whole again."""
    last = f"octet_length({column}) - 1"
    done = await sender.installation.database.pool.execute(
        f"UPDATE {table} SET {column} = set_byte({column}, {last}, get_byte({column}, {last}) # 1) WHERE {condition}",
        *values,
    )
    assert done != "UPDATE 0"


async def todos(sender: Sender) -> list[str]:
    return [todo["reason"] for todo in (await sender.get("/todos?type=set_aside&state=open"))["data"]]


async def left(sender: Sender) -> list[str]:
    """Return the references of debts that are not taken back, without opening any."""
    rows = await sender.rows(
        "SELECT reference FROM debts WHERE workspace_id = $1 AND undone_at IS NULL", sender.workspace_id
    )
    return [row["reference"] for row in rows]


def uuid_of(import_id: str) -> UUID:
    return UUID(int=ids.read(import_id.partition("_")[0], import_id).int)


@pytest.mark.parametrize("query", ["", "&mode=all_or_nothing", "&dry_run=true"])
async def test_a_row_whose_debt_does_not_open_is_refused_and_the_others_go_on(
    sender: Sender, query: str
) -> None:
    await sender.imported(csv([row(number) for number in range(1, 11)]))
    reference = "F-2026-00004"
    await spoil(sender, "debtors", "identity", OWNER, sender.workspace_id, reference)

    changed = [row(number, **{"Montant dû": f"{number},00"}) for number in range(1, 13)]
    done = await sender.imported(csv(changed), f"?auto=true&on_duplicate=update{query}")

    output = [
        (finding["line"], finding["outcome"], finding["message"])
        for finding in await sender.findings(done["id"])
        if finding["code"] == "row-failed"
    ]
    assert [(line, outcome) for line, outcome, _ in output] == [(5, "rejected")]
    # In the language of the company, as every finding of a file.
    assert "Des données chiffrées ne peuvent pas être déchiffrées" in output[0][2]
    expected = {"": "completed", "&mode=all_or_nothing": "failed", "&dry_run=true": "checked"}
    assert done["state"] == expected[query]
    if not query:
        counts = done["counts"]
        assert (counts["created"], counts["updated"], counts["rejected"]) == (2, 9, 1)
    (reason,) = await todos(sender)
    assert reason.startswith("row import_")
    assert f"line 5: {SEAL}" in reason
    assert await quarantine.counts(sender.installation.database) == {"row": 1}


async def test_taking_back_leaves_a_debt_that_does_not_open_and_no_other(sender: Sender) -> None:
    result = await sender.imported(csv([row(number) for number in range(1, 11)]))
    await spoil(sender, "debtors", "identity", OWNER, sender.workspace_id, "F-2026-00004")

    await sender.call("POST", f"/imports/{result['id']}/undo")
    done = await sender.work(result["id"])

    assert (done["state"], done["counts"]["undone"], done["counts"]["kept"]) == ("undone", 9, 1)
    assert await left(sender) == ["F-2026-00004"]
    (reason,) = await todos(sender)
    assert f"line 5 stays: {SEAL}" in reason


async def test_giving_back_leaves_a_change_that_does_not_open_and_no_other(sender: Sender) -> None:
    await sender.imported(csv([row(number) for number in range(1, 11)]))
    changed = [row(number, **{"Montant dû": f"{number},00"}) for number in range(1, 11)]
    result = await sender.imported(csv(changed), "?auto=true&on_duplicate=update")
    place = "import_id = $1 AND line = 5"
    await spoil(sender, "import_changes", "sealed", place, uuid_of(result["id"]))

    await sender.call("POST", f"/imports/{result['id']}/undo")
    done = await sender.work(result["id"])

    assert (done["state"], done["counts"]["restored"], done["counts"]["kept"]) == ("undone", 9, 1)
    amounts = {debt["reference"]: debt["amount"] for debt in await sender.debts()}
    assert [reference for reference, amount in amounts.items() if amount < 100] == ["F-2026-00004"]
    (reason,) = await todos(sender)
    assert f"the change of line 5 stays: {SEAL}" in reason


async def test_an_import_that_nobody_can_open_is_set_aside_and_others_are_done(sender: Sender) -> None:
    installation, database = sender.installation, sender.installation.database
    await database.pool.execute("UPDATE imports SET task = NULL, state = 'failed' WHERE task IS NOT NULL")
    broken = await sender.sent(csv([row(1)]), "?auto=true")
    other = await sender.sent(csv([row(2)]), "?auto=true")
    place = "workspace_id = $1 AND subject_id = $2"
    await spoil(sender, "vault_keys", "wrapped", place, sender.workspace_id, uuid_of(broken))
    # As often as its children die of it.
    await database.pool.execute("UPDATE imports SET crashes = 12 WHERE id = $1", uuid_of(broken))
    crew = ImportSupervisor(database, installation.vault, child_starter(installation.settings))

    assert await crew.tick()
    await crew.close()

    assert [(entry.kind, entry.subject_id) for entry in await quarantine.list_entries(database)] == [
        ("import", uuid_of(broken))
    ]
    (reason,) = await todos(sender)
    assert SEAL in reason
    assert (await by_crew(sender, other))["state"] == "completed"
    assert not await crew.tick()

    await spoil(sender, "vault_keys", "wrapped", place, sender.workspace_id, uuid_of(broken))
    (aside,) = await quarantine.list_entries(database)
    assert await todo_decisions.retry(database, installation.vault, aside)
    assert (await by_crew(sender, broken))["state"] == "completed"


async def test_an_import_given_up_asks_a_person(sender: Sender) -> None:
    installation, database = sender.installation, sender.installation.database
    broken = await sender.sent(csv([row(1)]), "?auto=true")
    await database.pool.execute("UPDATE imports SET crashes = 12 WHERE id = $1", uuid_of(broken))
    crew = ImportSupervisor(database, installation.vault, child_starter(installation.settings))

    while await crew.tick():
        pass
    await crew.close()

    assert (await sender.get(f"/imports/{broken}"))["state"] == "failed"
    (reason,) = await todos(sender)
    assert "interrupted 12 times before completion" in reason


async def test_an_import_that_cannot_be_dropped_keeps_no_other_from_it(sender: Sender) -> None:
    database = sender.installation.database
    broken, other = [await sender.imported(csv([row(number)])) for number in (1, 2)]
    broken_id, other_id = uuid_of(broken["id"]), uuid_of(other["id"])
    await database.pool.execute(
        "UPDATE imports SET drop_at = now() - interval '1 day' WHERE id = ANY($1)", [broken_id, other_id]
    )
    await database.pool.execute(
        f"ALTER TABLE imports ADD CONSTRAINT test_refused CHECK (NOT (id = '{broken_id}' AND drop_at IS NULL)) NOT VALID"
    )
    try:
        await imports.drop_expired(database, sender.installation.vault)
    finally:
        await database.pool.execute("ALTER TABLE imports DROP CONSTRAINT test_refused")

    left = await database.pool.fetch(
        "SELECT id FROM imports WHERE drop_at IS NOT NULL AND id = ANY($1)", [broken_id, other_id]
    )
    assert [row["id"] for row in left] == [broken_id]
    assert [entry.subject_id for entry in await quarantine.list_entries(database)] == [broken_id]
