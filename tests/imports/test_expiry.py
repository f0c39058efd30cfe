"""After thirty days an import keeps nothing of people: what needs its rows is refused in words, and nothing hangs."""

import pytest

from getbill import imports
from getbill.imports import queries
from getbill.imports.runs.jobs import ImportSupervisor, child_starter
from getbill.kit import ids
from imports.sender import Sender, csv, row

_THEIRS = "SELECT FROM import_chunks WHERE workspace_id = $1"


async def old(sender: Sender, query: str = "?auto=true") -> str:
    """Send a file whose thirty days are over, and have it worked on."""
    answer = await sender.imported(csv([row(1)]), query)
    await sender.rows(
        "UPDATE imports SET drop_at = drop_at - interval '31 days' WHERE workspace_id = $1",
        sender.workspace_id,
    )
    return str(answer["id"])


async def expire(sender: Sender) -> None:
    await imports.drop_expired(sender.installation.database, sender.installation.vault)


@pytest.mark.parametrize(("query", "verb"), [("?auto=true", "undo"), ("?auto=true&dry_run=true", "start")])
async def test_what_needs_the_rows_is_refused_once_they_are_gone(
    sender: Sender, query: str, verb: str
) -> None:
    import_id = await old(sender, query)
    await expire(sender)
    before = await sender.get(f"/imports/{import_id}")

    refused = await sender.call("POST", f"/imports/{import_id}/{verb}")

    assert (refused.status, refused.json()["type"]) == (409, "/problems/import-cannot-move")
    assert "30 days" in refused.json()["detail"]
    assert await sender.get(f"/imports/{import_id}") == before
    assert before["doing"] is None


async def test_a_task_of_an_import_whose_rows_are_gone_ends(sender: Sender) -> None:
    import_id = await old(sender)
    await expire(sender)
    await sender.rows(
        "UPDATE imports SET state = 'undoing', task = 'undo' WHERE workspace_id = $1", sender.workspace_id
    )

    answer = await sender.work(import_id)

    assert (answer["state"], answer["doing"], answer["error"]["code"]) == ("failed", None, "file-gone")


async def test_an_import_whose_rows_are_gone_is_given_up(sender: Sender) -> None:
    import_id = await old(sender)
    await expire(sender)
    (claim,) = await sender.rows(
        "UPDATE imports SET state = 'undoing', task = 'undo', lease_until = now() + interval '1 hour' WHERE workspace_id = $1"
        " RETURNING workspace_id, id, fence, crashes",
        sender.workspace_id,
    )
    installation = sender.installation

    await ImportSupervisor(
        installation.database, installation.vault, child_starter(installation.settings)
    )._fail_import(claim)

    answer = await sender.get(f"/imports/{import_id}")
    assert (answer["state"], answer["doing"], answer["error"]["code"]) == ("failed", None, "gave-up")


async def test_what_somebody_is_deciding_on_is_not_dropped_meanwhile(sender: Sender) -> None:
    import_id = await old(sender)
    database, workspace = sender.installation.database, sender.company.sandbox

    async with database.transaction(workspace.now()) as tx:
        await queries.lock(tx, workspace, ids.read("import", import_id))
        await expire(sender)

    kept = await sender.rows(_THEIRS, sender.workspace_id)
    await expire(sender)
    assert len(kept) == 1
    assert await sender.rows(_THEIRS, sender.workspace_id) == []
