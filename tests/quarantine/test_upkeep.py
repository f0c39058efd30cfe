"""One part of the upkeep, one erasure or one bounce that fails is set aside, and all others are done."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
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
from quarantine.conftest import Damage, Outlook, shown
from quarantine.test_contacts import ENGLISH


async def test_a_part_of_the_upkeep_that_fails_keeps_no_other_from_being_done(
    site: Site, outlook: Outlook, tmp_path: Path
) -> None:
    database, pool = site.app.state.database, site.app.state.database.pool
    settings = Settings(data_dir=tmp_path, master_key=collecting.MASTER_KEY)
    await pool.execute(
        "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint) VALUES (now() - interval '8 days', 1, 'successful', 0, 'x')"
    )
    await pool.execute("ALTER TABLE sftp_files RENAME TO sftp_files_gone")
    try:
        await maintenance.run_all(database, site.app.state.vault, settings)
    finally:
        await pool.execute("ALTER TABLE sftp_files_gone RENAME TO sftp_files")

    assert (
        await pool.fetchval("SELECT count(*) FROM pgqueuer_log WHERE created < now() - interval '7 days'")
        == 0
    )
    assert await outlook.gauge("job") == 2
    assert await outlook.notes() == ["Quarantined after failures: 2 job. Run `getbill quarantine list`."]
    assert {one.workspace_id for one in await quarantine.list_entries(database)} == {quarantine.INSTALLATION}

    await maintenance.run_all(database, site.app.state.vault, settings)
    assert await quarantine.list_entries(database) == []


async def test_an_erasure_that_cannot_be_repeated_keeps_no_other_from_it_and_its_debt_from_contact(
    site: Site, house: collecting.House, outlook: Outlook, damage: Damage, tmp_path: Path
) -> None:
    place, database = house.place, site.app.state.database
    await place.set_clock("2026-01-05 09:00")
    broken, other = sorted([(await place.debt()).id, (await place.debt(ENGLISH)).id])
    await damage.debtor(broken)
    path = tmp_path / "erasures.jsonl"
    lines = [{"workspace_id": str(place.id), "debt_id": str(one)} for one in (broken, other)]
    path.write_bytes(b"".join(b"\n" + json.write(line) for line in lines))

    assert await ErasureJournal(path).erase_again(database, site.app.state.vault) == 1

    assert (await house.get(f"/debts/{shown(other)}")).status == 404
    assert [(one.kind, one.subject_id) for one in await quarantine.list_entries(database)] == [
        ("erasure", broken)
    ]
    await damage.debtor(broken)
    await place.send_due()
    assert await place.ledger(broken) == [("wave_1_email", "stopped")]
    await outlook.tells("erasure", "Encrypted data cannot be decrypted", shown(broken))


async def test_a_bounce_that_cannot_be_written_down_keeps_no_other_unread(
    site: Site, damage: Damage, tmp_path: Path
) -> None:
    mailbox, state = Mailbox(), site.app.state
    async with serving(mailbox) as smtp:
        place = await collecting.found(state.database, state.vault, live=True)
        place.desk = collecting.replace(place.desk, senders=senders(smtp))
        await place.set_clock("2026-01-05 09:00")
        broken, other = await place.debt(), await place.debt(ENGLISH)
        while await place.send_due_live():
            pass
        await place.desk.senders.close()
    mails = {str(mail["To"]) + str(mail["Subject"]): str(mail["Message-ID"]) for mail in mailbox.received}
    await damage.debtor(broken.id)
    (tmp_path / "new").mkdir()
    for number, message_id in enumerate(mails.values()):
        (tmp_path / "new" / f"{number}").write_bytes(bounce(message_id))

    done = await callbacks.read_bounces(state.database, state.vault, tmp_path)

    assert done == len(mails)
    assert (await place.first(other.id))["state"] == "bounced"
    flags = [path.name[-1] for path in (tmp_path / "cur").iterdir()]
    assert flags.count("F") == flags.count("S") == len(mails) / 2
    assert [one.kind for one in await quarantine.list_entries(state.database)] == ["bounce"] * flags.count(
        "F"
    )


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
    house: collecting.House, outlook: Outlook, damage: Damage, dsn: str, tmp_path: Path
) -> None:
    await house.place.set_clock("2026-01-05 09:00")
    debt = await house.place.debt()
    await damage.debtor(debt.id)
    await house.place.send_due()

    _, listed, _ = await getbill(dsn, tmp_path, "quarantine", "list")
    wrong, _, said = await getbill(dsn, tmp_path, "quarantine", "retry", "aside_01jd3v9wq8e0brt4k2m5n6p7q8")
    (one,) = json.read(listed.encode())["data"]
    _, put_back, _ = await getbill(dsn, tmp_path, "quarantine", "retry", one["id"])
    await damage.debtor(debt.id)
    await house.place.send_due()

    assert (one["kind"], one["subject"], one["tries"]) == ("contact", shown(debt.id), 1)
    assert one["workspace"] == ids.show("workspace", house.place.id)
    assert "Encrypted data cannot be decrypted" in one["reason"]
    assert wrong != 0
    assert "`getbill quarantine list` shows its items" in " ".join(said.split())
    assert json.read(put_back.encode()) == {"put_back": 1}
    assert (await house.place.first(debt.id))["state"] == "delivered"
    assert await outlook.notes() == []
