"""Changes to companies and their staff."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import argon2
import asyncpg
from babel.core import get_global

from getbill.companies.model import ROLES
from getbill.companies.queries import lookup_context
from getbill.companies.replans import request_replan_of_company
from getbill.kit import clock, ids, money, phones
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import Conflict, NotFound, one_field
from getbill.kit.messages import excerpt, message
from getbill.kit.phones import Zone
from getbill.kit.text import emails, ibans, names
from getbill.vault import Vault

_ADDRESS_LINES_MAX = 5
_LINE_CHARACTERS_MAX = 60

_INSERT_COMPANY = Statement(
    "companies.insert_company",
    "Insert a company.",
    """
    INSERT INTO companies (id, name, email, iban, lookup_key, is_demo, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    """,
)
_INSERT_WORKSPACE = Statement(
    "companies.insert_workspace",
    "Insert a workspace of a company.",
    "INSERT INTO workspaces (workspace_id, company_id, kind, name, created_at) VALUES ($1, $2, $3, $4, $5)",
)
_INSERT_STREAM = Statement(
    "companies.insert_stream",
    "Insert the event stream of a workspace.",
    "INSERT INTO streams (workspace_id) VALUES ($1)",
)
_INSERT_USER = Statement(
    "companies.insert_user",
    "Insert a user.",
    """
    INSERT INTO users (id, company_id, email, first_name, last_name, role, password_hash, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    """,
)


_SET_PASSWORD = Statement(
    "companies.set_password",
    "Set the password of a user.",
    "UPDATE users SET password_hash = $2 WHERE lower(email) = lower($1) RETURNING id",
)
_UPDATE = Statement(
    "companies.update_company",
    "Update the contact data and defaults of a company; null leaves a value unchanged, an empty one removes it.",
    """
    UPDATE companies SET name = coalesce($2, name), email = nullif(coalesce($3, email), ''),
        phone = nullif(coalesce($4, phone), ''), iban = nullif(coalesce($5, iban), ''), country = coalesce($6, country), currency = coalesce($7, currency),
        language = coalesce($8, language), scenario = coalesce($9, scenario)
    WHERE id = $1 RETURNING id
    """,
)
_LOCK_COLLEAGUES = Statement(
    "companies.lock_colleagues",
    "Lock the users of a company, so that its last two administrators are not deactivated at once.",
    """
    SELECT id, email, role, is_active FROM users
    WHERE company_id = (SELECT company_id FROM users WHERE id = $1) ORDER BY id FOR UPDATE
    """,
)
_DEACTIVATE = Statement(
    "companies.deactivate_user",
    "Deactivate a user.",
    "UPDATE users SET is_active = false WHERE id = $1 AND is_active RETURNING id",
)
_ACTIVATE = Statement(
    "companies.activate_user",
    "Activate a user.",
    "UPDATE users SET is_active = true WHERE id = $1",
)
_SET_LETTERHEAD = Statement(
    "companies.set_letterhead",
    "Set the letterhead of a company.",
    "UPDATE companies SET address = $2, imprint = $3 WHERE id = $1 RETURNING id",
)


_SET_REFUSED_ZONES = Statement(
    "companies.set_refused_zones",
    "Set the zones whose numbers a company treats as expensive.",
    "UPDATE companies SET refused_zones = $2 WHERE id = $1 RETURNING id",
)


class CompanyExists(Conflict):
    """The demo company exists already."""

    code = "company-exists"
    way_out = "Use the existing company."


class UserExists(Conflict):
    """The e-mail address belongs to another user."""

    code = "user-exists"
    way_out = "Use another e-mail address, or the existing user."


class LastAdmin(Conflict):
    """A company keeps at least one administrator."""

    code = "last-admin"
    title = message("This is the company's only administrator")
    way_out = "Appoint another administrator first."


@dataclass(frozen=True, slots=True)
class CompanyChanges:
    """Changes to a company; None leaves a field unchanged, an empty e-mail address, phone or IBAN removes it.

    Country ISO 3166-1 alpha-2, currency ISO 4217.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    iban: str | None = None
    country: str | None = None
    currency: str | None = None
    language: str | None = None
    scenario: str | None = None


@dataclass(frozen=True, slots=True)
class CreatedCompany:
    """A new company and its two workspaces."""

    company_id: UUID
    live_id: UUID
    sandbox_id: UUID


@dataclass(frozen=True, slots=True)
class NewUser:
    """A new member of staff; only the Argon2 hash of the password is stored."""

    email: str
    password: str
    role: str = "admin"
    first_name: str | None = None
    last_name: str | None = None


async def create(
    database: Database,
    vault: Vault,
    name: str,
    *,
    email: str | None = None,
    iban: str | None = None,
    is_demo: bool = False,
) -> CreatedCompany:
    """Create a company with a live workspace and a sandbox."""
    _check_name(name)
    created_company = CreatedCompany(ids.new(), ids.new(), ids.new())
    now = clock.wall()
    secret = vault.seal(os.urandom(32), lookup_context(created_company.company_id))
    email = _email(email) if email else None
    iban = _iban(iban) if iban else None
    try:
        async with database.transaction(now) as tx:
            await tx.execute(
                _INSERT_COMPANY, created_company.company_id, name.strip(), email, iban, secret, is_demo, now
            )
            for workspace_id, kind in (
                (created_company.live_id, "live"),
                (created_company.sandbox_id, "sandbox"),
            ):
                await tx.execute(_INSERT_WORKSPACE, workspace_id, created_company.company_id, kind, kind, now)
                await tx.execute(_INSERT_STREAM, workspace_id)
    except asyncpg.UniqueViolationError as error:
        raise CompanyExists(message("A demo company already exists.")) from error
    return created_company


async def set_letterhead(
    database: Database, company_id: UUID, address: Sequence[str], imprint: str | None
) -> None:
    """Set a company's letterhead: the lines of its address, and the legally required particulars."""
    lines = [line.strip() for line in address if line.strip()]
    if len(lines) > _ADDRESS_LINES_MAX or any(len(line) > _LINE_CHARACTERS_MAX for line in lines):
        raise one_field(
            "/address", "too-long", message("An address may have at most 5 lines of 60 characters.")
        )
    names.refuse_hidden({f"/address/{number}": line for number, line in enumerate(lines)})
    names.refuse_hidden({"/imprint": (imprint or "").strip()})
    async with database.transaction(clock.wall()) as tx:
        if await tx.fetchval(_SET_LETTERHEAD, company_id, lines, (imprint or "").strip() or None) is None:
            raise NotFound(message("This company does not exist."))
        await request_replan_of_company(tx, company_id)


async def set_refused_zones(tx: Transaction, company_id: UUID, zones: Iterable[str]) -> None:
    """Replace the zones whose phone numbers a company treats as expensive."""
    zone_names = sorted(set(zones))
    unknown_zones = [zone for zone in zone_names if zone not in set(Zone)]
    if unknown_zones:
        raise one_field(
            "/zones",
            "unknown",
            message(
                "Unknown zone '{zone}'. Valid zones: {zones}.",
                zone=excerpt(unknown_zones[0]),
                zones=[zone.value for zone in Zone],
            ),
        )
    if await tx.fetchval(_SET_REFUSED_ZONES, company_id, zone_names) is None:
        raise NotFound(message("This company does not exist."))
    await request_replan_of_company(tx, company_id)


async def create_user(database: Database, company_id: UUID, new: NewUser) -> UUID:
    """Add a member of staff; raise UserExists if the e-mail address is in use."""
    if new.role not in ROLES:
        raise one_field("/role", "unknown", message("Valid roles: {roles}.", roles=list(ROLES)))
    names.refuse_hidden({"/first_name": new.first_name, "/last_name": new.last_name})
    user_id = ids.new()
    now = clock.wall()
    secret = argon2.PasswordHasher().hash(_check_password(new.password))
    values = (
        user_id,
        company_id,
        _email(new.email),
        new.first_name,
        new.last_name,
        new.role,
        secret,
        now,
    )
    try:
        await database.execute(_INSERT_USER, *values)
    except asyncpg.UniqueViolationError as error:
        raise UserExists(message("A user with this e-mail address already exists.")) from error
    return user_id


async def set_password(database: Database, email: str, password: str) -> None:
    """Set the password of a member of staff; raise NotFound for an unknown e-mail address."""
    secret = argon2.PasswordHasher().hash(_check_password(password))
    if await database.fetchval(_SET_PASSWORD, emails.normalise(email), secret) is None:
        raise NotFound(message("There is no user {email}.", email=excerpt(email)))


async def update(tx: Transaction, company_id: UUID, changes: CompanyChanges) -> None:
    """Update fields of a company; raise Invalid for an invalid value, NotFound if it does not exist."""
    if changes.name is not None:
        _check_name(changes.name)
    if changes.country is not None and changes.country not in get_global("territory_currencies"):
        raise one_field(
            "/country",
            "unknown",
            message("'{code}' is not a country code. Send, for example, FR.", code=excerpt(changes.country)),
        )
    if changes.currency is not None and changes.currency not in money.currencies():
        raise one_field(
            "/currency",
            "unknown",
            message(
                "'{code}' is not a currency code. Send, for example, EUR.", code=excerpt(changes.currency)
            ),
        )
    updated_id = await tx.fetchval(
        _UPDATE,
        company_id,
        changes.name.strip() if changes.name else None,
        _email(changes.email) if changes.email else changes.email,
        _phone(changes.phone, changes.country) if changes.phone else changes.phone,
        _iban(changes.iban) if changes.iban else changes.iban,
        changes.country,
        changes.currency,
        changes.language,
        changes.scenario,
    )
    if updated_id is None:
        raise NotFound(message("This company does not exist."))
    await request_replan_of_company(tx, company_id)


def _check_name(name: str) -> None:
    if not name.strip():
        raise one_field("/name", "missing", message("A company requires a name."))
    names.refuse_hidden({"/name": name.strip()})


def _email(text: str) -> str:
    try:
        return emails.normalise(text)
    except emails.EmailInvalid as error:
        raise one_field("/email", "email", error.detail) from None


def _iban(text: str) -> str:
    try:
        return ibans.normalise(text)
    except ibans.IbanInvalid as error:
        raise one_field("/iban", "iban", error.detail) from None


def _phone(text: str, country: str | None) -> str:
    try:
        return phones.parse(text, country or "FR")
    except phones.PhoneInvalid as error:
        raise one_field("/phone", "phone", error.detail) from None


async def deactivate_user(tx: Transaction, user_id: UUID) -> None:
    """Deactivate a member of staff.

    Raises NotFound if they do not exist or are deactivated already, LastAdmin for the company's only
    administrator.
    """
    colleagues = await tx.fetch(_LOCK_COLLEAGUES, user_id)
    admins = [
        colleague for colleague in colleagues if colleague["role"] == "admin" and colleague["is_active"]
    ]
    if [colleague["id"] for colleague in admins] == [user_id]:
        raise LastAdmin(
            message(
                "{email} is the company's only administrator. Appoint another one first.",
                email=admins[0]["email"],
            )
        )
    if await tx.fetchval(_DEACTIVATE, user_id) is None:
        raise NotFound(message("The user does not exist or is already deactivated."))


async def activate_user(tx: Transaction, user_id: UUID) -> None:
    """Reactivate a member of staff; do nothing if they are active."""
    await tx.execute(_ACTIVATE, user_id)


def _check_password(password: str) -> str:
    if len(password) < 10:
        raise one_field("/password", "too-short", message("A password must have at least 10 characters."))
    return password
