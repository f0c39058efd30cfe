"""`getbill import`: a file from the command line, what it says, and the status that scripts read."""

import json
from pathlib import Path

import pytest

from commanding import Run

HEADERS = "Référence;Nom;E-mail;Montant dû;Échéance"
ROWS = [
    f"F-2026-{number:03};Jean Dupont {number};jean.dupont{number}@example.com;{100 + number},50;31/01/2026"
    for number in range(1, 6)
]


@pytest.fixture
async def getbill(getbill: Run) -> Run:
    """Run `getbill` with some words where there is one company."""
    await getbill("company", "create", "Acme", "--email", "hello@acme.example")
    return getbill


def written(folder: Path, rows: list[str], headers: str = HEADERS) -> str:
    file = folder / "debts.csv"
    file.write_text("\n".join([headers, *rows]) + "\n", "utf-8")
    return str(file)


async def test_a_file_is_checked_then_imported_and_again_changes_nothing(
    getbill: Run, tmp_path: Path
) -> None:
    file = written(tmp_path, ROWS)

    checked = await getbill("import", file, "--dry-run", "--json")
    done = await getbill("import", file)
    again = await getbill("import", file, "--json")

    assert (checked.exit_code, done.exit_code, again.exit_code) == (0, 0, 0), (checked.output, done.output)
    assert json.loads(checked.stdout)["state"] == "checked"
    assert json.loads(checked.stdout)["would_create"] == 5
    assert "debts.csv: completed" in done.stdout
    assert "import_" in done.stdout
    assert json.loads(again.stdout)["counts"]["created"] == 0
    assert json.loads(again.stdout)["counts"]["unchanged"] == 5


async def test_refused_rows_are_said_and_written_for_correction(getbill: Run, tmp_path: Path) -> None:
    file = written(tmp_path, [*ROWS[:4], ROWS[4].replace("105,50", "beaucoup")])
    rejected = tmp_path / "rejected.csv"

    output = await getbill("import", file, "--accept", "--rejected", str(rejected))
    nothing = await getbill("import", file, "--accept", "--all-or-nothing", "--json")

    assert output.exit_code == 4, output.output
    assert "line 6, Montant dû:" in output.stderr
    assert len(rejected.read_text("utf-8-sig").splitlines()) == 2
    assert (nothing.exit_code, json.loads(nothing.stdout)["state"]) == (5, "failed")


async def test_columns_nobody_can_tell_are_asked_for_and_named_by_hand(getbill: Run, tmp_path: Path) -> None:
    headers = "aaa;bbb;ccc;ddd;eee"
    file = written(tmp_path, ROWS, headers)
    base = ["aaa=reference", "bbb=name", "ccc=email", "ddd=amount", "eee=due_date"]

    request = await getbill("import", file)
    wrong = await getbill("import", file, "--map", "aaa=nonsense")
    named = await getbill("import", file, *(word for item in base for word in ("--map", item)), "--json")

    assert request.exit_code == 3, request.output
    assert "Nothing was imported" in request.stderr
    assert wrong.exit_code == 1
    assert named.exit_code == 0, named.output
    assert json.loads(named.stdout)["counts"]["created"] == 5


async def test_what_is_no_table_is_refused(getbill: Run, tmp_path: Path) -> None:
    file = tmp_path / "debts.xlsx"
    file.write_bytes(b"PK\x03\x04 this is no workbook")

    refused = await getbill("import", str(file))
    missing = await getbill("import", str(tmp_path / "none.csv"))
    mapped = await getbill("import", str(file), "--map", "amount")

    assert refused.exit_code == 5, refused.output
    assert (missing.exit_code, mapped.exit_code) == (2, 2)
