"""Which descriptions beside one customer code may be one person's."""

import pytest

from getbill import debtors
from getbill.debtors import Identity, Likeness

JEAN = Identity("Jean Dupont", email="jean@example.com")


ACME = Identity("ACME SARL", company="ACME SARL", email="compta@example.com")
SAME, UNSURE, OTHER = Likeness.SAME, Likeness.UNSURE, Likeness.OTHER


@pytest.mark.parametrize(
    ("existing", "incoming", "expected"),
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
def test_descriptions_beside_one_code(existing: Identity, incoming: Identity, expected: Likeness) -> None:
    assert debtors.compare(existing, incoming) is expected
    assert debtors.compare(incoming, existing) is expected
