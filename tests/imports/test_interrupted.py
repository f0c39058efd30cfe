"""An import goes on where its process ended, and what a task no longer finds ends it in words."""

import asyncio
import multiprocessing
from contextlib import closing

import make
from getbill.imports import batch
from getbill.imports.files import ImportFile
from getbill.imports.rows import create_debts
from getbill.imports.runs import tasks
from getbill.kit import json
from getbill.kit.errors import Unavailable
from imports.sender import Sender, alone, csv, row
from make import Company


async def test_an_import_cut_short_after_its_last_row_ends_with_every_debt_once(sender: Sender) -> None:
    import_id = await sender.sent(csv([row(1), row(2)]), "?auto=true")
    await alone(tasks.read, await sender.taken(import_id))
    work = await sender.taken(import_id)
    with closing(ImportFile()) as import_file:
        async for lines, cursor in await tasks._checked_chunks(work, import_file):
            await create_debts(work, lines, cursor)
    interrupted = await sender.get(f"/imports/{import_id}")

    done = await sender.work(import_id)

    assert (interrupted["state"], interrupted["progress"]["rows_done"]) == ("importing", 2)
    assert (done["state"], done["counts"]["created"], done["progress"]["rows_total"]) == ("completed", 2, 2)
    assert await sender.references() == ["F-2026-00001", "F-2026-00002"]


async def test_an_import_whose_bytes_are_gone_fails_and_asks_for_the_file(sender: Sender) -> None:
    import_id = await sender.sent(csv([row(1)]), "?auto=true")
    await sender.rows("DELETE FROM import_chunks WHERE workspace_id = $1", sender.workspace_id)

    failed = await sender.work(import_id)

    shown = await sender.get(f"/imports/{import_id}", Accept_Language="en")
    assert (failed["state"], failed["doing"]) == ("failed", None)
    assert shown["error"] == {
        "code": "file-gone",
        "message": "The file no longer exists.",
        "way_out": "Send it again.",
    }


async def test_checks_under_way_in_a_process_that_dies_all_say_so_and_the_next_succeeds(
    company: Company,
) -> None:
    others = multiprocessing.active_children()
    checkers = batch.Checkers()
    body = json.write({"debts": [make.debt() for _ in range(5_000)]})
    await checkers.check(json.write({"debts": [make.debt()]}), company.sandbox)
    under_way = [asyncio.create_task(checkers.check(body, company.sandbox)) for _ in range(2)]
    await asyncio.sleep(0.05)

    for process in multiprocessing.active_children():
        if process not in others:
            process.kill()
            process.join()
    outcomes = await asyncio.gather(*under_way, return_exceptions=True)
    after = await checkers.check(body, company.sandbox)
    checkers.close()

    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert after.total == 5_000
