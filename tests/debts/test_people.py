"""Which descriptions beside one customer code may be one person's, and what a later debt adds to a known one."""

import pytest

from debts.conftest import House, read
from getbill import debtors
from getbill.debtors import Identity, Likeness

JEAN = Identity("Jean Dupont", email="jean@example.com")
ACME = Identity("ACME SARL", company="ACME SARL", email="compta@example.com")
SAME, UNSURE, OTHER = Likeness.SAME, Likeness.UNSURE, Likeness.OTHER


@pytest.mark.parametrize(
    ("known", "given", "expected"),
    [
        (JEAN, Identity("DUPONT Jean"), SAME),
        (JEAN, Identity("M. Jean DUPONT", phone="+33612345678"), SAME),
        (JEAN, Identity("J. Dupont"), SAME),
        (Identity("Zoé Lefèvre"), Identity("LEFEVRE ZOE"), SAME),
        (Identity("Jean-Pierre Roux"), Identity("J.-P. Roux"), SAME),
        (Identity("SARL Boulangerie Léon"), Identity("Boulangerie Leon"), SAME),
        (Identity("Muster GmbH"), Identity("MUSTER G.M.B.H."), SAME),
        (ACME, Identity("Jean Dupont", company="Acme"), SAME),
        (
            Identity("Jean Roux", street_address="rue des Lilas", street_number="12"),
            Identity("Jean Roux", address="12, rue des Lilas, 69003 Lyon"),
            SAME,
        ),
        # Another address is told by nothing from another person.
        (JEAN, Identity("Jean Dupont", email="jd@example.com"), UNSURE),
        (JEAN, Identity("Dupont"), UNSURE),
        (Identity("Jean Roux", postal_code="69003"), Identity("Jean Roux", postal_code="75001"), UNSURE),
        (Identity("Claude Roux", civility="Mr"), Identity("Claude Roux", civility="Ms"), UNSURE),
        # A company under a new name, or two with one accountant.
        (ACME, Identity("Nova SAS", email="compta@example.com"), UNSURE),
        (ACME, Identity("Marie Petit", company="ACME"), SAME),
        (Identity("Jean Roux", company="ACME"), Identity("Marie Petit", company="ACME"), UNSURE),
        (JEAN, Identity("Sophie Martin", email="sophie@example.com"), OTHER),
        (Identity("Jean Dupont"), Identity("Sophie Dupont"), OTHER),
        (Identity("Jean Roux", birthdate="1950-01-01"), Identity("Jean Roux", birthdate="1980-01-01"), OTHER),
        (
            Identity("Jean Roux", email="a@example.com", phone="+33612345678"),
            Identity("Jean Roux", email="b@example.com", phone="+33612345679"),
            OTHER,
        ),
    ],
)
def test_descriptions_beside_one_code(known: Identity, given: Identity, expected: Likeness) -> None:
    assert debtors.compare(known, given) is expected
    assert debtors.compare(given, known) is expected


async def test_a_code_fills_what_was_unknown_and_replaces_nothing(house: House) -> None:
    known = {"name": "Jean Dupont", "email": "jean@example.com", "reference": "K1"}
    first = await house.debt(debtor=known)
    filled = await house.debt(debtor={"name": "DUPONT Jean", "phone": "+33612345678", "reference": "K1"})
    moved = await house.debt(debtor=known | {"email": "other@example.com"})

    shown = read(await house.get(f"/debts/{first['id']}"))["debtor"]
    assert filled["debtor"]["id"] == first["debtor"]["id"] != moved["debtor"]["id"]
    assert (shown["name"], shown["email"], shown["phone"]) == (
        "Jean Dupont",
        "jean@example.com",
        "+33612345678",
    )
    assert moved["debtor"]["email"] == "other@example.com"


async def test_a_code_of_several_people_keeps_nobody_apart(house: House) -> None:
    jean = {"name": "Jean Dupont", "email": "jean@example.com"}
    first = await house.debt(debtor=jean | {"reference": "DIVERS"})
    await house.debt(debtor={"name": "Sophie Martin", "email": "sophie@example.com", "reference": "DIVERS"})

    again = await house.debt(debtor=jean | {"reference": "DIVERS"})
    own = await house.debt(debtor=jean | {"reference": "K7"})
    nameless = await house.debt(
        debtor={"name": "Jean Dupont", "phone": "+33612345600", "reference": "DIVERS"}
    )

    assert again["debtor"]["id"] == own["debtor"]["id"] == first["debtor"]["id"]
    assert nameless["debtor"]["id"] != first["debtor"]["id"]


async def test_a_debtor_renamed_by_hand_is_not_met_under_the_name_they_bore(house: House) -> None:
    jean = {"name": "Jean Dupont", "email": "jean@example.com", "phone": None}
    debt = await house.debt(debtor=jean)
    renamed = {"debtor": {"name": "Sophie Martin", "email": "sophie@example.com"}}
    assert (await house.put(f"/debts/{debt['id']}", renamed)).status == 200

    one, two = await house.debt(debtor=jean), await house.debt(debtor=jean)

    shown = read(await house.get(f"/debts/{debt['id']}"))["debtor"]
    assert (shown["name"], shown["email"]) == ("Sophie Martin", "sophie@example.com")
    assert one["debtor"]["id"] == two["debtor"]["id"] != debt["debtor"]["id"]
    assert one["debtor"]["name"] == "Jean Dupont"
