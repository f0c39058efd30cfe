"""The word lists that come with the program: each loads, each is used, and a new word is read at once."""

import re
import tomllib
from pathlib import Path

import pytest

import getbill
from getbill.kit.text.word_lists import WordLists
from getbill.mapping.row_status.words import states, status_of
from getbill.mapping.vocabulary import CIVILITIES, countries, legal_forms, parse_header

SOURCE = Path(getbill.__file__).parent
FILES = sorted(
    path
    for package in ("mapping", "sheets", "debtors", "imports")
    for path in (SOURCE / package).rglob("*.toml")
)
# A table that is read as a whole, of which no list is named in the code.
WHOLE = re.compile(
    r"\.(?:table|all_words|patterns|rules|concepts|concepts_by_word|all_concepts_by_word)\(\s*f?\"([a-z_]+)"
)


def test_every_list_of_a_file_is_read_by_the_code() -> None:
    unread = []
    for path in FILES:
        folder = path.parent.parent if path.parent.name == "words" else path.parent
        code = "".join(module.read_text("utf-8") for module in folder.glob("*.py"))
        whole = {*WHOLE.findall(code), "words"} if path.parent.name == "words" else set(WHOLE.findall(code))
        for table, texts in tomllib.loads(path.read_text("utf-8")).items():
            named = set(re.findall(r"\"(\w+)\"|\{(\w+)\}", code))
            lists = {name for pair in named for name in pair}
            unread += [(path.name, table, name) for name in texts if table not in whole and name not in lists]

    assert unread == []


def test_lists_that_load_when_first_needed_are_right() -> None:
    assert status_of("Payée") == "paid"
    assert len(states()) > 4_000
    assert countries.countries_of_city("Łódź") == {"PL"}
    assert legal_forms.is_company("Dupont SARL")
    assert legal_forms.is_company("Δήμος Αθηναίων")
    assert CIVILITIES["Κος".casefold()] == "Mr"


@pytest.mark.parametrize(
    ("header", "concepts"),
    [
        ("Rechnungs-Nr.", {"invoice", "number"}),
        ("Reste à payer", {"open"}),
        ("Kwota faktury", {"amount", "invoice"}),
    ],
)
def test_a_header_has_the_concepts_of_its_words(header: str, concepts: set[str]) -> None:
    assert parse_header(header).concepts >= concepts


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_is_written_as_editors_expect(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()

    assert lines[0].startswith("# "), "The first line says what the file is."
    assert [line for line in lines if line != line.rstrip() and not line.endswith("asiakas ")] == []
    assert '"""' not in "\n".join(lines), "Texts stand between three single quotes."
    assert all(isinstance(table, dict) for table in tomllib.loads("\n".join(lines)).values())
    assert WordLists(path).concepts(next(iter(tomllib.loads("\n".join(lines)))))
