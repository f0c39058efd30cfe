"""One part of the upkeep, one erasure or one bounce that fails is set aside, and all others are done."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime
from pathlib import Path

import collecting
from bounces import bounce
from calls import Site
from getbill import quarantine
from getbill.channels.senders import senders
from getbill.contacts import callbacks
from getbill.debts import ErasureJournal
from getbill.kit import ids, json
from getbill.process import maintenance
from getbill.settings import Settings
from mailserver import Mailbox, serving
from quarantine.conftest import Damage, Outlook, public_id
from quarantine.test_contacts import ENGLISH


async def test_a_part_of_the_upkeep_that_fails_keeps_no_other_from_being_done(
    site: Site, outlook: Outlook, tmp_path: Path
) -> None:
    database, pool = site.app.state.database, site.app.state.database.pool
    settings = Settings(data_dir=tmp_path, master_key=collecting.MASTER_KEY)
    await pool.execute("UPDATE maintenance SET due_at = now()")
    await pool.execute("ALTER TABLE sftp_files RENAME TO sftp_files_gone")
    try:
        await maintenance.run_all(database, site.app.state.vault, settings)
    finally:
        await pool.execute("ALTER TABLE sftp_files_gone RENAME TO sftp_files")

    assert f"{await pool.fetchval('SELECT due_at FROM maintenance WHERE due_at > now()'):%H:%M}" == "02:17"
    assert await outlook.gauge("job") == 2
    assert await outlook.notes() == ["Quarantined after failures: 2 job. Run `getbill quarantine list`."]
    assert {entry.workspace_id for entry in await quarantine.list_entries(database)} == {
        quarantine.INSTALLATION
    }

    await maintenance.run_all(database, site.app.state.vault, settings)
    assert await quarantine.list_entries(database) == []


async def test_one_worker_runs_the_upkeep_of_a_night_and_catches_up_on_what_nobody_ran(
    site: Site, outlook: Outlook, tmp_path: Path
) -> None:
    database, pool = site.app.state.database, site.app.state.database.pool
    settings = Settings(data_dir=tmp_path, master_key=collecting.MASTER_KEY)
    ticks = [maintenance.maintenance_tick(database, site.app.state.vault, settings) for _ in range(2)]

    async def runs() -> list[bool]:
        """Which of two workers run it, each leaving a mark that only maintenance changes."""
        result = []
        for tick in ticks:
            before = await pool.fetchval("SELECT xmin::text FROM maintenance")
            await tick()
            result.append(await pool.fetchval("SELECT xmin::text FROM maintenance") != before)
        return result

    assert await runs() == [True, True]
    assert await runs() == [False, False]
    await pool.execute("UPDATE maintenance SET due_at = now() - interval '3 days'")
    assert await runs() == [True, False]
    assert maintenance.next_night(datetime(2026, 1, 5, 2, 16, tzinfo=UTC)) == datetime(
        2026, 1, 5, 2, 17, tzinfo=UTC
    )
    assert maintenance.next_night(datetime(2026, 1, 5, 2, 17, tzinfo=UTC)) == datetime(
        2026, 1, 6, 2, 17, tzinfo=UTC
    )


async def test_an_erasure_that_cannot_be_repeated_keeps_no_other_from_it_and_its_debt_from_contact(
    site: Site, workspace: collecting.ContactWorkspace, outlook: Outlook, damage: Damage, tmp_path: Path
) -> None:
    engine, database = workspace.engine, site.app.state.database
    await engine.set_clock("2026-01-05 09:00")
    broken, other = sorted([(await engine.debt()).id, (await engine.debt(ENGLISH)).id])
    await damage.debtor(broken)
    path = tmp_path / "erasures.jsonl"
    lines = [{"workspace_id": str(engine.id), "debt_id": str(item)} for item in (broken, other)]
    path.write_bytes(b"".join(b"\n" + json.write(line) for line in lines))

    assert await ErasureJournal(path).erase_again(database, site.app.state.vault) == 1

    assert (await workspace.get(f"/debts/{public_id(other)}")).status == 404
    assert [(entry.kind, entry.subject_id) for entry in await quarantine.list_entries(database)] == [
        ("erasure", broken)
    ]
    await damage.debtor(broken)
    await engine.send_due()
    assert await engine.ledger(broken) == [("wave_1_email", "stopped")]
    await outlook.tells("erasure", "Encrypted data cannot be decrypted", public_id(broken))


async def test_a_bounce_that_cannot_be_written_down_keeps_no_other_unread(
    site: Site, damage: Damage, tmp_path: Path
) -> None:
    mailbox, state = Mailbox(), site.app.state
    async with serving(mailbox) as smtp:
        workspace = await collecting.new_engine(state.database, state.vault, live=True)
        workspace.context = collecting.replace(workspace.context, senders=senders(smtp))
        await workspace.set_clock("2026-01-05 09:00")
        broken, other = await workspace.debt(), await workspace.debt(ENGLISH)
        while await workspace.send_due_live():
            pass
        await workspace.context.senders.close()
    mails = {str(mail["To"]) + str(mail["Subject"]): str(mail["Message-ID"]) for mail in mailbox.received}
    await damage.debtor(broken.id)
    (tmp_path / "new").mkdir()
    for number, message_id in enumerate(mails.values()):
        (tmp_path / "new" / f"{number}").write_bytes(bounce(message_id))

    done = await callbacks.read_bounces(state.database, state.vault, tmp_path)

    assert done == len(mails)
    assert (await workspace.first(other.id))["state"] == "bounced"
    flags = [path.name[-1] for path in (tmp_path / "cur").iterdir()]
    assert flags.count("F") == flags.count("S") == len(mails) / 2
    assert [entry.kind for entry in await quarantine.list_entries(state.database)] == [
        "bounce"
    ] * flags.count("F")


async def getbill(dsn: str, folder: Path, *words: str) -> tuple[int, str, str]:
    """Run `getbill` as somebody at a command line does; return its status and what it printed."""
    environment = os.environ | {
        "DATABASE_URL": dsn,
        "GETBILL_MASTER_KEY": collecting.MASTER_KEY,
        "GETBILL_DATA_DIR": str(folder),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "getbill", *words), env=environment, stdout=PIPE, stderr=PIPE
    )
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()


async def test_an_operator_lists_what_stands_aside_and_puts_it_back(
    workspace: collecting.ContactWorkspace, outlook: Outlook, damage: Damage, dsn: str, tmp_path: Path
) -> None:
    await workspace.engine.set_clock("2026-01-05 09:00")
    debt = await workspace.engine.debt()
    await damage.debtor(debt.id)
    await workspace.engine.send_due()

    _, listed, _ = await getbill(dsn, tmp_path, "quarantine", "list")
    wrong, _, output = await getbill(dsn, tmp_path, "quarantine", "retry", "aside_01jd3v9wq8e0brt4k2m5n6p7q8")
    (item,) = json.read(listed.encode())["data"]
    _, put_back, _ = await getbill(dsn, tmp_path, "quarantine", "retry", item["id"])
    await damage.debtor(debt.id)
    await workspace.engine.send_due()

    assert (item["kind"], item["subject"], item["tries"]) == ("contact", public_id(debt.id), 1)
    assert item["workspace"] == ids.show("workspace", workspace.engine.id)
    assert "Encrypted data cannot be decrypted" in item["reason"]
    assert wrong != 0
    assert "`getbill quarantine list` shows its items" in " ".join(output.split())
    assert json.read(put_back.encode()) == {"put_back": 1}
    assert (await workspace.engine.first(debt.id))["state"] == "delivered"
    assert await outlook.notes() == []


async def test_an_item_that_cannot_be_removed_keeps_no_other_from_it(
    site: Site, workspace: collecting.ContactWorkspace
) -> None:
    database, pool = site.app.state.database, site.app.state.database.pool
    items = [quarantine.Item(workspace.engine.id, "import", ids.new()) for _ in range(3)]
    for item in items:
        await quarantine.add_separately(database, item, MemoryError())
    await pool.execute("UPDATE quarantine SET retried_at = failed_at - interval '1 hour'")
    await pool.execute(
        f"""
        CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF OLD.subject_id = '{items[1].subject_id}' THEN RAISE EXCEPTION 'refused'; END IF; RETURN OLD;
        END $$;
        CREATE TRIGGER test_refuse BEFORE DELETE ON quarantine FOR EACH ROW EXECUTE FUNCTION test_refuse();
        """
    )
    try:
        await quarantine.remove_proven(database)
    finally:
        await pool.execute("DROP FUNCTION test_refuse CASCADE")

    left = await pool.fetch("SELECT subject_id FROM quarantine")
    assert [row["subject_id"] for row in left] == [items[1].subject_id]
