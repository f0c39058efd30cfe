"""Creation, update and erasure of debtors."""

from functools import partial
from typing import Any
from uuid import UUID

from getbill import vault
from getbill.companies import Workspace
from getbill.debtors.comparison import fill_missing
from getbill.debtors.model import Debtor, Identity, IdentityHashes, hash_identity, seal
from getbill.kit import ids
from getbill.kit.database import Statement, Transaction

_INSERT = Statement(
    "debtors.insert",
    "Meet a debtor.",
    """
    INSERT INTO debtors (workspace_id, id, identity, lookup, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5)
    """,
)
_INSERT_MATCH = Statement(
    "debtors.insert_match",
    "Let later debts recognise a new debtor; fails when somebody else has just taken the hash.",
    "INSERT INTO debtor_matches (workspace_id, match, debtor_id) VALUES ($1, $2, $3)",
)
_ADD_MATCHES = Statement(
    "debtors.add_matches",
    "Let later debts recognise a debtor by what was learned, unless it already stands for somebody.",
    """
    INSERT INTO debtor_matches (workspace_id, match, debtor_id) SELECT $1, unnest($2::bytea[]), $3
    ON CONFLICT DO NOTHING
    """,
)
_SHARE_CODE = Statement(
    "debtors.share_code",
    "A customer code stands for several people: from now on it recognises nobody.",
    """
    INSERT INTO debtor_matches (workspace_id, match, debtor_id) VALUES ($1, $2, NULL)
    ON CONFLICT (workspace_id, match) DO UPDATE SET debtor_id = NULL
    """,
)
_REASSIGN_MATCH = Statement(
    "debtors.take_over",
    "A hash found somebody who bears another name now: it finds the debtor who bears it.",
    "UPDATE debtor_matches SET debtor_id = $3 WHERE workspace_id = $1 AND match = $2 AND debtor_id IS NOT NULL",
)
_DROP_MATCHES = Statement(
    "debtors.drop_matches",
    "Some hashes find this debtor no longer.",
    "DELETE FROM debtor_matches WHERE workspace_id = $1 AND debtor_id = $2 AND match = ANY($3)",
)
_UPDATE = Statement(
    "debtors.update",
    "Keep what was learned of a debtor.",
    "UPDATE debtors SET identity = $3, lookup = $4, updated_at = $5 WHERE workspace_id = $1 AND id = $2",
)
_DELETE_MATCHES = Statement(
    "debtors.forget_matches",
    "No later debt recognises this debtor any more.",
    "DELETE FROM debtor_matches WHERE workspace_id = $1 AND debtor_id = $2",
)
_ERASE = Statement(
    "debtors.erase",
    "Forget who a debtor was.",
    """
    UPDATE debtors SET identity = NULL, lookup = '{}', erased_at = $3, updated_at = $3
    WHERE workspace_id = $1 AND id = $2
    """,
)


def create(
    tx: Transaction,
    workspace: Workspace,
    identity: Identity,
    identity_hashes: IdentityHashes,
    free_matches: list[bytes],
) -> Debtor:
    """Create a debtor and store the free match hashes for them.

    Match hashes are unique: of two concurrent requests that create the same person, the loser fails and must
    retry.
    """
    debtor_id = ids.new()
    key = vault.make_key(tx, workspace.vault, workspace.id, debtor_id)
    debtor = Debtor(debtor_id, workspace.id, identity, key, tx.now, tx.now, is_new=True)

    def row() -> tuple[Any, ...]:
        # Read at the end of the transaction: another debt of the same request may have added to it.
        current_identity = debtor.identity
        lookups = (
            identity_hashes.lookups
            if current_identity is identity
            else hash_identity(current_identity, workspace.lookup).lookups
        )
        return workspace.id, debtor_id, seal(current_identity, key, workspace.id, debtor_id), lookups, tx.now

    tx.defer_row(_INSERT, row)
    code = identity_hashes.matches[0] if identity.reference else None
    for match in free_matches:
        if match == code:
            tx.defer_row(_INSERT_MATCH, partial(_match_row, debtor, match))
        else:
            tx.defer(_INSERT_MATCH, workspace.id, match, debtor_id)
    return debtor


def _match_row(debtor: Debtor, match: bytes) -> tuple[UUID, bytes, UUID | None]:
    return debtor.workspace_id, match, None if match in debtor.shared_codes else debtor.id


def share_code(tx: Transaction, workspace: Workspace, debtor: Debtor, match: bytes) -> None:
    """Mark a code that recognised a debtor as shared, so that it recognises no debtor any more."""
    debtor.shared_codes |= {match}
    if not debtor.is_new or match in debtor.learned_matches:
        tx.defer(_SHARE_CODE, workspace.id, match)


def reassign_match(tx: Transaction, workspace: Workspace, debtor: Debtor, match: bytes) -> None:
    """Move a match hash to this debtor, whom it describes, from the one it described before."""
    tx.defer(_REASSIGN_MATCH, workspace.id, match, debtor.id)


async def fill(tx: Transaction, workspace: Workspace, debtor: Debtor, later: Identity) -> list[bytes]:
    """Fill unknown fields from a later debt of the same person; known fields stay.

    Returns the match hashes that are new.
    """
    return await update(tx, workspace, debtor, fill_missing(debtor.identity, later))


async def restore(tx: Transaction, workspace: Workspace, debtor: Debtor, identity: Identity) -> None:
    """Restore an earlier identity of a locked debtor; hashes of what replaced it no longer match."""
    replaced_matches = hash_identity(debtor.identity, workspace.lookup).matches
    await update(tx, workspace, debtor, identity)
    restored_matches = hash_identity(identity, workspace.lookup).matches
    await tx.execute(
        _DROP_MATCHES,
        workspace.id,
        debtor.id,
        [match for match in replaced_matches if match not in restored_matches],
    )


async def merge(tx: Transaction, workspace: Workspace, debtor: Debtor, later: Identity) -> list[bytes]:
    """Update an identity from a later debt of the same person: its fields replace known ones, none is lost.

    Returns the match hashes that are new.
    """
    return await update(tx, workspace, debtor, debtor.identity.merged_with(later))


async def update(tx: Transaction, workspace: Workspace, debtor: Debtor, identity: Identity) -> list[bytes]:
    """Replace a locked debtor's identity and return the match hashes that are new."""
    if identity == debtor.identity:
        return []
    before, after = (hash_identity(version, workspace.lookup) for version in (debtor.identity, identity))
    new_matches = [match for match in after.matches if match not in before.matches]
    debtor.identity = identity
    debtor.updated_at = tx.now
    if debtor.is_new:
        debtor.learned_matches |= frozenset(new_matches)
        tx.defer_row(_ADD_MATCHES, partial(_new_matches_row, debtor, new_matches))
        return new_matches
    sealed = seal(identity, debtor.key, workspace.id, debtor.id)
    await tx.execute(_UPDATE, workspace.id, debtor.id, sealed, after.lookups, tx.now)
    await tx.execute(_ADD_MATCHES, workspace.id, after.matches, debtor.id)
    return new_matches


def _new_matches_row(debtor: Debtor, new_matches: list[bytes]) -> tuple[UUID, list[bytes], UUID]:
    return (
        debtor.workspace_id,
        [match for match in new_matches if match not in debtor.shared_codes],
        debtor.id,
    )


async def erase(tx: Transaction, workspace_id: UUID, debtor_id: UUID) -> None:
    """Erase a debtor for good: key, identity, and every hash that could recognise them."""
    await tx.execute(_DELETE_MATCHES, workspace_id, debtor_id)
    await tx.execute(_ERASE, workspace_id, debtor_id, tx.now)
    await vault.destroy(tx, workspace_id, debtor_id, "debtor")
