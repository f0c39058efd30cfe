"""What was erased stays erased, also after an older backup came back."""

from debts.conftest import WorkspaceApi, read
from getbill.debts import ErasureJournal
from getbill.kit import ids


async def test_an_erasure_is_written_down_once(workspace: WorkspaceApi, tmp_path) -> None:
    debt = await workspace.debt()
    await workspace.call("DELETE", f"/debts/{debt['id']}")
    path = tmp_path / "erasures.jsonl"
    database = workspace.app.state.database

    await ErasureJournal(path).write(database)
    again = await ErasureJournal(path).write(database)

    assert again == 0
    assert path.read_text().count(str(ids.read("debt", debt["id"]))) == 1


async def test_a_debt_that_a_backup_brought_back_is_erased_again(workspace: WorkspaceApi, tmp_path) -> None:
    debt = await workspace.debt()
    path = tmp_path / "erasures.jsonl"
    line = f'\n{{"workspace_id":"{workspace.workspace_id}","debt_id":"{ids.read("debt", debt["id"])}"}}'
    path.write_text(line)

    done = await ErasureJournal(path).erase_again(workspace.app.state.database, workspace.app.state.vault)

    assert done == 1
    assert (await workspace.get(f"/debts/{debt['id']}")).status == 404


async def test_a_line_cut_by_a_crash_spoils_no_other(workspace: WorkspaceApi, tmp_path) -> None:
    gone, stays = await workspace.debt(), await workspace.debt()
    path = tmp_path / "erasures.jsonl"
    path.write_text(
        f'\n{{"workspace_id":"{workspace.workspace_id}","debt_id":"{ids.read("debt", stays["id"])}'
        f'\n{{"workspace_id":"{workspace.workspace_id}","debt_id":"{ids.read("debt", gone["id"])}"}}'
    )

    done = await ErasureJournal(path).erase_again(workspace.app.state.database, workspace.app.state.vault)

    assert done == 1
    assert read(await workspace.get(f"/debts/{stays['id']}")) == stays


async def test_what_another_process_wrote_is_not_written_again(workspace: WorkspaceApi, tmp_path) -> None:
    path = tmp_path / "erasures.jsonl"
    database = workspace.app.state.database
    ours, theirs = ErasureJournal(path), ErasureJournal(path)
    debt = await workspace.debt()
    await workspace.call("DELETE", f"/debts/{debt['id']}")

    written = [
        await theirs.write(database),
        await ours.write(database),
        await ErasureJournal(path).write(database),
    ]

    assert written[0] >= 1
    assert written[1:] == [0, 0]


async def test_only_debts_that_a_backup_brought_back_are_looked_at(workspace: WorkspaceApi, tmp_path) -> None:
    path = tmp_path / "erasures.jsonl"
    path.write_text(f'\n{{"workspace_id":"{workspace.workspace_id}","debt_id":"{ids.new()}"}}')

    done = await ErasureJournal(path).erase_again(workspace.app.state.database, workspace.app.state.vault)

    assert done == 0
