"""SFTP logins: their user names, passwords and public keys.

A password is generated here, shown once and stored as an argon2 hash; a public key is stored as its
fingerprint. After ten consecutive wrong passwords, all passwords are refused for a quarter of an hour; keys
still work.
"""

import asyncio
import re
import secrets
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import argon2
from asyncpg import Record, UniqueViolationError
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from getbill import access
from getbill.access import OPERATOR, Actor
from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import Invalid, NotFound, one_field
from getbill.kit.messages import excerpt, message
from getbill.kit.text import storable_text
from getbill.sftp import host_keys
from getbill.sftp.model import KEYS_MAX, PREFIX, USERNAME, Login, NewLogin, UsernameTaken

_FAILURES_MAX: Final = 10
_LOCKED: Final = timedelta(minutes=15)

_READING: Final = "debts:read"
# Reading needs the right of a credential that created or rotated the login. A login older than that record
# needs no right. $1 is the workspace.
_MAY_READ: Final = f"""(sftp_logins.created_by_kind IS NULL
    OR {access.holding("sftp_logins.created_by_kind", "sftp_logins.created_by", _READING)}
    OR EXISTS (SELECT FROM credential_uses u
        WHERE u.workspace_id = $1 AND u.subject_id = sftp_logins.id
            AND {access.holding("u.actor_kind", "u.actor", _READING)}))"""
_COLUMNS: Final = f"""id, workspace_id, username, name, password_hash IS NOT NULL AS has_password, fingerprints,
    created_at, rotated_at, used_at, revoked_at, created_by_kind, created_by, {_MAY_READ} AS may_read"""

_INSERT = Statement(
    "sftp.insert_login",
    "Insert an SFTP login.",
    """
    INSERT INTO sftp_logins (id, workspace_id, username, name, password_hash, fingerprints, created_at, created_by_kind,
        created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    """,
)
_LOGINS = Statement(
    "sftp.list_logins",
    "Logins of a workspace, oldest first.",
    f"SELECT {_COLUMNS} FROM sftp_logins WHERE workspace_id = $1 ORDER BY created_at, id",
)
_LOGIN = Statement(
    "sftp.find_login",
    "Login of a workspace.",
    f"SELECT {_COLUMNS} FROM sftp_logins WHERE workspace_id = $1 AND id = $2",
)
_WORKSPACE_OF = Statement(
    "sftp.find_workspace",
    "Workspace of the login with this id or user name.",
    "SELECT workspace_id, id FROM sftp_logins WHERE id = $1 OR username = $2",
)
_BY_USERNAME = Statement(
    "sftp.find_by_username",
    "Login with this user name and its password hash, if it is not revoked.",
    "SELECT workspace_id, id, password_hash FROM sftp_logins WHERE username = $1 AND revoked_at IS NULL",
)
_ROTATE = Statement(
    "sftp.rotate_login",
    "Replace the password and the keys of a login.",
    """
    UPDATE sftp_logins SET password_hash = $3, fingerprints = $4, rotated_at = $5, failures = 0, locked_until = NULL
    WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL
    """,
)
_REVOKE = Statement(
    "sftp.revoke_login",
    "Revoke a login.",
    """
    UPDATE sftp_logins SET revoked_at = $3
    WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING id
    """,
)
_USED = Statement(
    "sftp.record_login",
    "Record a successful login.",
    "UPDATE sftp_logins SET used_at = $2, failures = 0, locked_until = NULL WHERE id = $1",
)
_FAILED = Statement(
    "sftp.record_failure",
    "Record a wrong password, and lock the login after too many.",
    """
    UPDATE sftp_logins SET failures = CASE WHEN failures + 1 >= $2 THEN 0 ELSE failures + 1 END,
        locked_until = CASE WHEN failures + 1 >= $2 THEN $3 ELSE locked_until END
    WHERE id = $1 AND (locked_until IS NULL OR locked_until <= $4)
    """,
)
_IS_CURRENT = Statement(
    "sftp.is_current",
    "Whether a password hash is still current and its login not locked.",
    """
    SELECT id FROM sftp_logins
    WHERE id = $1 AND password_hash = $2 AND revoked_at IS NULL AND (locked_until IS NULL OR locked_until <= $3)
    """,
)

_hasher = argon2.PasswordHasher()
# Checked for unknown user names, so that the response takes as long.
_DUMMY_HASH: Final = _hasher.hash(secrets.token_urlsafe(18))


@dataclass(frozen=True, slots=True)
class LoginCandidate:
    """The login of a user name, with what its password and keys are checked against."""

    login: Login
    password_hash: str | None


async def create_login(tx: Transaction, new: NewLogin, now: datetime) -> tuple[Login, str | None]:
    """Create a login and return it with its password, which is shown only this once."""
    if not new.name.strip():
        raise one_field("/name", "missing", message("A login requires a name."))
    username = new.username or _generate_username(new.name)
    if not USERNAME.fullmatch(username):
        raise one_field(
            "/username",
            "pattern",
            message("A user name must have 3 to 63 lowercase letters, digits, dots, dashes or underscores."),
        )
    key_fingerprints = fingerprints(new.public_keys)
    has_password = not key_fingerprints if new.has_password is None else new.has_password
    password, password_hash = await _new_password() if has_password or not key_fingerprints else (None, None)
    login = Login(
        ids.new(),
        new.workspace_id,
        username,
        new.name.strip(),
        password is not None,
        tuple(key_fingerprints),
        now,
        created_by_kind=new.created_by.kind,
        created_by=new.created_by.id,
    )
    by = (login.created_by_kind, login.created_by)
    row = (login.id, login.workspace_id, username, login.name, password_hash, key_fingerprints, now, *by)
    try:
        await tx.execute(_INSERT, *row)
    except UniqueViolationError:
        raise UsernameTaken(
            message("The user name '{username}' is taken.", username=excerpt(username))
        ) from None
    return login, password


async def rotate_login(
    tx: Transaction,
    login: Login,
    now: datetime,
    public_keys: tuple[str, ...] | None = None,
    by: Actor = OPERATOR,
) -> tuple[Login, str | None]:
    """Replace a login's password, if it has one, and its keys, if new ones are given.

    The old ones open no new session from the commit on; `by` has the new ones and is recorded as a user of
    the login.
    """
    if public_keys is None and not login.has_password:
        raise one_field(
            "/public_keys", "missing", message("This login accepts keys only: send the new keys.")
        )
    key_fingerprints = list(login.fingerprints) if public_keys is None else fingerprints(public_keys)
    password, password_hash = (
        await _new_password() if login.has_password or not key_fingerprints else (None, None)
    )
    await tx.execute(_ROTATE, login.workspace_id, login.id, password_hash, key_fingerprints, now)
    row = await tx.fetchrow(_LOGIN, login.workspace_id, login.id)
    if row is None or row["revoked_at"] is not None:
        raise _login_not_found()
    access.record_use(tx, login.workspace_id, login.id, by)
    # `by` may read debts, which is recorded only at the end of the transaction.
    return replace(_login(row), may_read=True), password


async def revoke_login(tx: Transaction, login: Login, now: datetime) -> None:
    """Revoke a login; open sessions end at their first request a few seconds later."""
    if await tx.fetchval(_REVOKE, login.workspace_id, login.id, now) is None:
        raise _login_not_found()


async def end_login(tx: Transaction, workspace_id: UUID, login_id: UUID, now: datetime) -> None:
    """Revoke the login of an id; one that is revoked already stays so."""
    await tx.execute(_REVOKE, workspace_id, login_id, now)


async def _new_password() -> tuple[str, str]:
    password = secrets.token_urlsafe(18)
    return password, await asyncio.to_thread(_hasher.hash, password)


async def list_logins(database: Database, workspace_id: UUID) -> list[Login]:
    """Return a workspace's logins, including revoked ones, oldest first."""
    return [_login(row) for row in await database.fetch(_LOGINS, workspace_id)]


async def find_login(database: Database, workspace_id: UUID, login_id: UUID) -> Login:
    """Return one login of a workspace; raise NotFound for an unknown id."""
    row = await database.fetchrow(_LOGIN, workspace_id, login_id)
    if row is None:
        raise NotFound(message("There is no SFTP login with this id."))
    return _login(row)


async def find_login_by_name(database: Database, text: str) -> Login:
    """Return the login of an id or a user name in any workspace; for the command line."""
    try:
        login_id = ids.read(PREFIX, text)
    except NotFound:
        login_id = UUID(int=0)
    row = await database.fetchrow(_WORKSPACE_OF, login_id, text)
    if row is None:
        raise NotFound(message("There is no SFTP login '{text}'.", text=excerpt(text)))
    return await find_login(database, row["workspace_id"], row["id"])


async def find_candidate(database: Database, username: str) -> LoginCandidate | None:
    """Return the login of a user name; None if it is unknown or revoked."""
    row = await database.fetchrow(_BY_USERNAME, username) if storable_text.is_storable(username) else None
    if row is None:
        return None
    return LoginCandidate(await find_login(database, row["workspace_id"], row["id"]), row["password_hash"])


async def check_password(
    database: Database, candidate: LoginCandidate | None, password: str, now: datetime
) -> bool:
    """Return whether a password is right; count a wrong one. Takes as long for an unknown user name."""
    password_hash = candidate.password_hash if candidate else None
    is_correct = await asyncio.to_thread(_is_correct, password_hash or _DUMMY_HASH, password)
    if candidate is None or password_hash is None:
        return False
    login_id = candidate.login.id
    if not is_correct:
        await database.execute(_FAILED, login_id, _FAILURES_MAX, now + _LOCKED, now)
        return False
    # Other connections may have tried since this one loaded the login.
    return await database.fetchval(_IS_CURRENT, login_id, password_hash, now) is not None


async def record_login(database: Database, login_id: UUID, now: datetime) -> None:
    """Record the time of a login."""
    await database.execute(_USED, login_id, now)


def fingerprints(public_keys: tuple[str, ...]) -> list[str]:
    """Return the fingerprints of `id_ed25519.pub` style keys; raise Invalid naming every wrong one."""
    if len(public_keys) > KEYS_MAX:
        raise one_field(
            "/public_keys", "too-long", message("A login may have at most {most} keys.", most=KEYS_MAX)
        )
    known_fingerprints: list[str] = []
    for index, text in enumerate(public_keys):
        key_fingerprint = _fingerprint(text, f"/public_keys/{index}")
        if key_fingerprint not in known_fingerprints:
            known_fingerprints.append(key_fingerprint)
    return known_fingerprints


def _fingerprint(text: str, pointer: str) -> str:
    parts = text.split()
    if len(parts) < 2 or "PRIVATE" in text:
        raise _invalid_key(pointer)
    try:
        load_ssh_public_key(" ".join(parts[:2]).encode())
        return host_keys.fingerprint(text)
    except (ValueError, UnsupportedAlgorithm):
        raise _invalid_key(pointer) from None


def _invalid_key(pointer: str) -> Invalid:
    return one_field(
        pointer,
        "public-key",
        message("The public key is not in OpenSSH format, such as `ssh-ed25519 AAAA... name`."),
    )


def _is_correct(password_hash: str, password: str) -> bool:
    try:
        return bool(_hasher.verify(password_hash, password))
    except argon2.exceptions.VerificationError:
        return False


def _generate_username(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:40]
    head = slug if slug[:1].isalpha() else f"sftp-{slug}".rstrip("-")
    return f"{head}-{secrets.token_hex(4)}"


def _login(row: Record) -> Login:
    values = {name: row[name] for name in Login.__slots__}
    return Login(**values | {"fingerprints": tuple(row["fingerprints"])})


def _login_not_found() -> NotFound:
    return NotFound(message("The SFTP login does not exist or is already revoked."))
