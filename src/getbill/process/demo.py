"""The demo company of a first start: a login, a sandbox with sample debts and its key, and a live client.

Creation is safe to repeat: a company that a killed first start left unfinished is completed with new
credentials. Its debtors are fictitious; their numbers and addresses are from ranges reserved for fiction and
examples.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from getbill import access, companies, debts, reactions, sftp, vault
from getbill.companies import Workspace
from getbill.debtors import Identity
from getbill.kit import clock
from getbill.kit.database import Database, open_database
from getbill.kit.money import Money
from getbill.process.bootstrap import Credentials
from getbill.settings import Settings

NAME: Final = "Demo Company"
SFTP_NAME: Final = "Sandbox files"
EMAIL: Final = "admin@demo.example"
# A fictitious IBAN with valid check digits, for sandbox letters and e-mails.
IBAN: Final = "FR7630006000011234567890189"


@dataclass(frozen=True, slots=True)
class _SampleDebt:
    """A sample debt of the sandbox, due this many days before the start."""

    reference: str
    minor: int
    days_late: int
    identity: Identity


def _address(street: str, postal_code: str, city: str) -> dict[str, Any]:
    number, _, name = street.partition(" ")
    return {
        "street_number": number,
        "street_address": name,
        "postal_code": postal_code,
        "city": city,
        "country": "FR",
    }


SAMPLE_DEBTS: Final = (
    _SampleDebt(
        "DEMO-0001",
        12_990,
        12,
        Identity("Claire Moreau", email="claire.moreau@demo.example", phone="+33639980001"),
    ),
    _SampleDebt("DEMO-0002", 234_000, 40, Identity("Hugo Lefèvre", email="hugo.lefevre@demo.example")),
    _SampleDebt("DEMO-0003", 4_550, 3, Identity("Inès Garnier", phone="+33639980003")),
    _SampleDebt(
        "DEMO-0004",
        89_900,
        75,
        Identity("Paul Rousseau", **_address("12 rue des Lilas", "69003", "Lyon"), phone="+33639980004"),
    ),
    _SampleDebt(
        "DEMO-0005",
        1_560_000,
        30,
        Identity("Atelier Durand SARL", company="Atelier Durand SARL", email="compta@durand.demo.example"),
    ),
    _SampleDebt(
        "DEMO-0006", 7_800, -10, Identity("Emma Petit", email="emma.petit@demo.example", language="en")
    ),
    _SampleDebt(
        "DEMO-0007",
        31_025,
        18,
        Identity("Claire Moreau", email="claire.moreau@demo.example", phone="+33639980001"),
    ),
    _SampleDebt("DEMO-0008", 56_000, 100, Identity("Lucas Bernard")),
)


async def create_demo_company(settings: Settings) -> Credentials:
    """Create the demo company, or complete it, and return new credentials for it."""
    database = await open_database(settings.dsn, reactions.before_commit, size=2)
    try:
        unlocked_vault = await vault.unlock(
            database, settings.master_key_text, settings.key_file, may_make=True
        )
        return await _create_demo_company(settings, database, unlocked_vault)
    finally:
        await database.close()


async def _create_demo_company(
    settings: Settings, database: Database, unlocked_vault: vault.Vault
) -> Credentials:
    company_id = await companies.demo_company_id(database)
    if company_id is None:
        new_company = await companies.create(
            database, unlocked_vault, NAME, email="contact@demo.example", iban=IBAN, is_demo=True
        )
        company_id = new_company.company_id
    spaces = {kind: space_id for space_id, kind, _ in await companies.workspaces_of(database, company_id)}
    password = secrets.token_urlsafe(12)
    await _create_admin(database, company_id, password)
    now = clock.wall()
    client, secret = await access.create_client(
        database, access.NewClient(spaces["live"], "First client", scopes=tuple(access.SCOPES)), now
    )
    _, key = await access.create_key(database, access.NewKey(spaces["sandbox"], "First key"), now)
    sftp_login, sftp_password = await _create_sftp_login(database, spaces["sandbox"])
    await _stock(database, await companies.workspace(database, unlocked_vault, spaces["sandbox"]))
    return Credentials(
        base_url=settings.url,
        dashboard_email=EMAIL,
        dashboard_password=password,
        sandbox_api_key=key,
        client_id=client.public_id,
        client_secret=secret,
        sftp_host=urlsplit(settings.url).hostname or settings.host,
        sftp_port=settings.sftp_port,
        sftp_username=sftp_login.username,
        sftp_password=sftp_password,
    )


async def _create_sftp_login(database: Database, sandbox_id: UUID) -> tuple[sftp.Login, str]:
    """Create an SFTP login for the sandbox and return it with its password."""
    now = clock.wall()
    existing_login = next(
        (existing for existing in await sftp.list_logins(database, sandbox_id) if existing.name == SFTP_NAME),
        None,
    )
    async with database.transaction(now) as tx:
        login, password = (
            await sftp.create_login(tx, sftp.NewLogin(sandbox_id, SFTP_NAME), now)
            if existing_login is None
            else await sftp.rotate_login(tx, existing_login, now)
        )
    return login, password or ""


async def _create_admin(database: Database, company_id: UUID, password: str) -> None:
    admin = companies.NewUser(EMAIL, password, "admin", "Demo", "Admin")
    try:
        await companies.create_user(database, company_id, admin)
    except companies.UserExists:
        await companies.set_password(database, EMAIL, password)


async def _stock(database: Database, sandbox: Workspace) -> None:
    today = sandbox.now().date()
    new_debts = [
        debts.NewDebt(
            identity=replace(stock.identity, country=stock.identity.country or "FR"),
            amount=Money(stock.minor, "EUR"),
            reference=stock.reference,
            scenario=sandbox.company.scenario,
            details=debts.Details(object="Demo invoice"),
            due_on=today - timedelta(days=stock.days_late),
        )
        for stock in SAMPLE_DEBTS
    ]
    async with database.transaction(sandbox.now()) as tx:
        await debts.create_many(tx, sandbox, new_debts)
