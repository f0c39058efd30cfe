"""What was erased stays erased, also after an older backup came back."""

from debts.conftest import House, read
from getbill.debts import ErasureJournal
from getbill.kit import ids


async def test_an_erasure_is_written_down_once(house: House, tmp_path) -> None:
    debt = await house.debt()
    await house.call("DELETE", f"/debts/{debt['id']}")
    path = tmp_path / "erasures.jsonl"
    database = house.app.state.database

    await ErasureJournal(path).write(database)
    again = await ErasureJournal(path).write(database)

    assert again == 0
    assert path.read_text().count(str(ids.read("debt", debt["id"]))) == 1


async def test_a_debt_that_a_backup_brought_back_is_erased_again(house: House, tmp_path) -> None:
    debt = await house.debt()
    path = tmp_path / "erasures.jsonl"
    line = f'\n{{"workspace_id":"{house.workspace_id}","debt_id":"{ids.read("debt", debt["id"])}"}}'
    path.write_text(line)

    done = await ErasureJournal(path).erase_again(house.app.state.database, house.app.state.vault)

    assert done == 1
    assert (await house.get(f"/debts/{debt['id']}")).status == 404


async def test_a_line_cut_by_a_crash_spoils_no_other(house: House, tmp_path) -> None:
    gone, stays = await house.debt(), await house.debt()
    path = tmp_path / "erasures.jsonl"
    path.write_text(
        f'\n{{"workspace_id":"{house.workspace_id}","debt_id":"{ids.read("debt", stays["id"])}'
        f'\n{{"workspace_id":"{house.workspace_id}","debt_id":"{ids.read("debt", gone["id"])}"}}'
    )

    done = await ErasureJournal(path).erase_again(house.app.state.database, house.app.state.vault)

    assert done == 1
    assert read(await house.get(f"/debts/{stays['id']}")) == stays


async def test_what_another_process_wrote_is_not_written_again(house: House, tmp_path) -> None:
    path = tmp_path / "erasures.jsonl"
    database = house.app.state.database
    ours, theirs = ErasureJournal(path), ErasureJournal(path)
    debt = await house.debt()
    await house.call("DELETE", f"/debts/{debt['id']}")

    written = [
        await theirs.write(database),
        await ours.write(database),
        await ErasureJournal(path).write(database),
    ]

    assert written[0] >= 1
    assert written[1:] == [0, 0]


async def test_only_debts_that_a_backup_brought_back_are_looked_at(house: House, tmp_path) -> None:
    path = tmp_path / "erasures.jsonl"
    path.write_text(f'\n{{"workspace_id":"{house.workspace_id}","debt_id":"{ids.new()}"}}')

    done = await ErasureJournal(path).erase_again(house.app.state.database, house.app.state.vault)

    assert done == 0
