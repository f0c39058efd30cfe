"""Letters on their way: only with a letterhead, and only to an address that fits a window."""

from dataclasses import replace
from uuid import UUID

import pytest

import collecting
from collecting import LYON, Place, Provider, at
from getbill import companies
from getbill.channels import Channel
from getbill.kit.db import Database

LINES = ["1 rue du Four", "34000 MONTPELLIER"]
IMPRINT = "RCS Montpellier 123 456 789"


async def fortnight(database: Database, letters: Provider, **who: str) -> tuple[Place, UUID]:
    """Open a live debt of somebody who is reached by letter alone, and let a month pass."""
    place = await collecting.found(database, live=True, senders={Channel.LETTER: letters})
    await place.set_clock("2026-01-05 09:00")
    debt = await place.debt(replace(LYON, email=None, phone=None, **who))
    return place, debt.id


async def post(place: Place) -> None:
    await place.set_clock("2026-01-21 09:00")
    await place.send_due_live()


async def reasons(place: Place, debt_id: UUID) -> list[str | None]:
    return [row["reason"] for row in await place.contacts(debt_id) if row["channel"] == "letter"]


async def test_a_letter_leaves_with_its_letterhead(database: Database) -> None:
    letters = Provider(Channel.LETTER)
    place, _ = await fortnight(database, letters)
    workspace = await place.workspace()
    await companies.set_letterhead(database, workspace.company.id, LINES, IMPRINT)

    await post(place)

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
        ((LINES, None), {}, "the company's letterhead lacks its imprint"),
        ((LINES, IMPRINT), {"street_address": "rue " * 60}, "the address does not fit a window"),
    ],
)
async def test_a_letter_that_may_not_be_posted_so_is_skipped_with_the_reason(
    database: Database, letterhead: tuple[list[str], str | None], who: dict[str, str], reason: str
) -> None:
    letters = Provider(Channel.LETTER)
    place, debt_id = await fortnight(database, letters, **who)
    await companies.set_letterhead(database, (await place.workspace()).company.id, *letterhead)

    await post(place)

    assert letters.taken == []
    assert await reasons(place, debt_id) == [reason]
