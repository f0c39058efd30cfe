"""Uploads: what cannot be received is refused and leaves nothing, and what is received is listed page by page."""

from collections.abc import AsyncIterator

import pytest

from getbill import imports
from getbill.imports import model
from getbill.imports.actions import finish_draft
from getbill.kit import ids
from imports.sender import Sender, csv, row

FORM = "multipart/form-data; boundary=edge"
OPTIONS = imports.ImportOptions("debts.csv", "sftp", "login", "fr")


def part(name: str, content: bytes, filename: str = "") -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    return f"--edge\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--edge--\r\n"


FILE = part("file", csv([row(1)]), "debts.csv")


async def stored_imports(sender: Sender) -> int:
    return len(await sender.rows("SELECT FROM imports WHERE workspace_id = $1", sender.workspace_id))


@pytest.mark.parametrize(
    ("content", "content_type", "detail"),
    [
        (form(FILE), "multipart/form-data", "The form declares no boundary for its parts."),
        (form(FILE, FILE), FORM, "The form has more than one part `file`: send one file at a time."),
        (form(part("sender", b"x" * 5_000), FILE), FORM, "The form's field 'sender' is too long."),
        (
            b"no boundary at the start",
            FORM,
            "The form cannot be read: its parts are not multipart/form-data (RFC 7578).",
        ),
        (form(part("auto", b"true")), FORM, "The form has no part `file`."),
    ],
    ids=["no boundary", "two files", "a long field", "no form", "no file"],
)
async def test_a_form_without_one_readable_file_is_refused(
    sender: Sender, content: bytes, content_type: str, detail: str
) -> None:
    refused = await sender.send(content, Content_Type=content_type, Accept_Language="en")

    assert (refused.status, refused.json()["detail"]) == (400, detail)
    assert await stored_imports(sender) == 0


async def test_a_field_of_the_form_is_checked_like_the_parameter_of_its_name(sender: Sender) -> None:
    refused = await sender.send(form(part("grace_hours", b"many"), FILE), Content_Type=FORM)

    assert refused.status == 400
    assert [error["pointer"] for error in refused.json()["errors"]] == ["grace_hours"]
    assert await stored_imports(sender) == 0


async def test_a_file_larger_than_the_installation_takes_is_refused_and_leaves_nothing(
    sender: Sender,
) -> None:
    database, workspace = sender.installation.database, sender.company.sandbox

    async def stream() -> AsyncIterator[bytes]:
        yield b"x" * 60
        yield b"x" * 41

    with pytest.raises(model.FileTooLarge, match="more than 100 bytes"):
        await imports.create(database, workspace, stream(), OPTIONS, bytes_max=100)

    assert await stored_imports(sender) == 0


async def test_an_upload_is_finished_only_by_the_last_that_began_it(sender: Sender) -> None:
    database, workspace = sender.installation.database, sender.company.sandbox
    import_id = ids.new()
    first = await imports.begin_draft(database, workspace, OPTIONS, import_id)
    assert first is not None
    await first.store_chunk(database, csv([row(1)]))
    later = await imports.begin_draft(database, workspace, OPTIONS, import_id)
    assert later is not None
    await later.store_chunk(database, csv([row(2)]))

    with pytest.raises(imports.ImportSuperseded):
        async with database.transaction(workspace.now()) as tx:
            await finish_draft(tx, first)
    unfinished = await sender.call("GET", f"/imports/{ids.show('import', import_id)}")
    async with database.transaction(workspace.now()) as tx:
        finished = await finish_draft(tx, later)

    assert unfinished.status == 404
    assert (finished.id, finished.state) == (import_id, "uploaded")
    await sender.work(finished.public_id)
    await sender.call("POST", f"/imports/{finished.public_id}/mapping/confirm")
    await sender.work(finished.public_id)
    assert await sender.references() == ["F-2026-00002"]


async def test_an_upload_that_is_not_finished_within_a_day_is_dropped(sender: Sender) -> None:
    database, workspace = sender.installation.database, sender.company.sandbox
    draft = await imports.begin_draft(database, workspace, OPTIONS)
    assert draft is not None
    await draft.store_chunk(database, b"half of a file")

    await imports.drop_expired(database, sender.installation.vault)
    kept = await stored_imports(sender)
    await sender.rows(
        "UPDATE imports SET drop_at = drop_at - interval '25 hours' WHERE workspace_id = $1",
        sender.workspace_id,
    )
    await imports.drop_expired(database, sender.installation.vault)

    chunks = await sender.rows("SELECT FROM import_chunks WHERE workspace_id = $1", sender.workspace_id)
    assert (kept, await stored_imports(sender), chunks) == (1, 0, [])


async def test_imports_are_listed_newest_first_from_page_to_page(sender: Sender) -> None:
    sent = [await sender.sent(csv([row(number)])) for number in range(3)]

    first = await sender.get("/imports?limit=2")
    second = await sender.get(f"/imports?limit=2&cursor={first['pagination']['next_cursor']}")

    assert [shown["id"] for shown in first["data"]] == [sent[2], sent[1]]
    assert [shown["id"] for shown in second["data"]] == [sent[0]]
    assert (first["pagination"]["total"], second["pagination"]["next_cursor"]) == (3, None)
