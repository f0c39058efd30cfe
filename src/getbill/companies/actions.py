"""Founding a company and hiring its staff."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import argon2
import asyncpg

from getbill.companies.model import ROLES
from getbill.companies.queries import lookup_context
from getbill.kit import clock, emails, ibans, ids
from getbill.kit.db import Database, Statement
from getbill.kit.errors import Conflict, NotFound, one_field
from getbill.kit.messages import excerpt, message
from getbill.vault import Vault

_ADDRESS_LINES_MAX = 5
_LINE_CHARACTERS_MAX = 60

_INSERT_COMPANY = Statement(
    "companies.insert",
    "Found a company.",
    """
    INSERT INTO companies (id, name, email, iban, lookup_key, is_demo, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    """,
)
_INSERT_WORKSPACE = Statement(
    "companies.insert_workspace",
    "Open a workspace of a company.",
    "INSERT INTO workspaces (workspace_id, company_id, kind, name, created_at) VALUES ($1, $2, $3, $4, $5)",
)
_INSERT_STREAM = Statement(
    "companies.insert_stream",
    "Begin a workspace's stream of events.",
    "INSERT INTO streams (workspace_id) VALUES ($1)",
)
_INSERT_USER = Statement(
    "companies.insert_user",
    "Add a member of staff.",
    """
    INSERT INTO users (id, company_id, email, first_name, last_name, role, password_hash, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    """,
)


_SET_PASSWORD = Statement(
    "companies.set_password",
    "Give a member of staff another password.",
    "UPDATE users SET password_hash = $2 WHERE lower(email) = lower($1) RETURNING id",
)
_SET_LETTERHEAD = Statement(
    "companies.set_letterhead",
    "Say what a company's letters carry.",
    "UPDATE companies SET address = $2, imprint = $3 WHERE id = $1 RETURNING id",
)


class CompanyExists(Conflict):
    """There is a demo company already."""

    code = "company-exists"
    way_out = "Use the company that is there."


class UserExists(Conflict):
    """The e-mail address belongs to a user already."""

    code = "user-exists"
    way_out = "Use another e-mail address, or the user who is there."


@dataclass(frozen=True, slots=True)
class Founded:
    """A new company and its two workspaces."""

    company_id: UUID
    live_id: UUID
    sandbox_id: UUID


@dataclass(frozen=True, slots=True)
class NewUser:
    """Who joins a company's staff; the password is kept only as an Argon2 hash."""

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
) -> Founded:
    """Found a company with a live workspace and a sandbox."""
    if not name.strip():
        raise one_field("/name", "missing", message("A company has a name."))
    founded = Founded(ids.new(), ids.new(), ids.new())
    now = clock.wall()
    secret = vault.seal(os.urandom(32), lookup_context(founded.company_id))
    email = emails.normalise(email) if email else None
    iban = ibans.normalise(iban) if iban else None
    try:
        async with database.transaction(now) as tx:
            await tx.execute(
                _INSERT_COMPANY, founded.company_id, name.strip(), email, iban, secret, is_demo, now
            )
            for workspace_id, kind in ((founded.live_id, "live"), (founded.sandbox_id, "sandbox")):
                await tx.execute(_INSERT_WORKSPACE, workspace_id, founded.company_id, kind, kind, now)
                await tx.execute(_INSERT_STREAM, workspace_id)
    except asyncpg.UniqueViolationError as error:
        raise CompanyExists(message("There is a demo company already.")) from error
    return founded


async def set_letterhead(
    database: Database, company_id: UUID, address: Sequence[str], imprint: str | None
) -> None:
    """Say what a company's letters carry: the lines of its address, and the mentions that the law wants."""
    lines = [line.strip() for line in address if line.strip()]
    if len(lines) > _ADDRESS_LINES_MAX or any(len(line) > _LINE_CHARACTERS_MAX for line in lines):
        raise one_field("/address", "too-long", message("An address has at most 5 lines of 60 characters."))
    found = await database.fetchval(_SET_LETTERHEAD, company_id, lines, (imprint or "").strip() or None)
    if found is None:
        raise NotFound(message("There is no such company."))


async def create_user(database: Database, company_id: UUID, new: NewUser) -> UUID:
    """Add a member of staff; raise UserExists when the e-mail address is taken."""
    if new.role not in ROLES:
        raise one_field("/role", "unknown", message("A role is one of {roles}.", roles=list(ROLES)))
    user_id = ids.new()
    now = clock.wall()
    secret = argon2.PasswordHasher().hash(_long_enough(new.password))
    values = (
        user_id,
        company_id,
        emails.normalise(new.email),
        new.first_name,
        new.last_name,
        new.role,
        secret,
        now,
    )
    try:
        await database.execute(_INSERT_USER, *values)
    except asyncpg.UniqueViolationError as error:
        raise UserExists(message("A user with this e-mail address exists already.")) from error
    return user_id


async def set_password(database: Database, email: str, password: str) -> None:
    """Give a member of staff another password; raise NotFound when nobody has this address."""
    secret = argon2.PasswordHasher().hash(_long_enough(password))
    if await database.fetchval(_SET_PASSWORD, emails.normalise(email), secret) is None:
        raise NotFound(message("There is no user {email}.", email=excerpt(email)))


def _long_enough(password: str) -> str:
    if len(password) < 10:
        raise one_field("/password", "too-short", message("A password has at least 10 characters."))
    return password
