"""Creation, update and erasure of debtors."""

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from getbill import vault
from getbill.access import Actor
from getbill.companies import Workspace
from getbill.debtors.identity_changes import learned, with_source
from getbill.debtors.model import Debtor, Identity, IdentityHashes, hash_identity, seal
from getbill.kit import ids
from getbill.kit.database import Statement, Transaction

_INSERT = Statement(
    "debtors.insert_debtor",
    "Insert a debtor.",
    """
    INSERT INTO debtors (workspace_id, id, identity, lookup, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $5)
    """,
)
_INSERT_MATCH = Statement(
    "debtors.insert_match",
    "Insert a match of a new debtor; fails if another transaction inserted the hash.",
    "INSERT INTO debtor_matches (workspace_id, match, debtor_id) VALUES ($1, $2, $3)",
)
_ADD_MATCHES = Statement(
    "debtors.add_matches",
    "Insert matches of a debtor; hashes that match somebody already stay as they are.",
    """
    INSERT INTO debtor_matches (workspace_id, match, debtor_id) SELECT $1, unnest($2::bytea[]), $3
    ON CONFLICT DO NOTHING
    """,
)
_SHARE_CODE = Statement(
    "debtors.share_code",
    "Mark a customer code as shared by several debtors, so that it matches nobody.",
    """
    INSERT INTO debtor_matches (workspace_id, match, debtor_id) VALUES ($1, $2, NULL)
    ON CONFLICT (workspace_id, match) DO UPDATE SET debtor_id = NULL
    """,
)
_REASSIGN_MATCH = Statement(
    "debtors.reassign_match",
    "Reassign a hash to the debtor who bears the name now.",
    "UPDATE debtor_matches SET debtor_id = $3 WHERE workspace_id = $1 AND match = $2 AND debtor_id IS NOT NULL",
)
_MOVE_MATCHES = Statement(
    "debtors.move_matches",
    "Reassign those of some hashes that belong to certain debtors.",
    """
    UPDATE debtor_matches SET debtor_id = $3
    WHERE workspace_id = $1 AND match = ANY($2) AND debtor_id = ANY($4)
    """,
)
_DROP_MATCHES = Statement(
    "debtors.drop_matches",
    "Delete some matches of a debtor.",
    "DELETE FROM debtor_matches WHERE workspace_id = $1 AND debtor_id = $2 AND match = ANY($3)",
)
_UPDATE = Statement(
    "debtors.update_debtor",
    "Update the identity of a debtor.",
    """
    UPDATE debtors SET identity = $3, lookup = $4, updated_at = $5, version = $6
    WHERE workspace_id = $1 AND id = $2
    """,
)
_DELETE_MATCHES = Statement(
    "debtors.delete_matches",
    "Delete every match of a debtor.",
    "DELETE FROM debtor_matches WHERE workspace_id = $1 AND debtor_id = $2",
)
_ERASE = Statement(
    "debtors.erase_debtor",
    "Erase the identity of a debtor; one merged into another keeps the other's id.",
    """
    UPDATE debtors SET identity = NULL, lookup = '{}', erased_at = $3, updated_at = $3, merged_into = $4
    WHERE workspace_id = $1 AND id = $2
    """,
)
_ERASE_HISTORY = Statement(
    "debtors.erase_history",
    "Delete the history of a debtor.",
    "DELETE FROM debtor_history WHERE workspace_id = $1 AND debtor_id = $2",
)


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A stored debtor whose identity a transaction changed, the identity before it, and who asked for it."""

    workspace: Workspace
    debtor: Debtor
    before: Identity
    actor: Actor | None = None


def create(
    tx: Transaction,
    workspace: Workspace,
    identity: Identity,
    identity_hashes: IdentityHashes,
    free_matches: list[bytes],
    source: str = "api",
) -> Debtor:
    """Create a debtor, whose addresses come from a source, and store the free match hashes for them.

    Match hashes are unique: of two concurrent requests that create the same person, the loser fails and must
    retry.
    """
    debtor_id = ids.new()
    key = vault.make_key(tx, workspace.vault, workspace.id, debtor_id)
    first_identity = with_source(identity, source)
    debtor = Debtor(debtor_id, workspace.id, first_identity, key, tx.now, tx.now, is_new=True)

    def row() -> tuple[Any, ...]:
        # Read at the end of the transaction: another debt of the same request may have added to it.
        current_identity = debtor.identity
        lookups = (
            identity_hashes.lookups
            if current_identity is first_identity
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


def learn(tx: Transaction, workspace: Workspace, debtor: Debtor, later: Identity, source: str) -> list[bytes]:
    """Add what a later description of the same person brings; what is known stays.

    Returns the match hashes that are new. A stored debtor is written at the end of the transaction: lock them
    before that.
    """
    identity = learned(debtor.identity, later, source)
    if identity == debtor.identity:
        return []
    new_matches = _change_identity(tx, workspace, debtor, identity)
    if debtor.is_new:
        debtor.learned_matches |= frozenset(new_matches)
        tx.defer_row(_ADD_MATCHES, partial(_new_matches_row, debtor, new_matches))
        return new_matches
    if not debtor.is_write_deferred:
        debtor.is_write_deferred = True
        tx.defer_row(_UPDATE, partial(_updated_row, workspace, debtor))
    tx.defer(_ADD_MATCHES, workspace.id, new_matches, debtor.id)
    return new_matches


async def restore(tx: Transaction, workspace: Workspace, debtor: Debtor, identity: Identity) -> None:
    """Restore an earlier identity of a locked debtor; hashes of what replaced it no longer match."""
    replaced_matches = hash_identity(debtor.identity, workspace.lookup).matches
    await update(tx, workspace, debtor, identity)
    await drop_matches(tx, workspace, debtor, replaced_matches)


async def drop_matches(tx: Transaction, workspace: Workspace, debtor: Debtor, earlier: list[bytes]) -> None:
    """Delete those earlier match hashes of a debtor that no longer describe them."""
    current = hash_identity(debtor.identity, workspace.lookup).matches
    outdated = [match for match in earlier if match not in current]
    await tx.execute(_DROP_MATCHES, workspace.id, debtor.id, outdated)


async def update(
    tx: Transaction, workspace: Workspace, debtor: Debtor, identity: Identity, actor: Actor | None = None
) -> None:
    """Replace a locked debtor's identity."""
    if identity == debtor.identity:
        return
    _change_identity(tx, workspace, debtor, identity, actor)
    row = _updated_row(workspace, debtor)
    await tx.execute(_UPDATE, *row)
    await tx.execute(_ADD_MATCHES, workspace.id, hash_identity(identity, workspace.lookup).matches, debtor.id)


async def assign_matches(tx: Transaction, workspace: Workspace, debtor: Debtor, losers: list[UUID]) -> None:
    """Give a debtor every match hash that describes them and is free or belongs to one of the losers."""
    matches = hash_identity(debtor.identity, workspace.lookup).matches
    await tx.execute(_MOVE_MATCHES, workspace.id, matches, debtor.id, losers)
    await tx.execute(_ADD_MATCHES, workspace.id, matches, debtor.id)


def _change_identity(
    tx: Transaction, workspace: Workspace, debtor: Debtor, identity: Identity, actor: Actor | None = None
) -> list[bytes]:
    before, after = (hash_identity(version, workspace.lookup) for version in (debtor.identity, identity))
    if not debtor.is_new:
        earlier = tx.changed_people.get(debtor.id)
        tx.changed_people[debtor.id] = PersonChange(
            workspace, debtor, earlier.before if earlier else debtor.identity, actor
        )
        debtor.version += 1
    debtor.identity = identity
    debtor.updated_at = tx.now
    return [match for match in after.matches if match not in before.matches]


def _updated_row(workspace: Workspace, debtor: Debtor) -> tuple[Any, ...]:
    sealed = seal(debtor.identity, debtor.key, workspace.id, debtor.id)
    lookups = hash_identity(debtor.identity, workspace.lookup).lookups
    return workspace.id, debtor.id, sealed, lookups, debtor.updated_at, debtor.version


def _new_matches_row(debtor: Debtor, new_matches: list[bytes]) -> tuple[UUID, list[bytes], UUID]:
    return (
        debtor.workspace_id,
        [match for match in new_matches if match not in debtor.shared_codes],
        debtor.id,
    )


async def erase(
    tx: Transaction, workspace_id: UUID, debtor_id: UUID, *, merged_into: UUID | None = None
) -> None:
    """Erase a debtor for good: key, identity, history, and every hash that could recognise them."""
    await tx.execute(_DELETE_MATCHES, workspace_id, debtor_id)
    await tx.execute(_ERASE, workspace_id, debtor_id, tx.now, merged_into)
    await tx.execute(_ERASE_HISTORY, workspace_id, debtor_id)
    await vault.destroy(tx, workspace_id, debtor_id, "debtor")
    tx.changed_people.pop(debtor_id, None)
