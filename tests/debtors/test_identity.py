"""An identity: what a later source adds or replaces, how it is written on a letter, and what it is found by."""

import pytest

from getbill import debtors
from getbill.debtors import Identity, hash_identity
from getbill.debtors.comparison import fill_missing
from getbill.vault import Lookup

LOOKUP = Lookup(bytes(32))
LYON = {"street_number": "12", "street_address": "rue des Lilas", "postal_code": "69003", "city": "Lyon"}
JEAN = Identity("Jean Dupont", email="jean@example.com", country="FR", **LYON)


@pytest.mark.parametrize(
    ("later", "added"),
    [
        ({"email": "jd@example.com", "phone": "+33612345678"}, {"phone": "+33612345678"}),
        # Of another address nothing is taken; of the same one, not the whole beside its parts.
        ({"street_address": "5 quai de Seine", "city": "Paris", "address": "5 quai de Seine, Paris"}, {}),
        ({"address": "12, rue des Lilas, 69003 Lyon"}, {}),
    ],
)
def test_what_only_fills_replaces_nothing(later: dict[str, str], added: dict[str, str]) -> None:
    assert fill_missing(JEAN, Identity("Jean Dupont", **later)) == JEAN.with_changes(dict(added))


def test_an_unknown_address_is_filled_whole() -> None:
    assert fill_missing(Identity("Jean Dupont"), JEAN) == JEAN


@pytest.mark.parametrize(
    ("country", "line"),
    [
        ("FR", "12 rue des Lilas"),
        (None, "12 rue des Lilas"),
        ("DE", "rue des Lilas 12"),
        ("IT", "rue des Lilas, 12"),
    ],
)
def test_a_house_number_stands_where_its_country_writes_it(country: str | None, line: str) -> None:
    assert JEAN.with_changes({"country": country}).street_line == line


def test_a_letter_needs_street_postcode_and_city() -> None:
    assert JEAN.is_postal
    for field in ("street_address", "postal_code", "city"):
        assert not JEAN.with_changes({field: None}).is_postal
    assert not Identity("Jean Dupont", address="12, rue des Lilas, 69003 Lyon").is_postal


def test_hashes_match_a_person_however_the_name_is_written_and_never_by_an_address_alone() -> None:
    written = hash_identity(Identity("Jean Dupont", email="jean@example.com", phone="+33612345678"), LOOKUP)
    otherwise = hash_identity(
        Identity("DUPONT, Jéan", email="JEAN@example.com", phone="+33612345678"), LOOKUP
    )
    sophie = hash_identity(Identity("Sophie Dupont", email="jean@example.com", phone="+33612345678"), LOOKUP)

    assert len(written.matches) == 2
    assert otherwise.matches == written.matches
    assert set(sophie.matches).isdisjoint(written.matches)
    assert (sophie.email, sophie.phone) == (written.email, written.phone)


def test_the_reference_is_the_surest_match_and_another_company_s_key_finds_nobody() -> None:
    identity = Identity("Jean Dupont", email="jean@example.com", reference="K1")

    hashes = hash_identity(identity, LOOKUP)

    assert hashes.matches[0] == hash_identity(Identity("Somebody", reference="K1"), LOOKUP).matches[0]
    assert set(hash_identity(identity, Lookup(b"x" * 32)).lookups).isdisjoint(hashes.lookups)


def test_a_name_without_letters_matches_nobody() -> None:
    assert hash_identity(Identity("---", email="jean@example.com"), LOOKUP).matches == []


@pytest.mark.parametrize(
    ("name", "other"),
    [("Jean Dupont", "J. Dupont"), ("Dr. Zoé Lefèvre", "LEFEVRE Zoe"), ("S.A.R.L. Acme", "Acme")],
)
def test_names_alike_differ_in_spelling_only(name: str, other: str) -> None:
    assert debtors.names_alike(name, other)
    assert not debtors.names_alike(name, "Sophie Martin")
