"""Letters on their way: only with a letterhead, and only to an address that fits a window."""

from dataclasses import replace
from uuid import UUID

import pytest

import collecting
from collecting import LYON, Provider, WorkspaceEngine, at
from getbill import companies
from getbill.channels import Channel
from getbill.debtors import Identity
from getbill.kit.database.transactions import Database

LINES = ["1 rue du Four", "34000 MONTPELLIER"]
IMPRINT = "RCS Montpellier 123 456 789"


async def fortnight(
    database: Database,
    letters: Provider,
    letterhead: tuple[list[str], str | None] = (LINES, IMPRINT),
    **who: str,
) -> tuple[WorkspaceEngine, UUID]:
    """Open a live debt of somebody who is reached by letter alone."""
    workspace = await collecting.new_engine(database, live=True, senders={Channel.LETTER: letters})
    await workspace.set_clock("2026-01-05 09:00")
    await companies.set_letterhead(database, (await workspace.snapshot()).company.id, *letterhead)
    debt = await workspace.debt(replace(LYON, email=None, phone=None, **who))
    return workspace, debt.id


async def post(workspace: WorkspaceEngine) -> None:
    await workspace.set_clock("2026-01-21 09:00")
    await workspace.send_due_live()


async def reasons(workspace: WorkspaceEngine, debt_id: UUID) -> list[str | None]:
    return [row["reason"] for row in await workspace.contacts(debt_id) if row["channel"] == "letter"]


async def test_a_letter_leaves_with_its_letterhead(database: Database) -> None:
    letters = Provider(Channel.LETTER)
    workspace, _ = await fortnight(database, letters)

    await post(workspace)

    (letter,) = letters.taken
    assert letter.letterhead == ("Acme", *LINES)
    assert letter.imprint == IMPRINT
    assert letter.address == "Jean Dupont\n12 rue des Lilas\n69003 Lyon"
    assert letter.text.startswith("Acme\n1 rue du Four\n34000 MONTPELLIER\n\nJean Dupont\n")
    assert letter.written_at == at("2026-01-21 09:00")


@pytest.mark.parametrize(
    ("letterhead", "who", "reason"),
    [
        (([], IMPRINT), {}, "the company has no letterhead"),
        ((LINES, None), {}, "the company's letterhead has no imprint"),
        ((LINES, IMPRINT), {"street_address": "rue " * 60}, "the address does not fit the envelope window"),
    ],
)
async def test_a_letter_that_may_not_be_posted_so_is_skipped_with_the_reason(
    database: Database, letterhead: tuple[list[str], str | None], who: dict[str, str], reason: str
) -> None:
    letters = Provider(Channel.LETTER)
    workspace, debt_id = await fortnight(database, letters, letterhead, **who)

    await post(workspace)

    assert letters.taken == []
    assert await reasons(workspace, debt_id) == [reason]


async def test_a_letter_is_planned_once_its_letterhead_is_set(database: Database) -> None:
    letters = Provider(Channel.LETTER)
    workspace, debt_id = await fortnight(database, letters, ([], None))
    before = await workspace.find(debt_id)

    await companies.set_letterhead(database, before.workspace.company.id, LINES, IMPRINT)
    await workspace.replan()
    after = await workspace.find(debt_id)
    await post(workspace)

    assert (before.next_action_at, after.next_action_at) == (at("2026-02-03 23:00"), at("2026-01-20 07:00"))
    assert [letter.template for letter in letters.taken] == ["wave_3_letter"]
    assert await workspace.ledger(debt_id) == [
        ("wave_1_email", "skipped"),
        ("wave_1_sms", "skipped"),
        ("wave_2_call", "skipped"),
        ("wave_2_email", "skipped"),
        ("wave_3_letter", "skipped"),
        ("wave_3_letter", "accepted"),
        ("wave_3_call", "skipped"),
        ("end", "stopped"),
        ("end", "planned"),
    ]


@pytest.mark.parametrize(
    ("street", "number", "country", "line"),
    [
        ("rue des Lilas", "12", "FR", "12 rue des Lilas"),
        ("rue des Lilas", "12 bis", None, "12 bis rue des Lilas"),
        ("rue de la Paix", "4", "RE", "4 rue de la Paix"),
        ("rue du Fort", "8", "LU", "8 rue du Fort"),
        ("Baker Street", "221b", "GB", "221b Baker Street"),
        ("F Street", "950", "US", "950 F Street"),
        ("Lindenstraße", "12a", "DE", "Lindenstraße 12a"),
        ("Ringstraße", "3", "AT", "Ringstraße 3"),
        ("Rue du Rhône", "48", "CH", "Rue du Rhône 48"),
        ("Keizersgracht", "555", "NL", "Keizersgracht 555"),
        ("Rue de la Loi", "16", "BE", "Rue de la Loi 16"),
        ("Calle Mayor", "7", "ES", "Calle Mayor, 7"),
        ("Via Roma", "1", "IT", "Via Roma, 1"),
        ("Rua Augusta", "24", "PT", "Rua Augusta 24"),
        ("Lindenstraße 12a", None, "DE", "Lindenstraße 12a"),
        (None, "5", "ES", "5"),
    ],
)
def test_the_house_number_stands_where_the_country_of_the_address_writes_it(
    street: str | None, number: str | None, country: str | None, line: str
) -> None:
    who = Identity(name="Anne", street_address=street, street_number=number, country=country)

    assert who.street_line == line


async def test_a_letter_to_germany_has_the_house_number_after_the_street(database: Database) -> None:
    letters = Provider(Channel.LETTER)
    berlin = {"street_address": "Lindenstraße", "postal_code": "10969", "city": "Berlin", "country": "DE"}
    workspace, _ = await fortnight(database, letters, **berlin)

    await post(workspace)

    (letter,) = letters.taken
    assert letter.address == "Jean Dupont\nLindenstraße 12\n10969 Berlin\nDE"
