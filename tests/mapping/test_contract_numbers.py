"""The number of a contract belongs to the debt; it identifies one only where a person says so."""

import pytest

from mapping.proposal import read

ROWS = ("F1 | Ana Paz | 500,00 | C-117", "F2 | Luc Roy | 612,40 | C-118")


@pytest.mark.parametrize(
    "header", ["N° contrat", "Contract number", "Vertragsnummer", "Número de contrato", "Contractnummer"]
)
@pytest.mark.parametrize("reference", ["N° facture", "Référence"])
def test_it_is_read_beside_what_identifies_the_debt(reference: str, header: str) -> None:
    result = read(f"{reference} | Nom | Solde | {header}", *ROWS)

    assert result.asked() == []
    assert result.fields()[3] == "contract_number"
    assert [body["contract_number"] for body in result.bodies()] == ["C-117", "C-118"]
    assert [body["reference"] for body in result.bodies()] == ["F1", "F2"]


def test_it_is_no_reference_by_itself() -> None:
    result = read("Nom | Solde | N° contrat", *(row.partition("|")[2] for row in ROWS))

    assert result.asked() == ["missing_reference"]
