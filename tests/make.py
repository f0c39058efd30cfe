"""One builder per concept, with honest defaults: what a test does not name does not matter to it."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from getbill import access, companies
from getbill.access import SCOPES
from getbill.companies import CreatedCompany, Workspace
from getbill.kit import clock
from getbill.kit.database.transactions import Database
from getbill.vault import Vault

_numbers = count(1)


@dataclass(frozen=True)
class Company:
    """A company of one test: its two workspaces, a sandbox key, and a live client that holds every scope."""

    founded: CreatedCompany
    live: Workspace
    sandbox: Workspace
    key: str
    client_id: str
    client_secret: str


async def company(database: Database, vault: Vault, **changes: Any) -> Company:
    """Found a company and let its programs in."""
    values = {"name": f"Company {next(_numbers)}", "email": "contact@company.example"} | changes
    founded = await companies.create(
        database, vault, values.pop("name"), iban="FR7630006000011234567890189", **values
    )
    shown_id, secret = await client(database, founded)
    return Company(
        founded,
        await companies.workspace(database, vault, founded.live_id),
        await companies.workspace(database, vault, founded.sandbox_id),
        await key(database, founded),
        shown_id,
        secret,
    )


async def key(database: Database, founded: CreatedCompany, **changes: Any) -> str:
    """Cut a key for a company's sandbox."""
    new = access.NewKey(founded.sandbox_id, "Test key", **changes)
    return (await access.create_key(database, new, clock.wall()))[1]


async def client(
    database: Database, founded: CreatedCompany, *scopes: str, is_live: bool = True, **changes: Any
) -> tuple[str, str]:
    """Let a client into a company's live workspace, or its sandbox, and return its id and secret."""
    workspace_id = founded.live_id if is_live else founded.sandbox_id
    new = access.NewClient(workspace_id, "Test client", scopes=scopes or tuple(SCOPES), **changes)
    result, secret = await access.create_client(database, new, clock.wall())
    return result.public_id, secret


def debt(**changes: Any) -> dict[str, Any]:
    """The body of a new debt: nobody's before, reachable by every channel, in English."""
    number = next(_numbers)
    who = {
        "name": f"Jean Dupont {number}",
        "email": f"jean.dupont.{number}@email.example",
        "phone": f"+3363998{number % 10_000:04}",
        "language": "en",
        "address": {
            "street_number": "12",
            "street_address": "rue des Lilas",
            "postal_code": "69003",
            "city": "Lyon",
            "country": "FR",
        },
    }
    debtor = who | changes.pop("debtor", {})
    return {"debtor": debtor, "amount": 2340.00, "currency": "EUR", "reference": f"F-{number}"} | changes


def debt_for(name: str, **changes: Any) -> dict[str, Any]:
    """The body of a new debt of somebody by that name."""
    return debt(debtor={"name": name}, **changes)
