"""Files in gzip and zip: one is read, everything else is refused with the way out and leaves nothing behind."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from getbill import sheets

CSV = "Référence;Nom;Montant\nA1;Zoé;12,50\nA2;Noël;7,00\n".encode()
ROWS = [["A1", "Zoé", "12,50"], ["A2", "Noël", "7,00"]]
SMALL = replace(sheets.ReadLimits(), bytes_max=1024 * 1024)


@pytest.fixture(autouse=True)
def leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    resource = len(list(Path("/proc/self/fd").iterdir()))

    yield

    assert list(tmp_path.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == resource


def gzipped(content: bytes) -> bytes:
    """Return a gzip archive that is the same at any time, as names of tests must be."""
    return gzip.compress(content, mtime=0)


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("export.csv")
        info.size = len(CSV)
        archive.addfile(info, io.BytesIO(CSV))
    return out.getvalue()


def workbook() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["Référence", "Nom", "Montant"], *ROWS):
        book.active.append(row)  # type: ignore[union-attr] # a new workbook has a sheet
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "inner"),
    [
        (gzipped(CSV), "export.csv.gz", "export.csv"),
        (gzipped(CSV[:20]) + gzipped(CSV[20:]), "export.gz", "export"),
        (gzipped(workbook()), "export.xlsx.gz", "export.xlsx"),
        (zipped(("export.csv", CSV)), "export.zip", "export.csv"),
        (zipped(("export.csv", CSV), method=zipfile.ZIP_STORED), "export.zip", "export.csv"),
        (zipped(("dossier/", b""), ("dossier/dettes.xlsx", workbook())), "export.zip", "dettes.xlsx"),
        (
            zipped(
                ("export.csv", CSV), ("__MACOSX/._export.csv", b"x"), (".DS_Store", b"x"), ("Thumbs.db", b"x")
            ),
            "export.zip",
            "export.csv",
        ),
        # A path is no place to write to: only the name is shown.
        (zipped(("../../etc/cron.d/export.csv", CSV)), "export.zip", "export.csv"),
        (zipped(("C:\\dettes\\export.csv", CSV)), "export.zip", "export.csv"),
    ],
)
def test_the_one_file_of_an_archive_is_read_and_it_is_said_which(
    content: bytes, name: str, inner: str
) -> None:
    with sheets.open(io.BytesIO(content), name) as sheet:
        layout, rows = sheet.layout, list(sheet.rows())
        again = list(sheet.rows(rows[0].line))

    assert [list(row.cells) for row in rows] == ROWS
    assert again == rows[1:]
    notes = [note for note in layout.notes if note.code == "unpacked"]
    assert [dict(note.facts) for note in notes] == [{"file": inner, "archive": name}]
    with sheets.open(io.BytesIO(content), name, layout=sheets.Layout.from_json(layout.to_json())) as sheet:
        assert (list(sheet.rows()), sheet.layout) == (rows, layout)


def locked() -> bytes:
    """Return an archive whose entry says that it is encrypted."""
    content = bytearray(zipped(("export.csv", CSV)))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (zipped(("a.csv", CSV), ("b.csv", CSV)), "archive_of_several"),
        (zipped(("dossier/", b"")), "archive_empty"),
        (zipped(("__MACOSX/._a.csv", b"x")), "archive_empty"),
        (zipped(("a.zip", zipped(("a.csv", CSV)))), "archive_nested"),
        (zipped(("a.csv.gz", gzipped(CSV))), "archive_nested"),
        (gzipped(gzipped(CSV)), "archive_nested"),
        (gzipped(tarred()), "archive_nested"),
        (gzipped(zipped(("a.csv", CSV))), "archive_nested"),
        (locked(), "archive_locked"),
        (zipped(("a.csv", CSV), method=zipfile.ZIP_LZMA), "archive_method"),
        (zipped(("a.csv", CSV), method=zipfile.ZIP_BZIP2), "archive_method"),
        (gzipped(CSV)[:-10], "archive_damaged"),
        (b"\x1f\x8b\x08\0\0\0", "archive_damaged"),
        (zipped(("a.csv", b"0" * 5_000_000)), "archive_too_large"),
        (gzipped(b"0" * 5_000_000), "archive_too_large"),
        (zipped(("a.pdf", b"%PDF-1.7 \0")), "not_a_table"),
        (gzipped(b""), "empty"),
    ],
)
def test_every_other_archive_is_refused_with_the_way_out(content: bytes, code: str) -> None:
    with pytest.raises(sheets.Unreadable) as refused:
        sheets.open(io.BytesIO(content), "export.zip", SMALL)

    assert refused.value.code == code
    for language in ("en", "fr"):
        assert "{" not in refused.value.message.translated(language)
        assert "{" not in refused.value.way_out.translated(language)


def test_bytes_that_rotted_in_an_archive_are_noticed() -> None:
    content = bytearray(zipped(("a.csv", CSV * 100), method=zipfile.ZIP_STORED))
    content[200] ^= 0xFF

    with pytest.raises(sheets.Unreadable) as refused:
        sheets.open(io.BytesIO(bytes(content)), "export.zip")

    assert refused.value.code == "archive_damaged"
