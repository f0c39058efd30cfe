"""A name in one piece and in parts: whether they are the same name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getbill.debtors.name_parts import names_agree

AGREEING = [
    ("Jean Dupont", "Jean", "Dupont"),
    ("DUPONT Jean", "Jean", "Dupont"),
    ("Dupont, Jean", "jean", "DUPONT"),
    ("M. Jean Dupont", "Jean", "Dupont"),
    ("Charles de Gaulle", "Charles", "Gaulle"),
    ("Charles Gaulle", "Charles", "de Gaulle"),
    ("Jean-Pierre Martin", "Jean Pierre", "Martin"),
    ("J. Dupont", "Jean", "Dupont"),
    ("\u00c9lodie Lef\u00e8vre", "Elodie", "LEFEVRE"),
    ("M\u00fcller Hans", "Hans", "Mueller"),
    ("S\u00f8ren Kierkegaard", "Soren", "Kierkegaard"),
    ("Jean Dupont", "Jean", None),
    ("Dupont", "Jean", "Dupont"),
    ("Jean Marie Dupont", "Jean", "Dupont"),
    ("Anne Legoff", "Anne", "Le Goff"),
    ("Sean O'Brien", "Sean", "OBrien"),
    ("Vincent van Gogh", "Vincent", "Gogh"),
    ("\u0418\u0432\u0430\u043d \u041f\u0435\u0442\u0440\u043e\u0432", "Ivan", "Petrov"),
    ("\u738b\u5c0f\u660e", "\u5c0f\u660e", "\u738b"),
]


@pytest.mark.parametrize(("name", "first", "last"), AGREEING)
def test_a_name_written_otherwise_is_the_same(name: str, first: str | None, last: str | None) -> None:
    assert names_agree(name, first, last)


@given(st.text(max_size=12), st.text(max_size=8), st.text(max_size=8))
def test_any_name_agrees_with_itself_in_either_order(first: str, middle: str, last: str) -> None:
    assert names_agree(f"{first} {middle} {last}".strip(), first, f"{middle} {last}".strip())
    assert names_agree(f"{last} {first}", first, last)
