"""Encodings of files: code pages told apart by language, lines written by several programs, text encoded twice."""

import codecs
import io
import random
import time

import pytest

from getbill import sheets

HEADER = "Référence;Nom;Montant\n"
ROWS = [f"A{at};{name};{at},50\n" for at, name in enumerate(("Hélène Lefèvre", "Zoé Noël", "Benoît Gérard"))]
NAMES = ["Hélène Lefèvre", "Zoé Noël", "Benoît Gérard"]


def read(content: bytes) -> tuple[sheets.Layout, list[object]]:
    """Return the layout and the names, and hold that a stored layout reads the same rows again."""
    with sheets.open(io.BytesIO(content), "export.csv") as sheet:
        layout, rows = sheet.layout, list(sheet.rows())
    with sheets.open(
        io.BytesIO(content), "export.csv", layout=sheets.Layout.from_json(layout.to_json())
    ) as sheet:
        assert list(sheet.rows()) == rows
    return layout, [row.cells[1] for row in rows]


CENTRAL, TURKISH, BALTIC = ("cp1250", "iso8859-2", "cp852"), ("cp1254", "iso8859-9"), ("cp1257",)
GREEK, CYRILLIC = ("cp1253", "iso8859-7"), ("cp1251", "koi8-r", "cp866")
WESTERN = ("cp1252", "mac_roman", "cp850", "iso8859-15")
# A header and three names in each language, and the pages it is written in.
LANGUAGES = (
    (CENTRAL, "Číslo;Odběratel;Částka", "Truhlářství Dvořák s.r.o.", "Šárka Říhová", "Pivovar U Kříže"),
    (CENTRAL, "Doklad;Firma;Celkem", "Zámečnictví Kohout", "Květa Štěpánková", "Hostinec Na Růžku"),
    (CENTRAL, "Faktúra;Odberateľ;Suma", "Pekáreň Hruška", "Ľuboš Ďuriš", "Stolárstvo Kňažko"),
    (CENTRAL, "Numer;Nabywca;Należność", "Stolarnia Dębowa", "Żaneta Gołębiewska", "Sławomir Pięta"),
    (CENTRAL, "Számla;Vevő;Összeg", "Gőzmosoda Kft.", "Győrfi Erzsébet", "Tűzoltó Kör"),
    (CENTRAL, "Număr;Denumire;Sumă", "Băcănia Veche SRL", "Ştefania Lupaşcu", "Dănilă Frăţilă"),
    (CENTRAL, "Račun;Kupac;Iznos", "Stolarija Šarić d.o.o.", "Vlatka Đurić", "Pržionica Čavić"),
    (CENTRAL, "Račun;Stranka;Znesek", "Čebelarstvo Božnik s.p.", "Nežka Žagar", "Slaščičarna Kos"),
    (TURKISH, "Fatura;Müşteri;Tutar", "Çiçekçi Işıl", "Gökhan Yıldırım", "Şen Kardeşler İnşaat A.Ş."),  # noqa: RUF001
    (BALTIC, "Sąskaita;Pirkėjas;Suma", "Kepykla Ąžuolas", "Živilė Grigaitė", "UAB Šaltinių šviesa"),
    (BALTIC, "Rēķins;Pircējs;Summa", "Maizes ceptuve Ķiršu", "Ieva Šķēle", "SIA Mežciems būve"),
    (("cp1257", "cp1252", "iso8859-15"), "Arve;Klient;Summa", "Õuna Talu OÜ", "Jüri Põldmäe", "Tõnu Lõhmus"),
    (GREEK, "Τιμολόγιο;Πελάτης;Ποσό", "Φούρνος Η Ανατολή", "Ευαγγελία Ζερβού", "Χρήστος Ξανθός"),  # noqa: RUF001
    (CYRILLIC, "Счёт;Покупатель;Сумма", "ООО Берёзка", "Юлия Фёдорова", "Столярная мастерская"),  # noqa: RUF001
    (("cp1251", "koi8-u"), "Рахунок;Покупець;Сума", "ТОВ Вінницький сад", "Ганна Гірник", "Євген Їжак"),  # noqa: RUF001
    (("cp1251",), "Фактура;Купувач;Сума", "Хляб и сол ЕООД", "Цветана Жекова", "Щерьо Ъглов"),
    (WESTERN, "Référence;Débiteur;Reste", "Crèmerie Lefèvre", "Anaël Guérin", "Hôtel de la Forêt"),
    (WESTERN, "Nummer;Kunde;Fällig", "Möbel Krüger GmbH", "Jörg Weißhäupl", "Änderungsschneiderei"),
    (WESTERN, "Número;Cliente;Importe", "Muñoz y Peña S.L.", "Begoña Ibáñez", "Panadería Cañón"),
    (WESTERN, "Número;Cliente;Saldo", "Padaria Irmãos Simões", "João Conceição", "Sebastião Leitões"),
    (WESTERN, "Numero;Cliente;Scadenza", "Caffè Libertà", "Niccolò Salò", "Società Virtù"),
    (WESTERN, "Fakturanr;Kunde;Beløb", "Bageri Rødgrød", "Søren Kjærgård", "Ålborg Værft"),
    (WESTERN, "Fakturanr;Kund;Belopp", "Måleri Åkerström", "Göran Hägglöf", "Östersjö Båtar"),
    (("cp1252", "iso8859-15"), "Númer;Nafn;Upphæð", "Bakarí Þórarins", "Sigríður Ýr", "Guðmundur Æsir"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("page", "header", "names"),
    [(page, header, names) for pages, header, *names in LANGUAGES for page in pages],
    ids=[f"{header.split(';')[1]}-{page}" for pages, header, *_ in LANGUAGES for page in pages],
)
def test_three_names_are_read_in_the_code_page_of_their_language(
    page: str, header: str, names: list[str]
) -> None:
    rows = [f"A{at};{name};{at},50" for at, name in enumerate(names, 1)]

    layout, read_names = read("\r\n".join([header, *rows, ""]).encode(page))

    assert (list(layout.headers), read_names, layout.notes) == (header.split(";"), names, ())


def test_names_of_neighbours_stand_in_a_file_of_one_code_page() -> None:
    names = ["Gärtnerei Grün GmbH", "Łukasz Żak", "Tomáš Říha", "Gyöngyösi Győző", "Božo Đukić"]
    rows = [f"A{at};{name};{at}.50" for at, name in enumerate(names)]

    layout, read_names = read("\n".join(["Number;Customer;Amount", *rows]).encode("cp1250"))

    assert (read_names, layout.encoding, layout.notes) == (names, "cp1250", ())


def test_lines_in_a_central_european_page_stand_beside_lines_in_utf_8() -> None:
    names = ["Šárka Říhová", "Truhlářství Dvořák", "Květa Štěpánková"]
    lines = [f"A{at};{name};{at},50\n" for at, name in enumerate(names)]

    layout, read_names = read(
        "Číslo;Odběratel;Částka\n".encode() + lines[0].encode() + "".join(lines[1:]).encode("cp1250")
    )

    assert (read_names, layout.encoding) == (names, "utf-8-mixed-cp1250")


@pytest.mark.parametrize(
    ("content", "readings"),
    [
        # A single letter that two languages could have written.
        ("ref;name\nA1;Kovač\n".encode("cp1250"), ": è (cp1252) / č (cp1250)"),
        ("ref;name\nA1;Nõmme\n".encode("cp1252"), ": õ (cp1252) / ő (cp1250)"),
        # Two capitals of a Romanian town that are a letter in UTF-8.
        ("nr;client\nA1;ORĂŞENI\nA2;Ştefan Bălan\nA3;Brânză Ţară\n".encode("cp1250"), ""),
        # Hebrew, which is none of the pages tried.
        ("מספר;שם;סכום\nA1;משה לוי;1\nA2;שרה אברהם;2\n".encode("cp1255"), ""),
    ],
)
def test_what_fits_no_encoding_or_two_is_said_with_its_letters(content: bytes, readings: str) -> None:
    layout, _ = read(content)

    (note,) = (note for note in layout.notes if note.code == "encoding_doubtful")
    assert note.facts["readings"] == readings


@pytest.mark.parametrize("foreign", ["cp1252", "mac_roman", "cp850"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("foreign_rows", [{0}, {1}, {0, 2}, {0, 1, 2}])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_each_line_is_read_in_its_own_encoding(
    foreign: str, mark: bytes, foreign_rows: set[int], ending: str
) -> None:
    lines = [HEADER.encode()] + [
        row.encode(foreign if at in foreign_rows else "utf-8") for at, row in enumerate(ROWS)
    ]
    content = mark + b"".join(lines).replace(b"\n", ending.encode())

    layout, names = read(content)

    answer = {"mac_roman": "mac-roman"}.get(foreign, foreign)
    assert names == NAMES
    assert layout.headers == ("Référence", "Nom", "Montant")
    assert layout.encoding == f"utf-8-mixed-{answer}"
    facts = {"encoding": answer, "count": len(foreign_rows), "others": 4 - len(foreign_rows)}
    assert [(note.code, dict(note.facts)) for note in layout.notes] == [("mixed_encoding", facts)]


@pytest.mark.parametrize("through", ["latin-1", "mac_roman", "cp850"])
def test_letters_encoded_twice_are_restored_and_it_is_said(through: str) -> None:
    layout, names = read((HEADER + "".join(ROWS)).encode().decode(through).encode())

    assert (names, layout.headers) == (NAMES, ("Référence", "Nom", "Montant"))
    assert [note.code for note in layout.notes] == ["encoded_twice"]


def test_lines_encoded_twice_beside_right_ones_and_foreign_ones_are_all_restored() -> None:
    twice = ROWS[0].encode().decode("cp1252").encode()

    layout, names = read(HEADER.encode() + twice + ROWS[1].encode("cp1252") + ROWS[2].encode())

    assert names == NAMES
    assert [note.code for note in layout.notes] == ["mixed_encoding", "encoded_twice"]


@pytest.mark.parametrize(
    ("row", "encoding", "name"),
    [
        # Valid UTF-8 by accident: a capital before a no-break space.
        ("A9;CAFÉ\xa0: DUPONT;1\n".encode("cp1252"), "cp1252", "CAFÉ\xa0: DUPONT"),
        ("A9;IRMÃ\xa0JOÃO;1\n".encode(), "utf-8", "IRMÃ\xa0JOÃO"),
        ("A9;Łukasz Żółć;1\n".encode(), "utf-8", "Łukasz Żółć"),
        ("A9;Γιώργος;1\n".encode(), "utf-8", "Γιώργος"),
        ("A9;王秀英;1\n".encode(), "utf-8", "王秀英"),
        # Both in one line: a name and a note from two programs.
        ("A9;Lefèvre;".encode() + "café\n".encode("cp1252"), "utf-8-mixed-cp1252", "Lefèvre"),
    ],
)
def test_a_line_that_only_seems_mixed_is_read_as_it_was_written(row: bytes, encoding: str, name: str) -> None:
    layout, names = read(b"reference;nom;montant\n" + row)

    assert (names, layout.encoding) == ([name], encoding)


def test_letters_lost_before_the_file_came_are_said() -> None:
    layout, names = read((HEADER + "A1;Lef\ufffdvre;1\n").encode())

    assert names == ["Lef\ufffdvre"]
    assert [(note.code, note.facts) for note in layout.notes] == [("letters_lost", {"count": 1})]


def test_a_foreign_line_behind_blocks_of_utf_8_is_read_in_any_cut() -> None:
    draw = random.Random(11)  # noqa: S311 - test data
    rows = [draw.choice(ROWS).encode(draw.choice(["utf-8", "utf-8", "cp1252"])) for _ in range(60_000)]
    started = time.monotonic()

    _, names = read(HEADER.encode() + b"".join(rows))

    assert set(names) == set(NAMES)
    assert len(names) == 60_000
    assert time.monotonic() - started < 10


def test_a_mixed_line_without_end_is_refused() -> None:
    content = HEADER.encode() + "é".encode() * 3_000_000 + b"\xe9" * 3_000_000

    with pytest.raises(sheets.Unreadable) as refused, sheets.open(io.BytesIO(content), "export.csv") as sheet:
        list(sheet.rows())

    assert refused.value.code == "line_too_long"


def test_a_sign_of_a_currency_alone_makes_a_line_utf_8() -> None:
    with sheets.open(io.BytesIO("Invoice;Name;Due\nA1;Asha;₹1,18,000.00\n".encode()), "export.csv") as sheet:
        assert [row.cells[2] for row in sheet.rows()] == ["₹1,18,000.00"]
