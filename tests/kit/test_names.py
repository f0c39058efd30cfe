"""Names that people give to companies, clients, keys and staff hold nothing that nobody sees."""

import pytest

from getbill import access, companies
from getbill.companies import NewUser
from getbill.kit import clock
from getbill.kit.errors import Invalid
from getbill.sftp.model import NoSuchPath, parse_path
from installation import Installation
from make import Company

BAD = [
    "\u200b",
    "\u3164",
    " \u2800\u2800 ",
    "a\u202eb",
    "a\x1b[2Jb",
    "a\x85b",
    "a\nb",
    "a\u2066b",
    "Dupont\u200f",
]


@pytest.mark.parametrize("name", BAD)
async def test_whoever_names_something_is_refused_with_the_field(
    installation: Installation, company: Company, name: str
) -> None:
    database, founded = installation.database, company.founded
    makers = [
        ("/name", companies.create(database, installation.vault, name)),
        ("/name", access.create_client(database, access.NewClient(founded.live_id, name), clock.wall())),
        ("/name", access.create_key(database, access.NewKey(founded.sandbox_id, name), clock.wall())),
        (
            "/last_name",
            companies.create_user(
                database, founded.company_id, NewUser("a@b.example", "long enough", last_name=name)
            ),
        ),
        ("/address/0", companies.set_letterhead(database, founded.company_id, [name], None)),
        ("/imprint", companies.set_letterhead(database, founded.company_id, [], name)),
    ]
    for pointer, making in makers:
        with pytest.raises(Invalid) as refused:
            await making
        assert [error.pointer for error in refused.value.errors] == [pointer]
        assert refused.value.document("fr")["detail"].startswith("Le texte contient U+")


@pytest.mark.parametrize("name", BAD)
def test_a_dropped_file_has_a_name_that_people_can_read(name: str) -> None:
    assert parse_path(b"/incoming/debts.csv").name == "debts.csv"
    with pytest.raises(NoSuchPath):
        parse_path(f"/incoming/{name}".encode())
