"""Consents given by the owner of an address, where the law requires one before a contact.

Stored by keyed hash of the address, as suppressions are. A consent can be withdrawn at any time, with effect
from the next contact; its record stays, as evidence for contacts made while it was in force.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from getbill.kit import ids
from getbill.kit.database import Database, Statement, Transaction
from getbill.kit.errors import NotFound
from getbill.kit.messages import message

PREFIX = "consent"

_INSERT = Statement(
    "compliance.insert_consent",
    "Insert a consent, unless it is already in force.",
    """
    INSERT INTO consents (workspace_id, id, address_hash, kind, consent, source, given_at, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (workspace_id, address_hash, consent) WHERE withdrawn_at IS NULL DO NOTHING
    """,
)
_IN_FORCE = Statement(
    "compliance.find_consent",
    "Consent of this name that is in force for an address.",
    """
    SELECT id, kind, consent, source, given_at, created_at, withdrawn_at FROM consents
    WHERE workspace_id = $1 AND address_hash = $2 AND consent = $3 AND withdrawn_at IS NULL
    """,
)
_OF = Statement(
    "compliance.find_consents",
    "Consents in force for these addresses.",
    """
    SELECT address_hash, consent FROM consents
    WHERE workspace_id = $1 AND address_hash = ANY($2) AND withdrawn_at IS NULL
    """,
)
_LIST = Statement(
    "compliance.list_consents",
    "Consents, withdrawn ones included, newest first.",
    """
    SELECT id, kind, consent, source, given_at, created_at, withdrawn_at FROM consents
    WHERE workspace_id = $1 AND ($2::bytea IS NULL OR address_hash = $2)
    ORDER BY created_at DESC, id DESC LIMIT $3
    """,
)
_WITHDRAW = Statement(
    "compliance.withdraw_consent",
    "Withdraw a consent; the first withdrawal counts.",
    """
    UPDATE consents SET withdrawn_at = coalesce(withdrawn_at, $3) WHERE workspace_id = $1 AND id = $2
    RETURNING id, kind, consent, source, given_at, created_at, withdrawn_at, address_hash
    """,
)


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent: its name, how and when it was given, and when it was withdrawn; never the address."""

    id: UUID
    kind: str
    consent: str
    source: str
    given_at: datetime
    created_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A consent to record, by the keyed hash of an address of that kind."""

    kind: str
    address_hash: bytes
    consent: str
    source: str
    given_at: datetime


async def record_consent(tx: Transaction, workspace_id: UUID, new_consent: NewConsent) -> Consent:
    """Record a consent and return it; one in force is unchanged."""
    await tx.execute(
        _INSERT,
        workspace_id,
        ids.new(),
        new_consent.address_hash,
        new_consent.kind,
        new_consent.consent,
        new_consent.source,
        new_consent.given_at,
        tx.now,
    )
    row = await tx.fetchrow(_IN_FORCE, workspace_id, new_consent.address_hash, new_consent.consent)
    assert row is not None  # noqa: S101 - inserted, or there before
    return _consent_of_row(row)


async def withdraw(tx: Transaction, workspace_id: UUID, consent_id: UUID) -> tuple[Consent, bytes]:
    """Mark a consent as withdrawn and return it with its hash; raise NotFound for an unknown id."""
    row = await tx.fetchrow(_WITHDRAW, workspace_id, consent_id, tx.now)
    if row is None:
        raise NotFound(message("There is no consent {consent}.", consent=ids.show(PREFIX, consent_id)))
    return _consent_of_row(row), row["address_hash"]


async def granted_consents(
    tx: Transaction, workspace_id: UUID, hashes: Iterable[bytes]
) -> frozenset[tuple[bytes, str]]:
    """Return the consents in force for these addresses, as pairs of hash and consent name."""
    rows = await tx.fetch(_OF, workspace_id, list(hashes))
    return frozenset((row["address_hash"], row["consent"]) for row in rows)


async def consents(
    database: Database, workspace_id: UUID, limit: int, address_hash: bytes | None = None
) -> list[Consent]:
    """Return the newest consents, or those of an address."""
    return [_consent_of_row(row) for row in await database.fetch(_LIST, workspace_id, address_hash, limit)]


def _consent_of_row(row: Record) -> Consent:
    return Consent(*(row[name] for name in Consent.__slots__))
