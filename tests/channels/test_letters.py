"""The letter on paper, read back from the file that is posted."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest

from getbill import channels
from getbill.channels import letters
from getbill.channels.letters import AddressTooLong, Letter

HEAD = ("Énergie *du* #Midi", "1 rue du Four", "34000 MONTPELLIER")
LETTER = Letter(
    letterhead=HEAD,
    address="Jean-Baptiste d'Alembert\n12 rue des Lilas\n69003 Lyon",
    text="\n".join(HEAD) + "\n\nLe 20 novembre 2026\n\nPour régler :\n  IBAN : FR76 3000\n",
    language="fr",
    subject="Dossier INV-2024-0042",
    written_at=datetime(2026, 11, 20, 9, 0, 0, 7, tzinfo=UTC),
    imprint="SAS au capital de 10 000 €, RCS Montpellier 123 456 789",
)


def positions(file: bytes, page: int = 0) -> list[tuple[str, float, float]]:
    """Return each run of text on a page with its place: millimetres from the left and from the top."""
    result: list[tuple[str, float, float]] = []

    def visit(text: str, outer: list[float], inner: list[float], _font: Any, _size: float) -> None:
        if text.strip():
            x, y = outer[4] + inner[4] * outer[0], outer[5] + inner[5] * outer[3]
            result.append((text.strip(), x / 72 * 25.4, 297 - y / 72 * 25.4))

    pypdf.PdfReader(io.BytesIO(file)).pages[page].extract_text(visitor_text=visit)
    return result


def test_the_address_stands_in_the_window_and_nothing_else_does() -> None:
    runs = positions(letters.print_letter(LETTER))

    inside = [text for text, left, top in runs if 100 <= left <= 190 and 45 <= top <= 90]
    assert inside == ["Jean-Baptiste d'Alembert", "12 RUE DES LILAS", "69003 LYON"]
    assert all(104 <= left <= 110 for text, left, _ in runs if text in inside)


def test_a_letter_says_who_writes_and_the_mentions_of_the_law() -> None:
    texts = [text for text, _, _ in positions(letters.print_letter(LETTER))]

    assert texts[3:6] == ["Énergie *du* #Midi", "1 rue du Four", "34000 MONTPELLIER"]
    assert "Le 20 novembre 2026" in texts
    assert "IBAN : FR76 3000" in texts
    assert texts[-1] == LETTER.imprint
    assert texts.count("1 rue du Four") == 1


def test_the_longest_address_of_the_standard_fits() -> None:
    wide = "\n".join(["M" * 38] * 6)

    runs = positions(letters.print_letter(replace(LETTER, address=wide)))

    lines = [(left, top) for text, left, top in runs if text == "M" * 38]
    assert len(lines) == 6
    assert max(top for _, top in lines) <= 85


@pytest.mark.parametrize("address", ["\n".join(["x"] * 7), "x\n" + "rue " * 60])
def test_an_address_that_does_not_fit_is_refused(address: str) -> None:
    with pytest.raises(AddressTooLong):
        letters.print_letter(replace(LETTER, address=address))


def test_a_long_line_is_broken_between_words() -> None:
    assert letters.window("Jean\nrésidence des Grands Marronniers du Parc, bâtiment C\n69003 Lyon") == [
        "Jean",
        "RÉSIDENCE DES GRANDS MARRONNIERS DU",
        "PARC, BÂTIMENT C",
        "69003 LYON",
    ]


def test_the_same_letter_is_the_same_file() -> None:
    assert letters.print_letter(LETTER) == letters.print_letter(LETTER)


def test_a_long_letter_numbers_its_pages_and_carries_the_mentions_on_each() -> None:
    file = letters.print_letter(replace(LETTER, text=LETTER.text + "\n\nUn mot. " * 50))

    for page, number in ((0, "1/2"), (1, "2/2")):
        texts = " ".join(text for text, _, _ in positions(file, page))
        assert "RCS Montpellier" in texts
        assert number in texts.replace(" ", "")


@pytest.mark.parametrize("language", channels.LANGUAGES)
def test_every_letter_of_ours_is_printed_whole(language: str) -> None:
    facts = channels.sample(iban="FR7630006000011234567890189", creditor_address=HEAD[1:])
    message = channels.render("wave_3_letter", language, facts)
    letter = replace(LETTER, letterhead=("Acme", *HEAD[1:]), text=message.text, language=language)
    letter = replace(letter, address="\n".join((facts.debtor, *facts.debtor_address)))

    printed = "".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO(letters.print_letter(letter))).pages
    )

    words = "".join(printed.split())
    assert all("".join(paragraph.split()) in words for paragraph in letter.paragraphs())
    assert facts.debtor not in letter.paragraphs()[0]
