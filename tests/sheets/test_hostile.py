"""Files that mean harm, or are none: each gives a clear error with a way out, soon, and leaves nothing behind."""

import gc
import io
import os
import random
import string
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

import tables
from getbill import sheets

HEADER = "reference;nom;montant;date\n"
ROW = "A1;Dupont;12,50;31/01/2026\n"
SMALL = replace(sheets.ReadLimits(), memory_max=512 * 1024 * 1024, cpu_seconds=10, wait_seconds=20.0)


@pytest.fixture(autouse=True)
def leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    # What earlier tests left to be collected is closed before it is counted, and not between.
    gc.collect()
    before, resource = children.read_text(), len(list(Path("/proc/self/fd").iterdir()))

    yield

    assert list(tmp_path.iterdir()) == []
    assert children.read_text() == before
    assert len(list(Path("/proc/self/fd").iterdir())) == resource


def refused(
    file: io.BytesIO | bytes, name: str = "export.csv", limits: sheets.ReadLimits = SMALL
) -> sheets.Unreadable:
    """Return why a file is not read, after all of its rows were asked for."""
    started = time.monotonic()
    with pytest.raises(sheets.Unreadable) as caught:
        _read(file if isinstance(file, io.BytesIO) else io.BytesIO(file), name, limits)
    assert _is_clear(caught.value)
    assert time.monotonic() - started < 30
    return caught.value


def is_read(content: bytes, name: str) -> bool:
    """Read what may be a table, and say whether it is one; what is none must be refused clearly, not fail."""
    refusal = None
    try:
        _read(io.BytesIO(content), name)
    except sheets.Unreadable as error:
        refusal = error
    assert refusal is None or _is_clear(refusal)
    return refusal is None


def _is_clear(error: sheets.Unreadable) -> bool:
    """Tell whether it says what is wrong and what to do, in whole sentences and in both languages."""
    report = [
        [sentence.translated(language) for sentence in (error.message, error.way_out)]
        for language in ("en", "fr")
    ]
    sentences = [sentence for both in report for sentence in both]
    is_whole = all(sentence.endswith(".") and "{" not in sentence for sentence in sentences)
    return is_whole and report[0] != report[1]


def _read(file: io.BytesIO, name: str, limits: sheets.ReadLimits = SMALL) -> list[sheets.Row]:
    with sheets.open(file, name, limits) as sheet:
        sheets.profile(sheet)
        return list(sheet.rows())


def repacked(workbook: io.BytesIO, changed: dict[str, bytes]) -> io.BytesIO:
    """Return a workbook with some of its parts replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(workbook) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name, old.read(name)))
        for name in changed.keys() - set(old.namelist()):
            new.writestr(name, changed[name])
    return out


def workbook() -> io.BytesIO:
    return tables.xlsx_of([["reference", "nom", "montant"], ["A1", "Dupont", 12.5]])


def test_an_empty_file_says_so() -> None:
    assert refused(b"").code == "empty"
    assert refused(b"\xef\xbb\xbf \r\n\r\n").code == "empty"
    assert refused(b";;;\n;;;\n").code == "empty"


def test_a_header_alone_has_no_rows() -> None:
    assert refused(HEADER.encode()).code == "no_rows"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7\n1 0 obj", "a PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "an image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "an image"),
        (b"7z\xbc\xaf\x27\x1c\0", "a compressed archive"),
        (b"\x7fELF\x02\x01", "a program"),
        (b"MZ\x90\0\x03\0\0", "a program"),
        (b"<!DOCTYPE html><html><table>", "a web page"),
        (b"<?xml version='1.0'?><a/>", "an XML document"),
        (b'{"debts": []}', "a JSON document"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"W\0o\0r\0d\0D\0o\0c\0" + b"\0" * 4_000,
            "an old Office document",
        ),
    ],
)
def test_what_is_no_table_is_named(content: bytes, what: str) -> None:
    for name in ("export.csv", "export.xlsx"):
        error = refused(content, name)

        assert (error.code, error.message) == ("not_a_table", f"The file is {what}, not a table of debts.")


def test_an_archive_that_is_no_workbook_is_named() -> None:
    for inside, what in (
        ("mimetype", "a compressed archive"),
        ("word/document.xml", "a text document or slides"),
    ):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(inside, "x")

        error = refused(file, "export.xlsx")

        assert (error.code, error.message) == ("not_a_table", f"The file is {what}, not a table of debts.")


def test_a_workbook_called_csv_and_a_csv_called_workbook_are_read_as_what_they_are_and_it_is_said() -> None:
    for file, name in ((workbook(), "export.csv"), (io.BytesIO((HEADER + ROW).encode()), "export.xlsx")):
        with sheets.open(file, name) as sheet:
            assert [row.cells[1] for row in sheet.rows()] == ["Dupont"]
            assert [note.code for note in sheet.layout.notes] == ["other_extension"]


def test_a_file_beyond_its_size_is_refused_before_it_is_read() -> None:
    error = refused((HEADER + ROW * 100).encode(), limits=replace(SMALL, bytes_max=1_000))

    assert (error.code, error.facts) == ("too_large", {"limit": 1_000})


def test_an_endless_csv_ends_at_the_limit_of_rows() -> None:
    error = refused((HEADER + ROW * 5_000).encode(), limits=replace(SMALL, rows_max=4_000))

    assert (error.code, error.facts) == ("too_many_rows", {"limit": 4_000})


def test_a_hundred_thousand_columns_are_refused() -> None:
    wide = ";".join(f"colonne {at}" for at in range(100_000)) + "\n" + ";" * 99_999 + "x\n"

    error = refused(wide.encode())

    assert (error.code, error.facts["line"]) in {("too_many_columns", 1), ("line_too_long", 1)}


def test_a_row_of_a_hundred_thousand_cells_below_a_narrow_header_is_refused() -> None:
    error = refused((HEADER + ROW * 400 + ";" * 100_000 + "\n").encode())

    assert (error.code, error.facts) == ("too_many_columns", {"line": 402, "limit": 2_000})


@pytest.mark.parametrize(
    "filler", ["1", "1.", " ", "a@", "a.", "-", "1 ", "(", "A1", "é", "total ", "01/", "'"]
)
def test_long_cells_of_any_one_sign_take_no_time(filler: str) -> None:
    long = filler * (30_000 // len(filler)) + "x"
    row = f"{long};{long};{long};{long}\n"
    started = time.process_time()

    rows = _read(io.BytesIO((HEADER + ROW + row + ROW * 20 + row).encode()), "export.csv")

    with pytest.raises(sheets.CellWrong):
        sheets.read_number(rows[1].cells[2], sheets.NumberShape(",", " ", is_certain=True, why="typed"))
    with pytest.raises(sheets.CellWrong):
        sheets.read_date(rows[1].cells[3], sheets.DateShape("dmy", is_certain=True, why="typed"))
    assert time.process_time() - started < 3


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_cell_of_fifty_megabytes_is_refused(quote: str) -> None:
    file = io.BytesIO(
        (HEADER + ROW + f"A2;{quote}".encode().decode() + "x" * 50_000_000 + f"{quote};1,00;\n").encode()
    )

    error = refused(file)

    assert (error.code, error.facts["line"]) == ("line_too_long", 3)


def test_a_cell_of_many_lines_beyond_the_limit_is_refused() -> None:
    error = refused((HEADER + ROW + 'A2;"' + "ligne\n" * 30_000 + '";1,00;\n').encode())

    assert (error.code, error.facts["line"]) == ("cell_too_long", 3)


def test_nul_bytes_are_refused_wherever_they_stand() -> None:
    error = refused((HEADER + ROW * 3_000 + "A\0;B;1,00;\n").encode())

    assert (error.code, error.facts) == ("nul_bytes", {"line": 3_002})


def test_random_bytes_are_refused_or_read_as_text_and_never_worse() -> None:
    chance = random.Random(5)  # noqa: S311 - the same bytes on every run
    contents = [chance.randbytes(chance.randrange(1, 5_000)) for _ in range(25)]

    read = [is_read(content, "export.csv") for content in contents]

    # What is too short to have a NUL byte passes for text.
    assert read == [b"\0" not in content for content in contents]


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_workbook_is_refused(keep: float) -> None:
    whole = workbook().getvalue()

    assert refused(whole[: int(len(whole) * keep)], "export.xlsx").code in {"truncated", "damaged"}


def test_a_workbook_with_flipped_bytes_is_refused() -> None:
    whole = bytearray(workbook().getvalue())
    chance = random.Random(7)  # noqa: S311 - the same bytes on every run
    read = []

    for _ in range(6):
        broken = bytearray(whole)
        for _ in range(20):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        read.append(is_read(bytes(broken), "export.xlsx"))

    assert read == [False] * 6


def test_a_zip_bomb_is_refused_unopened() -> None:
    bomb = repacked(workbook(), {"xl/media/image1.xml": b"\0" * 60_000_000})

    error = refused(bomb, "export.xlsx", replace(SMALL, unpacked_max=20_000_000))

    assert (error.code, error.facts) == ("unpacks_too_large", {"limit": 20_000_000})


def test_a_sheet_that_unpacks_beyond_memory_is_refused() -> None:
    cell = b'<c r="A1" t="inlineStr"><is><t>' + b"x" * 120_000_000 + b"</t></is></c>"
    head = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    bomb = repacked(workbook(), {"xl/worksheets/sheet1.xml": head + cell + b"</row></sheetData></worksheet>"})

    assert refused(bomb, "export.xlsx", replace(SMALL, memory_max=200_000_000)).code == "too_much_memory"


def test_two_cells_at_the_far_corners_of_a_sheet_take_no_memory() -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page["A1"], page["XFD1048576"] = "nom", "x"
    file = io.BytesIO()
    book.save(file)

    with sheets.open(file, "export.xlsx", SMALL) as sheet:
        assert (sheet.layout.headers, list(sheet.rows())) == (("nom",), [])
        assert [(note.code, note.facts) for note in sheet.layout.notes][-1] == ("far_cells", {"count": 1})


def test_entities_are_refused_unread() -> None:
    sheet = zipfile.ZipFile(workbook()).read("xl/worksheets/sheet1.xml").decode()
    _, _, body = sheet.partition("<worksheet")
    hostile = (
        '<?xml version="1.0"?><!DOCTYPE worksheet [<!ENTITY secret SYSTEM "file:///etc/passwd">]><worksheet'
        + body.replace("Dupont", "&secret;")
    )

    assert (
        refused(repacked(workbook(), {"xl/worksheets/sheet1.xml": hostile.encode()}), "a.xlsx").code
        == "external_entities"
    )


def test_a_workbook_under_a_password_says_so() -> None:
    # A container as Office writes it: a directory that names the package it hides (MS-OFFCRYPTO 2.2).
    locked = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + b"\0" * 1_000
        + "EncryptedPackage".encode("utf-16-le")
        + b"\0" * 3_000
    )

    error = refused(locked, "export.xlsx")

    assert error.code == "password"
    assert error.way_out == "Save it without a password and send it again."


def test_a_workbook_too_slow_to_read_is_given_up() -> None:
    assert refused(workbook(), "export.xlsx", replace(SMALL, wait_seconds=0.001)).code == "too_slow"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ('<row r="1"><c r="A1"><v>1</v></c></row><row r="4294967295"><c r="A4294967295"><v>1</v></c></row>', "damaged"),
        ('<row r="1"><c r="ZZZZZZZZ1"><v>1</v></c></row>', "too_many_columns"),
        ('<row r="-1"><c r="A-1"><v>1</v></c></row>', "damaged"),
        ('<row r="1"><c r="A1" t="s"><v>99999999</v></c></row>', "damaged"),
        ('<row r="1"><c r="A1"><v>1', "damaged"),
    ],
)  # fmt: skip
def test_a_sheet_that_lies_about_its_cells_is_refused(rows: str, code: str) -> None:
    page = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'
    lying = repacked(workbook(), {"xl/worksheets/sheet1.xml": page.encode()})

    assert refused(lying, "export.xlsx").code == code


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    slow = tmp_path / "slow.xlsx"
    with slow.open("wb") as file:
        sheets.write_xlsx(file, ([f"A{at}", "Dupont", at] for at in range(60_000)))
    program = f"import getbill.sheets as sheets; sheets.open(open({str(slow)!r}, 'rb'), 'slow.xlsx')"
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(Path(sheets.__file__).parents[2]), "TMPDIR": str(tmp_path)},
    )
    limited = _waited_for(lambda: _limited_child_of(parent.pid))

    parent.kill()
    parent.wait()

    assert _waited_for(lambda: not Path(f"/proc/{limited}/stat").exists() or _is_dead(limited))
    slow.unlink()


def _waited_for(result: Callable[[], int | bool | None]) -> int:
    """Return what is found, looking for it for a while."""
    for _ in range(2_000):
        if it := result():
            return int(it)
        time.sleep(0.005)
    raise AssertionError


def _limited_child_of(pid: int) -> int | None:
    """Return the child of a process once it has set its limits, its parent's death among them."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        limits = Path(f"/proc/{child}/limits").read_text()
        if "Max cpu time              120" in limits:
            return int(child)
    return None


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_child_sees_no_environment_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/nonexistent")
    monkeypatch.setenv("PYTHONPATH", "/nonexistent")

    assert [row.cells[1] for row in _read(workbook(), "export.xlsx")] == ["Dupont"]


def test_ten_thousand_stray_quotation_marks_cost_no_row() -> None:
    rows = _read(io.BytesIO((HEADER + 'A1;"Dupont;1,00;\n' * 9_999).encode()), "export.csv")

    assert [list(row.cells) for row in rows] == [["A1", '"Dupont', "1,00", ""]] * 9_999
    assert [row.line for row in rows] == list(range(2, 10_001))


def test_a_quotation_mark_that_swallows_thousands_of_rows_costs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    content = (HEADER + 'A0;"Dupont;1,00;\n' + ROW * 6_000).encode()

    assert [row.line for row in _read(io.BytesIO(content), "export.csv")] == list(range(2, 6_003))

    monkeypatch.setattr("getbill.sheets.files.delimited._REPAIRED_MAX", 100_000)
    assert refused(content).facts == {"line": 2}


NAMES = [
    "Ζωή Παπαδοπούλου",
    "Анна Иванова",
    "王小明",
    "محمد علي",
    "\u05d9\u05d5\u05e1\u05d9 \u05db\u05d4\u05df",
    "अनिल",
    "👩\u200d⚖️ Zoé",
    "\uff46\uff55\uff4c\uff4c",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_in_any_script_come_back_as_they_are(name: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        file = io.BytesIO(f"reference;nom;montant\nA1;{name};12,50\n".encode(encoding))
        assert [row.cells[1] for row in _read(file, "export.csv")] == [name]
    assert [
        row.cells[1] for row in _read(tables.xlsx_of([["reference", "nom"], ["A1", name]]), "a.xlsx")
    ] == [name]


def test_any_printable_garbage_is_a_table_or_a_clear_error() -> None:
    chance = random.Random(11)  # noqa: S311 - the same bytes on every run
    texts = ["".join(chance.choices(string.printable, k=chance.randrange(1, 400))) for _ in range(100)]

    read = [is_read(text.encode(), "export.csv") for text in texts]

    assert 60 <= sum(read) <= 80
