"""Bounces read from a Maildir, each written down on its followup once."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

import collecting
from bounces import bounce
from calls import Site
from collecting import WorkspaceEngine
from getbill import compliance
from getbill.channels.senders import senders
from getbill.contacts import callbacks
from mailserver import Mailbox, serving


async def mailed(site: Site) -> tuple[WorkspaceEngine, UUID, str]:
    """Have a mail server take the first e-mail of a live debt; return that mail's Message-ID."""
    mailbox, state = Mailbox(), site.app.state
    async with serving(mailbox) as smtp:
        workspace = await collecting.new_engine(state.database, state.vault, live=True)
        workspace.context = replace(workspace.context, senders=senders(smtp))
        await workspace.set_clock("2026-01-05 09:00")
        debt = await workspace.debt()
        await workspace.send_due_live()
        await workspace.context.senders.close()
    (mail,) = mailbox.received
    return workspace, debt.id, str(mail["Message-ID"])


def delivered(maildir: Path, **mails: bytes) -> None:
    (maildir / "new").mkdir(exist_ok=True)
    for name, raw in mails.items():
        (maildir / "new" / name).write_bytes(raw)


async def read(workspace: WorkspaceEngine, maildir: Path) -> int:
    return await callbacks.read_bounces(workspace.database, workspace.vault, maildir)


def left(maildir: Path) -> list[str]:
    return sorted(f"{path.parent.name}/{path.name}" for path in maildir.rglob("*") if path.is_file())


async def test_a_bounce_is_written_down_on_its_followup(site: Site, tmp_path: Path) -> None:
    workspace, debt_id, message_id = await mailed(site)
    delivered(tmp_path, one=bounce(message_id))

    count = await read(workspace, tmp_path)

    assert count == 1
    assert (await workspace.ledger(debt_id))[0] == ("wave_1_email", "bounced")
    assert (await workspace.first(debt_id))["reason"] == "bounced: 5.1.1"
    assert await workspace.followups(debt_id) == [("email", "failed")]
    # The debtor's address is known as one that bounces.
    assert (await workspace.events(debt_id))[-3:] == ["followup.completed", "followup.failed", "debt.updated"]
    assert left(tmp_path) == ["cur/one:2,S"]


@pytest.mark.parametrize(("status", "is_suppressed"), [("5.1.1", True), ("5.2.2", False), ("4.4.7", False)])
async def test_mail_that_bounces_for_good_is_followed_by_no_other(
    site: Site, tmp_path: Path, status: str, is_suppressed: bool
) -> None:
    workspace, debt_id, message_id = await mailed(site)
    delivered(tmp_path, one=bounce(message_id, status=status))

    await read(workspace, tmp_path)

    lines = await compliance.suppressed_addresses(workspace.database, workspace.id, 10)
    assert [(line.kind, line.reason) for line in lines] == is_suppressed * [("email", "hard_bounce")]
    for day in ("08", "12"):
        # Nobody carries text messages and calls here.
        await workspace.set_clock(f"2026-01-{day} 09:00")
        await workspace.send_due_live()
    ahead = {row["step"]: row["reason"] or row["state"] for row in await workspace.contacts(debt_id)}
    expected = "never allowed: POLICY-SUPPRESSION" if is_suppressed else "planned"
    assert ahead["wave_2_email"] == expected


async def test_a_bounce_that_is_read_twice_changes_nothing(site: Site, tmp_path: Path) -> None:
    workspace, debt_id, message_id = await mailed(site)
    delivered(tmp_path, one=bounce(message_id))
    await read(workspace, tmp_path)
    before = await workspace.events(debt_id)

    delivered(tmp_path, two=bounce(message_id))
    await read(workspace, tmp_path)

    assert await workspace.events(debt_id) == before
    assert left(tmp_path) == ["cur/one:2,S", "cur/two:2,S"]


async def test_what_is_no_bounce_of_ours_is_left_to_people(site: Site, tmp_path: Path) -> None:
    workspace, debt_id, message_id = await mailed(site)
    before = await workspace.events(debt_id)
    stranger = message_id.replace("workspace_0", "workspace_1")

    delivered(tmp_path, letter=b"Subject: Hello\r\n\r\nHello", other=bounce(stranger))
    await read(workspace, tmp_path)

    assert await workspace.events(debt_id) == before
    assert left(tmp_path) == ["cur/letter:2,F", "cur/other:2,F"]


async def test_a_bounce_of_a_mail_that_is_still_being_handed_over_is_read_later(
    site: Site, tmp_path: Path
) -> None:
    workspace, debt_id, message_id = await mailed(site)
    # As it stands while a worker waits for the server's answer, or died waiting.
    await workspace.database.pool.execute(
        "UPDATE contacts SET state = 'sending' WHERE debt_id = $1 AND step = 'wave_1_email'", debt_id
    )
    await workspace.database.pool.execute(
        "UPDATE followups SET status = 'in_progress', processed_at = NULL WHERE debt_id = $1", debt_id
    )
    delivered(tmp_path, one=bounce(message_id))

    assert await read(workspace, tmp_path) == 0
    assert left(tmp_path) == ["new/one"]

    await workspace.database.pool.execute(
        "UPDATE contacts SET state = 'accepted' WHERE debt_id = $1 AND step = 'wave_1_email'", debt_id
    )
    assert await read(workspace, tmp_path) == 1
    assert (await workspace.ledger(debt_id))[0] == ("wave_1_email", "bounced")


async def test_an_empty_or_missing_mailbox_is_no_trouble(site: Site, tmp_path: Path) -> None:
    workspace, _, _ = await mailed(site)

    assert await read(workspace, tmp_path) == 0
    assert await read(workspace, tmp_path / "nowhere") == 0
