"""XLS, XLSB and ODS: dates, numbers, merged cells, and what they hide."""

import io
import struct
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from getbill import sheets

HEADER = ["Client", "Facture", "Échéance", "Solde"]
READ = [
    (2, ["Hugo Blanc", "F1", date(2026, 9, 14), 100.5]),
    (3, ["Hugo Blanc", "F2", date(2026, 10, 14), 200]),
    (4, ["Clara Noir", "F3", date(2026, 9, 15), 50]),
]
HIDDEN = (5, ["Caché", "F4", date(2026, 9, 16), 60])
# Serial days as Excel counts them.
SERIALS = [46279, 46309, 46280, 46281]


def xls() -> bytes:
    """Return a workbook as Excel 97 to 2003 writes it: A2:A3 merged, row 5 and column B hidden."""
    return (Path(__file__).parent / "files" / "hidden.xls").read_bytes()


def ods() -> bytes:
    """Return the same as LibreOffice writes it, with the million blank rows below that it adds."""
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )

    def cell(value: object, more: str = "") -> str:
        if value is None:
            return "<table:covered-table-cell/>"
        if isinstance(value, date):
            return f'<table:table-cell office:value-type="date" office:date-value="{value}"><text:p>x</text:p></table:table-cell>'
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"{more}><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>x</text:p></table:table-cell>'

    def row(cells: Sequence[object], more: str = "", first: str = "") -> str:
        inside = cell(cells[0], first) + "".join(map(cell, cells[1:]))
        return f"<table:table-row{more}>{inside}<table:table-cell table:number-columns-repeated='16380'/></table:table-row>"

    spanned = ' table:number-rows-spanned="2" table:number-columns-spanned="1"'
    content = (
        f"<office:document-content {names}><office:body><office:spreadsheet>"
        '<table:table table:name="Autre"><table:table-row table:visibility="collapse"/></table:table>'
        '<table:table table:name="Dettes"><table:table-column/><table:table-column table:visibility="collapse"/>'
        + row(HEADER)
        + row(READ[0][1], first=spanned)
        + row([None, *READ[1][1][1:]])
        + row(READ[2][1])
        + row(HIDDEN[1], ' table:visibility="filter"')
        + '<table:table-row table:number-rows-repeated="1048571"><table:table-cell table:number-columns-repeated="16384"/>'
        "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
    )
    return packed(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": b"<manifest/>",
            "content.xml": content.encode(),
        }
    )


def xlsb() -> bytes:
    """Return the same as Excel writes it in binary (MS-XLSB)."""

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def record(kind: int, data: bytes = b"") -> bytes:
        number = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        size = bytes([len(data)]) if len(data) < 0x80 else bytes([len(data) & 0x7F | 0x80, len(data) >> 7])
        return number + size + data

    def cell(column: int, value: object) -> bytes:
        at = struct.pack("<II", column, 1 if column == 2 else 0)
        if isinstance(value, str):
            return record(6, at + wide(value))
        return record(5, at + struct.pack("<d", value))

    def row(number: int, cells: Sequence[object], *, is_hidden: bool = False) -> bytes:
        head = struct.pack("<IIHBB", number, 0, 300, 0, 0x10 if is_hidden else 0) + b"\0" * 5
        return record(0, head) + b"".join(
            cell(at, value) for at, value in enumerate(cells) if value is not None
        )

    lines = [
        [*cells[:2], serial, cells[3]] for (_, cells), serial in zip([*READ, HIDDEN], SERIALS, strict=True)
    ]
    lines[1][0] = None
    sheet = (
        record(129)
        + record(148, struct.pack("<IIII", 0, 4, 0, 3))
        + record(60, struct.pack("<IIIIH", 1, 1, 2560, 0, 1))
        + record(145)
        + row(0, HEADER)
        + b"".join(row(at, cells, is_hidden=at == 4) for at, cells in enumerate(lines, 1))
        + record(146)
        + record(177, struct.pack("<I", 1))
        + record(176, struct.pack("<IIII", 1, 2, 0, 0))
        + record(178)
        + record(130)
    )
    book = (
        record(131)
        + record(143)
        + record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Dettes"))
        + record(144)
        + record(132)
    )
    styles = (
        record(278)
        + record(617, struct.pack("<I", 2))
        + record(47, struct.pack("<HH", 0, 0) + b"\0" * 12)
        + record(47, struct.pack("<HH", 0, 14) + b"\0" * 12)
        + record(618)
        + record(279)
    )
    links = "http://schemas.openxmlformats.org/package/2006/relationships"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return packed(
        {
            "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": (
                f'<Relationships xmlns="{links}"><Relationship Id="rId1" Type="{kind}/worksheet"'
                f' Target="worksheets/sheet1.bin"/><Relationship Id="rId2" Type="{kind}/styles" Target="styles.bin"/>'
                "</Relationships>"
            ).encode(),
            "xl/styles.bin": styles,
            "xl/worksheets/sheet1.bin": sheet,
        }
    )


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(("content", "name"), [(xls(), "a.xls"), (ods(), "a.ods"), (xlsb(), "a.xlsb")])
def test_other_workbooks_are_read_with_their_dates_merged_cells_and_without_hidden_rows(
    content: bytes, name: str
) -> None:
    with sheets.open(io.BytesIO(content), name) as sheet:
        layout, rows = sheet.layout, list(sheet.rows())
        left_out = sheet.left_out
    assert (layout.headers, layout.sheet) == (tuple(HEADER), "Dettes")
    assert [(row.line, list(row.cells)) for row in rows] == READ
    assert left_out.lines == [(5, "hidden")]
    assert (layout.merged_columns, layout.hidden_columns) == ((0,), (1,))
    assert [note.code for note in layout.notes] == ["hidden_rows", "hidden_columns"]

    with sheets.open(io.BytesIO(content), name, choices=sheets.ReadChoices(with_hidden_rows=True)) as sheet:
        assert [(row.line, list(row.cells)) for row in sheet.rows()] == [*READ, HIDDEN]


@pytest.mark.parametrize("at", range(0, 5_500, 97))
def test_an_old_workbook_with_wrong_bytes_is_read_or_refused(at: int) -> None:
    content = bytearray(xls())
    content[at : at + 4] = b"\xff\xff\xff\x7f"

    try:
        with sheets.open(io.BytesIO(bytes(content)), "a.xls") as sheet:
            list(sheet.rows())
    except sheets.Unreadable as refused:
        assert refused.code  # noqa: PT017 - either way is right
